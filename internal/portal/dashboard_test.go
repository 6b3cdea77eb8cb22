package portal_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/catalog"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/portal"
	"github.com/keyward/keyward/internal/ui"
)

// figures are the tiles of the dashboard, such as "Total Licenses 5 -> /licenses".
func figures(p *page) []string {
	p.t.Helper()
	return p.find(".kpi").Map(func(_ int, s *goquery.Selection) string {
		return textOf(s.Find("h2")) + " " + textOf(s.Find(".kpi-v")) + " -> " + s.Find("a").AttrOr("href", "")
	})
}

// P-DASH-01, P-DASH-02, P-DASH-03, P-DASH-04, P-DASH-05, P-DASH-14
func TestFigures(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	s := w.allStates(ada)
	w.activate(s.active, "Tower")
	w.issue(ada.Customer.ID, s.active.product, days(30))
	w.issue(ada.Customer.ID, s.active.product, days(31))
	want := func(total, active, devices, expiring string) {
		t.Helper()
		if diff := cmp.Diff([]string{
			"Total Licenses " + total + " -> /licenses", "Active Licenses " + active + " -> /licenses?status=active",
			"Activations in Use " + devices + " -> /activations?status=active", "Expiring Soon " + expiring + " -> /licenses?sort=expiry&within=30d",
		}, figures(ada.get("/"))); diff != "" {
			t.Errorf("figures (-want +got):\n%s", diff)
		}
	}
	want("7", "1", "2", "1")
	wantIn(t, ada.get("/"), ".kpis", "2 expired or suspended")
	w.activate(s.assigned, "Laptop") // true at each load
	want("7", "2", "3", "1")
}

// P-DASH-06, P-DASH-07, P-DASH-09, P-DASH-10, P-DASH-11
func TestLatestLicenses(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	all := w.many(ada, 6)
	held := w.issue("", all[0].product) // made now, assigned last
	w.pass(time.Hour)
	newest := w.issue(ada.Customer.ID, all[0].product)
	w.pass(time.Hour)
	_, err := w.licensing.Assign(t.Context(), vendor(), held.ID, ada.Customer.ID)
	must(t, err)

	p := ada.get("/")
	wantListed(t, p, held, newest, all[5], all[4], all[3])
	if got := textOf(p.find("tbody tr").First()); !strings.Contains(got, "Editor") || !strings.Contains(got, id.Brief(held.Mask)) || !strings.Contains(got, "Assigned") || !strings.Contains(got, "24 Nov 2026, 11:41 UTC") {
		t.Errorf("the first row reads %q", got)
	}
	if diff := cmp.Diff([]string{"/licenses", "/activations", "/downloads"}, p.attrs(".page-head .actions a", "href")); diff != "" {
		t.Errorf("quick actions (-want +got):\n%s", diff)
	}
	if got := p.texts(".page-head .actions a"); !cmp.Equal(got, []string{"View all licenses", "Manage activations", "Downloads"}) {
		t.Errorf("quick actions are %q", got)
	}
}

// P-DASH-13
func TestDashboardOnlyTells(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	w.allStates(ada)
	wantNone(t, ada.get("/"), "main form, main input, main select, main button[type=submit]")
	wantStatus(t, ada.post("/", "name", "changed"), http.StatusMethodNotAllowed)
}

// S-22
func TestRecentActivity(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor"))
	device := w.activate(l, "laptop")
	ada.post(deactivation(device))
	p := ada.get("/")
	if diff := cmp.Diff([]string{"laptop deactivated", "laptop activated", "First activated", "Assigned to you"}, p.texts(".timeline b")); diff != "" {
		t.Errorf("activity (-want +got):\n%s", diff)
	}
	wantIn(t, p, ".timeline li:first-child", "Editor, key ending "+l.key[len(l.key)-4:])
}

// P-DASH-12
func TestEmptyDashboard(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	p := ada.get("/")
	wantText(t, p, ".empty h2", "No licenses yet")
	wantIn(t, p, ".empty", "You are signed in as ada@example.com")
	wantIn(t, p, ".empty", "check that the purchase went through")
	if got := p.attr(".empty a", "href"); got != "mailto:"+support {
		t.Errorf("support is at %q", got)
	}
	wantNone(t, p, "table")
}

// P-NAV-01, P-NAV-02, P-NAV-03: entries of pages that exist, each in one click.
func TestNavigation(t *testing.T) {
	w := newWorldWith(t, options{deps: func(d *portal.Deps) {
		d.Banner = &ui.Banner{Text: "This is a demo.", Links: []ui.Link{{Label: "Mailbox", Href: "http://127.0.0.1:8025/"}}}
	}})
	ada := w.customer("ada@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor"))
	for path, current := range map[string]string{"/": "/", "/licenses": "/licenses", l.path(): "/licenses", "/activations": "/activations"} {
		p := ada.get(path)
		if diff := cmp.Diff([]string{"Dashboard", "My Licenses", "Activations", "Downloads", "Changelog", "Tickets", "Profile", "Settings", "Team"}, p.texts("#nav .nav a")); diff != "" {
			t.Errorf("%s: entries (-want +got):\n%s", path, diff)
		}
		if got := p.attrs("#nav a[aria-current=page]", "href"); !cmp.Equal(got, []string{current}) {
			t.Errorf("%s: the entry of this page is %q", path, got)
		}
		for _, href := range p.attrs("#nav .nav a", "href") {
			wantStatus(t, ada.get(href), http.StatusOK)
		}
		wantIn(t, p, "title", "Vendor Licenses")
		wantIn(t, p, ".foot", support)
		wantIn(t, p, ".foot a[href='/docs']", "Documentation")
		if got := p.attr(".foot a[href^=https]", "href"); got != "https://vendor.example/help" { // P-NAV-03
			t.Errorf("%s: help is at %q", path, got)
		}
		if got := p.attr(".topbar .help", "href"); !strings.HasPrefix(got, "/tickets/new") { // P-NAV-02
			t.Errorf("%s: the help button leads to %q", path, got)
		}
		wantIn(t, p, ".banner", "This is a demo.")
	}
}

// No page breaks under the longest and oddest of names.
func TestLongAndOddNames(t *testing.T) {
	long := strings.Repeat("Donaudampfschifffahrtsgesellschaft ", 7)[:244]
	for name, text := range map[string]string{"long": long, "markup": `<script>alert("1")</script> & 'more'`, "other letters": "製品 – продукт – منتج 🚀", "a letter": "x"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c, p, err := w.identity.CreateCustomer(t.Context(), vendor(), identity.NewCustomer{Name: text, Email: "ada@example.com", PersonName: text})
			must(t, err)
			w.choosePassword(p)
			ada := customer{Customer: c, person: p, browser: w.browser()}
			ada.signIn("ada@example.com")
			product := w.product(text, renewable, func(n *catalog.NewProduct) {
				n.Slug, n.Plan.Name = "odd", text
				n.Features = []license.Feature{{Key: "odd", Label: text, Type: license.Textual, Value: text}}
			})
			l := w.issue(c.ID, product, days(5), limit(1))
			device := w.activate(l, "", func(c *licensing.Call) {
				c.Device = &license.Device{Identifier: text, Name: cutBytes(text, license.MaxName), Platform: cutBytes(text, license.MaxPlatform)}
			})
			w.call(l, "", func(c *licensing.Call) {
				c.Device = &license.Device{Identifier: cutBytes("2"+text, license.MaxIdentifier)}
			})
			w.suspend(l, license.Payment, text)
			for _, path := range []string{"/", "/licenses", "/activations", l.path(), deactivation(device), "/activations?license=" + string(l.ID)} {
				shown := ada.get(path)
				wantStatus(t, shown, http.StatusOK)
				wantNone(t, shown, "main script")
				wantIn(t, shown, "main", words(text)[:1])
			}
		})
	}
}

func cutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.TrimSpace(strings.ToValidUTF8(s[:n], ""))
}

// Every page at its fullest is sound: each state, warning and control at once.
func TestFullPagesAreSound(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	viewer := w.colleague(ada, "charles@example.com", account.Viewer)
	s := w.allStates(ada)
	gone := w.activate(s.active, "Gone")
	ada.post(deactivation(gone))
	for range 30 {
		w.issue(ada.Customer.ID, s.active.product, days(3))
	}
	for _, who := range []customer{ada, viewer} {
		for _, path := range []string{
			"/", "/licenses", "/licenses?q=e&status=active&within=30d&sort=status&cut=1&after=x", "/activations",
			"/activations?q=a&status=odd&license=" + string(s.active.ID), s.active.path(), s.assigned.path(), s.suspended.path(),
			s.expired.path(), s.revoked.path(), s.active.path() + "?freed=" + string(gone.ID), deactivation(gone),
		} {
			wantStatus(t, who.get(path), http.StatusOK)
		}
	}
}

// P-DASH-12: where support has no address, a ticket is the way to it.
func TestEmptyDashboardWithoutSupportAddress(t *testing.T) {
	w := newWorldWith(t, options{deps: func(d *portal.Deps) { d.SupportEmail = "" }})
	home := w.customer("ada@example.com").get("/")
	if got := home.attr(".empty a", "href"); got != "/tickets/new" {
		t.Errorf("support is at %q", got)
	}
}
