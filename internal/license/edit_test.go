package license_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/internal/license"
)

func TestEdit(t *testing.T) {
	now := time.Date(2026, 3, 12, 12, 0, 0, 0, time.UTC)
	of := func(n int) *int { return &n }
	instant := func(t time.Time) *time.Time { return &t }
	text := func(s string) *string { return &s }
	base := license.License{
		ID: "l", CustomerID: "c", AssignedAt: now, Limit: 2, Version: 4, ExpiresAt: now.Add(time.Hour), MaxVersion: "8.x",
		Features: []license.Feature{{Key: "export", Type: license.Boolean, Value: true}, {Key: "seats", Type: license.Numeric, Value: 3.0}},
	}
	wish := func(t license.Terms) license.Change { return license.Change{Trigger: license.Edit, Terms: t} }

	t.Run("what is asked for becomes different, the rest stays", func(t *testing.T) {
		after, changed, refused := license.Apply(base, wish(license.Terms{
			Limit: of(license.Unlimited), ExpiresAt: &time.Time{}, MaxVersion: text(""), UpdatesUntil: instant(now),
			Features: map[string]any{"seats": license.UnlimitedValue},
		}), now)
		if refused != nil || !changed || after.Version != 5 {
			t.Fatalf("changed %v, refused %v, version %d", changed, refused, after.Version)
		}
		if after.Limit != license.Unlimited || !after.Perpetual() || after.MaxVersion != "" || !after.UpdatesUntil.Equal(now) {
			t.Errorf("after: %+v", after)
		}
		if after.Features[0].Value != true || after.Features[1].Value != license.UnlimitedValue || base.Features[1].Value != 3.0 {
			t.Errorf("features after %v, before %v", after.Features, base.Features)
		}
	})
	t.Run("asking for what is already so changes nothing", func(t *testing.T) { // C-LCY-02
		after, changed, refused := license.Apply(base, wish(license.Terms{Limit: of(2), MaxVersion: text("8.x"), Features: map[string]any{"seats": 3.0}}), now)
		if changed || refused != nil || after.Version != 4 {
			t.Errorf("changed %v, refused %v, version %d", changed, refused, after.Version)
		}
	})
	for name, c := range map[string]struct {
		terms license.Terms
		field string
	}{
		"too many devices":            {license.Terms{Limit: of(license.MaxLimit + 1)}, "limit"},
		"fewer than none":             {license.Terms{Limit: of(-1)}, "limit"},
		"an expiry date that is now":  {license.Terms{ExpiresAt: instant(now)}, "expires_at"},
		"an expiry date beyond all":   {license.Terms{ExpiresAt: instant(license.Forever)}, "expires_at"},
		"updates beyond all":          {license.Terms{UpdatesUntil: instant(license.Forever)}, "updates_until"},
		"a version that is none":      {license.Terms{MaxVersion: text("latest")}, "max_version"},
		"a value of another type":     {license.Terms{Features: map[string]any{"export": 1.0}}, "features"},
		"a feature that is not there": {license.Terms{Features: map[string]any{"color": true}}, "features"},
	} {
		t.Run(name+" is refused", func(t *testing.T) { // C-LCY-01
			after, changed, refused := license.Apply(base, wish(c.terms), now)
			if changed || refused == nil || refused.Fields[0].Name != c.field || after.Version != 4 || after.Limit != 2 {
				t.Errorf("changed %v, refused %v, after %+v", changed, refused, after)
			}
		})
	}
	t.Run("a revoked license has its terms for good", func(t *testing.T) {
		l := base
		l.RevokedAt = now
		if _, _, refused := license.Apply(l, wish(license.Terms{Limit: of(3)}), now); refused == nil || refused.Code != "transition_refused" {
			t.Errorf("refused %v", refused)
		}
	})
	t.Run("a wish about another version is stale, about this one it is not", func(t *testing.T) {
		c := wish(license.Terms{Limit: of(3)})
		c.Version = 3
		if _, changed, refused := license.Apply(base, c, now); changed || refused == nil || refused.Code != license.CodeStale {
			t.Errorf("refused %v", refused)
		}
		c.Version = 4
		if _, changed, refused := license.Apply(base, c, now); !changed || refused != nil {
			t.Errorf("refused %v", refused)
		}
	})
}
