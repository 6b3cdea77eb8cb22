package portal_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	desk "github.com/keyward/keyward/internal/app/support"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/ticket"
)

// P-PRO-01, P-PRO-10, P-PRO-11, P-NAV-01, P-NAV-02
func TestProfile(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	p := ada.get("/profile")
	wantText(t, p, "h1", "Profile")
	wantText(t, p, "nav.sidebar a[aria-current]", "Profile")
	wantIn(t, p, ".user .menu a[href='/profile']", "Profile")
	wantIn(t, p, "#pi", "Profile information")
	wantIn(t, p, "#pw", "Password")
	wantIn(t, p, ".facts", "Account created 24 Nov 2026")
	wantIn(t, p, ".facts", "Your role Owner")
	if got := p.attr("[aria-labelledby=ac] a[href^='/tickets/new?']", "href"); got != "/tickets/new?subject=My+account" {
		t.Errorf("the support desk is at %q", got)
	}
	for _, field := range []string{"name", "current", "password", "repeat"} { // P-PRO-09
		if p.find("label[for="+field+"] .req").Length() != 1 || p.attr("#"+field, "required") == "" && p.find("#"+field+"[required]").Length() == 0 {
			t.Errorf("%s is not marked as required", field)
		}
	}
}

// P-PRO-02, P-PRO-03, P-PRO-13, P-PRO-14
func TestProfileIsSaved(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	long := strings.Repeat("é", 255)
	p := ada.follow("/profile", "name", "  Ada   King ", "phone", "+44 20 7946 0000", "company", "Engines")
	wantIn(t, p, ".flash[role=status]", "Your profile is saved.")
	wantText(t, p, ".user-id b", "Ada King")
	for field, want := range map[string]string{"name": "Ada King", "phone": "+44 20 7946 0000", "company": "Engines"} {
		if got := p.attr("#"+field, "value"); got != want {
			t.Errorf("%s is %q", field, got)
		}
	}
	wantTo(t, ada.post("/profile", "name", long), "/profile?done=saved") // in characters, not bytes
	for name, fields := range map[string][]string{
		"no name":          {"name", " ", "phone", "1234", "company", "Kept"},
		"a name too long":  {"name", long + "é", "phone", "1234", "company", "Kept"},
		"no phone number":  {"name", "Ada", "phone", "<script>", "company", "Kept"},
		"a company of two": {"name", "Ada", "company", strings.Repeat("x", 256)},
	} {
		t.Run(name, func(t *testing.T) {
			refused := ada.post("/profile", fields...)
			wantStatus(t, refused, http.StatusBadRequest)
			if refused.find("[aria-labelledby=pi] .error").Length() != 1 || refused.find("[aria-labelledby=pi] [role=alert]").Length() != 1 {
				t.Error("the mistake is not named")
			}
			if got := refused.attr("#company", "value"); got != fields[len(fields)-1] {
				t.Errorf("what was typed is gone: %q", got)
			}
		})
	}
	if got := ada.get("/profile").attr("#name", "value"); got != long {
		t.Errorf("a refused form changed the name to %q", got)
	}
}

// P-PRO-03
func TestAccountWithoutNameIsNamed(t *testing.T) {
	w := newWorld(t)
	owner := w.stranger("ada@example.com")
	nameless, err := w.identity.AddPerson(t.Context(), vendor(), identity.NewPerson{CustomerID: owner.Customer.ID, Email: "new@example.com", Role: account.Viewer})
	must(t, err)
	w.choosePassword(nameless)
	b := w.browser()
	b.signIn("new@example.com")
	wantIn(t, b.get("/profile"), ".user-name", "new@example.com")
	wantIn(t, b.follow("/profile", "name", "Newton"), ".user-name", "Newton")
}

// P-PRO-04
func TestAddressStays(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	p := ada.get("/profile")
	if p.find("#email[readonly]").Length() != 1 || p.attr("#email", "name") != "" || p.attr("#email", "value") != "ada@example.com" {
		t.Error("the address can be typed over")
	}
	wantIn(t, p, "#email-hint", "contact support")
	wantTo(t, ada.post("/profile", "name", "Ada", "email", "eve@example.com", "Email", "eve@example.com", "status", "inactive"), "/profile?done=saved")
	wantText(t, ada.get("/"), ".user-id small", "ada@example.com")
	wantStatus(t, w.browser().post("/login", "email", "eve@example.com", "password", password), http.StatusUnauthorized)
}

// P-PRO-05, P-PRO-06, P-PRO-07, P-PRO-08, P-PRO-09, P-PRO-14
func TestPasswordIsChanged(t *testing.T) {
	const fresh = "another few words"
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	other := w.browser()
	other.signIn("ada@example.com")

	for name, tt := range map[string]struct{ current, chosen, repeat, field, words string }{
		"nothing typed":      {"", "", "", "current", "Enter your current password"},
		"no new one":         {password, "", "", "password", "Enter a password"},
		"the wrong one":      {"wrong password", fresh, fresh, "current", "Forgot password"},
		"seven characters":   {password, "abcdefg", "abcdefg", "password", "at least 8"},
		"common":             {password, "password1", "password1", "password", "first that are tried"},
		"two different ones": {password, fresh, fresh + "x", "repeat", "differ"},
	} {
		t.Run(name, func(t *testing.T) {
			refused := ada.post("/profile/password", "current", tt.current, "password", tt.chosen, "repeat", tt.repeat)
			wantStatus(t, refused, http.StatusBadRequest)
			wantIn(t, refused, "#"+tt.field+"-error", tt.words)
			wantNone(t, refused, "input[type=password][value]")
			w.pass(time.Minute)
		})
	}
	wantStatus(t, other.get("/"), http.StatusOK) // nothing has changed yet

	change := []string{"current", password, "password", fresh, "repeat", fresh}
	p := ada.follow("/profile/password", change...)
	wantIn(t, p, ".flash[role=status]", "Your password is changed")
	wantTo(t, other.get("/"), "/login?next=%2F") // others are out, this one stays
	wantTo(t, ada.post("/profile/password", change...), "/profile?done=password")
	if got := w.waiting(account.PasswordChangedNotice); got != 1 {
		t.Errorf("%d alerts wait to be mailed", got)
	}
	wantStatus(t, w.browser().post("/login", "email", "ada@example.com", "password", password), http.StatusUnauthorized)
	wantTo(t, w.browser().post("/login", "email", "ada@example.com", "password", fresh), "/")
}

// Whoever finds an open browser cannot try passwords without end.
func TestTooManyPasswordChanges(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	guess := func() *page {
		return ada.post("/profile/password", "current", "a guess", "password", "another few words", "repeat", "another few words")
	}
	for range 10 {
		wantStatus(t, guess(), http.StatusBadRequest)
	}
	limited := guess()
	wantStatus(t, limited, http.StatusTooManyRequests)
	wantIn(t, limited, "[role=alert]", "too many attempts")
	if limited.header.Get("Retry-After") == "" {
		t.Error("it is not said how long to wait")
	}
}

// P-PRO-12
func TestSignInHistory(t *testing.T) {
	w := newWorld(t)
	ada := w.stranger("ada@example.com")
	eve := w.stranger("eve@example.com")
	firefox := "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	w.browser().with("User-Agent", "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36").post("/login", "email", "ada@example.com", "password", "a guess")
	eve.signIn("eve@example.com")
	w.pass(time.Hour)
	ada.with("User-Agent", firefox).signIn("ada@example.com")
	p := ada.get("/profile")
	rows := p.texts("[aria-labelledby=sh] tbody tr")
	if len(rows) != 2 {
		t.Fatalf("the history has %q", rows)
	}
	for i, wanted := range [][]string{{"New browser", "Firefox on Linux", "198.51.100.1", "with password"}, {"1 hour ago", "Refused", "Chrome on Windows", "198.51.100.3"}} {
		for _, word := range wanted {
			if !strings.Contains(rows[i], word) {
				t.Errorf("row %d reads %q, which lacks %q", i, rows[i], word)
			}
		}
	}
	ada.post("/logout")
	ada.signIn("ada@example.com")
	if got := ada.get("/profile").texts("[aria-labelledby=sh] tbody tr .badge")[0]; got != "Signed in" {
		t.Errorf("the browser used before is called %q", got)
	}
}

func TestSessionsAreEnded(t *testing.T) {
	w := newWorld(t)
	ada, eve := w.customer("ada@example.com"), w.customer("eve@example.com")
	other, third := w.browser(), w.browser()
	other.signIn("ada@example.com")
	third.signIn("ada@example.com")
	p := ada.get("/profile")
	wantIn(t, p, "[aria-labelledby=ss]", "This browser")
	sessions := p.attrs("[aria-labelledby=ss] input[name=session]", "value")
	if len(sessions) != 2 {
		t.Fatalf("%d other sessions", len(sessions))
	}
	// P-ISO-01, P-ISO-03: somebody else's is not found, as none is, and stays.
	foreign := eve.post("/profile/sessions", "session", sessions[0])
	wantStatus(t, foreign, http.StatusNotFound)
	w.wantLogged("session", sessions[0])
	if none := eve.post("/profile/sessions", "session", string(id.New())); withoutRequestID(none) != withoutRequestID(foreign) {
		t.Error("somebody else's session is told from none")
	}
	wantStatus(t, third.get("/"), http.StatusOK)
	wantStatus(t, ada.post("/profile/sessions", "session", "7"), http.StatusNotFound)

	for range 2 { // a second click is harmless
		wantIn(t, ada.follow("/profile/sessions", "session", sessions[0]), ".flash", "That browser is signed out.")
	}
	wantTo(t, third.get("/"), "/login?next=%2F")
	wantStatus(t, other.get("/"), http.StatusOK)

	wantTo(t, ada.post("/profile/sessions/all"), "/login?done=everywhere")
	for _, b := range []*browser{ada.browser, other} {
		wantTo(t, b.get("/"), "/login?next=%2F")
	}
	wantStatus(t, eve.get("/"), http.StatusOK)
}

// P-PRO-16, P-ISO-01, P-ISO-05
func TestMyDataIsDownloaded(t *testing.T) {
	w := newWorld(t)
	ada, eve := w.customer("ada@example.com"), w.customer("eve@example.com")
	editor := w.product("Editor")
	for range 3 {
		w.issue(ada.Customer.ID, editor)
	}
	mine, theirs := w.issue(ada.Customer.ID, editor), w.issue(eve.Customer.ID, editor)
	w.activate(mine, "Laptop")
	w.activate(theirs, "Foreign")
	ada.switchOn(t)
	ada.feed()
	w.view(ada)
	w.ticket(ada)
	w.ticket(eve)
	bob := w.colleague(ada, "bob@example.com", account.Manager)
	shared := w.ask(bob, func(q *desk.Question) { q.Subject, q.Description = "Bob's own", "What Bob wrote" })
	_, err := w.support.Reply(t.Context(), ada.actor(), shared.ID, desk.Message{Body: "Me too"})
	must(t, err)
	w.answer(shared, "What the vendor wrote", ticket.Waiting)

	answer := ada.get("/profile/data")
	wantStatus(t, answer, http.StatusOK)
	if got := answer.header.Get("Content-Disposition"); got != `attachment; filename="my-data-2026-11-24.json"` {
		t.Errorf("Content-Disposition is %q", got)
	}
	var data struct {
		Person   struct{ Email, Name string }
		Customer struct{ Name, Role string }
		SignIns  []struct{ Address string } `json:"sign_ins"`
		Licenses []struct {
			ID  string
			Key string `json:"key_masked"`
		}
		Devices []struct{ Name string }
		Factors struct {
			Password  bool
			AppSince  time.Time `json:"authenticator_app_since"`
			CodesLeft int       `json:"recovery_codes_left"`
		} `json:"sign_in_with"`
		Calendar time.Time                      `json:"calendar_since"`
		Views    []struct{ Name, Query string } `json:"saved_views"`
		Tickets  []struct {
			Number, Subject string
			Messages        []struct {
				Text  string
				Files []string `json:"attachments"`
			} `json:"your_messages"`
		}
		Events []struct {
			Type string
			By   string
		}
	}
	must(t, json.Unmarshal([]byte(answer.body), &data))
	if data.Person.Email != "ada@example.com" || data.Customer.Role != "owner" || len(data.SignIns) != 1 || len(data.Licenses) != 4 ||
		len(data.Devices) != 1 || data.Devices[0].Name != "Laptop" || len(data.Events) == 0 {
		t.Errorf("it holds %+v", data)
	}
	if f := data.Factors; !f.Password || !f.AppSince.Equal(w.now) || f.CodesLeft != 10 || !data.Calendar.Equal(w.now) {
		t.Errorf("it says about signing in %+v", f)
	}
	if len(data.Views) != 1 || data.Views[0].Name != "Mine" || data.Views[0].Query != "status=active" {
		t.Errorf("its views are %+v", data.Views)
	}
	tickets := data.Tickets
	if len(tickets) != 2 || tickets[0].Subject != "" || len(tickets[0].Messages) != 1 || tickets[0].Messages[0].Text != "Me too" ||
		tickets[1].Subject != "It does not start" || !slices.Equal(tickets[1].Messages[0].Files, []string{"trace.log"}) {
		t.Errorf("its tickets are %+v", tickets)
	}
	for _, word := range []string{"Foreign", string(theirs.ID), "eve@", "license.created", "hash", "token", "secret", "Bob", "vendor wrote"} {
		if strings.Contains(answer.body, word) {
			t.Errorf("it holds %q", word)
		}
	}
	wantIn(t, ada.get("/profile"), "[aria-labelledby=md]", "Ask for deletion")
	ada.post("/logout")
	wantTo(t, ada.get("/profile/data"), "/login?next=%2Fprofile%2Fdata")
}
