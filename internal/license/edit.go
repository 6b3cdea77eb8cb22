package license

import (
	"fmt"
	"time"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/verdict"
)

// Terms is a wish for other terms of a license. What is nil stays as it is.
type Terms struct {
	Limit        *int           // devices, or Unlimited
	ExpiresAt    *time.Time     // the zero instant is never
	MaxVersion   *string        // "" includes every version
	UpdatesUntil *time.Time     // the zero instant is no limit
	Features     map[string]any // values by key, over those it has
}

// edit gives a license other terms. Fewer seats than are held take none away:
// no further device gets one until enough are free.
func edit(l License, t Terms, now time.Time) (License, bool, *fault.Error) {
	var p fault.Problems
	after := l
	editLimit(&p, &after, t)
	editDates(&p, &after, t, now)
	editVersion(&p, &after, t)
	after.Features = editFeatures(&p, l.Features, t.Features)
	if f := p.Err(); f != nil {
		return l, false, f
	}
	if sameTerms(l, after) {
		return l, false, nil
	}
	return bumped(after), true, nil
}

func editLimit(p *fault.Problems, l *License, t Terms) {
	if t.Limit == nil {
		return
	}
	if l.Limit = *t.Limit; l.Limit < 0 || l.Limit > MaxLimit {
		p.Add("limit", "Use 1 to 10000 devices, or null for unlimited.")
	}
}

func editDates(p *fault.Problems, l *License, t Terms, now time.Time) {
	if t.ExpiresAt != nil && !t.ExpiresAt.Equal(l.ExpiresAt) {
		l.ExpiresAt = *t.ExpiresAt
		if !l.Perpetual() && (l.Ended(now) || !l.EndsAt().Before(Forever)) {
			p.Add("expires_at", "Use a date in the future, or null for never. Suspend or revoke the license to stop it now.")
		}
	}
	if t.UpdatesUntil != nil {
		l.UpdatesUntil = *t.UpdatesUntil
		if l.UpdatesUntil.Year() < 0 || !l.UpdatesUntil.Before(Forever) {
			p.Add("updates_until", "Use an earlier date, or null for no limit.")
		}
	}
}

func editVersion(p *fault.Problems, l *License, t Terms) {
	if t.MaxVersion == nil {
		return
	}
	if l.MaxVersion = *t.MaxVersion; l.MaxVersion != "" && !verdict.ValidVersion(l.MaxVersion) {
		p.Add("max_version", "Use a version such as 8.x or 8.4, or null for all.")
	}
}

// editFeatures returns the features with the values over them.
func editFeatures(p *fault.Problems, have []Feature, over map[string]any) []Feature {
	edited, left := make([]Feature, 0, len(have)), len(over)
	for _, f := range have {
		if v, ok := over[f.Key]; ok {
			f.Value, left = v, left-1
			if !f.ValidValue() {
				p.Add("features", fmt.Sprintf("The value of %s does not fit its type %s.", f.Key, f.Type))
			}
		}
		edited = append(edited, f)
	}
	switch {
	case left > 0:
		p.Add("features", "The license has no feature of that name.")
	case !FeaturesFit(edited):
		p.Add("features", "Shorten the values: all features together are too large for a lease.")
	}
	return edited
}

func sameTerms(a, b License) bool {
	same := a.Limit == b.Limit && a.ExpiresAt.Equal(b.ExpiresAt) && a.MaxVersion == b.MaxVersion && a.UpdatesUntil.Equal(b.UpdatesUntil)
	for i := range a.Features {
		same = same && a.Features[i].Value == b.Features[i].Value
	}
	return same
}
