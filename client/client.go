package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/keyward/keyward/licensefile"
)

// Options say who asks, and whom to believe.
type Options struct {
	BaseURL    string // of the server, without /api/v2
	Token      string // client token of the product
	Product    string // id of the product
	ProductKey string // public keys of the product as the server shows them, one per line
	Device     Device // zero: the license is asked about without a device
	CachePath  string // file for the last answer; "" keeps none
	Version    string // of the software that asks, if any

	HTTPClient *http.Client     // nil: one with a time limit; redirects are never followed
	Now        func() time.Time // nil: the clock of the device
}

// Device is the device that the software runs on.
type Device struct {
	ID       string // stays the same for the device
	Name     string // what its owner knows it by
	Kind     string // "hardware" or "domain"; "" is hardware
	Platform string // operating system and architecture
}

// Client asks about licenses. It is safe for concurrent use.
type Client struct {
	o    Options
	base *url.URL
	http *http.Client
	keys licensefile.KeySet
	wait func(context.Context, time.Duration) error

	mu sync.Mutex // the file at CachePath
}

// attemptTime bounds one attempt of the default HTTP client.
const attemptTime = 15 * time.Second

// New makes a client. It asks nobody yet.
func New(o Options) (*Client, error) {
	base, err := url.Parse(o.BaseURL)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" || base.RawQuery != "" || base.User != nil {
		return nil, errors.New("keyward: BaseURL must be an address such as https://licenses.example.com")
	}
	if o.Token == "" || o.Product == "" {
		return nil, errors.New("keyward: Token and Product are required")
	}
	keys, err := licensefile.ParseKeySet([]byte(o.ProductKey))
	if err != nil {
		return nil, fmt.Errorf("keyward: ProductKey: %w", err)
	}
	if o.Device, err = checkDevice(o.Device); err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Client{o: o, base: base, http: withoutRedirects(o.HTTPClient), keys: keys, wait: sleep}, nil
}

// checkDevice returns the device in the form in which the server signs it.
func checkDevice(d Device) (Device, error) {
	d.ID = strings.TrimSpace(d.ID)
	if d.ID == "" && d != (Device{}) {
		return d, errors.New("keyward: a device needs an ID")
	}
	host := strings.ToLower(d.ID) == d.ID && !strings.ContainsAny(d.ID, ":/?# ") &&
		!strings.HasPrefix(d.ID, "www.") && !strings.HasSuffix(d.ID, ".")
	if d.Kind == "domain" && !host {
		return d, errors.New("keyward: the ID of a domain must be a plain host name such as example.com")
	}
	return d, nil
}

// withoutRedirects copies the client: a redirect would carry license key and
// token to somebody else.
func withoutRedirects(given *http.Client) *http.Client {
	c := http.Client{Timeout: attemptTime}
	if given != nil {
		c = *given
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Validate asks whether the license is good to use on this device and includes
// the features. When the server is away it answers from the last answer that
// was kept, if that is still good.
func (c *Client) Validate(ctx context.Context, key string, features ...string) (*Answer, error) {
	return c.askOrRecall(ctx, "validate", key, features)
}

// CheckIn is Validate for software that runs for long: it also keeps the
// device's seat. Call it now and then.
func (c *Client) CheckIn(ctx context.Context, key string, features ...string) (*Answer, error) {
	return c.askOrRecall(ctx, "check-in", key, features)
}

// ActivateOption adds to an activation.
type ActivateOption func(*question)

// Claim presents the code of a seat that is kept for this device: the portal
// shows it when another device is replaced.
func Claim(code string) ActivateOption { return func(q *question) { q.Claim = code } }

// Activate takes a seat of the license for this device. Repeating it takes no
// second one. Where no seat is free, Answer.HelpLink leads to the page where
// one can be had. It needs the server: without it the error is ErrAway.
func (c *Client) Activate(ctx context.Context, key string, options ...ActivateOption) (*Answer, error) {
	q := c.question(key, nil)
	for _, option := range options {
		option(&q)
	}
	return c.put(ctx, "activate", q)
}

// Deactivate gives this device's seat back. The answer's verdict is that of
// using the license afterwards, so that NotActivated says that it worked. It
// needs the server: without it the error is ErrAway.
func (c *Client) Deactivate(ctx context.Context, key string) (*Answer, error) {
	return c.ask(ctx, "deactivate", key, nil)
}

func (c *Client) askOrRecall(ctx context.Context, call, key string, features []string) (*Answer, error) {
	a, err := c.ask(ctx, call, key, features)
	if !errors.Is(err, ErrAway) || errors.Is(ctx.Err(), context.Canceled) {
		return a, err
	}
	kept, why := c.recall(key, features)
	if why != nil {
		return nil, fmt.Errorf("%w; %w", err, why)
	}
	return kept, nil
}

// ask asks the server, and keeps what it says.
func (c *Client) ask(ctx context.Context, call, key string, features []string) (*Answer, error) {
	return c.put(ctx, call, c.question(key, features))
}

func (c *Client) put(ctx context.Context, call string, q question) (*Answer, error) {
	raw, err := c.send(ctx, call, q)
	if err != nil {
		return nil, err
	}
	a, err := c.believe(raw, q.Nonce)
	if err != nil {
		return nil, err
	}
	a.CacheError = c.keep(q.Key, q.Features, raw.Lease, a.Lease)
	return a, nil
}

// question is the body of a call.
type question struct {
	Key        string    `json:"key"`
	Device     *device   `json:"device,omitempty"`
	Product    string    `json:"product"`
	Version    string    `json:"version,omitempty"`
	Features   []string  `json:"features,omitempty"`
	Nonce      string    `json:"nonce"`
	Claim      string    `json:"claim,omitempty"`
	ClientTime time.Time `json:"client_time"`
}

type device struct {
	ID       string `json:"id"`
	Name     string `json:"name,omitempty"`
	Kind     string `json:"kind,omitempty"`
	Platform string `json:"platform,omitempty"`
}

func (c *Client) question(key string, features []string) question {
	q := question{
		Key: key, Product: c.o.Product, Version: c.o.Version, Features: features,
		Nonce: rand.Text(), ClientTime: c.o.Now().UTC().Truncate(time.Second),
	}
	if c.o.Device != (Device{}) {
		d := device(c.o.Device)
		q.Device = &d
	}
	return q
}
