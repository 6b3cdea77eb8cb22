package portal_test

import (
	"encoding/csv"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/id"
)

// sheet reads a file that was exported, without its heading.
func readSheet(t *testing.T, body string) (heading []string, rows [][]string) {
	t.Helper()
	text, marked := strings.CutPrefix(body, "\ufeff")
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || !marked || len(all) == 0 {
		t.Fatalf("this is no sheet: %v: %.200q", err, body)
	}
	return all[0], all[1:]
}

func column(rows [][]string, i int) []string {
	var cells []string
	for _, row := range rows {
		cells = append(cells, row[i])
	}
	return cells
}

// The file is what the list shows, on all its pages, and nobody else's.
func TestExportingLicenses(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	must(t, w.identity.SaveSettings(t.Context(), account.Actor{Kind: account.ActorPerson, ID: ada.person.ID, CustomerID: ada.Customer.ID}, identity.Settings{TimeZone: "Asia/Kolkata"}))
	w.now = time.Date(2026, 11, 24, 20, 41, 7, 0, time.UTC)
	s := w.allStates(ada)
	odd := w.issue(ada.Customer.ID, w.product("=HYPERLINK(1)"), days(400), limit(2))
	eve := w.customer("eve@example.com")
	theirs := w.issue(eve.Customer.ID, w.product("Secret Project"))

	export := ada.get(ada.get("/licenses").attr(".menu a[href^='/licenses.csv']", "href"))
	wantStatus(t, export, http.StatusOK)
	if ct, name := export.header.Get("Content-Type"), export.header.Get("Content-Disposition"); !strings.HasPrefix(ct, "text/csv; charset=utf-8") || name != `attachment; filename="licenses-2026-11-26.csv"` {
		t.Errorf("sent as %q, %q", ct, name)
	}
	heading, rows := readSheet(t, export.body)
	if len(heading) != 13 || !slices.Contains(heading, "License key") {
		t.Errorf("the heading is %q", heading)
	}
	want := []string{"'=HYPERLINK(1)", "Professional", odd.Mask, "Assigned", "0", "2", "0", "2026-11-26T02:16:07+05:30", "", "2027-12-31T02:16:07+05:30", "All versions", "", "Production"}
	if diff := cmp.Diff(want, rows[0]); diff != "" {
		t.Errorf("a row (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{odd.Mask, s.revoked.Mask, s.suspended.Mask, s.assigned.Mask, s.active.Mask, s.expired.Mask}, column(rows, 2)); diff != "" {
		t.Errorf("licenses (-want +got):\n%s", diff)
	}
	if strings.Contains(export.body, theirs.Mask) || strings.Contains(export.body, "Secret Project") {
		t.Error("the file holds another customer's license")
	}
	for query, want := range map[string][]string{
		"?status=expired":       {s.expired.Mask},
		"?ended=hide&q=edi":     {s.suspended.Mask, s.assigned.Mask, s.active.Mask},
		"?q=" + theirs.key[:8]:  nil,
		"?status=active&q=nope": nil,
	} {
		_, rows := readSheet(t, ada.get("/licenses.csv"+query).body)
		if diff := cmp.Diff(want, column(rows, 2)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}

func TestExportsHaveEveryPage(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	p := w.product("Editor")
	var want []string
	for range 30 {
		l := w.issue(ada.Customer.ID, p, limit(17))
		want = append(want, l.Mask)
		for range 17 {
			w.activate(l, "Device "+string(id.New()))
		}
	}
	_, rows := readSheet(t, ada.get("/licenses.csv?dir=asc").body)
	if diff := cmp.Diff(want, column(rows, 2)); diff != "" {
		t.Errorf("licenses (-want +got):\n%s", diff)
	}
	_, rows = readSheet(t, ada.get("/activations.csv").body) // two reads of 500
	names := column(rows, 0)
	slices.Sort(names)
	if n := len(slices.Compact(names)); n != 510 || len(rows) != 510 {
		t.Errorf("%d rows, %d different", len(rows), n)
	}
}

// Whole keys are asked for by a form, and leave one event that says how many
// and which, but not what was searched for.
func TestExportingFullKeys(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	plain, sealed := w.issue(ada.Customer.ID, w.product("Editor")), w.issue(ada.Customer.ID, w.product("Editor Vault", highSecurity))
	ended := w.issue(ada.Customer.ID, w.product("Editor Old"), days(1))
	eve := w.customer("eve@example.com")
	theirs := w.issue(eve.Customer.ID, w.product("Editor of Eve"))
	w.pass(2 * day)
	ada.signIn("ada@example.com")

	asked := ada.get(ada.get("/licenses?q=editor&ended=hide").attr(".menu a[href^='/licenses/export']", "href"))
	wantText(t, asked, "h1", "Export 2 full keys?")
	if got := asked.attr("form.confirm", "action"); got != "/licenses.csv" {
		t.Errorf("the form leads to %q", got)
	}
	var fields []string
	for i, name := range asked.attrs("form.confirm input", "name") {
		fields = append(fields, name, asked.attrs("form.confirm input", "value")[i])
	}
	if diff := cmp.Diff([]string{"q", "editor", "ended", "hide", "keys", "full"}, fields); diff != "" {
		t.Errorf("the form sends (-want +got):\n%s", diff)
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, ada.request(http.MethodPost, "/licenses.csv", form(fields...)))
	_, rows := readSheet(t, rec.Body.String())
	if diff := cmp.Diff([]string{sealed.key, plain.key}, column(rows, 2)); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	for _, other := range []issued{ended, theirs} {
		if strings.Contains(rec.Body.String(), other.key) {
			t.Errorf("the file holds %s", other.product.Name)
		}
	}
	events := w.exports()
	if len(events) != 1 || *events[0].Data.Count != 2 || events[0].Data.Filter != "ended=hide&search=yes" || events[0].CustomerID != ada.Customer.ID || events[0].Actor.ID != ada.person.ID {
		t.Errorf("events: %+v", events)
	}

	t.Run("only when asked for", func(t *testing.T) {
		wantStatus(t, ada.post("/licenses.csv"), http.StatusBadRequest)
		viewer := w.colleague(ada, "charles@example.com", account.Viewer)
		wantNone(t, viewer.get("/licenses"), ".menu a[href^='/licenses/export']")
		wantNone(t, viewer.get("/licenses/export"), "form.confirm")
		wantStatus(t, viewer.post("/licenses.csv", "keys", "full"), http.StatusForbidden)
		wantStatus(t, viewer.get("/licenses.csv"), http.StatusOK)
		if n := len(w.exports()); n != 1 {
			t.Errorf("%d events", n)
		}
	})
}

// exports are the events of exports with whole keys.
func (w *world) exports() []event.Event {
	w.t.Helper()
	var found []event.Event
	pending, err := w.store.Unsealed(w.t.Context(), 10_000)
	must(w.t, err)
	for _, e := range pending {
		if e.Event.Type == event.KeysExported {
			found = append(found, e.Event)
		}
	}
	return found
}

func TestExportingActivations(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor"))
	gone := w.activate(l, "Old")
	w.activate(l, "@Laptop")
	ada.post(deactivation(gone))
	theirs := w.issue(w.customer("eve@example.com").Customer.ID, w.product("Secret"))
	w.activate(theirs, "Foreign")
	export := ada.get(ada.get("/activations").attr("a[href^='/activations.csv']", "href"))
	_, rows := readSheet(t, export.body)
	stamp := "2026-11-24T09:41:00+00:00"
	if diff := cmp.Diff([][]string{
		{"'@Laptop", "hw-@laptop", "Hardware ID", "Linux", "", "Active", "", stamp, "", "Editor", l.Mask, "Production"},
		{"Old", "hw-old", "Hardware ID", "Linux", "", "Deactivated", "", stamp, stamp, "Editor", l.Mask, "Production"},
	}, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	_, rows = readSheet(t, ada.get("/activations.csv?ended=hide&license="+string(l.ID)).body)
	if len(rows) != 1 {
		t.Errorf("%d rows", len(rows))
	}
	wantStatus(t, ada.get("/activations.csv?license="+string(theirs.ID)), http.StatusNotFound)
	if name := export.header.Get("Content-Disposition"); name != `attachment; filename="activations-2026-11-24.csv"` {
		t.Errorf("sent as %q", name)
	}
}
