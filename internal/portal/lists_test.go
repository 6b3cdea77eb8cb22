package portal_test

import (
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/app/delivery"
	desk "github.com/keyward/keyward/internal/app/support"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/ticket"
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

// Tickets have what the other lists have: orders, a fold, views and a file.
func TestTicketsAsAList(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	next := func(subject string, to ticket.Status) {
		w.pass(time.Minute)
		asked := w.ask(ada, func(q *desk.Question) { q.Subject = subject })
		if to != ticket.Open {
			w.setStatus(asked, to)
		}
	}
	next("=waits", ticket.Waiting)
	next("done", ticket.Closed)
	next("solved", ticket.Resolved)
	next("new", ticket.Open)
	subjects := func(p *page) string { return strings.Join(p.texts("tbody th a"), " ") }
	for path, want := range map[string]string{
		"/tickets": "new solved done =waits", "/tickets?sort=attention": "=waits solved new done", "/tickets?sort=oldest": "=waits done solved new",
		"/tickets?ended=hide": "new solved =waits", "/tickets?ended=hide&status=closed": "done", "/tickets?sort=price": "new solved done =waits",
	} {
		if got := subjects(ada.get(path)); got != want {
			t.Errorf("%s lists %q, want %q", path, got, want)
		}
	}
	all := ada.get("/tickets")
	folded := ada.get(all.attr(".fold", "href"))
	wantText(t, folded, ".fold", "Show 1 closed ticket")
	wantIn(t, folded, ".chips", "All 3")
	sorted := ada.get("/tickets?ended=hide&sort=attention&q=e")
	wantIn(t, sorted, ".menu-button [aria-current]", "Needs attention first")
	// What the filters beside send is kept where a search renews it.
	if got := sorted.attrs("#results input[form=narrow]", "value"); !cmp.Equal(got, []string{"e", "hide", "attention"}) {
		t.Errorf("the filters keep %q", got)
	}
	wantTo(t, ada.post("/tickets/search", "q", "e", "ended", "hide", "sort", "attention"), "/tickets?ended=hide&q=e&sort=attention")
	wantTo(t, saveFrom(ada, "/tickets?sort=attention&ended=hide", "Mine to answer"), "/tickets?ended=hide&sort=attention")

	export := ada.get(ada.get("/tickets?sort=attention&ended=hide").attr("a[href^='/tickets.csv']", "href"))
	_, rows := readSheet(t, export.body)
	if diff := cmp.Diff([]string{"'=waits", "solved", "new"}, column(rows, 1)); diff != "" {
		t.Errorf("the file (-want +got):\n%s", diff)
	}
	if got := rows[0][6]; got != "2026-11-24T09:42:00+00:00" {
		t.Errorf("an instant is written %q", got)
	}
	if _, rows := readSheet(t, w.customer("eve@example.com").get("/tickets.csv").body); len(rows) != 0 {
		t.Errorf("another customer gets %q", rows)
	}
}

// So have downloads; what is out of reach is named without its files.
func TestDownloadsAsAList(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	p := w.product("+Editor")
	r := w.publish(p, "2.0", func(in *delivery.NewRelease) { in.Channel = license.Beta })
	w.publish(p, "3.0")
	l := w.issue(ada.Customer.ID, p, maxVersion("2.x"))
	narrowed := ada.get("/downloads?channel=beta&product=" + string(p.ID))
	if got := narrowed.attrs("form.search input[type=hidden]", "name"); !cmp.Equal(got, []string{"channel", "product"}) {
		t.Errorf("searching keeps %q", got)
	}
	wantTo(t, saveFrom(ada, "/downloads?channel=beta&q=edi&cut=1&after=x", "Early ones"), "/downloads?channel=beta&q=edi")

	export := ada.get(ada.get("/downloads").attr("a[href^='/downloads.csv']", "href"))
	if name := export.header.Get("Content-Disposition"); name != `attachment; filename="downloads-2026-11-24.csv"` {
		t.Errorf("sent as %q", name)
	}
	_, rows := readSheet(t, export.body)
	stamp, sum := "2026-11-24T08:41:00+00:00", hex.EncodeToString(r.Assets[0].SHA256)
	if diff := cmp.Diff([][]string{
		{"'+Editor", "Production", "v3.0", "Stable", stamp, "No", "", "", "", ""},
		{"'+Editor", "Production", "v2.0", "Beta", stamp, "Yes", "setup.bin", "Package · Windows · x64", "14", sum},
	}, rows); diff != "" {
		t.Errorf("the file (-want +got):\n%s", diff)
	}
	for query, want := range map[string]int{"channel=beta": 1, "q=nothing": 0, "license=" + string(l.ID): 2} {
		if _, rows := readSheet(t, ada.get("/downloads.csv?"+query).body); len(rows) != want {
			t.Errorf("%s: %q", query, rows)
		}
	}
	wantStatus(t, w.customer("eve@example.com").get("/downloads.csv?license="+string(l.ID)), http.StatusNotFound)
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
