package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// everyPage looks at all pages and their states: no violation of an
// accessibility rule, nothing that the checker cannot decide, and nothing to
// scroll sideways from the smallest phone to a wide screen.
func everyPage(t *testing.T, d *Demo) {
	stranger := OpenPage(t)
	stranger.Expect("401")
	stranger.Expect("410")
	for _, at := range []state{
		{name: "sign in", path: "/login"},
		{name: "sign in refused", path: "/login", do: func(p *Page) {
			p.typeSignIn(SignIn{"nobody@nowhere.example", "not-the-password"})
			p.See("is not right")
		}},
		{name: "documentation", path: "/docs"},
		{name: "quick start", path: "/docs/quick-start"},
		{name: "errors of the API", path: "/docs/errors"},
		{name: "an operation of the API", path: "/api/v2/docs/activate"},
		{name: "forgotten", path: "/forgot"},
		{name: "link sent", path: "/forgot", do: func(p *Page) {
			p.Fill("E-mail address", d.EmptyCustomer.Email)
			p.Click("Send link")
			p.See("Check your mail")
		}},
		{name: "new password", path: strings.TrimPrefix(d.Link(t, "pavel@halden.example", "/invitation?token="), d.URL)},
		{name: "dead link", path: "/reset?token=spent"},
		{name: "link to sign in", path: "/sign-in-link"},
		{name: "dead link to sign in", path: "/enter?token=spent"},
		{name: "invitation into a team", path: strings.TrimPrefix(d.teamInvitation(t), d.URL)},
		{name: "dead invitation into a team", path: "/join?token=spent"},
	} {
		t.Run(at.name, func(t *testing.T) { at.look(t, stranger, d) })
	}

	d.Device(t, d.Licenses.Staging, "Sweep spare").Activate()
	mine := d.Visit(t, d.Customer, "/")
	mine.Expect("404")
	states := []state{
		{name: "dashboard", path: "/"},
		{name: "licenses", path: "/licenses"},
		{name: "licenses, menus open", path: "/licenses", do: func(p *Page) {
			p.Click("What the states mean")
			p.Click("Sort: Newest first")
			p.In(".filters").See("Expires latest")
		}, part: ".menu-button"},
		{name: "licenses filtered", path: "/licenses?q=cartograph&status=active&within=30d"},
		{name: "nothing found", path: "/licenses?q=no+such+thing"},
		{name: "unknown status", path: "/licenses?status=frozen&after=x"},
		{name: "missing key", path: "/licenses?q=sonar", do: func(p *Page) {
			p.Fill("Search licenses", "SNR-G7WQ-B4NH-9RTC-M2XD")
			p.See("This key cannot be shown.")
			p.Click("Technical details")
		}},
		{name: "long names", path: "/licenses?q=municipal", do: func(p *Page) {
			p.Click("View details")
			p.See("Validation Status")
		}},
		{name: "key copied", path: d.Licenses.HighSecurity.path(), do: func(p *Page) {
			HoldClipboard(p.t)
			p.Click("Copy")
			p.In("#toasts").See("Key copied")
		}},
		{name: "activations", path: "/activations"},
		{name: "downloads", path: "/downloads"},
		{name: "changelogs", path: "/changelog"},
		{name: "changelog", path: "/changelog/cartograph-pro"},
		{name: "activations of one license", path: "/activations?license=" + d.Licenses.LimitReached.ID},
		{name: "no device found", path: "/activations?q=no+such+device"},
		{name: "question", path: "/activations?license=" + d.Licenses.LimitReached.ID, do: func(p *Page) {
			p.Click("Deactivate " + oldTower)
			p.In("dialog[open]").See("Its seat of")
		}},
		{name: "question on its own page", path: d.Session(t, d.Customer).Get(t, "/activations?license="+d.Licenses.LimitReached.ID).
			Page.Find("a[data-dialog-open]").First().AttrOr("href", "")},
		{name: "profile", path: "/profile"},
		{name: "tickets", path: "/tickets"},
		{name: "tickets filtered", path: "/tickets?category=billing&since=2020-01-01&status=closed"},
		{name: "no ticket found", path: "/tickets?q=no+such"},
		{name: "new ticket", path: "/tickets/new?license=" + d.Licenses.LimitReached.ID},
		{name: "ticket that waits", path: "/tickets?status=waiting", do: func(p *Page) {
			p.Click("Activation limit reached")
			p.See("Waiting for you.")
			p.Click("At the time of the ticket")
		}},
		{name: "ticket that is closed", path: "/tickets?status=closed", do: func(p *Page) {
			p.Click("Dark map tiles on the second screen")
			p.See("Reopen this ticket")
		}},
		{name: "settings", path: "/settings"},
		{name: "team", path: "/team"},
		{name: "customers", path: "/customers"},
		{name: "calendar", path: "/calendar", do: func(p *Page) {
			p.Click("Make an address")
			p.See("It is shown only now")
		}},
		{name: "a device", path: firstDevice(t, d, "")},
		{name: "a device that is gone", path: firstDevice(t, d, "/lost")},
		{name: "replacing a device", path: d.Licenses.LimitReached.path() + "/replace"},
		{name: "letting a device in", path: d.Session(t, d.Customer).Get(t, d.Licenses.LimitReached.path()).Page.Find(".attempts a").AttrOr("href", "")},
		{name: "deactivating all", path: d.Licenses.LimitReached.path() + "/deactivate-all"},
		{name: "a reserved seat", path: d.Licenses.Staging.path() + "/replace", do: func(p *Page) {
			p.choose("Sweep spare")
			p.Click("Retire it and reserve its seat")
			p.See("The seat is reserved")
		}},
		{name: "offline files", path: offlineFiles(t, d)},
		{name: "a request that is read", path: offlineFiles(t, d), do: func(p *Page) {
			p.Fill("Request text (optional)", aRequest(t, d.Licenses.Active.ProductID))
			p.Click("Read the request")
			p.See("Issue a file for")
		}},
		{name: "a request that cannot be read", path: offlineFiles(t, d), do: func(p *Page) {
			p.Expect("400")
			p.Fill("Request text (optional)", "hello")
			p.Click("Read the request")
			p.See("Use the whole file or text")
		}},
		{name: "an offline file that comes back", path: offlineFiles(t, d), do: func(p *Page) {
			p.Click("Take back")
			p.See("Return code")
		}},
		{name: "account menu", path: "/", do: func(p *Page) {
			p.Click("Mara Lindqvist")
			p.See("Sign out")
		}, part: ".user"},
		{name: "not found", path: "/no/such/page"},
	}
	for name, l := range map[string]License{
		"active": d.Licenses.Active, "limit reached": d.Licenses.LimitReached, "expiring": d.Licenses.Expiring, "expired": d.Licenses.Expired,
		"suspended": d.Licenses.Suspended, "revoked": d.Licenses.Revoked, "assigned": d.Licenses.Assigned, "high security": d.Licenses.HighSecurity,
		"staging": d.Licenses.Staging, "perpetual": d.Licenses.Perpetual, "version limited": d.Licenses.VersionLimited,
	} {
		states = append(states, state{name: "license " + name, path: l.path()})
	}
	for _, at := range states {
		t.Run(at.name, func(t *testing.T) { at.look(t, mine, d) })
	}

	nobody := d.Visit(t, d.EmptyCustomer, "/")
	for name, path := range map[string]string{"empty dashboard": "/", "no licenses": "/licenses", "no activations": "/activations"} {
		t.Run(name, func(t *testing.T) { state{path: path}.look(t, nobody, d) })
	}
	everyFactor(t, d, stranger, nobody)
}

// everyFactor looks at the pages about how somebody signs in, whose app is off
// before and after.
func everyFactor(t *testing.T, d *Demo, stranger, nobody *Page) {
	for _, at := range []state{
		{name: "security", path: "/security"},
		{name: "confirm", path: "/security/confirm?next=%2Fsecurity"},
		{name: "new passkey", path: "/security/passkeys/add"},
		{name: "set up an app", path: "/security/app"},
		{name: "set up an app, wrong code", path: "/security/app", do: func(p *Page) {
			p.Expect("400")
			p.Fill("Code", "000000")
			p.Click("Switch on")
			p.See("Enter the six digits")
		}},
	} {
		t.Run(at.name, func(t *testing.T) { at.look(t, nobody, d) })
	}
	defer d.withApp(t, d.EmptyCustomer)()
	for _, at := range []state{
		{name: "security with an app", path: "/security"},
		{name: "app off", path: "/security/app/off"},
		{name: "recovery codes", path: "/security/codes", do: func(p *Page) {
			p.Click("Make new codes")
			p.See("Your new recovery codes")
		}},
	} {
		t.Run(at.name, func(t *testing.T) { at.look(t, nobody, d) })
	}
	t.Run("second step", func(t *testing.T) {
		state{path: "/login", do: func(p *Page) {
			p.typeSignIn(d.EmptyCustomer)
			p.See("One more step")
			p.Fill("Code", "000000")
			p.Click("Continue")
			p.See("is not accepted")
		}}.look(t, stranger, d)
	})
}

// teamInvitation has somebody asked into the team of the customer without
// licenses, and returns the link in the mail.
func (d *Demo) teamInvitation(t *testing.T) string {
	t.Helper()
	const guest = "guest@fennelfinch.example"
	if a := d.Session(t, d.EmptyCustomer).Post(t, "/team", "email", guest, "role", "viewer"); a.Location != "/team?done=invited" {
		t.Fatalf("invite somebody: status %d\n%s", a.Status, a.Text())
	}
	return d.Link(t, guest, "/join?token=")
}

// withApp switches an authenticator app on, and returns what switches it off.
func (d *Demo) withApp(t *testing.T, who SignIn) (off func()) {
	t.Helper()
	delete(d.sessions, who.Email) // it may be too long ago that it signed in
	s := d.Session(t, who)
	secret := s.Get(t, "/security/app").Page.Find("#secret").Text()
	if a := s.Post(t, "/security/app", "code", appCode(t, secret, time.Now())); a.Status != http.StatusOK {
		t.Fatalf("switch the app on: status %d\n%s", a.Status, a.Text())
	}
	return func() {
		if a := s.Post(t, "/security/app/off"); a.Location != "/security?done=off" {
			t.Errorf("switch the app off: status %d\n%s", a.Status, a.Text())
		}
	}
}

// firstDevice is the page of a device of the license at its limit, or one
// below it.
func firstDevice(t *testing.T, d *Demo, below string) string {
	list := d.Session(t, d.Customer).Get(t, "/activations?license="+d.Licenses.LimitReached.ID)
	return list.Page.Find("tbody th a").First().AttrOr("href", "") + below
}

// state is a page with what has been done on it.
type state struct {
	name, path string
	do         func(*Page)
	part       string // that covers others, which nobody can decide about then
}

// look checks a state on a desk in the light, on a phone in the dark, and for
// its width on the smallest and on a large screen.
func (s state) look(t *testing.T, tab *Page, d *Demo) {
	p := tab.For(t)
	p.view(1440, 900, "light")
	p.Goto(d.URL + s.path)
	if s.do != nil {
		s.do(p)
	}
	p.In(s.part).Axe()
	p.FitsWidth()
	p.view(1920, 1080, "light")
	p.FitsWidth()
	p.view(320, 640, "light")
	p.FitsWidth()
	p.view(390, 844, "dark")
	p.In(s.part).Axe()
	p.FitsWidth()
}

// view changes how the page that is open is looked at.
func (p *Page) view(width, height int64, scheme string) {
	p.t.Helper()
	p.do("change the view", chromedp.Steps(
		chromedp.EmulateViewport(width, height),
		command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		}),
	))
}

// offlineFiles is the page of a license that has some.
func offlineFiles(t *testing.T, d *Demo) string {
	t.Helper()
	list := d.Session(t, d.Customer).Get(t, "/activations?q=Survey+rig")
	href, found := list.Page.Find("tbody td a.link[href^='/licenses/']").First().Attr("href")
	if !found {
		t.Fatal("there is no device that works with an offline file")
	}
	return href + "/offline"
}
