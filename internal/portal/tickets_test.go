package portal_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/catalog"
	"github.com/keyward/keyward/internal/app/identity"
	desk "github.com/keyward/keyward/internal/app/support"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/ticket"
)

// ticket opens one with a file for a customer, and returns the ids of both.
func (w *world) ticket(c customer) (wanted, file id.ID) {
	w.t.Helper()
	t := w.ask(c, func(q *desk.Question) { q.Files = []desk.NewFile{{Name: "trace.log", Content: []byte("boom")}} })
	th, err := w.support.Thread(w.t.Context(), c.actor(), t.ID)
	must(w.t, err)
	return t.ID, th.Posts[0].Files[0].ID
}

func (c customer) actor() account.Actor {
	return account.Actor{Kind: account.ActorPerson, ID: c.person.ID, CustomerID: c.Customer.ID, Role: account.Owner}
}

func (w *world) ask(c customer, changes ...func(*desk.Question)) ticket.Ticket {
	w.t.Helper()
	q := desk.Question{Subject: "It does not start", Category: "technical_support", Priority: ticket.Normal, Description: "Nothing happens."}
	for _, change := range changes {
		change(&q)
	}
	t, err := w.support.Create(w.t.Context(), c.actor(), q)
	must(w.t, err)
	return t
}

func (w *world) answer(t ticket.Ticket, text string, to ticket.Status) {
	w.t.Helper()
	_, err := w.support.Answer(w.t.Context(), vendor(), t.Number, desk.Message{Body: text}, to)
	must(w.t, err)
}

func (w *world) setStatus(t ticket.Ticket, to ticket.Status) {
	w.t.Helper()
	_, err := w.support.SetStatus(w.t.Context(), vendor(), t.Number, to)
	must(w.t, err)
}

func ticketPath(t ticket.Ticket) string { return "/tickets/" + string(t.ID) }

type upload struct{ name, content string }

// send posts a form with files; what is returned may hold the keys.
func (b *browser) send(path string, fields map[string]string, allowed string, files ...upload) *page {
	b.w.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range fields {
		must(b.w.t, form.WriteField(name, value))
	}
	for _, f := range files {
		part, err := form.CreateFormFile("files", f.name)
		must(b.w.t, err)
		_, err = part.Write([]byte(f.content))
		must(b.w.t, err)
	}
	must(b.w.t, form.Close())
	r := b.request(http.MethodPost, path, body.String())
	r.Header.Set("Content-Type", form.FormDataContentType())
	return b.do(r, allowed)
}

func filledIn(changes ...string) map[string]string {
	fields := map[string]string{
		"form": "f-1", "subject": "It does not start", "category": "technical_support", "priority": "normal", "description": "Nothing <b>happens</b>.",
	}
	for i := 0; i+1 < len(changes); i += 2 {
		fields[changes[i]] = changes[i+1]
	}
	return fields
}

// P-TIC-02, P-TIC-05, P-TIC-15, P-TIC-20, P-TIC-30
func TestOpenATicket(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	form := ada.get("/tickets/new")
	for _, name := range []string{"subject", "category", "priority", "description"} {
		if form.find("[name="+name+"][required]").Length() != 1 {
			t.Errorf("%s is not required", name)
		}
	}
	if got := form.attr("select[name=priority] option[selected]", "value"); got != "normal" { // P-TIC-07
		t.Errorf("the priority is %q at first", got)
	}
	answer := ada.send("/tickets/new", filledIn(), "", upload{"trace.log", "boom"})
	wantStatus(t, answer, http.StatusSeeOther)
	ticket := ada.get(answer.location())
	wantText(t, ticket, "h1", "It does not start")
	wantIn(t, ticket, ".page-head .meta", "TICK-1001")
	wantText(t, ticket, ".page-head .badge", "Open")
	wantIn(t, ticket, ".post", "Nothing <b>happens</b>.")
	wantIn(t, ticket, ".flash", "Your ticket was sent")
	wantText(t, ticket, ".timeline b", "Created")
	wantText(t, ticket, "form[action$='/reply'] button", "Send Reply")

	file := ada.get(ticket.attr(".files a", "href"))
	if file.body != "boom" || file.header.Get("Content-Disposition") != `attachment; filename=trace.log` ||
		file.header.Get("X-Content-Type-Options") != "nosniff" || file.header.Get("Content-Type") != "text/plain" {
		t.Errorf("file %q with %v", file.body, file.header)
	}
	t.Run("the same form again is the same ticket", func(t *testing.T) {
		again := ada.send("/tickets/new", filledIn(), "")
		wantTo(t, again, answer.location())
		other := ada.send("/tickets/new", filledIn("form", "f-2"), "")
		wantIn(t, ada.get(other.location()), ".page-head .meta", "TICK-1002")
	})
	t.Run("without files a plain form does", func(t *testing.T) {
		plain := ada.post("/tickets/new", "form", "f-3", "subject", "S", "category", "billing", "priority", "low", "description", "D")
		wantStatus(t, plain, http.StatusSeeOther)
	})
}

// P-TIC-13, P-TIC-31
func TestTicketsAreManyAndKept(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	first, _, _ := strings.Cut(ada.send("/tickets/new", filledIn(), "", upload{"trace.log", "boom"}).location(), "?")
	for range 30 {
		w.ask(ada)
	}
	wantIn(t, ada.get("/tickets"), "#results", "of 31")
	wantStatus(t, ada.post(first+"/solve"), http.StatusSeeOther)
	w.pass(400 * day)
	ada.signIn("ada@example.com")
	kept := ada.get(first)
	wantIn(t, kept, ".post", "Nothing <b>happens</b>.")
	if file := ada.get(kept.attr(".files a", "href")); file.body != "boom" {
		t.Errorf("after more than a year the attachment is %q", file.body)
	}
}

// P-TIC-10, P-TIC-11, P-TIC-12, C-SEC-10
func TestTicketsRefused(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	big := strings.Repeat("x", ticket.MaxFile+1)
	for name, tt := range map[string]struct {
		fields map[string]string
		files  []upload
		field  string
		says   string
	}{
		"no subject":       {filledIn("subject", " "), nil, "subject", "Say in a few words"},
		"no category":      {filledIn("category", ""), nil, "category", "Choose what it is about"},
		"another category": {filledIn("category", "nonsense"), nil, "category", "Choose what it is about"},
		"no priority":      {filledIn("priority", "now"), nil, "priority", "Choose how urgent"},
		"no description":   {filledIn("description", ""), nil, "description", "Write what this is about"},
		"an alien license": {filledIn("license", string(id.New())), nil, "license", "Choose one of your licenses"},
		"a program":        {filledIn(), []upload{{"setup.exe", "MZ"}}, "files", "setup.exe cannot be attached"},
		"a masked program": {filledIn(), []upload{{"photo.png", "MZ\x90"}}, "files", "photo.png cannot be attached"},
		"a large file":     {filledIn(), []upload{{"big.txt", big}}, "files", "big.txt is larger than 10 MB"},
		"too many files":   {filledIn(), []upload{{"1.txt", "a"}, {"2.txt", "a"}, {"3.txt", "a"}, {"4.txt", "a"}, {"5.txt", "a"}, {"6.txt", "a"}, {"7.txt", "a"}}, "files", "5 files at most"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := ada.send("/tickets/new", tt.fields, "", tt.files...)
			wantStatus(t, answer, http.StatusBadRequest)
			wantIn(t, answer, "#"+tt.field+"-error", tt.says)
			wantIn(t, answer, ".problems", tt.says)
			if tt.field != "description" {
				wantText(t, answer, "textarea[name=description]", tt.fields["description"])
			}
			if tt.field != "subject" && answer.attr("input[name=subject]", "value") != tt.fields["subject"] {
				t.Error("the subject is gone")
			}
		})
	}
	if n := ada.get("/tickets").find("tbody tr").Length(); n != 0 {
		t.Errorf("%d tickets were made", n)
	}
}

// P-TIC-01, P-TIC-03, P-TIC-04, P-TIC-26, P-TIC-27
func TestTicketList(t *testing.T) {
	w := newWorld(t)
	ada, eve := w.customer("ada@example.com"), w.customer("eve@example.com")
	wantIn(t, ada.get("/tickets"), ".empty", "No tickets yet")
	w.ask(eve, func(q *desk.Question) { q.Subject = "Secret Plan" })
	states := map[ticket.Status]string{"open": "Open", "in_progress": "In Progress", "waiting": "Waiting for You", "resolved": "Resolved", "closed": "Closed"}
	tones := map[ticket.Status]string{"open": "info", "in_progress": "warn", "waiting": "hold", "resolved": "good", "closed": ""}
	for i, s := range ticket.Statuses() {
		x := w.ask(ada, func(q *desk.Question) {
			q.Subject, q.Description = "Subject "+string(s), "Body number "+fmt.Sprint(i)
			if i == 0 {
				q.Category, q.Priority = "billing", ticket.High
			}
		})
		w.setStatus(x, s)
		w.pass(48 * time.Hour)
	}
	list := ada.get("/tickets")
	if diff := cmp.Diff([]string{"Ticket", "Status", "Priority", "Category", "Created", "Last updated"}, list.texts("thead th")); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	for s, word := range states {
		wantText(t, list, "tbody .badge[data-status="+string(s)+"]", word)
		if got, _ := list.find("tbody .badge[data-status=" + string(s) + "]").Attr("data-tone"); got != tones[s] {
			t.Errorf("%s looks %q", s, got)
		}
		wantText(t, ada.get("/tickets?status="+string(s)), "tbody th .link", "Subject "+string(s))
	}
	wantIn(t, list, "tbody tr:last-child", "TICK-1002")
	wantIn(t, list, "tbody tr:last-child", "High")
	wantIn(t, list, "tbody tr:last-child", "Billing")
	for query, want := range map[string][]string{
		"category=billing":                  {"Subject open"},
		"since=2026-11-26&until=2026-11-28": {"Subject waiting", "Subject in_progress"},
		"until=2026-11-24":                  {"Subject open"},
		"q=TICK-1004":                       {"Subject waiting"},
		"q=1004":                            {"Subject waiting"},
		"q=subject+wait":                    {"Subject waiting"},
		"q=NUMBER+3":                        {"Subject resolved"},
		"q=Secret":                          {},
		"status=waiting&category=billing":   {},
		"since=nonsense&status=nonsense&category=billing": {"Subject open"},
	} {
		if diff := cmp.Diff(want, ada.get("/tickets?"+query).texts("tbody th .link")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	wantIn(t, ada.get("/tickets?q=Secret"), ".empty", "No matching tickets")
	wantTo(t, ada.post("/tickets/search", "q", "wait", "status", "waiting"), "/tickets?q=wait&status=waiting")
}

// Lists are paged by key.
func TestTicketPages(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	for i := range desk.PageSize + 2 {
		w.ask(ada, func(q *desk.Question) { q.Subject = fmt.Sprintf("Subject %d", i) })
		w.pass(time.Minute)
	}
	first := ada.get("/tickets")
	wantIn(t, first, ".table-foot", "Showing 1–25 of 27")
	second := ada.get(first.attr("[rel=next]", "href"))
	if diff := cmp.Diff([]string{"Subject 1", "Subject 0"}, second.texts("tbody th .link")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	wantIn(t, ada.get(second.attr("[rel=prev]", "href")), ".table-foot", "Showing 1–25 of 27")
}

// P-TIC-16, P-TIC-20, P-TIC-22, P-TIC-33, P-TIC-34
func TestTicketLife(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	x := w.ask(ada)
	path := ticketPath(x)
	wantIn(t, ada.get(path), ".facts", "Answer expected by")
	w.pass(time.Hour)
	w.answer(x, "Which version?", "")
	waiting := ada.get(path)
	wantText(t, waiting, ".page-head .badge", "Waiting for You")
	wantText(t, waiting, ".post[data-side=staff] header b", "Support")
	wantIn(t, waiting, ".notice", "Waiting for you")

	wantStatus(t, ada.send(path+"/reply", map[string]string{"form": "r-1", "reply": " "}, ""), http.StatusBadRequest)
	for range 2 { // a double click adds one message
		wantTo(t, ada.send(path+"/reply", map[string]string{"form": "r-1", "reply": "Version 8"}, "", upload{"a.txt", "a"}), path+"?done=replied")
	}
	replied := ada.get(path)
	wantText(t, replied, ".page-head .badge", "In Progress")
	if n := replied.find(".post").Length(); n != 3 {
		t.Errorf("%d messages", n)
	}
	refused := ada.send(path+"/reply", map[string]string{"form": "r-2", "reply": "More", "x": ""}, "",
		upload{"1.txt", "a"}, upload{"2.txt", "a"}, upload{"3.txt", "a"}, upload{"4.txt", "a"}, upload{"5.txt", "a"})
	wantStatus(t, refused, http.StatusBadRequest) // 5 of a ticket, not of a message
	wantIn(t, refused, "#files-error", "5 files at most")
	wantText(t, refused, "textarea[name=reply]", "More")

	wantTo(t, ada.post(path+"/solve"), path+"?done=solved")
	wantTo(t, ada.post(path+"/solve"), path+"?done=solved")
	solved := ada.get(path)
	wantText(t, solved, ".page-head .badge", "Resolved")
	wantStatus(t, ada.post(path+"/rating", "rating", "9"), http.StatusBadRequest)
	wantTo(t, ada.post(path+"/rating", "rating", "5"), path+"?done=rated")
	if got := ada.get(path).attr("[name=rating][checked]", "value"); got != "5" {
		t.Errorf("rated %q", got)
	}
	w.pass(8 * day)
	must(t, w.support.CloseResolved(t.Context()))
	closed := ada.get(path)
	wantText(t, closed, ".page-head .badge", "Closed")
	if diff := cmp.Diff([]string{"status_closed", "rated", "status_resolved", "status_in_progress", "posted", "status_waiting", "first_response", "posted", "created"},
		closed.attrs(".timeline li", "data-kind")); diff != "" {
		t.Errorf("timeline (-want +got):\n%s", diff)
	}
	wantIn(t, closed, ".timeline li:first-child", "automatically")
}

// P-TIC-23, P-TIC-24
func TestReopenATicket(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	x := w.ask(ada)
	path := ticketPath(x)
	w.setStatus(x, ticket.Closed)
	closed := ada.get(path)
	wantNone(t, closed, "form[action$='/reply']")
	wantText(t, closed, "#reopen button", "Reopen")
	wantStatus(t, ada.post(path+"/reply", "reply", "Hello?"), http.StatusConflict)
	wantIn(t, ada.post(path+"/reopen", "happened", ""), "#happened-error", "Write what this is about")
	for range 2 {
		wantTo(t, ada.post(path+"/reopen", "form", "o-1", "happened", "It is back"), path+"?done=reopened")
	}
	open := ada.get(path)
	wantText(t, open, ".page-head .badge", "Open")
	wantIn(t, open, ".timeline", "Reopened")
	if n := open.find(".post").Length(); n != 2 {
		t.Errorf("%d messages", n)
	}
	w.setStatus(x, ticket.Closed)
	w.pass(31 * day)
	ada.signIn("ada@example.com")
	late := ada.get(path)
	wantNone(t, late, "#reopen")
	if got := late.attr(".notice a", "href"); got != "/tickets/new" {
		t.Errorf("a late one leads to %q", got)
	}
	wantStatus(t, ada.post(path+"/reopen", "happened", "again"), http.StatusConflict)
}

// P-TIC-09, P-TIC-14, P-TIC-28, P-TIC-29, P-LICD-20
func TestTicketsAboutLicenses(t *testing.T) {
	w := newWorld(t)
	ada, eve := w.customer("ada@example.com"), w.customer("eve@example.com")
	editor, vault := w.product("Editor"), w.product("Vault", highSecurity)
	mine, sealed, theirs := w.issue(ada.Customer.ID, editor, limit(1)), w.issue(ada.Customer.ID, vault), w.issue(eve.Customer.ID, editor)
	w.activate(mine, "Laptop")

	detail := ada.get(mine.path())
	wantIn(t, detail, ".page-head .actions", "Ask about this license")
	form := ada.get(detail.attr(".page-head .actions a[href^='/tickets']", "href"))
	if got := form.attr("select[name=license] option[selected]", "value"); got != string(mine.ID) {
		t.Errorf("the license is %q", got)
	}
	if got := form.attr("select[name=category] option[selected]", "value"); got != "license_issues" {
		t.Errorf("the category is %q", got)
	}
	if n := form.find("select[name=license] option").Length(); n != 3 {
		t.Errorf("%d licenses are offered", n)
	}
	if diff := cmp.Diff([]string{"limit_reached", "expired", "key_unknown", "product_mismatch"}, form.attrs(".suggest li", "data-code")); diff != "" {
		t.Errorf("self-help (-want +got):\n%s", diff)
	}
	if got := form.attrs(".suggest li[data-match] a", "href"); !cmp.Equal(got, []string{"/activations?license=" + string(mine.ID)}) {
		t.Errorf("a full license leads to %q", got)
	}

	answer := ada.send("/tickets/new", filledIn("license", string(mine.ID),
		"description", "Full: "+mine.key+", other "+sealed.key+", foreign "+theirs.key+", invented "+invented(theirs.key)), "")
	shown := ada.do(ada.request(http.MethodGet, answer.location(), ""), theirs.key)
	if diff := cmp.Diff([]string{mine.path(), sealed.path()}, shown.attrs("#licenses .prod", "href")); diff != "" {
		t.Errorf("licenses (-want +got):\n%s", diff)
	}
	wantIn(t, shown, ".post-body", id.Brief(mine.Mask))
	wantIn(t, shown, "#licenses", "1 / 1")
	wantIn(t, shown, "#licenses .links", "View activations")
	for _, key := range []string{mine.key, sealed.key} {
		if strings.Contains(shown.body, key) {
			t.Error("a key of the reader's own is written out")
		}
	}
	t.Run("the verdict of that moment stays", func(t *testing.T) {
		w.suspend(mine, license.Payment, "")
		later := ada.do(ada.request(http.MethodGet, answer.location(), ""), theirs.key)
		wantText(t, later, "#licenses .mentioned:first-of-type .badge", "Suspended")
		wantIn(t, later, "#licenses .facts", "Active")
		wantIn(t, later, "#licenses .facts", "Activation limit reached")
		wantIn(t, later, "#licenses .facts", "kept working")
	})
	t.Run("many licenses are searched", func(t *testing.T) {
		for range 30 {
			w.issue(ada.Customer.ID, editor)
		}
		many := ada.send("/tickets/new", filledIn("action", "find", "find", "Vault"), "")
		wantStatus(t, many, http.StatusOK)
		if n := many.find("select[name=license] option").Length(); n != 2 {
			t.Errorf("%d licenses are offered", n)
		}
		wantText(t, many, "textarea[name=description]", "Nothing <b>happens</b>.")
	})
	wantStatus(t, ada.get("/tickets/new?license="+string(theirs.ID)), http.StatusNotFound)
}

// C-ENV-02, P-NAV-05: a ticket says which environment it is about.
func TestTicketsOfAnEnvironment(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	staging := w.issue(ada.Customer.ID, w.product("Editor", func(p *catalog.NewProduct) { p.Environment = license.Staging }))
	wantIn(t, ada.get("/tickets/new"), "select[name=license] option[value='"+string(staging.ID)+"']", "Staging")
	about := ada.get(ada.send("/tickets/new", filledIn("license", string(staging.ID)), "").location())
	wantIn(t, about, "#licenses .tag", "Staging")
	wantIn(t, about, "section[aria-labelledby=dt] .facts", "Staging")
	if plain := ada.get(ticketPath(w.ask(ada))); strings.Contains(plain.find("section[aria-labelledby=dt] .facts").Text(), "Environment") {
		t.Error("a ticket about nothing in particular names an environment")
	}
}

// invented is a key that nobody has.
func invented(key string) string { return key[:len(key)-3] + "ZZZ" }

// P-TIC-07, P-TIC-08
func TestTicketPromises(t *testing.T) {
	w := newWorldWith(t, options{support: desk.Settings{Hours: ticket.Hours{From: 540, To: 1080, Zone: time.UTC}}})
	ada := w.customer("ada@example.com")
	must(t, w.identity.SaveSettings(t.Context(), ada.actor(), identity.Settings{TimeZone: "Asia/Tokyo"}))
	form := ada.get("/tickets/new")
	for _, text := range []string{"3–5 days", "24 hours", "4 hours, in business hours", "1 hour, around the clock", "Monday to Friday, 18:00 to 03:00 JST"} {
		wantIn(t, form, ".panel-text", text)
	}
	for _, text := range []string{"Technical Support", "Billing", "License Issues", "General Inquiry", "Feature Request"} { // P-TIC-06
		wantIn(t, form, "select[name=category]", text)
	}
}

// P-TIC-21, P-TIC-32
func TestNotesAndMerges(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	one, two := w.ask(ada), w.ask(ada)
	_, err := w.support.AddNote(t.Context(), vendor(), one.Number, "Internal remark")
	must(t, err)
	for _, path := range []string{ticketPath(one), "/tickets", "/tickets?q=remark", "/profile/data"} {
		if page := ada.get(path); strings.Contains(page.body, "Internal") || strings.Contains(page.body, "note") {
			t.Errorf("%s shows a note, or that there is one", path)
		}
	}
	wantNone(t, ada.get("/tickets?q=remark"), "tbody tr")
	_, err = w.support.Merge(t.Context(), vendor(), two.Number, one.Number)
	must(t, err)
	answer := ada.get(ticketPath(two))
	wantTo(t, answer, ticketPath(one)+"?merged="+two.Name())
	wantIn(t, ada.get(answer.location()), ".flash", two.Name()+" was merged into this ticket")
	wantStatus(t, ada.post(ticketPath(two)+"/reply", "reply", "Hello?"), http.StatusConflict)
}

// P-TIC-25
func TestTicketSwitches(t *testing.T) {
	t.Run("all", func(t *testing.T) {
		w := newWorldWith(t, options{support: desk.Settings{Off: true}})
		ada := w.customer("ada@example.com")
		l := w.issue(ada.Customer.ID, w.product("Editor"))
		for _, path := range []string{"/tickets", "/tickets/new", "/tickets/" + string(l.ID), "/attachments/" + string(l.ID)} {
			wantStatus(t, ada.get(path), http.StatusNotFound)
		}
		wantStatus(t, ada.send("/tickets/new", filledIn(), ""), http.StatusNotFound)
		for _, action := range []string{"/reply", "/solve", "/reopen", "/rating"} {
			wantStatus(t, ada.post("/tickets/"+string(l.ID)+action, "reply", "x", "happened", "x", "rating", "1"), http.StatusNotFound)
		}
		home := ada.get("/")
		wantNone(t, home, "#nav a[href='/tickets']")
		for _, path := range []string{"/", "/licenses", l.path(), "/activations", "/downloads", "/changelog", "/profile", "/settings", "/settings/shortcuts"} {
			wantNone(t, ada.get(path), "[href^='/tickets'], [action^='/tickets']")
		}
		if got := home.attr(".topbar .help", "href"); got != "https://vendor.example/help" {
			t.Errorf("help leads to %q", got)
		}
	})
	t.Run("files and reopening", func(t *testing.T) {
		w := newWorldWith(t, options{support: desk.Settings{NoFiles: true, NoReopen: true}})
		ada := w.customer("ada@example.com")
		wantNone(t, ada.get("/tickets/new"), "input[type=file]")
		wantStatus(t, ada.send("/tickets/new", filledIn(), "", upload{"a.txt", "a"}), http.StatusBadRequest)
		x := w.ask(ada)
		w.setStatus(x, ticket.Closed)
		wantNone(t, ada.get(ticketPath(x)), "#reopen")
		wantStatus(t, ada.post(ticketPath(x)+"/reopen", "happened", "It is back"), http.StatusConflict)
	})
}

// P-TIC-30: colleagues of one customer share its tickets, and viewers only look.
func TestColleaguesAndTickets(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	viewer := w.colleague(ada, "charles@example.com", account.Viewer)
	x := w.ask(ada)
	page := viewer.get(ticketPath(x))
	wantText(t, page, ".post header b", "Ada Lovelace")
	wantNone(t, page, "main form")
	wantNone(t, viewer.get("/tickets"), "main a[href='/tickets/new']")
	wantIn(t, viewer.get("/tickets/new"), "main", "Your role does not include writing to support")
	wantStatus(t, viewer.send("/tickets/new", filledIn(), ""), http.StatusForbidden)
	for _, action := range []string{"/reply", "/solve", "/reopen", "/rating"} {
		wantStatus(t, viewer.post(ticketPath(x)+action, "reply", "x", "rating", "1", "happened", "x"), http.StatusForbidden)
	}
}

// Letters are larger than forms, and bounded all the same.
func TestOversizedLetters(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	r := ada.request(http.MethodPost, "/tickets/new", "x")
	r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	r.ContentLength = 101 << 20
	wantStatus(t, ada.do(r, ""), http.StatusRequestEntityTooLarge)
	wantStatus(t, ada.send("/licenses/search", map[string]string{"q": strings.Repeat("x", 70_000)}, ""), http.StatusRequestEntityTooLarge)
	wantStatus(t, ada.send("/tickets/new", filledIn("description", strings.Repeat("x", 70_000)), ""), http.StatusRequestEntityTooLarge)
	cut := ada.request(http.MethodPost, "/tickets/new", "--b\r\nContent-Disposition: form-data; name=\"subject\"\r\n\r\nIt")
	cut.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	wantStatus(t, ada.do(cut, ""), http.StatusBadRequest)
	wantTo(t, w.browser().get("/tickets/new"), "/login?"+url.Values{"next": {"/tickets/new"}}.Encode())
}
