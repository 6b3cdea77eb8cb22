package verdict

import "time"

// Windows in which warnings are raised.
const (
	SoonWindow    = 7 * 24 * time.Hour  // P-LIC-07
	UpdatesWindow = 30 * 24 * time.Hour // before free updates end
	StaleAfter    = 90 * 24 * time.Hour // since a device was last heard of
)

// Ended reports whether a license that ends at endsAt has ended: the end
// instant itself is already past it.
func Ended(endsAt, now time.Time) bool { return !now.Before(endsAt) }

// Started reports whether a license with this start has started; the zero
// start means from the beginning.
func Started(startsAt, now time.Time) bool { return !startsAt.After(now) }

// Skewed reports whether two clocks differ by more than allowed. A zero
// allowance means that skew is not checked.
func Skewed(theirs, ours time.Time, allowed time.Duration) bool {
	if allowed == 0 || theirs.IsZero() {
		return false
	}
	return theirs.Sub(ours).Abs() > allowed
}
