package ui_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/ui"
)

func TestUsage(t *testing.T) { // P-LIC-04
	cases := map[string]struct {
		usage ui.Usage
		want  string
	}{
		"some of a limit":    {ui.Usage{Used: 2, Limit: 5}, "2/5 ok 40%"},
		"all of it":          {ui.Usage{Used: 5, Limit: 5}, "5/5 full 100%"},
		"more than all":      {ui.Usage{Used: 7, Limit: 5}, "7/5 full 100%"},
		"hardly any is seen": {ui.Usage{Used: 1, Limit: 10_000}, "1/10000 ok 1%"},
		"none":               {ui.Usage{Used: 0, Limit: 5}, "0/5 ok 0%"},
		"without a limit":    {ui.Usage{Used: 2, Unlimited: true}, "2/Unlimited ok 0%"},
		"nothing usable now": {ui.Usage{Used: 2, Limit: 2, Idle: true}, "2/2 idle 100%"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			bar := c.usage.Bar()
			got := fmt.Sprintf("%d/%s %s %s", c.usage.Used, c.usage.Of(), bar.Level, bar.Width())
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestBadgesDiffer(t *testing.T) { // P-LIC-05
	seen := map[string]string{}
	for _, status := range []string{"active", "assigned", "suspended", "expired", "revoked"} {
		badge := ui.NewBadge(status, status)
		if other, taken := seen[badge.Icon]; taken {
			t.Errorf("%s and %s have the same icon", status, other)
		}
		seen[badge.Icon] = status
		if other, taken := seen["tone "+string(badge.Tone)]; taken {
			t.Errorf("%s and %s have the same tone", status, other)
		}
		seen["tone "+string(badge.Tone)] = status
	}
	if got := ui.NewBadge("unheard of", "New").Icon; got != "dot" {
		t.Errorf("an unknown status has the icon %q", got)
	}
}

func TestNames(t *testing.T) {
	want := map[string]string{
		"Dana Whitfield": "DW", "dana": "D", "dana@brightwater.example": "D", "Ana María de la Cruz": "AC", "": "?", "  --": "?", "élan Ωmega": "ÉΩ", "3D Studio": "3S",
	}
	got := map[string]string{}
	for name := range want {
		got[name] = ui.Initials(name)
		if hue := ui.Hue(name); hue < 1 || hue > 6 || hue != ui.Hue(name) {
			t.Errorf("%q has the hue %d", name, hue)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestIcons(t *testing.T) {
	for _, name := range ui.Icons() {
		if _, err := ui.Icon(name); err != nil {
			t.Error(err)
		}
	}
	if _, err := ui.Icon("no such icon"); err == nil {
		t.Error("an unknown icon is no error")
	}
}

func TestNavGroups(t *testing.T) {
	page := ui.Page{Nav: []ui.NavItem{{Label: "a"}, {Label: "b"}, {Label: "c", Group: "Account"}}}
	want := []ui.NavGroup{{Items: page.Nav[:2]}, {Title: "Account", Items: page.Nav[2:]}}
	if diff := cmp.Diff(want, page.NavGroups()); diff != "" {
		t.Error(diff)
	}
}
