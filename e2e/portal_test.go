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
		// Pages look the same on both: each does half of the looking.
		if databaseURL == "" {
			appearance.run(t, d)
		} else {
			t.Run("every page can be read by everybody", func(t *testing.T) { everyPage(t, d) })
		}
		records.run(t, d)
		t.Run("a killed demo goes on where it was", func(t *testing.T) { killedDemoGoesOn(t, d) })
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

// parts are tests that share a demo.
type parts []struct {
	name  string
	prove func(*testing.T, *Demo)
}

func (list parts) run(t *testing.T, d *Demo) {
	for _, part := range list {
		t.Run(part.name, func(t *testing.T) { part.prove(t, d) })
	}
}

// records is what depends on how things are kept.
var records = parts{
	{"people sign in and out", signInAndOut},
	{"invited people choose a password, forgetful ones another", invitationAndNewPassword},
	{"a file is downloaded through a link of its own", fileIsDownloaded},
	{"a passkey signs in", passkeySignsIn},
	{"an authenticator app asks for a code", appAsksForCode},
	{"licenses are listed newest first, in pages", listIsPaged},
	{"licenses are sorted by product, status and expiry", listIsSorted},
	{"activations are counted against the limit", usageIsShown},
	{"the search box finds while one types", searchAsYouType},
	{"a whole key jumps to its license and stands in no address", wholeKeyJumps},
	{"chips isolate a status, and stay on reload and back", statusFilter},
	{"ten thousand licenses are paged and searched", tenThousandLicenses},
	{"a high-security key leaves traces", secretKeyLeavesTraces},
	{"a refused device is shown", refusedDeviceIsShown},
	{"the history is a timeline", historyIsATimeline},
	{"a deactivated device's seat is free at once", seatIsFreed},
	{"freeing a seat twice is harmless", freeingTwiceIsHarmless},
	{"devices are listed, searched and filtered", devicesAreListed},
	{"a device that reports is seen", deviceIsSeen},
	{"another customer's ids are not found", foreignIDsAreNotFound},
	{"the dashboard is true", dashboardIsTrue},
	{"calls that are wrong get an answer", badCallsAreAnswered},
	{"guessing a password locks nobody out", guessingLocksNobodyOut},
}

// appearance is what pages say and how they are worked with, whatever keeps
// what they show.
var appearance = parts{
	{"a first visit weighs little and does not jump", firstVisitIsLight},
	{"states are told apart and explained", statesAreExplained},
	{"ends that are near or past are warned of", endsAreWarnedOf},
	{"the list works without script", listWithoutScript},
	{"addresses that are wrong get an answer", badAddressesAreAnswered},
	{"a customer without licenses is told what to check", emptyCustomer},
	{"details have an address", detailsHaveAnAddress},
	{"the key is copied", keyIsCopied},
	{"the key is revealed without script", keyIsRevealedWithoutScript},
	{"a key that is missing says whom to ask", missingKeySaysWhom},
	{"the validation status is explained", validationIsExplained},
	{"every check is shown", everyCheckIsShown},
	{"product, versions, environment, features and dates are shown", contextIsShown},
	{"renewing is offered", renewalIsOffered},
	{"a seat is freed without script", seatIsFreedWithoutScript},
	{"a ticket is written, answered and solved", ticketIsSolved},
	{"an offline file is issued and returned", offlineFileIsIssuedAndReturned},
	{"an account is its owner's", accountIsTheirOwn},
	{"somebody is invited into a team, and leaves", teamIsInvited},
	{"the menu and the header lead everywhere", shellLeadsEverywhere},
	{"no link is dead", linksAreAlive},
	{"the theme stays", themeStays},
	{"the keyboard is enough", keyboardIsEnough},
	{"a list has shortcuts, a fold, views and a file", listHasTools},
	{"other sites post nothing", otherSitesPostNothing},
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
