package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// S-02: P-NAV-05
func shellLeadsEverywhere(t *testing.T, d *Demo) {
	p := d.Visit(t, d.Customer, "/")
	menu := p.In("nav[aria-label=Main]")
	for _, page := range []struct{ entry, path string }{
		{"My Licenses", "/licenses"}, {"Activations", "/activations"}, {"Downloads", "/downloads"}, {"Changelog", "/changelog"}, {"Tickets", "/tickets"}, {"Profile", "/profile"}, {"Settings", "/settings"}, {"Team", "/team"}, {"Dashboard", "/"},
	} {
		menu.Click(page.entry)
		p.SeePath(page.path)
		if got := p.Texts("nav[aria-label=Main] a[aria-current=page]"); !slices.Equal(got, []string{page.entry}) {
			t.Errorf("at %s the menu marks %v", page.path, got)
		}
		if got := p.Texts("nav[aria-label=Main] li"); !slices.Equal(got, []string{"Dashboard", "My Licenses", "Activations", "Downloads", "Changelog", "Tickets", "Profile", "Settings", "Team"}) {
			t.Errorf("at %s the menu has %v", page.path, got)
		}
	}
	for _, control := range []string{"Light theme", "Match system theme", "Dark theme", "Mara Lindqvist – account menu"} {
		if !p.In("header.topbar").HasControl(control) {
			t.Errorf("the header has no %q, only %q", control, p.In("header.topbar").Controls())
		}
	}
	p.In("footer").See("support@cartograph.example")
	p.In(".banner").Click("Open the mailbox")
	p.See("pavel@halden.example")
	if !strings.HasPrefix(p.URL(), d.MailURL) {
		t.Errorf("the mailbox is at %s", p.URL())
	}

	phone := d.Visit(t, d.Customer, "/", Viewport(390, 844))
	phone.Click("Open navigation")
	phone.Click("My Licenses")
	phone.SeePath("/licenses")
}

// S-02: no dead links; P-ISO-01, 02
func linksAreAlive(t *testing.T, d *Demo) {
	mine, theirs := d.Session(t, d.Customer), d.Session(t, d.OtherCustomer)
	foreign := theirs.ids(t, "/licenses", "a.row-link", "href")
	numbered := regexp.MustCompile(`/[0-9]+(/|\?|$)`)
	seen, waiting := map[string]bool{"/": true}, []string{"/"}
	for len(waiting) > 0 {
		if len(seen) > 3000 {
			t.Fatalf("there is no end of links; the last is %s", waiting[0])
		}
		from := waiting[0]
		waiting = waiting[1:]
		a := mine.Get(t, from)
		switch {
		case a.Status == http.StatusSeeOther:
			t.Logf("%s leads to %s", from, a.Location)
		case a.Status != http.StatusOK:
			t.Errorf("%s is answered with %d", from, a.Status)
		}
		for _, link := range links(t, a, from) {
			if seen[link] || strings.HasPrefix(link, "/assets/") {
				continue
			}
			seen[link] = true
			waiting = append(waiting, link)
			if numbered.MatchString(link) {
				t.Errorf("%s links to %s, which has a number", from, link)
			}
			if slices.ContainsFunc(foreign, func(id string) bool { return strings.Contains(link, id) }) {
				t.Errorf("%s links to %s, which is another customer's", from, link)
			}
		}
	}
	if len(seen) < 100 {
		t.Errorf("only %d links were found", len(seen))
	}
}

// links are the addresses on this server that a page leads to, without places
// in a list: those are tested where lists are.
func links(t *testing.T, a Answer, from string) []string {
	t.Helper()
	base, err := url.Parse(from)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, n := range a.Page.Find("a[href]").EachIter() {
		u, err := base.Parse(n.AttrOr("href", ""))
		if err != nil {
			t.Fatalf("%s has a link that cannot be read: %v", from, err)
		}
		if u.IsAbs() {
			continue
		}
		u.Fragment = ""
		if q := u.Query(); !q.Has("before") {
			list = append(list, u.RequestURI())
		}
	}
	return list
}

// S-22: P-DASH-01..07, 09..13, 16
func dashboardIsTrue(t *testing.T, d *Demo) {
	p := d.Visit(t, d.Customer, "/")
	figure := func(label string) string {
		return Eval[string](p, fmt.Sprintf(`[...document.querySelectorAll(".kpi")].find(k => k.querySelector("h2").innerText.trim() === %q).querySelector(".kpi-v").innerText`, label))
	}
	devices := figure("Activations in Use")
	for _, tt := range []struct{ label, path string }{
		{"Total Licenses", "/licenses"}, {"Active Licenses", "/licenses?status=active"},
		{"Expiring Soon", "/licenses?sort=expiry&within=30d"}, {"Activations in Use", "/activations?status=active"},
	} {
		p.Goto(d.URL + "/")
		shown := figure(tt.label)
		p.In(".kpis").Click(tt.label)
		p.SeePath(tt.path)
		p.In("#results").See(" of " + shown)
	}

	p.Goto(d.URL + "/licenses")
	newest := p.licenseRows()[:5]
	p.Goto(d.URL + "/")
	latest := Eval[[]string](p, `[...document.querySelectorAll("[aria-labelledby=rl] a.row-link")].map(a => a.pathname.split("/").pop())`)
	if !slices.Equal(latest, ids(newest)) {
		t.Errorf("the latest licenses are %v, the newest of the list %v", latest, ids(newest))
	}
	p.In("[aria-labelledby=rl]").See(newest[0].Mask)
	p.In("[aria-labelledby=rl]").Click("View details")
	p.SeePath("/licenses/" + newest[0].ID)
	for _, action := range []struct{ words, path string }{{"View all licenses", "/licenses"}, {"Manage activations", "/activations"}, {"Downloads", "/downloads"}} {
		p.Goto(d.URL + "/")
		p.In(".page-head").Click(action.words)
		p.SeePath(action.path)
	}

	device := d.Device(t, d.Licenses.Staging, "Surveyor's tablet")
	device.Activate()
	p.Goto(d.URL + "/")
	p.In("[aria-labelledby=ra] li:first-child").See("Surveyor's tablet activated")
	if more := figure("Activations in Use"); more == devices {
		t.Errorf("with one device more there are still %s activations in use", more)
	}
	device.Deactivate()
	p.Reload()
	p.In("[aria-labelledby=ra] li:first-child").See("Surveyor's tablet deactivated")
	if got := figure("Activations in Use"); got != devices {
		t.Errorf("with the device gone there are %s activations in use, before %s", got, devices)
	}
	warning := p.Text("main > .notice")
	if !strings.Contains(warning, "Driftwood Backup expires in ") {
		t.Errorf("the dashboard warns: %s", warning)
	}
}

// P-NAV-02: the theme
func themeStays(t *testing.T, d *Demo) {
	theme := func(p *Page) string { return Eval[string](p, `document.documentElement.dataset.theme ?? "system"`) }
	background := func(p *Page) string {
		return Eval[string](p, `getComputedStyle(document.documentElement).backgroundColor`)
	}
	p := d.Visit(t, d.OtherCustomer, "/")
	light := background(p)
	p.chooseTheme("Dark theme")
	if background(p) == light {
		t.Errorf("chosen dark, the page stays %s", light)
	}
	p.Reload()
	p.Goto(d.URL + "/licenses")
	if got := theme(p); got != "dark" || background(p) == light {
		t.Errorf("on the next page the theme is %s", got)
	}
	elsewhere := d.Visit(t, d.OtherCustomer, "/", NoScript) // in another browser
	if got := Eval[string](elsewhere, pressed); got != "Dark theme" {
		t.Errorf("in another browser the theme is %q", got)
	}
	elsewhere.Click("Light theme")
	elsewhere.await("the light theme", func(ctx context.Context) error {
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string](pressed))
		return differs(got, "Light theme", err)
	})
	elsewhere.SeePath("/")
	p.Reload()
	if got := theme(p); got != "light" {
		t.Errorf("back in the first browser the theme is %s", got)
	}
	p.chooseTheme("Match system theme")
	p.Reload()
	if got := theme(p); got != "system" {
		t.Errorf("given back to the system, the theme is %s", got)
	}

	stranger := OpenPage(t) // before anybody has signed in
	stranger.Goto(d.URL + "/login")
	stranger.chooseTheme("Dark theme")
	stranger.Reload()
	if got := theme(stranger); got != "dark" {
		t.Errorf("on the sign-in page the theme is %s", got)
	}
}

// chooseTheme presses a button and waits until the server has heard of it.
func (p *Page) chooseTheme(button string) {
	p.t.Helper()
	const told = `performance.getEntriesByType("resource").filter(e => e.name.endsWith("/theme") && e.responseEnd > 0).length`
	before := Eval[int](p, told)
	p.Click(button)
	p.await("the theme to be kept", func(ctx context.Context) error {
		after, err := chromedp.Run(ctx, chromedp.Evaluate[int](told))
		if err == nil && after == before {
			err = fmt.Errorf("the server was told %d times", after)
		}
		return err
	})
}

// pressed is the name of the theme's button that is pressed.
const pressed = `document.querySelector(".theme [aria-pressed=true]").getAttribute("aria-label")`

// P-NAV-06: keyboard alone
func keyboardIsEnough(t *testing.T, d *Demo) {
	HoldClipboard(t)
	p := d.Visit(t, d.Customer, "/licenses")
	p.Press(kb.Tab)
	if got := p.Focused(); got != "link Skip to content" {
		t.Fatalf("the first stop is %q", got)
	}
	p.Press(kb.Enter)
	stops := p.tabUntil("link View details")
	at := -1
	for _, wanted := range []string{
		"searchbox Search licenses", "button Search", "link All", "link Suspended", "link Product", "link Status", "link Expires", "button Copy key for", "link View details",
	} {
		next := slices.IndexFunc(stops, func(stop string) bool { return strings.HasPrefix(stop, wanted) })
		if next <= at {
			t.Errorf("%q comes at place %d, what comes before it at %d: %q", wanted, next, at, stops)
		}
		at = next
	}
	if slices.ContainsFunc(stops, func(stop string) bool { return strings.HasPrefix(stop, "link Dashboard") }) {
		t.Errorf("after skipping, the menu still comes: %q", stops)
	}
	if Eval[float64](p, `parseFloat(getComputedStyle(document.activeElement).outlineWidth)`) < 2 {
		t.Error("the focus cannot be seen")
	}
	p.Press(kb.Enter)
	p.See("Validation Status")
	p.tabUntil("button Copy")
	p.Press(kb.Enter)
	p.In("#toasts").See("Key copied")

	p.Goto(d.URL + "/licenses")
	p.tabUntil("DisclosureTriangle Sort")
	p.Press(kb.Enter)
	p.In(".filters").See("Expires soonest")
	p.Press(kb.Tab)
	p.Press(kb.Escape)
	p.In(".filters").DontSee("Expires soonest")
	if got := p.Focused(); !strings.HasPrefix(got, "DisclosureTriangle Sort") {
		t.Errorf("after Esc the focus is on %q", got)
	}
	p.Goto(d.URL + "/")
	p.tabUntil("DisclosureTriangle Mara Lindqvist")
	p.Press(kb.Enter)
	p.See(d.Customer.Email)
	p.Press(kb.Escape)
	p.DontSee(d.Customer.Email)

	p.Goto(d.URL + "/activations?q=Plotter&status=active")
	p.tabUntil("link Deactivate Plotter room")
	p.Press(kb.Enter)
	p.In("dialog[open]").See("Deactivate Plotter room?")
	for _, stop := range []string{p.tab(), p.tab(), p.tab(), p.tab()} {
		if stop != "button Cancel" && stop != "button Deactivate" && stop != "none" {
			t.Errorf("with the dialog open the focus goes to %q", stop)
		}
	}
	p.Press(kb.Escape)
	p.wantNoDialog()
}

func (p *Page) tab() string { p.t.Helper(); p.Press(kb.Tab); return p.Focused() }

// tabUntil presses Tab until the focus is on what begins so, and returns where
// it has been.
func (p *Page) tabUntil(wanted string) []string {
	p.t.Helper()
	var stops []string
	for range 80 {
		stops = append(stops, p.tab())
		if strings.HasPrefix(stops[len(stops)-1], wanted) {
			return stops
		}
	}
	p.t.Fatalf("Tab does not lead to %q, only to %q", wanted, stops)
	return nil
}
