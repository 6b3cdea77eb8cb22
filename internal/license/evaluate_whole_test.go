package license_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/verdict"
)

// The portal asks about the license as a whole, for use and for one more
// device, and shows both (P-LICD-05, P-LICD-08).
func TestWholeLicense(t *testing.T) {
	seats := func(used, limit int) change {
		return func(f *license.Facts, _ *license.Request) { f.Used, f.License.Limit = used, limit }
	}
	none := []verdict.Code(nil)
	for _, tc := range []struct {
		name     string
		change   change
		use, add []verdict.Code // the failing checks
	}{
		{"2 of 5", seats(2, 5), none, none},
		{"4 of 5", seats(4, 5), none, none},
		{"5 of 5: only a new device is refused", seats(5, 5), none, []verdict.Code{verdict.LimitReached}},
		{"7 of 5: existing devices keep working", seats(7, 5), none, []verdict.Code{verdict.LimitReached}},
		{"0 of 5", seats(0, 5), []verdict.Code{verdict.NotActivated}, none}, // E-03
		{"0 without a limit", seats(0, license.Unlimited), []verdict.Code{verdict.NotActivated}, none},
		{"1 without a limit", seats(1, license.Unlimited), none, none},
		{"5 of 5, and one device's activation is at hand", both(seats(5, 5), returning), none, []verdict.Code{verdict.LimitReached}},
		{"product off", onProduct(func(p *license.Product) { p.Active = false }), none, []verdict.Code{verdict.ProductInactive}},
		{"product off, and one device's activation is at hand", both(returning, onProduct(func(p *license.Product) { p.Active = false })),
			none, []verdict.Code{verdict.ProductInactive}},
		{"suspended at 5 of 5", both(seats(5, 5), onLicense(func(l *license.License) { l.SuspendedAt = now })),
			[]verdict.Code{verdict.Suspended}, []verdict.Code{verdict.Suspended, verdict.LimitReached, verdict.ActivationPaused}},
		{"expired and unused", both(seats(0, 5), onLicense(func(l *license.License) { l.ExpiresAt = now })),
			[]verdict.Code{verdict.Expired, verdict.NotActivated}, []verdict.Code{verdict.Expired}},
		{"devices must be named", onProduct(func(p *license.Product) { p.DeviceRequired = true }), none, none},
		{"no kind of device is accepted", onProduct(func(p *license.Product) { p.AcceptsHardware = false }), none, none},
		{"a device at hand whose seat lapsed", both(returning, heldUntil(now)), none, none},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ask := func(p verdict.Purpose, want []verdict.Code) {
				f := goodFacts()
				f.Device = nil
				r := whole(p)
				tc.change(&f, &r)
				v := license.Evaluate(f, r, now)
				consistent(t, v)
				if got := failingCodes(v); !slices.Equal(got, want) {
					t.Errorf("%s: failing %v, want %v", p, got, want)
				}
			}
			ask(verdict.Use, tc.use)
			ask(verdict.AddDevice, tc.add)
		})
	}
}

// P-LICD-06: a license that was assigned and never activated says since when.
func TestWholeLicenseNotActivatedSaysHowManyAndSinceWhen(t *testing.T) {
	f := goodFacts()
	f.Used = 0
	c, _ := license.Evaluate(f, whole(verdict.Use), now).Check(verdict.NotActivated)
	want := verdict.Check{Code: verdict.NotActivated, Outcome: verdict.Fail, Source: verdict.FromLicense,
		Observed: verdict.Number(0), Required: verdict.Number(1), Since: at(now.Add(-30 * day))}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What a signed-in person's question leaves out is skipped, each for its reason.
func TestWholeLicenseSkips(t *testing.T) {
	f := goodFacts()
	got := map[verdict.Code]verdict.SkipReason{}
	for _, c := range license.Evaluate(f, whole(verdict.Use), now).Checks {
		if c.Outcome == verdict.Skipped {
			got[c.Code] = c.Skip
		}
	}
	want := map[verdict.Code]verdict.SkipReason{
		verdict.EnvironmentMismatch: verdict.SkipNotAsked, verdict.ProductMismatch: verdict.SkipNotAsked,
		verdict.NotStarted: verdict.SkipNoRule, verdict.VersionNotEligible: verdict.SkipNotAsked,
		verdict.FeatureMissing: verdict.SkipNotAsked, verdict.IdentifierRequired: verdict.SkipNoDevice,
		verdict.IdentifierKind: verdict.SkipNoDevice, verdict.SeatLapsed: verdict.SkipNoDevice,
		verdict.LimitReached: verdict.SkipOtherPurpose, verdict.ActivationPaused: verdict.SkipOtherPurpose,
		verdict.ClockSkew: verdict.SkipNotAsked, verdict.ReleaseNotAvailable: verdict.SkipOtherPurpose,
		verdict.OfflineNotAllowed: verdict.SkipOtherPurpose,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
