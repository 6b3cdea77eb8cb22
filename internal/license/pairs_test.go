package license_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/verdict"
)

// breaker makes a license in order fail one check.
type breaker struct {
	code     verdict.Code
	in       []verdict.Purpose // where it can fail
	change   change
	silences []verdict.Code // checks that no longer apply because of it
}

// fails lists what the breaker makes fail. A suspension fails two checks at
// once where a device is added: that is what activation_paused says.
func (b breaker) fails(p verdict.Purpose) []verdict.Code {
	if b.code == verdict.Suspended && p == verdict.AddDevice {
		return []verdict.Code{verdict.Suspended, verdict.ActivationPaused}
	}
	return []verdict.Code{b.code}
}

func breakers() []breaker {
	all := purposes()
	return []breaker{
		{verdict.KeyUnknown, all, func(f *license.Facts, _ *license.Request) { f.License = nil }, verdict.Codes()[2:]},
		{verdict.Blocked, all, func(f *license.Facts, _ *license.Request) { f.BlockedSince = now.Add(-day) }, nil},
		{verdict.EnvironmentMismatch, all, func(_ *license.Facts, r *license.Request) { r.Environment = license.Staging }, nil},
		{verdict.ProductMismatch, all, func(_ *license.Facts, r *license.Request) { r.ProductID = otherProduct }, nil},
		{verdict.ProductInactive, all, func(f *license.Facts, _ *license.Request) { f.Product.KilledAt = now.Add(-day) }, nil},
		{verdict.NotAssigned, all, onKnown(func(l *license.License) { l.CustomerID = "" }), nil},
		{verdict.Revoked, all, onKnown(func(l *license.License) { l.RevokedAt = now.Add(-day) }), nil},
		{verdict.Expired, all, onKnown(func(l *license.License) { l.ExpiresAt = now.Add(-day) }), nil},
		{verdict.Suspended, all, onKnown(func(l *license.License) { l.SuspendedAt = now.Add(-day) }), nil},
		{verdict.NotStarted, all, onKnown(func(l *license.License) { l.StartsAt = now.Add(day) }), nil},
		{verdict.VersionNotEligible, all, onKnown(func(l *license.License) { l.MaxVersion = "7.x" }), nil},
		{verdict.FeatureMissing, all, func(_ *license.Facts, r *license.Request) { r.Features = []string{"sso"} }, nil},
		{verdict.IdentifierRequired, except(verdict.Download), func(f *license.Facts, r *license.Request) {
			f.Product.DeviceRequired, r.Device = true, nil
		}, aboutDevice},
		{verdict.IdentifierKind, all, func(_ *license.Facts, r *license.Request) {
			if r.Device != nil {
				r.Device = &license.Device{Identifier: "example.com", Kind: license.Domain}
			}
		}, nil},
		{verdict.NotActivated, onlyUse, func(f *license.Facts, _ *license.Request) { f.Device = nil }, []verdict.Code{verdict.SeatLapsed}},
		{verdict.SeatLapsed, onlyUse, func(f *license.Facts, _ *license.Request) {
			if f.Device != nil {
				f.Device.HoldUntil = now.Add(-day)
			}
		}, nil},
		{verdict.LimitReached, onlyAdd, func(f *license.Facts, _ *license.Request) { f.Used = 5 }, nil},
		{verdict.ClockSkew, all, func(_ *license.Facts, r *license.Request) { r.ClientTime = now.Add(day) }, nil},
		{verdict.ReleaseNotAvailable, onlyDownload, func(f *license.Facts, _ *license.Request) { f.Release.ReleasedAt = now.Add(day) }, nil},
		{verdict.OfflineNotAllowed, onlyOffline, func(f *license.Facts, _ *license.Request) { f.Product.OfflineAllowed = false }, nil},
	}
}

// onKnown alters the license where there is one.
func onKnown(alter func(*license.License)) change {
	return func(f *license.Facts, _ *license.Request) {
		if f.License != nil {
			alter(f.License)
		}
	}
}

// incompatible lists the pairs that cannot fail together, and why.
func incompatible() map[[2]verdict.Code]string {
	list := map[[2]verdict.Code]string{}
	add := func(why string, these, those []verdict.Code) {
		for _, a := range these {
			for _, b := range those {
				list[[2]verdict.Code{a, b}] = why
			}
		}
	}
	use := []verdict.Code{verdict.NotActivated, verdict.SeatLapsed}
	adding := []verdict.Code{verdict.LimitReached, verdict.ActivationPaused}
	fetch := []verdict.Code{verdict.ReleaseNotAvailable}
	file := []verdict.Code{verdict.OfflineNotAllowed}
	required := []verdict.Code{verdict.IdentifierRequired}

	add("nothing is known about a license that does not exist", []verdict.Code{verdict.KeyUnknown}, verdict.Codes()[2:])
	add("a revoked license has no activations left to pause", []verdict.Code{verdict.Revoked}, []verdict.Code{verdict.ActivationPaused})
	add("a device that is not named has no kind and no seat", required, aboutDevice)
	add("a download needs no device", required, fetch)
	add("a device that is not activated has no seat to lapse", []verdict.Code{verdict.NotActivated}, []verdict.Code{verdict.SeatLapsed})
	add("one is about using, the other about adding a device", use, adding)
	add("one is about using, the other about a download", use, fetch)
	add("one is about using, the other about an offline file", use, file)
	add("one is about adding a device, the other about a download", adding, fetch)
	add("one is about adding a device, the other about an offline file", adding, file)
	add("one is about a download, the other about an offline file", fetch, file)
	return list
}

func TestEachBreakerFailsItsCheckAlone(t *testing.T) {
	for _, b := range breakers() {
		for _, p := range b.in {
			t.Run(string(p)+"/"+string(b.code), func(t *testing.T) {
				v := evaluated(p, b.change)
				consistent(t, v)
				if got := failingCodes(v); !slices.Equal(got, b.fails(p)) {
					t.Errorf("failing %v, want %v", got, b.fails(p))
				}
			})
		}
	}
}

// Every two refusals at once: both are recorded as if they were alone, the
// code is the earlier one's, and nothing else changes (C-LCY-08, P-LICD-12).
func TestEveryPairOfFailures(t *testing.T) {
	never, seen := incompatible(), map[[2]verdict.Code]bool{}
	list := breakers()
	for i, a := range list {
		for _, b := range list[i+1:] {
			for _, p := range a.in {
				if !slices.Contains(b.in, p) || never[[2]verdict.Code{a.code, b.code}] != "" {
					continue
				}
				if a.code == verdict.Revoked && b.code == verdict.Suspended && p == verdict.AddDevice {
					continue // pinned in TestActivationPaused: revoking ends the pause
				}
				t.Run(string(a.code)+"+"+string(b.code)+"/"+string(p), func(t *testing.T) { runPair(t, a, b, p) })
				remember(seen, append(a.fails(p), b.fails(p)...))
			}
		}
	}
	everyPairIsAccountedFor(t, seen, never)
}

func runPair(t *testing.T, a, b breaker, p verdict.Purpose) {
	got, neither := evaluated(p, a.change, b.change), evaluated(p)
	consistent(t, got)
	alone := map[verdict.Code]verdict.Verdict{}
	for _, one := range []breaker{a, b} {
		for _, code := range one.fails(p) {
			alone[code] = evaluated(p, one.change)
		}
	}
	if got.Code != a.code {
		t.Errorf("code %s, want the earlier one, %s", got.Code, a.code)
	}
	for _, c := range got.Checks {
		v, broken := alone[c.Code]
		switch {
		case broken:
			want, _ := v.Check(c.Code)
			if diff := cmp.Diff(want, c) + cmp.Diff(v.FixesFor(c.Code), got.FixesFor(c.Code)); diff != "" {
				t.Errorf("%s differs from its failing alone (-alone +pair):\n%s", c.Code, diff)
			}
		case slices.Contains(a.silences, c.Code), slices.Contains(b.silences, c.Code):
			if c.Outcome != verdict.Skipped {
				t.Errorf("%s is %s, want skipped", c.Code, c.Outcome)
			}
		default:
			want, _ := neither.Check(c.Code)
			if diff := cmp.Diff(want, c); diff != "" {
				t.Errorf("%s changed (-before +pair):\n%s", c.Code, diff)
			}
		}
	}
}

// remember notes that all pairs of these codes failed together.
func remember(seen map[[2]verdict.Code]bool, codes []verdict.Code) {
	order := verdict.Codes()
	slices.SortFunc(codes, func(a, b verdict.Code) int { return slices.Index(order, a) - slices.Index(order, b) })
	for i, a := range codes {
		for _, b := range codes[i+1:] {
			seen[[2]verdict.Code{a, b}] = true
		}
	}
}

func everyPairIsAccountedFor(t *testing.T, seen map[[2]verdict.Code]bool, never map[[2]verdict.Code]string) {
	t.Helper()
	codes := verdict.Codes()
	pairs := 0
	for i, a := range codes {
		for _, b := range codes[i+1:] {
			pairs++
			pair := [2]verdict.Code{a, b}
			if seen[pair] == (never[pair] != "") {
				t.Errorf("%s and %s: failed together %t, cannot %q", a, b, seen[pair], never[pair])
			}
		}
	}
	if pairs != 210 || len(never) > pairs {
		t.Errorf("%d pairs, %d of them impossible", pairs, len(never))
	}
}

// The pairs said to be impossible are: both breakers together never fail both.
func TestIncompatiblePairsNeverFailTogether(t *testing.T) {
	by := map[verdict.Code]breaker{}
	for _, b := range breakers() {
		by[b.code] = b
	}
	by[verdict.ActivationPaused] = by[verdict.Suspended]
	for pair, why := range incompatible() {
		for _, p := range purposes() {
			v := evaluated(p, by[pair[0]].change, by[pair[1]].change)
			failing := failingCodes(v)
			if slices.Contains(failing, pair[0]) && slices.Contains(failing, pair[1]) {
				t.Errorf("%s and %s fail together for %s, though %s", pair[0], pair[1], p, why)
			}
		}
	}
}

// Everything wrong at once is explained all at once, in order.
func TestEverythingFailsAtOnce(t *testing.T) {
	for _, p := range purposes() {
		t.Run(string(p), func(t *testing.T) {
			var changes []change
			var want []verdict.Code
			for _, b := range breakers() {
				impossible := b.code == verdict.KeyUnknown || b.code == verdict.IdentifierRequired ||
					b.code == verdict.SeatLapsed || b.code == verdict.Revoked
				if impossible || !slices.Contains(b.in, p) {
					continue
				}
				changes, want = append(changes, b.change), append(want, b.fails(p)...)
			}
			order := verdict.Codes()
			slices.SortFunc(want, func(a, b verdict.Code) int { return slices.Index(order, a) - slices.Index(order, b) })
			v := evaluated(p, changes...)
			consistent(t, v)
			if diff := cmp.Diff(want, failingCodes(v)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
