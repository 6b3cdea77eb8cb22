package license_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/license"
)

// C-PRD-05
func TestAccepts(t *testing.T) {
	for _, tc := range []struct {
		hardware, domain bool
		kinds            []string
	}{
		{true, true, []string{"hardware", "domain"}}, {true, false, []string{"hardware"}},
		{false, true, []string{"domain"}}, {false, false, nil},
	} {
		p := license.Product{AcceptsHardware: tc.hardware, AcceptsDomain: tc.domain}
		if diff := cmp.Diff(tc.kinds, p.AcceptedKinds()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if p.Accepts(license.Hardware) != tc.hardware || p.Accepts(license.Domain) != tc.domain || p.Accepts("usb") || p.Accepts("") {
			t.Errorf("%+v", p)
		}
	}
}

func TestKnownWords(t *testing.T) {
	for _, e := range license.Environments() {
		if !e.Known() {
			t.Errorf("%s is unknown", e)
		}
	}
	if license.Environment("").Known() || license.Environment("Production").Known() || license.Kind("").Known() || license.Kind("usb").Known() {
		t.Error("a word that does not exist is known")
	}
	if !license.Hardware.Known() || !license.Domain.Known() {
		t.Error("a kind is unknown")
	}
}

// C-PRD-02
func TestFeatureIncluded(t *testing.T) {
	for _, tc := range []struct {
		value any
		want  bool
	}{
		{true, true}, {false, false}, {1.0, true}, {0.5, true}, {0.0, false}, {-1.0, false},
		{license.UnlimitedValue, true}, {"gold", true}, {"", false}, {nil, false}, {[]string{"x"}, false},
	} {
		if got := (license.Feature{Value: tc.value}).Included(); got != tc.want {
			t.Errorf("%v is included: %t", tc.value, got)
		}
	}
}

// C-PRD-02
func TestFeatureValidValue(t *testing.T) {
	for _, tc := range []struct {
		kind  license.FeatureType
		value any
		want  bool
	}{
		{license.Boolean, true, true}, {license.Boolean, false, true}, {license.Boolean, 1.0, false}, {license.Boolean, "true", false},
		{license.Numeric, 0.0, true}, {license.Numeric, 12.5, true}, {license.Numeric, -1.0, false}, {license.Numeric, true, false},
		{license.Numeric, license.UnlimitedValue, true}, {license.Numeric, "many", false},
		{license.Textual, "", true}, {license.Textual, "gold", true}, {license.Textual, 1.0, false},
		{license.Textual, strings.Repeat("x", 255), true}, {license.Textual, strings.Repeat("x", 256), false},
		{license.Textual, nil, false}, {"color", "red", false},
	} {
		f := license.Feature{Type: tc.kind, Value: tc.value}
		if got := f.ValidValue(); got != tc.want {
			t.Errorf("%s %v is valid: %t", tc.kind, tc.value, got)
		}
	}
}

func TestFeatureIsFoundByKey(t *testing.T) {
	l := goodLicense()
	if f, ok := l.Feature("export"); !ok || f.Value != true {
		t.Errorf("export: %v, %t", f, ok)
	}
	if f, ok := l.Feature("Export"); ok || f.Key != "" {
		t.Errorf("Export: %v, %t", f, ok)
	}
}

// C-PRD-03: the newest version that the license includes is named.
func TestFindRelease(t *testing.T) {
	releases := []license.Release{
		{Version: "7.9", ReleasedAt: now.Add(-90 * day)}, {Version: "8.10", ReleasedAt: now.Add(-30 * day)},
		{Version: "8.9", ReleasedAt: now.Add(-60 * day)}, {Version: "9.0", ReleasedAt: now.Add(-10 * day)},
	}
	for _, tc := range []struct {
		name, maximum string
		until         int // days ago; 0 is no end of updates
		version       string
		onRecord      bool
		eligible      string
	}{
		{"all", "", 0, "9.0", true, "9.0"},
		{"not on record", "", 0, "9.1", false, "9.0"},
		{"none asked", "", 0, "", false, "9.0"},
		{"up to 8", "8.x", 0, "9.0", true, "8.10"},
		{"up to 8.9", "8.9", 0, "8.10", true, "8.9"},
		{"updates ended between", "", 50, "9.0", true, "8.9"},
		{"updates ended at the instant of a release", "", 60, "8.9", true, "7.9"},
		{"both", "8.x", 50, "7.9", true, "8.9"},
		{"nothing is included", "6", 0, "7.9", true, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := license.License{MaxVersion: tc.maximum}
			if tc.until > 0 {
				l.UpdatesUntil = now.AddDate(0, 0, -tc.until)
			}
			asked, eligible := license.FindRelease(releases, l, tc.version, now)
			if (asked != nil) != tc.onRecord || eligible != tc.eligible {
				t.Errorf("got %v, %q", asked, eligible)
			}
			if asked != nil && asked.Version != tc.version {
				t.Errorf("found %s", asked.Version)
			}
		})
	}
}

// P-LICD-17: a link leads to the shop and nowhere else, and names the license
// by its id, never by its key.
func TestRenewalURL(t *testing.T) {
	for in, want := range map[string]string{
		"https://shop.example/renew":            "https://shop.example/renew?license=" + string(ourLicense),
		"http://shop.example":                   "http://shop.example?license=" + string(ourLicense),
		"https://shop.example/?a=1&b=2":         "https://shop.example/?a=1&b=2&license=" + string(ourLicense),
		"https://shop.example/?license=x":       "https://shop.example/?license=" + string(ourLicense),
		"https://shop.example/#buy":             "https://shop.example/?license=" + string(ourLicense) + "#buy",
		"HTTPS://shop.example/":                 "https://shop.example/?license=" + string(ourLicense),
		"":                                      "",
		"javascript:alert(1)":                   "",
		"JavaScript://shop.example/%0aalert(1)": "",
		" javascript:alert(1)":                  "",
		"java\nscript:alert(1)":                 "",
		"data:text/html,x":                      "",
		"vbscript:x":                            "",
		"file:///etc/passwd":                    "",
		"ftp://shop.example":                    "",
		"//shop.example/renew":                  "",
		"/renew":                                "",
		"shop.example/renew":                    "",
		"https:renew":                           "",
		"https:///renew":                        "",
		"https://":                              "",
		"https://shop.example/%zz":              "",
		"mailto:sales@shop.example":             "",
	} {
		got := license.RenewalURL(license.Product{RenewalURL: in}, *goodLicense())
		if got != want {
			t.Errorf("%q leads to %q, want %q", in, got, want)
		}
	}
}

func FuzzRenewalURL(f *testing.F) {
	f.Add("https://shop.example/renew?a=1#b")
	f.Add("javascript:alert(1)")
	f.Fuzz(func(t *testing.T, shop string) {
		got := license.RenewalURL(license.Product{RenewalURL: shop}, *goodLicense())
		if got == "" {
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.Query().Get("license") != string(ourLicense) {
			t.Errorf("%q leads to %q: %v", shop, got, err)
		}
	})
}

func TestFoldName(t *testing.T) {
	for in, want := range map[string]string{
		"Lumen": "lumen", "  Lumen \t Studio\n8 ": "lumen studio 8", "ÖLBILD": "ölbild", "": "", " ": "",
	} {
		if got := license.FoldName(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
		if got := license.FoldName(want); got != want {
			t.Errorf("%q does not stay: %q", want, got)
		}
	}
}

// A lease that is too large cannot be signed, so features are bounded when a
// product or a license is made.
func TestFeaturesFitInALease(t *testing.T) {
	many := make([]license.Feature, 40)
	for i := range many {
		many[i] = license.Feature{Key: fmt.Sprint("feature", i), Type: license.Textual, Value: strings.Repeat("x", license.MaxFeatureText)}
	}
	if license.FeaturesFit(many) || !license.FeaturesFit(many[:20]) || !license.FeaturesFit(nil) {
		t.Errorf("40: %t, 20: %t, none: %t", license.FeaturesFit(many), license.FeaturesFit(many[:20]), license.FeaturesFit(nil))
	}
}
