package ticket_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/ticket"
)

var now = time.Date(2026, time.November, 24, 9, 41, 0, 0, time.UTC) // a Tuesday

const day = 24 * time.Hour

func in(s ticket.Status) ticket.Ticket {
	t := ticket.Ticket{ID: "t", Number: 1001, CustomerID: "c", Status: s}
	switch s {
	case ticket.Resolved:
		t.ResolvedAt = now
	case ticket.Closed:
		t.ClosedAt = now
	}
	return t
}

// P-TIC-03, P-TIC-16, P-TIC-22, P-TIC-23, P-TIC-33: every state and every move.
func TestTransitions(t *testing.T) {
	moves := map[string]func(ticket.Ticket) (ticket.Ticket, *fault.Error){
		"the customer writes":  func(x ticket.Ticket) (ticket.Ticket, *fault.Error) { return ticket.AskedAgain(x, now) },
		"staff answers":        func(x ticket.Ticket) (ticket.Ticket, *fault.Error) { return ticket.Answered(x, "", now) },
		"the customer solves":  func(x ticket.Ticket) (ticket.Ticket, *fault.Error) { return ticket.Solve(x, now) },
		"the customer reopens": func(x ticket.Ticket) (ticket.Ticket, *fault.Error) { return ticket.Reopen(x, now) },
		"staff closes":         func(x ticket.Ticket) (ticket.Ticket, *fault.Error) { return ticket.Move(x, ticket.Closed, now) },
		"staff opens":          func(x ticket.Ticket) (ticket.Ticket, *fault.Error) { return ticket.Move(x, ticket.Open, now) },
	}
	const refused = "refused"
	want := map[string]map[ticket.Status]string{
		"the customer writes":  {"open": "open", "in_progress": "in_progress", "waiting": "in_progress", "resolved": "open", "closed": refused},
		"staff answers":        {"open": "waiting", "in_progress": "waiting", "waiting": "waiting", "resolved": "resolved", "closed": refused},
		"the customer solves":  {"open": "resolved", "in_progress": "resolved", "waiting": "resolved", "resolved": "resolved", "closed": refused},
		"the customer reopens": {"open": refused, "in_progress": refused, "waiting": refused, "resolved": refused, "closed": "open"},
		"staff closes":         {"open": "closed", "in_progress": "closed", "waiting": "closed", "resolved": "closed", "closed": "closed"},
		"staff opens":          {"open": "open", "in_progress": "open", "waiting": "open", "resolved": "open", "closed": "open"},
	}
	got := map[string]map[ticket.Status]string{}
	for name, move := range moves {
		got[name] = map[ticket.Status]string{}
		for _, s := range ticket.Statuses() {
			after, f := move(in(s))
			got[name][s] = string(after.Status)
			if f != nil {
				got[name][s] = refused
			}
			merged := in(s)
			merged.MergedInto = "other"
			if _, f := move(merged); f == nil || f.Code != "ticket_merged" {
				t.Errorf("%s in a merged ticket: %v", name, f)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// P-TIC-22, P-TIC-23, P-TIC-24: the instants at which things end.
func TestBoundaries(t *testing.T) {
	resolved, closed := in(ticket.Resolved), in(ticket.Closed)
	for _, tt := range []struct {
		name string
		got  bool
		want bool
	}{
		{"just before a week", ticket.ClosesItself(resolved, now.Add(7*day-1)), false},
		{"after a week", ticket.ClosesItself(resolved, now.Add(7*day)), true},
		{"an open one never", ticket.ClosesItself(in(ticket.Open), now.Add(99*day)), false},
		{"reopened on day 30", ticket.MayReopen(closed, now.Add(30*day)) == nil, true},
		{"after day 30", ticket.MayReopen(closed, now.Add(30*day+1)) == nil, false},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %v", tt.name, tt.got)
		}
	}
	if f := ticket.MayReopen(closed, now.Add(31*day)); f.Code != "reopen_too_late" || !strings.Contains(f.Next, "new ticket") {
		t.Errorf("too late: %v", f)
	}
	answered, _ := ticket.Answered(in(ticket.Open), "", now)
	again, _ := ticket.Answered(answered, "", now.Add(day))
	if !answered.FirstResponseAt.Equal(now) || !again.FirstResponseAt.Equal(now) {
		t.Error("the first response is not the first")
	}
}

// P-TIC-32
func TestMerge(t *testing.T) {
	a, b := in(ticket.Open), in(ticket.Open)
	b.ID = "b"
	merged, f := ticket.Merge(a, b, now)
	if f != nil || merged.MergedInto != "b" || merged.Status != ticket.Closed {
		t.Errorf("merged: %+v, %v", merged, f)
	}
	other := b
	other.CustomerID = "another"
	for name, into := range map[string]ticket.Ticket{"itself": a, "another customer's": other, "a merged one": merged} {
		from := a
		if name == "a merged one" {
			from = b
		}
		if _, f := ticket.Merge(from, into, now); f == nil {
			t.Errorf("merged into %s", name)
		}
	}
}

// P-TIC-34
func TestRate(t *testing.T) {
	if _, f := ticket.Rate(in(ticket.Open), 5, now); f == nil {
		t.Error("an open ticket was rated")
	}
	if _, f := ticket.Rate(in(ticket.Resolved), 6, now); f == nil || len(f.Fields) != 1 {
		t.Errorf("six of five: %v", f)
	}
	if rated, f := ticket.Rate(in(ticket.Closed), 4, now); f != nil || rated.Rating != 4 {
		t.Errorf("rated: %v, %v", rated.Rating, f)
	}
}

// P-TIC-02
func TestNames(t *testing.T) {
	if got := (ticket.Ticket{Number: ticket.FirstNumber}).Name(); got != "TICK-1001" {
		t.Errorf("first name %s", got)
	}
	for text, want := range map[string]int64{"TICK-1001": 1001, " tick-1001 ": 1001, "tick1001": 1001, "1001": 1001, "": 0, "TICK-": 0, "10x": 0, "-5": 5, strings.Repeat("9", 30): 0} {
		if got, ok := ticket.ParseName(text); got != want || ok != (want != 0) {
			t.Errorf("ParseName(%q) = %d, %v", text, got, ok)
		}
	}
}

// P-TIC-07, P-TIC-08
func TestHours(t *testing.T) {
	berlin, err := ticket.ParseHours("09:00-18:00", "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(s string) time.Time {
		parsed, err := time.ParseInLocation("2006-01-02 15:04", s, berlin.Zone)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	for _, tt := range []struct{ from, want string }{
		{"2026-11-24 10:00", "2026-11-24 14:00"}, // within a day
		{"2026-11-24 07:00", "2026-11-24 13:00"}, // before it opens
		{"2026-11-24 14:00", "2026-11-24 18:00"}, // to the minute it closes
		{"2026-11-24 16:00", "2026-11-25 11:00"}, // over night
		{"2026-11-27 17:00", "2026-11-30 12:00"}, // over a weekend
		{"2026-11-28 12:00", "2026-11-30 13:00"}, // on a weekend
		{"2026-03-27 17:00", "2026-03-30 12:00"}, // over the change of clocks
	} {
		if got := ticket.High.Due(at(tt.from), berlin); !got.Equal(at(tt.want)) {
			t.Errorf("4 hours from %s end %s, want %s", tt.from, got.In(berlin.Zone), tt.want)
		}
	}
	if got := ticket.Critical.Due(at("2026-11-28 23:30"), berlin); !got.Equal(at("2026-11-29 00:30")) {
		t.Errorf("critical at night is due %s", got)
	}
	if berlin.Open(at("2026-11-28 12:00")) || !berlin.Open(at("2026-11-27 17:59")) || berlin.Open(at("2026-11-27 18:00")) {
		t.Error("the desk is open when it is not, or the other way round")
	}
	for _, bad := range [][2]string{{"", "UTC"}, {"18:00-09:00", "UTC"}, {"09:00-18:00", "Mars"}, {"09:00-18:00", "Local"}, {"9-25", "UTC"}} {
		if _, err := ticket.ParseHours(bad[0], bad[1]); err == nil {
			t.Errorf("hours %q were taken", bad)
		}
	}
	for p, target := range map[ticket.Priority]string{ticket.Low: "3–5 days", ticket.Normal: "24 hours", ticket.High: "4 hours, in business hours", ticket.Critical: "1 hour, around the clock"} {
		if got := p.Promise(); got.Target != target || got.Guidance == "" {
			t.Errorf("%s promises %q", p, got.Target)
		}
	}
}

// P-TIC-11, C-SEC-10: name and content must agree, and programs are refused
// under every name.
func TestFileTypes(t *testing.T) {
	png := "\x89PNG\r\n\x1a\nrest"
	for _, tt := range []struct {
		name, content, want string
	}{
		{"a.png", png, "image/png"},
		{"a.PNG", png, "image/png"},
		{"a.jpg", "\xff\xd8\xff\xe0", "image/jpeg"},
		{"a.jpeg", "\xff\xd8\xff\xe0", "image/jpeg"},
		{"a.gif", "GIF89a", "image/gif"},
		{"a.pdf", "%PDF-1.7", "application/pdf"},
		{"a.txt", "hello", "text/plain"},
		{"a.log", "2026 \x1b[31merror\x1b[0m", "text/plain"},
		{"a.yml", "a: 1", "application/yaml"},
		{"a.xml", "<?xml?><a/>", "application/xml"},
		{"a.json", `{"a":1}`, "application/json"},
		{"a.txt", "", "text/plain"},

		{"a.exe", "MZ\x90\x00", ""},
		{"a.dll", "MZ\x90\x00", ""},
		{"a.txt", "MZ\x90\x00", ""},
		{"a.png", "MZ\x90\x00", ""},
		{"a.log", "\x7fELF", ""},
		{"a.txt", "#!/bin/sh\n", ""},
		{"a.pdf", "PK\x03\x04", ""},
		{"a.exe", "hello", ""},
		{"a.png.exe", png, ""},
		{"a.png", "GIF89a", ""},
		{"a.txt", "a\x00b", ""},
		{"a.xml", "no markup", ""},
		{"a.json", "{", ""},
		{"a.html", "<html>", ""},
		{"a.svg", "<svg/>", ""},
		{"a", "hello", ""},
	} {
		got, ok := ticket.FileType(tt.name, []byte(tt.content))
		if got != tt.want && ok || ok != (tt.want != "") {
			t.Errorf("FileType(%s, %q) = %s, %v", tt.name, tt.content, got, ok)
		}
	}
}

func TestFileNames(t *testing.T) {
	for name, want := range map[string]string{
		`C:\Users\ada\crash.log`: "crash.log", "../../etc/passwd.txt": "passwd.txt", "a\r\nb.txt": "a__b.txt", `a"b;c.txt`: "a_b_c.txt",
		"": "file", "..": "..", strings.Repeat("x", 300) + ".txt": strings.Repeat("x", 116) + ".txt", "Prüfung 1.txt": "Prüfung 1.txt",
	} {
		if got := ticket.FileName(name); got != want {
			t.Errorf("FileName(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestCleaning(t *testing.T) {
	if got, ok := ticket.CleanSubject(" It\r\n does\x00 not \u202ework "); got != "It does not work" || !ok {
		t.Errorf("subject %q", got)
	}
	if _, ok := ticket.CleanSubject(" \n"); ok {
		t.Error("an empty subject was taken")
	}
	if got, ok := ticket.CleanBody("\r\n one\r\ntwo\x07\r\n\r\n"); got != "one\ntwo" || !ok {
		t.Errorf("body %q", got)
	}
	if _, ok := ticket.CleanBody(strings.Repeat("x", ticket.MaxBody+1)); ok {
		t.Error("a body without end was taken")
	}
}

// P-TIC-28: which words are looked up as keys.
func TestKeyWords(t *testing.T) {
	got := ticket.KeyWords("My key (CART-7QK2-PX3M-9TZD-4WJH), and ABCDEFGHIJ; not the word everything or 2026-11-24.\nCART-7QK2-PX3M-9TZD-4WJH again: short-1")
	want := []string{"CART-7QK2-PX3M-9TZD-4WJH", "ABCDEFGHIJ", "2026-11-24"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := len(ticket.KeyWords(strings.Repeat("ABCD-EFGH-", 1) + many(100))); n > 20 {
		t.Errorf("%d words are looked up", n)
	}
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(" KEY-1234-" + strings.Repeat("A", i%9+1))
		b.WriteString(string(rune('A' + i%26)))
	}
	return b.String()
}

// E-33
func TestCategories(t *testing.T) {
	if c, err := ticket.CategoryOf(" On-Site  Visits "); err != nil || c != (ticket.Category{Code: "on_site_visits", Label: "On-Site Visits"}) {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := ticket.CategoryOf("!"); err == nil {
		t.Error("a name without letters was taken")
	}
	if n := len(ticket.Categories()); n != 5 {
		t.Errorf("%d categories", n)
	}
}
