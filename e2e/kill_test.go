package e2e

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/keyward/keyward/verdict"
)

// killRounds is how often the server is killed: enough to notice what breaks
// often, or as often as KEYWARD_TEST_KILLS says.
func killRounds(t *testing.T) int {
	t.Helper()
	text := os.Getenv("KEYWARD_TEST_KILLS")
	if text == "" {
		return 3
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("KEYWARD_TEST_KILLS is %q: name a number of rounds", text)
	}
	return n
}

// Section 5: however often the server is killed under load, nothing that it
// acknowledged is lost: no activation, no revocation, no link of the chain of
// events; and nothing else is damaged.
func TestManyKillsLoseNothing(t *testing.T) {
	on(t, func(t *testing.T, databaseURL string) {
		const crowd, early = 40, 12
		s := openShop(t, databaseURL)
		var revoked []string
		for round := range killRounds(t) {
			key := s.sell(t, "--limit", fmt.Sprint(crowd))
			acknowledged := s.activateUntilKilled(t, key, crowd, early+round%(crowd-early))
			s.serve(t)
			for name := range acknowledged {
				s.device(t, key, name).CheckIn(verdict.Valid)
			}
			if t.Failed() {
				t.Fatalf("round %d lost something", round+1)
			}
			s.run(t, "license", "revoke", key, "--reason", "refund")
			revoked = append(revoked, key)
		}
		s.server.kill(t) // right after an acknowledged revocation
		s.serve(t)
		for _, key := range revoked {
			s.device(t, key, "any").CheckIn(verdict.Revoked)
		}
		s.run(t, "audit", "verify")
		if found := s.run(t, "doctor"); strings.Contains(found, "problem") {
			t.Errorf("the doctor found\n%s", found)
		}
	})
}
