package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
)

func aProduct(t *testing.T, s *store.Store, slug string) license.Product {
	t.Helper()
	p := license.Product{
		ID: id.New(), Environment: license.Production, Name: "Product " + slug, Slug: slug, Active: true, CreatedAt: noon, Version: 1,
		AcceptsHardware: true, SelfDeactivation: true, OfflineAllowed: true,
		RenewalURL: "https://example.com/renew", LeaseFor: 14 * 24 * time.Hour, MaxSkew: 5 * time.Minute,
		Swaps: license.SwapPolicy{Allowed: 3, Period: 30 * 24 * time.Hour, CoolDown: time.Hour}, HoldFor: 15 * time.Minute,
		Features: []license.Feature{
			{Key: "sso", Label: "Single sign-on", Type: license.Boolean, Value: true},
			{Key: "projects", Label: "Projects", Type: license.Numeric, Value: 25.0},
		},
	}
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddProduct(ctx, p) })
	return p
}

func products(t *testing.T, s *store.Store) {
	ctx := t.Context()
	p, q := aProduct(t, s, "editor"), aProduct(t, s, "viewer")

	t.Run("one is found by id and by slug", func(t *testing.T) {
		got, err := s.Product(ctx, p.ID)
		same(t, p, got, err)
		got, err = s.ProductBySlug(ctx, license.Production, "editor")
		same(t, p, got, err)
		_, err = s.ProductBySlug(ctx, license.Staging, "editor")
		absent(t, err)
	})
	t.Run("a slug is unique in its environment", func(t *testing.T) { // C-ENV-01
		sibling := p
		sibling.ID, sibling.Environment = id.New(), license.Staging
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddProduct(ctx, sibling) })
		sibling.ID = id.New()
		err := try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddProduct(ctx, sibling) })
		if !store.IsUnique(err, "product.slug") {
			t.Errorf("got %v, want a conflict about product.slug", err)
		}
	})
	t.Run("they are paged by key and selected by environment", func(t *testing.T) {
		got, err := s.Products(ctx, store.ProductFilter{Environment: license.Production}, "", 1)
		same(t, []license.Product{p}, got, err)
		got, err = s.Products(ctx, store.ProductFilter{Environment: license.Production}, p.ID, 5)
		same(t, []license.Product{q}, got, err)
		got, err = s.Products(ctx, store.ProductFilter{}, "", 5)
		same(t, 3, len(got), err)
	})
	t.Run("every change of it or of its keys raises its version", func(t *testing.T) {
		key := signing.Key{Product: string(q.ID), KID: "versioned", Algorithm: signing.Ed25519, Public: []byte{1}, SealedPrivate: []byte{2}}
		before := q.Version
		for name, change := range map[string]func(context.Context, *store.Tx) error{
			"active": func(ctx context.Context, tx *store.Tx) error { return tx.SetProductActive(ctx, q.ID, true, noon) },
			"swaps":  func(ctx context.Context, tx *store.Tx) error { return tx.SetProductSwaps(ctx, q.ID, q.Swaps, noon) },
			"hold":   func(ctx context.Context, tx *store.Tx) error { return tx.SetProductHold(ctx, q.ID, q.HoldFor, noon) },
			"delivery": func(ctx context.Context, tx *store.Tx) error {
				return tx.SetDelivery(ctx, q.ID, q.Delivery, noon)
			},
			"slug":   func(ctx context.Context, tx *store.Tx) error { return tx.SetSlug(ctx, q, q.Slug, noon) },
			"killed": func(ctx context.Context, tx *store.Tx) error { return tx.SetProductKilled(ctx, q.ID, q.KilledAt, noon) },
			"offline": func(ctx context.Context, tx *store.Tx) error {
				return tx.SetOffline(ctx, q.ID, q.OfflineAllowed, license.OfflinePolicy{ValidFor: time.Hour, Files: 1}, noon)
			},
			"keys": func(ctx context.Context, tx *store.Tx) error {
				return errors.Join(tx.AddSigningKey(ctx, id.New(), key, noon), tx.RetireSigningKey(ctx, key.KID, noon))
			},
		} {
			must(t, s, change)
			got, err := s.Product(ctx, q.ID)
			if err != nil || got.Version <= before {
				t.Errorf("%s: version %d after %d (%v)", name, got.Version, before, err)
			}
			before = got.Version
		}
	})
	t.Run("how often its devices may be changed is set", func(t *testing.T) { // P-ACT-25
		for _, policy := range []license.SwapPolicy{{}, {Period: time.Hour, CoolDown: time.Minute}, q.Swaps} {
			must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SetProductSwaps(ctx, q.ID, policy, noon) })
			got, err := s.Product(ctx, q.ID)
			same(t, policy, got.Swaps, err)
		}
	})
	t.Run("how long its floating seats are held is set", func(t *testing.T) {
		for _, hold := range []time.Duration{0, time.Microsecond, q.HoldFor} {
			must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SetProductHold(ctx, q.ID, hold, noon) })
			got, err := s.Product(ctx, q.ID)
			same(t, hold, got.HoldFor, err)
		}
	})
	t.Run("one is switched off and killed, and comes back", func(t *testing.T) { // E-08
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			locked, err := tx.LockProduct(ctx, p.ID)
			same(t, p, locked, err)
			return errors.Join(tx.SetProductActive(ctx, p.ID, false, noon), tx.SetProductKilled(ctx, p.ID, noon, noon))
		})
		want := p
		want.Active, want.KilledAt, want.Version = false, noon, p.Version+2
		got, err := s.Product(ctx, p.ID)
		same(t, want, got, err)
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(tx.SetProductActive(ctx, p.ID, true, noon), tx.SetProductKilled(ctx, p.ID, time.Time{}, noon))
		})
		got, err = s.Product(ctx, p.ID)
		p.Version += 4
		same(t, p, got, err)
	})
}

func releases(t *testing.T, s *store.Store) {
	ctx := t.Context()
	p := aProduct(t, s, "editor")
	older := license.Release{Version: "8.0.0", ReleasedAt: noon, Channel: license.Stable}
	newer := license.Release{Version: "8.1.0", ReleasedAt: noon.Add(time.Hour), Channel: license.Stable}
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(tx.AddRelease(ctx, p.ID, id.New(), older, noon), tx.AddRelease(ctx, p.ID, id.New(), newer, noon))
	})

	got, err := s.Release(ctx, p.ID, "8.0.0")
	same(t, older, got, err)
	_, err = s.Release(ctx, p.ID, "9")
	absent(t, err)
	list, err := s.Releases(ctx, p.ID)
	same(t, []license.Release{newer, older}, list, err)
	absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.AddRelease(ctx, id.New(), id.New(), older, noon)
	}))
	err = try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddRelease(ctx, p.ID, id.New(), older, noon) })
	if !store.IsUnique(err, "release.version") {
		t.Errorf("got %v, want a conflict about release.version", err)
	}
}

func generators(t *testing.T, s *store.Store) {
	ctx := t.Context()
	p := aProduct(t, s, "editor")
	standard := license.Generator{
		ID: id.New(), ProductID: p.ID, Name: "Standard", Pattern: "XXXXX-XXXXX-XXXXX", Limit: 5, ValidityDays: 365,
		MaxVersion: "8", Features: []license.Feature{{Key: "sso", Label: "SSO", Type: license.Boolean, Value: false}},
		Active: true, CreatedAt: noon, Version: 1,
	}
	site := license.Generator{
		ID: id.New(), ProductID: p.ID, Name: "Site", Pattern: "SITE-{X:20}", Limit: license.Unlimited, CreatedAt: noon, Version: 1,
	}
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(tx.AddGenerator(ctx, standard), tx.AddGenerator(ctx, site))
	})

	t.Run("one is found by id and by name, unlimited as null", func(t *testing.T) { // E-05
		got, err := s.Generator(ctx, standard.ID)
		same(t, standard, got, err)
		got, err = s.GeneratorByName(ctx, p.ID, "Site")
		same(t, site, got, err)
		list, err := s.Generators(ctx, p.ID)
		same(t, []license.Generator{standard, site}, list, err)
	})
	t.Run("the first gives the product its key format", func(t *testing.T) { // C-GEN-06
		got, err := s.Product(ctx, p.ID)
		same(t, standard.Pattern, got.KeyFormat, err)
	})
	t.Run("a name is unique within the product", func(t *testing.T) {
		again := standard
		again.ID = id.New()
		err := try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddGenerator(ctx, again) })
		if !store.IsUnique(err, "generator.name") {
			t.Errorf("got %v, want a conflict about generator.name", err)
		}
	})
	t.Run("numbers are taken once", func(t *testing.T) {
		for _, want := range []int64{1, 4} {
			must(t, s, func(ctx context.Context, tx *store.Tx) error {
				first, err := tx.TakeNumbers(ctx, site.ID, 3)
				same(t, want, first, err)
				return nil
			})
		}
		absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.TakeNumbers(ctx, id.New(), 1)
			return err
		}))
	})
}

func signingKeys(t *testing.T, s *store.Store) {
	ctx := t.Context()
	p := aProduct(t, s, "editor")
	key := func(kid string) signing.Key {
		return signing.Key{
			Product: string(p.ID), KID: kid, Algorithm: signing.Ed25519, Public: []byte{1, 0, 255}, SealedPrivate: []byte{2, 0},
		}
	}
	old, current := key("old"), key("current")
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(
			tx.AddSigningKey(ctx, id.New(), old, noon),
			tx.AddSigningKey(ctx, id.New(), current, noon.Add(time.Hour)),
			tx.RetireSigningKey(ctx, "old", noon.Add(time.Hour)))
	})

	old.Retired, old.SignsFrom, current.SignsFrom = true, noon, noon.Add(time.Hour)
	ring, err := s.SigningKeys(ctx, p.ID) // C-PRD-04
	same(t, signing.Ring{current, old}, ring, err)
	ring, err = s.SigningKeys(ctx, id.New())
	same(t, nil, ring, err)
	stray := key("stray")
	stray.Product = string(id.New())
	absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddSigningKey(ctx, id.New(), stray, noon) }))
}
