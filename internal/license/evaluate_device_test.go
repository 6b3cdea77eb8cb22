package license_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/verdict"
)

// The checks about the asking device: identifier, kind, seat, clock.

func unnamed(_ *license.Facts, r *license.Request) { r.Device = nil }

// aboutDevice are the checks that need a named device.
var aboutDevice = []verdict.Code{verdict.IdentifierKind, verdict.NotActivated, verdict.SeatLapsed}

func TestIdentifierRequired(t *testing.T) {
	required := onProduct(func(p *license.Product) { p.DeviceRequired = true })
	called := func(identifier string, kind license.Kind) change {
		return func(_ *license.Facts, r *license.Request) {
			r.Device = &license.Device{Identifier: identifier, Kind: kind}
		}
	}
	fail := verdict.Check{Outcome: verdict.Fail, Source: verdict.FromProduct}
	skip := func(why verdict.SkipReason) verdict.Check {
		return verdict.Check{Outcome: verdict.Skipped, Skip: why, Source: verdict.FromProduct}
	}
	runChecks(t, verdict.IdentifierRequired, []checkCase{
		{name: "named", want: verdict.Check{Outcome: verdict.Pass, Source: verdict.FromProduct}},
		{name: "named where it must be", change: required, want: verdict.Check{Outcome: verdict.Pass, Source: verdict.FromProduct}},
		{name: "not named, not needed", in: onlyUse, change: unnamed, want: skip(verdict.SkipNoDevice), also: aboutDevice},
		{name: "not named, but the product wants one", in: onlyUse, change: both(unnamed, required), want: fail, also: aboutDevice},
		{name: "a seat needs a device", in: onlyAdd, change: unnamed, want: fail, also: aboutDevice},
		{name: "an offline file needs a device", in: onlyOffline, change: unnamed, want: fail, also: aboutDevice},
		{name: "a download needs none", in: onlyDownload, change: both(unnamed, required), want: skip(verdict.SkipOtherPurpose), also: aboutDevice},
		{name: "an empty name is none", in: onlyUse, change: called("", license.Hardware), want: skip(verdict.SkipNoDevice), also: aboutDevice},
		{name: "a blank name is none", in: onlyAdd, change: called(" \t", license.Hardware), want: fail, also: aboutDevice},
		{name: "a domain of nothing is none", in: onlyAdd, change: called("https://", license.Domain), want: fail, also: aboutDevice},
		{name: "about the whole license", change: wholly, want: skip(verdict.SkipNoDevice), also: aboutDevice},
		{name: "about the whole license where devices must be named", change: both(wholly, required), want: skip(verdict.SkipNoDevice), also: aboutDevice},
	})
}

func wholly(_ *license.Facts, r *license.Request) { r.Whole = true }

// P-LICD-09, C-PRD-05
func TestIdentifierKind(t *testing.T) {
	accepts := func(hardware, domain bool) change {
		return onProduct(func(p *license.Product) { p.AcceptsHardware, p.AcceptsDomain = hardware, domain })
	}
	kind := func(k license.Kind) change {
		return func(_ *license.Facts, r *license.Request) {
			r.Device = &license.Device{Identifier: "example.com", Kind: k}
		}
	}
	check := func(o verdict.Outcome, observed string, required ...string) verdict.Check {
		return verdict.Check{Outcome: o, Source: verdict.FromProduct, Observed: verdict.Text(observed), Required: verdict.List(required)}
	}
	skip := verdict.Check{Outcome: verdict.Skipped, Skip: verdict.SkipNoDevice, Source: verdict.FromProduct, Required: verdict.List([]string{"hardware"})}
	runChecks(t, verdict.IdentifierKind, []checkCase{
		{name: "hardware where hardware is accepted", want: check(verdict.Pass, "hardware", "hardware")},
		{name: "hardware where both are", change: accepts(true, true), want: check(verdict.Pass, "hardware", "hardware", "domain")},
		{name: "domain where both are", change: both(accepts(true, true), kind(license.Domain)), want: check(verdict.Pass, "domain", "hardware", "domain")},
		{name: "domain where domains are", change: both(accepts(false, true), kind(license.Domain)), want: check(verdict.Pass, "domain", "domain")},
		{name: "hardware where only domains are", change: accepts(false, true), want: check(verdict.Fail, "hardware", "domain")},
		{name: "domain where only hardware is", change: kind(license.Domain), want: check(verdict.Fail, "domain", "hardware")},
		{name: "nothing is accepted", change: accepts(false, false), want: check(verdict.Fail, "hardware")},
		{name: "no such kind", change: kind("usb"), want: check(verdict.Fail, "usb", "hardware")},
		{name: "no kind", change: kind(""), want: check(verdict.Fail, "", "hardware")},
		{name: "no device", in: []verdict.Purpose{verdict.Use, verdict.Download}, change: unnamed, want: skip,
			also: []verdict.Code{verdict.IdentifierRequired, verdict.NotActivated, verdict.SeatLapsed}},
		{name: "about the whole license", change: wholly, want: skip,
			also: []verdict.Code{verdict.IdentifierRequired, verdict.NotActivated, verdict.SeatLapsed}},
	})
}

// C-LCY-08
func TestActivated(t *testing.T) {
	lapses := []verdict.Code{verdict.SeatLapsed}
	gone := func(f *license.Facts, _ *license.Request) { f.Device = nil }
	check := func(o verdict.Outcome, observed verdict.Value) verdict.Check {
		return verdict.Check{Outcome: o, Source: verdict.FromLicense, Observed: observed}
	}
	skip := func(why verdict.SkipReason) verdict.Check {
		return verdict.Check{Outcome: verdict.Skipped, Skip: why, Source: verdict.FromLicense}
	}
	runChecks(t, verdict.NotActivated, []checkCase{
		{name: "not a question of this purpose", in: except(verdict.Use), want: skip(verdict.SkipOtherPurpose)},
		{name: "activated", in: onlyUse, want: check(verdict.Pass, verdict.Time(now.Add(-10*day)))},
		{name: "not activated", in: onlyUse, change: gone, want: check(verdict.Fail, verdict.Value{}), also: lapses},
		{name: "a device that nearly matches is named", in: onlyUse, change: both(gone, func(f *license.Facts, _ *license.Request) {
			f.Nearly = &license.Activation{Identifier: "hw-11", Name: "Ada's desktop"}
		}), want: check(verdict.Fail, verdict.Text("Ada's desktop")), also: lapses},
		{name: "a nameless one by its identifier", in: onlyUse, change: both(gone, func(f *license.Facts, _ *license.Request) {
			f.Nearly = &license.Activation{Identifier: "hw-11"}
		}), want: check(verdict.Fail, verdict.Text("hw-11")), also: lapses},
		{name: "deactivated is not activated", in: onlyUse, change: func(f *license.Facts, _ *license.Request) {
			f.Device.EndedAt = now.Add(-day)
		}, want: check(verdict.Fail, verdict.Value{}), also: lapses},
		{name: "no device named", in: onlyUse, change: unnamed, want: skip(verdict.SkipNoDevice),
			also: []verdict.Code{verdict.IdentifierRequired, verdict.IdentifierKind, verdict.SeatLapsed}},
	})
}

func TestSeatHeld(t *testing.T) {
	check := func(o verdict.Outcome, until time.Time) verdict.Check {
		c := verdict.Check{Outcome: o, Source: verdict.FromLicense, Required: verdict.Time(until)}
		if o == verdict.Fail {
			c.Since = at(until)
		}
		return c
	}
	skip := func(why verdict.SkipReason) verdict.Check {
		return verdict.Check{Outcome: verdict.Skipped, Skip: why, Source: verdict.FromLicense}
	}
	runChecks(t, verdict.SeatLapsed, []checkCase{
		{name: "not a question of this purpose", in: except(verdict.Use), want: skip(verdict.SkipOtherPurpose)},
		{name: "a fixed seat is held", in: onlyUse, want: check(verdict.Pass, zero)},
		{name: "a floating seat is held", in: onlyUse, change: heldUntil(now.Add(time.Hour)), want: check(verdict.Pass, now.Add(time.Hour))},
		{name: "one microsecond before it lapses", in: onlyUse, change: heldUntil(now.Add(tick)), want: check(verdict.Pass, now.Add(tick))},
		{name: "at the instant it lapses", in: onlyUse, change: heldUntil(now), want: check(verdict.Fail, now)},
		{name: "long lapsed", in: onlyUse, change: heldUntil(now.Add(-day)), want: check(verdict.Fail, now.Add(-day))},
		{name: "a microsecond before it is forgotten", in: onlyUse, change: heldUntil(now.Add(tick - license.LapsedKept)),
			want: check(verdict.Fail, now.Add(tick-license.LapsedKept))},
		{name: "forgotten, as if there had been none", in: onlyUse, change: heldUntil(now.Add(-license.LapsedKept)),
			want: skip(verdict.SkipNoDevice), also: []verdict.Code{verdict.NotActivated}},
		{name: "no activation, no lapse", in: onlyUse, change: func(f *license.Facts, _ *license.Request) { f.Device = nil },
			want: skip(verdict.SkipNoDevice), also: []verdict.Code{verdict.NotActivated}},
		{name: "no device named", in: onlyUse, change: unnamed, want: skip(verdict.SkipNoDevice),
			also: []verdict.Code{verdict.IdentifierRequired, verdict.IdentifierKind, verdict.NotActivated}},
	})
}

// P-LICD-08, C-LCY-04, C-LCY-06
func TestSeatFree(t *testing.T) {
	seats := func(used, limit int) change {
		return func(f *license.Facts, _ *license.Request) { f.Used, f.License.Limit = used, limit }
	}
	check := func(o verdict.Outcome, used int, limit verdict.Value) verdict.Check {
		return verdict.Check{Outcome: o, Source: verdict.FromLicense, Observed: verdict.Number(used), Required: limit}
	}
	five := verdict.Number(5)
	runChecks(t, verdict.LimitReached, []checkCase{
		{name: "not a question of this purpose", in: except(verdict.AddDevice), change: seats(5, 5),
			want: verdict.Check{Outcome: verdict.Skipped, Skip: verdict.SkipOtherPurpose, Source: verdict.FromLicense}},
		{name: "2 of 5", in: onlyAdd, want: check(verdict.Pass, 2, five)},
		{name: "0 of 5", in: onlyAdd, change: seats(0, 5), want: check(verdict.Pass, 0, five)},
		{name: "4 of 5", in: onlyAdd, change: seats(4, 5), want: check(verdict.Pass, 4, five)},
		{name: "5 of 5", in: onlyAdd, change: seats(5, 5), want: check(verdict.Fail, 5, five)},
		{name: "7 of 5, the limit was lowered", in: onlyAdd, change: seats(7, 5), want: check(verdict.Fail, 7, five)},
		{name: "1 of 1", in: onlyAdd, change: seats(1, 1), want: check(verdict.Fail, 1, verdict.Number(1))},
		{name: "without a limit (E-05)", in: onlyAdd, change: seats(9000, license.Unlimited), want: check(verdict.Pass, 9000, verdict.Text("unlimited"))},
		{name: "5 of 5 and this device is one of them", in: onlyAdd, change: both(seats(5, 5), returning), want: check(verdict.Pass, 5, five)},
		{name: "7 of 5 and this device is one of them", in: onlyAdd, change: both(seats(7, 5), returning), want: check(verdict.Pass, 7, five)},
		{name: "5 of 5 and this device's seat lapses now", in: onlyAdd, change: both(seats(5, 5), returning, heldUntil(now)), want: check(verdict.Fail, 5, five)},
		{name: "5 of 5 and this device's seat lapses next", in: onlyAdd, change: both(seats(5, 5), returning, heldUntil(now.Add(tick))), want: check(verdict.Pass, 5, five)},
		{name: "4 of 5 and this device's seat lapsed", in: onlyAdd, change: both(seats(4, 5), returning, heldUntil(now)), want: check(verdict.Pass, 4, five)},
	})
}

func TestActivationPaused(t *testing.T) {
	suspended := onLicense(func(l *license.License) { l.SuspendedAt, l.SuspendReason = now.Add(-day), license.Abuse })
	runChecks(t, verdict.ActivationPaused, []checkCase{
		{name: "not a question of this purpose", in: except(verdict.AddDevice), change: suspended, also: []verdict.Code{verdict.Suspended},
			want: verdict.Check{Outcome: verdict.Skipped, Skip: verdict.SkipOtherPurpose, Source: verdict.FromLicense}},
		{name: "not paused", in: onlyAdd, want: verdict.Check{Outcome: verdict.Pass, Source: verdict.FromLicense}},
		{name: "paused with the license", in: onlyAdd, change: suspended, also: []verdict.Code{verdict.Suspended},
			want: verdict.Check{Outcome: verdict.Fail, Source: verdict.FromLicense, Since: at(now.Add(-day)), Reason: "abuse"}},
		{name: "nothing is left to pause once revoked", in: onlyAdd, also: []verdict.Code{verdict.Suspended, verdict.Revoked},
			change: both(suspended, onLicense(func(l *license.License) { l.RevokedAt = now })),
			want:   verdict.Check{Outcome: verdict.Pass, Source: verdict.FromLicense}},
	})
}

func TestClock(t *testing.T) {
	says := func(client time.Time) change {
		return func(_ *license.Facts, r *license.Request) { r.ClientTime = client }
	}
	check := func(o verdict.Outcome, client time.Time) verdict.Check {
		return verdict.Check{Outcome: o, Source: verdict.FromProduct, Observed: verdict.Time(client), Required: verdict.Time(now)}
	}
	skip := func(why verdict.SkipReason) verdict.Check {
		return verdict.Check{Outcome: verdict.Skipped, Skip: why, Source: verdict.FromProduct}
	}
	five := 5 * time.Minute
	runChecks(t, verdict.ClockSkew, []checkCase{
		{name: "right", want: check(verdict.Pass, now)},
		{name: "not told", change: says(zero), want: skip(verdict.SkipNotAsked)},
		{name: "wrong, but the product does not mind", change: both(says(now.Add(100*day)), onProduct(func(p *license.Product) { p.MaxSkew = 0 })), want: skip(verdict.SkipNoRule)},
		{name: "ahead by all that is allowed", change: says(now.Add(five)), want: check(verdict.Pass, now.Add(five))},
		{name: "ahead by a microsecond too much", change: says(now.Add(five + tick)), want: check(verdict.Fail, now.Add(five+tick))},
		{name: "behind by all that is allowed", change: says(now.Add(-five)), want: check(verdict.Pass, now.Add(-five))},
		{name: "behind by a microsecond too much", change: says(now.Add(-five - tick)), want: check(verdict.Fail, now.Add(-five-tick))},
		{name: "a thousand years ahead", change: says(now.AddDate(1000, 0, 0)), want: check(verdict.Fail, now.AddDate(1000, 0, 0))},
		{name: "a thousand years behind", change: says(now.AddDate(-1000, 0, 0)), want: check(verdict.Fail, now.AddDate(-1000, 0, 0))},
		{name: "beyond what can be written", change: says(now.AddDate(20_000, 0, 0)),
			want: verdict.Check{Outcome: verdict.Fail, Source: verdict.FromProduct, Required: verdict.Time(now)}},
	})
}
