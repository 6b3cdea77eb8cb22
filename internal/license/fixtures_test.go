package license_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/verdict"
)

const (
	ourLicense    = id.ID("01914d3e-0000-7000-8000-000000000001")
	ourProduct    = id.ID("01914d3e-0000-7000-8000-000000000002")
	otherProduct  = id.ID("01914d3e-0000-7000-8000-000000000003")
	ourCustomer   = id.ID("01914d3e-0000-7000-8000-000000000004")
	otherCustomer = id.ID("01914d3e-0000-7000-8000-000000000005")

	day  = 24 * time.Hour
	tick = time.Microsecond // the smallest step of time that is kept
)

// now is the instant at which everything in these tests is asked.
var now = time.Date(2026, 3, 15, 12, 0, 0, 0, time.UTC)

func purposes() []verdict.Purpose {
	return []verdict.Purpose{verdict.Use, verdict.AddDevice, verdict.Download, verdict.Offline}
}

// goodFacts is a license in order: active, 2 of 5 seats, a year to go, the
// asking device activated, the asked release published.
func goodFacts() license.Facts {
	return license.Facts{
		License:  goodLicense(),
		Product:  goodProduct(),
		Used:     2,
		Device:   &license.Activation{ID: "a1", LicenseID: ourLicense, Kind: license.Hardware, Identifier: "hw-1", Name: "Ada's laptop", ActivatedAt: now.Add(-10 * day), LastSeenAt: now.Add(-time.Hour)},
		Release:  &license.Release{Version: "8.2.0", ReleasedAt: now.Add(-20 * day)},
		Eligible: "8.4.1",
	}
}

func goodLicense() *license.License {
	return &license.License{
		ID: ourLicense, ProductID: ourProduct, CustomerID: ourCustomer,
		Environment: license.Production, Limit: 5, ValidityDays: 365,
		CreatedAt: now.Add(-40 * day), AssignedAt: now.Add(-30 * day),
		FirstActivatedAt: now.Add(-10 * day), ExpiresAt: now.Add(335 * day),
		Features: []license.Feature{
			{Key: "export", Type: license.Boolean, Value: true},
			{Key: "sso", Type: license.Boolean, Value: false},
		},
		Version: 3,
	}
}

func goodProduct() license.Product {
	return license.Product{
		ID: ourProduct, Environment: license.Production, Name: "Lumen", Slug: "lumen", Active: true,
		AcceptsHardware: true, SelfDeactivation: true, OfflineAllowed: true,
		RenewalURL: "https://shop.example/renew", MaxSkew: 5 * time.Minute,
	}
}

// goodRequest asks for everything that concerns a purpose, so that every check
// which can apply does.
func goodRequest(p verdict.Purpose) license.Request {
	return license.Request{
		Purpose:           p,
		CallerEnvironment: license.Production, CallerProduct: ourProduct,
		Environment: license.Production, ProductID: ourProduct,
		Device:  &license.Device{Identifier: "hw-1", Kind: license.Hardware, Name: "Ada's laptop"},
		Version: "8.2.0", Features: []string{"export"}, ClientTime: now,
	}
}

// good is goodFacts as the purpose finds them: a device that is added has no
// activation yet.
func good(p verdict.Purpose) (license.Facts, license.Request) {
	f := goodFacts()
	if p == verdict.AddDevice {
		f.Device = nil
	}
	return f, goodRequest(p)
}

// whole is the question the portal asks: about the license as such.
func whole(p verdict.Purpose) license.Request {
	return license.Request{Purpose: p, Whole: true}
}

// change alters what is known and what is asked.
type change func(*license.Facts, *license.Request)

func evaluated(p verdict.Purpose, changes ...change) verdict.Verdict {
	f, r := good(p)
	for _, c := range changes {
		c(&f, &r)
	}
	return license.Evaluate(f, r, now)
}

// checkCase is one row: what is changed about a license in order, and exactly
// how one check then comes out. Every other check must come out as it would
// have without the change, but for the codes in also.
type checkCase struct {
	name   string
	in     []verdict.Purpose // nil: every purpose
	change change            // nil: nothing is changed
	want   verdict.Check     // its Code is filled in
	also   []verdict.Code
}

func runChecks(t *testing.T, code verdict.Code, cases []checkCase) {
	t.Helper()
	for _, tc := range cases {
		asked := tc.in
		if asked == nil {
			asked = purposes()
		}
		for _, p := range asked {
			t.Run(string(p)+"/"+tc.name, func(t *testing.T) { runCheck(t, code, tc, p) })
		}
	}
}

func runCheck(t *testing.T, code verdict.Code, tc checkCase, p verdict.Purpose) {
	var changes []change
	if tc.change != nil {
		changes = append(changes, tc.change)
	}
	got, before := evaluated(p, changes...), evaluated(p)
	want := tc.want
	want.Code = code
	c, _ := got.Check(code)
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("check (-want +got):\n%s", diff)
	}
	others := without(append(tc.also, code)...)
	if diff := cmp.Diff(others(before.Checks), others(got.Checks)); diff != "" {
		t.Errorf("other checks changed (-before +after):\n%s", diff)
	}
	consistent(t, got)
}

// without returns a filter that drops the checks with these codes.
func without(codes ...verdict.Code) func([]verdict.Check) []verdict.Check {
	return func(checks []verdict.Check) []verdict.Check {
		var kept []verdict.Check
		for _, c := range checks {
			if !slices.Contains(codes, c.Code) {
				kept = append(kept, c)
			}
		}
		return kept
	}
}

// consistent checks what holds for every verdict whatsoever.
func consistent(t *testing.T, v verdict.Verdict) {
	t.Helper()
	var order []verdict.Code
	for _, c := range v.Checks {
		order = append(order, c.Code)
		if (c.Outcome == verdict.Skipped) != (c.Skip != "") {
			t.Errorf("%s is %s with skip reason %q", c.Code, c.Outcome, c.Skip)
		}
		if c.Outcome == verdict.Fail && len(v.FixesFor(c.Code)) == 0 {
			t.Errorf("%s fails and nothing would fix it", c.Code)
		}
		if c.Outcome != verdict.Fail && (len(v.FixesFor(c.Code)) > 0 || c.Since != nil) {
			t.Errorf("%s is %s, yet has a fix or a since", c.Code, c.Outcome)
		}
	}
	if !slices.Equal(verdict.Codes(), order) {
		t.Errorf("checks are not all of them in order: %v", order)
	}
	failing := v.Failing()
	switch {
	case v.Valid != (len(failing) == 0):
		t.Errorf("valid is %t with %d failing checks", v.Valid, len(failing))
	case v.Valid && v.Code != verdict.Valid, !v.Valid && v.Code != failing[0].Code:
		t.Errorf("code is %q", v.Code)
	case !v.Valid && len(v.Warnings) > 0:
		t.Errorf("invalid, yet warned: %v", v.Warnings)
	}
	if want := verdict.Describe(v.Code).Customer; v.Message != want {
		t.Errorf("message %q, want %q", v.Message, want)
	}
}

func failingCodes(v verdict.Verdict) []verdict.Code {
	var codes []verdict.Code
	for _, c := range v.Failing() {
		codes = append(codes, c.Code)
	}
	return codes
}

func at(t time.Time) *time.Time { return &t }

func skipped(why verdict.SkipReason) verdict.Check {
	return verdict.Check{Outcome: verdict.Skipped, Skip: why}
}

var (
	onlyUse      = []verdict.Purpose{verdict.Use}
	onlyAdd      = []verdict.Purpose{verdict.AddDevice}
	onlyDownload = []verdict.Purpose{verdict.Download}
	onlyOffline  = []verdict.Purpose{verdict.Offline}
)

// except lists the other purposes.
func except(p verdict.Purpose) []verdict.Purpose {
	var list []verdict.Purpose
	for _, q := range purposes() {
		if q != p {
			list = append(list, q)
		}
	}
	return list
}

// both makes one change of several.
func both(changes ...change) change {
	return func(f *license.Facts, r *license.Request) {
		for _, c := range changes {
			c(f, r)
		}
	}
}

// returning makes the asking device one that is activated already.
func returning(f *license.Facts, _ *license.Request) { f.Device = goodFacts().Device }

// heldUntil makes the asking device's seat a floating one.
func heldUntil(t time.Time) change {
	return func(f *license.Facts, _ *license.Request) { f.Device.HoldUntil = t }
}

func onLicense(alter func(*license.License)) change {
	return func(f *license.Facts, _ *license.Request) { alter(f.License) }
}

func onProduct(alter func(*license.Product)) change {
	return func(f *license.Facts, _ *license.Request) { alter(&f.Product) }
}

var zero time.Time

func idOf(name string) id.ID {
	return map[string]id.ID{"ours": ourProduct, "other": otherProduct}[name]
}
