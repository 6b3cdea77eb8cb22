package portal_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/app/catalog"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/portal"
)

// listed are the addresses of the licenses in a list, in order.
func listed(p *page) []string {
	p.t.Helper()
	return p.attrs("tbody a.row-link", "href")
}

// paths are the addresses of licenses.
func paths(licenses ...issued) []string {
	list := []string{}
	for _, l := range licenses {
		list = append(list, l.path())
	}
	return list
}

func wantListed(t *testing.T, p *page, want ...issued) {
	t.Helper()
	if diff := cmp.Diff(paths(want...), listed(p)); diff != "" {
		t.Errorf("%s: the list differs (-want +got):\n%s", p.what, diff)
	}
}

// row is the row of a license in a list.
func row(p *page, l issued) *goquery.Selection {
	p.t.Helper()
	found := p.find("tbody tr").FilterFunction(func(_ int, s *goquery.Selection) bool {
		return s.Find("a[href='"+l.path()+"']").Length() > 0
	})
	if found.Length() != 1 {
		p.t.Errorf("%s: there are %d rows of license %s", p.what, found.Length(), l.Mask)
	}
	return found
}

func cell(p *page, l issued, name string) string {
	p.t.Helper()
	return textOf(row(p, l).Find("[data-cell=" + name + "]"))
}

// states are a license in each state, made a minute apart in this order, and
// one that nobody owns.
type states struct {
	active, assigned, suspended, expired, revoked issued
}

func (w *world) allStates(owner customer) states {
	w.t.Helper()
	p := w.product("Editor")
	next := func(changes ...func(*licensing.Issue)) issued {
		w.pass(time.Minute)
		return w.issue(owner.Customer.ID, p, changes...)
	}
	s := states{expired: next(days(1)), active: next(), assigned: next(), suspended: next(), revoked: next()}
	w.issue("", p)
	w.activate(s.active, "Laptop")
	w.pass(day)
	w.suspend(s.suspended, license.Payment, "")
	w.revoke(s.revoked, license.Refund)
	return s
}

// P-LIC-01, P-LIC-02, P-LIC-03, P-LIC-05, P-LIC-13, P-LIC-15
func TestMyLicensesListsEveryState(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	s := w.allStates(ada)
	list := ada.get("/licenses")
	wantStatus(t, list, http.StatusOK)
	wantText(t, list, "h1", "My Licenses")
	wantListed(t, list, s.revoked, s.suspended, s.assigned, s.active, s.expired) // newest first
	tones := map[string]bool{}
	for l, word := range map[*issued]string{
		&s.active: "Active", &s.assigned: "Assigned", &s.suspended: "Suspended", &s.expired: "Expired", &s.revoked: "Revoked",
	} {
		badge := row(list, *l).Find(".badge")
		if got := textOf(badge); got != word {
			t.Errorf("the badge reads %q, want %q", got, word)
		}
		icon, _ := badge.Find("svg").Html()
		tones[badge.AttrOr("data-tone", "")+icon] = true
		if got := row(list, *l).Find("code").Text(); got != id.Brief(l.Mask) || !strings.Contains(got, "•") {
			t.Errorf("the key is shown as %q, want %q", got, id.Brief(l.Mask))
		}
		if got := textOf(row(list, *l).Find("[data-cell=key] .vh")); !strings.HasSuffix(l.key, strings.TrimPrefix(got, "Key ending in ")) || len(got) < 18 {
			t.Errorf("the key is read aloud as %q", got)
		}
		if got := cell(list, *l, "product"); got != "E Editor Professional All versions Production" {
			t.Errorf("the product reads %q", got)
		}
		if got := row(list, *l).Find("[data-copy-url]").AttrOr("data-copy-url", ""); got != l.path()+"/key" {
			t.Errorf("the key is copied from %q", got)
		}
	}
	if len(tones) != 5 {
		t.Errorf("the badges of five states look like %d", len(tones))
	}
	forms := list.attrs("main form", "action")
	if !cmp.Equal(forms, []string{"/licenses/search"}) {
		t.Errorf("forms lead to %q", forms)
	}
}

// P-LIC-06
func TestLegendExplainsEachState(t *testing.T) {
	list := newWorld(t).customer("ada@example.com").get("/licenses")
	want := []string{"Active", "Assigned", "Suspended", "Expired", "Revoked"}
	if diff := cmp.Diff(want, list.texts(".legend dt")); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	for i, says := range []string{"Valid and in use", "not yet activated on any device", "Temporarily disabled by the administrator", "period has ended", "Permanently disabled"} {
		if got := list.texts(".legend dd")[i]; !strings.Contains(got, says) {
			t.Errorf("%s is explained by %q", want[i], got)
		}
	}
}

// P-LIC-03, P-LIC-04
func TestUsageInTheList(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	p := w.product("Editor")
	some, full, unlimited, unused := w.issue(ada.Customer.ID, p), w.issue(ada.Customer.ID, p, limit(2)), w.issue(ada.Customer.ID, p, limit(license.Unlimited)), w.issue(ada.Customer.ID, p)
	returned := w.issue(ada.Customer.ID, p)
	for _, l := range []issued{some, full, unlimited} {
		w.activate(l, "One")
		w.activate(l, "Two")
	}
	device := w.activate(returned, "One")
	ada.post("/activations/" + string(device.ID) + "/deactivate")
	list := ada.get("/licenses")
	for name, tt := range map[string]struct {
		license      issued
		reads, level string
		bars         int
	}{
		"some of the limit":      {some, "2 / 5 activations used", "ok", 1},
		"all of the limit":       {full, "2 / 2 activations used Limit reached", "full", 1},
		"without limit":          {unlimited, "2 / Unlimited activations used", "ok", 0},
		"never used":             {unused, "0 / 5 activations used", "idle", 1},
		"in use before, not now": {returned, "0 / 5 activations used No device at the moment", "idle", 1}, // E-03
	} {
		t.Run(name, func(t *testing.T) {
			if got := cell(list, tt.license, "usage"); got != tt.reads {
				t.Errorf("usage reads %q, want %q", got, tt.reads)
			}
			usage := row(list, tt.license).Find(".usage")
			if got := usage.AttrOr("data-level", ""); got != tt.level || usage.Find(".bar").Length() != tt.bars {
				t.Errorf("usage is drawn %q with %d bars", got, usage.Find(".bar").Length())
			}
		})
	}
}

// P-LIC-07, P-LIC-08: hours count, and the end itself is past it.
func TestExpiryThroughTime(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	p := w.product("Editor")
	plain := w.issue(ada.Customer.ID, p, days(10))
	graced := w.issue(ada.Customer.ID, p, days(10), func(i *licensing.Issue) { i.Grace = 3 * day })
	end := plain.EndsAt()
	for _, tt := range []struct {
		name         string
		at           time.Duration // from the end
		l            issued
		state, reads string
	}{
		{"in time", -9 * day, plain, "ok", "4 Dec 2026, 4 Dec 2026, 09:41 UTC In 9 days"},
		{"a moment before the last 7 days", -7*day - time.Microsecond, plain, "ok", "4 Dec 2026, 4 Dec 2026, 09:41 UTC In 7 days"},
		{"7 days to the moment", -7 * day, plain, "soon", "4 Dec 2026, 4 Dec 2026, 09:41 UTC Expires in 7 days"},
		{"the last seconds", -30 * time.Second, plain, "soon", "4 Dec 2026, 4 Dec 2026, 09:41 UTC Expires in less than a minute"},
		{"the end", 0, plain, "past", "4 Dec 2026, 4 Dec 2026, 09:41 UTC Expired just now"},
		{"an end with grace", 0, graced, "grace", "4 Dec 2026, 4 Dec 2026, 09:41 UTC In grace, 3 days left"},
		{"long past", 2 * day, plain, "past", "4 Dec 2026, 4 Dec 2026, 09:41 UTC Expired 2 days ago"},
		{"the last seconds of grace", 3*day - time.Second, graced, "grace", "4 Dec 2026, 4 Dec 2026, 09:41 UTC In grace, less than a minute left"},
		{"the end of grace", 3 * day, graced, "past", "7 Dec 2026, 7 Dec 2026, 09:41 UTC Expired just now"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.now = end.Add(tt.at)
			list := ada.get("/licenses")
			if got := row(list, tt.l).Find(".exp").AttrOr("data-state", ""); got != tt.state {
				t.Errorf("the state is %q, want %q", got, tt.state)
			}
			if got := cell(list, tt.l, "expires"); got != tt.reads {
				t.Errorf("it reads %q, want %q", got, tt.reads)
			}
			warned := row(list, tt.l).Find(".exp small svg").Length() == 1
			if warned != (tt.state == "soon" || tt.state == "grace") {
				t.Errorf("a warning is drawn: %v", warned)
			}
			if badge := textOf(row(list, tt.l).Find(".badge")); (badge == "Expired") != (tt.state == "past") {
				t.Errorf("the badge reads %q", badge)
			}
		})
	}
}

// P-LIC-09
func TestExpiryOfOtherLicenses(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	p := w.product("Editor")
	forever, gone, late := w.issue(ada.Customer.ID, p), w.issue(ada.Customer.ID, p, days(40)), w.issue(ada.Customer.ID, p, days(1))
	w.revoke(gone, license.Leak)
	w.revoke(late, license.Leak)
	w.pass(2 * day)
	list := ada.get("/licenses")
	for name, tt := range map[string]struct {
		l            issued
		state, reads string
	}{
		"perpetual":          {forever, "never", "Never Perpetual"},
		"revoked":            {gone, "ok", "3 Jan 2027, 3 Jan 2027, 09:41 UTC No longer valid"},
		"revoked, then past": {late, "past", "25 Nov 2026, 25 Nov 2026, 09:41 UTC Expired 1 day ago"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := row(list, tt.l).Find(".exp").AttrOr("data-state", ""); got != tt.state {
				t.Errorf("the state is %q, want %q", got, tt.state)
			}
			if got := cell(list, tt.l, "expires"); got != tt.reads {
				t.Errorf("it reads %q, want %q", got, tt.reads)
			}
		})
	}
}

// P-LIC-07
func TestBannerNamesTheMostUrgentLicense(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	editor, shop := w.product("Editor"), w.product("Shop", renewable)
	w.issue(ada.Customer.ID, editor, days(300))
	wantNone(t, ada.get("/licenses"), "main > .notice")

	second := w.issue(ada.Customer.ID, editor, days(6))
	w.activate(second, "Laptop")
	alone := ada.get("/licenses")
	wantText(t, alone, "main > .notice p", "Editor expires in 6 days. Renew it by 30 Nov 2026 to keep its 1 activated device running.")
	if got := alone.attr("main > .notice a", "href"); got != second.path() {
		t.Errorf("the banner leads to %q", got)
	}

	first := w.issue(ada.Customer.ID, shop, days(3))
	w.issue(ada.Customer.ID, editor, days(7))
	gone := w.issue(ada.Customer.ID, editor, days(1))
	w.revoke(gone, license.Manual)
	for _, path := range []string{"/licenses", "/licenses?status=revoked", "/licenses?q=nothing"} {
		list := ada.get(path)
		wantText(t, list, "main > .notice p", "Shop expires in 3 days. Renew it by 27 Nov 2026. 2 other licenses expire within 7 days.")
		if got := list.attr("main > .notice a", "href"); got != "https://vendor.example/renew?from=portal&license="+string(first.ID) {
			t.Errorf("the banner leads to %q", got)
		}
	}
	wantIn(t, ada.get("/"), "main > .notice p", "Shop expires in 3 days.")
}

// chips are the filters with their counts, such as "Active 2"; the one in
// force is marked.
func chips(p *page) []string {
	p.t.Helper()
	return p.find(".chips a").Map(func(_ int, s *goquery.Selection) string {
		text := textOf(s)
		if s.AttrOr("aria-current", "") == "true" {
			text += " *"
		}
		return text
	})
}

// P-LIC-11, P-LIC-12
func TestStatusChips(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	s := w.allStates(ada)
	other := w.issue(ada.Customer.ID, w.product("Shop"))
	w.activate(other, "Till")

	list := ada.get("/licenses")
	if diff := cmp.Diff([]string{"All 6 *", "Active 2", "Assigned 1", "Suspended 1", "Expired 1", "Revoked 1"}, chips(list)); diff != "" {
		t.Errorf("chips (-want +got):\n%s", diff)
	}
	wantText(t, list, "#results > [data-announce]", "6 licenses found")
	for status, l := range map[string]issued{"assigned": s.assigned, "suspended": s.suspended, "expired": s.expired, "revoked": s.revoked} {
		filtered := ada.get(list.attr(".chips a[data-value="+status+"]", "href"))
		wantListed(t, filtered, l)
		if got := filtered.attr(".chips a[aria-current]", "data-value"); got != status {
			t.Errorf("the filter in force is %q", got)
		}
	}

	found := ada.get("/licenses?q=edit&sort=product&status=active")
	wantListed(t, found, s.active)
	if diff := cmp.Diff([]string{"All 5", "Active 1 *", "Assigned 1", "Suspended 1", "Expired 1", "Revoked 1"}, chips(found)); diff != "" {
		t.Errorf("chips with a search (-want +got):\n%s", diff)
	}
	if got := found.attr(".chips a[data-value=revoked]", "href"); got != "/licenses?q=edit&sort=product&status=revoked" {
		t.Errorf("a chip forgets search or order: %q", got)
	}
	if got := found.attrs("form.search input[type=hidden]", "value"); !cmp.Equal(got, []string{"active", "product"}) {
		t.Errorf("the search box keeps %q", got)
	}
	if got := found.attr("form.search #q", "value"); got != "edit" {
		t.Errorf("the search box holds %q", got)
	}
}

func TestUnknownStatusIsIgnoredAndRemovable(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor"))
	for _, status := range []string{"valid", "available", "ACTIVE", strings.Repeat("x", 300), `"><script>`} {
		list := ada.get("/licenses?" + url.Values{"status": {status}, "q": {"Editor"}}.Encode())
		wantStatus(t, list, http.StatusOK)
		wantListed(t, list, l)
		wantIn(t, list, ".pills li:nth-child(2)", "Unknown status, ignored: "+status[:min(4, len(status))])
		if got := list.attr(".pills li:nth-child(2) a", "href"); got != "/licenses?q=Editor" {
			t.Errorf("the pill leads to %q", got)
		}
		if got := list.attr(".pills li:last-child a", "href"); got != "/licenses" {
			t.Errorf("all filters are cleared at %q", got)
		}
		if n := len(list.text(".pills")); n > 200 {
			t.Errorf("the pills are %d long", n)
		}
	}
	if other := ada.get("/licenses?status=active&sort=price&dir=up&within=5d&after="); len(listed(other)) != 0 || other.find("th[aria-sort]").Length() != 0 {
		t.Error("an order that does not exist was not the usual one")
	}
}

// P-LIC-13
func TestSorting(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	s := w.allStates(ada)
	zebra := w.issue(ada.Customer.ID, w.product("zebra"), days(50))
	apple := w.issue(ada.Customer.ID, w.product("apple"), days(20))

	plain := ada.get("/licenses")
	wantNone(t, plain, "th[aria-sort]")
	wantIn(t, plain, ".menu-button summary", "Newest first")
	if got := plain.texts("thead .sort"); !cmp.Equal(got, []string{"Product", "Status", "Expires"}) {
		t.Fatalf("sortable are %q", got)
	}
	column := func(p *page, n int) string { return p.find("thead .sort").Eq(n).AttrOr("href", "") }
	sorted := func(p *page, want string) {
		t.Helper()
		if got := strings.Join(p.attrs("th[aria-sort]", "aria-sort"), ","); got != want {
			t.Errorf("%s: aria-sort is %q, want %q", p.what, got, want)
		}
	}

	byProduct := ada.get(column(plain, 0))
	sorted(byProduct, "ascending")
	if got := listed(byProduct); got[0] != apple.path() || got[6] != zebra.path() {
		t.Errorf("by product: %q", got)
	}
	wantIn(t, byProduct, ".menu-button summary", "Product A to Z")
	reversed := ada.get(column(byProduct, 0))
	sorted(reversed, "descending")
	back := slices.Clone(listed(byProduct))
	slices.Reverse(back)
	if diff := cmp.Diff(back, listed(reversed)); diff != "" {
		t.Errorf("descending is not the reverse:\n%s", diff)
	}

	byStatus := ada.get(column(plain, 1))
	sorted(byStatus, "ascending")
	if got := byStatus.texts("tbody .badge"); !cmp.Equal(got, []string{"Active", "Assigned", "Assigned", "Assigned", "Suspended", "Expired", "Revoked"}) {
		t.Errorf("by status: %q", got)
	}

	byExpiry := ada.get(column(plain, 2))
	sorted(byExpiry, "ascending")
	if got := listed(byExpiry)[:3]; !cmp.Equal(got, paths(s.expired, apple, zebra)) {
		t.Errorf("by expiry: %q", got)
	}
	for i, item := range plain.attrs(".menu-button:contains('Sort') .menu a", "href") {
		chosen := ada.get(item)
		if got := chosen.attrs(".menu-button .menu a[aria-current]", "href"); len(got) != 1 || got[0] != item {
			t.Errorf("choice %d marks %q", i, got)
		}
		if len(listed(chosen)) != 7 {
			t.Errorf("choice %d lists %d", i, len(listed(chosen)))
		}
	}
}

// many issues n licenses that nothing tells apart but key and id.
func (w *world) many(owner customer, n int) []issued {
	w.t.Helper()
	p := w.product("Editor")
	var all []issued
	for i := range n {
		all = append(all, w.issue(owner.Customer.ID, p, days(100+i%3)))
		w.pass(time.Second)
	}
	return all
}

// P-LIC-12, P-LIC-13
func TestPagingVisitsEachLicenseOnce(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	all := w.many(ada, 60)
	want := paths(all...)
	slices.Sort(want)
	for _, list := range []string{"/licenses", "/licenses?sort=product", "/licenses?sort=expiry&dir=desc", "/licenses?sort=status", "/licenses?dir=asc", "/licenses?q=edit&status=assigned"} {
		t.Run(list, func(t *testing.T) {
			forward, summaries, last := pagesOf(t, ada, list, "next")
			if diff := cmp.Diff([]string{"Showing 1–25 of 60", "Showing 26–50 of 60", "Showing 51–60 of 60"}, summaries); diff != "" {
				t.Errorf("summaries (-want +got):\n%s", diff)
			}
			visited := slices.Clone(forward)
			slices.Sort(visited)
			if diff := cmp.Diff(want, visited); diff != "" {
				t.Errorf("visited (-want +got):\n%s", diff)
			}
			backward, summaries, _ := pagesOf(t, ada, last, "prev")
			if diff := cmp.Diff([]string{"Showing 51–60 of 60", "Showing 26–50 of 60", "Showing 1–25 of 60"}, summaries); diff != "" {
				t.Errorf("summaries on the way back (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(slices.Concat(forward[50:], forward[25:50], forward[:25]), backward); diff != "" {
				t.Errorf("the way back is another:\n%s", diff)
			}
		})
	}
}

// pagesOf goes through the pages of a list by their links and returns what is
// listed, the summaries and the last address.
func pagesOf(t *testing.T, b customer, path, rel string) (all, summaries []string, last string) {
	t.Helper()
	for path != "" {
		p := b.get(path)
		wantStatus(t, p, http.StatusOK)
		if p.status != http.StatusOK || len(summaries) > 9 {
			return all, summaries, last
		}
		all, summaries, last = append(all, listed(p)...), append(summaries, p.text(".table-foot p")), path
		path = p.attr(".pager a[rel="+rel+"]", "href")
	}
	return all, summaries, last
}

func TestPagesStayPutWhileTheListGrows(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	all := w.many(ada, 30)
	next := ada.get("/licenses").attr(".pager a[rel=next]", "href")
	before := listed(ada.get(next))
	w.issue(ada.Customer.ID, all[0].product)
	if diff := cmp.Diff(before, listed(ada.get(next))); diff != "" {
		t.Errorf("the second page moved:\n%s", diff)
	}
	if len(before) != 5 || before[4] != all[0].path() {
		t.Errorf("the second page lists %q", before)
	}
}

func TestPlacesOfOtherLists(t *testing.T) {
	w := newWorld(t)
	ada, eve := w.customer("ada@example.com"), w.customer("eve@example.com")
	w.many(ada, 30)
	next := ada.get("/licenses").attr(".pager a[rel=next]", "href")
	cursor, _ := url.Parse(next)
	place := cursor.Query().Get("after")
	first := listed(ada.get("/licenses"))

	for name, path := range map[string]string{
		"another order":   "/licenses?sort=product&after=" + place,
		"another search":  "/licenses?q=editor&after=" + place,
		"no place":        "/licenses?after=!!!",
		"before no place": "/licenses?before=eyJyIjoiIn0",
		"much too long":   "/licenses?after=" + strings.Repeat("A", 5000),
	} {
		t.Run(name, func(t *testing.T) {
			list := ada.get(path)
			wantStatus(t, list, http.StatusOK)
			wantIn(t, list, "#results .notice", "belongs to another list")
			if got := listed(list); len(got) != 25 || strings.HasPrefix(path, "/licenses?after") && !cmp.Equal(got, first) {
				t.Errorf("it lists %q", got)
			}
		})
	}
	t.Run("another customer's", func(t *testing.T) {
		l := w.issue(eve.Customer.ID, w.product("Shop"))
		wantTo(t, eve.get(next), "/licenses")
		wantListed(t, eve.get("/licenses"), l)
	})
	t.Run("one that is months old shows what is true now", func(t *testing.T) {
		w.pass(110 * day)
		ada.signIn("ada@example.com")
		list := ada.get(next)
		if got := list.texts("tbody .badge"); len(got) != 5 || slices.Contains(got, "Assigned") {
			t.Errorf("badges are %q", got)
		}
	})
}

// A place at which nothing is left leads to the beginning.
func TestEmptyPlaceLeadsToTheBeginning(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	all := w.many(ada, 26)
	next := ada.get("/licenses?status=assigned").attr(".pager a[rel=next]", "href")
	w.revoke(all[0], license.Manual)
	wantTo(t, ada.get(next), "/licenses?status=assigned")
}

// P-DASH-16
func TestWithin30Days(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	p := w.product("Editor")
	at30, at31, at2 := w.issue(ada.Customer.ID, p, days(30)), w.issue(ada.Customer.ID, p, days(31)), w.issue(ada.Customer.ID, p, days(2))
	w.issue(ada.Customer.ID, p)
	gone := w.issue(ada.Customer.ID, p, days(5))
	w.revoke(gone, license.Manual)
	expiring := ada.get("/").find(".kpi a").FilterFunction(func(_ int, s *goquery.Selection) bool { return s.Text() == "Expiring Soon" }).AttrOr("href", "")
	list := ada.get(expiring)
	wantListed(t, list, at2, at30)
	wantIn(t, list, ".pills", "Expires: within 30 days")
	if got := list.attr(".pills a", "href"); got != "/licenses?sort=expiry" {
		t.Errorf("the pill leads to %q", got)
	}
	if got := chips(list)[0]; got != "All 2 *" {
		t.Errorf("the first chip is %q", got)
	}
	w.pass(day)
	wantListed(t, ada.get(expiring), at2, at30, at31)
}

// P-LIC-14
func TestNothingMatchesIsNotOwningNothing(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	none := ada.get("/licenses")
	wantText(t, none, ".empty h2", "No licenses yet")
	wantIn(t, none, ".empty", "ada@example.com")
	wantNone(t, none, "table")

	w.issue(ada.Customer.ID, w.product("Editor"))
	for path, says := range map[string]string{
		"/licenses?q=shop":                    "Nothing matches “shop”.",
		"/licenses?status=revoked":            "Nothing matches these filters.",
		"/licenses?within=30d":                "Nothing matches these filters.",
		"/licenses?q=%3Cb%3Ehi&status=active": "Nothing matches “<b>hi”.",
	} {
		list := ada.get(path)
		wantText(t, list, ".empty h2", "No matching licenses")
		wantIn(t, list, ".empty", says)
		if got := list.attr(".empty a", "href"); got != "/licenses" {
			t.Errorf("the way out is %q", got)
		}
		wantText(t, list, "#results > [data-announce]", "0 licenses found")
	}
}

// P-LIC-10
func TestSearching(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	editor := w.issue(ada.Customer.ID, w.product("Photo Editor"), key("KW-ABCDE-O1234-FGHJK-7F3K4"))
	w.pass(time.Second)
	vault := w.issue(ada.Customer.ID, w.product("Vault", highSecurity), key("HS-QWERT-98765-ZXCVB-MN2PQ"))
	w.pass(time.Second)
	shop := w.issue(ada.Customer.ID, w.product("Shop 7F"), key("SH-22222-33333-44444-55555"))
	for name, tt := range map[string]struct {
		search string
		found  []issued
	}{
		"a fragment of a key":              {"FGHJK", []issued{editor}},
		"in small letters":                 {"fghjk-7f3", []issued{editor}},
		"across a group":                   {"cdeo1", []issued{editor}},
		"with letters that are read wrong": {"E-0l2", []issued{editor}},
		"behind the mask of a sealed key":  {"rt987", []issued{vault}},
		"three characters":                 {"98765"[:3], []issued{vault}},
		"two characters: names only":       {"7f", []issued{shop}},
		"a part of a name":                 {"edit", []issued{editor}},
		"a name with blanks":               {"  photo   editor ", []issued{editor}},
		"a name and the keys of others":    {"shop", []issued{shop}},
		"what could be a pattern":          {"%", nil},
		"what could be another pattern":    {"_", nil},
		"nothing":                          {"", []issued{shop, vault, editor}},
		"blanks":                           {"   ", []issued{shop, vault, editor}},
	} {
		t.Run(name, func(t *testing.T) {
			found := ada.follow("/licenses/search", "q", tt.search)
			wantListed(t, found, tt.found...)
			if got := chips(found)[0]; got != fmt.Sprintf("All %d *", len(tt.found)) {
				t.Errorf("the first chip is %q", got)
			}
		})
	}
	t.Run("keeps filter and order, and starts at the beginning", func(t *testing.T) {
		wantTo(t, ada.post("/licenses/search", "q", "edit", "status", "active", "sort", "expiry", "dir", "desc", "within", "30d", "after", "xyz"),
			"/licenses?dir=desc&q=edit&sort=expiry&status=active&within=30d")
	})
}

// P-LIC-10, P-ISO-05: a whole key jumps to its license.
func TestSearchingAWholeKey(t *testing.T) {
	w := newWorld(t)
	ada, eve := w.customer("ada@example.com"), w.customer("eve@example.com")
	editor := w.product("Editor")
	plain, sealed, foreign := w.issue(ada.Customer.ID, editor), w.issue(ada.Customer.ID, w.product("Vault", highSecurity)), w.issue(eve.Customer.ID, editor)
	staging := w.issue(ada.Customer.ID, w.product("Editor", func(p *catalog.NewProduct) { p.Environment = license.Staging }))
	for _, l := range []issued{plain, sealed, staging} {
		for _, typed := range []string{l.key, strings.ToLower(l.key), "  " + l.key + "\n", strings.ReplaceAll(l.key, "-", ""), strings.ReplaceAll(l.key, "-", " ")} {
			wantTo(t, ada.post("/licenses/search", "q", typed, "status", "revoked"), l.path())
		}
	}
	answer := ada.post("/licenses/search", "q", foreign.key)
	wantTo(t, answer, "/licenses?"+url.Values{"cut": {"1"}, "q": {cutOf(foreign.key)}}.Encode())
	wantIn(t, ada.get(answer.location()), "#results .notice", "Only the first 12 letters and digits are searched")
}

// No more of a key than 12 characters gets into an address.
func TestLongSearchesAreCut(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor"))
	for name, text := range map[string]string{
		"most of a key":       l.key[:len(l.key)-1],
		"a key in a sentence": "My key is " + l.key + " and does not work",
		"a long text":         strings.Repeat("ABCDE-", 500),
		"dashes":              strings.Repeat("-", 3000),
		"a key far behind":    strings.Repeat("- ", 100) + "X" + l.key,
		"wide letters":        strings.Repeat("ß", 400),
		"not cut apart":       "ééééééééééééééé",
	} {
		t.Run(name, func(t *testing.T) {
			posted := ada.post("/licenses/search", "q", text)
			wantStatus(t, posted, http.StatusSeeOther)
			got := ada.get("/licenses?" + url.Values{"q": {text}}.Encode())
			wantTo(t, got, posted.location())
			to, err := url.Parse(posted.location())
			must(t, err)
			if q := to.Query().Get("q"); len([]rune(id.Fold(q))) > licensing.MaxFragment || len(q) > licensing.MaxSearch || to.Query().Get("cut") != "1" {
				t.Errorf("it leads to %q", posted.location())
			}
			list := ada.get(posted.location())
			wantStatus(t, list, http.StatusOK) // and not on and on
			wantIn(t, list, "#results .notice", "so that no key ends up in an address")
		})
	}
	t.Run("most of a key finds its license all the same", func(t *testing.T) {
		wantListed(t, ada.follow("/licenses/search", "q", l.key[:len(l.key)-1]), l)
	})
	t.Run("what is short stays as it is", func(t *testing.T) {
		wantTo(t, ada.post("/licenses/search", "q", l.key[:14]), "/licenses?"+url.Values{"q": {l.key[:14]}}.Encode())
	})
}

func FuzzCutSearch(f *testing.F) {
	f.Add("KW-ABCDE-01234-FGHJK-7F3K4")
	f.Add(" ---- ßßßßßßßßßßßßß \xff")
	f.Fuzz(func(t *testing.T, text string) {
		short, _ := portal.CutSearch(text)
		if !licensing.InAddress(short) || len(short) > licensing.MaxSearch {
			t.Errorf("%q was cut to %q", text, short)
		}
		if again, cut := portal.CutSearch(short); cut || again != short {
			t.Errorf("%q is cut again, to %q", short, again)
		}
	})
}

func TestKeyEndings(t *testing.T) {
	for mask, want := range map[string]string{
		"KW-•••••-•••••-•••••-•7F3K": "7F3K",
		"KW-•••••-•7F3K-2026":        "2026",
		"KW-•••••-•7F3K•":            "7F3K",
		"••••••••":                   "",
		"":                           "",
	} {
		if got := portal.KeyEnding(mask); got != want {
			t.Errorf("%q ends in %q, want %q", mask, got, want)
		}
	}
}

// P-LICD-13, P-LIC-16, P-NAV-05
func TestVersionsAndEnvironmentInTheList(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	staging := w.product("Staging Editor", func(p *catalog.NewProduct) {
		p.Environment = license.Staging
		p.Features = []license.Feature{
			{Key: "export", Type: license.Boolean, Value: true}, {Key: "sso", Type: license.Boolean, Value: false},
		}
	})
	l := w.issue(ada.Customer.ID, staging, maxVersion("8.x"), func(i *licensing.Issue) { i.UpdatesUntil = time.Date(2027, 3, 12, 0, 0, 0, 0, time.UTC) })
	got := cell(ada.get("/licenses"), l, "product")
	for _, want := range []string{"Professional", "1 of 2 features", "8.x, versions released before 12 Mar 2027", "Staging"} {
		if !strings.Contains(got, want) {
			t.Errorf("the product reads %q, which lacks %q", got, want)
		}
	}
}
