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

	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
)

// devices are the names in the list of activations, in order.
func devices(p *page) []string {
	p.t.Helper()
	return p.texts("tbody th b")
}

func wantDevices(t *testing.T, p *page, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), devices(p)); diff != "" {
		t.Errorf("%s: the list differs (-want +got):\n%s", p.what, diff)
	}
}

// deviceRow is the row of a device in the list of activations.
func deviceRow(p *page, name string) *goquery.Selection {
	p.t.Helper()
	found := p.find("tbody tr").FilterFunction(func(_ int, s *goquery.Selection) bool { return textOf(s.Find("th b")) == name })
	if found.Length() != 1 {
		p.t.Errorf("%s: there are %d rows of %s", p.what, found.Length(), name)
	}
	return found
}

func deactivation(a license.Activation) string { return "/activations/" + string(a.ID) + "/deactivate" }

// website is the identifier of a domain.
func website(host string) func(*licensing.Call) {
	return func(c *licensing.Call) { c.Device = &license.Device{Kind: license.Domain, Identifier: host} }
}

// P-ACT-01, P-ACT-02, P-ACT-03, P-ACT-04, P-ACT-05, P-ACT-06, P-ACT-16, P-ACT-24
func TestActivationsListsDevicesOfAllLicenses(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	editor, shop := w.issue(ada.Customer.ID, w.product("Editor")), w.issue(ada.Customer.ID, w.product("Shop"))
	w.activate(editor, "Laptop", func(c *licensing.Call) { c.Version = "8.1"; c.Device.Platform = "macOS" })
	w.pass(time.Hour)
	w.hear(editor, "Laptop", "8.2")
	w.activate(shop, "", website("shop.example.com"))
	w.pass(time.Hour)

	list := ada.get("/activations")
	wantStatus(t, list, http.StatusOK)
	wantText(t, list, "h1", "Activations")
	wantIn(t, list, ".lede", "Activating happens in the software")
	wantDevices(t, list, "shop.example.com", "Laptop")
	domain, hardware := deviceRow(list, "shop.example.com"), deviceRow(list, "Laptop")
	if got := textOf(hardware.Find("th")); got != "Laptop Hardware ID: hw-laptop macOS · version 8.2" {
		t.Errorf("the device reads %q", got)
	}
	if got := textOf(domain.Find("th")); got != "shop.example.com Domain: shop.example.com" {
		t.Errorf("the domain reads %q", got)
	}
	one, _ := domain.Find(".row-icon").Html()
	other, _ := hardware.Find(".row-icon").Html()
	if one == other || !strings.Contains(one, "svg") {
		t.Error("domain and hardware have one icon")
	}
	cells := func(s *goquery.Selection) []string {
		return s.Find("td").Map(func(_ int, c *goquery.Selection) string { return textOf(c) })
	}
	if diff := cmp.Diff([]string{
		"Editor, key ending " + editor.key[len(editor.key)-4:] + " " + id.Brief(editor.Mask) + " Production", "Active",
		"1 hour ago, 24 Nov 2026, 10:41 UTC Activated 24 Nov 2026", "Deactivate Laptop",
	}, cells(hardware)); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
	if got := cells(domain)[2]; got != "Never Nothing was heard of it since activation. Check that the device can reach the internet." {
		t.Errorf("last seen reads %q", got)
	}
	if got := hardware.Find("td a.link").AttrOr("href", ""); got != editor.path() {
		t.Errorf("the license is at %q", got)
	}
	forms := list.attrs("main form", "action") // P-ACT-16: none activates
	for _, action := range forms {
		if action != "/activations/search" && !strings.HasSuffix(action, "/deactivate") {
			t.Errorf("a form leads to %q", action)
		}
	}
}

func TestLongUnusedDevicesAreMarked(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor"))
	w.activate(l, "Old")
	w.pass(90*day - time.Second)
	w.activate(l, "New")
	ada.signIn("ada@example.com")
	wantNone(t, ada.get("/activations"), "tbody .warn")
	w.pass(time.Second)
	wantText(t, ada.get("/activations"), "tbody .warn", "Not used for a long time")
}

// inStates are devices in each state: Active, Paused and Gone.
func inStates(w *world, owner customer) (active, paused, gone license.Activation) {
	p := w.product("Editor")
	one, two := w.issue(owner.Customer.ID, p), w.issue(owner.Customer.ID, p)
	paused = w.activate(two, "Paused")
	w.pass(time.Second)
	gone = w.activate(one, "Gone")
	w.pass(time.Second)
	active = w.activate(one, "Active")
	owner.post(deactivation(gone))
	w.suspend(two, license.Contract, "")
	return active, paused, gone
}

// P-ACT-08, P-ACT-10
func TestDeviceStates(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	inStates(w, ada)
	list := ada.get("/activations")
	if diff := cmp.Diff([]string{"All 3 *", "Active 1", "Suspended 1", "Deactivated 1"}, chips(list)); diff != "" {
		t.Errorf("chips (-want +got):\n%s", diff)
	}
	for name, tt := range map[string]struct {
		badge, control string
		links          int
	}{
		"Active": {"Active", "Deactivate Active", 1},
		"Paused": {"Suspended", "This device is paused together with its license.", 0},
		"Gone":   {"Deactivated", "", 0},
	} {
		row := deviceRow(list, name)
		if got := textOf(row.Find(".badge")); got != tt.badge {
			t.Errorf("%s: the badge reads %q", name, got)
		}
		action := row.Find("td[data-cell=action]")
		if got := textOf(action); got != tt.control || action.Find("a").Length() != tt.links {
			t.Errorf("%s: the control reads %q, with %d links", name, got, action.Find("a").Length())
		}
	}
	for status, name := range map[string]string{"active": "Active", "suspended": "Paused", "deactivated": "Gone"} {
		filtered := ada.get(list.attr(".chips a[data-value="+status+"]", "href"))
		wantDevices(t, filtered, name)
		wantText(t, filtered, "#results > [data-announce]", "1 device found")
	}
	t.Run("an unknown one is ignored and removable", func(t *testing.T) {
		odd := ada.get("/activations?status=broken&q=a")
		wantDevices(t, odd, "Active", "Paused")
		wantIn(t, odd, ".pills li:nth-child(2)", "Unknown status, ignored: broken")
		if got := odd.attr(".pills li:nth-child(2) a", "href"); got != "/activations?q=a" {
			t.Errorf("the pill leads to %q", got)
		}
	})
}

// P-ACT-07, P-ACT-24
func TestSearchingDevices(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor"))
	w.activate(l, "Laptop")
	w.pass(time.Second)
	w.activate(l, "", website("build.example.com"))
	for search, found := range map[string][]string{
		"lap": {"Laptop"}, "HW-": {"Laptop"}, "EXAMPLE": {"build.example.com"}, "  laptop ": {"Laptop"}, "%": {}, "_": {}, "": {"build.example.com", "Laptop"},
	} {
		list := ada.follow("/activations/search", "q", search, "status", "active")
		wantDevices(t, list, found...)
		if got := chips(list)[0]; got != fmt.Sprintf("All %d", len(found)) {
			t.Errorf("%q: the first chip is %q", search, got)
		}
		if got := list.attr("form.search input[name=status]", "value"); got != "active" {
			t.Errorf("%q: the search box keeps %q", search, got)
		}
	}
	t.Run("a whole key becomes its license", func(t *testing.T) {
		wantTo(t, ada.post("/activations/search", "q", " "+strings.ToLower(l.key), "status", "active"),
			"/activations?"+url.Values{"license": {string(l.ID)}, "status": {"active"}}.Encode())
	})
	t.Run("an endless text is cut", func(t *testing.T) {
		answer := ada.post("/activations/search", "q", strings.Repeat("ü", 4000))
		wantStatus(t, answer, http.StatusSeeOther)
		wantStatus(t, ada.get(answer.location()), http.StatusOK)
		if len(answer.location()) > 2000 {
			t.Errorf("the address is %d long", len(answer.location()))
		}
	})
}

// P-ACT-09, P-LICD-08
func TestActivationsOfOneLicense(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	p := w.product("Editor")
	full, other := w.issue(ada.Customer.ID, p, limit(1)), w.issue(ada.Customer.ID, p)
	w.activate(full, "Laptop")
	w.activate(other, "Tower")
	list := ada.get(strings.TrimPrefix(actions(ada.get(full.path()))[0], "Manage activations -> "))
	wantDevices(t, list, "Laptop")
	wantText(t, list, ".filtered", "E Editor Professional "+id.Brief(full.Mask)+" Production Active 1 / 1 activations used Limit reached Replace a device Deactivate all Show all licenses")
	if got := list.attr(".filtered .btn", "href"); got != "/activations" {
		t.Errorf("all licenses are at %q", got)
	}
	wantIn(t, list, ".pills", "License: Editor "+id.Brief(full.Mask))
	if got := list.attr("form.search input[name=license]", "value"); got != string(full.ID) {
		t.Errorf("the search box keeps %q", got)
	}
	wantTo(t, ada.post("/activations/search", "q", "lap", "license", string(full.ID)), "/activations?"+url.Values{"license": {string(full.ID)}, "q": {"lap"}}.Encode())
	wantStatus(t, ada.post("/activations/search", "license", "42"), http.StatusNotFound)
}

// P-ACT-11, P-ACT-12, P-ACT-14, P-ACT-15, P-ACT-17, P-ACT-18, P-ACT-19
func TestDeactivating(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor"), limit(2))
	device := w.activate(l, "Laptop")
	w.activate(l, "Tower")
	w.call(l, "Third") // refused

	asked := ada.get(deactivation(device))
	wantStatus(t, asked, http.StatusOK)
	wantText(t, asked, "h1", "Deactivate Laptop?")
	for _, says := range []string{"Its seat of Editor is free at once", "The software on Laptop stops validating the next time it connects", "If it works offline, it learns of this only then", "comes back only by activating again"} {
		wantIn(t, asked, "form.confirm", says)
	}
	if got := asked.attr("form.confirm a", "href"); got != "/activations" {
		t.Errorf("cancel leads to %q", got)
	}
	wantIn(t, ada.get(l.path()), ".strip", "2 / 2") // asking changes nothing

	dialog := ada.get("/activations?q=laptop").find("#deactivate-" + string(device.ID))
	if diff := cmp.Diff(textOf(asked.find("form.confirm p")), textOf(dialog.Find("p"))); diff != "" {
		t.Errorf("dialog and page differ:\n%s", diff)
	}
	back := dialog.Find("input[name=back]").AttrOr("value", "")
	for range 2 { // a double click
		answer := ada.post(deactivation(device), "back", back)
		wantTo(t, answer, "/activations?"+url.Values{"freed": {string(device.ID)}, "q": {"laptop"}}.Encode())
		list := ada.get(answer.location())
		wantText(t, list, "[role=status].flash", "Laptop was deactivated and its seat is free: 1 of 2 in use now.")
		if got := textOf(deviceRow(list, "Laptop").Find(".badge")); got != "Deactivated" {
			t.Errorf("the badge reads %q", got)
		}
	}
	detail := ada.get(l.path())
	wantText(t, detail, ".page-head .badge", "Active")
	wantIn(t, detail, ".strip", "1 / 2")
	deactivations := slices.DeleteFunc(story(detail), func(s string) bool { return !strings.Contains(s, "deactivated") })
	if diff := cmp.Diff([]string{"Laptop deactivated: by you · 1 of 2 in use"}, deactivations); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	wantText(t, ada.get(deactivation(device)), ".notice", "Deactivated already. Laptop holds no seat. It comes back only by activating again in the software.")
	w.activate(l, "Third")
}

func TestFlashCountsDevices(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor"), limit(license.Unlimited))
	a, b, c := w.activate(l, "A"), w.activate(l, "B"), w.activate(l, "C")
	for _, tt := range []struct {
		device license.Activation
		says   string
	}{{a, "2 devices are activated now."}, {b, "1 device is activated now."}, {c, "0 devices are activated now."}} {
		wantIn(t, ada.follow(deactivation(tt.device)), ".flash", tt.says)
	}
	t.Run("only of devices that were deactivated", func(t *testing.T) {
		d := w.activate(l, "D")
		for _, freed := range []string{string(d.ID), string(id.New()), "42", string(l.ID)} {
			wantNone(t, ada.get("/activations?freed="+freed), ".flash")
		}
	})
}

// P-ACT-10, P-ACT-25: refused by the server too, with the reason.
func TestDevicesThatCannotBeDeactivated(t *testing.T) {
	for name, tt := range map[string]struct {
		prepare func(w *world, c customer) license.Activation
		status  int
		says    string
	}{
		"suspended": {func(w *world, c customer) license.Activation {
			_, paused, _ := inStates(w, c)
			return paused
		}, http.StatusConflict, "This device is paused together with its license. It can be deactivated once the license works again."},
		"of an expired license": {func(w *world, c customer) license.Activation {
			l := w.issue(c.Customer.ID, w.product("Editor"), days(1))
			a := w.activate(l, "Laptop")
			w.pass(day)
			return a
		}, http.StatusConflict, "This device is paused together with its license."},
		"where only the vendor may": {func(w *world, c customer) license.Activation {
			return w.activate(w.issue(c.Customer.ID, w.product("Editor", noSelfDeactivation)), "Laptop")
		}, http.StatusForbidden, "The vendor of this product deactivates devices itself. Write to support and name the device."},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ada := w.customer("ada@example.com")
			device := tt.prepare(w, ada)
			asked := ada.get(deactivation(device))
			wantStatus(t, asked, http.StatusOK)
			wantIn(t, asked, ".notice", tt.says)
			wantNone(t, asked, "form[action$='/deactivate']")
			if got := asked.attr("main .confirm a", "href"); got != "/activations" {
				t.Errorf("the way back is %q", got)
			}
			before := ada.get("/activations").texts("tbody .badge")
			refused := ada.post(deactivation(device), "back", "/activations?status=active")
			wantStatus(t, refused, tt.status)
			wantIn(t, refused, "main", tt.says)
			list := ada.get("/activations")
			if diff := cmp.Diff(before, list.texts("tbody .badge")); diff != "" {
				t.Errorf("something changed:\n%s", diff)
			}
			if why := textOf(deviceRow(list, device.Name).Find(".why-not small")); why == "" || !strings.HasPrefix(tt.says, why) {
				t.Errorf("the list explains it by %q", why)
			}
			wantNone(t, list, "td a[href='"+deactivation(device)+"']")
		})
	}
}

// Where to go back to never leads to another site.
func TestBackStaysHere(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	device := w.activate(w.issue(ada.Customer.ID, w.product("Editor")), "Laptop")
	for _, back := range []string{"https://evil.example/", "//evil.example/x", `/\evil.example`, "", "/"} {
		wantTo(t, ada.post(deactivation(device), "back", back), "/activations?freed="+string(device.ID))
		if got := ada.get(deactivation(device)+"?"+url.Values{"back": {back}}.Encode()).attr("main .confirm a", "href"); got != "/activations" {
			t.Errorf("back %q leads to %q", back, got)
		}
	}
}

// P-ACT-22, P-ACT-16
func TestNoActivations(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor"))
	for _, path := range []string{"/activations", "/activations?license=" + string(l.ID), "/activations?q=x"} {
		none := ada.get(path)
		wantText(t, none, ".empty h2", "No activations yet")
		wantIn(t, none, ".empty", "Devices appear here once the software is activated on them")
	}
	w.activate(l, "Laptop")
	other := w.issue(ada.Customer.ID, l.product)
	wantText(t, ada.get("/activations?license="+string(other.ID)), ".empty h2", "No activations yet")
	wantText(t, ada.get("/activations?status=suspended"), ".empty h2", "No matching devices")
	wantText(t, ada.get("/activations?q=tower"), ".empty h2", "No matching devices")
}

// P-ACT-23
func TestPagingActivations(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor"), limit(license.Unlimited))
	var want []string
	for i := range 60 {
		name := fmt.Sprintf("Device %02d", i)
		w.activate(l, name)
		if i%2 == 0 {
			w.pass(time.Second)
		}
		want = append(want, name)
	}
	slices.Reverse(want)
	walk := func(path, rel string) (all []string, last string) {
		for n := 0; path != "" && n < 9; n++ {
			p := ada.get(path)
			all, last, path = append(all, devices(p)...), path, p.attr(".pager a[rel="+rel+"]", "href")
		}
		return all, last
	}
	forward, last := walk("/activations?q=device", "next")
	if diff := cmp.Diff(want, forward); diff != "" {
		t.Errorf("forward (-want +got):\n%s", diff)
	}
	wantText(t, ada.get(last), ".table-foot p", "Showing 51–60 of 60")
	backward, first := walk(last, "prev")
	if diff := cmp.Diff(slices.Concat(want[50:], want[25:50], want[:25]), backward); diff != "" {
		t.Errorf("backward (-want +got):\n%s", diff)
	}
	wantText(t, ada.get(first), ".table-foot p", "Showing 1–25 of 60")

	w.pass(5 * time.Minute) // after the list was taken, the last device on it is heard of
	w.hear(l, want[59], "")
	if got := textOf(deviceRow(ada.get(last), want[59]).Find(".when")); got != "just now, 24 Nov 2026, 09:46 UTC" {
		t.Errorf("last seen reads %q", got)
	}

	place, _ := url.Parse(last)
	wrong := ada.get("/activations?status=active&after=" + place.Query().Get("after"))
	wantIn(t, wrong, "#results .notice", "belongs to another list")
	if got := devices(wrong); !cmp.Equal(got, want[:25]) {
		t.Errorf("it lists %q", got)
	}
}
