package verdict_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/keyward/keyward/verdict"
)

// C-PRD-03
func TestVersionAllowed(t *testing.T) {
	for _, tc := range []struct {
		limit, version string
		want           bool
	}{
		{"", "8.4", true}, {"", "", true}, {"", "latest", true}, {" ", "99", true}, {"x", "99", true}, {"*", "99", true},
		{"8", "8", true}, {"8", "8.0", true}, {"8", "8.99.99", true}, {"8", "7.99", true}, {"8", "9", false}, {"8", "9.0.0-beta", false}, {"8", "10", false},
		{"8.x", "8.99", true}, {"8.x", "9.0", false}, {"8.x", "7", true}, {"8.X", "8.1", true}, {"8.*", "8.1", true},
		{"v8", "v8.1", true}, {"v8", "V8.1", true}, {"8", "v9", false}, {" 8 ", " 8.1 ", true},
		{"8.4", "8.4", true}, {"8.4", "8.4.9", true}, {"8.4", "8.5", false}, {"8.4", "8.40", false}, {"8.4", "8", true}, {"8.4", "7.9", true}, {"8.4.x", "8.4.7", true},
		{"8.4.1", "8.4.1", true}, {"8.4.1", "8.4.1.7", true}, {"8.4.1", "8.4.2", false}, {"8.4.1", "8.4", true}, {"8.4.1", "8.4.1-rc2", true}, {"8.4.1", "8.4.1+build.9", true},
		{"8.10", "8.9", true}, {"8.9", "8.10", false}, {"08.04", "8.4", true}, {"2024.3", "2024.2.15", true}, {"2024.3", "2025.1", false},
		{"8.3", "8.4rc1", false}, {"8.4", "8.4rc1", true}, {"8.3", "8.4b2.1", false}, {"8.3", "8.4~1", false}, {"8.3", "8.4_1", false},
		{"8.3", "8.99999999999999999999999999", false}, {"8.99999999999999999999999999", "8.3", true}, {"8", "99999999999999999999999999", false},
		{"202401011234", "202401011235", false}, {"202401011234", "202401011233", true},
		{"8", "latest", false}, {"8", "", false}, {"8", "-1", false}, {"8", "+9", false}, {"8", ".8", false}, {"8", "release-9", false}, {"8", "٩", false},
	} {
		if got := verdict.VersionAllowed(tc.limit, tc.version); got != tc.want {
			t.Errorf("limit %q allows %q: %t", tc.limit, tc.version, got)
		}
	}
}

func TestValidVersion(t *testing.T) {
	for s, want := range map[string]bool{
		"8": true, "8.4.1": true, "v8.4.1-rc.2+build.9": true, "V2": true, "2024.10": true, "8.x": true, "8.4rc1": true,
		strings.Repeat("1", verdict.MaxVersionLength): true,
		"": false, "v": false, "latest": false, "-1": false, ".1": false, "8 4": false, " 8": false, "8\n": false, "8\x00": false,
		"8.\u202e4": false, "8é": false, "8\xff": false, "8\x7f": false,
		strings.Repeat("1", verdict.MaxVersionLength+1): false,
	} {
		if got := verdict.ValidVersion(s); got != want {
			t.Errorf("%q is valid: %t", s, got)
		}
	}
}

func TestCompareVersions(t *testing.T) {
	ordered := []string{"0.1", "1", "1.0.1", "1.9", "1.10-beta", "1.10", "2.0.0-rc.1", "2.0", "2.0.0.1", "10", "202401011234", "99999999999999999999999999"}
	for i, a := range ordered {
		for j, b := range ordered {
			if got := sign(verdict.CompareVersions(a, b)); got != sign(i-j) {
				t.Errorf("%q against %q: %d", a, b, got)
			}
		}
	}
	for _, same := range [][2]string{{"1", "1.0.0"}, {"v1.2", "1.2"}, {"1.2", "1.2+build-7"}, {"1.2-a", "1.2-b"}, {"", "latest"}} {
		if got := verdict.CompareVersions(same[0], same[1]); got != 0 {
			t.Errorf("%q against %q: %d", same[0], same[1], got)
		}
	}
	shuffled := []string{"8.10", "8.9", "8.10-rc1", "7"}
	slices.SortFunc(shuffled, verdict.CompareVersions)
	if want := []string{"7", "8.9", "8.10-rc1", "8.10"}; !slices.Equal(shuffled, want) {
		t.Errorf("sorted %v", shuffled)
	}
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

// A limit allows itself and all below it, and agrees with the order of versions.
func FuzzVersionAllowed(f *testing.F) {
	f.Add("8.x", "8.4.1")
	f.Add("v8.4", "8.4rc1")
	f.Add("8", "99999999999999999999")
	f.Add("", "\xff-.")
	f.Fuzz(func(t *testing.T, limit, version string) {
		allowed := verdict.VersionAllowed(limit, version)
		if verdict.ValidVersion(version) && !verdict.VersionAllowed(version, version) {
			t.Errorf("%q does not allow itself", version)
		}
		if verdict.ValidVersion(limit) && verdict.ValidVersion(version) && !allowed && verdict.CompareVersions(version, limit) <= 0 {
			t.Errorf("limit %q refuses %q, which is not above it", limit, version)
		}
		if verdict.CompareVersions(limit, version) != -verdict.CompareVersions(version, limit) {
			t.Errorf("the order of %q and %q depends on who is asked", limit, version)
		}
		if above := aboveFirstPart(limit); above != "" && verdict.VersionAllowed(limit, above) {
			t.Errorf("limit %q allows %q", limit, above)
		}
	})
}

// aboveFirstPart is a version above any with this limit's first number.
func aboveFirstPart(limit string) string {
	first, _, _ := strings.Cut(limit, ".")
	n, err := strconv.ParseUint(first, 10, 31)
	if err != nil {
		return ""
	}
	return strconv.FormatUint(n+1, 10)
}
