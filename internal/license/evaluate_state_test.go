package license_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/verdict"
)

// The checks about the license's state and dates (P-LICD-06, P-LICD-07, P-LICD-19).

func TestRevoked(t *testing.T) {
	revoked := func(r license.Reason, note string) change {
		return onLicense(func(l *license.License) { l.RevokedAt, l.RevokeReason, l.Note = now.Add(-day), r, note })
	}
	cases := []checkCase{
		{name: "not revoked", want: verdict.Check{Outcome: verdict.Pass, Source: verdict.FromLicense}},
		{name: "with words for the customer", change: revoked(license.Refund, "Refunded on your wish."),
			want: verdict.Check{Outcome: verdict.Fail, Source: verdict.FromLicense, Since: at(now.Add(-day)),
				Reason: "refund", Note: "Refunded on your wish."}},
		{name: "at this very instant", change: onLicense(func(l *license.License) { l.RevokedAt = now }),
			want: verdict.Check{Outcome: verdict.Fail, Source: verdict.FromLicense, Since: at(now)}},
	}
	for _, r := range license.RevokeReasons() {
		cases = append(cases, checkCase{name: "for " + string(r), in: onlyUse, change: revoked(r, ""),
			want: verdict.Check{Outcome: verdict.Fail, Source: verdict.FromLicense, Since: at(now.Add(-day)), Reason: string(r)}})
	}
	runChecks(t, verdict.Revoked, cases)
}

// P-LICD-07, P-LIC-08: the status turns at expiry plus grace, at the instant itself.
func TestExpired(t *testing.T) {
	ends := func(expires time.Time, grace time.Duration) change {
		return onLicense(func(l *license.License) { l.ExpiresAt, l.Grace = expires, grace })
	}
	pass := func(end time.Time) verdict.Check {
		return verdict.Check{Outcome: verdict.Pass, Source: verdict.FromLicense, Observed: verdict.Time(end)}
	}
	fail := func(end time.Time) verdict.Check {
		return verdict.Check{Outcome: verdict.Fail, Source: verdict.FromLicense, Observed: verdict.Time(end), Since: at(end)}
	}
	runChecks(t, verdict.Expired, []checkCase{
		{name: "a year to go", want: pass(now.Add(335 * day))},
		{name: "perpetual", change: ends(zero, 0),
			want: verdict.Check{Outcome: verdict.Pass, Source: verdict.FromLicense, Observed: verdict.Text("never")}},
		{name: "perpetual whatever its grace", change: ends(zero, 5*day),
			want: verdict.Check{Outcome: verdict.Pass, Source: verdict.FromLicense, Observed: verdict.Text("never")}},
		{name: "one microsecond before its end", change: ends(now.Add(tick), 0), want: pass(now.Add(tick))},
		{name: "at its end", change: ends(now, 0), want: fail(now)},
		{name: "one microsecond after its end", change: ends(now.Add(-tick), 0), want: fail(now.Add(-tick))},
		{name: "first instant of grace", change: ends(now, 3*day), want: pass(now.Add(3 * day))},
		{name: "in grace", change: ends(now.Add(-2*day), 3*day), want: pass(now.Add(day))},
		{name: "last microsecond of grace", change: ends(now.Add(-3*day+tick), 3*day), want: pass(now.Add(tick))},
		{name: "at the end of grace", change: ends(now.Add(-3*day), 3*day), want: fail(now)},
		{name: "long after grace", change: ends(now.Add(-300*day), 3*day), want: fail(now.Add(-297 * day))},
		{name: "at the end of time", change: ends(license.Forever.Add(-tick), 0), want: pass(license.Forever.Add(-tick))},
	})
}

func TestSuspended(t *testing.T) {
	suspended := func(r license.Reason, note string) change {
		return onLicense(func(l *license.License) { l.SuspendedAt, l.SuspendReason, l.Note = now.Add(-day), r, note })
	}
	fail := func(reason, note string) verdict.Check {
		return verdict.Check{Outcome: verdict.Fail, Source: verdict.FromLicense, Since: at(now.Add(-day)), Reason: reason, Note: note}
	}
	cases := []checkCase{
		{name: "not suspended", want: verdict.Check{Outcome: verdict.Pass, Source: verdict.FromLicense}},
		{name: "a note alone suspends nothing", change: onLicense(func(l *license.License) { l.Note = "Hello." }),
			want: verdict.Check{Outcome: verdict.Pass, Source: verdict.FromLicense}},
		{name: "with words for the customer", change: suspended(license.Payment, "Invoice 7 is open."),
			want: fail("payment", "Invoice 7 is open."), also: []verdict.Code{verdict.ActivationPaused}},
		{name: "words about a revocation are not a suspension's", in: onlyUse,
			change: both(suspended(license.Abuse, "Leaked."), onLicense(func(l *license.License) { l.RevokedAt = now })),
			want:   fail("abuse", ""), also: []verdict.Code{verdict.Revoked}},
	}
	for _, r := range license.SuspendReasons() {
		cases = append(cases, checkCase{name: "for " + string(r), in: onlyUse, change: suspended(r, ""), want: fail(string(r), "")})
	}
	runChecks(t, verdict.Suspended, cases)
}

func TestStarted(t *testing.T) {
	starts := func(s time.Time) change {
		return onLicense(func(l *license.License) { l.StartsAt = s })
	}
	check := func(o verdict.Outcome, s time.Time) verdict.Check {
		return verdict.Check{Outcome: o, Source: verdict.FromLicense, Required: verdict.Time(s)}
	}
	runChecks(t, verdict.NotStarted, []checkCase{
		{name: "no start date", want: verdict.Check{Outcome: verdict.Skipped, Skip: verdict.SkipNoRule, Source: verdict.FromLicense}},
		{name: "started yesterday", change: starts(now.Add(-day)), want: check(verdict.Pass, now.Add(-day))},
		{name: "one microsecond after its start", change: starts(now.Add(-tick)), want: check(verdict.Pass, now.Add(-tick))},
		{name: "at its start", change: starts(now), want: check(verdict.Pass, now)},
		{name: "one microsecond before its start", change: starts(now.Add(tick)), want: check(verdict.Fail, now.Add(tick))},
		{name: "starts next week", change: starts(now.Add(7 * day)), want: check(verdict.Fail, now.Add(7*day))},
	})
}

// What each status of C.1 lets happen to a device that is activated, to one
// that is new, and to the license as the portal asks for it.
func TestStatusDecidesWhatIsAllowed(t *testing.T) {
	type answers struct{ use, add, download, offline, wholeUse, wholeAdd verdict.Code }
	same := func(c verdict.Code) answers { return answers{c, c, c, c, c, c} }
	valid := same(verdict.Valid)
	unused := valid
	unused.use, unused.wholeUse = verdict.NotActivated, verdict.NotActivated
	for _, tc := range []struct {
		status license.Status
		alter  func(*license.License)
		want   answers
	}{
		{license.Available, func(l *license.License) {
			l.CustomerID, l.AssignedAt, l.FirstActivatedAt, l.ExpiresAt = "", zero, zero, zero
		}, same(verdict.NotAssigned)},
		{license.Assigned, func(l *license.License) { l.FirstActivatedAt = zero }, unused}, // E-04
		{license.Active, func(*license.License) {}, valid},
		{license.Suspended, func(l *license.License) { l.SuspendedAt, l.SuspendReason = now, license.Manual }, same(verdict.Suspended)},
		{license.Expired, func(l *license.License) { l.ExpiresAt = now }, same(verdict.Expired)},
		{license.Revoked, func(l *license.License) { l.RevokedAt, l.RevokeReason = now, license.Leak }, same(verdict.Revoked)},
	} {
		t.Run(string(tc.status), func(t *testing.T) {
			ask := func(r license.Request) verdict.Code {
				f, _ := good(r.Purpose)
				tc.alter(f.License)
				if got := f.License.Status(now); got != tc.status {
					t.Fatalf("status %s", got)
				}
				if f.License.FirstActivatedAt.IsZero() {
					f.Used, f.Device = 0, nil
				}
				v := license.Evaluate(f, r, now)
				consistent(t, v)
				return v.Code
			}
			got := answers{
				ask(goodRequest(verdict.Use)), ask(goodRequest(verdict.AddDevice)), ask(goodRequest(verdict.Download)),
				ask(goodRequest(verdict.Offline)), ask(whole(verdict.Use)), ask(whole(verdict.AddDevice)),
			}
			if got != tc.want {
				t.Errorf("got  %+v\nwant %+v", got, tc.want)
			}
		})
	}
}
