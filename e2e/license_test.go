package e2e

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/keyward/keyward/verdict"
)

func (l License) path() string { return "/licenses/" + l.ID }

// S-07: P-LICD-01, P-ISO-02
func detailsHaveAnAddress(t *testing.T, d *Demo) {
	p := d.Visit(t, d.Customer, "/licenses?q="+fragment(d.Licenses.Staging))
	p.Click("View details")
	p.SeePath(d.Licenses.Staging.path())
	if id := regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`); !id.MatchString(d.Licenses.Staging.ID) {
		t.Errorf("%s is no UUID", d.Licenses.Staging.ID)
	}
	p.In(".page-head").See("Cartograph Pro")
	p.In(".page-head").See("Staging")
	p.In(".crumbs").Click("My Licenses")
	p.SeePath("/licenses")
}

// S-08: P-LICD-02
func keyIsCopied(t *testing.T, d *Demo) {
	HoldClipboard(t)
	l := d.Licenses.Active
	for host, secure := range map[string]bool{"127.0.0.1": true, "keyward.test": false} {
		address := strings.Replace(d.URL, "127.0.0.1", host, 1)
		tab := OpenPage(t)
		tab.Expect("Cross-Origin-Opener-Policy") // means something on https only
		tab.SignIn(d.Session(t, d.Customer), address)
		for _, place := range []struct{ path, button string }{
			{l.path(), "Copy"}, {"/licenses?q=" + fragment(l), "Copy key for Cartograph Pro"},
		} {
			t.Run(host+place.path, func(t *testing.T) {
				p := tab.For(t)
				p.Goto(address + place.path)
				if got := Eval[bool](p, "isSecureContext"); got != secure {
					t.Errorf("secure: %v", got)
				}
				p.Click(place.button)
				p.In("[role=status]#toasts").See("Key copied")
				if got := p.Clipboard(); got != l.Key {
					t.Errorf("the clipboard has %q", got)
				}
				p.DontSee(l.Key)
				p.wantNoKey(l.Key)
			})
		}
	}
}

// S-08: without script
func keyIsRevealedWithoutScript(t *testing.T, d *Demo) {
	l := d.Licenses.Active
	p := d.Visit(t, d.Customer, l.path(), NoScript)
	p.DontSee(l.Key)
	p.Click("Reveal")
	p.See(l.Key)
	p.SeePath(l.path() + "/key")
	p.wantNoKey(l.Key)
	p.Click("Hide")
	p.SeePath(l.path())
	p.DontSee(l.Key)
}

// S-09: P-LICD-03
func secretKeyLeavesTraces(t *testing.T, d *Demo) {
	HoldClipboard(t)
	l := d.Licenses.HighSecurity
	p := d.Visit(t, d.Customer, l.path())
	p.See("High-security key: it stays masked, and each copy is noted in the history.")
	revealed := func() int { return len(p.Texts(`.timeline [data-kind="license.key_revealed"]`)) }
	before := revealed()
	p.Click("Copy")
	p.In("#toasts").See("Key copied")
	if got := p.Clipboard(); got != l.Key {
		t.Errorf("the clipboard has %q", got)
	}
	p.DontSee(l.Key)
	p.Reload()
	if got := revealed(); got != before+1 {
		t.Errorf("copied once, the history has %d reveals, before %d", got, before)
	}
	p.In(".timeline li:first-child").See("Key revealed")
	p.In(".timeline li:first-child").See("by you")

	plain := d.Visit(t, d.Customer, l.path(), NoScript)
	plain.Click("Reveal")
	plain.See(l.Key)
	p.Reload()
	if got := revealed(); got != before+2 {
		t.Errorf("copied and revealed, the history has %d reveals, before %d", got, before)
	}
}

// S-10: P-LICD-04
func missingKeySaysWhom(t *testing.T, d *Demo) {
	p := d.Visit(t, d.Customer, "/licenses")
	p.Fill("Search licenses", "SNR-G7WQ-B4NH-9RTC-M2XD")
	p.See("Validation Status")
	p.See("This key cannot be shown. Contact your administrator to get it again: support@cartograph.example.")
	mail := Eval[string](p, `document.querySelector(".key-missing a.btn").href`)
	if text, err := url.PathUnescape(mail); err != nil || !strings.HasPrefix(text, "mailto:support@cartograph.example?") || !strings.Contains(text, "Sonar CLI") {
		t.Errorf("the button leads to %s", mail)
	}
	for _, name := range p.In("#key").Controls() {
		if strings.HasPrefix(name, "Copy") || strings.HasPrefix(name, "Reveal") {
			t.Errorf("there is a button %q", name)
		}
	}
}

// S-11: P-LICD-05..08, 12, 17, 19
func validationIsExplained(t *testing.T, d *Demo) {
	tab := d.Visit(t, d.Customer, "/")
	for _, tt := range []struct {
		name    string
		license License
		title   string
		says    []string
		step    string // the next step and where it leads; empty: nothing to do
		leads   string
	}{
		{"active", d.Licenses.Active, "Valid", []string{
			"The software validates on 2 activated devices.", "3 more devices can be activated", "Activated devices keep working", "A new device can be activated",
		}, "", ""},
		{"limit reached", d.Licenses.LimitReached, "Activation limit reached", []string{
			"All 5 activations are in use", "The 5 devices already activated keep working.", "Activated devices keep working", "A new device cannot be activated",
			"5 of 5 used", "Needs a free activation, or a higher limit",
		}, "Manage activations", "/activations?license=" + d.Licenses.LimitReached.ID},
		{"expired", d.Licenses.Expired, "License expired", []string{
			"It ended on ", "The software no longer validates on any device", "Activated devices do not validate", "A new device cannot be activated", "Needs a renewal",
		}, "Renew license", "https://shop.cartograph.example/renew"},
		{"suspended", d.Licenses.Suspended, "License suspended", []string{
			"The administrator paused it on ", "(payment)", "Invoice 2381 has been open for 45 days.", "your devices keep their seats", "Needs to be reinstated by your vendor",
		}, "Settle with support", "/tickets/new?license=" + d.Licenses.Suspended.ID},
		{"revoked", d.Licenses.Revoked, "License revoked", []string{
			"It was ended for good on ", "(leaked key)", "This key was found on a public forum.", "cannot be used again", "Needs a replacement license",
		}, "Ask for a replacement", "/tickets/new?license=" + d.Licenses.Revoked.ID},
		{"assigned", d.Licenses.Assigned, "Not activated", []string{
			"no device has been activated yet", "Copy the key and enter it in the software", "A new device can be activated", "Needs at least one activated device",
		}, "", ""},
		{"expiring", d.Licenses.Expiring, "Valid", []string{"Expires in "}, "", ""},
		{"version limited", d.Licenses.VersionLimited, "Valid", []string{"3 more devices can be activated"}, "", ""},
		{"perpetual", d.Licenses.Perpetual, "Valid", []string{"Never ends"}, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := tab.For(t)
			p.Goto(d.URL + tt.license.path())
			status := p.In("#validation")
			if got := status.Text("h3"); got != tt.title {
				t.Errorf("the title is %q, want %q", got, tt.title)
			}
			for _, words := range tt.says {
				status.See(words)
			}
			if tt.step != "" {
				first := Eval[[]string](p, `(a => [a.innerText.trim(), a.getAttribute("href")])(document.querySelector(".outcome-actions a"))`)
				if first[0] != tt.step || !strings.HasPrefix(first[1], tt.leads) {
					t.Errorf("the next step is %q, which leads to %s", first[0], first[1])
				}
			}
			why := keyward(t, append([]string{"license", "why", tt.license.Key}, d.storage()...)...)
			if tt.title == "Valid" && strings.Contains(why, "no: ") || tt.title != "Valid" && !strings.Contains(why, "no: "+tt.title) {
				t.Errorf("the portal says %q, the command says\n%s", tt.title, why)
			}
		})
	}
}

// S-11: P-LICD-12
func everyCheckIsShown(t *testing.T, d *Demo) {
	p := d.Visit(t, d.Customer, d.Licenses.LimitReached.path())
	p.Click("Technical details")
	var codes []verdict.Code
	for _, code := range p.Texts(".tech-table th code") {
		codes = append(codes, verdict.Code(code))
	}
	if !slices.Equal(codes, verdict.Codes()) {
		t.Errorf("the checks shown are %v", codes)
	}
	p.In(".tech-table").See("limit_reached not checked fail 5 5")
}

// S-11: P-LICD-09
func refusedDeviceIsShown(t *testing.T, d *Demo) {
	d.Device(t, d.Licenses.LimitReached, "Drone at the quarry").Refused(verdict.LimitReached)
	p := d.Visit(t, d.Customer, d.Licenses.LimitReached.path())
	p.In(".attempts").See("Drone at the quarry id-of-Drone at the quarry Activation limit reached")
	if got := p.Texts(".attempts li b"); got[0] != "Drone at the quarry" {
		t.Errorf("the last refused devices are %v", got)
	}
	d.Device(t, d.Licenses.Expired, "Drone in the hangar").Refused(verdict.Expired)
	p.Goto(d.URL + d.Licenses.Expired.path())
	p.In(".attempts li").See("Drone in the hangar id-of-Drone in the hangar License expired")
}

// S-13..S-15: P-NAV-05, 07; P-LICD-13..16
func contextIsShown(t *testing.T, d *Demo) {
	p := d.Visit(t, d.Customer, d.Licenses.VersionLimited.path(), Timezone("Asia/Tokyo"))
	p.Reload() // now the server knows the timezone
	facts := p.In("[aria-labelledby=dt]")
	facts.See("8.x")
	facts.See("Production")
	features := p.In("[aria-labelledby=ft]")
	for _, feature := range []string{"PDF export Yes", "3D terrain No", "Projects 20", "Support Community"} {
		features.See(feature)
	}
	if times := p.Texts(".when .tip"); len(times) == 0 || slices.ContainsFunc(times, func(s string) bool { return !strings.Contains(s, "JST") }) {
		t.Errorf("in Tokyo the exact times are %q", times)
	}
	for _, tt := range []struct{ search, says string }{
		{fragment(d.Licenses.Staging), "Staging"},
		{fragment(d.Licenses.Active), "All versions"},
		{fragment(d.Licenses.VersionLimited), "8.x"},
		{"Cartograph Pro", "Versions released before "},
	} {
		p.Goto(d.URL + "/licenses?q=" + url.QueryEscape(tt.search))
		p.In("#results").See(tt.says)
	}
}

// S-21: P-LICD-17
func renewalIsOffered(t *testing.T, d *Demo) {
	p := d.Visit(t, d.Customer, d.Licenses.Expiring.path())
	if !p.HasControl("Renew license") {
		t.Error("a license that ends soon has no link to renew it")
	}
	p.Goto(d.URL + "/licenses?q=sonar&status=expired")
	p.Click("View details")
	p.Click("Technical details")
	mail := Eval[string](p, `document.querySelector(".page-head .actions a").href`)
	text, err := url.PathUnescape(mail)
	if err != nil || !strings.HasPrefix(text, "mailto:support@cartograph.example?subject=Renewal: Sonar CLI (SNR-") ||
		!strings.Contains(text, "License: "+Eval[string](p, `location.pathname.split("/").pop()`)) {
		t.Errorf("without a renewal page the link is %s", mail)
	}
}

// S-26
func historyIsATimeline(t *testing.T, d *Demo) {
	tab := d.Visit(t, d.Customer, "/")
	for _, tt := range []struct {
		name    string
		license License
		begins  string // at the top, where the latest stands
	}{
		{"suspended", d.Licenses.Suspended, "Suspended"},
		{"revoked", d.Licenses.Revoked, "Revoked"},
		{"expired", d.Licenses.Expired, "Expired"},
		{"assigned", d.Licenses.Assigned, "Assigned to you"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := tab.For(t)
			p.Goto(d.URL + tt.license.path())
			titles := slices.DeleteFunc(p.Texts(".timeline b"), aboutDevice)
			if n := len(titles); titles[0] != tt.begins || titles[n-1] != "Assigned to you" {
				t.Errorf("the history is %q", titles)
			}
			times := Eval[[]string](p, `[...document.querySelectorAll(".timeline time")].map(e => e.dateTime)`)
			newestFirst := func(a, b string) int { return strings.Compare(b, a) }
			if !slices.IsSortedFunc(times, newestFirst) {
				t.Errorf("the times are %v", times)
			}
		})
	}
	p := tab
	p.Goto(d.URL + d.Licenses.LimitReached.path())
	for _, words := range []string{"First activated", "Old tower (basement) activated", "by the software", "5 of 5 in use"} {
		p.In(".timeline").See(words)
	}
}

// aboutDevice is whether an entry of a history is about one device: when a
// license ends, so do the seats of its devices.
func aboutDevice(title string) bool {
	return title != "First activated" && (strings.HasSuffix(title, " activated") || strings.HasSuffix(title, " deactivated"))
}
