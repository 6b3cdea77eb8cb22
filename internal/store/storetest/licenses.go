package storetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

// aLicense is an active license of a product, owned by a customer unless that
// is "".
func aLicense(p license.Product, customer id.ID) license.License {
	l := license.License{
		ID: id.New(), ProductID: p.ID, Environment: p.Environment, Plan: "Standard", Mask: "••••-1234",
		Limit: 5, HoldFor: p.HoldFor, ValidityDays: 365, CreatedAt: noon, Version: 1,
	}
	if customer != "" {
		l.CustomerID, l.AssignedAt, l.ExpiresAt, l.Version = customer, noon, noon.Add(365*24*time.Hour), 2
	}
	return l
}

// keyFor is a key as text, of which the folded form is given.
func keyFor(folded string) store.LicenseKey {
	return store.LicenseKey{Hash: []byte("hash of " + folded), Text: folded, Folded: folded}
}

// add stores a license with an ordinary key made of its id.
func add(t *testing.T, s *store.Store, list ...license.License) {
	t.Helper()
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		for _, l := range list {
			if err := tx.AddLicense(ctx, l, keyFor(id.Fold(string(l.ID))), ""); err != nil {
				return err
			}
		}
		return nil
	})
}

func licenses(t *testing.T, s *store.Store) {
	ctx := t.Context()
	p, owner, other := aProduct(t, s, "editor"), aCustomer(t, s, "Owner"), aCustomer(t, s, "Other")
	full := aLicense(p, owner.ID)
	full.StartsAt, full.FirstActivatedAt, full.Grace = noon.Add(time.Hour), noon.Add(2*time.Hour), 36*time.Hour+time.Microsecond
	full.SuspendedAt, full.SuspendReason = noon.Add(3*time.Hour), license.Payment
	full.RevokedAt, full.RevokeReason, full.Note = noon.Add(4*time.Hour), license.Refund, "Refunded \"on\" request"
	full.MaxVersion, full.UpdatesUntil, full.Features = "8.x", noon.Add(5*time.Hour), p.Features
	bare := aLicense(p, "")
	bare.Limit, bare.ValidityDays, bare.Plan = license.Unlimited, 0, ""
	key := store.LicenseKey{Hash: []byte{1, 0, 2}, Text: "AbC-dEf", Folded: "ABCDEF"}
	sealed := store.LicenseKey{Hash: []byte{3}, Sealed: []byte{0, 1, 2}}
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.AddLicense(ctx, full, key, ""); err != nil {
			return err
		}
		return tx.AddLicense(ctx, bare, sealed, "")
	})

	t.Run("one comes back as it was stored", func(t *testing.T) {
		got, err := s.License(ctx, full.ID)
		same(t, full, got, err)
		got, err = s.License(ctx, bare.ID) // E-05: unlimited is null
		same(t, bare, got, err)
		_, err = s.License(ctx, id.New())
		absent(t, err)
	})
	t.Run("one is found by its key, in its environment alone", func(t *testing.T) { // C-ENV-03
		got, err := s.LicenseByKey(ctx, license.Production, key.Hash)
		same(t, full, got, err)
		_, err = s.LicenseByKey(ctx, license.Staging, key.Hash)
		absent(t, err)
		_, err = s.LicenseByKey(ctx, license.Production, []byte{1, 0})
		absent(t, err)
	})
	t.Run("the key is kept as it was issued", func(t *testing.T) {
		got, err := s.KeyOf(ctx, full.ID)
		same(t, key, got, err)
		got, err = s.KeyOf(ctx, bare.ID)
		same(t, sealed, got, err)
		both, err := s.KeysOf(ctx, []id.ID{full.ID, id.New(), bare.ID})
		same(t, map[id.ID]store.LicenseKey{full.ID: key, bare.ID: sealed}, both, err)
		_, err = s.KeyOf(ctx, id.New())
		absent(t, err)
	})
	t.Run("a key exists once in its environment", func(t *testing.T) { // C-GEN-01
		again := aLicense(p, "")
		err := try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddLicense(ctx, again, key, "") })
		if !store.IsUnique(err, "license.key_hash") || !fault.Is(err, fault.Conflict) {
			t.Errorf("got %v, want a conflict about license.key_hash", err)
		}
		again.Environment = license.Staging
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddLicense(ctx, again, key, "") })
	})
	t.Run("one of an unknown product is not found", func(t *testing.T) {
		astray := aLicense(p, "")
		astray.ProductID = id.New()
		absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.AddLicense(ctx, astray, keyFor("ASTRAY"), "")
		}))
	})
	t.Run("one belongs to its owner alone", func(t *testing.T) { // P-ISO-01
		got, err := s.OwnedLicense(ctx, owner.ID, full.ID)
		same(t, full, got, err)
		for _, stranger := range []id.ID{other.ID, id.New(), ""} {
			_, err = s.OwnedLicense(ctx, stranger, full.ID)
			absent(t, err)
			_, err = s.OwnedByKey(ctx, stranger, map[license.Environment][]byte{license.Production: key.Hash})
			absent(t, err)
		}
		_, err = s.OwnedLicense(ctx, owner.ID, bare.ID)
		absent(t, err)
	})
	t.Run("an owner finds one by its key in any environment", func(t *testing.T) { // P-LIC-10
		mine := aLicense(p, owner.ID)
		mine.Environment = license.Development
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddLicense(ctx, mine, keyFor("MINE"), "") })
		got, err := s.OwnedByKey(ctx, owner.ID, map[license.Environment][]byte{
			license.Production: []byte("nothing"), license.Development: keyFor("MINE").Hash,
		})
		same(t, mine.ID, got, err)
	})
	t.Run("what a transition changes is written, under the license's lock", func(t *testing.T) {
		l := bare
		l.CustomerID, l.AssignedAt, l.FirstActivatedAt, l.ExpiresAt = owner.ID, noon, noon.Add(time.Second), noon.Add(time.Hour)
		l.SuspendedAt, l.SuspendReason, l.Note, l.Version = noon.Add(time.Minute), license.Abuse, "Paused", 9
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			locked, err := tx.LockLicense(ctx, bare.ID)
			same(t, bare, locked, err)
			return tx.SaveLicense(ctx, l)
		})
		got, err := s.License(ctx, bare.ID)
		same(t, l, got, err)
		l.SuspendedAt, l.SuspendReason, l.Note = time.Time{}, "", ""
		l.RevokedAt, l.RevokeReason = noon.Add(time.Hour), license.Leak
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SaveLicense(ctx, l) })
		got, err = s.License(ctx, bare.ID)
		same(t, l, got, err)
	})
	t.Run("one that does not exist cannot be locked or changed", func(t *testing.T) {
		absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.LockLicense(ctx, id.New())
			return err
		}))
		absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SaveLicense(ctx, aLicense(p, "")) }))
	})
}

// shelf is what the tests of a customer's list work on: the licenses of one
// customer in the order in which they were made, and another customer's.
type shelf struct {
	owner, other account.Customer
	products     map[id.ID]license.Product
	mine         []license.License
	theirs       []license.License
}

// aShelf makes n licenses of each of two customers from repeatable randomness.
// Few different instants make many ties.
func aShelf(t *testing.T, s *store.Store, n int, seed uint64) shelf {
	t.Helper()
	r := newRandom(seed)
	x := shelf{owner: aCustomer(t, s, "Owner"), other: aCustomer(t, s, "Other"), products: map[id.ID]license.Product{}}
	var products []license.Product
	for _, slug := range []string{"anvil", "bellows", "chisel"} {
		p := aProduct(t, s, slug)
		products, x.products[p.ID] = append(products, p), p
	}
	for range n {
		x.mine = append(x.mine, r.license(pick(r, products), x.owner.ID))
		x.theirs = append(x.theirs, r.license(pick(r, products), x.other.ID))
	}
	var mixed []license.License
	for i := range n {
		mixed = append(mixed, x.mine[i], x.theirs[i])
	}
	add(t, s, mixed...)
	return x
}

// statuses proves that SQL and Go read the same status from the same facts, at
// any instant, the boundaries included.
func statuses(t *testing.T, s *store.Store) {
	x := aShelf(t, s, 1500, 1)
	r := newRandom(2)
	instants := []time.Time{noon, license.Forever.Add(-time.Microsecond), license.Forever}
	for range 4 {
		end := pick(r, x.mine).EndsAt()
		instants = append(instants, end.Add(-time.Microsecond), end, r.instant())
	}
	for _, now := range instants {
		if now.IsZero() {
			continue
		}
		want := map[license.Status][]id.ID{}
		for _, l := range x.mine {
			want[l.Status(now)] = append(want[l.Status(now)], l.ID)
		}
		counts, err := s.CountOwned(t.Context(), store.LicenseFilter{Customer: x.owner.ID, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		for _, status := range append(license.OwnedStatuses(), license.Available) {
			list, err := s.OwnedLicenses(t.Context(),
				store.LicenseFilter{Customer: x.owner.ID, Now: now, Status: status}, license.ByAssigned, false, store.Page{Size: 5000})
			got := owned(list)
			slices.Sort(got)
			slices.Sort(want[status])
			same(t, want[status], got, err)
			same(t, len(want[status]), counts[status], nil)
		}
	}
}

func owned(list []license.Owned) []id.ID {
	var ids []id.ID
	for _, o := range list {
		ids = append(ids, o.License.ID)
	}
	return ids
}

// order is where a license stands in a list, told by Go.
func (x shelf) order(sort license.Order, now time.Time) func(a, b license.License) int {
	rank := func(l license.License) int {
		return slices.Index([]license.Status{license.Active, license.Assigned, license.Suspended, license.Expired, license.Revoked}, l.Status(now))
	}
	return func(a, b license.License) int {
		switch sort {
		case license.ByProduct:
			return cmp.Compare(x.products[a.ProductID].Name, x.products[b.ProductID].Name)
		case license.ByExpiry:
			return a.EndsAt().Compare(b.EndsAt())
		case license.ByStatus:
			return rank(a) - rank(b)
		}
		return a.AssignedAt.Compare(b.AssignedAt)
	}
}

// paging proves that every order, in both directions, read forward or
// backward, visits every row once, in the order that Go finds (P-LIC-13).
func paging(t *testing.T, s *store.Store) {
	x := aShelf(t, s, 60, 3)
	for _, status := range []license.Status{"", license.Expired} {
		for _, sort := range []license.Order{license.ByAssigned, license.ByProduct, license.ByStatus, license.ByExpiry} {
			for _, desc := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s desc=%v %s", sort, desc, status), func(t *testing.T) {
					f := store.LicenseFilter{Customer: x.owner.ID, Now: noon, Status: status}
					visits(t, x.want(sort, desc, status, noon), func(page store.Page) ([]id.ID, error) {
						list, err := s.OwnedLicenses(t.Context(), f, sort, desc, page)
						return owned(list), err
					})
				})
			}
		}
	}
}

func (x shelf) want(sort license.Order, desc bool, status license.Status, now time.Time) []id.ID {
	var list []license.License
	for _, l := range x.mine {
		if status == "" || l.Status(now) == status {
			list = append(list, l)
		}
	}
	slices.SortStableFunc(list, x.order(sort, now)) // ties by creation
	if desc {
		slices.Reverse(list)
	}
	var ids []id.ID
	for _, l := range list {
		ids = append(ids, l.ID)
	}
	return ids
}

// visits proves that read, which returns one row more than a page where there
// is one, goes through all of want from either end.
func visits(t *testing.T, want []id.ID, read func(store.Page) ([]id.ID, error)) {
	t.Helper()
	if len(want) < 3 {
		t.Fatalf("only %d rows to visit", len(want))
	}
	for _, size := range []int{1, 7, len(want) - 1, len(want)} {
		var forward, backward []id.ID
		for more, page := true, (store.Page{Size: size}); more; {
			rows, err := read(page)
			if err != nil {
				t.Fatal(err)
			}
			more = len(rows) > size
			rows = rows[:min(size, len(rows))]
			forward = append(forward, rows...)
			page.After = forward[len(forward)-1]
		}
		same(t, want, forward, nil)
		last := want[len(want)-1]
		for more, page := true, (store.Page{Size: size, Before: last}); more; {
			rows, err := read(page)
			if err != nil {
				t.Fatal(err)
			}
			more = len(rows) > size
			rows = rows[max(0, len(rows)-size):]
			backward = append(slices.Clone(rows), backward...)
			page.Before = backward[0]
		}
		same(t, want, append(backward, last), nil)
	}
}

// searches proves what a filter finds, and that it never finds what belongs to
// somebody else.
func searches(t *testing.T, s *store.Store) {
	owner, other := aCustomer(t, s, "Owner"), aCustomer(t, s, "Other")
	product := func(slug, name string) license.Product {
		p := license.Product{ID: id.New(), Environment: license.Production, Name: name, Slug: slug, Active: true, CreatedAt: noon}
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddProduct(ctx, p) })
		return p
	}
	plain, odd, greek := product("plain", "Plain  Editor"), product("odd", `100%_Sure\Thing`), product("greek", "ΦΩΣ Ünit")
	keys := map[id.ID]string{}
	keep := func(p license.Product, customer id.ID, key store.LicenseKey) id.ID {
		l := aLicense(p, customer)
		keys[l.ID] = key.Folded
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddLicense(ctx, l, key, "") })
		return l.ID
	}
	a, b, c := keep(plain, owner.ID, keyFor("ABCDEF12")), keep(odd, owner.ID, keyFor("XYZDEF34")), keep(greek, owner.ID, keyFor("QRSTUV56"))
	sealed := keep(plain, owner.ID, store.LicenseKey{Hash: []byte("sealed"), Sealed: []byte("sealed")})
	theirs := keep(odd, other.ID, keyFor("ABCDEF99"))
	theirSealed := keep(odd, other.ID, store.LicenseKey{Hash: []byte("their sealed"), Sealed: []byte("their sealed")})

	many := make([]id.ID, 0, 5000)
	for range 4998 {
		many = append(many, id.New())
	}
	many = append(many, theirs, sealed)
	for name, search := range map[string]struct {
		f    store.LicenseFilter
		want []id.ID
	}{
		"everything":                       {store.LicenseFilter{}, []id.ID{a, b, c, sealed}},
		"part of a name":                   {store.LicenseFilter{Product: "n ed"}, []id.ID{a, sealed}},
		"part of a name in another script": {store.LicenseFilter{Product: license.FoldName("φΩ")}, []id.ID{c}},
		"a name that nothing has":          {store.LicenseFilter{Product: "editör"}, nil},
		"a percent sign is one":            {store.LicenseFilter{Product: "%"}, []id.ID{b}},
		"an underscore is one":             {store.LicenseFilter{Product: "_"}, []id.ID{b}},
		"a backslash is one":               {store.LicenseFilter{Product: `\`}, []id.ID{b}},
		"all three":                        {store.LicenseFilter{Product: `%_sure\t`}, []id.ID{b}},
		"part of a key":                    {store.LicenseFilter{Key: "DEF"}, []id.ID{a, b}},
		"a percent sign in no key":         {store.LicenseFilter{Key: "%"}, nil},
		"an underscore in no key":          {store.LicenseFilter{Key: "_"}, nil},
		"a backslash in no key":            {store.LicenseFilter{Key: `\`}, nil},
		"a sealed one by id":               {store.LicenseFilter{Licenses: []id.ID{sealed}}, []id.ID{sealed}},
		"sealed ones among three":          {store.LicenseFilter{Licenses: []id.ID{sealed, theirs, a}}, []id.ID{a, sealed}},
		"sealed ones among thousands":      {store.LicenseFilter{Licenses: many}, []id.ID{sealed}},
		"name or key or id":                {store.LicenseFilter{Product: "sure", Key: "QRS", Licenses: []id.ID{sealed}}, []id.ID{b, c, sealed}},
		"search and status":                {store.LicenseFilter{Key: "DEF", Status: license.Assigned}, []id.ID{a, b}},
		"search and another status":        {store.LicenseFilter{Key: "DEF", Status: license.Active}, nil},
	} {
		t.Run(name, func(t *testing.T) { // P-LIC-10, P-LIC-12
			f := search.f
			f.Customer, f.Now = owner.ID, noon
			list, err := s.OwnedLicenses(t.Context(), f, license.ByAssigned, false, store.Page{Size: 100})
			same(t, search.want, owned(list), err)
			f.Status = "" // counts tell what another status would show
			counts, err := s.CountOwned(t.Context(), f)
			if search.f.Status == "" {
				same(t, len(search.want), counts[license.Assigned], err)
			}
		})
	}
	t.Run("sealed keys come to their owner, newest first and bounded", func(t *testing.T) {
		got, err := s.SealedKeys(t.Context(), owner.ID, 10)
		same(t, []store.SealedKey{{LicenseID: sealed, Sealed: []byte("sealed")}}, got, err)
		got, err = s.SealedKeys(t.Context(), other.ID, 10)
		same(t, []store.SealedKey{{LicenseID: theirSealed, Sealed: []byte("their sealed")}}, got, err)
		got, err = s.SealedKeys(t.Context(), other.ID, 0)
		same(t, nil, got, err)
	})
	t.Run("a place in somebody else's list is no place", func(t *testing.T) {
		f := store.LicenseFilter{Customer: owner.ID, Now: noon}
		for _, page := range []store.Page{{After: theirs, Size: 9}, {Before: theirs, Size: 9}, {After: id.New(), Size: 9}} {
			list, err := s.OwnedLicenses(t.Context(), f, license.ByExpiry, false, page)
			same(t, nil, owned(list), err)
		}
	})
	t.Run("nobody owns nothing", func(t *testing.T) {
		keep(plain, "", keyFor("FREE"))
		for _, nobody := range []id.ID{"", id.New()} {
			f := store.LicenseFilter{Customer: nobody, Now: noon}
			list, err := s.OwnedLicenses(t.Context(), f, license.ByAssigned, true, store.Page{Size: 9})
			same(t, nil, owned(list), err)
			counts, err := s.CountOwned(t.Context(), f)
			same(t, map[license.Status]int{}, counts, err)
		}
	})
}

// ending proves which licenses end within a time: still valid ones, suspended
// ones too, up to the last instant (P-DASH-04, P-LIC-07).
func ending(t *testing.T, s *store.Store) {
	x := aShelf(t, s, 300, 4)
	for _, within := range []time.Duration{time.Microsecond, time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour} {
		var want []id.ID
		for _, l := range x.mine {
			if l.EndsSoon(noon, within) {
				want = append(want, l.ID)
			}
		}
		f := store.LicenseFilter{Customer: x.owner.ID, Now: noon, Within: within}
		list, err := s.OwnedLicenses(t.Context(), f, license.ByExpiry, false, store.Page{Size: 500})
		for i, o := range list[min(1, len(list)):] {
			if o.License.EndsAt().Before(list[i].License.EndsAt()) {
				t.Errorf("row %d ends before the one in front of it", i+1)
			}
		}
		got := owned(list)
		slices.Sort(got)
		same(t, want, got, err) // ids grow with time, as x.mine does
		counts, err := s.CountOwned(t.Context(), f)
		n := 0
		for _, c := range counts {
			n += c
		}
		same(t, len(want), n, err)
	}
}
