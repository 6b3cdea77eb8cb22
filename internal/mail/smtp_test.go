package mail_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/mail"
	"github.com/keyward/keyward/internal/mailbox"
)

// post runs a mailbox and returns it with a sender that posts to it.
func post(t *testing.T) (*mailbox.Box, *mail.SMTP) {
	t.Helper()
	box := mailbox.New(clock)
	ctx, cancel := context.WithCancel(t.Context())
	ln, err := mailbox.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- box.ServeSMTP(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return box, sender(t, "smtp://"+ln.Addr().String())
}

func sender(t *testing.T, address string) *mail.SMTP {
	t.Helper()
	server, err := mail.ParseSMTPURL(address)
	if err != nil {
		t.Fatal(err)
	}
	return mail.NewSMTP(server, clock)
}

func message(t *testing.T) mail.Message {
	t.Helper()
	m, err := composer(t, brand).Invitation(invitation())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSend(t *testing.T) {
	t.Run("each mail arrives in a mailbox with its text as composed", func(t *testing.T) {
		box, s := post(t)
		m := message(t)
		if err := s.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		got := box.Messages()
		want := []mailbox.Message{{
			ID: 1, From: "licenses@example.com", To: []string{"ada@example.org"},
			Subject: m.Subject, Text: m.Text, ReceivedAt: at,
		}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("mailbox (-want +got):\n%s", diff)
		}
	})
	t.Run("a recipient outside ASCII arrives", func(t *testing.T) {
		box, s := post(t)
		m := message(t)
		m.To = mail.Address{Name: "Jörg Grün", Email: "jörg@example.org"}
		if err := s.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if got := box.Messages(); got[0].To[0] != "jörg@example.org" {
			t.Errorf("To = %q", got[0].To)
		}
	})
	t.Run("one sender serves many at once", func(t *testing.T) {
		box, s := post(t)
		m := message(t)
		failed := make(chan error)
		for range 20 {
			go func() { failed <- s.Send(t.Context(), m) }()
		}
		for range 20 {
			if err := <-failed; err != nil {
				t.Error(err)
			}
		}
		if n := len(box.Messages()); n != 20 {
			t.Errorf("%d mails arrived", n)
		}
	})
	t.Run("a mail that is not in form is not sent", func(t *testing.T) {
		box, s := post(t)
		for _, change := range []func(*mail.Message){
			func(m *mail.Message) { m.To.Email = "ada@example.org>\r\nRCPT TO:<eve@example.org" },
			func(m *mail.Message) { m.From.Email = "x" },
			func(m *mail.Message) { m.ReplyTo = "a\nb@example.org" },
			func(m *mail.Message) { m.ID = "a\r\nb" },
			func(m *mail.Message) { m.HTML = "" },
		} {
			m := message(t)
			change(&m)
			if err := s.Send(t.Context(), m); !mail.Permanent(err) {
				t.Errorf("Send = %v, want a permanent failure", err)
			}
		}
		if len(box.Messages()) != 0 {
			t.Error("a mail arrived")
		}
	})
}

func TestOnTheWire(t *testing.T) {
	script := startScript(t, nil)
	m := message(t)
	m.To.Name = "Ada \"Ünder\"\r\nBcc: all@example.com, <x>"
	m.From.Name = strings.Repeat("A very long name ", 40)
	m.Subject = "Grüße\r\nBcc: all@example.com " + strings.Repeat("long ", 60)
	m.Text += ".\n..\nFrom here\nä" + strings.Repeat("x", 2000) + "\n"
	if err := sender(t, script.url()).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	raw := script.mail()
	parsed, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}

	// RFC 5322 sections 2.1.1 and 2.3.
	t.Run("lines are ASCII, end with CRLF and have at most 998 bytes", func(t *testing.T) {
		for line := range strings.SplitSeq(strings.TrimSuffix(string(raw), "\r\n"), "\r\n") {
			if len(line) > 998 || strings.ContainsAny(line, "\r\n") || strings.ContainsFunc(line, func(r rune) bool { return r > 126 || r < 32 && r != '\t' }) {
				t.Errorf("line %q", line)
			}
		}
	})
	t.Run("names and subject cannot add a header line", func(t *testing.T) {
		if got := parsed.Header.Get("Bcc"); got != "" {
			t.Errorf("Bcc = %q", got)
		}
		if diff := cmp.Diff([]string{"Auto-Submitted", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Reply-To", "Subject", "To", "X-Auto-Response-Suppress"}, headerNames(parsed)); diff != "" {
			t.Errorf("header lines (-want +got):\n%s", diff)
		}
		to, err := parsed.Header.AddressList("To")
		if err != nil || len(to) != 1 || to[0].Address != "ada@example.org" {
			t.Errorf("To = %v, %v", to, err)
		}
		if diff := cmp.Diff([]string{"MAIL FROM:<licenses@example.com>", "RCPT TO:<ada@example.org>"}, script.said("MAIL", "RCPT")); diff != "" {
			t.Errorf("envelope (-want +got):\n%s", diff)
		}
	})
	t.Run("date, id and automatic origin are stated", func(t *testing.T) {
		date, err := parsed.Header.Date()
		if err != nil || !date.Equal(at) {
			t.Errorf("Date = %v, %v; want the passed clock", date, err)
		}
		if got := parsed.Header.Get("Message-ID"); got != "<invite.1@example.com>" {
			t.Errorf("Message-ID = %q", got)
		}
		if got := parsed.Header.Get("Auto-Submitted"); got != "auto-generated" {
			t.Errorf("Auto-Submitted = %q", got)
		}
		if got := parsed.Header.Get("Reply-To"); got != "<support@example.com>" {
			t.Errorf("Reply-To = %q", got)
		}
	})
	t.Run("both parts are there, text first", func(t *testing.T) {
		kinds, bodies := parts(t, parsed)
		if diff := cmp.Diff([]string{"text/plain; charset=UTF-8", "text/html; charset=UTF-8"}, kinds); diff != "" {
			t.Fatalf("parts (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{m.Text, m.HTML}, bodies); diff != "" {
			t.Errorf("bodies (-want +got):\n%s", diff)
		}
	})
}

func headerNames(m *netmail.Message) []string {
	var names []string
	for name, values := range m.Header {
		for range values {
			names = append(names, name)
		}
	}
	return sorted(names)
}

// parts returns the types and decoded bodies of a multipart mail.
func parts(t *testing.T, m *netmail.Message) (kinds, bodies []string) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("Content-Type = %q, %v", kind, err)
	}
	reader := multipart.NewReader(m.Body, params["boundary"])
	for {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return kinds, bodies
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, part.Header.Get("Content-Type"))
		bodies = append(bodies, strings.ReplaceAll(string(body), "\r\n", "\n"))
	}
}

func TestFailures(t *testing.T) {
	tests := []struct {
		name      string
		replies   map[string]string
		permanent bool
		code      string
	}{
		{"an unknown recipient is permanent", map[string]string{"RCPT": "550 5.1.1 <Ada@Example.org> unknown"}, true, "mail_refused"},
		{"a full mailbox is temporary", map[string]string{"RCPT": "452 4.2.2 ada@example.org is full"}, false, "mail_deferred"},
		{"content refused for good is permanent", map[string]string{".": "554 5.7.1 looks like spam"}, true, "mail_refused"},
		{"content deferred is temporary", map[string]string{".": "451 4.7.1 greylisted"}, false, "mail_deferred"},
		{"a refused DATA is permanent", map[string]string{"DATA": "554 no"}, true, "mail_refused"},
		{"a sender address that is not accepted can be repaired", map[string]string{"MAIL": "553 5.7.1 not your address"}, false, "mail_deferred"},
		{"a demand to sign in can be repaired", map[string]string{"RCPT": "530 5.7.0 authentication required"}, false, "mail_deferred"},
		{"a server that is busy is temporary", map[string]string{"EHLO": "421 busy", "HELO": "421 busy"}, false, "mail_server_unavailable"},
		{"a server that greets with no is temporary", map[string]string{"": "554 no service"}, false, "mail_server_unavailable"},
		{"a connection lost at the end of the mail is temporary", map[string]string{".": "close"}, false, "mail_server_unavailable"},
		{"a failed goodbye after delivery is no failure", map[string]string{"QUIT": "close"}, false, ""},
		{"a refused goodbye after delivery is no failure", map[string]string{"QUIT": "500 stay"}, false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := sender(t, startScript(t, tt.replies).url()).Send(t.Context(), message(t))
			if tt.code == "" {
				if err != nil {
					t.Errorf("Send = %v", err)
				}
				return
			}
			f := fault.From(err)
			if err == nil || f.Code != tt.code || mail.Permanent(err) != tt.permanent || f.Next == "" {
				t.Fatalf("Send = %v (permanent %v), want %s", err, mail.Permanent(err), tt.code)
			}
			if strings.Contains(strings.ToLower(err.Error()), "ada@example.org") {
				t.Errorf("the fault names the recipient: %v", err)
			}
		})
	}
	t.Run("a server that is away is temporary and named", func(t *testing.T) {
		ln, err := mailbox.Listen(t.Context(), "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := ln.Addr().String()
		ln.Close()
		err = sender(t, "smtp://"+address).Send(t.Context(), message(t))
		if f := fault.From(err); f.Kind != fault.Unavailable || mail.Permanent(err) || !strings.Contains(f.Message, address) {
			t.Errorf("Send = %v", err)
		}
	})
	t.Run("a silent server is left when the context ends", func(t *testing.T) {
		script := startScript(t, map[string]string{"EHLO": "silence"})
		ctx, cancel := context.WithCancel(t.Context())
		script.onSilence = cancel
		err := sender(t, script.url()).Send(ctx, message(t))
		if !errors.Is(err, context.Canceled) || mail.Permanent(err) {
			t.Errorf("Send = %v", err)
		}
	})
	t.Run("no mail server at all says what to do", func(t *testing.T) {
		err := mail.Unconfigured{}.Send(t.Context(), message(t))
		f := fault.From(err)
		if f.Kind != fault.Unavailable || mail.Permanent(err) || !strings.Contains(f.Next, "--smtp-url") {
			t.Errorf("Send = %v", err)
		}
	})
	t.Run("no error is no permanent failure", func(t *testing.T) {
		if mail.Permanent(nil) || mail.Permanent(io.EOF) || !mail.Permanent(fmt.Errorf("job: %w", mustFail(t))) {
			t.Error("Permanent misjudges")
		}
	})
}

func mustFail(t *testing.T) error {
	t.Helper()
	return sender(t, startScript(t, map[string]string{"RCPT": "550 no"}).url()).Send(t.Context(), message(t))
}

func TestCredentials(t *testing.T) {
	const offered = "250-x\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME"
	const account = "smtp://user:SECRET@"

	t.Run("sign in on loopback in plain text", func(t *testing.T) {
		script := startScript(t, map[string]string{"EHLO": offered})
		if err := sender(t, account+script.address()+"?tls=none").Send(t.Context(), message(t)); err != nil {
			t.Fatal(err)
		}
		if got := script.said("AUTH"); len(got) != 1 || !strings.HasPrefix(got[0], "AUTH PLAIN ") {
			t.Errorf("AUTH = %q", got)
		}
	})
	t.Run("sign in after STARTTLS when it is offered, whatever the certificate of this machine", func(t *testing.T) {
		script := startScript(t, map[string]string{"EHLO": offered + "\r\n"}, "starttls")
		if err := sender(t, account+script.address()).Send(t.Context(), message(t)); err != nil {
			t.Fatal(err)
		}
		if got := script.said("STARTTLS", "AUTH"); len(got) != 2 || got[0] != "STARTTLS" {
			t.Errorf("said %q", got)
		}
	})
	t.Run("sign in over required STARTTLS with a trusted certificate", func(t *testing.T) {
		script := startScript(t, map[string]string{"EHLO": offered}, "starttls")
		s := sender(t, account+script.address()+"?tls=required").WithRoots(script.roots())
		if err := s.Send(t.Context(), message(t)); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("sign in over smtps with a trusted certificate", func(t *testing.T) {
		script := startScript(t, map[string]string{"EHLO": offered}, "implicit")
		s := sender(t, "smtps://user:SECRET@"+script.address()).WithRoots(script.roots())
		if err := s.Send(t.Context(), message(t)); err != nil {
			t.Fatal(err)
		}
	})
	for _, address := range []string{"smtps://user:SECRET@%s", "smtp://user:SECRET@%s?tls=required"} {
		t.Run("nothing is said over an untrusted certificate, "+address[:5], func(t *testing.T) {
			mode := "starttls"
			if strings.HasPrefix(address, "smtps") {
				mode = "implicit"
			}
			script := startScript(t, map[string]string{"EHLO": offered}, mode)
			err := sender(t, fmt.Sprintf(address, script.address())).Send(t.Context(), message(t))
			if f := fault.From(err); err == nil || !strings.Contains(f.Next, "certificate") || mail.Permanent(err) {
				t.Errorf("Send = %v, next %q", err, f.Next)
			}
			if got := script.said("AUTH", "MAIL"); len(got) != 0 {
				t.Errorf("said %q", got)
			}
		})
	}
	t.Run("nothing is said when required STARTTLS is missing", func(t *testing.T) {
		script := startScript(t, map[string]string{"EHLO": offered})
		err := sender(t, account+script.address()+"?tls=required").Send(t.Context(), message(t))
		if f := fault.From(err); err == nil || !strings.Contains(f.Next, "encrypted") || mail.Permanent(err) {
			t.Errorf("Send = %v, next %q", err, f.Next)
		}
		if got := script.said("AUTH", "MAIL"); len(got) != 0 {
			t.Errorf("said %q", got)
		}
	})
	t.Run("a refused password can be repaired and never shows, though the server repeats it", func(t *testing.T) {
		script := startScript(t, map[string]string{"EHLO": offered, "AUTH": "535 cannot read %s"})
		err := sender(t, account+script.address()+"?tls=none").Send(t.Context(), message(t))
		f := fault.From(err)
		if err == nil || !strings.Contains(f.Next, "user name and password") || mail.Permanent(err) {
			t.Fatalf("Send = %v, next %q", err, f.Next)
		}
		if strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), "AHVzZXIAU0VDUkVU") {
			t.Errorf("the fault shows the password: %v", err)
		}
	})
}
