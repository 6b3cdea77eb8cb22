package verdict

import (
	"strconv"
	"strings"
	"time"
)

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

// MaxVersionLength bounds a version text.
const MaxVersionLength = 64

// VersionAllowed reports whether version is at or below limit. The limit
// names as many parts as it restricts: "8" and "8.x" allow every 8.*, "8.4"
// allows 8.4.9 but not 8.5. An empty limit allows everything. A version that
// does not start with a number is compared as zero parts and is allowed only
// by an empty limit.
func VersionAllowed(limit, version string) bool {
	want := versionParts(limit)
	if len(want) == 0 {
		return true
	}
	have := versionParts(version)
	if len(have) == 0 {
		return false
	}
	for i, w := range want {
		h := 0
		if i < len(have) {
			h = have[i]
		}
		if h != w {
			return h < w
		}
	}
	return true
}

// ValidVersion reports whether s reads as a version: an optional "v" and at
// least one number, of bounded length and printable ASCII.
func ValidVersion(s string) bool {
	if len(s) > MaxVersionLength || len(versionParts(s)) == 0 {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// CompareVersions orders two versions by their leading numbers; a version
// with a pre-release part ("8.0.0-beta") comes before the same without one.
func CompareVersions(a, b string) int {
	pa, pb := versionParts(a), versionParts(b)
	for i := range max(len(pa), len(pb)) {
		if d := part(pa, i) - part(pb, i); d != 0 {
			return d
		}
	}
	return boolInt(strings.Contains(b, "-")) - boolInt(strings.Contains(a, "-"))
}

func part(parts []int, i int) int {
	if i < len(parts) {
		return parts[i]
	}
	return 0
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// versionParts reads the leading numbers of a version: "v8.4.1-rc2" is 8, 4, 1.
// Reading stops at the first part that is not a number.
func versionParts(s string) []int {
	s = strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(s), "v"), "V")
	s, _, _ = strings.Cut(s, "-")
	s, _, _ = strings.Cut(s, "+")
	var parts []int
	for field := range strings.SplitSeq(s, ".") {
		n, err := strconv.Atoi(field)
		if err != nil || n < 0 || n > 1<<30 {
			break
		}
		parts = append(parts, n)
	}
	return parts
}
