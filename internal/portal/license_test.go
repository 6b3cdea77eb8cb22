package portal_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/catalog"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/app/licensing"
	desk "github.com/keyward/keyward/internal/app/support"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/portal"
	"github.com/keyward/keyward/internal/store"
)

// mail is an address that writes to support about a license.
func mail(subject string, l issued) string {
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	return "mailto:" + support + "?subject=" + escape(subject+": "+l.product.Name+" ("+l.Mask+")") +
		"&body=" + escape("Product: "+l.product.Name+"\nLicense: "+string(l.ID)+"\nKey: "+l.Mask+"\n\n")
}

// question is an address that asks support about a license.
func question(subject string, l issued) string {
	return "/tickets/new?license=" + string(l.ID) + "&subject=" + url.QueryEscape(subject)
}

// actions are the buttons of the Validation Status, each with its address.
func actions(p *page) []string {
	p.t.Helper()
	return p.find("#validation .outcome-actions a").Map(func(_ int, s *goquery.Selection) string {
		return textOf(s) + " -> " + s.AttrOr("href", "")
	})
}

// P-LICD-05, P-LICD-06, P-LICD-07, P-LICD-08, P-LICD-11, P-LICD-12, P-LICD-17, P-LICD-19
func TestValidationStatus(t *testing.T) {
	for _, tt := range []struct {
		name        string
		prepare     func(w *world, owner customer) issued
		title, tone string
		says        string
		actions     func(l issued) []string
		use, add    string // states of the two answers
	}{
		{"valid", func(w *world, c customer) issued {
			l := w.issue(c.Customer.ID, w.product("Editor"))
			w.activate(l, "One")
			w.activate(l, "Two")
			return l
		}, "Valid", "good", "The software validates on 2 activated devices. 2 of 5 activations are in use, so 3 more devices can be activated.", nil, "pass", "pass"},

		{"valid without limit", func(w *world, c customer) issued {
			l := w.issue(c.Customer.ID, w.product("Editor"), limit(license.Unlimited))
			w.activate(l, "One")
			return l
		}, "Valid", "good", "The software validates on 1 activated device. There is no limit to the number of devices.", nil, "pass", "pass"},

		{"assigned", func(w *world, c customer) issued { return w.issue(c.Customer.ID, w.product("Editor")) },
			"Not activated", "info", "It is assigned to you and ready, but no device has been activated yet. Copy the key and enter it in the software.", nil, "skipped", "pass"},

		{"without device after having one", func(w *world, c customer) issued {
			l := w.issue(c.Customer.ID, w.product("Editor"))
			c.post("/activations/" + string(w.activate(l, "One").ID) + "/deactivate")
			return l
		}, "Not activated", "info", "No device is activated at the moment.", nil, "skipped", "pass"},

		{"limit reached", func(w *world, c customer) issued {
			l := w.issue(c.Customer.ID, w.product("Editor"), limit(2))
			w.activate(l, "One")
			w.activate(l, "Two")
			return l
		}, "Activation limit reached", "warn", "All 2 activations are in use, so a new device cannot be activated. The 2 devices already activated keep working. Deactivate one you no longer use to free its seat.",
			func(l issued) []string {
				return []string{"Manage activations -> /activations?license=" + string(l.ID), "Replace a device -> " + l.path() + "/replace", "Ask for a higher limit -> " + question("Higher activation limit", l)}
			}, "pass", "fail"},

		{"limit of one reached", func(w *world, c customer) issued {
			l := w.issue(c.Customer.ID, w.product("Editor"), limit(1))
			w.activate(l, "One")
			return l
		}, "Activation limit reached", "warn", "The only activation is in use, so a new device cannot be activated. The one already activated keeps working.",
			func(l issued) []string {
				return []string{"Manage activations -> /activations?license=" + string(l.ID), "Replace a device -> " + l.path() + "/replace", "Ask for a higher limit -> " + question("Higher activation limit", l)}
			}, "pass", "fail"},

		{"limit reached where the vendor deactivates", func(w *world, c customer) issued {
			l := w.issue(c.Customer.ID, w.product("Editor", noSelfDeactivation), limit(1))
			w.activate(l, "One")
			return l
		}, "Activation limit reached", "warn", "Your vendor can free the seat of one you no longer use.",
			func(l issued) []string {
				return []string{"Contact support -> " + question("License does not work", l), "Ask for a higher limit -> " + question("Higher activation limit", l)}
			}, "pass", "fail"},

		{"expired", func(w *world, c customer) issued {
			l := w.issue(c.Customer.ID, w.product("Editor"), days(2))
			w.pass(5 * day)
			return l
		}, "License expired", "bad", "It ended on 26 Nov 2026, 09:41 UTC (3 days ago). The software no longer validates on any device, and no new device can be activated. Renew the license to restore functionality.",
			func(l issued) []string { return []string{"Ask for renewal -> " + mail("Renewal", l)} }, "fail", "fail"},

		{"expired with a shop", func(w *world, c customer) issued {
			l := w.issue(c.Customer.ID, w.product("Editor", renewable), days(2))
			w.pass(2 * day)
			return l
		}, "License expired", "bad", "It ended on 26 Nov 2026, 09:41 UTC (just now).",
			func(l issued) []string {
				return []string{"Renew license -> https://vendor.example/renew?from=portal&license=" + string(l.ID)}
			}, "fail", "fail"},

		{"suspended over payment", func(w *world, c customer) issued {
			l := w.issue(c.Customer.ID, w.product("Editor"))
			w.activate(l, "One")
			w.suspend(l, license.Payment, "Invoice 7 is open.")
			return l
		}, "License suspended", "warn", "The administrator paused it on 24 Nov 2026, 09:41 UTC (payment). Until it is reinstated the software does not validate; your devices keep their seats. Message from your vendor: “Invoice 7 is open.”",
			func(l issued) []string { return []string{"Settle with support -> " + question("Suspended license", l)} }, "fail", "fail"},

		{"suspended without a word", func(w *world, c customer) issued {
			l := w.issue(c.Customer.ID, w.product("Editor"))
			w.suspend(l, license.Manual, "")
			return l
		}, "License suspended", "warn", "The administrator paused it on 24 Nov 2026, 09:41 UTC. Until it is reinstated",
			func(l issued) []string { return []string{"Contact support -> " + question("License does not work", l)} }, "fail", "fail"},

		{"revoked", func(w *world, c customer) issued {
			l := w.issue(c.Customer.ID, w.product("Editor"))
			w.activate(l, "One")
			w.revoke(l, license.Refund)
			return l
		}, "License revoked", "bad", "It was ended for good on 24 Nov 2026, 09:41 UTC (refund). It stays in your list for reference and cannot be used again.",
			func(l issued) []string { return []string{"Ask for a replacement -> " + question("Revoked license", l)} }, "fail", "fail"},

		{"not started", func(w *world, c customer) issued {
			return w.issue(c.Customer.ID, w.product("Editor"), func(i *licensing.Issue) { i.StartsAt = start.Add(10 * day) })
		}, "License not started yet", "info", "It becomes valid on 4 Dec 2026, 09:41 UTC.", nil, "fail", "fail"},

		{"product no longer sold", func(w *world, c customer) issued {
			l := w.issue(c.Customer.ID, w.product("Editor"))
			w.activate(l, "One")
			_, err := w.catalog.SetActive(w.t.Context(), vendor(), l.ProductID, false)
			must(w.t, err)
			return l
		}, "Product switched off", "warn", "The vendor has switched this product off for now.",
			func(l issued) []string { return []string{"Contact support -> " + question("License does not work", l)} }, "pass", "fail"},

		{"product stopped", func(w *world, c customer) issued {
			l := w.issue(c.Customer.ID, w.product("Editor"))
			w.activate(l, "One")
			_, err := w.catalog.SetKilled(w.t.Context(), vendor(), l.ProductID, true)
			must(w.t, err)
			return l
		}, "Product switched off", "warn", "The vendor has switched this product off for now.",
			func(l issued) []string { return []string{"Contact support -> " + question("License does not work", l)} }, "fail", "fail"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			ada := w.customer("ada@example.com")
			l := tt.prepare(w, ada)
			p := ada.get(l.path())
			wantStatus(t, p, http.StatusOK)
			wantIn(t, p, "#validation", "Validation Status")
			wantText(t, p, "#validation .outcome h3", tt.title)
			wantIn(t, p, "#validation .outcome", tt.says)
			if got := p.attr("#validation", "data-tone"); got != tt.tone {
				t.Errorf("the tone is %q, want %q", got, tt.tone)
			}
			want := []string{}
			if tt.actions != nil {
				want = tt.actions(l)
			}
			if diff := cmp.Diff(want, actions(p)); diff != "" {
				t.Errorf("next steps (-want +got):\n%s", diff)
			}
			if len(want) > 0 && p.find("#validation .outcome-actions .btn-primary").Length() != 1 {
				t.Error("not one step is the first to take")
			}
			if got := p.attrs("#validation .answers div", "data-state"); !cmp.Equal(got, []string{tt.use, tt.add}) {
				t.Errorf("use and add device are %q, want %q, %q", got, tt.use, tt.add)
			}
			if strings.Contains(p.text("main"), "Ask for renewal") && tt.name == "revoked" {
				t.Error("a revoked license can be renewed")
			}
		})
	}
}

// P-LICD-12: every check with what was found and what it would need.
func TestChecksOfTheValidationStatus(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor"), limit(1), days(2))
	w.activate(l, "One")
	w.pass(3 * day)
	p := ada.get(l.path())
	checks := p.find("#validation .checks li").Map(func(_ int, s *goquery.Selection) string {
		return s.AttrOr("data-state", "") + " " + textOf(s)
	})
	want := []string{
		"pass Key recognized: passed Issued 24 Nov 2026",
		"pass Not blocked: passed",
		"pass Product available: passed Switched on",
		"pass Assigned to you: passed Since 24 Nov 2026",
		"pass Not revoked: passed",
		"fail Inside its validity period: failed Needs a renewal Ended 26 Nov 2026, 09:41 UTC",
		"pass Not suspended: passed",
		"pass Activated on a device: passed 1 device",
		"fail Activation available: failed Needs a free activation, or a higher limit 1 of 1 used",
	}
	if diff := cmp.Diff(want, checks); diff != "" {
		t.Errorf("checks (-want +got):\n%s", diff)
	}
	technical := p.texts("#validation details tbody tr")
	if len(technical) != 21 || !slices.Contains(technical, "expired fail fail 26 Nov 2026, 09:41 UTC") || !slices.Contains(technical, "limit_reached not checked fail 1 1") {
		t.Errorf("technical details are %q", technical)
	}
}

// P-LICD-09
func TestRefusedActivationsAreShown(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor", func(p *catalog.NewProduct) { p.AcceptsDomain = false }), limit(1))
	wantNone(t, ada.get(l.path()), ".attempts")
	w.activate(l, "One")
	w.call(l, "Two")
	w.pass(time.Hour)
	w.call(l, "", func(c *licensing.Call) { c.Device = &license.Device{Kind: license.Domain, Identifier: "example.com"} })
	p := ada.get(l.path())
	want := []string{
		"example.com example.com Wrong kind of device just now, 24 Nov 2026, 10:41 UTC",
		"Two hw-two Activation limit reached 1 hour ago, 24 Nov 2026, 09:41 UTC Let this one in, retire One for Two Another device goes for Two",
	}
	if diff := cmp.Diff(want, p.texts(".attempts li")); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
}

func TestWarningsOfAWorkingLicense(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor"), days(100), func(i *licensing.Issue) {
		i.Grace = 5 * day
		i.UpdatesUntil = start.Add(110 * day)
	})
	w.activate(l, "One")
	wantNone(t, ada.get(l.path()), "#validation .notice")
	at := func(d time.Duration) []string {
		w.now = start.Add(d)
		ada.signIn("ada@example.com")
		return ada.get(l.path()).texts("#validation .notice")
	}
	if diff := cmp.Diff([]string{
		"Expires in 6 days, on 9 Mar 2027, 09:41 UTC.", "New versions are included until 14 Mar 2027.",
		"One has not been heard of for a long time. If you no longer use it, deactivate it.",
	}, at(99*day)); diff != "" {
		t.Errorf("before the end (-want +got):\n%s", diff)
	}
	if got := at(101 * day)[0]; got != "Its period ended on 4 Mar 2027. It still works until 9 Mar 2027, 09:41 UTC." {
		t.Errorf("in grace it reads %q", got)
	}
}

// P-LICD-13, P-LICD-14, P-LICD-16, P-NAV-05
func TestDetailsAndFeatures(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	p := w.product("Editor", func(p *catalog.NewProduct) {
		p.Environment = license.Staging
		p.Features = []license.Feature{
			{Key: "export", Label: "Export", Type: license.Boolean, Value: true}, {Key: "sso", Label: "Single sign-on", Type: license.Boolean, Value: false},
			{Key: "calls", Label: "API calls", Type: license.Numeric, Value: float64(25_000_000)}, {Key: "ratio", Label: "Ratio", Type: license.Numeric, Value: 0.5},
			{Key: "seats", Label: "Seats", Type: license.Numeric, Value: license.UnlimitedValue}, {Key: "none", Label: "Slots", Type: license.Numeric, Value: float64(0)},
			{Key: "tier", Label: "Support", Type: license.Textual, Value: "Gold <b>"}, {Key: "empty", Label: "Region", Type: license.Textual, Value: ""},
		}
	})
	l := w.issue(ada.Customer.ID, p, days(30), maxVersion("8.x"), func(i *licensing.Issue) { i.Grace = 2 * day })
	w.pass(time.Hour)
	w.activate(l, "One")
	detail := ada.get(l.path())
	wantText(t, detail, "h1", "Editor")
	wantIn(t, detail, ".page-head .meta", "Staging")
	if got := detail.text(".crumbs"); got != "My Licenses Editor" {
		t.Errorf("the way here reads %q", got)
	}
	facts := func(id string) []string { return detail.texts("section[aria-labelledby=" + id + "] .facts > div") }
	if diff := cmp.Diff([]string{
		"Product Editor", "Plan Professional", "Version eligibility 8.x", "Environment Staging",
		"Assigned 24 Nov 2026, 24 Nov 2026, 09:41 UTC", "First activated 24 Nov 2026, 24 Nov 2026, 10:41 UTC",
		"Expires 24 Dec 2026, 24 Dec 2026, 09:41 UTC", "Grace until 26 Dec 2026, 26 Dec 2026, 09:41 UTC", "License ID " + string(l.ID),
	}, facts("dt")); diff != "" {
		t.Errorf("details (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"Export Yes", "Single sign-on No", "API calls 25000000", "Ratio 0.5", "Seats Unlimited", "Slots 0", "Support Gold <b>", "Region –",
	}, facts("ft")); diff != "" {
		t.Errorf("features (-want +got):\n%s", diff)
	}
	if got := detail.texts("section[aria-labelledby=ft] div[data-off] dt"); !cmp.Equal(got, []string{"Single sign-on", "Slots", "Region"}) {
		t.Errorf("not included are %q", got)
	}
}

// P-LICD-13
func TestVersionEligibility(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	p := w.product("Editor")
	until := func(i *licensing.Issue) { i.UpdatesUntil = time.Date(2027, 3, 12, 0, 0, 0, 0, time.UTC) }
	for want, changes := range map[string][]func(*licensing.Issue){
		"All versions": nil, "8.x": {maxVersion("8.x")}, "Versions released before 12 Mar 2027": {until},
		"8.x, versions released before 12 Mar 2027": {maxVersion("8.x"), until},
	} {
		l := w.issue(ada.Customer.ID, p, changes...)
		wantIn(t, ada.get(l.path()), "section[aria-labelledby=dt]", "Version eligibility "+want)
	}
}

// P-LICD-16, P-NAV-07: the browser's zone until the person chose one.
func TestTimesAreInTheReadersZone(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	w.now = time.Date(2026, 11, 24, 23, 30, 0, 0, time.UTC)
	l := w.issue(ada.Customer.ID, w.product("Editor"))
	assigned := func() string {
		return textOf(ada.get(l.path()).find("section[aria-labelledby=dt] .facts > div").Eq(4).Find("dd"))
	}
	if got := assigned(); got != "24 Nov 2026, 24 Nov 2026, 23:30 UTC" {
		t.Errorf("without a zone it reads %q", got)
	}
	ada.cookies["tz"] = &http.Cookie{Name: "tz", Value: "Asia/Tokyo"}
	if got := assigned(); got != "25 Nov 2026, 25 Nov 2026, 08:30 JST" {
		t.Errorf("in the browser's zone it reads %q", got)
	}
	must(t, w.identity.SaveSettings(t.Context(), account.Actor{Kind: account.ActorPerson, ID: ada.person.ID, CustomerID: ada.Customer.ID}, identity.Settings{TimeZone: "America/New_York"}))
	if got := assigned(); got != "24 Nov 2026, 24 Nov 2026, 18:30 EST" {
		t.Errorf("in the person's zone it reads %q", got)
	}
	wantIn(t, ada.get("/licenses/"+string(l.ID)), ".timeline", "24 Nov 2026, 18:30 EST")
	for _, nonsense := range []string{"Mars/Base", "Local", "../../etc/passwd", strings.Repeat("x", 500)} {
		b := w.browser()
		b.cookies["tz"] = &http.Cookie{Name: "tz", Value: nonsense}
		wantStatus(t, b.get("/login"), http.StatusOK)
	}
}

// P-LICD-02, P-LICD-03: by script for the clipboard, by page without.
func TestRevealingAKey(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor"))

	detail := ada.get(l.path())
	wantText(t, detail, "#key code", id.Brief(l.Mask))
	if got := detail.attr("#key [data-copy-url]", "data-copy-url"); got != l.path()+"/key" {
		t.Errorf("the key is copied from %q", got)
	}
	if got := detail.attr("#key form", "action"); got != l.path()+"/key" || detail.attr("#key form", "method") != "post" {
		t.Errorf("without script it is revealed by %q", got)
	}
	script := ada.script().reveal(l)
	wantStatus(t, script, http.StatusOK)
	var answer map[string]string
	if err := json.Unmarshal([]byte(script.body), &answer); err != nil || !cmp.Equal(answer, map[string]string{"key": l.key}) {
		t.Errorf("a script gets %s", script.body)
	}
	if got := script.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("as %q", got)
	}
	shown := ada.reveal(l)
	wantStatus(t, shown, http.StatusOK)
	wantText(t, shown, "#key code", l.key)
	if got := shown.attr("#key a", "href"); got != l.path() {
		t.Errorf("it is hidden again at %q", got)
	}
	wantText(t, ada.get(l.path()), "#key code", id.Brief(l.Mask))
	wantStatus(t, ada.get(l.path()+"/key"), http.StatusMethodNotAllowed)
	wantNone(t, ada.get(l.path()), "[data-kind='license.key_revealed']")
}

// P-LICD-03: each reveal of a high-security key is kept where the owner sees it.
func TestRevealingAHighSecurityKey(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	bob := w.colleague(ada, "bob@example.com", account.Manager)
	l := w.issue(ada.Customer.ID, w.product("Vault", highSecurity))
	wantIn(t, ada.get(l.path()), "#key", "each copy is noted in the history")
	wantNone(t, ada.get(l.path()), "[data-kind='license.key_revealed']")

	wantStatus(t, ada.script().reveal(l), http.StatusOK)
	w.pass(time.Minute)
	shown := bob.reveal(l)
	wantText(t, shown, "#key code", l.key)
	entries := func(p *page) []string { return p.texts("[data-kind='license.key_revealed']") }
	if diff := cmp.Diff([]string{
		"Key revealed just now, 24 Nov 2026, 09:42 UTC by you", "Key revealed 1 minute ago, 24 Nov 2026, 09:41 UTC by a member of your team",
	}, entries(shown)); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

// P-LICD-04
func TestKeyThatCannotBeShown(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	p := w.product("Vault", highSecurity)
	add := func(k store.LicenseKey) issued {
		l := license.License{
			ID: id.New(), ProductID: p.ID, CustomerID: ada.Customer.ID, Environment: p.Environment, Plan: "Professional",
			Mask: "KW-•••••-•7F3K", Limit: 5, CreatedAt: w.now, AssignedAt: w.now, Version: 1,
		}
		k.Hash = []byte(l.ID)
		w.write(func(ctx context.Context, tx *store.Tx) error { return tx.AddLicense(ctx, l, k, "") })
		return issued{License: l, product: p}
	}
	for name, l := range map[string]issued{"not on record": add(store.LicenseKey{}), "sealed with another key": add(store.LicenseKey{Sealed: []byte("nonsense")})} {
		t.Run(name, func(t *testing.T) {
			for _, shown := range []*page{ada.get(l.path()), ada.post(l.path() + "/key")} {
				wantStatus(t, shown, http.StatusOK)
				wantIn(t, shown, "#key", "This key cannot be shown. Contact your administrator to get it again: "+support+".")
				wantNone(t, shown, "#key code, #key [data-copy-url], #key form")
				if got := shown.attr("#key .btn", "href"); got != mail("License key not showing", l) {
					t.Errorf("the button leads to %q", got)
				}
			}
			wantProblem(t, ada.script().post(l.path()+"/key"), http.StatusNotFound, "key_unavailable")
		})
	}
}

// Without a support address nothing promises one.
func TestWithoutSupportAddress(t *testing.T) {
	w := newWorldWith(t, options{deps: func(d *portal.Deps) { d.SupportEmail, d.SupportURL = "", "" }})
	ada := w.customer("ada@example.com")
	p := w.product("Editor")
	expired, full := w.issue(ada.Customer.ID, p, days(1)), w.issue(ada.Customer.ID, p, limit(1))
	w.activate(full, "One")
	w.pass(day)
	for _, path := range []string{"/", "/licenses", "/activations", expired.path(), full.path(), "/forgot", "/nowhere"} {
		wantNone(t, ada.get(path), "a[href^='mailto:']")
	}
	wantNone(t, w.browser().get("/login"), "a[href^='mailto:']")
	if got := actions(ada.get(full.path())); !cmp.Equal(got, []string{"Manage activations -> /activations?license=" + string(full.ID), "Replace a device -> " + full.path() + "/replace", "Ask for a higher limit -> " + question("Higher activation limit", full)}) {
		t.Errorf("next steps are %q", got)
	}
	wantNone(t, ada.get(expired.path()), "#validation .outcome-actions")
}

// Where there is no desk, a mail says which license it is about.
func TestWithoutADesk(t *testing.T) {
	w := newWorldWith(t, options{support: desk.Settings{Off: true}})
	ada := w.customer("ada@example.com")
	full := w.issue(ada.Customer.ID, w.product("Editor"), limit(1))
	w.activate(full, "One")
	if got := actions(ada.get(full.path())); !slices.Contains(got, "Ask for a higher limit -> "+mail("Higher activation limit", full)) {
		t.Errorf("next steps are %q", got)
	}
}

// story is the timeline of a license, newest first.
func story(p *page) []string {
	p.t.Helper()
	return p.find("section[aria-labelledby=hs] .timeline li").Map(func(_ int, s *goquery.Selection) string {
		return textOf(s.Find("b")) + ": " + textOf(s.Find(".t-text"))
	})
}

// S-26: from assignment to its end, and never by name.
func TestHistoryOfALicense(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	bob := w.colleague(ada, "bob@example.com", account.Owner)
	l := w.issue(ada.Customer.ID, w.product("Editor"), limit(2), days(10))
	w.activate(l, "laptop")
	tower := w.activate(l, "Tower")
	w.suspend(l, license.Payment, "")
	ada.post("/activations/" + string(tower.ID) + "/deactivate") // refused: paused
	_, err := w.licensing.Reinstate(t.Context(), vendor(), l.ID)
	must(t, err)
	bob.post("/activations/" + string(tower.ID) + "/deactivate")
	renewer := vendor()
	_, err = w.licensing.Renew(t.Context(), renewer, l.ID, 10, time.Time{})
	must(t, err)
	_, err = w.licensing.Suspend(t.Context(), vendor(), l.ID, license.Manual, "")
	must(t, err)
	_, err = w.licensing.Reinstate(t.Context(), vendor(), l.ID)
	must(t, err)
	want := []string{
		"Reinstated: by your vendor", "Suspended: by your vendor",
		"Renewed: by your vendor · until 14 Dec 2026",
		"Tower deactivated: by a member of your team · 1 of 2 in use",
		"Reinstated: by your vendor", "Refused to deactivate Tower: by you",
		"Suspended: by your vendor · reason: payment",
		"Tower activated: by the software · 2 of 2 in use", "laptop activated: by the software · 1 of 2 in use",
		"First activated: by the software", "Assigned to you: by your vendor",
	}
	got := ada.get(l.path())
	if diff := cmp.Diff(want, story(got)); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	for _, hidden := range []string{"bob@example.com", "Charles", string(renewer.ID), string(bob.person.ID)} {
		if strings.Contains(got.body, hidden) {
			t.Errorf("the page says %q", hidden)
		}
	}

	t.Run("its end stands where it belongs", func(t *testing.T) {
		w.pass(20 * day)
		ada.signIn("ada@example.com")
		want := append([]string{"Expired: The software no longer validates"}, want...)
		if diff := cmp.Diff(want, story(ada.get(l.path()))); diff != "" {
			t.Errorf("history (-want +got):\n%s", diff)
		}
		w.pass(day)
		ada.post("/activations/" + string(got.deviceOf(t, "laptop")) + "/deactivate") // refused: past
		if after := story(ada.get(l.path())); len(after) != len(want)+1 || after[0] != "Refused to deactivate laptop: by you" || after[1] != want[0] {
			t.Errorf("history begins %q", after[:2])
		}
	})
}

// Every reason that a vendor can give is told in words, except that somebody
// just did it.
func TestReasonsAreTold(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	p := w.product("Editor")
	for why, says := range map[license.Reason]string{
		license.Manual: "", license.Payment: "payment", license.Abuse: "unusual use", license.Contract: "contract",
		license.Refund: "refund", license.Leak: "leaked key", license.Replaced: "replaced by another license",
	} {
		l := w.issue(ada.Customer.ID, p)
		if slices.Contains(license.RevokeReasons(), why) {
			w.revoke(l, why)
		} else {
			w.suspend(l, why, "")
		}
		shown := ada.get(l.path())
		entry, _, _ := strings.Cut(story(shown)[0], " · ")
		if got := strings.TrimPrefix(story(shown)[0], entry); got != "" && got != " · reason: "+says || got == "" && says != "" {
			t.Errorf("%s: the history says %q", why, story(shown)[0])
		}
		if inBrackets := strings.Contains(shown.text("#validation .outcome"), "("+says+")"); inBrackets != (says != "") {
			t.Errorf("%s: the Validation Status says %q", why, shown.text("#validation .outcome"))
		}
	}
}

// deviceOf finds the activation of a device by the dialog that asks about it.
func (p *page) deviceOf(t *testing.T, name string) id.ID {
	t.Helper()
	for _, dialog := range p.find("dialog").EachIter() {
		if strings.Contains(dialog.Text(), "Deactivate "+name+"?") {
			return id.ID(strings.TrimPrefix(dialog.AttrOr("id", ""), "deactivate-"))
		}
	}
	t.Fatalf("%s: no dialog asks about %s", p.what, name)
	return ""
}

// P-LICD-15
func TestDevicesOfALicense(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor"))
	none := ada.get(l.path())
	wantIn(t, none, "section[aria-labelledby=dv]", "No device has been activated.")
	wantIn(t, none, ".strip", "0 / 5")

	device := w.activate(l, "Laptop", func(c *licensing.Call) { c.Version = "8.1" })
	w.pass(time.Hour)
	w.hear(l, "Laptop", "8.2")
	w.activate(l, "Tower")
	p := ada.get(l.path())
	if diff := cmp.Diff([]string{
		"Tower hw-tower · Linux Active Last seen Never Nothing was heard of it since activation. Check that the device can reach the internet. Deactivate Tower",
		"Laptop hw-laptop · Linux · version 8.2 Active Last seen just now, 24 Nov 2026, 10:41 UTC Deactivate Laptop",
	}, p.texts("section[aria-labelledby=dv] .rows > li")); diff != "" {
		t.Errorf("devices (-want +got):\n%s", diff)
	}
	if got := p.attr("section[aria-labelledby=dv] header a", "href"); got != "/activations?license="+string(l.ID) {
		t.Errorf("all devices are at %q", got)
	}
	dialog := p.find("#deactivate-" + string(device.ID))
	freed := ada.follow(dialog.Find("form").AttrOr("action", ""), "back", dialog.Find("input[name=back]").AttrOr("value", ""))
	wantText(t, freed, "h1", "Editor")
	wantText(t, freed, "[role=status].flash", "Laptop was deactivated and its seat is free: 1 of 5 in use now.")
	wantIn(t, freed, ".strip", "1 / 5")
}

// P-LICD-17
func TestRenewing(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	plain, shop := w.product("Editor"), w.product("Shop", renewable)
	for name, tt := range map[string]struct {
		l    issued
		want func(l issued) string
	}{
		"by mail":     {w.issue(ada.Customer.ID, plain, days(5)), func(l issued) string { return mail("Renewal", l) }},
		"in the shop": {w.issue(ada.Customer.ID, shop, days(5)), func(l issued) string { return "https://vendor.example/renew?from=portal&license=" + string(l.ID) }},
		"not forever": {w.issue(ada.Customer.ID, shop), func(issued) string { return "" }},
		"long before": {w.issue(ada.Customer.ID, plain, days(500)), func(l issued) string { return mail("Renewal", l) }},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ada.get(tt.l.path()).attr(".page-head .actions a:not([href^='/tickets'])", "href"); got != tt.want(tt.l) {
				t.Errorf("it is renewed at %q, want %q", got, tt.want(tt.l))
			}
		})
	}
}
