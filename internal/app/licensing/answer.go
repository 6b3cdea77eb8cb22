package licensing

import (
	"context"
	"slices"
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
	a := Answer{Verdict: s.seenBy(actor, c, f, v)}
	if f.License != nil && !mismatched(v) {
		a.License, a.Product, a.Activation = f.License, &f.Product, f.Device
	}
	product, err := s.signingProduct(ctx, actor, a)
	if err != nil || product == nil {
		return a, err
	}
	a.Lease, err = s.lease(ctx, *product, c, a)
	return a, err
}

// signingProduct is the product whose key signs the answer: the token's, else
// the license's, or nil.
func (s *Service) signingProduct(ctx context.Context, actor account.Actor, a Answer) (*license.Product, error) {
	if actor.ProductID == "" || a.Product != nil && a.Product.ID == actor.ProductID {
		return a.Product, nil
	}
	p, err := s.Store.Product(ctx, actor.ProductID)
	return &p, err
}

// seenBy redacts for the token and adds the link to the page where a person of
// the customer lets the refused device in.
func (s *Service) seenBy(actor account.Actor, c Call, f license.Facts, v verdict.Verdict) verdict.Verdict {
	audience := verdict.ForAdministrator
	if actor.ProductID != "" {
		audience = verdict.ForDevice
		if mismatched(v) {
			v = withheld(v)
		}
	}
	seen := v.For(audience)
	for i, fix := range seen.Fixes {
		if fix.Action == verdict.DeactivateDevice && fix.Actor == verdict.ByCustomer && f.License != nil {
			seen.Fixes[i].Href = s.helpLink(f.License.ID, c.Device, v.At)
		}
	}
	return seen
}

// callers lists the checks about who asks for what, rather than about the
// license.
func callers() []verdict.Code {
	return []verdict.Code{verdict.KeyUnknown, verdict.Blocked, verdict.EnvironmentMismatch, verdict.ProductMismatch}
}

// withheld leaves of a verdict what the caller asked wrongly. The license is
// not its business: it learns no more of it than of a key that is unknown.
func withheld(v verdict.Verdict) verdict.Verdict {
	asked := func(c verdict.Code) bool { return slices.Contains(callers(), c) }
	v.Checks, v.Warnings = slices.Clone(v.Checks), nil
	for i, c := range v.Checks {
		if !asked(c.Code) {
			v.Checks[i] = verdict.Check{Code: c.Code, Outcome: verdict.Skipped, Skip: verdict.SkipKeyUnknown}
		}
		if c.Code == verdict.KeyUnknown {
			v.Checks[i].Observed = verdict.Value{}
		}
	}
	v.Fixes = slices.DeleteFunc(slices.Clone(v.Fixes), func(f verdict.Fix) bool { return !asked(f.Check) })
	return v
}

// refusalLease is how long a signed refusal can be relied on: long enough not
// to ask at every click, short enough that a fix is noticed.
const refusalLease = time.Hour

// lease signs the answer with the product's current key. Leases count whole
// seconds: in the last one there is nothing left to promise, and no lease.
func (s *Service) lease(ctx context.Context, p license.Product, c Call, a Answer) (string, error) {
	issued, until := a.Verdict.At.Truncate(time.Second), validUntil(p, a).Truncate(time.Second)
	if !issued.Before(until) {
		return "", nil
	}
	key, err := s.signingKey(ctx, p, a.Verdict.At)
	if err != nil {
		return "", err
	}
	l := licensefile.Lease{
		ID: string(id.New()), Product: string(p.ID), Environment: string(p.Environment), Nonce: c.Nonce,
		IssuedAt: issued, ValidUntil: until, Version: c.Version,
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

func (s *Service) signingKey(ctx context.Context, p license.Product, now time.Time) (signing.Key, error) {
	known, err := s.products.current(ctx, p.ID, p.Version)
	if err != nil {
		return signing.Key{}, err
	}
	key, ok := known.Keys.Current(signing.Ed25519, now)
	if !ok {
		return key, errNoKey
	}
	return key, nil
}

// validUntil is never beyond the license's end, unless the answer is that it
// has ended, nor beyond the instant until which a floating seat is held.
func validUntil(p license.Product, a Answer) time.Time {
	now := a.Verdict.At
	until := now.Add(p.LeaseFor)
	if !a.Verdict.Valid {
		until = now.Add(refusalLease)
	}
	if a.License != nil && !a.License.Ended(now) && a.License.EndsAt().Before(until) {
		until = a.License.EndsAt()
	}
	if seat := a.Activation; seat != nil && seat.HoldsSeat(now) && !seat.HoldUntil.IsZero() && seat.HoldUntil.Before(until) {
		until = seat.HoldUntil
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
