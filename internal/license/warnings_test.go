package license_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/verdict"
)

// P-LIC-07 and the other things that will matter soon.
func TestWarnings(t *testing.T) {
	ends := func(in, grace time.Duration) change {
		return onLicense(func(l *license.License) { l.ExpiresAt, l.Grace = now.Add(in), grace })
	}
	updates := func(in time.Duration) change {
		return onLicense(func(l *license.License) { l.UpdatesUntil = now.Add(in) })
	}
	seats := func(used, limit int) change {
		return func(f *license.Facts, _ *license.Request) { f.Used, f.License.Limit = used, limit }
	}
	seen := func(activated, last time.Time) change {
		return func(f *license.Facts, _ *license.Request) {
			f.Longest = &license.Activation{Name: "Old tower", ActivatedAt: activated, LastSeenAt: last}
		}
	}
	dated := func(c verdict.WarningCode, in time.Duration, days int) verdict.Warning {
		return verdict.Warning{Code: c, At: at(now.Add(in)), Number: &days}
	}
	counted := func(c verdict.WarningCode, n int) verdict.Warning { return verdict.Warning{Code: c, Number: &n} }
	stale := verdict.Warning{Code: verdict.DeviceStale, Target: "Old tower"}
	for _, tc := range []struct {
		name   string
		change change
		want   []verdict.Warning
	}{
		{"nothing soon", ends(335*day, 0), nil},
		{"perpetual", onLicense(func(l *license.License) { l.ExpiresAt = zero }), nil},
		{"ends in 7 days and a microsecond", ends(7*day+tick, 0), nil},
		{"ends in 7 days", ends(7*day, 0), []verdict.Warning{dated(verdict.ExpiresSoon, 7*day, 7)}},
		{"ends in a microsecond less", ends(7*day-tick, 0), []verdict.Warning{dated(verdict.ExpiresSoon, 7*day-tick, 7)}},
		{"ends in 6 days", ends(6*day, 0), []verdict.Warning{dated(verdict.ExpiresSoon, 6*day, 6)}},
		{"ends in a day and an hour", ends(25*time.Hour, 0), []verdict.Warning{dated(verdict.ExpiresSoon, 25*time.Hour, 2)}},
		{"ends in an hour", ends(time.Hour, 0), []verdict.Warning{dated(verdict.ExpiresSoon, time.Hour, 1)}},
		{"ends in a microsecond", ends(tick, 0), []verdict.Warning{dated(verdict.ExpiresSoon, tick, 1)}},
		{"expires in 5 days, but grace carries it past 7", ends(5*day, 3*day), nil},
		{"expires in 5 days, grace ends in 7", ends(5*day, 2*day), []verdict.Warning{dated(verdict.ExpiresSoon, 7*day, 7)}},
		{"expires in a microsecond, grace ends soon", ends(tick, 2*day), []verdict.Warning{dated(verdict.ExpiresSoon, 2*day+tick, 3)}},
		{"expired now, in grace", ends(0, 10*day), []verdict.Warning{dated(verdict.InGrace, 10*day, 10)}},
		{"in grace for two days", ends(-2*day, 10*day), []verdict.Warning{dated(verdict.InGrace, 8*day, 8)}},
		{"last microsecond of grace", ends(-10*day+tick, 10*day), []verdict.Warning{dated(verdict.InGrace, tick, 1)}},

		{"updates end in 30 days and a microsecond", updates(30*day + tick), nil},
		{"updates end in 30 days", updates(30 * day), []verdict.Warning{dated(verdict.UpdatesEnding, 30*day, 30)}},
		{"updates end in a microsecond", updates(tick), []verdict.Warning{dated(verdict.UpdatesEnding, tick, 1)}},
		{"updates end now", both(updates(0), func(_ *license.Facts, r *license.Request) { r.Version = "" }), nil},
		{"updates ended", updates(-tick), nil},

		{"3 of 5", seats(3, 5), nil},
		{"4 of 5", seats(4, 5), []verdict.Warning{counted(verdict.LimitNear, 1)}},
		{"5 of 5", seats(5, 5), nil},
		{"6 of 5", seats(6, 5), []verdict.Warning{counted(verdict.OverLimit, 1)}},
		{"9 of 5", seats(9, 5), []verdict.Warning{counted(verdict.OverLimit, 4)}},
		{"1 of 2", seats(1, 2), []verdict.Warning{counted(verdict.LimitNear, 1)}},
		{"1 of 1", seats(1, 1), nil},
		{"0 of 1, activated before", seats(0, 1), []verdict.Warning{{Code: verdict.NoDeviceActive}}},
		{"0 of 5, activated before (E-03)", seats(0, 5), []verdict.Warning{{Code: verdict.NoDeviceActive}}},
		{"0 of 5, never activated", both(seats(0, 5), onLicense(func(l *license.License) { l.FirstActivatedAt = zero })), nil},
		{"0 without a limit, activated before", seats(0, license.Unlimited), []verdict.Warning{{Code: verdict.NoDeviceActive}}},
		{"9000 without a limit", seats(9000, license.Unlimited), nil},

		{"heard of 90 days ago", seen(now.Add(-300*day), now.Add(-90*day)), []verdict.Warning{stale}},
		{"heard of a microsecond later", seen(now.Add(-300*day), now.Add(-90*day+tick)), nil},
		{"never heard of since activation 90 days ago", seen(now.Add(-90*day), zero), []verdict.Warning{stale}},
		{"never heard of since activation yesterday", seen(now.Add(-day), zero), nil},

		{"several at once, dates first", both(ends(3*day, 0), updates(2*day), seats(6, 5), seen(now.Add(-300*day), zero)),
			[]verdict.Warning{dated(verdict.ExpiresSoon, 3*day, 3), dated(verdict.UpdatesEnding, 2*day, 2), counted(verdict.OverLimit, 1), stale}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := evaluated(verdict.Use, tc.change)
			if !v.Valid {
				t.Fatalf("invalid: %s", v.Code)
			}
			if diff := cmp.Diff(tc.want, v.Warnings); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestInvalidIsNotWarnedAbout(t *testing.T) {
	v := evaluated(verdict.Use, func(f *license.Facts, _ *license.Request) {
		f.License.ExpiresAt, f.Used, f.BlockedSince = now.Add(day), 9, now
	})
	if v.Valid || v.Warnings != nil {
		t.Errorf("valid %t, warnings %v", v.Valid, v.Warnings)
	}
}

func TestDaysLeft(t *testing.T) {
	for _, tc := range []struct {
		left time.Duration
		want int
	}{
		{-day, 0}, {-tick, 0}, {0, 0}, {tick, 1}, {time.Hour, 1}, {day - tick, 1}, {day, 1}, {day + tick, 2},
		{7 * day, 7}, {7*day + tick, 8}, {365 * day, 365},
	} {
		if got := license.DaysLeft(now.Add(tc.left), now); got != tc.want {
			t.Errorf("%v left reads as %d, want %d", tc.left, got, tc.want)
		}
	}
	if got := license.DaysLeft(license.Forever, now); got < 36_500 {
		t.Errorf("forever reads as %d days", got)
	}
	if got := license.DaysLeft(now, license.Forever); got != 0 {
		t.Errorf("the far past reads as %d days", got)
	}
}
