package license_test

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/license"
)

// E-09, C-LCY-07: an activation never outlives its license's validity.
func TestActivationStatus(t *testing.T) {
	held := license.Activation{ActivatedAt: now.Add(-day)}
	ended, floating, lapsed := held, held, held
	ended.EndedAt, floating.HoldUntil, lapsed.HoldUntil = now.Add(-time.Hour), now.Add(tick), now
	for _, tc := range []struct {
		name string
		a    license.Activation
		of   license.Status
		want license.ActivationStatus
	}{
		{"of an active license", held, license.Active, license.ActivationActive},
		{"of an assigned license", held, license.Assigned, license.ActivationActive},
		{"of a suspended license", held, license.Suspended, license.ActivationSuspended},
		{"of an expired license", held, license.Expired, license.ActivationSuspended},
		{"of a revoked license", held, license.Revoked, license.ActivationDeactivated}, // E-07
		{"ended", ended, license.Active, license.ActivationDeactivated},
		{"ended, of a suspended license", ended, license.Suspended, license.ActivationDeactivated},
		{"floating, a microsecond before it lapses", floating, license.Active, license.ActivationActive},
		{"floating, at the instant it lapses", lapsed, license.Active, license.ActivationDeactivated},
		{"lapsed, of an expired license", lapsed, license.Expired, license.ActivationDeactivated},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.a.Status(tc.of, now); got != tc.want || !got.Known() {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
	for _, s := range license.ActivationStatuses() {
		if !s.Known() {
			t.Errorf("%s is unknown", s)
		}
	}
	if license.ActivationStatus("inactive").Known() {
		t.Error("inactive is known")
	}
}

func TestHoldsSeat(t *testing.T) {
	for _, tc := range []struct {
		name         string
		hold, end    time.Time
		holds, lapse bool
	}{
		{"a fixed seat", zero, zero, true, false},
		{"a fixed seat given back", zero, now, false, false},
		{"a floating seat", now.Add(time.Hour), zero, true, false},
		{"a floating seat's last microsecond", now.Add(tick), zero, true, false},
		{"a floating seat past its hold", now, zero, false, true},
		{"a floating seat given back", now.Add(time.Hour), now, false, false},
		{"a floating seat given back and past its hold", now, now, false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := license.Activation{HoldUntil: tc.hold, EndedAt: tc.end}
			if a.HoldsSeat(now) != tc.holds || a.Lapsed(now) != tc.lapse {
				t.Errorf("holds %t, lapsed %t", a.HoldsSeat(now), a.Lapsed(now))
			}
		})
	}
}

func TestDisplayName(t *testing.T) {
	named, nameless := license.Activation{Identifier: "hw-1", Name: "Ada's laptop"}, license.Activation{Identifier: "hw-1"}
	if named.DisplayName() != "Ada's laptop" || nameless.DisplayName() != "hw-1" {
		t.Errorf("activations: %q, %q", named.DisplayName(), nameless.DisplayName())
	}
	tried, unknown := license.Attempt{Identifier: "hw-1", Name: "Ada's laptop"}, license.Attempt{Identifier: "hw-1"}
	if tried.DisplayName() != "Ada's laptop" || unknown.DisplayName() != "hw-1" {
		t.Errorf("attempts: %q, %q", tried.DisplayName(), unknown.DisplayName())
	}
}

func TestDeviceCheckTidies(t *testing.T) {
	for _, tc := range []struct {
		name     string
		in, want license.Device
	}{
		{"blanks around", license.Device{Identifier: "  hw-1\n", Name: "\tAda ", Platform: " linux "},
			license.Device{Identifier: "hw-1", Kind: license.Hardware, Name: "Ada", Platform: "linux"}},
		{"the identifier keeps its case", license.Device{Identifier: "HW-Ab"}, license.Device{Identifier: "HW-Ab", Kind: license.Hardware}},
		{"a domain becomes its host", license.Device{Identifier: "https://www.Example.com:8443/admin", Kind: license.Domain},
			license.Device{Identifier: "example.com", Kind: license.Domain}},
		{"any script", license.Device{Identifier: "機械-1", Name: "Œuvre d’Ada 🖥"}, license.Device{Identifier: "機械-1", Kind: license.Hardware, Name: "Œuvre d’Ada 🖥"}},
		{"as long as allowed", license.Device{Identifier: strings.Repeat("x", license.MaxIdentifier), Name: strings.Repeat("n", license.MaxName), Platform: strings.Repeat("p", license.MaxPlatform)},
			license.Device{Kind: license.Hardware, Identifier: strings.Repeat("x", license.MaxIdentifier), Name: strings.Repeat("n", license.MaxName), Platform: strings.Repeat("p", license.MaxPlatform)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := tc.in.Check()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDeviceCheckNamesWhatIsWrong(t *testing.T) {
	domain := func(s string) license.Device { return license.Device{Identifier: s, Kind: license.Domain} }
	ok := license.Device{Identifier: "hw-1"}
	with := func(alter func(*license.Device)) license.Device { d := ok; alter(&d); return d }
	for _, tc := range []struct {
		name   string
		device license.Device
		fields []string
	}{
		{"no identifier", license.Device{}, []string{"device.id"}},
		{"a blank identifier", license.Device{Identifier: " \t "}, []string{"device.id"}},
		{"too long by one", license.Device{Identifier: strings.Repeat("x", license.MaxIdentifier+1)}, []string{"device.id"}},
		{"a megabyte", license.Device{Identifier: strings.Repeat("x", 1<<20)}, []string{"device.id"}},
		{"too long in bytes", license.Device{Identifier: strings.Repeat("é", license.MaxIdentifier/2+1)}, []string{"device.id"}},
		{"invalid UTF-8", license.Device{Identifier: "hw\xff1"}, []string{"device.id"}},
		{"a null", license.Device{Identifier: "hw\x001"}, []string{"device.id"}},
		{"a line break", license.Device{Identifier: "hw\n1"}, []string{"device.id"}},
		{"an escape sequence", license.Device{Identifier: "hw\x1b[31m1"}, []string{"device.id"}},
		{"a C1 control", license.Device{Identifier: "hw\u00851"}, []string{"device.id"}},
		{"a right-to-left override", license.Device{Identifier: "hw\u202e1"}, []string{"device.id"}},
		{"an isolate", license.Device{Identifier: "hw\u20661"}, []string{"device.id"}},
		{"a zero-width space", license.Device{Identifier: "hw\u200b1"}, []string{"device.id"}},
		{"a byte order mark", license.Device{Identifier: "hw\ufeff1"}, []string{"device.id"}},
		{"a line separator", license.Device{Identifier: "hw\u20281"}, []string{"device.id"}},
		{"a tag character", license.Device{Identifier: "hw\U000E00411"}, []string{"device.id"}},
		{"an unknown kind", with(func(d *license.Device) { d.Kind = "usb" }), []string{"device.kind"}},
		{"a kind in capitals", with(func(d *license.Device) { d.Kind = "Hardware" }), []string{"device.kind"}},
		{"a name too long", with(func(d *license.Device) { d.Name = strings.Repeat("n", license.MaxName+1) }), []string{"device.name"}},
		{"a name that turns text around", with(func(d *license.Device) { d.Name = "\u202eadA" }), []string{"device.name"}},
		{"a name with a tab inside", with(func(d *license.Device) { d.Name = "a\tb" }), []string{"device.name"}},
		{"a platform too long", with(func(d *license.Device) { d.Platform = strings.Repeat("p", license.MaxPlatform+1) }), []string{"device.platform"}},
		{"a platform of invalid UTF-8", with(func(d *license.Device) { d.Platform = "\xc3\x28" }), []string{"device.platform"}},
		{"everything at once, each once", license.Device{Identifier: "\x00x", Kind: "usb", Name: "\u202e", Platform: "\x7f"},
			[]string{"device.kind", "device.id", "device.name", "device.platform"}},

		{"a domain of nothing", domain(""), []string{"device.id"}},
		{"a scheme without a host", domain("https://"), []string{"device.id"}},
		{"one label", domain("intranet"), []string{"device.id"}},
		{"an address of mail", domain("ada@example.com"), []string{"device.id"}},
		{"a user in the address", domain("https://ada:pw@example.com"), []string{"device.id"}},
		{"an IPv6 address", domain("[::1]:80"), []string{"device.id"}},
		{"an empty label", domain("example..com"), []string{"device.id"}},
		{"a leading dot", domain(".example.com"), []string{"device.id"}},
		{"a wildcard", domain("*.example.com"), []string{"device.id"}},
		{"a blank inside", domain("exa mple.com"), []string{"device.id"}},
		{"a leading hyphen", domain("-a.example.com"), []string{"device.id"}},
		{"a trailing hyphen", domain("a-.example.com"), []string{"device.id"}},
		{"markup", domain("<b>.example.com"), []string{"device.id"}},
		{"a label too long", domain(strings.Repeat("a", 64) + ".com"), []string{"device.id"}},
		{"a host too long", domain(strings.Repeat("a.", 126) + "co"), []string{"device.id"}},
		{"a port that is none", domain("example.com:http"), []string{"device.id"}},
		{"a control character in a domain", domain("exam\x00ple.com"), []string{"device.id"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := tc.device.Check()
			if err == nil {
				t.Fatal("accepted")
			}
			var fields []string
			for _, f := range err.Fields {
				fields = append(fields, f.Name)
				if f.Message == "" {
					t.Errorf("%s: nothing to do about it", f.Name)
				}
			}
			if diff := cmp.Diff(tc.fields, fields); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// U-02: the same device after a reinstall takes no second seat.
func TestFold(t *testing.T) {
	for _, tc := range []struct {
		name string
		a, b license.Device
		same bool
	}{
		{"case", license.Device{Identifier: "AB-12"}, license.Device{Identifier: "ab-12"}, true},
		{"blanks around", license.Device{Identifier: " ab-12 "}, license.Device{Identifier: "ab-12"}, true},
		{"name and platform", license.Device{Identifier: "a", Name: "x", Platform: "linux"}, license.Device{Identifier: "a", Name: "y"}, true},
		{"hyphens", license.Device{Identifier: "ab-12"}, license.Device{Identifier: "ab12"}, false},
		{"look-alikes", license.Device{Identifier: "a0"}, license.Device{Identifier: "aO"}, false},
		{"spellings of a domain", license.Device{Identifier: "HTTP://WWW.Example.COM.:80/x", Kind: license.Domain},
			license.Device{Identifier: "example.com", Kind: license.Domain}, true},
		{"sub-domains", license.Device{Identifier: "a.example.com", Kind: license.Domain}, license.Device{Identifier: "example.com", Kind: license.Domain}, false},
		{"hardware is no domain", license.Device{Identifier: "www.example.com", Kind: license.Hardware},
			license.Device{Identifier: "example.com", Kind: license.Hardware}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.a.Fold() == tc.b.Fold(); got != tc.same {
				t.Errorf("%q and %q are the same: %t", tc.a.Fold(), tc.b.Fold(), got)
			}
		})
	}
}

// What passes the check is short, visible, and stays what it is.
func FuzzDeviceCheck(f *testing.F) {
	f.Add("hw-1", "hardware", "Ada's laptop", "linux")
	f.Add("https://www.example.com:80/x?y#z", "domain", "", "")
	f.Add("http://http://www.www.example.com..", "domain", "", "")
	f.Add("hw\u202e\x00\xff", "", "\u200b", "\x7f")
	f.Fuzz(func(t *testing.T, identifier, kind, name, platform string) {
		d, err := license.Device{Identifier: identifier, Kind: license.Kind(kind), Name: name, Platform: platform}.Check()
		if err != nil {
			if len(err.Fields) == 0 {
				t.Error("refused without saying what is wrong")
			}
			return
		}
		if d.Identifier == "" || d.Fold() == "" || !d.Kind.Known() {
			t.Errorf("accepted %+v", d)
		}
		if len(d.Identifier) > license.MaxIdentifier || len(d.Name) > license.MaxName || len(d.Platform) > license.MaxPlatform {
			t.Errorf("too long: %+v", d)
		}
		for _, s := range []string{d.Identifier, d.Name, d.Platform} {
			if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
				t.Errorf("accepted %q", s)
			}
		}
		again, err := d.Check()
		if err != nil || again != d || again.Fold() != d.Fold() {
			t.Errorf("%+v becomes %+v, %v", d, again, err)
		}
	})
}

// P-ACT-10, P-ACT-25: a button that does nothing says why.
func TestMayDeactivate(t *testing.T) {
	for _, tc := range []struct {
		status license.ActivationStatus
		self   bool
		want   string // code of the refusal
	}{
		{license.ActivationActive, true, ""},
		{license.ActivationActive, false, "self_deactivation_off"},
		{license.ActivationSuspended, true, "activation_suspended"},
		{license.ActivationSuspended, false, "activation_suspended"},
		{license.ActivationDeactivated, true, "already_deactivated"},
		{license.ActivationDeactivated, false, "already_deactivated"},
	} {
		err := license.MayDeactivate(license.Product{SelfDeactivation: tc.self}, tc.status, license.Swaps{})
		got := ""
		if err != nil {
			got = err.Code
		}
		if got != tc.want || err != nil && err.Message == "" {
			t.Errorf("%s, self-service %t: %q, want %q", tc.status, tc.self, got, tc.want)
		}
	}
}
