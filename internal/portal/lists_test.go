package portal_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/license"
)

// Ended licenses are folded away by a switch that counts them, together with
// whatever else the address says, and All counts what is left (P-LIC-12).
func TestEndedLicensesFoldAway(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	s := w.allStates(ada)
	all := ada.get("/licenses")
	wantText(t, all, ".fold", "Hide 2 ended licenses")
	folded := ada.get(all.attr(".fold", "href"))
	wantListed(t, folded, s.suspended, s.assigned, s.active)
	wantText(t, folded, ".fold", "Show 2 ended licenses")
	if diff := cmp.Diff([]string{"All 3 *", "Active 1", "Assigned 1", "Suspended 1", "Expired 1", "Revoked 1"}, chips(folded)); diff != "" {
		t.Errorf("chips (-want +got):\n%s", diff)
	}
	wantIn(t, folded, ".table-foot", "Showing 1–3 of 3")
	wantListed(t, ada.get(folded.attr(".fold", "href")), s.revoked, s.suspended, s.assigned, s.active, s.expired)

	t.Run("with everything else", func(t *testing.T) {
		sorted := ada.get("/licenses?ended=hide&q=edi&sort=status")
		wantListed(t, sorted, s.active, s.assigned, s.suspended)
		wantText(t, sorted, ".fold", "Show 2 ended licenses")
		wantListed(t, ada.get(sorted.attr(".fold", "href")), s.active, s.assigned, s.suspended, s.expired, s.revoked)
		if got := sorted.attr("form.search input[name=ended]", "value"); got != "hide" {
			t.Errorf("searching keeps the switch at %q", got)
		}
		wantTo(t, ada.post("/licenses/search", "q", "edi", "ended", "hide"), "/licenses?ended=hide&q=edi")
	})
	t.Run("whoever asks for ended ones sees them", func(t *testing.T) {
		expired := ada.get(folded.attr(".chips [data-value=expired]", "href"))
		wantListed(t, expired, s.expired)
		wantNone(t, expired, ".fold")
		wantListed(t, ada.get("/licenses?ended=hide&status=revoked"), s.revoked)
		active := ada.get(folded.attr(".chips [data-value=active]", "href"))
		wantListed(t, active, s.active)
		wantListed(t, ada.get(active.attr(".chips [data-value=all]", "href")), s.suspended, s.assigned, s.active)
	})
	t.Run("when everything has ended", func(t *testing.T) {
		eve := w.customer("eve@example.com")
		ended := w.issue(eve.Customer.ID, w.product("Old"), days(1))
		w.pass(2 * day)
		nothing := eve.get("/licenses?ended=hide")
		wantText(t, nothing, ".empty h2", "No license is in force")
		wantListed(t, eve.get(nothing.attr(".empty a", "href")), ended)
		wantNone(t, w.customer("bob@example.com").get("/licenses"), ".fold")
	})
}

// The folded list is paged as one list of its own.
func TestPagingAFoldedList(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	p := w.product("Editor")
	for range 30 {
		w.pass(time.Minute)
		w.issue(ada.Customer.ID, p)
		w.issue(ada.Customer.ID, p, days(1))
	}
	w.pass(2 * day)
	all, summaries, _ := pagesOf(t, ada, "/licenses?ended=hide", "next")
	if len(all) != 30 || !cmp.Equal(summaries, []string{"Showing 1–25 of 30", "Showing 26–30 of 30"}) {
		t.Errorf("%d licenses, %q", len(all), summaries)
	}
}

// What needs somebody comes first: what does not work before what will not.
func TestNeedsAttentionFirst(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	p := w.product("Editor")
	soon, ended, fine, full := w.issue(ada.Customer.ID, p, days(6)), w.issue(ada.Customer.ID, p, days(1)), w.issue(ada.Customer.ID, p), w.issue(ada.Customer.ID, p, limit(1))
	paused, sooner, revoked := w.issue(ada.Customer.ID, p), w.issue(ada.Customer.ID, p, days(4)), w.issue(ada.Customer.ID, p)
	w.activate(full, "Laptop")
	w.suspend(paused, license.Payment, "")
	w.revoke(revoked, license.Refund)
	w.pass(2 * day)
	list := ada.get("/licenses?sort=attention")
	wantListed(t, list, ended, sooner, soon, paused, full, fine, revoked)
	wantText(t, list, ".menu-button [aria-current]", "Needs attention first")
	w.pass(100 * day)
	ada.signIn("ada@example.com")
	wantListed(t, ada.get("/licenses?sort=attention"), paused, full, ended, sooner, soon, fine, revoked)
}

func TestDeactivatedDevicesFoldAway(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	inStates(w, ada)
	all := ada.get("/activations")
	wantText(t, all, ".fold", "Hide 1 deactivated device")
	folded := ada.get(all.attr(".fold", "href"))
	if got := len(devices(folded)); got != len(devices(all))-1 {
		t.Errorf("%d devices are left of %d", got, len(devices(all)))
	}
	if diff := cmp.Diff([]string{"All 2 *", "Active 1", "Suspended 1", "Deactivated 1"}, chips(folded)); diff != "" {
		t.Errorf("chips (-want +got):\n%s", diff)
	}
	wantText(t, folded, ".fold", "Show 1 deactivated device")
	wantNone(t, ada.get("/activations?ended=hide&status=deactivated"), ".fold, .empty")
	searched := ada.post("/activations/search", "q", "gone", "ended", "hide")
	wantTo(t, searched, "/activations?ended=hide&q=gone")

	eve := w.customer("eve@example.com")
	device := w.activate(w.issue(eve.Customer.ID, w.product("Old")), "Tablet")
	eve.post(deactivation(device))
	nothing := eve.get("/activations?ended=hide")
	wantText(t, nothing, ".empty h2", "No device is activated")
	wantDevices(t, eve.get(nothing.attr(".empty a", "href")), "Tablet")
}
