package license_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/verdict"
)

// The checks about releases and offline files.

func TestRelease(t *testing.T) {
	released := func(when time.Time) change {
		return func(f *license.Facts, _ *license.Request) { f.Release.ReleasedAt = when }
	}
	check := func(o verdict.Outcome, when time.Time) verdict.Check {
		return verdict.Check{Outcome: o, Source: verdict.FromProduct, Observed: verdict.Time(when)}
	}
	runChecks(t, verdict.ReleaseNotAvailable, []checkCase{
		{name: "not a question of this purpose", in: except(verdict.Download), change: released(now.Add(day)),
			want: verdict.Check{Outcome: verdict.Skipped, Skip: verdict.SkipOtherPurpose, Source: verdict.FromProduct}},
		{name: "released", in: onlyDownload, want: check(verdict.Pass, now.Add(-20*day))},
		{name: "released at this instant", in: onlyDownload, change: released(now), want: check(verdict.Pass, now)},
		{name: "one microsecond before its release", in: onlyDownload, change: released(now.Add(tick)), want: check(verdict.Fail, now.Add(tick))},
		{name: "released next week", in: onlyDownload, change: released(now.Add(7 * day)), want: check(verdict.Fail, now.Add(7*day))},
		{name: "no such release", in: onlyDownload, change: func(f *license.Facts, _ *license.Request) { f.Release = nil },
			want: verdict.Check{Outcome: verdict.Fail, Source: verdict.FromProduct}},
	})
}

func TestOffline(t *testing.T) {
	files := func(issued, allowed int) change {
		return func(f *license.Facts, _ *license.Request) { f.OfflineFiles, f.OfflineLimit = issued, allowed }
	}
	switchedOff := onProduct(func(p *license.Product) { p.OfflineAllowed = false })
	check := func(o verdict.Outcome, issued, allowed int) verdict.Check {
		return verdict.Check{Outcome: o, Source: verdict.FromProduct, Observed: verdict.Number(issued), Required: verdict.Number(allowed)}
	}
	runChecks(t, verdict.OfflineNotAllowed, []checkCase{
		{name: "not a question of this purpose", in: except(verdict.Offline), change: switchedOff,
			want: verdict.Check{Outcome: verdict.Skipped, Skip: verdict.SkipOtherPurpose, Source: verdict.FromProduct}},
		{name: "allowed without bound", in: onlyOffline, change: files(100, 0), want: verdict.Check{Outcome: verdict.Pass, Source: verdict.FromProduct}},
		{name: "one file left", in: onlyOffline, change: files(2, 3), want: check(verdict.Pass, 2, 3)},
		{name: "all files in use", in: onlyOffline, change: files(3, 3), want: check(verdict.Fail, 3, 3)},
		{name: "more than all files in use", in: onlyOffline, change: files(4, 3), want: check(verdict.Fail, 4, 3)},
		{name: "not allowed", in: onlyOffline, change: switchedOff, want: verdict.Check{Outcome: verdict.Fail, Source: verdict.FromProduct}},
		{name: "not allowed, however many files are left", in: onlyOffline, change: both(switchedOff, files(0, 3)),
			want: verdict.Check{Outcome: verdict.Fail, Source: verdict.FromProduct}},
	})
}
