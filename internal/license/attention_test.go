package license_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/internal/license"
)

// What needs its owner, at each boundary instant.
func TestAttention(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 41, 0, 0, time.UTC)
	const day = 24 * time.Hour
	owned := func(used int, change func(*license.License)) license.Owned {
		l := license.License{CustomerID: "c", AssignedAt: now, FirstActivatedAt: now, Limit: 2, ExpiresAt: now.Add(100 * day)}
		if change != nil {
			change(&l)
		}
		return license.Owned{License: l, Used: used}
	}
	ends := func(in time.Duration) func(*license.License) {
		return func(l *license.License) { l.ExpiresAt = now.Add(in) }
	}
	for name, tt := range map[string]struct {
		owned license.Owned
		want  license.Attention
	}{
		"in order":                   {owned(1, nil), license.AttentionNone},
		"ended now":                  {owned(0, ends(0)), license.AttentionEnded},
		"ended just within":          {owned(0, ends(time.Microsecond-license.RecentlyEnded)), license.AttentionEnded},
		"ended long ago":             {owned(2, ends(-license.RecentlyEnded)), license.AttentionNone},
		"in grace":                   {owned(2, func(l *license.License) { l.ExpiresAt, l.Grace = now, time.Hour }), license.AttentionGrace},
		"ends in seven days":         {owned(2, ends(7*day)), license.AttentionEnding},
		"ends later":                 {owned(1, ends(7*day+time.Microsecond)), license.AttentionNone},
		"suspended":                  {owned(2, func(l *license.License) { l.SuspendedAt = now }), license.AttentionSuspended},
		"suspended and ending":       {owned(0, func(l *license.License) { l.SuspendedAt, l.ExpiresAt = now, now.Add(day) }), license.AttentionEnding},
		"full":                       {owned(2, nil), license.AttentionFull},
		"full with a reserved seat":  {license.Owned{License: owned(1, nil).License, Used: 1, Reserved: 1}, license.AttentionFull},
		"over the limit":             {owned(3, nil), license.AttentionFull},
		"unlimited":                  {owned(9, func(l *license.License) { l.Limit = license.Unlimited }), license.AttentionNone},
		"perpetual and full":         {owned(2, func(l *license.License) { l.ExpiresAt = time.Time{} }), license.AttentionFull},
		"revoked, whatever it was":   {owned(2, func(l *license.License) { l.RevokedAt, l.ExpiresAt = now, now }), license.AttentionNone},
		"never activated and ending": {owned(0, func(l *license.License) { l.FirstActivatedAt, l.ExpiresAt = time.Time{}, now.Add(day) }), license.AttentionEnding},
	} {
		if got := tt.owned.Attention(now); got != tt.want {
			t.Errorf("%s: attention %d, want %d", name, got, tt.want)
		}
	}
}
