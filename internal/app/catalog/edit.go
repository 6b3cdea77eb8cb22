package catalog

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/once"
	"github.com/keyward/keyward/internal/app/stale"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

// ProductEdit is what becomes different about a product; nil stays. What fixes
// how keys are kept, and the environment, are for life.
type ProductEdit struct {
	Name             *string
	AcceptsHardware  *bool
	AcceptsDomain    *bool
	DeviceRequired   *bool
	SelfDeactivation *bool
	HoldFor          *time.Duration // of licenses issued from now on; 0: seats are fixed
	RenewalURL       *string
	LeaseFor         *time.Duration // of answers signed from now on
	MaxSkew          *time.Duration // 0 is unchecked
	Features         *[]license.Feature
}

// apply returns the product after the edit.
func (in ProductEdit) apply(problems *fault.Problems, p license.Product) license.Product {
	set(&p.AcceptsHardware, in.AcceptsHardware)
	set(&p.AcceptsDomain, in.AcceptsDomain)
	set(&p.DeviceRequired, in.DeviceRequired)
	set(&p.SelfDeactivation, in.SelfDeactivation)
	if in.Name != nil {
		p.Name = name(problems, "name", *in.Name)
	}
	if in.HoldFor != nil {
		p.HoldFor = holdFor(problems, *in.HoldFor)
	}
	if in.RenewalURL != nil {
		p.RenewalURL = renewalURL(problems, *in.RenewalURL)
	}
	if in.LeaseFor != nil {
		p.LeaseFor = leaseFor(problems, *in.LeaseFor)
	}
	if in.MaxSkew != nil {
		p.MaxSkew = maxSkew(problems, *in.MaxSkew)
	}
	if in.Features != nil {
		p.Features = features(problems, *in.Features)
	}
	accepts(problems, p)
	return p
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// Edit changes a product. Licenses keep the values of features that they were
// issued with (C-PRD-01); a feature that a plan gives a value stays, with its
// type.
func (s *Service) Edit(ctx context.Context, actor account.Actor, product id.ID, in ProductEdit) (license.Product, error) {
	return s.change(ctx, actor, product, func(tx *store.Tx, p *license.Product, now time.Time) (event.Type, error) {
		plans, err := tx.Generators(ctx, p.ID)
		if err != nil {
			return "", err
		}
		var problems fault.Problems
		after := in.apply(&problems, *p)
		keepOverridden(&problems, after.Features, plans)
		if err := problems.Err(); err != nil {
			return "", err
		}
		if slices.Equal(after.Features, p.Features) {
			after.Features = p.Features
		}
		if reflect.DeepEqual(after, *p) {
			return "", nil
		}
		*p = after
		return event.ProductChanged, tx.SaveProduct(ctx, after, now)
	})
}

// keepOverridden names the features that plans need.
func keepOverridden(problems *fault.Problems, templates []license.Feature, plans []license.Generator) {
	for _, g := range plans {
		for _, f := range g.Features {
			if !slices.ContainsFunc(templates, func(t license.Feature) bool { return t.Key == f.Key && t.Type == f.Type }) {
				problems.Add("features", fmt.Sprintf("Keep the %s %q: the plan %q gives it a value.", f.Type, f.Key, g.Name))
			}
		}
	}
}

// GeneratorEdit is what becomes different about a plan; nil stays.
type GeneratorEdit struct {
	Name         *string
	Pattern      *string
	Limit        *int
	ValidityDays *int
	MaxVersion   *string
	Features     *[]license.Feature
	Active       *bool // off: no further licenses
}

// EditGenerator changes a plan. It reaches licenses issued from now on only
// (C-PRD-01).
func (s *Service) EditGenerator(ctx context.Context, actor account.Actor, product, generator id.ID, in GeneratorEdit) (license.Generator, error) {
	if err := actor.Require(account.ProductsWrite); err != nil {
		return license.Generator{}, err
	}
	now := s.clock()
	var after license.Generator
	err := once.InTx(ctx, s.Store, now, func(tx *store.Tx) (id.ID, error) {
		p, before, err := s.lockGenerator(ctx, tx, actor, product, generator)
		if err != nil {
			return "", err
		}
		if after, err = in.apply(before, p); err != nil || reflect.DeepEqual(after, before) {
			return before.ID, err
		}
		if err := tx.SaveGenerator(ctx, after, now); err != nil {
			return "", taken(err, "generator.name", "name", "Choose another name: this product has a plan under it.")
		}
		after.Version++
		e := about(event.GeneratorChanged, actor, p, now)
		e.Data.Subject = after.ID
		return after.ID, tx.AppendEvent(ctx, e)
	})
	return after, err
}

// lockGenerator returns a plan of a product that nobody else changes until the
// transaction ends: whoever changes plans locks their product.
func (s *Service) lockGenerator(ctx context.Context, tx *store.Tx, actor account.Actor, product, generator id.ID) (license.Product, license.Generator, error) {
	p, err := tx.LockProduct(ctx, product)
	if p, err = s.visible(ctx, actor, p, err); err != nil {
		return p, license.Generator{}, err
	}
	g, err := tx.Generator(ctx, generator)
	if store.IsNotFound(err) || err == nil && g.ProductID != p.ID {
		return p, g, fault.Missing("generator")
	}
	if err != nil {
		return p, g, err
	}
	return p, g, stale.Check(ctx, "generator", g.Version)
}

// apply returns the plan after the edit, or what is wrong with it.
func (in GeneratorEdit) apply(g license.Generator, p license.Product) (license.Generator, error) {
	wish := NewGenerator{Name: g.Name, Pattern: g.Pattern, Limit: g.Limit, ValidityDays: g.ValidityDays, MaxVersion: g.MaxVersion, Features: g.Features}
	set(&wish.Name, in.Name)
	set(&wish.Pattern, in.Pattern)
	set(&wish.Limit, in.Limit)
	set(&wish.ValidityDays, in.ValidityDays)
	set(&wish.MaxVersion, in.MaxVersion)
	set(&wish.Features, in.Features)
	var problems fault.Problems
	after := newGenerator(&problems, "name", wish, p, g.CreatedAt)
	if err := problems.Err(); err != nil {
		return g, err
	}
	after.ID, after.Active, after.Generated, after.Version = g.ID, g.Active, g.Generated, g.Version
	set(&after.Active, in.Active)
	if slices.Equal(after.Features, g.Features) {
		after.Features = g.Features
	}
	return after, nil
}

// Generator returns a plan of a product to whoever may read or write products.
func (s *Service) Generator(ctx context.Context, actor account.Actor, product, generator id.ID) (license.Generator, error) {
	if _, err := s.Made(ctx, actor, product); err != nil {
		return license.Generator{}, err
	}
	g, err := s.Store.Generator(ctx, generator)
	if store.IsNotFound(err) || err == nil && g.ProductID != product {
		return license.Generator{}, fault.Missing("generator")
	}
	return g, err
}
