package portal_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

// fetch is a calendar program that asks for an address, with headers given as
// names and values in turn.
func (w *world) fetch(method, path string, headers ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), method, "http://portal.example"+path, nil)
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr("203.0.113.77"), 4711).String()
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec
}

// feed makes the private address of somebody's calendar.
func (c customer) feed() string {
	c.w.t.Helper()
	made := c.post("/calendar")
	wantStatus(c.w.t, made, http.StatusOK)
	path, ours := strings.CutPrefix(made.find("#feed").Text(), "http://portal.example")
	if !ours || !strings.HasPrefix(path, "/calendar/") || !strings.HasSuffix(path, ".ics") {
		c.w.t.Fatalf("the address is %q", path)
	}
	return path
}

func TestCalendarIsMadeReplacedAndSwitchedOff(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	off := ada.get("/calendar")
	wantText(t, off, "h1", "Calendar")
	wantText(t, off, "nav.sidebar a[aria-current]", "My Licenses")
	if off.find("form[action='/calendar/off']").Length() != 0 || off.find("#feed").Length() != 0 {
		t.Error("a calendar that is off shows an address, or can be switched off")
	}
	first := ada.feed()
	on := ada.get("/calendar")
	if strings.Contains(on.body, first) || on.find("form[action='/calendar/off']").Length() != 1 {
		t.Error("the address is shown again, or the calendar cannot be switched off")
	}
	second := ada.feed()
	for path, want := range map[string]int{first: http.StatusNotFound, second: http.StatusOK} {
		if got := w.fetch(http.MethodGet, path).Code; got != want {
			t.Errorf("an address answers %d, want %d", got, want)
		}
	}
	wantIn(t, ada.follow("/calendar/off"), ".flash", "switched off")
	ada.follow("/calendar/off") // again
	if got := w.fetch(http.MethodGet, second).Code; got != http.StatusNotFound {
		t.Errorf("the address answers %d after it was switched off", got)
	}
	list := ada.get("/licenses")
	if list.find(".page-head a[href='/calendar']").Length() != 1 {
		t.Error("My Licenses does not lead to the calendar")
	}
}

func TestCalendarShowsEnds(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.customer("ada@example.com"), w.customer("bob@example.com")
	editor := w.product("Editor, Pro; \\ R&D")
	l := w.issue(ada.Customer.ID, editor, days(20))
	w.issue(ada.Customer.ID, editor) // never ends
	revoked := w.issue(ada.Customer.ID, editor, days(20))
	w.revoke(revoked, license.Refund)
	others := w.issue(bob.Customer.ID, editor, days(20))
	w.write(func(ctx context.Context, tx *store.Tx) error {
		return tx.SetTimeZone(ctx, ada.person.ID, "Pacific/Auckland", w.now)
	})
	path := ada.feed()
	answer := w.fetch(http.MethodGet, path)
	if got := answer.Header().Get("Content-Type"); answer.Code != http.StatusOK || got != "text/calendar; charset=utf-8" {
		t.Fatalf("answered %d %s", answer.Code, got)
	}
	file := answer.Body.String()
	text := strings.ReplaceAll(file, "\r\n ", "")
	for _, line := range []string{
		"BEGIN:VCALENDAR", "UID:" + string(l.ID) + "@keyward", "DTSTART;VALUE=DATE:20261214", "DTEND;VALUE=DATE:20261215", // the 14th at 22:41 there
		`SUMMARY:Editor\, Pro\; \\ R&D\, Professional: license ends`, "URL:http://portal.example" + l.path(),
	} {
		if !strings.Contains(text, "\r\n"+line+"\r\n") && !strings.HasPrefix(text, line+"\r\n") {
			t.Errorf("no line %q in:\n%s", line, text)
		}
	}
	if strings.Count(text, "BEGIN:VEVENT") != 1 || strings.Contains(text, string(others.ID)) {
		t.Errorf("other licenses are shown:\n%s", text)
	}
	for _, key := range w.keys {
		if strings.Contains(text, key) {
			t.Errorf("a key is shown:\n%s", text)
		}
	}

	tag := answer.Header().Get("ETag")
	w.pass(day)
	if again := w.fetch(http.MethodGet, path, "If-None-Match", tag); again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("asked again: %d with %d bytes", again.Code, again.Body.Len())
	}
	if head := w.fetch(http.MethodHead, path); head.Code != http.StatusOK || head.Body.Len() != 0 || head.Header().Get("ETag") != tag {
		t.Errorf("HEAD: %d with %d bytes", head.Code, head.Body.Len())
	}
	_, err := w.licensing.Renew(t.Context(), vendor(), l.ID, 31, l.ExpiresAt.AddDate(0, 1, 0))
	must(t, err)
	moved := w.fetch(http.MethodGet, path, "If-None-Match", tag)
	if moved.Code != http.StatusOK || !strings.Contains(moved.Body.String(), "UID:"+string(l.ID)) || !strings.Contains(moved.Body.String(), "DATE:20270114") {
		t.Errorf("after a renewal: %d\n%s", moved.Code, moved.Body)
	}
}

// The token stands in the address, and so it must stand nowhere else.
func TestCalendarTokenIsInNoLog(t *testing.T) {
	w := newWorld(t)
	path := w.customer("ada@example.com").feed()
	w.fetch(http.MethodGet, path)
	wrong := strings.Replace(path, "/calendar/", "/calendar/x", 1)
	if got := w.fetch(http.MethodGet, wrong); got.Code != http.StatusNotFound || strings.Contains(got.Body.String(), wrong) {
		t.Errorf("a wrong address answers %d:\n%s", got.Code, got.Body)
	}
	token := strings.TrimSuffix(strings.TrimPrefix(path, "/calendar/"), ".ics")
	if log := w.log.String(); strings.Contains(log, token) || !strings.Contains(log, "GET /calendar/{file}") {
		t.Errorf("the log:\n%s", log)
	}
}

func TestCalendarEndsWithTheRightToSignIn(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	viewer := w.colleague(ada, "vera@example.com", account.Viewer)
	path := viewer.feed()
	status := func(want int) {
		t.Helper()
		if got := w.fetch(http.MethodGet, path).Code; got != want {
			t.Errorf("answered %d, want %d", got, want)
		}
	}
	status(http.StatusOK)
	w.write(func(ctx context.Context, tx *store.Tx) error {
		return tx.SetPersonStatus(ctx, viewer.person.ID, account.Inactive, w.now)
	})
	status(http.StatusNotFound)
	for range 100 {
		w.fetch(http.MethodGet, "/calendar/guess.ics")
	}
	if limited := w.fetch(http.MethodGet, path); limited.Code != http.StatusTooManyRequests || limited.Header().Get("Retry-After") == "" {
		t.Errorf("after many guesses: %d", limited.Code)
	}
}
