package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/keyward/keyward/client"
	"github.com/keyward/keyward/verdict"
)

const oldTower = "Old tower (basement)"

// S-12, S-23: P-LICD-08; P-ACT-09..14, 16, 17
func seatIsFreed(t *testing.T, d *Demo) {
	l := d.Licenses.LimitReached
	newcomer := d.Device(t, l, "Replacement tower")
	newcomer.Refused(verdict.LimitReached)

	p := d.Visit(t, d.Customer, l.path())
	p.In("#validation").Click("Manage activations")
	filtered := "/activations?license=" + l.ID
	p.SeePath(filtered)
	p.In(".filtered").See("5 / 5")
	p.See("Showing 1–5 of 5")
	old := client.Device{Name: oldTower, Platform: "Windows 10 x86_64", ID: p.identifierOf(oldTower)}
	deactivate := "Deactivate " + oldTower

	p.Click(deactivate)
	question := p.In("dialog[open]")
	question.See("Deactivate " + oldTower + "?")
	question.See("Its seat of Cartograph Pro is free at once")
	question.See("If it works offline, it learns of this only then.")
	p.Press(kb.Escape)
	p.wantNoDialog()
	if got := p.Focused(); got != "link "+deactivate {
		t.Errorf("after Esc the focus is on %q", got)
	}
	p.Click(deactivate)
	question.Click("Cancel")
	p.wantNoDialog()
	if got := p.Focused(); got != "link "+deactivate {
		t.Errorf("after Cancel the focus is on %q", got)
	}
	p.Reload()
	p.In(".filtered").See("5 / 5") // asking changes nothing
	newcomer.Refused(verdict.LimitReached)

	p.Click(deactivate)
	question.Click("Deactivate")
	p.See(oldTower + " was deactivated and its seat is free: 4 of 5 in use now.")
	p.In(".filtered").See("4 / 5")
	if status := p.statusOf(oldTower); status != "Deactivated" {
		t.Errorf("its row says %q", status)
	}
	if p.In("#results").HasControl(deactivate) {
		t.Error("it can be deactivated again")
	}

	newcomer.Activate()
	p.Goto(d.URL + l.path())
	p.In(".strip").See("5 / 5")
	p.In(".timeline").See("Replacement tower activated")
	p.In(".timeline").See("Old tower (basement) deactivated")
	if got := p.Text(".badge"); got != "Active" {
		t.Errorf("the license is %s", got)
	}
	gone := d.Machine(t, l, old)
	gone.CheckIn(verdict.NotActivated)
	gone.Refused(verdict.LimitReached)

	newcomer.Deactivate()
	gone.Activate() // it comes back by activating again
	p.Reload()
	p.In(".strip").See("5 / 5")
}

func (p *Page) wantNoDialog() {
	p.t.Helper()
	if n := Eval[int](p, `document.querySelectorAll("dialog[open]").length`); n != 0 {
		p.t.Errorf("%d dialogs are open", n)
	}
}

// device reads something in the row of the device with that name.
func (p *Page) device(name, expression string) string {
	p.t.Helper()
	return Eval[string](p, fmt.Sprintf(`(row => %s)([...document.querySelectorAll("#results tbody tr")].find(row => row.querySelector("th b").innerText === %q))`, expression, name))
}

func (p *Page) statusOf(name string) string {
	p.t.Helper()
	return p.device(name, `row.querySelector(".badge").innerText.trim()`)
}

func (p *Page) identifierOf(name string) string {
	p.t.Helper()
	return p.device(name, `row.querySelector("th small").lastChild.textContent.trim()`)
}

// S-23 without script: P-ACT-11, 12, 18
func seatIsFreedWithoutScript(t *testing.T, d *Demo) {
	l := d.Licenses.VersionLimited
	device := d.Device(t, l, "Theodolite")
	device.Activate()
	list := "/activations?q=Theodolite&status=active"
	p := d.Visit(t, d.Customer, list, NoScript)
	p.Click("Deactivate Theodolite")
	p.See("Deactivate Theodolite?")
	p.Click("Cancel")
	p.SeePath("/activations") // of the address, so much is kept without a script
	device.CheckIn(verdict.Valid)

	p.Goto(d.URL + l.path())
	p.Click("Deactivate Theodolite")
	p.See("Deactivate Theodolite?")
	asked := p.URL()
	p.Click("Deactivate")
	p.See("Theodolite was deactivated and its seat is free: 2 of 5 in use now.")
	device.CheckIn(verdict.NotActivated)
	p.Goto(asked)
	p.See("Deactivated already.")
}

// P-ACT-18
func freeingTwiceIsHarmless(t *testing.T, d *Demo) {
	device := d.Device(t, d.Licenses.VersionLimited, "Rover")
	device.Activate()
	list := "/activations?license=" + d.Licenses.VersionLimited.ID
	first, second := d.Visit(t, d.Customer, list), d.Visit(t, d.Customer, list)
	const done = "Rover was deactivated and its seat is free: 2 of 5 in use now."

	first.Click("Deactivate Rover")
	first.In("dialog[open]").See("Deactivate Rover?")
	Eval[any](first, `(button => { button.click(); button.click(); })(document.querySelector("dialog[open] button[type=submit]"))`)
	first.See(done)
	first.Reload()
	first.See(done)
	second.Click("Deactivate Rover") // it looked before the first was done
	second.In("dialog[open]").Click("Deactivate")
	second.See(done)
	device.CheckIn(verdict.NotActivated)
	second.Goto(d.URL + d.Licenses.VersionLimited.path())
	entries := slices.DeleteFunc(second.Texts(".timeline b"), func(s string) bool { return s != "Rover deactivated" })
	if len(entries) != 1 {
		t.Errorf("the history has %d entries about it", len(entries))
	}
}

// S-23: P-ACT-01..08, 24, 25
func devicesAreListed(t *testing.T, d *Demo) {
	p := d.Visit(t, d.Customer, "/activations")
	p.See("Activating happens in the software")
	counts := p.chips()
	if counts["All"] != counts["Active"]+counts["Deactivated"]+counts["Suspended"] || counts["Deactivated"] == 0 || counts["Suspended"] == 0 {
		t.Errorf("counts %v", counts)
	}
	p.See(fmt.Sprintf("Showing 1–25 of %d", counts["All"]))
	p.Click("Next")
	p.See(fmt.Sprintf("of %d", counts["All"]))
	p.See("Showing 26–")

	p.Goto(d.URL + "/activations")
	p.Fill("Search devices", "lena's")
	p.SeePath("/activations?q=lena%27s")
	p.In("#results").See("Lena's new ThinkPad")
	identifier := p.identifierOf("Lena's new ThinkPad")
	part := identifier[9:18]
	p.Fill("Search devices", strings.ToLower(part))
	p.SeePath("/activations?q=" + strings.ToLower(part))
	p.In("#results").See(identifier)
	p.In("#results").See("version 9.1.0")

	p.Fill("Search devices", "karten.halden")
	p.SeePath("/activations?q=karten.halden")
	p.In("#results").See("Domain: karten.halden.example")
	domain := p.device("Map viewer", `row.querySelector(".row-icon svg").innerHTML`)
	p.Fill("Search devices", "frontdesk")
	p.SeePath("/activations?q=frontdesk")
	p.In("#results").See("Hardware ID: ")
	if hardware := p.device("FRONTDESK-PC", `row.querySelector(".row-icon svg").innerHTML`); hardware == domain {
		t.Error("a domain has the icon of a machine")
	}

	p.Goto(d.URL + "/activations?q=Plotter")
	p.In("#results").See("Never")
	p.In("#results").See("Nothing was heard of it since activation. Check that the device can reach the internet.")
	for _, status := range []string{"Active", "Deactivated", "Suspended"} {
		p.Goto(d.URL + "/activations")
		p.In(".chips").Click(status)
		p.SeePath("/activations?status=" + strings.ToLower(status))
		words := slices.Compact(slices.Sorted(slices.Values(p.Texts("#results tbody .badge"))))
		if !slices.Equal(words, []string{status}) {
			t.Errorf("of %s are listed: %v", status, words)
		}
		offered := slices.ContainsFunc(p.In("#results tbody").Controls(), func(name string) bool { return strings.HasPrefix(name, "Deactivate ") })
		if status == "Deactivated" && offered {
			t.Error("what is deactivated can be deactivated")
		}
	}

	p.Goto(d.URL + "/activations?q=build-agent&status=active")
	p.See("Sonar CLI")
	p.In("#results").See("The vendor of this product deactivates devices itself.")
	p.Fill("Search devices", "no such device")
	p.See("No matching devices")
	p.Click("Show all devices")
	p.SeePath("/activations")
	p.Fill("Search devices", d.Licenses.HighSecurity.Key)
	p.SeePath("/activations?license=" + d.Licenses.HighSecurity.ID) // a key becomes the filter by its license
	p.In(".pills").See("License: Tessera SDK")
	p.wantNoKey(d.Licenses.HighSecurity.Key)
	p.Reload()
	p.In(".filtered").See("Tessera SDK")
	p.Click("Show all licenses")
	p.SeePath("/activations")
}

// S-23: P-ACT-05
func deviceIsSeen(t *testing.T, d *Demo) {
	device := d.Device(t, d.Licenses.Staging, "Level 2")
	device.Activate()
	defer device.Deactivate()
	p := d.Visit(t, d.Customer, "/activations?q=Level+2")
	device.CheckIn(verdict.Valid)
	p.await("it to be seen", func(ctx context.Context) error { // what is seen is written down every second
		p.Reload()
		text, err := p.In("#results").visibleText(ctx)
		if err == nil && !strings.Contains(text, "just now") {
			err = fmt.Errorf("the list says %s", text)
		}
		return err
	})
	if got := p.device("Level 2", `row.querySelector("[data-label='Last seen'] time").dateTime`); got == "" {
		t.Error("there is no exact time")
	}
}

// P-ISO-01, P-ACT-21; section 1: another customer's ids answer "not found" on every route
func foreignIDsAreNotFound(t *testing.T, d *Demo) {
	mine, theirs := d.Session(t, d.Customer), d.Session(t, d.OtherCustomer)
	foreign := theirs.ids(t, "/licenses", "a.row-link", "href")
	devices := theirs.ids(t, "/activations?status=active", "a[data-dialog-open]", "href")
	if len(foreign) == 0 || len(devices) == 0 {
		t.Fatalf("the other customer has licenses %v and devices %v", foreign, devices)
	}
	before := theirs.Get(t, "/activations").Text()
	nobodys := "01990000-0000-7000-8000-000000000000"
	for _, id := range []string{foreign[0], nobodys, "1", "0", "-1", "..%2F..", d.Licenses.Active.ID + "0"} {
		device := strings.Replace(id, foreign[0], devices[0], 1)
		for _, tt := range []struct{ method, path string }{
			{http.MethodGet, "/licenses/" + id},
			{http.MethodPost, "/licenses/" + id + "/key"},
			{http.MethodGet, "/activations?license=" + id},
			{http.MethodGet, "/activations/" + device + "/deactivate"},
			{http.MethodPost, "/activations/" + device + "/deactivate"},
		} {
			var a Answer
			if tt.method == http.MethodPost {
				a = mine.Post(t, tt.path)
			} else {
				a = mine.Get(t, tt.path)
			}
			if a.Status != http.StatusNotFound || !strings.Contains(a.Text(), "Not found") {
				t.Errorf("%s %s is answered with %d: %s", tt.method, tt.path, a.Status, a.Text())
			}
		}
		if text := mine.Get(t, "/activations?freed="+device).Text(); strings.Contains(text, "was deactivated") {
			t.Errorf("freed=%s is believed", device)
		}
	}
	if after := theirs.Get(t, "/activations?status=active"); after.Status != http.StatusOK || len(theirs.ids(t, "/activations?status=active", "a[data-dialog-open]", "href")) != len(devices) {
		t.Errorf("the other customer's devices changed from %s to %s", before, after.Text())
	}
	p := d.Visit(t, d.Customer, "/")
	p.Expect("404")
	p.Goto(d.URL + "/licenses/" + foreign[0])
	p.See("Not found")
	p.Click("Go to My Licenses")
	p.SeePath("/licenses")
	p.Goto(d.URL + "/no/such/page")
	p.See("Not found")
}

// ids are those in the addresses of what the selector finds on a page.
func (s *Session) ids(t *testing.T, page, selector, attribute string) []string {
	t.Helper()
	var list []string
	for _, n := range s.Get(t, page).Page.Find(selector).EachIter() {
		address, err := url.Parse(n.AttrOr(attribute, ""))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, path.Base(strings.TrimSuffix(address.Path, "/deactivate")))
	}
	return list
}
