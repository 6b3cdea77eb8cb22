package licensing

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/verdict"
)

// Call is what shipped software asks.
type Call struct {
	Key         string
	Device      *license.Device
	Product     string // id or slug; "" does not ask
	Environment license.Environment
	Version     string
	Features    []string
	Nonce       string    // comes back in the lease
	ClientTime  time.Time // the caller's clock, if it says
	Idempotency string    // key of a retry; activate and deactivate
	Claim       string    // code of a reserved seat; activate
}

// Limits of what a call may carry.
const (
	maxFeatures    = 50
	maxFeature     = 64
	maxNonce       = 128
	maxIdempotency = 128
	maxProduct     = 64
	maxClaim       = 32
)

// check tidies a call, or says which of its fields is wrong.
func (c Call) check() (Call, error) {
	var p fault.Problems
	c.Key = strings.TrimSpace(c.Key)
	switch {
	case c.Key == "":
		p.Add("key", "Send the license key.")
	case len(c.Key) > MaxKey:
		p.Add("key", "A license key has at most 255 characters.")
	case !utf8.ValidString(c.Key):
		p.Add("key", "Send valid UTF-8 text.")
	}
	if c.Version != "" && !verdict.ValidVersion(c.Version) {
		p.Add("version", "Send a version such as 8.4.1, at most 64 characters.")
	}
	if c.Environment != "" && !c.Environment.Known() {
		p.Add("environment", "Use production, staging or development.")
	}
	checkWord(&p, "nonce", c.Nonce, maxNonce)
	checkWord(&p, "product", c.Product, maxProduct)
	checkWord(&p, "claim", c.Claim, maxClaim)
	checkWord(&p, "idempotency_key", c.Idempotency, maxIdempotency)
	checkFeatures(&p, c.Features)
	if c.Device != nil {
		device, problem := c.Device.Check()
		c.Device = &device
		if problem != nil {
			for _, f := range problem.Fields {
				p.Add(f.Name, f.Message)
			}
		}
	}
	return c, asError(p.Err())
}

func checkFeatures(p *fault.Problems, features []string) {
	if len(features) > maxFeatures {
		p.Add("features", "Ask for at most 50 features.")
		return
	}
	for _, f := range features {
		if f == "" || len(f) > maxFeature {
			p.Add("features", "A feature key has 1 to 64 characters.")
			return
		}
		checkWord(p, "features", f, maxFeature)
	}
}

func checkWord(p *fault.Problems, field, s string, maxBytes int) {
	if len(s) > maxBytes {
		p.Add(field, "Shorten it: it is longer than allowed.")
		return
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		p.Add(field, "Use printable ASCII characters.")
	}
}

// request is what the call asks of Evaluate.
func (s *Service) request(ctx context.Context, actor account.Actor, c Call, p verdict.Purpose) (license.Request, error) {
	product, err := s.askedProduct(ctx, actor.Environment, c.Product)
	return license.Request{
		Purpose: p, CallerEnvironment: actor.Environment, CallerProduct: actor.ProductID,
		Environment: c.Environment, ProductID: product,
		Device: c.Device, Version: c.Version, Features: c.Features, ClientTime: c.ClientTime,
		Claim: c.Claim,
	}, err
}

// noProduct is the id of no product: what an unknown slug asks for.
const noProduct id.ID = "none"

func (s *Service) askedProduct(ctx context.Context, env license.Environment, asked string) (id.ID, error) {
	if asked == "" {
		return "", nil
	}
	if product, err := id.Parse(asked); err == nil {
		return product, nil
	}
	p, err := s.Store.ProductBySlug(ctx, env, asked)
	if store.IsNotFound(err) {
		return noProduct, nil
	}
	return p.ID, err
}
