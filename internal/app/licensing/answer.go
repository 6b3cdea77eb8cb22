package licensing

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/licensefile"
	"github.com/keyward/keyward/verdict"
)

// answer makes what a token gets to see, and signs it. It runs after the
// commit: what is signed is durable.
func (s *Service) answer(ctx context.Context, actor account.Actor, c Call, f license.Facts, v verdict.Verdict) (Answer, error) {
	a := Answer{Verdict: s.seenBy(actor, f, v)}
	if f.License != nil && !mismatched(v) {
		a.License, a.Product, a.Activation = f.License, &f.Product, f.Device
	}
	product := actor.ProductID
	if product == "" && a.Product != nil {
		product = a.Product.ID
	}
	if product == "" {
		return a, nil
	}
	lease, err := s.lease(ctx, product, c, a)
	a.Lease = lease
	return a, err
}

// seenBy redacts for the token and adds the link to the page that frees a seat.
func (s *Service) seenBy(actor account.Actor, f license.Facts, v verdict.Verdict) verdict.Verdict {
	audience := verdict.ForAdministrator
	if actor.ProductID != "" {
		audience = verdict.ForDevice
	}
	seen := v.For(audience)
	for i, fix := range seen.Fixes {
		if fix.Action == verdict.DeactivateDevice && f.License != nil {
			seen.Fixes[i].Href = s.BaseURL + "/activations?license=" + string(f.License.ID)
		}
	}
	return seen
}

// refusalLease is how long a signed refusal can be relied on: long enough not
// to ask at every click, short enough that a fix is noticed.
const refusalLease = time.Hour

// lease signs the answer with the product's current key.
func (s *Service) lease(ctx context.Context, product id.ID, c Call, a Answer) (string, error) {
	key, p, err := s.signingKey(ctx, product)
	if err != nil {
		return "", err
	}
	l := licensefile.Lease{
		ID: string(id.New()), Product: string(p.ID), Environment: string(p.Environment), Nonce: c.Nonce,
		IssuedAt: a.Verdict.At, ValidUntil: validUntil(p, a), Version: c.Version,
		Verdict: licensefile.LeaseVerdict{Valid: a.Verdict.Valid, Code: a.Verdict.Code, Message: a.Verdict.Message},
	}
	if d := c.Device; d != nil {
		l.Device = licensefile.Device{ID: d.Identifier, Name: d.Name, Kind: string(d.Kind), Platform: d.Platform}
	}
	if a.License != nil {
		l.License, l.Features = string(a.License.ID), featureValues(a.License.Features)
		if ends := a.License.EndsAt(); !a.License.Perpetual() && !ends.Before(l.ValidUntil) {
			l.EndsAt = &ends
		}
	}
	return s.signer.SignLease(key, l)
}

func (s *Service) signingKey(ctx context.Context, product id.ID) (signing.Key, license.Product, error) {
	p, err := s.Store.Product(ctx, product)
	if err != nil {
		return signing.Key{}, p, err
	}
	ring, err := s.Store.SigningKeys(ctx, product)
	if err != nil {
		return signing.Key{}, p, err
	}
	key, ok := ring.Current(signing.Ed25519)
	if !ok {
		return key, p, errNoKey
	}
	return key, p, nil
}

// validUntil is never beyond the license's end, unless the answer is that it
// has ended.
func validUntil(p license.Product, a Answer) time.Time {
	now := a.Verdict.At
	until := now.Add(p.LeaseFor)
	if !a.Verdict.Valid {
		until = now.Add(refusalLease)
	}
	if a.License != nil && !a.License.Ended(now) && a.License.EndsAt().Before(until) {
		return a.License.EndsAt()
	}
	return until
}

func featureValues(features []license.Feature) map[string]any {
	values := make(map[string]any, len(features))
	for _, f := range features {
		values[f.Key] = f.Value
	}
	return values
}
