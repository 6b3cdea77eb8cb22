package portal_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/catalog"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/verdict"
)

// replace retires a device of a license for the next one.
func (w *world) replace(by customer, l issued, retired license.Activation, attempt id.ID) license.Reservation {
	w.t.Helper()
	actor := account.Actor{Kind: account.ActorPerson, ID: by.person.ID, CustomerID: by.Customer.ID, Role: account.Owner}
	made, err := w.licensing.Replace(w.t.Context(), actor, licensing.Replacement{LicenseID: l.ID, Retire: retired.ID, Attempt: attempt})
	must(w.t, err)
	return made
}

func policy(p license.SwapPolicy) func(*catalog.NewProduct) {
	return func(n *catalog.NewProduct) { n.Swaps = p }
}

func claim(code string) func(*licensing.Call) { return func(c *licensing.Call) { c.Claim = code } }

// From the reached limit to the code, and what came of it.
func TestReplacingADevice(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor"), limit(2))
	old := w.activate(l, "Old")
	w.pass(time.Hour)
	w.activate(l, "Tower")
	steps := actions(ada.get(l.path()))
	asked := ada.get(strings.TrimPrefix(steps[1], "Replace a device -> "))
	wantText(t, asked, "h1", "Replace a device")
	wantIn(t, asked, ".choice:first-of-type", "Old hw-old Last seen Never Unused the longest")
	if got := asked.attr(".choice input[checked]", "value"); got != string(old.ID) {
		t.Errorf("%q is suggested", got)
	}
	wantIn(t, asked, ".choices", "if it works offline, it learns of this only then") // P-ACT-15
	wantIn(t, ada.get(l.path()), ".strip", "2 / 2")                                  // asking changes nothing

	made := ada.post(l.path()+"/replace", "device", string(old.ID))
	wantStatus(t, made, http.StatusSeeOther)
	for range 2 { // reload shows it again
		page := ada.get(made.location())
		wantText(t, page, ".swap h2", "The seat is reserved")
		wantIn(t, page, ".deadline", "15 minutes left: until 24 Nov 2026, 10:56 UTC")
	}
	wantTo(t, ada.post(l.path()+"/replace", "device", string(old.ID)), made.location()) // a double click
	code := ada.get(made.location()).text("#claim-code")
	wantIn(t, ada.get(l.path()), ".notice", "A seat is reserved for a device with the claim code until 24 Nov 2026, 10:56 UTC")
	for path, at := range map[string]string{ // as the check in the API counts (P-LIC-03)
		l.path(): ".strip", "/licenses": "td[data-cell=usage]", "/activations?license=" + string(l.ID): ".filtered",
	} {
		wantIn(t, ada.get(path), at, "2 / 2 activations used 1 reserved")
	}
	wantIn(t, ada.get(l.path()), "#validation", "2 of 2 used, 1 of them reserved")
	wantIn(t, ada.get(l.path()), "#validation .panel-head", "Checked just now, 24 Nov 2026, 10:41 UTC") // P-NAV-07
	if _, rows := readSheet(t, ada.get("/licenses.csv").body); !cmp.Equal(rows[0][4:7], []string{"2", "2", "1"}) {
		t.Errorf("the file counts %q", rows[0])
	}
	wantIn(t, ada.get(l.path()), "#validation", "1 activated device and 1 reserved seat fill the 2 of this license")
	if got := w.call(l, "Thief").Verdict.Code; got != verdict.LimitReached {
		t.Errorf("somebody else is answered %s", got)
	}
	w.pass(2 * time.Minute)
	w.activate(l, "Lena", claim(code))
	over := ada.get(made.location())
	wantText(t, over, ".swap h2", "Lena took the seat")
	wantIn(t, over, ".swap", "activated on 24 Nov 2026, 10:43 UTC in place of Old")
	wantNone(t, over, "#claim-code, form[action$='/release']")
	wantIn(t, ada.get(l.path()), ".timeline", "Old deactivated")
	wantIn(t, ada.get(l.path()), ".timeline", "replaced by another device")
}

func TestLettingARefusedDeviceIn(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor"), limit(1))
	old := w.activate(l, "Old")
	w.call(l, "Lena")
	asked := ada.get(ada.get(l.path()).attr(".let-in a", "href"))
	wantIn(t, asked, "section[aria-labelledby=in]", "Lena hw-lena Activation limit reached")
	wantText(t, asked, ".choices .btn-primary", "Let Lena in")
	attempt := asked.attr("input[name=attempt]", "value")
	page := ada.follow(l.path()+"/replace", "device", string(old.ID), "attempt", attempt)
	wantText(t, page, ".swap h2", "The seat is reserved for Lena")
	wantNone(t, page, "#claim-code")
	if got := w.call(l, "Thief").Verdict.Code; got != verdict.LimitReached {
		t.Errorf("somebody else is answered %s", got)
	}
	w.activate(l, "Lena")
}

// One click where the policy allows it: the button names the device that goes.
func TestLettingARefusedDeviceInByOneClick(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	viewer := w.colleague(ada, "vera@example.com", account.Viewer)
	l := w.issue(ada.Customer.ID, w.product("Editor", policy(license.SwapPolicy{Allowed: 1})), limit(2))
	w.activate(l, "Old")
	w.pass(time.Hour)
	w.activate(l, "Tower")
	w.call(l, "Lena")
	w.call(l, "Lena")
	w.call(l, "Thief")
	page := ada.get(l.path())
	if got := page.texts(".let-in button"); strings.Join(got, "; ") != "Let this one in, retire Old for Thief; Let this one in, retire Old for Lena" {
		t.Errorf("the buttons read %q", got)
	}
	wantIn(t, page, ".attempts", "Old is the device that was unused the longest (last seen: Never). Its seat is kept for 15 minutes")
	wantIn(t, page, ".attempts", "This counts as a device change. 1 of 1 device change left")
	wantNone(t, viewer.get(l.path()), ".attempts button, .attempts a")
	var fields []string
	row := page.find(".attempts li:has(.vh:contains('Lena'))").First()
	row.Find("input").Each(func(_ int, s *goquery.Selection) {
		fields = append(fields, s.AttrOr("name", ""), s.AttrOr("value", ""))
	})
	action := row.Find("form").AttrOr("action", "")

	kept := ada.post(action, fields...)
	wantText(t, ada.get(kept.location()), ".swap h2", "The seat is reserved for Lena")
	wantTo(t, ada.post(action, fields...), kept.location()) // a double click
	page = ada.get(l.path())
	wantIn(t, page, ".attempts li:nth-child(2)", "A seat is kept for it")
	wantText(t, page, ".attempts li:nth-child(1) .btn", "Let this one in: Thief") // the policy has none left, and says so there
	wantNone(t, page, ".let-in")
	wantIn(t, ada.get(page.attr(".attempts li:nth-child(1) .btn", "href")), ".notice", "The next change is possible on")
	if got := w.call(l, "Thief").Verdict.Code; got != verdict.LimitReached {
		t.Errorf("somebody else is answered %s", got)
	}
	w.activate(l, "Lena")
	wantNone(t, ada.get(l.path()), ".attempts li:contains('Lena') :is(a, button)")
}

func TestReservationsThatEnd(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor"), limit(2))
	one, two := w.activate(l, "One"), w.activate(l, "Two")
	first, second := w.replace(ada, l, one, ""), w.replace(ada, l, two, "")
	for range 2 {
		wantText(t, ada.follow("/swaps/"+string(first.ID)+"/release"), ".swap h2", "The reservation was given up")
	}
	viewer := w.colleague(ada, "vera@example.com", account.Viewer)
	seen := viewer.get("/swaps/" + string(second.ID))
	wantNone(t, seen, "#claim-code, form[action$='/release']")
	wantStatus(t, viewer.post("/swaps/"+string(second.ID)+"/release"), http.StatusForbidden)
	wantStatus(t, viewer.post(l.path()+"/replace", "device", string(one.ID)), http.StatusForbidden)
	w.call(l, "Taken")
	w.call(l, "Thief", claim("AAAA-AAAA"))
	w.write(func(ctx context.Context, tx *store.Tx) error {
		for range license.MaxClaims {
			if err := tx.CountClaim(ctx, l.ID, w.clock()); err != nil {
				return err
			}
		}
		return nil
	})
	wantText(t, ada.get("/swaps/"+string(second.ID)), ".swap h2", "The claim code is no longer accepted")
	w.pass(license.ReservedFor)
	wantText(t, ada.get("/swaps/"+string(second.ID)), ".swap h2", "The reservation is over")
}

// A choice that is wrong is told on the page, which stays filled in.
func TestReplacingWhatCannotBe(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor"), limit(2))
	device := w.activate(l, "One")
	free := ada.get(l.path() + "/replace")
	wantIn(t, free, ".notice", "A seat is free.")
	w.activate(l, "Two")
	answer := ada.post(l.path() + "/replace")
	wantStatus(t, answer, http.StatusBadRequest)
	wantIn(t, answer, ".problems", "Choose the device that gives its seat up.")
	ada.post(deactivation(device))
	answer = ada.post(l.path()+"/replace", "device", string(device.ID))
	wantStatus(t, answer, http.StatusConflict)
	wantIn(t, answer, ".problems", "One is deactivated already")
	managed := w.issue(ada.Customer.ID, w.product("Managed", noSelfDeactivation), limit(1))
	w.activate(managed, "Three")
	wantIn(t, ada.get(managed.path()+"/replace"), ".notice", "The vendor of this product deactivates devices itself.")
	wantNone(t, ada.get(managed.path()+"/replace"), ".choices")
}

// P-ACT-25, U-05: what is left is said before the click, and a refusal has the
// date.
func TestSwapPolicyIsStated(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor", policy(license.SwapPolicy{Allowed: 2, CoolDown: time.Hour})))
	one, two, three := w.activate(l, "One"), w.activate(l, "Two"), w.activate(l, "Three")
	wantIn(t, ada.get(deactivation(one)), "form.confirm", "2 of 2 device changes left, of those that this license has in 30 days. Two changes are at least 1 hour apart.")
	wantIn(t, ada.get(l.path()+"/replace"), ".choices", "2 of 2 device changes left")
	ada.post(deactivation(one))
	wantIn(t, ada.get("/activations"), "tbody", "A device of this license was changed a short while ago. The next change is possible on 24 Nov 2026, 10:41 UTC.")
	refused := ada.post(deactivation(two))
	wantStatus(t, refused, http.StatusConflict)
	wantIn(t, refused, ".notice", "The next change is possible on 24 Nov 2026, 10:41 UTC.")
	w.pass(time.Hour)
	wantIn(t, ada.get(deactivation(two)), "form.confirm", "1 of 2 device changes left")
	wantIn(t, ada.get(deactivation(two)), "form.confirm", "The next one comes back on 24 Dec 2026, 09:41 UTC.")
	ada.post(deactivation(two))
	wantIn(t, ada.get(deactivation(three)), ".notice", "All 2 device changes of this license are used up for now. The next change is possible on 24 Dec 2026, 09:41 UTC.")
	wantIn(t, ada.get(l.path()+"/replace"), ".notice", "The next change is possible on 24 Dec 2026, 09:41 UTC.")
	wantStatus(t, ada.post(l.path()+"/replace", "device", string(three.ID)), http.StatusConflict)
	wantIn(t, ada.get("/activations/"+string(three.ID)), "main", "used up for now")
}

// U-01: a device that is gone needs not be there.
func TestLosingADevice(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor"))
	device := w.activate(l, "Stolen")
	asked := ada.get(ada.get("/activations/"+string(device.ID)).attr("a[href$='/lost']", "href"))
	wantText(t, asked, "h1", "You no longer have Stolen?")
	wantIn(t, asked, "form.confirm", "Nothing is needed from the device itself")
	wantIn(t, asked, "form.confirm", "An offline installation goes on until it next connects.") // P-ACT-15
	for range 2 {
		wantIn(t, ada.follow("/activations/"+string(device.ID)+"/lost"), ".flash", "Stolen was deactivated and its seat is free")
	}
	wantIn(t, ada.get(l.path()), ".timeline", "device no longer there")
	wantIn(t, ada.get("/activations/"+string(device.ID)+"/lost"), ".notice", "Deactivated already.")
}

// P-ACT-24, U-04
func TestNamingADevice(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor"))
	device := w.activate(l, "WS-0417")
	home := "/activations/" + string(device.ID)
	if got := ada.get("/activations").attr("tbody th a", "href"); got != home {
		t.Errorf("the device is at %q", got)
	}
	named := ada.follow(home+"/name", "label", " Front desk ")
	wantText(t, named, "h1", "Front desk")
	wantIn(t, named, ".page-head", "Reports as WS-0417")
	for _, search := range []string{"front", "ws-04"} {
		list := ada.follow("/activations/search", "q", search)
		wantDevices(t, list, "Front desk")
		wantIn(t, list, "tbody th", "Reports as WS-0417")
	}
	wrong := ada.post(home+"/name", "label", strings.Repeat("x", 81))
	wantStatus(t, wrong, http.StatusBadRequest)
	wantIn(t, wrong, ".problems", "a name has at most 80 characters")
	if got := wrong.attr("#label", "value"); len(got) != 81 {
		t.Errorf("the form is filled in with %q", got)
	}
	ada.post(deactivation(device))
	back := w.activate(l, "WS-0417")
	wantText(t, ada.get("/activations/"+string(back.ID)), "h1", "Front desk")
	wantText(t, ada.follow("/activations/"+string(back.ID)+"/name", "label", ""), "h1", "WS-0417")
	viewer := w.colleague(ada, "vera@example.com", account.Viewer)
	wantNone(t, viewer.get(home), "#label, a[href$='/lost']")
	wantStatus(t, viewer.post(home+"/name", "label", "x"), http.StatusForbidden)
	wantStatus(t, viewer.post(home+"/lost"), http.StatusForbidden)
}

func TestDeactivatingAll(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor"))
	w.activate(l, "One")
	w.activate(l, "Two")
	href := ada.get(l.path()).attr("a[href$='/deactivate-all']", "href")
	asked := ada.get(href)
	wantIn(t, asked, ".lede", "2 devices of Editor are deactivated at once")
	wantIn(t, asked, ".names", "One")
	wrong := ada.post(href, "confirm", "yes")
	wantStatus(t, wrong, http.StatusBadRequest)
	wantIn(t, wrong, ".problems", "Type the number of devices or the name of the product.")
	if got := wrong.attr("#confirm", "value"); got != "yes" {
		t.Errorf("the form is filled in with %q", got)
	}
	viewer := w.colleague(ada, "vera@example.com", account.Viewer)
	wantNone(t, viewer.get(href), "#confirm")
	wantStatus(t, viewer.post(href, "confirm", "2"), http.StatusForbidden)
	wantIn(t, ada.get(l.path()), ".strip", "2 / 5")
	for range 2 {
		wantIn(t, ada.follow(href, "confirm", "2"), ".notice", "No device is activated.")
	}
	wantIn(t, ada.get(l.path()), ".strip", "0 / 5")
}

// The link in a refusal asks to sign in first, and leads the license's people
// to the refused device.
func TestHelpLink(t *testing.T) {
	w := newWorld(t)
	w.stranger("ada@example.com")
	ada := w.customer("grace@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor"), limit(1))
	w.activate(l, "Old")
	href := strings.TrimPrefix(w.call(l, "Lena").Verdict.FixesFor(verdict.LimitReached)[0].Href, "http://portal.example")
	b := w.browser()
	wantTo(t, b.get(href), "/login?"+url.Values{"next": {href}}.Encode())
	wantTo(t, b.post("/login", "email", "grace@example.com", "password", password, "next", href), href)
	answer := b.get(href)
	wantStatus(t, answer, http.StatusSeeOther)
	wantIn(t, b.get(answer.location()), "section[aria-labelledby=in]", "Lena")

	foreign := w.browser()
	foreign.signIn("ada@example.com")
	wantStatus(t, foreign.get(href), http.StatusNotFound)
	wantIn(t, ada.get("/help/x"), "main", "This link is damaged or too old.")
	w.pass(day)
	ada.signIn("grace@example.com")
	wantStatus(t, ada.get(href), http.StatusNotFound)
}
