package e2e

import (
	"testing"

	"github.com/keyward/keyward/internal/pgtest"
	"github.com/keyward/keyward/verdict"
)

// TestPortal is what customers and their devices do, on each database. The
// tests share one demo, which takes its time to fill: each changes only what no
// other looks at, or puts it back.
func TestPortal(t *testing.T) {
	on(t, func(t *testing.T, databaseURL string) {
		d := StartDemo(t, databaseURL)
		if databaseURL == "" { // pages look the same on both
			t.Run("every page can be read by everybody", func(t *testing.T) { everyPage(t, d) })
		}
		portal(t, d)
	})
}

// on runs a test on each database, both at once.
func on(t *testing.T, prove func(t *testing.T, databaseURL string)) {
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		prove(t, "")
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		prove(t, pgtest.URL(t))
	})
}

func portal(t *testing.T, d *Demo) {
	for _, part := range []struct {
		name  string
		prove func(*testing.T, *Demo)
	}{
		{"people sign in and out", signInAndOut},
		{"invited people choose a password, forgetful ones another", invitationAndNewPassword},
		{"licenses are listed newest first, in pages", listIsPaged},
		{"licenses are sorted by product, status and expiry", listIsSorted},
		{"states are told apart and explained", statesAreExplained},
		{"activations are counted against the limit", usageIsShown},
		{"ends that are near or past are warned of", endsAreWarnedOf},
		{"the search box finds while one types", searchAsYouType},
		{"a whole key jumps to its license and stands in no address", wholeKeyJumps},
		{"chips isolate a status, and stay on reload and back", statusFilter},
		{"the list works without script", listWithoutScript},
		{"addresses that are wrong get an answer", badAddressesAreAnswered},
		{"ten thousand licenses are paged and searched", tenThousandLicenses},
		{"a customer without licenses is told what to check", emptyCustomer},
		{"details have an address", detailsHaveAnAddress},
		{"the key is copied", keyIsCopied},
		{"the key is revealed without script", keyIsRevealedWithoutScript},
		{"a high-security key leaves traces", secretKeyLeavesTraces},
		{"a key that is missing says whom to ask", missingKeySaysWhom},
		{"the validation status is explained", validationIsExplained},
		{"every check is shown", everyCheckIsShown},
		{"a refused device is shown", refusedDeviceIsShown},
		{"product, versions, environment, features and dates are shown", contextIsShown},
		{"renewing is offered", renewalIsOffered},
		{"the history is a timeline", historyIsATimeline},
		{"a deactivated device's seat is free at once", seatIsFreed},
		{"a seat is freed without script", seatIsFreedWithoutScript},
		{"freeing a seat twice is harmless", freeingTwiceIsHarmless},
		{"devices are listed, searched and filtered", devicesAreListed},
		{"a device that reports is seen", deviceIsSeen},
		{"another customer's ids are not found", foreignIDsAreNotFound},
		{"the menu and the header lead everywhere", shellLeadsEverywhere},
		{"no link is dead", linksAreAlive},
		{"the dashboard is true", dashboardIsTrue},
		{"the theme stays", themeStays},
		{"the keyboard is enough", keyboardIsEnough},
		{"calls that are wrong get an answer", badCallsAreAnswered},
		{"other sites post nothing", otherSitesPostNothing},
		{"guessing a password locks nobody out", guessingLocksNobodyOut},
		{"a killed demo goes on where it was", killedDemoGoesOn},
	} {
		t.Run(part.name, func(t *testing.T) { part.prove(t, d) })
	}
}

// Section 5: a killed server loses no acknowledged activation. It comes last,
// because the demo has another address afterwards.
func killedDemoGoesOn(t *testing.T, d *Demo) {
	d.Device(t, d.Licenses.Staging, "Last in").Activate()
	d.Kill(t)
	d.Restart(t)
	d.Device(t, d.Licenses.Staging, "Last in").CheckIn(verdict.Valid)
	p := d.Visit(t, d.Customer, "/activations?q=Last+in")
	p.In("#results").See("Showing 1–1 of 1")
	p.Goto(d.URL + "/licenses")
	p.See("Showing 1–25 of 40")
}
