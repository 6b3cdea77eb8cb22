package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

func aPublication(t *testing.T, s *store.Store, p license.Product, version string, change ...func(*license.Publication)) license.Publication {
	t.Helper()
	release := license.Publication{
		ID: id.New(), ProductID: p.ID, State: license.Published, Summary: "What is new", Notes: "# " + version,
		Release: license.Release{Version: version, ReleasedAt: noon, Channel: license.Beta, Access: license.Access{AssignedAfter: noon.Add(-time.Hour)}},
		Assets: []license.Asset{
			{ID: id.New(), FileName: "setup-" + version + ".zip", Kind: license.Package, Platform: "windows", Architecture: "x64", Size: 12 << 30,
				SHA256: []byte("0123456789abcdef0123456789abcdef"), ContentType: "application/zip", StorageKey: string(id.New())},
			{ID: id.New(), FileName: "manual.pdf", Kind: license.Documentation, SHA256: []byte("x"), ContentType: "application/pdf", StorageKey: string(id.New())},
		},
	}
	for _, c := range change {
		c(&release)
	}
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddPublication(ctx, release, noon) })
	return release
}

func inState(state license.ReleaseState) func(*license.Publication) {
	return func(p *license.Publication) { p.State, p.Withdrawn = state, state == license.Withdrawn }
}

func outAt(at time.Time) func(*license.Publication) {
	return func(p *license.Publication) { p.ReleasedAt = at }
}

func withoutFiles(p *license.Publication) { p.Assets = nil }

func publications(t *testing.T, s *store.Store) {
	ctx := t.Context()
	p := aProduct(t, s, "editor")
	one := aPublication(t, s, p, "1.0.0", outAt(noon.Add(-3*time.Hour)))
	two := aPublication(t, s, p, "2.0.0", outAt(noon.Add(-2*time.Hour)))
	bare := aPublication(t, s, p, "2.0.1", withoutFiles)
	later := aPublication(t, s, p, "3.0.0", outAt(noon.Add(time.Hour)))
	draft := aPublication(t, s, p, "4.0.0", inState(license.Draft))
	gone := aPublication(t, s, p, "0.9.0", inState(license.Withdrawn), outAt(noon.Add(-9*time.Hour)))
	aPublication(t, s, aProduct(t, s, "viewer"), "1.0.0")

	t.Run("one is kept with its files", func(t *testing.T) { // P-DL-08
		got, err := s.Publication(ctx, p.ID, "1.0.0")
		same(t, one, got, err)
		_, err = s.Publication(ctx, p.ID, "1")
		absent(t, err)
		list, err := s.PublicationsByID(ctx, []id.ID{one.ID, draft.ID, two.ID})
		same(t, []license.Publication{draft, two, one}, list, err)
	})
	t.Run("what is out is listed, the latest first, page by page", func(t *testing.T) { // P-CHG-06, P-CHG-07, P-CHG-09
		f := store.PublicationFilter{Product: p.ID, OutAt: noon}
		page, err := s.Publications(ctx, f, store.Page{Size: 2})
		same(t, []license.Publication{bare, two, one}, page, err)
		page, err = s.Publications(ctx, f, store.Page{After: bare.ID, Size: 1})
		same(t, []license.Publication{two, one}, page, err)
		page, err = s.Publications(ctx, f, store.Page{Before: one.ID, Size: 5})
		same(t, []license.Publication{bare, two}, page, err)
		n, err := s.CountPublications(ctx, p.ID, noon)
		same(t, 3, n, err)
		all, err := s.Publications(ctx, store.PublicationFilter{Product: p.ID}, store.Page{Size: 10})
		same(t, []license.Publication{later, draft, bare, two, one, gone}, all, err)
	})
	t.Run("a draft is on no record, a withdrawn one is", func(t *testing.T) {
		list, err := s.Releases(ctx, p.ID)
		same(t, []license.Release{later.Release, bare.Release, two.Release, one.Release, gone.Release}, list, err)
		_, err = s.Release(ctx, p.ID, "4.0.0")
		absent(t, err)
	})
	t.Run("published ones with files are offered", func(t *testing.T) {
		list, err := s.OfferedReleases(ctx, p.ID)
		same(t, []store.Offered{{ID: later.ID, Release: later.Release}, {ID: two.ID, Release: two.Release}, {ID: one.ID, Release: one.Release}}, list, err)
	})
	t.Run("a file leads to its release, and downloads are counted", func(t *testing.T) { // P-DL-21
		wanted := one.Assets[1]
		for range 2 {
			must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.CountDownload(ctx, wanted.ID) })
		}
		wanted.Downloads = 2
		a, release, err := s.ReleasedAsset(ctx, wanted.ID)
		same(t, wanted, a, err)
		same(t, one.ID, release.ID, nil)
		_, _, err = s.ReleasedAsset(ctx, id.New())
		absent(t, err)
		known, err := s.StorageKeyKnown(ctx, wanted.StorageKey)
		same(t, true, known, err)
		known, err = s.StorageKeyKnown(ctx, "other")
		same(t, false, known, err)
	})
	t.Run("a draft is published, and any is withdrawn", func(t *testing.T) {
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.SetReleaseState(ctx, draft.ID, license.Published, noon.Add(-time.Minute))
		})
		got, err := s.Release(ctx, p.ID, "4.0.0")
		draft.ReleasedAt = noon.Add(-time.Minute)
		same(t, draft.Release, got, err)
	})
	t.Run("a version and a file name are there once", func(t *testing.T) {
		again := one
		again.ID = id.New()
		err := try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddPublication(ctx, again, noon) })
		if !store.IsUnique(err, "release.version") {
			t.Errorf("got %v", err)
		}
	})
}

func delivery(t *testing.T, s *store.Store) {
	ctx := t.Context()
	p, other := aProduct(t, s, "editor"), aProduct(t, s, "viewer")

	t.Run("settings are kept", func(t *testing.T) { // E-12, E-13, P-CHG-02
		p.Delivery = license.Delivery{ActivationFirst: true, AfterExpiry: true, LatestOnly: true, Changelog: true}
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SetDelivery(ctx, p.ID, p.Delivery, noon) })
		p.Version++
		got, err := s.Product(ctx, p.ID)
		same(t, p, got, err)
	})
	t.Run("a slug that was given up leads to its product until another has it", func(t *testing.T) { // P-CHG-08
		for _, slug := range []string{"studio", "workshop"} {
			must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SetSlug(ctx, p, slug, noon) })
			p.Slug = slug
			p.Version++
		}
		for _, former := range []string{"editor", "studio"} {
			got, err := s.FormerSlug(ctx, license.Production, former)
			same(t, p, got, err)
		}
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SetSlug(ctx, p, "editor", noon) })
		_, err := s.FormerSlug(ctx, license.Production, "editor")
		absent(t, err)
		p.Slug = "editor"
		p.Version++
		err = try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SetSlug(ctx, other, "editor", noon) })
		if !store.IsUnique(err, "product.slug") {
			t.Errorf("got %v, want a conflict about product.slug", err)
		}
	})
	t.Run("what a customer holds is found", func(t *testing.T) {
		c := aCustomer(t, s, "Ada")
		l := aLicense(p, c.ID)
		add(t, s, l, aLicense(other, aCustomer(t, s, "Eve").ID))
		held, err := s.HeldProducts(ctx, c.ID, 10)
		same(t, []license.Product{p}, held, err)
		list, err := s.HeldLicenses(ctx, c.ID, p.ID)
		same(t, []license.License{l}, list, err)
		list, err = s.HeldLicenses(ctx, c.ID, other.ID)
		same(t, []license.License(nil), list, err)
	})
}
