package verdict_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/verdict"
)

func TestValues(t *testing.T) {
	east := time.FixedZone("", 7200)
	for _, tc := range []struct {
		name  string
		value verdict.Value
		json  string
	}{
		{"text", verdict.Text("8.x"), `{"text":"8.x"}`},
		{"a count", verdict.Number(5), `{"number":5}`},
		{"zero is a count", verdict.Number(0), `{"number":0}`},
		{"an instant", verdict.Time(now), `{"time":"2026-03-15T12:00:00Z"}`},
		{"an instant elsewhere", verdict.Time(now.In(east)), `{"time":"2026-03-15T12:00:00Z"}`},
		{"several words", verdict.List([]string{"a", "b"}), `{"list":["a","b"]}`},
		{"no text", verdict.Text(""), `{}`},
		{"no instant", verdict.Time(time.Time{}), `{}`},
		{"an instant too far to write", verdict.Time(now.AddDate(9000, 0, 0)), `{}`},
		{"the last instant that can be written", verdict.Time(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)), `{"time":"9999-12-31T23:59:59Z"}`},
		{"an instant before the year zero", verdict.Time(time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)), `{}`},
		{"no words", verdict.List(nil), `{}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text, err := json.Marshal(tc.value)
			if err != nil || string(text) != tc.json {
				t.Errorf("got %s, %v", text, err)
			}
			if tc.value.IsZero() != (tc.json == "{}") {
				t.Errorf("is zero: %t", tc.value.IsZero())
			}
		})
	}
}

func sample() verdict.Verdict {
	n := 3
	return verdict.Verdict{
		Purpose: verdict.AddDevice, Code: verdict.Blocked, At: now, Message: verdict.Describe(verdict.Blocked).Customer,
		Checks: []verdict.Check{
			{Code: verdict.Blocked, Outcome: verdict.Fail, Reason: "abuse", Since: &now},
			{Code: verdict.ProductMismatch, Outcome: verdict.Pass, Required: verdict.Text("Lumen"), Internal: "license 1"},
			{Code: verdict.Suspended, Outcome: verdict.Fail, Reason: "payment", Since: &now, Note: "Write to Ada."},
			{Code: verdict.VersionNotEligible, Outcome: verdict.Pass, Required: verdict.Text("8.x"), Observed: verdict.Text("8.1")},
			{Code: verdict.LimitReached, Outcome: verdict.Fail, Observed: verdict.Number(5), Required: verdict.Number(5), Source: verdict.FromLicense},
		},
		Fixes: []verdict.Fix{
			{Check: verdict.Blocked, Action: verdict.Appeal, Actor: verdict.ByCustomer},
			{Check: verdict.LimitReached, Action: verdict.DeactivateDevice, Actor: verdict.ByCustomer, Target: "Old tower", Href: "/activations"},
			{Check: verdict.LimitReached, Action: verdict.RaiseLimit, Actor: verdict.ByAdministrator},
			{Check: verdict.FeatureMissing, Action: verdict.Upgrade, Actor: verdict.ByCustomer, Target: "sso"},
		},
		Warnings: []verdict.Warning{{Code: verdict.ExpiresSoon, Number: &n}, {Code: verdict.DeviceStale, Target: "Old tower"}, {Code: verdict.OverLimit, Number: &n}},
	}
}

func TestFindingPartsOfAVerdict(t *testing.T) {
	v := sample()
	if got := len(v.Failing()); got != 3 {
		t.Errorf("%d failing", got)
	}
	if c, ok := v.Check(verdict.LimitReached); !ok || c.Outcome != verdict.Fail {
		t.Errorf("limit_reached: %v, %t", c, ok)
	}
	if c, ok := v.Check(verdict.Expired); ok || c.Code != "" {
		t.Errorf("expired: %v, %t", c, ok)
	}
	if got := len(v.FixesFor(verdict.LimitReached)); got != 2 {
		t.Errorf("%d fixes", got)
	}
	if !v.Warned(verdict.DeviceStale) || v.Warned(verdict.InGrace) {
		t.Error("warnings are not found")
	}
}

func TestWhatEachAudienceSees(t *testing.T) {
	n := 3
	device := func(v *verdict.Verdict) {
		v.Message = verdict.Describe(verdict.Blocked).Developer
		v.Checks[0].Reason, v.Checks[0].Since = "", nil // C-ABU-04
		v.Checks[1].Required, v.Checks[1].Internal = verdict.Value{}, ""
		v.Checks[2].Note = ""
		v.Checks[4].Observed, v.Checks[4].Required = verdict.Value{}, verdict.Value{}
		v.Fixes[1].Target = ""
		v.Warnings = []verdict.Warning{{Code: verdict.ExpiresSoon, Number: &n}}
	}
	for _, tc := range []struct {
		audience verdict.Audience
		change   func(*verdict.Verdict)
	}{
		{verdict.ForDevice, device},
		{verdict.ForOwner, func(v *verdict.Verdict) { v.Checks[1].Internal = "" }},
		{verdict.ForAdministrator, func(*verdict.Verdict) {}},
		{"", device}, // who is not known is told least
		{"reseller", device},
	} {
		t.Run("audience "+string(tc.audience), func(t *testing.T) {
			want, whole := sample(), sample()
			tc.change(&want)
			if diff := cmp.Diff(want, whole.For(tc.audience)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(sample(), whole); diff != "" {
				t.Errorf("the verdict itself changed (-before +after):\n%s", diff)
			}
		})
	}
}

// Where nothing is left to fix or warn about, the shape stays.
func TestRedactedVerdictKeepsItsShape(t *testing.T) {
	v := verdict.Verdict{Code: verdict.Valid, Valid: true, Fixes: []verdict.Fix{}, At: now}
	text, err := json.Marshal(v.For(verdict.ForDevice))
	want := `{"purpose":"","valid":true,"code":"valid","message":"The license is valid for this purpose.","checks":[],"fixes":[],"at":"2026-03-15T12:00:00Z"}`
	if err != nil || string(text) != want {
		t.Errorf("got %s, %v", text, err)
	}
}
