package portal

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/ui"
)

// visit is one request of somebody who is signed in.
type visit struct {
	signed identity.Signed
	actor  account.Actor
	now    time.Time
	zone   *time.Location
}

type visitHandler func(w http.ResponseWriter, r *http.Request, v *visit) error

// visiting lets only people through who are signed in; others are sent to the
// sign-in page and come back to where they wanted to go.
func (d *Door) visiting(h visitHandler) httpx.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		signed, err := d.Identity.Session(r.Context(), sessionToken(r))
		if fault.Is(err, fault.Unauthenticated) {
			return d.toSignIn(w, r)
		}
		if err != nil {
			return err
		}
		return h(w, r, d.newVisit(r, signed))
	}
}

func (d *Door) newVisit(r *http.Request, s identity.Signed) *visit {
	return &visit{
		signed: s, now: d.Now().UTC(), zone: zoneOf(r, s.Person),
		actor: s.Actor(httpx.RequestID(r.Context()), httpx.Addr(r.Context())),
	}
}

// zoneOf is the person's timezone, or the browser's until one is set: what it
// says now, or said when they signed in (P-SET-11).
func zoneOf(r *http.Request, p account.Person) *time.Location {
	if reported := ui.ReportedZone(r); p.TimeZone == "" && reported != nil {
		return reported
	}
	zone, err := time.LoadLocation(p.Zone())
	if err != nil {
		return ui.ZoneOf(r)
	}
	return zone
}

// themeOf is what the person chose, in whichever browser; or what this browser
// was told before anybody signed in.
func themeOf(r *http.Request, p account.Person) ui.Theme {
	if p.Theme == account.Light || p.Theme == account.Dark {
		return ui.Theme(p.Theme)
	}
	return ui.ThemeOf(r)
}

// toSignIn sends a page's reader to the sign-in page; a form or a script gets
// told instead, because it cannot be repeated there.
func (d *Door) toSignIn(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead || wantsJSON(r) {
		return fault.New(fault.Unauthenticated, "signed_out", "You have been signed out.").WithNext("Sign in and try again.")
	}
	if d.Landing && r.URL.Path == "/" {
		return d.templates.Render(w, http.StatusOK, "landing", landingPage{Page: d.bare(r, d.AppName)})
	}
	http.Redirect(w, r, "/login?"+url.Values{"next": {comeBack(r.URL)}}.Encode(), http.StatusSeeOther)
	return nil
}

// landingPage is what strangers see at the root, where an installation wants
// one (P-NAV-04).
type landingPage struct{ ui.Page }

// comeBack is the address to return to after signing in, with a search cut as
// everywhere: it may be a key.
func comeBack(u *url.URL) string {
	q := u.Query()
	short, cut := cutSearch(q.Get("q"))
	if !cut {
		return u.RequestURI()
	}
	q.Set("q", short)
	return address(u.Path, q)
}

// page is what the layout needs for a signed-in reader. current is the path of
// the menu entry that the page belongs to.
func (d *Door) page(r *http.Request, v *visit, title, current string) ui.Page {
	p := d.bare(r, title)
	p.Now, p.Zone, p.Theme = v.now, v.zone, themeOf(r, v.signed.Person)
	p.Nav = []ui.NavItem{
		{Label: "Dashboard", Href: "/", Icon: "dashboard", Current: current == "/"},
		{Label: "My Licenses", Href: "/licenses", Icon: "key", Current: current == "/licenses"},
		{Label: "Activations", Href: "/activations", Icon: "device", Current: current == "/activations"},
		{Label: "Downloads", Href: "/downloads", Icon: "download", Current: current == "/downloads"},
	}
	if d.hasChangelogs() { // P-CHG-04
		p.Nav = append(p.Nav, ui.NavItem{Label: "Changelog", Href: "/changelog", Icon: "history", Current: current == "/changelog"})
	}
	if d.helpDesk() {
		p.Nav = append(p.Nav, ui.NavItem{Label: "Tickets", Href: "/tickets", Icon: "inbox", Group: "Support", Current: current == "/tickets"})
		p.Help = "/tickets/new"
	}
	p.Nav = append(p.Nav, ui.NavItem{Label: "Profile", Href: "/profile", Icon: "user", Group: "Account", Current: current == "/profile" || current == "/security"},
		ui.NavItem{Label: "Settings", Href: "/settings", Icon: "settings", Group: "Account", Current: current == "/settings"})
	if v.signed.Role.MayInvite() {
		p.Nav = append(p.Nav, ui.NavItem{Label: "Team", Href: "/team", Icon: "building", Group: "Account", Current: current == "/team"})
	}
	p.UserMenu = userMenu(v, current)
	p.User = &ui.User{Name: v.signed.Person.DisplayName(), Email: v.signed.Person.Email}
	p.SignOut = "/logout"
	p.Nav = withKeys(p.Nav)
	return p
}

// docsPath is where developers read how to use the API.
const docsPath = "/docs"

// userMenu leads to what is the reader's own (P-NAV-02), and to the
// documentation.
func userMenu(v *visit, current string) []ui.NavItem {
	menu := []ui.NavItem{
		{Label: "Profile", Href: "/profile", Icon: "user", Current: current == "/profile"},
		{Label: "Sign-in security", Href: "/security", Icon: "lock", Current: current == "/security"},
		{Label: "Settings", Href: "/settings", Icon: "settings", Current: current == "/settings"},
	}
	menu = append(menu, ui.NavItem{Label: "Documentation", Href: docsPath, Icon: "help"})
	if v.signed.Customers > 1 {
		menu = append(menu, ui.NavItem{Label: "Switch customer", Href: "/customers", Icon: "building", Current: current == "/customers"})
	}
	return menu
}

// bare is what the layout needs before anybody has signed in.
func (d *Door) bare(r *http.Request, title string) ui.Page {
	return ui.Page{
		Title: title, AppName: d.AppName, Theme: ui.ThemeOf(r), Path: r.URL.RequestURI(), Banner: d.Banner,
		SupportEmail: d.SupportEmail, SupportURL: d.SupportURL, Docs: docsPath, RequestID: httpx.RequestID(r.Context()),
		Now: d.Now().UTC(), Zone: ui.ZoneOf(r),
	}
}

// pathID is the id in a page's address. What is no id is not found.
func pathID(r *http.Request, what string) (id.ID, error) {
	wanted, err := id.Parse(r.PathValue("id"))
	if err != nil {
		return "", fault.Missing(what)
	}
	return wanted, nil
}

func wantsJSON(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "application/json")
}

// secure reports whether customers reach the portal over https.
func (d *Door) secure() bool { return strings.HasPrefix(d.BaseURL, "https://") }
