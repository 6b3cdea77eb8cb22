package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/once"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/verdict"
)

// NewGenerator describes a plan: the keys of its licenses and what they start
// with.
type NewGenerator struct {
	Name         string
	Pattern      string // custom pattern (C-GEN-06)
	Limit        int    // devices, or license.Unlimited
	ValidityDays int    // 0 is perpetual
	MaxVersion   string // "" allows every version
	Features     []license.Feature
}

// CreateGenerator adds a plan to a product.
func (s *Service) CreateGenerator(ctx context.Context, actor account.Actor, product id.ID, in NewGenerator) (license.Generator, error) {
	if err := actor.Require(account.ProductsWrite); err != nil {
		return license.Generator{}, err
	}
	p, err := s.Store.Product(ctx, product)
	if p, err = s.visible(ctx, actor, p, err); err != nil {
		return license.Generator{}, err
	}
	now := s.clock()
	var problems fault.Problems
	g := newGenerator(&problems, "name", in, p, now)
	if err := problems.Err(); err != nil {
		return license.Generator{}, err
	}
	e := about(event.GeneratorCreated, actor, p, now)
	e.Data.Subject = g.ID
	err = once.InTx(ctx, s.Store, now, func(tx *store.Tx) (id.ID, error) {
		if err := tx.AddGenerator(ctx, g); err != nil {
			return "", taken(err, "generator.name", "name", "Choose another name: this product has a plan under it.")
		}
		return g.ID, tx.AppendEvent(ctx, e)
	})
	if err != nil {
		return license.Generator{}, err
	}
	return g, nil
}

// newGenerator reads a plan of product p; named is what the caller calls its
// name.
func newGenerator(problems *fault.Problems, named string, in NewGenerator, p license.Product, now time.Time) license.Generator {
	g := license.Generator{
		ID: id.New(), ProductID: p.ID, Name: name(problems, named, in.Name), Pattern: in.Pattern,
		Limit: in.Limit, ValidityDays: in.ValidityDays, MaxVersion: strings.TrimSpace(in.MaxVersion),
		Features: overrides(problems, in.Features, p.Features), Active: true, CreatedAt: now, Version: 1,
	}
	if _, err := id.Compile(id.Spec{Type: id.TypeCustom, Pattern: in.Pattern}); err != nil {
		problems.Add("pattern", patternProblem(err))
	}
	if g.Limit < 0 || g.Limit > license.MaxLimit {
		problems.Add("limit", fmt.Sprintf("Allow from 1 to %d devices, or any number.", license.MaxLimit))
	}
	if g.ValidityDays < 0 || g.ValidityDays > license.MaxValidityDays {
		problems.Add("validity_days", fmt.Sprintf("Choose from 1 to %d days, or 0 for no end.", license.MaxValidityDays))
	}
	if g.MaxVersion != "" && !verdict.ValidVersion(g.MaxVersion) {
		problems.Add("max_version", `Write a version such as "8", "8.x" or "8.4".`)
	}
	return g
}

// patternProblem says what is wrong with a pattern and what to do (C-GEN-02).
func patternProblem(err error) string {
	text := err.Error()
	text = strings.ToUpper(text[:1]) + text[1:] + "."
	if errors.Is(err, id.ErrWeak) {
		text += " Add random characters, such as {X:5}."
	}
	return text
}

// overrides reads the values that a plan gives the features of its product
// (C-PRD-01).
func overrides(problems *fault.Problems, in, templates []license.Feature) []license.Feature {
	all := features(problems, in)
	for i, f := range all {
		at := slices.IndexFunc(templates, func(t license.Feature) bool { return t.Key == f.Key })
		switch {
		case at < 0:
			problems.Add("features", fmt.Sprintf("The product has no feature %q.", f.Key))
		case templates[at].Type != f.Type:
			problems.Add("features", fmt.Sprintf("The feature %q is a %s.", f.Key, templates[at].Type))
		default:
			all[i].Label = templates[at].Label
		}
	}
	return all
}

// AddRelease publishes a version of a product, now or at another instant.
func (s *Service) AddRelease(ctx context.Context, actor account.Actor, product id.ID, version string, released time.Time) (license.Release, error) {
	if err := actor.Require(account.ProductsWrite); err != nil {
		return license.Release{}, err
	}
	p, err := s.Store.Product(ctx, product)
	if p, err = s.visible(ctx, actor, p, err); err != nil {
		return license.Release{}, err
	}
	r, now, err := s.newRelease(version, released)
	if err != nil {
		return license.Release{}, err
	}
	releaseID := id.New()
	e := about(event.ReleaseCreated, actor, p, now)
	e.Data.Version = r.Version
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.AddRelease(ctx, p.ID, releaseID, r, now); err != nil {
			return taken(err, "release.version", "version", "This version is on record already.")
		}
		return tx.AppendEvent(ctx, e)
	})
	if err != nil {
		return license.Release{}, err
	}
	return r, nil
}

func (s *Service) newRelease(version string, released time.Time) (license.Release, time.Time, error) {
	now := s.clock()
	r := license.Release{Version: strings.TrimSpace(version), ReleasedAt: released.UTC().Truncate(time.Microsecond)}
	if released.IsZero() {
		r.ReleasedAt = now
	}
	if !verdict.ValidVersion(r.Version) {
		return r, now, fault.New(fault.Invalid, "version_invalid", "This is no version.").
			WithField("version", `Write a version such as "8.4.1".`)
	}
	return r, now, nil
}

// Plans lists a product's generators to whoever may read or write products.
func (s *Service) Plans(ctx context.Context, actor account.Actor, product id.ID) ([]license.Generator, error) {
	if _, err := s.Made(ctx, actor, product); err != nil {
		return nil, err
	}
	return s.Store.Generators(ctx, product)
}
