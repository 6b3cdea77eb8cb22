package licensing_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/apptest"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
)

// portfolio is a customer with a license in every state, and another customer
// with the same.
type portfolio struct {
	owner, other account.Actor
	customer     account.Customer
	product      license.Product
	by           map[license.Status]license.License
	keys         map[license.Status]string
}

func aPortfolio(w *apptest.World) portfolio {
	w.Helper()
	p := portfolio{product: w.Product("editor"), by: map[license.Status]license.License{}, keys: map[license.Status]string{}}
	p.customer = w.Customer("Ada")
	other := w.Customer("Ben")
	p.owner, p.other = apptest.Owner(p.customer), apptest.Owner(other)
	for _, c := range []account.Customer{other, p.customer} {
		w.Available(p.product)
		for _, status := range license.OwnedStatuses() {
			w.Clock.Add(time.Second)
			l, key := w.License(p.product, c, func(in *licensing.Issue) {
				if status == license.Expired {
					one := 1
					in.ValidityDays = &one
				}
			})
			if status != license.Assigned {
				w.Activate(p.product, key, "HW of "+string(status))
			}
			var err error
			switch status {
			case license.Suspended:
				_, err = suspend(w, l)
			case license.Revoked:
				_, err = revoke(w, l)
			}
			w.Must(err)
			p.by[status], p.keys[status] = l, key
		}
	}
	w.Clock.Add(apptest.Day)
	return p
}

func TestList(t *testing.T) {
	w := apptest.New(t)
	x := aPortfolio(w)
	list := func(t *testing.T, q licensing.ListQuery) licensing.List {
		t.Helper()
		l, err := w.Licensing.List(t.Context(), x.owner, q)
		w.In(t).Must(err)
		return l
	}
	newest := []string{
		string(x.by[license.Revoked].ID), string(x.by[license.Expired].ID), string(x.by[license.Suspended].ID),
		string(x.by[license.Assigned].ID), string(x.by[license.Active].ID),
	}
	one := func(s license.Status) []string { return []string{string(x.by[s].ID)} }
	each := map[license.Status]int{license.Active: 1, license.Assigned: 1, license.Suspended: 1, license.Expired: 1, license.Revoked: 1}

	t.Run("all of the customer's licenses and nobody else's", func(t *testing.T) { // P-LIC-01, P-LIC-03, P-LIC-05
		l := list(t, licensing.ListQuery{Desc: true})
		equal(t, newest, ids(l.Rows))
		equal(t, each, l.Counts)
		equal(t, 5, l.Total)
		equal(t, 5, l.Owned)
		equal(t, w.Clock.Now(), l.At)
		equal(t, false, l.HasNext || l.HasPrior)
		for _, row := range l.Rows {
			equal(t, x.product.Name, row.ProductName)
			used := 1
			if s := row.License.Status(l.At); s == license.Assigned || s == license.Revoked {
				used = 0
			}
			equal(t, used, row.Used)
		}
	})
	t.Run("a status isolates one and keeps the counts of the others", func(t *testing.T) { // P-LIC-11
		for _, status := range license.OwnedStatuses() {
			l := list(t, licensing.ListQuery{Status: status})
			equal(t, one(status), ids(l.Rows))
			equal(t, each, l.Counts)
			equal(t, 1, l.Total)
		}
		l := list(t, licensing.ListQuery{Status: license.Available})
		equal(t, nil, ids(l.Rows))
		equal(t, 5, l.Owned) // P-LIC-14: nothing matches, but something is owned
	})
	t.Run("a key is found whole or in part, however it is written", func(t *testing.T) { // P-LIC-10
		key := x.keys[license.Suspended]
		for _, search := range []string{key, strings.ToLower(key), key[6:11], " " + key[12:17] + " ", key[7:15], strings.ReplaceAll(key, "-", " ")} {
			equal(t, one(license.Suspended), ids(list(t, licensing.ListQuery{Search: search}).Rows))
		}
	})
	t.Run("two characters of a key find names only", func(t *testing.T) {
		key := x.keys[license.Suspended]
		if rows := list(t, licensing.ListQuery{Search: key[6:8] + "\x00"}).Rows; len(rows) != 0 {
			t.Errorf("found %v", ids(rows))
		}
	})
	t.Run("a product is found by part of its name", func(t *testing.T) {
		equal(t, newest, ids(list(t, licensing.ListQuery{Search: "  PROduct   EDI ", Desc: true}).Rows))
		equal(t, nil, ids(list(t, licensing.ListQuery{Search: "%"}).Rows))
	})
	t.Run("somebody else's key finds nothing", func(t *testing.T) { // P-ISO-01
		for _, key := range x.keys {
			l, err := w.Licensing.List(t.Context(), x.other, licensing.ListQuery{Search: key})
			w.In(t).Must(err)
			equal(t, nil, ids(l.Rows))
			equal(t, 0, l.Total)
		}
	})
	t.Run("search and status combine", func(t *testing.T) { // P-LIC-12
		q := licensing.ListQuery{Search: "editor", Status: license.Expired}
		equal(t, one(license.Expired), ids(list(t, q).Rows))
		q.Search = x.keys[license.Active]
		l := list(t, q)
		equal(t, nil, ids(l.Rows))
		equal(t, map[license.Status]int{license.Active: 1}, l.Counts)
		equal(t, 0, l.Total)
	})
	t.Run("a list keeps the instant it was taken at", func(t *testing.T) {
		l := list(t, licensing.ListQuery{Status: license.Active, At: x.by[license.Expired].EndsAt().Add(-time.Microsecond)})
		equal(t, []string{string(x.by[license.Active].ID), string(x.by[license.Expired].ID)}, ids(l.Rows))
	})
	t.Run("who is not a customer has no list", func(t *testing.T) {
		_, err := w.Licensing.List(t.Context(), apptest.Staff(), licensing.ListQuery{})
		refusedAs(t, err, fault.Forbidden, "not_a_customer")
	})
}

func TestListPages(t *testing.T) { // P-LIC-13
	w := apptest.New(t)
	p, c := w.Product("editor"), w.Customer("Ada")
	owner := apptest.Owner(c)
	var want []string
	for range 2*licensing.PageSize + 10 {
		l, _ := w.License(p, c) // all at the same instant
		want = append(want, string(l.ID))
	}
	slices.Reverse(want)
	q := licensing.ListQuery{Desc: true}
	read := func(after, before id.ID) licensing.List {
		t.Helper()
		q.After, q.Before = after, before
		l, err := w.Licensing.List(t.Context(), owner, q)
		w.Must(err)
		equal(t, 2*licensing.PageSize+10, l.Total)
		return l
	}
	last := func(l licensing.List) id.ID { return l.Rows[len(l.Rows)-1].License.ID }
	first := func(l licensing.List) id.ID { return l.Rows[0].License.ID }
	shows := func(l licensing.List, from, to int, prior, next bool) {
		t.Helper()
		equal(t, want[from:to], ids(l.Rows))
		equal(t, [2]bool{prior, next}, [2]bool{l.HasPrior, l.HasNext})
	}
	one := read("", "")
	shows(one, 0, 25, false, true)
	two := read(last(one), "")
	shows(two, 25, 50, true, true)
	three := read(last(two), "")
	shows(three, 50, 60, true, false)
	shows(read("", first(three)), 25, 50, true, true)
	shows(read("", first(two)), 0, 25, false, true)
}

func TestSealedKeysAreSearched(t *testing.T) { // P-LIC-10
	w := apptest.New(t)
	sealed, plain, c := w.Product("vault", secure), w.Product("plain"), w.Customer("Ada")
	l, key := w.License(sealed, c)
	w.License(plain, c)
	w.License(sealed, w.Customer("Ben"))
	find := func(by account.Actor, search string) []string {
		list, err := w.Licensing.List(t.Context(), by, licensing.ListQuery{Search: search})
		w.Must(err)
		return ids(list.Rows)
	}
	for _, search := range []string{key, strings.ToLower(key[6:11]), key[8:14]} {
		equal(t, []string{string(l.ID)}, find(apptest.Owner(c), search))
		equal(t, nil, find(apptest.Owner(w.Customer("Eve")), search))
	}
	equal(t, types(event.LicenseCreated, event.LicenseAssigned), w.EventTypes(l))
}

func TestJump(t *testing.T) {
	w := apptest.New(t)
	x := aPortfolio(w)
	vault := w.Product("vault", func(p *license.Product, _ *license.Generator) {
		p.HighSecurity, p.Environment = true, license.Staging
	})
	guarded, guardedKey := w.License(vault, x.customer)
	for text, want := range map[string]id.ID{
		x.keys[license.Revoked]:                 x.by[license.Revoked].ID,
		strings.ToLower(x.keys[license.Active]): x.by[license.Active].ID,
		"  " + x.keys[license.Expired] + "\n":   x.by[license.Expired].ID,
		guardedKey:                              guarded.ID,
		x.keys[license.Active][:17]:             "",
		"":                                      "",
		"EDIT":                                  "",
		x.keys[license.Active] + "X":            "",
		strings.Repeat(x.keys[license.Active], 20): "",
	} {
		got, err := w.Licensing.Jump(t.Context(), x.owner, text)
		w.Must(err)
		equal(t, want, got)
		got, err = w.Licensing.Jump(t.Context(), x.other, text) // P-TIC-29
		w.Must(err)
		equal(t, "", got)
	}
	_, err := w.Licensing.Jump(t.Context(), apptest.Staff(), guardedKey)
	refusedAs(t, err, fault.Forbidden, "not_a_customer")
}

func TestKeysNeverStandInAddresses(t *testing.T) {
	for text, want := range map[string]bool{
		"": true, "editor": true, "12-characters": true, "ABCD-EFGH-IJKL": true, "ABCD-EFGH-IJKL-M": false, "EDIT-AAAAA-BBBBB-CCCCC": false,
	} {
		if got := licensing.InAddress(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestListWarnsOfWhatEndsSoon(t *testing.T) { // P-LIC-07
	w := apptest.New(t)
	p, c := w.Product("editor"), w.Customer("Ada")
	owner := apptest.Owner(c)
	list := func() licensing.List {
		l, err := w.Licensing.List(t.Context(), owner, licensing.ListQuery{Search: "nothing like it"})
		w.Must(err)
		return l
	}
	days := func(n int) license.License {
		l, _ := w.License(p, c, func(in *licensing.Issue) { in.ValidityDays = &n })
		return l
	}
	days(400)
	if l := list(); l.Urgent != nil || l.Soon != 0 {
		t.Errorf("warned of %+v", l.Urgent)
	}
	later, first := days(10), days(9)
	w.Clock.Set(first.EndsAt().Add(-7*apptest.Day - time.Microsecond))
	if l := list(); l.Urgent != nil {
		t.Errorf("warned of %+v before it is time", l.Urgent)
	}
	w.Clock.Add(time.Microsecond)
	l := list()
	equal(t, first.ID, l.Urgent.License.ID)
	equal(t, "https://shop.example.com/renew?license="+string(first.ID), l.Urgent.RenewalURL)
	equal(t, 1, l.Soon)
	w.Clock.Add(apptest.Day)
	equal(t, 2, list().Soon)
	w.Clock.Set(first.EndsAt())
	equal(t, later.ID, list().Urgent.License.ID)
	_, err := revoke(w, later)
	w.Must(err)
	if l := list(); l.Urgent != nil {
		t.Errorf("warned of %+v, which is revoked", l.Urgent)
	}
}

func TestDashboard(t *testing.T) {
	w := apptest.New(t)
	x := aPortfolio(w)
	dashboard := func(t *testing.T, by account.Actor) licensing.Dashboard {
		t.Helper()
		d, err := w.Licensing.Dashboard(t.Context(), by)
		w.In(t).Must(err)
		return d
	}

	t.Run("figures count the customer's own", func(t *testing.T) { // P-DASH-01, P-DASH-02, P-DASH-03
		d := dashboard(t, x.owner)
		equal(t, 5, d.Total)
		equal(t, 1, d.Active)
		equal(t, 1, d.InUse)
		equal(t, 1, d.ByStatus[license.Expired])
	})
	t.Run("what ends within thirty days counts, ended and revoked ones do not", func(t *testing.T) { // P-DASH-04
		equal(t, 0, dashboard(t, x.owner).Expiring)
		w.Clock.Set(x.by[license.Active].EndsAt().Add(-30 * apptest.Day))
		equal(t, 1, dashboard(t, x.owner).Expiring)
		w.Clock.Add(time.Minute)
		equal(t, 3, dashboard(t, x.owner).Expiring) // assigned and suspended ones too
		list, err := w.Licensing.List(t.Context(), x.owner, licensing.ListQuery{Within: licensing.ExpiringWindow, Sort: license.ByExpiry})
		w.In(t).Must(err)
		equal(t, 3, list.Total) // P-DASH-16
		equal(t, string(x.by[license.Active].ID), ids(list.Rows)[0])
	})
	t.Run("an assignment shows at once, newest first, five at most", func(t *testing.T) { // P-DASH-05, P-DASH-09
		l, _ := w.License(x.product, x.customer)
		d := dashboard(t, x.owner)
		equal(t, 6, d.Total)
		equal(t, []string{
			string(l.ID), string(x.by[license.Revoked].ID), string(x.by[license.Expired].ID),
			string(x.by[license.Suspended].ID), string(x.by[license.Assigned].ID),
		}, ids(d.Latest))
	})
	t.Run("recent activity is what concerns the customer", func(t *testing.T) { // P-ISO-05
		_, err := assignTo(account.Customer{ID: x.other.CustomerID})(w, x.by[license.Active])
		refusedAs(t, err, fault.Conflict, "transition_refused")
		d := dashboard(t, x.owner)
		equal(t, 8, len(d.Recent))
		equal(t, event.LicenseAssigned, d.Recent[0].Event.Type)
		for _, r := range d.Recent {
			if r.Event.CustomerID != x.owner.CustomerID || r.Event.Type == event.ChangeRefused || r.Event.Address != "" || r.ProductName == "" || r.Mask == "" {
				t.Errorf("%+v", r)
			}
		}
	})
	t.Run("the license that ends first is named", func(t *testing.T) {
		w.Clock.Set(x.by[license.Active].EndsAt().Add(-time.Hour))
		equal(t, x.by[license.Active].ID, dashboard(t, x.owner).Urgent.License.ID)
	})
	t.Run("who owns nothing sees zeros", func(t *testing.T) { // P-DASH-12
		d := dashboard(t, apptest.Owner(w.Customer("Nobody")))
		equal(t, licensing.Dashboard{At: d.At, ByStatus: map[license.Status]int{}}, d)
	})
	t.Run("who is not a customer has none", func(t *testing.T) {
		_, err := w.Licensing.Dashboard(t.Context(), apptest.Client(x.product))
		refusedAs(t, err, fault.Forbidden, "not_a_customer")
	})
}

// A customer's pages are of one moment: what commits meanwhile shows in none
// of their figures.
func TestPagesSeeOneMoment(t *testing.T) { // P-DASH-05
	w := apptest.New(t)
	p, c := w.Product("editor"), w.Customer("Ada")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 60 {
			if _, _, err := w.Licensing.Issue(t.Context(), apptest.Staff(), licensing.Issue{ProductID: p.ID, CustomerID: c.ID}); err != nil {
				t.Error(err)
			}
		}
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		d, err := w.Licensing.Dashboard(t.Context(), apptest.Owner(c))
		w.Must(err)
		sum := 0
		for _, n := range d.ByStatus {
			sum += n
		}
		if sum != d.Total || len(d.Latest) != min(d.Total, 5) || len(d.Recent) != min(d.Total, 8) {
			t.Fatalf("%d licenses, %d by status, %d latest, %d recent", d.Total, sum, len(d.Latest), len(d.Recent))
		}
	}
}
