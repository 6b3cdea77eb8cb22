package verdict

import (
	"math"
	"strings"
)

// MaxVersionLength bounds a version text.
const MaxVersionLength = 64

// VersionAllowed reports whether version is at or below limit. The limit
// names as many parts as it restricts: "8" and "8.x" allow every 8.*, "8.4"
// allows 8.4.9 but not 8.5. A limit that names no number restricts nothing,
// and only such a limit allows a version that does not start with a number.
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
	return boolInt(prerelease(b)) - boolInt(prerelease(a))
}

// prerelease looks before the build part: "8.0+a-b" is a release.
func prerelease(s string) bool {
	s, _, _ = strings.Cut(s, "+")
	return strings.Contains(s, "-")
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

// versionParts reads the leading numbers of a version: "v8.4.1-rc2" is 8, 4, 1
// and "8.4rc2" is 8, 4. Reading stops where something else than a number or
// the dot before one begins.
func versionParts(s string) []int {
	s = strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(s), "v"), "V")
	var parts []int
	for field := range strings.SplitSeq(s, ".") {
		n, digits := leadingNumber(field)
		if digits == 0 {
			break
		}
		parts = append(parts, n)
		if digits < len(field) {
			break
		}
	}
	return parts
}

// leadingNumber reads the digits that s starts with. A number too large to be
// held counts as the largest, so that it never passes for a small one.
func leadingNumber(s string) (n, digits int) {
	for digits < len(s) && '0' <= s[digits] && s[digits] <= '9' {
		d := int(s[digits] - '0')
		if n > (math.MaxInt-d)/10 {
			n = math.MaxInt
		} else {
			n = n*10 + d
		}
		digits++
	}
	return n, digits
}
