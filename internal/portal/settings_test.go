package portal_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/portal"
	"github.com/keyward/keyward/internal/ticket"
)

// P-SET-01, P-SET-03, P-SET-07, P-SET-08, P-SET-09, P-SET-10, P-NAV-01, P-NAV-02
func TestSettings(t *testing.T) {
	w := newWorldWith(t, options{deps: func(d *portal.Deps) { d.Mandatory = account.OptionalNotices() }})
	ada := w.customer("ada@example.com")
	p := ada.get("/settings")
	wantText(t, p, "h1", "Settings")
	wantText(t, p, "nav.sidebar a[aria-current]", "Settings")
	wantIn(t, p, ".user .menu", "Profile Sign-in security Settings Documentation Keyboard shortcuts Sign out")
	if n := p.find("#time_zone option").Length(); n < 590 {
		t.Errorf("%d time zones to choose from", n)
	}
	if got := p.attrs("#time_zone optgroup", "label"); !slices.Contains(got, "Europe") || !slices.Contains(got, "Pacific") {
		t.Errorf("the regions are %q", got)
	}
	wantText(t, p, "#time_zone option[value='']", "As this browser: UTC")
	wantIn(t, p, "[aria-labelledby=ap]", "at the top of every page")
	for _, mail := range []string{"Invitations", "support tickets", "Your password was changed"} { // P-SET-06
		wantIn(t, p, "[aria-labelledby=ml] details", mail)
	}
	if n := p.find("[aria-labelledby=ml] details li").Length(); n != 3+len(account.OptionalNotices()) {
		t.Errorf("%d mails are named that come in any case", n)
	}
	for _, hint := range []string{"E-mail notifications are on", "spam folder", "ada@example.com"} {
		wantIn(t, p, "[aria-labelledby=nm]", hint)
	}

	saved := ada.follow("/settings", "time_zone", "Asia/Tokyo", "security_mail", "1")
	wantIn(t, saved, ".flash[role=status]", "Your settings are saved.")
	wantText(t, saved, "#time_zone option[selected]", "Asia/Tokyo")
	if saved.find("#license_mail[checked]").Length() != 0 || saved.find("#security_mail[checked]").Length() != 1 { // P-SET-04, P-SET-05
		t.Error("the switches are not where they were put")
	}
	wantIn(t, saved, "[aria-labelledby=nm]", "E-mail notifications are off")
	person, err := w.store.Person(t.Context(), ada.person.ID)
	must(t, err)
	if person.Wants(account.LicenseNotices) || !person.Wants(account.SecurityNotices) {
		t.Errorf("mails: %v, %v", person.NoLicenseMail, person.NoSecurityMail)
	}

	refused := ada.post("/settings", "time_zone", "Mars/Olympus", "license_mail", "1")
	wantStatus(t, refused, http.StatusBadRequest)
	wantIn(t, refused, "[role=alert]", "Your settings were not saved.")
	wantIn(t, refused, "#time_zone-error", "no such time zone")
	if refused.find("#license_mail[checked]").Length() != 1 || refused.find("#security_mail[checked]").Length() != 0 {
		t.Error("what was chosen is gone")
	}
	after := ada.get("/settings")
	wantText(t, after, "#time_zone option[selected]", "Asia/Tokyo")
	if after.find("#license_mail[checked]").Length() != 0 {
		t.Error("a refused form changed something")
	}
	ada.post("/settings", "time_zone", "Asia/Tokyo", "security_mail", "1") // the same again
	if got := w.happened(event.SettingsChanged); got != 1 {
		t.Errorf("%d changes are on record", got)
	}
}

// P-SET-10
func TestTestMail(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	wantIn(t, ada.follow("/settings/test-mail"), ".flash[role=status]", "on its way to ada@example.com")
	wantTo(t, ada.post("/settings/test-mail"), "/settings?done=mailed")
	if got := w.waiting(account.TestNotice); got != 1 {
		t.Errorf("%d test mails wait", got)
	}
	ada.post("/settings/test-mail")
	limited := ada.post("/settings/test-mail")
	wantStatus(t, limited, http.StatusTooManyRequests)
	wantIn(t, limited, "[aria-labelledby=nm] [role=alert]", "spam folder")
}

// P-SET-02, P-NAV-07: every instant on every page follows the zone, and
// nothing does before it is saved (P-SET-03).
func TestEveryInstantFollowsTheZone(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor", renewable), days(3))
	device := w.activate(l, "Laptop")
	w.hear(l, "Laptop", "1.0")
	for _, name := range []string{"A", "B", "C", "D", "E"} {
		w.call(l, name)
	}
	w.suspend(w.issue(ada.Customer.ID, w.product("Other")), "payment", "")
	w.publish(l.product, "2.0.0")
	asked := w.ask(ada)
	w.answer(asked, "Which version?", ticket.Waiting)
	ada.switchOn(t)
	ada.feed()
	ada.post("/team", "email", "grace@example.com", "role", "viewer")
	pages := func(t *testing.T, zone string) {
		instants, seen := 0, map[string]bool{}
		for _, route := range w.door.Routes() {
			if !strings.HasPrefix(route.Pattern, "GET ") || route.Access != httpx.SignedIn {
				continue
			}
			for _, wanted := range []id.ID{l.ID, device.ID, asked.ID} {
				_, path := address(route.Pattern, wanted)
				answer := ada.get(path)
				if answer.doc == nil {
					continue
				}
				for _, at := range answer.texts(".when .tip") {
					instants++
					seen[route.Pattern] = true
					if !strings.HasSuffix(at, " "+zone) {
						t.Errorf("%s shows %q", path, at)
					}
				}
			}
		}
		for _, pattern := range []string{
			"GET /{$}", "GET /licenses", "GET /licenses/{id}", "GET /activations", "GET /downloads", "GET /tickets", "GET /tickets/{id}", "GET /profile",
			"GET /security", "GET /team", "GET /calendar",
		} {
			if !seen[pattern] {
				t.Errorf("no instant was seen at %s", pattern)
			}
		}
		if instants < 40 {
			t.Errorf("only %d instants were seen", instants)
		}
	}
	pages(t, "UTC")
	ada.post("/settings", "time_zone", "Nowhere/AtAll")
	pages(t, "UTC")
	wantTo(t, ada.post("/settings", "time_zone", "Pacific/Auckland"), "/settings?done=saved")
	pages(t, "NZDT")
	wantIn(t, ada.get("/settings"), "#time_zone-hint", "It is 24 Nov 2026, 22:41 NZDT now.")
}

// P-SET-11: the browser's zone counts from the first sign-in, in mails and in
// browsers that name none, too.
func TestDefaultZoneIsTheBrowsers(t *testing.T) {
	w := newWorld(t)
	ada := w.stranger("ada@example.com")
	ada.cookies["tz"] = &http.Cookie{Name: "tz", Value: "Asia/Tokyo"}
	ada.signIn("ada@example.com")
	wantIn(t, ada.get("/settings"), "#time_zone-hint", "18:41 JST")
	delete(ada.cookies, "tz")
	p := ada.get("/settings")
	wantIn(t, p, "#time_zone-hint", "18:41 JST")
	wantText(t, p, "#time_zone option[value='']", "As this browser: Asia/Tokyo")
	person, err := w.store.Person(t.Context(), ada.person.ID)
	must(t, err)
	if person.TimeZone != "" || person.Zone() != "Asia/Tokyo" {
		t.Errorf("the zone is %q, %q", person.TimeZone, person.Zone())
	}
	ada.cookies["tz"] = &http.Cookie{Name: "tz", Value: "Mars/Olympus"}
	wantIn(t, ada.get("/settings"), "#time_zone-hint", "18:41 JST")
	wantTo(t, ada.post("/settings", "time_zone", "UTC"), "/settings?done=saved")
	wantIn(t, ada.get("/settings"), "#time_zone-hint", "09:41 UTC")
}

// P-SET-05
func TestNewBrowsersAreTold(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	if got := w.waiting(account.NewDeviceNotice); got != 0 {
		t.Error("the first sign-in is told as one of somebody else")
	}
	ada.post("/logout")
	ada.signIn("ada@example.com")
	if got := w.waiting(account.NewDeviceNotice); got != 0 {
		t.Error("a known browser is told as a new one")
	}
	w.browser().signIn("ada@example.com")
	if got := w.waiting(account.NewDeviceNotice); got != 1 {
		t.Errorf("%d alerts for a new browser", got)
	}
}

// P-NAV-04
func TestLandingPage(t *testing.T) {
	w := newWorldWith(t, options{deps: func(d *portal.Deps) { d.Landing = true }})
	stranger := w.browser()
	p := stranger.get("/")
	wantStatus(t, p, http.StatusOK)
	wantText(t, p, "main a[href='/login']", "Sign in")
	wantTo(t, stranger.get("/licenses"), "/login?next=%2Flicenses")
	ada := w.customer("ada@example.com")
	wantText(t, ada.get("/"), "h1", "Dashboard")
	wantTo(t, newWorld(t).browser().get("/"), "/login?next=%2F")
}

func linked(d *portal.Deps) { d.SignInLinks = true }

// P-AUTH-04, P-AUTH-08, P-AUTH-14
func TestSigningInByLink(t *testing.T) {
	w := newWorldWith(t, options{deps: linked})
	ada := w.stranger("ada@example.com")
	wantIn(t, ada.get("/login"), ".auth-alt a[href='/sign-in-link']", "E-mail me a sign-in link")
	wantStatus(t, ada.get("/sign-in-link"), http.StatusOK)
	sent := ada.post("/sign-in-link", "email", "Ada@Example.com")
	wantText(t, sent, "h1", "Check your mail")
	if got := w.waiting(account.SignInLinkNotice); got != 1 {
		t.Errorf("%d links wait to be mailed", got)
	}
	token := w.link(ada.person, account.SignInLink)
	scanner, phone := w.browser(), w.browser()
	for range 2 { // looking spends nothing
		wantIn(t, scanner.get("/enter?token="+token), "main", "sign in as ada@example.com")
	}
	wantTo(t, phone.post("/enter", "token", token), "/") // another browser than the one that asked
	wantText(t, phone.get("/"), "h1", "Dashboard")
	wantIn(t, phone.get("/profile"), "[aria-labelledby=sh]", "by link")

	dead := ada.post("/enter", "token", token)
	wantStatus(t, dead, http.StatusGone)
	wantIn(t, dead, "main", "This link cannot be used")
	wantStatus(t, ada.get("/enter?token="+token), http.StatusGone)
	if len(dead.set) > 0 {
		t.Error("a spent link set a cookie")
	}
	t.Run("for fifteen minutes", func(t *testing.T) {
		token := w.link(ada.person, account.SignInLink)
		w.pass(15*time.Minute - time.Second)
		wantStatus(t, ada.get("/enter?token="+token), http.StatusOK)
		w.pass(time.Second)
		wantStatus(t, ada.post("/enter", "token", token), http.StatusGone)
	})
	t.Run("and a code, where an app is set up", func(t *testing.T) { // P-AUTH-12
		bob := w.customer("bob@example.com")
		secret, _ := bob.switchOn(t)
		w.pass(30 * time.Second)
		phone := w.browser()
		wantTo(t, phone.post("/enter", "token", w.link(bob.person, account.SignInLink)), "/login/code?next=%2F")
		wantTo(t, phone.get("/"), "/login?next=%2F") // nobody has signed in yet
		wantTo(t, phone.post("/login/code", "code", appCode(t, secret, w.now)), "/")
		wantIn(t, phone.get("/profile"), "[aria-labelledby=sh]", "by link and app")
	})
	t.Run("not with a link for something else", func(t *testing.T) {
		wantStatus(t, ada.post("/enter", "token", w.link(ada.person, account.Reset)), http.StatusGone)
		wantStatus(t, ada.post("/reset", "token", w.link(ada.person, account.SignInLink), "password", password, "repeat", password), http.StatusGone)
	})
	t.Run("not when the password was changed since", func(t *testing.T) {
		token := w.link(ada.person, account.SignInLink)
		_, err := w.identity.SetPassword(t.Context(), w.link(ada.person, account.Reset), account.Reset, password, identity.Origin{})
		must(t, err)
		wantStatus(t, ada.post("/enter", "token", token), http.StatusGone)
	})
}

// P-PRO-15
func TestFirstPasswordOfSomebodyWithoutOne(t *testing.T) {
	w := newWorldWith(t, options{deps: linked})
	ada := w.customerWithoutPassword("Analytical Engines", "ada@example.com")
	wantTo(t, ada.post("/enter", "token", w.link(ada.person, account.SignInLink)), "/")
	p := ada.get("/profile")
	wantNone(t, p, "#current")
	wantIn(t, p, "[aria-labelledby=pw]", "You sign in by link")
	wantIn(t, ada.follow("/profile/password", "password", password, "repeat", password), ".flash", "Your password is set. You can sign in with it")
	wantTo(t, w.browser().post("/login", "email", "ada@example.com", "password", password), "/")
	wantStatus(t, ada.post("/profile/password", "password", "another few words", "repeat", "another few words"), http.StatusBadRequest)
}

// P-AUTH-13
func TestLinksAreAskedForAlike(t *testing.T) {
	w := newWorldWith(t, options{deps: linked})
	w.stranger("ada@example.com")
	ask := func(b *browser, email string) *page { return b.post("/sign-in-link", "email", email) }
	known, unknown := ask(w.browser(), "ada@example.com"), ask(w.browser(), "bob@example.com")
	if strings.ReplaceAll(known.body, "ada@", "bob@") != unknown.body {
		t.Error("a known address is answered otherwise than an unknown one")
	}
	wantStatus(t, ask(w.browser(), "nonsense"), http.StatusBadRequest)
	eager := w.browser()
	for range 10 {
		wantStatus(t, ask(eager, "ada@example.com"), http.StatusOK)
	}
	wantStatus(t, ask(eager, "carl@example.com"), http.StatusTooManyRequests)
	if got := w.waiting(account.SignInLinkNotice); got != 1 {
		t.Errorf("%d links wait", got)
	}
}

// P-AUTH-04: it is an option.
func TestLinksAreOffUnlessWanted(t *testing.T) {
	w := newWorld(t)
	ada := w.stranger("ada@example.com")
	wantNone(t, ada.get("/login"), "a[href='/sign-in-link']")
	token := w.link(ada.person, account.SignInLink)
	for _, answer := range []*page{
		ada.get("/sign-in-link"), ada.post("/sign-in-link", "email", "ada@example.com"), ada.get("/enter?token=" + token), ada.post("/enter", "token", token),
	} {
		wantStatus(t, answer, http.StatusNotFound)
	}
}

// P-AUTH-07
func TestLostInvitationIsRecovered(t *testing.T) {
	w := newWorld(t)
	ada := w.customerWithoutPassword("Analytical Engines", "ada@example.com")
	must(t, w.identity.Invite(t.Context(), vendor(), ada.person.ID))
	if got := w.waiting(account.InvitationNotice); got != 1 {
		t.Errorf("%d invitations wait", got)
	}
	wantText(t, ada.post("/forgot", "email", "ada@example.com"), "h1", "Check your mail")
	wantTo(t, ada.post("/reset", "token", w.link(ada.person, account.Reset), "password", password, "repeat", password), "/login?done=password")
	wantTo(t, ada.post("/login", "email", "ada@example.com", "password", password), "/")
}
