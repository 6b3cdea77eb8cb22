package license_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/internal/license"
)

func TestStatusIsReadInOneOrder(t *testing.T) {
	for _, tc := range []struct {
		name  string
		alter func(*license.License)
		want  license.Status
	}{
		{"in use", func(*license.License) {}, license.Active},
		{"owned, never activated", func(l *license.License) { l.FirstActivatedAt = zero }, license.Assigned},
		{"owned by nobody", func(l *license.License) { l.CustomerID, l.AssignedAt, l.FirstActivatedAt = "", zero, zero }, license.Available},
		{"suspended", func(l *license.License) { l.SuspendedAt = now }, license.Suspended},
		{"suspended, never activated", func(l *license.License) { l.SuspendedAt, l.FirstActivatedAt = now, zero }, license.Suspended},
		{"ended", func(l *license.License) { l.ExpiresAt = now }, license.Expired},
		{"ended before suspended", func(l *license.License) { l.ExpiresAt, l.SuspendedAt = now, now }, license.Expired},
		{"ended and owned by nobody", func(l *license.License) { l.ExpiresAt, l.CustomerID = now, "" }, license.Expired},
		{"revoked", func(l *license.License) { l.RevokedAt = now }, license.Revoked},
		{"revoked before ended", func(l *license.License) { l.RevokedAt, l.ExpiresAt = now, now.Add(-day) }, license.Revoked},
		{"revoked before suspended", func(l *license.License) { l.RevokedAt, l.SuspendedAt = now, now }, license.Revoked},
		{"one microsecond before its end", func(l *license.License) { l.ExpiresAt = now.Add(tick) }, license.Active},
		{"in grace", func(l *license.License) { l.ExpiresAt, l.Grace = now.Add(-day), 2*day }, license.Active},
		{"last microsecond of grace", func(l *license.License) { l.ExpiresAt, l.Grace = now.Add(-day), day+tick }, license.Active},
		{"at the end of grace", func(l *license.License) { l.ExpiresAt, l.Grace = now.Add(-day), day }, license.Expired},
		{"a pooled key does not age (E-06)", func(l *license.License) {
			l.CustomerID, l.AssignedAt, l.FirstActivatedAt, l.ExpiresAt = "", zero, zero, zero
			l.CreatedAt = now.AddDate(-10, 0, 0)
		}, license.Available},
		{"perpetual", func(l *license.License) { l.ExpiresAt = zero }, license.Active},
		{"not started yet is still its own status", func(l *license.License) { l.StartsAt = now.Add(day) }, license.Active},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := goodLicense()
			tc.alter(l)
			if got := l.Status(now); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// The status is the phase until the end comes, and the end changes only what
// is not revoked. Time alone moves a license only once, at its end.
func TestStatusAgreesWithPhaseAndEnd(t *testing.T) {
	for i := range uint64(rounds) {
		r := seeded(i)
		l := *r.license()
		for _, at := range []time.Time{zero, l.EndsAt().Add(-tick), l.EndsAt(), l.EndsAt().Add(tick), now, r.instant()} {
			want := l.Phase()
			if !at.Before(l.EndsAt()) && l.RevokedAt.IsZero() {
				want = license.Expired
			}
			if got := l.Status(at); got != want {
				t.Fatalf("seed %d: %s at %v, want %s", i, got, at, want)
			}
			if l.Ended(at) != !at.Before(l.EndsAt()) {
				t.Fatalf("seed %d: ended %t at %v", i, l.Ended(at), at)
			}
			if l.InGrace(at) && (l.Perpetual() || l.Ended(at) || at.Before(l.ExpiresAt)) {
				t.Fatalf("seed %d: in grace at %v", i, at)
			}
		}
		if l.Phase() == license.Expired || !l.Phase().Known() {
			t.Fatalf("seed %d: phase %s", i, l.Phase())
		}
	}
}

func TestEnd(t *testing.T) {
	l := license.License{}
	if got := l.EndsAt(); !got.Equal(license.Forever) || !l.Perpetual() {
		t.Errorf("without expiry ends at %v", got)
	}
	l.Grace = 30 * day
	if got := l.EndsAt(); !got.Equal(license.Forever) {
		t.Errorf("grace moved forever to %v", got)
	}
	l.ExpiresAt = now
	if got := l.EndsAt(); !got.Equal(now.Add(30*day)) || l.Perpetual() {
		t.Errorf("ends at %v", got)
	}
}

// P-DASH-04: expiring soon counts what still works and is not perpetual.
func TestEndsSoon(t *testing.T) {
	for _, tc := range []struct {
		name  string
		alter func(*license.License)
		want  bool
	}{
		{"in 31 days", func(l *license.License) { l.ExpiresAt = now.Add(31 * day) }, false},
		{"in 30 days", func(l *license.License) { l.ExpiresAt = now.Add(30 * day) }, true},
		{"in 30 days and a microsecond", func(l *license.License) { l.ExpiresAt = now.Add(30*day + tick) }, false},
		{"in a microsecond", func(l *license.License) { l.ExpiresAt = now.Add(tick) }, true},
		{"assigned", func(l *license.License) { l.ExpiresAt, l.FirstActivatedAt = now.Add(day), zero }, true},
		{"suspended", func(l *license.License) { l.ExpiresAt, l.SuspendedAt = now.Add(day), now }, true},
		{"in grace", func(l *license.License) { l.ExpiresAt, l.Grace = now.Add(-day), 2*day }, true},
		{"grace carries it past", func(l *license.License) { l.ExpiresAt, l.Grace = now.Add(20*day), 11*day }, false},
		{"expired", func(l *license.License) { l.ExpiresAt = now }, false},
		{"revoked", func(l *license.License) { l.ExpiresAt, l.RevokedAt = now.Add(day), now }, false},
		{"perpetual", func(l *license.License) { l.ExpiresAt = zero }, false},
		{"owned by nobody", func(l *license.License) { l.ExpiresAt, l.CustomerID = now.Add(day), "" }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := goodLicense()
			tc.alter(l)
			if got := l.EndsSoon(now, 30*day); got != tc.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func TestKnownStatuses(t *testing.T) {
	for _, s := range append(license.OwnedStatuses(), license.Available) {
		if !s.Known() {
			t.Errorf("%s is unknown", s)
		}
	}
	for _, s := range []license.Status{"", "inactive", "blocked", "ACTIVE"} { // E-01
		if s.Known() {
			t.Errorf("%q is known", s)
		}
	}
	for _, s := range license.OwnedStatuses() {
		if s == license.Available {
			t.Error("customers are offered licenses that nobody owns") // P-LIC-01
		}
	}
}
