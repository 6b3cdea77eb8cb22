package ui_test

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"testing"
)

// WCAG 2.2: 4.5 for text, 3 for what must be seen to use a control.
const (
	forText    = 4.5
	forControl = 3.0
)

func TestContrast(t *testing.T) {
	grounds := []string{"canvas", "rail", "surface", "surface-2", "hover"}
	tones := []string{"green", "blue", "amber", "orange", "red", "gray"}
	for scheme, colors := range readTokens(t) {
		t.Run(scheme+" colors can be read", func(t *testing.T) {
			check := func(ink, ground string, least float64) {
				if got := contrast(colors[ink], colors[ground]); got < least {
					t.Errorf("%s on %s has %.2f, needs %.1f", ink, ground, got, least)
				}
			}
			for _, ground := range grounds {
				for _, ink := range []string{"text", "text-2", "text-3", "accent-text"} {
					check(ink, ground, forText)
				}
			}
			for _, ground := range []string{"canvas", "surface"} {
				check("line-input", ground, forControl)
				check("red", ground, forControl)
			}
			for _, tone := range tones {
				for _, ink := range []string{tone + "-ink", "text", "text-2"} {
					check(ink, tone+"-soft", forText)
				}
				for _, ground := range grounds {
					check(tone+"-ink", ground, forText)
				}
			}
			for _, ground := range []string{"accent", "accent-hover", "danger", "danger-hover"} {
				check("on-accent", ground, forText)
			}
			check("text", "accent-soft", forText)
			check("accent-text", "accent-soft", forText)
			check("on-invert", "invert", forText)
			check("text", "rail-hover", forText)
			check("accent", "track", forControl)
		})
	}
}

// readTokens reads the colors of the style sheet, by scheme and name.
func readTokens(t *testing.T) map[string]map[string]uint32 {
	t.Helper()
	css, err := os.ReadFile("assets/app.css")
	if err != nil {
		t.Fatal(err)
	}
	schemes := map[string]map[string]uint32{"light": {}, "dark": {}}
	pair := regexp.MustCompile(`--([a-z0-9-]+):\s*(?:light-dark\(#([0-9a-f]{3,6}), #([0-9a-f]{3,6})\)|#([0-9a-f]{6}));`)
	for _, m := range pair.FindAllStringSubmatch(string(css), -1) {
		schemes["light"][m[1]] = parseColor(t, m[2]+m[4])
		schemes["dark"][m[1]] = parseColor(t, m[3]+m[4])
	}
	if n := len(schemes["light"]); n < 30 {
		t.Fatalf("only %d colors were found", n)
	}
	return schemes
}

func parseColor(t *testing.T, hex string) uint32 {
	t.Helper()
	if len(hex) == 3 {
		hex = fmt.Sprintf("%c%c%c%c%c%c", hex[0], hex[0], hex[1], hex[1], hex[2], hex[2])
	}
	c, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(c)
}

func contrast(a, b uint32) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(c uint32) float64 {
	channel := func(shift uint) float64 {
		v := float64(c>>shift&0xff) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(16) + 0.7152*channel(8) + 0.0722*channel(0)
}
