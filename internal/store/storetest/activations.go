package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/verdict"
)

func anActivation(l license.License, identifier string) license.Activation {
	return license.Activation{
		ID: id.New(), LicenseID: l.ID, Kind: license.Hardware, Identifier: identifier,
		Name: "Device " + identifier, Platform: "linux/amd64", AppVersion: "8.1.0", ActivatedAt: noon, LastSeenAt: noon,
	}
}

func activate(t *testing.T, s *store.Store, list ...license.Activation) {
	t.Helper()
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		for _, a := range list {
			if err := tx.AddActivation(ctx, a); err != nil {
				return err
			}
		}
		return nil
	})
}

func activations(t *testing.T, s *store.Store) {
	ctx := t.Context()
	p, owner, other := aProduct(t, s, "editor"), aCustomer(t, s, "Owner"), aCustomer(t, s, "Other")
	l, unowned := aLicense(p, owner.ID), aLicense(p, "")
	add(t, s, l, unowned)
	first := anActivation(l, "HW-One")
	first.HoldUntil, first.EndedAt, first.EndReason = noon.Add(time.Hour), noon.Add(2*time.Hour), license.ByOwner
	second := anActivation(l, "HW-Two")
	second.LastSeenAt, second.Name = time.Time{}, ""
	activate(t, s, first, second)

	t.Run("one comes back as it was stored, to its owner alone", func(t *testing.T) { // P-ACT-21
		got, err := s.Activation(ctx, first.ID)
		same(t, first, got, err)
		got, err = s.OwnedActivation(ctx, owner.ID, second.ID)
		same(t, second, got, err)
		for _, stranger := range []id.ID{other.ID, ""} {
			_, err = s.OwnedActivation(ctx, stranger, second.ID)
			absent(t, err)
		}
		_, err = s.Activation(ctx, id.New())
		absent(t, err)
	})
	t.Run("a device has one seat of a license at a time", func(t *testing.T) { // C-LCY-04
		again := anActivation(l, " hw-TWO ")
		err := try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddActivation(ctx, again) })
		if !store.IsUnique(err, "activation.identifier_folded") || !fault.Is(err, fault.Conflict) {
			t.Errorf("got %v, want a conflict about activation.identifier_folded", err)
		}
		back := anActivation(l, "HW-One") // its first seat has ended
		activate(t, s, back)
		domain := anActivation(l, "hw-two")
		domain.Kind = license.Domain
		activate(t, s, domain)
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			for _, a := range []id.ID{back.ID, domain.ID} {
				ended, err := tx.EndActivation(ctx, a, noon, license.BySoftware)
				same(t, true, ended, err)
			}
			return nil
		})
	})
	t.Run("one needs a license that somebody owns", func(t *testing.T) { // C-LCY-03
		astray := anActivation(license.License{ID: id.New()}, "x")
		absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddActivation(ctx, astray) }))
		if err := try(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.AddActivation(ctx, anActivation(unowned, "x"))
		}); err == nil {
			t.Error("a license that nobody owns has an activation")
		}
	})
	t.Run("one ends once", func(t *testing.T) { // P-ACT-18
		third := anActivation(l, "HW-Three")
		activate(t, s, third)
		for _, want := range []bool{true, false} {
			must(t, s, func(ctx context.Context, tx *store.Tx) error {
				ended, err := tx.EndActivation(ctx, third.ID, noon.Add(time.Minute), license.ByOwner)
				same(t, want, ended, err)
				return nil
			})
		}
		third.EndedAt, third.EndReason = noon.Add(time.Minute), license.ByOwner
		got, err := s.Activation(ctx, third.ID)
		same(t, third, got, err)
	})
	t.Run("all of a license end together, and no others", func(t *testing.T) { // E-07
		gone, stays := aLicense(p, owner.ID), aLicense(p, owner.ID)
		add(t, s, gone, stays)
		a, b, c := anActivation(gone, "a"), anActivation(gone, "b"), anActivation(stays, "a")
		activate(t, s, a, b, c)
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			ended, err := tx.EndActivations(ctx, gone.ID, noon, license.WithLicense)
			slices.Sort(ended)
			same(t, []id.ID{a.ID, b.ID}, ended, err)
			ended, err = tx.EndActivations(ctx, gone.ID, noon, license.WithLicense)
			same(t, nil, ended, err)
			return nil
		})
		got, err := s.Activation(ctx, c.ID)
		same(t, c, got, err)
	})
	t.Run("names fall back to identifiers", func(t *testing.T) {
		got, err := s.DeviceNames(ctx, []id.ID{first.ID, second.ID, id.New()})
		same(t, map[id.ID]string{first.ID: "Device HW-One", second.ID: "HW-Two"}, got, err)
		got, err = s.DeviceNames(ctx, nil)
		same(t, map[id.ID]string{}, got, err)
	})
	t.Run("news of a device only moves on and keeps what it does not tell", func(t *testing.T) { // P-ACT-05
		seen := func(minutes int, version string) store.Seen {
			return store.Seen{ActivationID: second.ID, At: noon.Add(time.Duration(minutes) * time.Minute), AppVersion: version}
		}
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.MarkSeen(ctx, []store.Seen{
				seen(2, "9.0"), seen(1, "8.0"), seen(3, ""), {ActivationID: id.New(), At: noon},
			})
		})
		got, err := s.Activation(ctx, second.ID)
		want := second
		want.LastSeenAt, want.AppVersion = noon.Add(3*time.Minute), "9.0"
		same(t, want, got, err)
	})
}

func seats(t *testing.T, s *store.Store) {
	ctx := t.Context()
	p, owner := aProduct(t, s, "editor"), aCustomer(t, s, "Owner")
	l, elsewhere := aLicense(p, owner.ID), aLicense(p, owner.ID)
	add(t, s, l, elsewhere)
	fixed, floating, lapsed, ended := anActivation(l, "fixed"), anActivation(l, "floating"), anActivation(l, "lapsed"), anActivation(l, "ended")
	fixed.LastSeenAt = noon.Add(-time.Hour)
	floating.HoldUntil, floating.LastSeenAt = noon.Add(time.Microsecond), time.Time{}
	floating.ActivatedAt = noon.Add(-2 * time.Hour)
	lapsed.HoldUntil, lapsed.LastSeenAt = noon, noon.Add(-3*time.Hour)
	ended.EndedAt = noon
	activate(t, s, fixed, floating, lapsed, ended, anActivation(elsewhere, "fixed"))
	device := func(identifier, name string) *license.Device {
		return &license.Device{Kind: license.Hardware, Identifier: identifier, Name: name}
	}

	t.Run("those held now are counted", func(t *testing.T) {
		got, err := s.Seats(ctx, l.ID, nil, noon)
		same(t, store.Seats{Used: 2}, got, err)
		got, err = s.Seats(ctx, l.ID, nil, noon.Add(-time.Microsecond))
		same(t, store.Seats{Used: 3}, got, err)
		got, err = s.Seats(ctx, l.ID, nil, noon.Add(time.Microsecond))
		same(t, store.Seats{Used: 1}, got, err)
		got, err = s.Seats(ctx, id.New(), nil, noon)
		same(t, store.Seats{}, got, err)
	})
	t.Run("a device is known however it is written, and when its seat lapsed", func(t *testing.T) { // U-02
		got, err := s.Seats(ctx, l.ID, device(" FIXED ", ""), noon)
		same(t, store.Seats{Used: 2, Device: &fixed}, got, err)
		got, err = s.Seats(ctx, l.ID, device("Lapsed", ""), noon)
		same(t, store.Seats{Used: 2, Device: &lapsed}, got, err)
		got, err = s.Seats(ctx, l.ID, device("ended", ""), noon)
		same(t, store.Seats{Used: 2}, got, err)
		domain := device("fixed", "")
		domain.Kind = license.Domain
		got, err = s.Seats(ctx, l.ID, domain, noon)
		same(t, store.Seats{Used: 2}, got, err)
	})
	t.Run("one of the same name is nearly it", func(t *testing.T) {
		got, err := s.Seats(ctx, l.ID, device("new", "DEVICE fixed"), noon)
		same(t, store.Seats{Used: 2, Nearly: &fixed}, got, err)
	})
	t.Run("those that lapsed until an instant are listed, the longest lapsed first", func(t *testing.T) {
		list, err := s.LapsedSeats(ctx, noon, 9)
		same(t, []license.Activation{lapsed}, list, err)
		list, err = s.LapsedSeats(ctx, noon.Add(time.Microsecond), 9)
		same(t, []license.Activation{lapsed, floating}, list, err)
		list, err = s.LapsedSeats(ctx, noon.Add(time.Microsecond), 1)
		same(t, []license.Activation{lapsed}, list, err)
		list, err = s.LapsedSeats(ctx, noon.Add(-time.Microsecond), 9)
		same(t, nil, list, err)
	})
	t.Run("the longest unused holds a seat", func(t *testing.T) {
		got, err := s.LongestUnused(ctx, l.ID, noon)
		same(t, &floating, got, err)
		got, err = s.LongestUnused(ctx, l.ID, noon.Add(time.Microsecond))
		same(t, &fixed, got, err)
		got, err = s.LongestUnused(ctx, id.New(), noon)
		same(t, nil, got, err)
	})
	t.Run("one is renewed unless it has ended", func(t *testing.T) {
		renewed := floating
		renewed.HoldUntil, renewed.LastSeenAt, renewed.AppVersion = noon.Add(time.Hour), noon, "9.0"
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.RenewSeat(ctx, renewed) })
		got, err := s.Activation(ctx, floating.ID)
		same(t, renewed, got, err)
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.RenewSeat(ctx, floating) })
		absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.RenewSeat(ctx, ended) }))
	})
	t.Run("those not ended come first, then the newest", func(t *testing.T) { // P-LICD-15
		list, err := s.LicenseActivations(ctx, l.ID, 3)
		same(t, []license.Activation{lapsed, fixed, floating}, list, err)
		list, err = s.LicenseActivations(ctx, l.ID, 10)
		same(t, []license.Activation{lapsed, fixed, floating, ended}, list, err)
	})
	t.Run("a customer's list counts the seats held then", func(t *testing.T) { // P-LIC-03
		list, err := s.OwnedLicenses(ctx, store.LicenseFilter{Customer: owner.ID, Now: noon}, license.ByAssigned, false, store.Page{Size: 9})
		same(t, []license.Owned{
			{License: l, ProductName: p.Name, Used: 2}, {License: elsewhere, ProductName: p.Name, Used: 1},
		}, list, err)
	})
}

// devices proves a customer's list of activations: status as Go reads it,
// filters, paging, and nobody else's rows.
func devices(t *testing.T, s *store.Store) {
	x := aShelf(t, s, 150, 5)
	r := newRandom(6)
	all := map[id.ID]license.License{}
	var mine, theirs []license.Activation
	for i := range 600 {
		l, foreign := pick(r, x.mine), pick(r, x.theirs)
		all[l.ID] = l
		mine = append(mine, r.activation(l))
		if i%3 == 0 {
			theirs = append(theirs, r.activation(foreign))
		}
	}
	activate(t, s, slices.Concat(mine, theirs)...)
	read := func(t *testing.T, f store.ActivationFilter) ([]id.ID, map[license.ActivationStatus]int) {
		t.Helper()
		f.Customer = x.owner.ID
		if f.Now.IsZero() {
			f.Now = noon
		}
		list, err := s.OwnedActivations(t.Context(), f, store.Page{Size: 1000})
		if err != nil {
			t.Fatal(err)
		}
		counts, err := s.CountActivations(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		return activationIDs(list), counts
	}

	t.Run("status is what Go reads from the facts", func(t *testing.T) { // P-ACT-08
		for _, now := range []time.Time{noon, noon.Add(-time.Microsecond), r.instant(), r.instant(), noon.Add(90 * time.Hour)} {
			want := map[license.ActivationStatus][]id.ID{}
			for _, a := range newestFirst(mine) {
				status := a.Status(all[a.LicenseID].Status(now), now)
				want[status] = append(want[status], a.ID)
			}
			for _, status := range license.ActivationStatuses() {
				got, counts := read(t, store.ActivationFilter{Now: now, Status: status})
				same(t, want[status], got, nil)
				same(t, len(want[status]), counts[status], nil)
			}
		}
	})
	t.Run("every row is visited once from either end", func(t *testing.T) { // P-ACT-23
		for _, status := range []license.ActivationStatus{"", license.ActivationSuspended} {
			f := store.ActivationFilter{Customer: x.owner.ID, Now: noon, Status: status}
			var want []id.ID
			for _, a := range newestFirst(mine) {
				if status == "" || a.Status(all[a.LicenseID].Status(noon), noon) == status {
					want = append(want, a.ID)
				}
			}
			visits(t, want, func(page store.Page) ([]id.ID, error) {
				list, err := s.OwnedActivations(t.Context(), f, page)
				return activationIDs(list), err
			})
		}
	})
	t.Run("one license's are selected", func(t *testing.T) { // P-ACT-09
		var want []id.ID
		for _, a := range newestFirst(mine) {
			if a.LicenseID == mine[0].LicenseID {
				want = append(want, a.ID)
			}
		}
		got, _ := read(t, store.ActivationFilter{LicenseID: mine[0].LicenseID})
		same(t, want, got, nil)
		got, counts := read(t, store.ActivationFilter{LicenseID: theirs[0].LicenseID})
		same(t, nil, got, nil)
		same(t, 0, len(counts), nil)
	})
	t.Run("part of an identifier or a name is found, signs included", func(t *testing.T) { // P-ACT-07
		l := aLicense(x.products[x.mine[0].ProductID], x.owner.ID)
		add(t, s, l)
		odd, named := anActivation(l, `Rack_7%\B`), anActivation(l, "plain")
		named.Name = "Büro-Rechner 50%"
		activate(t, s, odd, named)
		for search, want := range map[string][]id.ID{
			"rack_": {odd.ID}, `%\b`: {odd.ID}, "büro": {named.ID}, "0%": {named.ID}, `\`: {odd.ID}, "ra_k": nil,
		} {
			got, _ := read(t, store.ActivationFilter{Search: search, LicenseID: l.ID})
			same(t, want, got, nil)
		}
		got, _ := read(t, store.ActivationFilter{Search: "b", LicenseID: l.ID, Status: license.ActivationActive})
		same(t, 2, len(got), nil)
	})
	t.Run("a place in somebody else's list is no place", func(t *testing.T) {
		f := store.ActivationFilter{Customer: x.owner.ID, Now: noon}
		for _, page := range []store.Page{{After: theirs[0].ID, Size: 9}, {Before: theirs[0].ID, Size: 9}} {
			list, err := s.OwnedActivations(t.Context(), f, page)
			same(t, nil, activationIDs(list), err)
		}
	})
	t.Run("a row has its license and product", func(t *testing.T) { // P-ACT-02
		list, err := s.OwnedActivations(t.Context(), store.ActivationFilter{Customer: x.owner.ID, Now: noon}, store.Page{Size: 5})
		if err != nil || len(list) != 6 {
			t.Fatalf("%d rows (%v)", len(list), err)
		}
		for _, o := range list[1:] {
			l := all[o.Activation.LicenseID]
			if l.ID == "" {
				continue
			}
			same(t, l, o.License, nil)
			same(t, x.products[l.ProductID].Name, o.ProductName, nil)
		}
	})
}

// newestFirst orders activations that were stored in the order given.
func newestFirst(list []license.Activation) []license.Activation {
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, func(a, b license.Activation) int { return a.ActivatedAt.Compare(b.ActivatedAt) })
	slices.Reverse(sorted)
	return sorted
}

func activationIDs(list []store.OwnedActivation) []id.ID {
	var ids []id.ID
	for _, o := range list {
		ids = append(ids, o.Activation.ID)
	}
	return ids
}

// attempts proves that refused activations are kept for the license they are
// about, the last twenty.
func attempts(t *testing.T, s *store.Store) {
	ctx := t.Context()
	p, owner := aProduct(t, s, "editor"), aCustomer(t, s, "Owner")
	l, quiet := aLicense(p, owner.ID), aLicense(p, owner.ID)
	add(t, s, l, quiet)
	attemptIDs := make([]id.ID, 25) // the first is from before they had one
	for n := range 24 {
		attemptIDs[n+1] = id.New()
	}
	attempt := func(n int) license.Attempt {
		return license.Attempt{
			ID: attemptIDs[n], At: noon.Add(time.Duration(n) * time.Second), Kind: license.Hardware,
			Identifier: fmt.Sprintf("hw-%d", n), Name: "Büro", Code: verdict.LimitReached,
		}
	}
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddAttempt(ctx, quiet.ID, attempt(0)) })
	var want []license.Attempt
	for n := range 25 {
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddAttempt(ctx, l.ID, attempt(n)) })
		want = append([]license.Attempt{attempt(n)}, want...)
	}
	got, err := s.Attempts(ctx, l.ID, 100)
	same(t, want[:20], got, err)
	got, err = s.Attempts(ctx, l.ID, 5)
	same(t, want[:5], got, err)
	got, err = s.Attempts(ctx, quiet.ID, 100)
	same(t, []license.Attempt{attempt(0)}, got, err)
	absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddAttempt(ctx, id.New(), attempt(0)) }))
}
