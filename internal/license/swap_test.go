package license_test

import (
	"bytes"
	"crypto/rand"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/verdict"
)

// P-ACT-25, U-05: how many changes are left, and when the next one is free.
func TestSwapPolicy(t *testing.T) {
	three := license.SwapPolicy{Allowed: 3, Period: 30 * day, CoolDown: day}
	ago := func(times ...time.Duration) []time.Time {
		var list []time.Time
		for _, d := range times {
			list = append(list, now.Add(-d))
		}
		return list
	}
	for _, tc := range []struct {
		name    string
		policy  license.SwapPolicy
		changes []time.Time // the latest first
		want    license.Swaps
		n       int // devices to change at once; 0 is 1
		refused string
	}{
		{name: "no policy", changes: ago(tick, tick, tick)},
		{name: "none used", policy: three, want: license.Swaps{Left: 3}},
		{name: "one used, and cool", policy: three, changes: ago(day), want: license.Swaps{Left: 2, BackAt: now.Add(29 * day)}},
		{name: "one used, not yet cool", policy: three, changes: ago(day - tick),
			want: license.Swaps{Left: 2, BackAt: now.Add(29*day + tick), NextAt: now.Add(tick)}, refused: "swap_cooling_down"},
		{name: "two used: the older comes back first", policy: three, changes: ago(2*day, 20*day), want: license.Swaps{Left: 1, BackAt: now.Add(10 * day)}},
		{name: "all used", policy: three, changes: ago(2*day, 20*day, 29*day),
			want: license.Swaps{BackAt: now.Add(day), NextAt: now.Add(day)}, refused: "swaps_used_up"},
		{name: "all used, and cooling for longer", policy: license.SwapPolicy{Allowed: 1, Period: day, CoolDown: 5 * day}, changes: ago(time.Hour),
			want: license.Swaps{BackAt: now.Add(23 * time.Hour), NextAt: now.Add(5*day - time.Hour)}, refused: "swaps_used_up"},
		{name: "more than the policy now allows", policy: license.SwapPolicy{Allowed: 1, Period: 30 * day}, changes: ago(2*day, 20*day),
			want: license.Swaps{BackAt: now.Add(28 * day), NextAt: now.Add(28 * day)}, refused: "swaps_used_up"},
		{name: "one comes back at the instant its period is over", policy: three, changes: ago(2*day, 20*day, 30*day), want: license.Swaps{Left: 1, BackAt: now.Add(10 * day)}},
		{name: "a cool-down alone", policy: license.SwapPolicy{CoolDown: day}, changes: ago(time.Hour),
			want: license.Swaps{NextAt: now.Add(23 * time.Hour)}, refused: "swap_cooling_down"},
		{name: "too many at once", policy: three, changes: ago(2 * day), n: 3, want: license.Swaps{Left: 2, BackAt: now.Add(28 * day)}, refused: "swaps_too_few"},
		{name: "just enough at once", policy: three, changes: ago(2 * day), n: 2, want: license.Swaps{Left: 2, BackAt: now.Add(28 * day)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.want.Policy = tc.policy
			got := tc.policy.Count(tc.changes, now)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			code := ""
			if f := got.Refuse(max(1, tc.n)); f != nil {
				code = f.Code
			}
			if code != tc.refused {
				t.Errorf("refused as %q, want %q", code, tc.refused)
			}
		})
	}
}

func TestReservationState(t *testing.T) {
	r := license.Reservation{CreatedAt: now, ExpiresAt: now.Add(license.ReservedFor)}
	used, released := r, r
	used.UsedAt, released.ReleasedAt = now, now
	for _, tc := range []struct {
		r    license.Reservation
		at   time.Time
		want license.ReservationState
	}{
		{r, now.Add(15*time.Minute - tick), license.ReservationOpen}, {r, now.Add(15 * time.Minute), license.ReservationExpired},
		{used, now.Add(day), license.ReservationUsed}, {released, now.Add(day), license.ReservationReleased},
	} {
		if got := tc.r.State(tc.at); got != tc.want {
			t.Errorf("at %s it is %s, want %s", tc.at, got, tc.want)
		}
	}
}

// A reserved seat is taken for all but the one that it is kept for.
func TestReservedSeats(t *testing.T) {
	mine := &license.Reservation{}
	for _, tc := range []struct {
		name           string
		used, reserved int
		mine           *license.Reservation
		claim          string
		code           verdict.Code
		reason         string
	}{
		{"free beside a reserved one", 3, 1, nil, "", verdict.Valid, ""},
		{"the last one is reserved", 4, 1, nil, "", verdict.LimitReached, ""},
		{"it is reserved for this device", 4, 1, mine, "", verdict.Valid, ""},
		{"a wrong code", 4, 1, nil, "WRONG", verdict.LimitReached, verdict.ClaimRefused},
		{"a code without any reserved seat", 5, 0, nil, "LATE", verdict.LimitReached, verdict.ClaimRefused},
		{"a wrong code where a seat is free", 3, 1, nil, "WRONG", verdict.Valid, ""},
		{"reserved seats fill the limit", 3, 2, mine, "", verdict.Valid, ""},
		{"the limit was lowered since", 5, 1, mine, "", verdict.LimitReached, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := evaluated(verdict.AddDevice, func(f *license.Facts, r *license.Request) {
				f.Used, f.Reserved, f.Reservation, r.Claim = tc.used, tc.reserved, tc.mine, tc.claim
			})
			c, _ := v.Check(verdict.LimitReached)
			if v.Code != tc.code || c.Reason != tc.reason || *c.Observed.Number != tc.used+tc.reserved {
				t.Errorf("got %s, check %+v", v.Code, c)
			}
		})
	}
	t.Run("and using the license does not depend on it", func(t *testing.T) {
		v := evaluated(verdict.Use, func(f *license.Facts, _ *license.Request) { f.Reserved = 9 })
		if !v.Valid {
			t.Errorf("got %s", v.Code)
		}
	})
}

func TestMayReserve(t *testing.T) {
	for _, tc := range []struct {
		limit, taken int
		ok           bool
	}{{5, 5, true}, {5, 4, true}, {5, 6, false}, {license.Unlimited, 900, true}} {
		if got := license.MayReserve(license.License{Limit: tc.limit}, tc.taken) == nil; got != tc.ok {
			t.Errorf("%d of %d: %t", tc.taken, tc.limit, got)
		}
	}
}

func TestClaimCodes(t *testing.T) {
	form := regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$`)
	seen, letters := map[string]bool{}, map[rune]bool{}
	for range 2000 {
		code, err := license.NewClaim(rand.Reader)
		if err != nil || !form.MatchString(code) || seen[code] {
			t.Fatalf("%q, %v", code, err)
		}
		seen[code] = true
		for _, r := range code {
			letters[r] = true
		}
	}
	if len(letters) != 33 { // 40 bits
		t.Errorf("%d letters were drawn", len(letters)-1)
	}
	if license.FoldClaim(" 7k2m 9qro") != license.FoldClaim("7K2M-9QR0") {
		t.Error("a code that is read out does not fit")
	}
	if _, err := license.NewClaim(bytes.NewReader([]byte("short"))); err == nil {
		t.Error("without randomness there is a code")
	}
}

func TestConfirmsAll(t *testing.T) {
	for typed, want := range map[string]bool{"5": true, " 5 ": true, "4": false, "": false, "cartograph  pro": true, "Cartograph Pro ": true, "Cartograph": false} {
		if got := license.ConfirmsAll(typed, 5, "Cartograph Pro"); got != want {
			t.Errorf("%q: %t", typed, got)
		}
	}
}

func TestCheckLabel(t *testing.T) { // P-ACT-24
	for in, want := range map[string]string{"  Front desk ": "Front desk", "": "", strings.Repeat("ü", 80): strings.Repeat("ü", 80)} {
		if got, err := license.CheckLabel(in); err != nil || got != want {
			t.Errorf("%q becomes %q (%v)", in, got, err)
		}
	}
	for _, in := range []string{strings.Repeat("a", 81), "a\x00b", "a\u202eb", "a\nb", "\xff"} {
		if _, err := license.CheckLabel(in); err == nil || err.Fields[0].Name != "label" {
			t.Errorf("%q: %v", in, err)
		}
	}
	a := license.Activation{Identifier: "hw-1", Name: "HOST", Label: "Front desk"}
	if a.DisplayName() != "Front desk" {
		t.Errorf("it is called %q", a.DisplayName())
	}
}
