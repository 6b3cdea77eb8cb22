package repotest

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// rows are the behaviors that the customer portal promises, by group: how many
// each has.
var rows = []struct {
	group string
	count int
}{
	{"P-AUTH", 15}, {"P-ISO", 5}, {"P-NAV", 7}, {"P-DASH", 16}, {"P-LIC", 16}, {"P-LICD", 20},
	{"P-ACT", 26}, {"P-DL", 23}, {"P-CHG", 10}, {"P-TIC", 34}, {"P-PRO", 16}, {"P-SET", 11},
}

const unprovedRows = "docs/portal-rows.md"

var row = regexp.MustCompile(`\bP-[A-Z]+-[0-9]{2}\b`)

// Every promise is named by a test that proves it, or by a page that says why
// there is none; never by both, so that the page does not outlive its reasons.
func TestEveryPromiseIsProvedOrExplained(t *testing.T) {
	proved := map[string]bool{}
	for _, s := range sources(t) {
		if s.isTest() {
			for _, name := range row.FindAllString(string(s.text), -1) {
				proved[name] = true
			}
		}
	}
	explained := map[string]bool{}
	for line := range strings.Lines(string(read(t, unprovedRows))) {
		if cells := strings.Split(line, "|"); len(cells) > 3 && row.MatchString(cells[1]) {
			explained[strings.TrimSpace(cells[1])] = true
		}
	}
	for _, g := range rows {
		for n := 1; n <= g.count; n++ {
			name := fmt.Sprintf("%s-%02d", g.group, n)
			switch {
			case !proved[name] && !explained[name]:
				t.Errorf("%s is in no test: prove it, or say in %s why not", name, unprovedRows)
			case proved[name] && explained[name]:
				t.Errorf("%s is in a test: take it out of %s", name, unprovedRows)
			}
		}
	}
}
