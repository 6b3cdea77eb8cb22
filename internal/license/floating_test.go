package license_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/license"
)

func TestHoldUntil(t *testing.T) {
	fixed, floating := license.License{}, license.License{HoldFor: 15 * time.Minute}
	if fixed.Floating() || !fixed.HoldUntil(now).IsZero() {
		t.Error("a license without a hold has floating seats")
	}
	if !floating.Floating() || !floating.HoldUntil(now).Equal(now.Add(15*time.Minute)) {
		t.Errorf("a floating seat is held until %s", floating.HoldUntil(now))
	}
}

func TestRenewed(t *testing.T) {
	l := license.License{HoldFor: time.Hour}
	for name, tc := range map[string]struct{ held, want time.Time }{
		"a fixed seat stays fixed":            {zero, zero},
		"a floating seat is held for longer":  {now.Add(tick), now.Add(time.Hour)},
		"a hold that ends later stays":        {now.Add(2 * time.Hour), now.Add(2 * time.Hour)},
		"a hold that ends then is as it was":  {now.Add(time.Hour), now.Add(time.Hour)},
		"one microsecond earlier is moved on": {now.Add(time.Hour - tick), now.Add(time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			if got := (license.Activation{HoldUntil: tc.held}).Renewed(l, now); !got.HoldUntil.Equal(tc.want) {
				t.Errorf("held until %s, want %s", got.HoldUntil, tc.want)
			}
		})
	}
}

func TestNextFree(t *testing.T) {
	held := func(until time.Time) license.Activation { return license.Activation{HoldUntil: until} }
	ended := held(now.Add(tick))
	ended.EndedAt = now
	for name, tc := range map[string]struct {
		devices []license.Activation
		want    time.Time
	}{
		"nobody":                             {nil, zero},
		"fixed seats are never free":         {[]license.Activation{held(zero)}, zero},
		"the one that lapses first":          {[]license.Activation{held(zero), held(now.Add(day)), held(now.Add(time.Hour))}, now.Add(time.Hour)},
		"lapsed and ended ones do not count": {[]license.Activation{held(now), ended, held(now.Add(day))}, now.Add(day)},
	} {
		t.Run(name, func(t *testing.T) {
			if got := license.NextFree(tc.devices, now); !got.Equal(tc.want) {
				t.Errorf("free at %s, want %s", got, tc.want)
			}
		})
	}
}

// What lapsed ended when it lapsed, whoever ends it afterwards.
func TestOver(t *testing.T) {
	for name, tc := range map[string]struct {
		held, at time.Time
		why      license.Reason
	}{
		"a fixed seat":                 {zero, now, license.ByOwner},
		"a floating seat in its hold":  {now.Add(tick), now, license.ByOwner},
		"at the instant it lapses":     {now, now, license.Lapse},
		"a floating seat after a day":  {now.Add(-day), now.Add(-day), license.Lapse},
		"a floating seat long lapsed":  {now.Add(-30 * day), now.Add(-30 * day), license.Lapse},
		"the last microsecond of hold": {now.Add(tick), now, license.ByOwner},
	} {
		t.Run(name, func(t *testing.T) {
			got := license.Activation{HoldUntil: tc.held}.Over(now, license.ByOwner)
			if !got.EndedAt.Equal(tc.at) || got.EndReason != tc.why || got.HoldsSeat(now) {
				t.Errorf("ended %s, %s", got.EndedAt, got.EndReason)
			}
		})
	}
}

// A verdict never depends on whether a sweep ran: what it may tidy counts as
// if it were gone.
func TestForgottenSeatsChangeNoVerdict(t *testing.T) {
	r := seeded(16)
	for range 5000 {
		f, req := r.facts(), r.request()
		if f.Device == nil || f.License == nil {
			continue
		}
		f.Device.EndedAt, f.Device.HoldUntil = time.Time{}, now.Add(-license.LapsedKept-time.Duration(r.IntN(3))*day)
		swept := f
		swept.Device = nil
		if a, b := license.Evaluate(f, req, now), license.Evaluate(swept, req, now); !reflect.DeepEqual(a, b) {
			t.Fatalf("before: %+v\nafter: %+v", a, b)
		}
	}
}
