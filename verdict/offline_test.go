package verdict_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/verdict"
)

var now = time.Date(2026, 3, 15, 12, 0, 0, 0, time.UTC)

func TestEndedAtTheInstantItself(t *testing.T) {
	for _, tc := range []struct {
		end  time.Duration
		want bool
	}{{time.Microsecond, false}, {0, true}, {-time.Microsecond, true}} {
		if got := verdict.Ended(now.Add(tc.end), now); got != tc.want {
			t.Errorf("ends in %v: ended %t", tc.end, got)
		}
	}
}

func TestStartedAtTheInstantItself(t *testing.T) {
	for _, tc := range []struct {
		start time.Duration
		want  bool
	}{{time.Microsecond, false}, {0, true}, {-time.Microsecond, true}} {
		if got := verdict.Started(now.Add(tc.start), now); got != tc.want {
			t.Errorf("starts in %v: started %t", tc.start, got)
		}
	}
	if !verdict.Started(time.Time{}, now) {
		t.Error("without a start it has not started")
	}
}

func TestSkewed(t *testing.T) {
	minute := time.Minute
	for _, tc := range []struct {
		name    string
		theirs  time.Time
		allowed time.Duration
		want    bool
	}{
		{"equal", now, minute, false},
		{"ahead by what is allowed", now.Add(minute), minute, false},
		{"ahead by more", now.Add(minute + 1), minute, true},
		{"behind by what is allowed", now.Add(-minute), minute, false},
		{"behind by more", now.Add(-minute - 1), minute, true},
		{"nothing is checked", now.Add(100 * time.Hour), 0, false},
		{"no clock was told", time.Time{}, minute, false},
		{"farther than a duration reaches", now.AddDate(5000, 0, 0), minute, true},
		{"farther back than a duration reaches", now.AddDate(-2000, 0, 0), minute, true},
		{"another zone", now.In(time.FixedZone("", 7200)), minute, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := verdict.Skewed(tc.theirs, now, tc.allowed); got != tc.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
