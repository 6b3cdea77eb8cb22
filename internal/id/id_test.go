package id_test

import (
	"strings"
	"testing"

	"github.com/keyward/keyward/internal/id"
)

func TestNewIsCanonicalAndOrdered(t *testing.T) {
	previous := id.New()
	for range 1000 {
		next := id.New()
		if _, err := id.Parse(next.String()); err != nil {
			t.Fatalf("Parse(%q): %v", next, err)
		}
		if next <= previous {
			t.Fatalf("%q does not sort after %q", next, previous)
		}
		previous = next
	}
}

func TestParseRefusesEveryOtherSpelling(t *testing.T) {
	good := "01914d3e-5b6a-7c8d-9e0f-a1b2c3d4e5f6"
	if got, err := id.Parse(good); err != nil || got.String() != good {
		t.Fatalf("Parse(%q) = %q, %v", good, got, err)
	}
	for name, text := range map[string]string{
		"empty":      "",
		"upper case": strings.ToUpper(good),
		"braces":     "{" + good + "}",
		"urn":        "urn:uuid:" + good,
		"no hyphens": strings.ReplaceAll(good, "-", ""),
		"space":      good + " ",
		"not hex":    "z" + good[1:],
		"all zero":   "00000000-0000-0000-0000-000000000000",
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			if got, err := id.Parse(text); err == nil || !got.IsZero() {
				t.Errorf("Parse(%q) = %q, %v", text, got, err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add("01914d3e-5b6a-7c8d-9e0f-a1b2c3d4e5f6")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := id.Parse(s)
		if err == nil && got.String() != s {
			t.Errorf("Parse(%q) = %q", s, got)
		}
	})
}
