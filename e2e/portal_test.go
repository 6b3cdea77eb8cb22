package e2e

import (
	"testing"

	"github.com/keyward/keyward/internal/pgtest"
)

// TestPortal is what customers and their devices do, on each database. The
// tests share one demo, which takes its time to fill: each changes only what no
// other looks at, or puts it back.
func TestPortal(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { portal(t, StartDemo(t, "")) })
	t.Run("PostgreSQL", func(t *testing.T) { portal(t, StartDemo(t, pgtest.URL(t))) })
}

func portal(t *testing.T, d *Demo) {
	for _, part := range []struct {
		name  string
		prove func(*testing.T, *Demo)
	}{
		{"people sign in and out", signInAndOut},
		{"invited people choose a password, forgetful ones another", invitationAndNewPassword},
	} {
		t.Run(part.name, func(t *testing.T) { part.prove(t, d) })
	}
}
