package webhooks

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
)

const (
	// MaxWebhooks bounds the webhooks in use, all of which are looked after
	// each second.
	MaxWebhooks = 100
	// MaxPage is the most deliveries one call returns.
	MaxPage = 200
	maxURL  = 2048
)

// What the store keeps, for doors.
type (
	Webhook  = store.Webhook
	Delivery = store.Delivery
	Attempt  = store.DeliveryAttempt
)

// Deps is what the use cases work with.
type Deps struct {
	Store  *store.Store
	Master *signing.Master
	Now    func() time.Time
}

// Service is the use cases about webhooks. It is safe for concurrent use.
type Service struct{ Deps }

// New makes the use cases.
func New(d Deps) *Service { return &Service{d} }

// clock is the instant of one use case, as precise as the store keeps it.
func (s *Service) clock() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// NewWebhook describes a webhook.
type NewWebhook struct {
	Environment license.Environment // whose events it hears of
	URL         string
	Events      []event.Type // empty: all that are offered
}

// Add makes a webhook and returns the secret that its messages are signed
// with, which cannot be had again. It hears of what happens from now on.
func (s *Service) Add(ctx context.Context, actor account.Actor, in NewWebhook) (Webhook, string, error) {
	if err := actor.Require(account.WebhooksWrite); err != nil {
		return Webhook{}, "", err
	}
	h, err := s.newWebhook(actor, in)
	if err != nil {
		return Webhook{}, "", err
	}
	secret := signing.NewWebhookSecret()
	sealed, err := s.Master.Seal([]byte(secret), Binding(h.ID))
	if err != nil {
		return Webhook{}, "", err
	}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		if list, err := tx.Webhooks(ctx, "", MaxWebhooks); err != nil || len(list) == MaxWebhooks {
			return firstOf(err, fault.New(fault.Conflict, "webhooks_full", fmt.Sprintf("There are %d webhooks already.", MaxWebhooks)).
				WithNext("Remove one that is not needed any more."))
		}
		if err := tx.AddWebhook(ctx, h, sealed); err != nil {
			return err
		}
		return tx.AppendEvent(ctx, about(event.WebhookCreated, actor, h, h.CreatedAt))
	})
	if err != nil {
		return Webhook{}, "", err
	}
	return h, secret, nil
}

// Binding is where the secret of a webhook is sealed to.
func Binding(hook id.ID) signing.Binding {
	return signing.Binding{Table: "webhook", Column: "secret_sealed", Row: string(hook)}
}

func firstOf(err error, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// about starts an event about a webhook.
func about(t event.Type, actor account.Actor, h Webhook, now time.Time) event.Event {
	e := event.New(t, actor, now)
	e.Environment, e.Data.Subject = h.Environment, h.ID
	return e
}

func (s *Service) newWebhook(actor account.Actor, in NewWebhook) (Webhook, error) {
	var problems fault.Problems
	h := Webhook{
		ID: id.New(), Environment: in.Environment, URL: target(&problems, in.URL),
		Events: slices.Compact(slices.Sorted(slices.Values(in.Events))), CreatedAt: s.clock(),
	}
	if !in.Environment.Known() || !reaches(actor, in.Environment) {
		problems.Add("environment", "Choose production, staging or development, as far as you may act there.")
	}
	for _, t := range h.Events {
		if !slices.Contains(event.Offered(), t) {
			problems.Add("events", fmt.Sprintf("There is no event %.64q. Leave it out for all of them, or choose from: %s.", t, offered()))
			break
		}
	}
	if err := problems.Err(); err != nil {
		return Webhook{}, err
	}
	return h, nil
}

func offered() string {
	var names []string
	for _, t := range event.Offered() {
		names = append(names, string(t))
	}
	return strings.Join(names, ", ")
}

// reaches reports whether an actor may act in an environment: a token only in
// its own.
func reaches(actor account.Actor, e license.Environment) bool {
	return actor.Environment == "" || actor.Environment == e
}

// target admits https, and http only to an address that is inside anyway.
// Whether an address may be reached is decided when it is dialed: names can
// change where they lead.
func target(problems *fault.Problems, s string) string {
	s = strings.TrimSpace(s)
	u, err := url.Parse(s)
	switch {
	case err != nil || len(s) > maxURL || u.Hostname() == "" || u.User != nil || u.Fragment != "" || strings.ContainsAny(s, " \t\r\n"),
		u.Scheme != "https" && (u.Scheme != "http" || !inside(u.Hostname())):
		problems.Add("url", `Enter a whole web address such as "https://example.com/keyward". Plain http is for internal addresses such as http://10.0.0.5 only.`)
	}
	return s
}

func inside(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	ip := net.ParseIP(host)
	return err == nil && (a.Unmap().IsPrivate() || ip.IsLoopback())
}

// List returns the webhooks in use that the actor may see, oldest first.
func (s *Service) List(ctx context.Context, actor account.Actor) ([]Webhook, error) {
	if err := actor.Require(account.WebhooksWrite); err != nil {
		return nil, err
	}
	return s.Store.Webhooks(ctx, actor.Environment, MaxWebhooks)
}

// Remove takes a webhook out of use. What waits for it is given up; what was
// delivered can be looked at until it is purged. The second time changes
// nothing.
func (s *Service) Remove(ctx context.Context, actor account.Actor, hook id.ID) error {
	if err := actor.Require(account.WebhooksWrite); err != nil {
		return err
	}
	now := s.clock()
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		h, err := tx.LockWebhook(ctx, hook)
		if err := visible(actor, h, err); err != nil || !h.RemovedAt.IsZero() {
			return err
		}
		if err := tx.RemoveWebhook(ctx, hook, now); err != nil {
			return err
		}
		return tx.AppendEvent(ctx, about(event.WebhookRemoved, actor, h, now))
	})
}

// visible turns a webhook that is not there, or not in the actor's
// environment, into the same fault.
func visible(actor account.Actor, h Webhook, err error) error {
	if store.IsNotFound(err) || err == nil && !reaches(actor, h.Environment) {
		return fault.Missing("webhook")
	}
	return err
}

// Deliveries lists the latest deliveries to a webhook, newest first.
func (s *Service) Deliveries(ctx context.Context, actor account.Actor, hook id.ID, limit int) ([]Delivery, error) {
	if err := actor.Require(account.WebhooksWrite); err != nil {
		return nil, err
	}
	h, err := s.Store.Webhook(ctx, hook)
	if err := visible(actor, h, err); err != nil {
		return nil, err
	}
	return s.Store.Deliveries(ctx, hook, min(max(limit, 1), MaxPage))
}

// Delivery returns one delivery with everything that was tried.
func (s *Service) Delivery(ctx context.Context, actor account.Actor, delivery id.ID) (Delivery, []Attempt, error) {
	if err := actor.Require(account.WebhooksWrite); err != nil {
		return Delivery{}, nil, err
	}
	d, _, err := owned(ctx, s.Store.Reader, actor, delivery)
	if err != nil {
		return Delivery{}, nil, err
	}
	attempts, err := s.Store.DeliveryAttempts(ctx, delivery)
	return d, attempts, err
}

func owned(ctx context.Context, r store.Reader, actor account.Actor, delivery id.ID) (Delivery, Webhook, error) {
	d, err := r.Delivery(ctx, delivery)
	if err != nil {
		if store.IsNotFound(err) {
			err = fault.Missing("delivery")
		}
		return d, Webhook{}, err
	}
	h, err := r.Webhook(ctx, d.WebhookID)
	if store.IsNotFound(err) || err == nil && !reaches(actor, h.Environment) {
		err = fault.Missing("delivery")
	}
	return d, h, err
}

// Retry has an event delivered again, as a delivery of its own, whatever became
// of the first one. One that still waits is not doubled.
func (s *Service) Retry(ctx context.Context, actor account.Actor, delivery id.ID) (Delivery, error) {
	if err := actor.Require(account.WebhooksWrite); err != nil {
		return Delivery{}, err
	}
	again := Delivery{ID: id.New(), State: store.DeliveryWaiting, RetryOf: delivery, CreatedAt: s.clock()}
	again.NextAt = again.CreatedAt
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		d, h, err := owned(ctx, tx.Reader, actor, delivery)
		if err != nil {
			return err
		}
		if !h.RemovedAt.IsZero() {
			return fault.New(fault.Conflict, "webhook_removed", "This webhook was removed.").WithNext("Add it again: it then hears of what happens from then on.")
		}
		if d.State == store.DeliveryWaiting {
			return fault.New(fault.Conflict, "delivery_waits", "This delivery is not given up.").
				WithNext("It is tried again at " + d.NextAt.Format("15:04 UTC") + ".")
		}
		again.WebhookID, again.Type = d.WebhookID, d.Type
		if again.Body, err = renamed(d.Body, again.ID); err != nil {
			return err
		}
		return tx.AddDelivery(ctx, again)
	})
	if err != nil {
		return Delivery{}, err
	}
	return again, nil
}

// Body is what a webhook is sent (C-WHK-02).
type Body struct {
	Event       event.Type          `json:"event"`
	WebhookID   id.ID               `json:"webhook_id"`
	DeliveryID  id.ID               `json:"delivery_id"`
	Timestamp   time.Time           `json:"timestamp"` // of the event
	Environment license.Environment `json:"environment"`
	Payload     json.RawMessage     `json:"payload"`
}

// renamed is the body of another delivery of the same event.
func renamed(body string, delivery id.ID) (string, error) {
	var b Body
	if err := json.Unmarshal([]byte(body), &b); err != nil {
		return "", fmt.Errorf("body of a delivery: %w", err)
	}
	b.DeliveryID = delivery
	text, err := json.Marshal(b)
	return string(text), err
}
