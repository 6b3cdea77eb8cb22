package ui_test

import (
	"flag"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/ui"
	"github.com/keyward/keyward/internal/ui/uitest"
)

// serve keeps the gallery open for a look at it: go test -run Gallery -serve 127.0.0.1:9000
var serve = flag.String("serve", "", "address to show the gallery at")

const longName = "Hydrographic Cartography Workstation for Very Large Municipal Administrations Donaudampfschifffahrtsgesellschaft"

type galleryPage struct {
	ui.Page
	Actions           []ui.Link
	Notices           []ui.Notice
	KPIs              []ui.KPI
	Menu              ui.Menu
	Chips             ui.Chips
	Pills             ui.Pills
	SortName, SortEnd ui.Sort
	Rows              []galleryRow
	Pager             ui.Pager
	Legend            ui.Legend
	Copy              ui.Copy
	Checks            []ui.Check
	Moments           []ui.TimelineItem
	Empty             ui.Empty
	Confirm           ui.Confirm
	LongName          string
	Earlier           time.Time
}

type galleryRow struct {
	Name, Plan, Code, Status, Label, State, EndNote string
	Copy                                            ui.Copy
	Usage                                           ui.Usage
	End                                             ui.When
}

type formPage struct {
	ui.Page
	Problems ui.Problems
	Fields   []ui.Field
	Keep     ui.Checkbox
}

type confirmPage struct {
	ui.Page
	Confirm ui.Confirm
}

var now = time.Date(2026, 11, 24, 8, 41, 0, 0, time.UTC)

func shell(title string) ui.Page {
	return ui.Page{
		Title: title,
		Path:  "/things?status=active",
		Nav: []ui.NavItem{
			{Label: "Dashboard", Href: "/", Icon: "dashboard"},
			{Label: "My Things", Href: "/things", Icon: "key", Current: true, Count: "12"},
			{Label: "Machines", Href: "/machines", Icon: "device"},
			{Label: "Profile", Href: "/profile", Icon: "user", Group: "Account"},
			{Label: "Settings", Href: "/settings", Icon: "settings", Group: "Account"},
		},
		Crumbs:       []ui.Link{{Label: "My Things", Href: "/things"}, {Label: title}},
		User:         &ui.User{Name: "Dana Whitfield", Email: "dana@brightwater.example"},
		UserMenu:     []ui.NavItem{{Label: "Profile", Href: "/profile", Icon: "user"}},
		SignOut:      "/logout",
		Flash:        []ui.Flash{{Tone: ui.ToneGood, Text: "old-thinkpad was removed."}},
		Banner:       &ui.Banner{Label: "Demo", Text: "This is a demo with invented data.", Links: []ui.Link{{Label: "Mailbox", Href: "/mailbox"}}},
		SupportEmail: "help@vendor.example",
		SupportURL:   "https://vendor.example/help",
		Now:          now,
		Zone:         time.FixedZone("CET", 3600),
	}
}

func galleryRows(page ui.Page) []galleryRow {
	end := func(d time.Duration) ui.When { return page.Date(now.Add(d)) }
	key := ui.Copy{URL: "/things/1/key", Label: "Copy code for Cartograph Pro, ending 9K2M"}
	const day = 24 * time.Hour
	return []galleryRow{
		{"Cartograph Pro", "Team · 8.x", "CART-••••-••••-9K2M", "active", "Active", "soon", "Expires in 5 days", key, ui.Usage{Used: 2, Limit: 5, Unit: "seats used"}, end(5 * day)},
		{"Tessera SDK", "Business · 3.x", "TESS-••••-••••-4T7Y", "active", "Active", "ok", "In 3 months", key, ui.Usage{Used: 5, Limit: 5, Unit: "seats used", Note: "Limit reached"}, end(108 * day)},
		{"Cartograph Server", "Enterprise · All versions", "CSRV-••••-••••-8L1X", "active", "Active", "ok", "Perpetual", key, ui.Usage{Used: 1800, Unlimited: true, Unit: "seats used"}, page.Date(time.Time{})},
		{longName, "Individual · released before 12 Mar 2027", "HYDROGRAPHIC-••••-••••-••••-••••-3H6N", "assigned", "Assigned", "ok", "In 8 months", key, ui.Usage{Used: 0, Limit: 10, Idle: true, Unit: "seats used"}, end(250 * day)},
		{"Quill Editor", "Individual · 12.x", "QUIL-••••-••••-1Z9K", "suspended", "Suspended", "ok", "In 7 months", key, ui.Usage{Used: 1, Limit: 2, Idle: true, Unit: "seats used"}, end(218 * day)},
		{"Driftwood Backup", "Individual · 4.x", "DRFT-••••-••••-5M8J", "expired", "Expired", "past", "Expired 21 days ago", key, ui.Usage{Used: 2, Limit: 2, Idle: true, Unit: "seats used"}, end(-21 * day)},
		{"Sonar CLI", "Trial · 2.x", "SNAR-••••-••••-2V5L", "revoked", "Revoked", "ok", "No longer valid", key, ui.Usage{Used: 0, Limit: 1, Idle: true, Unit: "seats used"}, end(68 * day)},
	}
}

func gallery() galleryPage {
	page := shell("Tessera SDK")
	return galleryPage{
		Page:    page,
		Actions: []ui.Link{{Label: "Downloads", Href: "/downloads", Icon: "download"}, {Label: "Renew", Href: "/renew", Icon: "refresh", Primary: true}},
		Notices: []ui.Notice{
			{Tone: ui.ToneWarn, Title: "Cartograph Pro expires in 5 days.", Text: "Renew by 29 Nov to keep its 2 machines running.", Action: &ui.Link{Label: "Renew", Href: "/renew"}},
			{Tone: ui.ToneInfo, Text: "Machines are added in the software itself."},
			{Tone: ui.ToneBad, Title: "This has ended.", Text: "The software no longer validates."},
		},
		KPIs: []ui.KPI{
			{Label: "Total", Value: "12", Href: "/things", Icon: "key", Note: "3 ended"},
			{Label: "Active", Value: "6", Href: "/things?status=active", Icon: "check-circle"},
			{Label: "In use", Value: "28", Href: "/machines", Icon: "device"},
			{Label: "Expiring soon", Value: "1", Href: "/things?within=30d", Icon: "clock", Note: "within 30 days", Tone: ui.ToneWarn},
		},
		Menu:     ui.Menu{Label: "Sort", Value: "Newest first", Icon: "filter", Items: []ui.Choice{{Label: "Newest first", Href: "/things", Current: true}, {Label: "Ending soonest", Href: "/things?sort=end"}}},
		Chips:    ui.Chips{Label: "Filter by status", Items: []ui.Chip{{Label: "All", Href: "/things", Count: "12", Current: true}, {Label: "Active", Href: "/things?status=active", Count: "6", Value: "active"}, {Label: "Assigned", Href: "/things?status=assigned", Count: "2"}, {Label: "Suspended", Href: "/things?status=suspended", Count: "1"}, {Label: "Expired", Href: "/things?status=expired", Count: "2"}, {Label: "Revoked", Href: "/things?status=revoked", Count: "1"}}},
		Pills:    ui.Pills{Items: []ui.Pill{{Name: "Search", Value: "tess", Href: "/things"}, {Name: "Ends", Value: "within 30 days", Href: "/things?q=tess"}}, Clear: "/things"},
		SortName: ui.Sort{Label: "Product", Href: "/things?sort=name"},
		SortEnd:  ui.Sort{Label: "Expires", Href: "/things?sort=-end", Direction: "ascending"},
		Rows:     galleryRows(page),
		Pager:    ui.Pager{Summary: "Showing 1–7 of 12", Next: "/things?after=x"},
		Legend: ui.Legend{Title: "What do these states mean?", Items: []ui.LegendItem{
			{Badge: ui.NewBadge("active", "Active"), Text: "Valid and in use on one or more machines."},
			{Badge: ui.NewBadge("revoked", "Revoked"), Text: "Ended for good."},
		}},
		Copy: ui.Copy{Target: "g-code", Label: "the code"},
		Checks: []ui.Check{
			{State: "pass", Label: "Code recognized", Detail: "Issued 12 Mar 2024"},
			{State: "fail", Label: "Seat free", Detail: "5 of 5 used", Note: "One seat must be free"},
			{State: "skipped", Label: "Version covered", Detail: "No version was asked about"},
		},
		Moments: []ui.TimelineItem{
			{Icon: "warning", Tone: ui.ToneWarn, Title: "Refused on dana-air-13", Text: "Limit of 5 reached", When: page.Since(now.Add(-time.Minute)), Kind: "refused"},
			{Icon: "check-circle", Tone: ui.ToneGood, Title: "Validated from build-runner-01", When: page.Since(now.Add(-5 * time.Hour))},
			{Icon: "refresh", Title: "Renewed for one year", Text: "Order 20418", When: page.Date(now.AddDate(0, -8, 0))},
		},
		Empty:    ui.Empty{Icon: "inbox", Title: "Nothing here yet", Text: "Things appear once they were bought.", Actions: []ui.Link{{Label: "Write to support", Href: "mailto:help@vendor.example"}}},
		Confirm:  ui.Confirm{ID: "remove", Title: "Remove old-thinkpad?", Text: []string{"Its seat is free at once.", "Offline, it learns of this when it next connects."}, Action: "/machines/1/remove", Hidden: []ui.Hidden{{Name: "back", Value: "/machines"}}, Submit: "Remove", Cancel: "/machines", Danger: true},
		LongName: longName,
		Earlier:  now.Add(-4 * time.Minute),
	}
}

func signIn() formPage {
	page := shell("Sign in")
	page.User = nil
	page.Flash = nil
	return formPage{
		Page:     page,
		Problems: ui.Problems{Title: "Sign-in failed.", Text: "The address or the password is wrong.", Fields: []ui.Problem{{For: "email", Message: "Enter an e-mail address"}}},
		Fields: []ui.Field{
			{Name: "email", Label: "E-mail", Type: "email", Value: "dana@", Autocomplete: "username", Required: true, Error: "Enter an e-mail address, such as name@example.com."},
			{Name: "password", Label: "Password", Type: "password", Value: "never sent back", Autocomplete: "current-password", Required: true, Hint: "At least 12 characters."},
			{Name: "zone", Label: "Time zone", Value: "UTC", Options: []ui.Option{{Value: "UTC", Label: "UTC"}, {Value: "Europe/Berlin", Label: "Berlin"}}, Optional: true},
			{Name: "note", Label: "Note", Rows: 3, Value: "two\nlines"},
		},
		Keep: ui.Checkbox{Name: "keep", Label: "Keep me signed in", Hint: "For 30 days, on this browser."},
	}
}

func mustParse(tb testing.TB) *ui.Templates {
	tb.Helper()
	templates, err := ui.Parse(os.DirFS("testdata/pages"), nil)
	if err != nil {
		tb.Fatal(err)
	}
	return templates
}

func TestGallery(t *testing.T) {
	templates := mustParse(t)
	if *serve != "" {
		show(t, templates)
	}
	t.Run("components fit their types", func(t *testing.T) {
		uitest.Check(t, templates, "gallery", galleryPage{})
		uitest.Check(t, templates, "form", formPage{})
		uitest.Check(t, templates, "confirm", confirmPage{})
		uitest.Check(t, templates, "error", ui.ErrorPage{})
	})
	t.Run("a full page is sound", func(t *testing.T) {
		doc := uitest.Render(t, templates, "gallery", gallery())
		counts := map[string]int{
			".badge[data-status=expired] svg": 2, ".when[tabindex='0'] time": 26, ".notice[data-tone=warn]": 1,
			"button[data-copy-url][hidden]": 7, "[role=status]": 3, "th[aria-sort=ascending]": 1, "dialog form[method=post]": 1,
			"a[aria-current=page]": 1, "form.theme button[aria-pressed=true]": 1, ".kpi": 4, ".checks [data-state=skipped]": 1,
		}
		got := map[string]int{}
		for selector := range counts {
			got[selector] = doc.Find(selector).Length()
		}
		if diff := cmp.Diff(counts, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("an empty page is sound", func(t *testing.T) {
		uitest.Render(t, templates, "gallery", galleryPage{Page: ui.Page{Title: "Empty"}, Copy: ui.Copy{Target: "g-code"},
			SortName: ui.Sort{Label: "Product", Href: "/"}, SortEnd: ui.Sort{Label: "Ends", Href: "/"}, Confirm: ui.Confirm{ID: "c", Action: "/", Submit: "Do"},
			Menu: ui.Menu{Label: "Sort"}, Legend: ui.Legend{Title: "States"}, Actions: []ui.Link{{Label: "Go", Href: "/"}}})
	})
	t.Run("a refused form says what is wrong", func(t *testing.T) {
		doc := uitest.Render(t, templates, "form", signIn())
		email := doc.Find("#email")
		if email.AttrOr("aria-invalid", "") != "true" || email.AttrOr("aria-describedby", "") != "email-error" {
			t.Error("the input does not point at its error")
		}
		if doc.Find(".problems[role=alert] a[href='#email']").Length() != 1 {
			t.Error("the summary does not lead to the input")
		}
		if _, sent := doc.Find("#password").Attr("value"); sent {
			t.Error("a password is sent back")
		}
		if doc.Find("nav.sidebar, .user").Length() != 0 {
			t.Error("the plain layout shows the side bar")
		}
	})
	t.Run("a confirmation works as a page", func(t *testing.T) {
		doc := uitest.Render(t, templates, "confirm", confirmPage{Page: shell("Remove"), Confirm: gallery().Confirm})
		if doc.Find("form.confirm[method=post] a[href='/machines']").Length() != 1 {
			t.Error("there is no way back")
		}
	})
	t.Run("times tell the exact instant in the reader's zone", func(t *testing.T) { // P-NAV-07
		doc := uitest.Render(t, templates, "gallery", gallery())
		when := doc.Find("#g-out + .quiet .when")
		if got, want := when.Text(), "4 minutes ago, 24 Nov 2026, 09:37 CET"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// show serves the gallery until the test is stopped.
func show(t *testing.T, templates *ui.Templates) {
	mux := http.NewServeMux()
	mux.Handle("GET "+ui.AssetsPath, ui.NewAssets().Handler())
	mux.Handle("POST /theme", ui.ThemeHandler(func(path string) string { return path }))
	mux.HandleFunc("POST /things/1/key", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"key":"CART-7KQ2-M4WX-9K2M"}`))
	})
	mux.HandleFunc("POST /search", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/?q="+strings.TrimSpace(r.FormValue("q")), http.StatusSeeOther)
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'")
		if err := showPage(w, r, templates); err != nil {
			templates.Fallback(w)
		}
	})
	t.Fatal(http.ListenAndServe(*serve, mux))
}

func showPage(w http.ResponseWriter, r *http.Request, templates *ui.Templates) error {
	theme := ui.ThemeOf(r)
	if r.FormValue("theme") != "" {
		theme = ui.Theme(r.FormValue("theme"))
	}
	switch r.URL.Path {
	case "/":
		page := gallery()
		page.Theme = theme
		return templates.Render(w, http.StatusOK, "gallery", page)
	case "/form":
		page := signIn()
		page.Theme = theme
		return templates.Render(w, http.StatusOK, "form", page)
	case "/confirm":
		page := confirmPage{Page: shell("Remove"), Confirm: gallery().Confirm}
		page.Theme = theme
		return templates.Render(w, http.StatusOK, "confirm", page)
	default:
		page := shell("Page not found")
		page.Theme, page.RequestID, page.User, page.Flash = theme, "0193a1c2", nil, nil
		return templates.Render(w, http.StatusNotFound, "error", ui.ErrorPage{Page: page, Status: 404, Message: "There is nothing at this address, or it is not yours to see.", Action: &ui.Link{Label: "Go to the dashboard", Href: "/", Primary: true}})
	}
}
