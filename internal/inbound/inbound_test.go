package inbound_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"net/smtp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/apptest"
	"github.com/keyward/keyward/internal/app/support"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/inbound"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/ticket"
)

// world is a support desk that takes mail on loopback.
type world struct {
	*apptest.World
	desk  *support.Service
	ada   account.Actor
	owner account.Customer
	addr  string
	sent  int
}

func newWorld(t *testing.T, changes ...func(*support.Settings)) *world {
	w := &world{World: apptest.New(t)}
	settings := support.Settings{MailDomain: "in.example.com"}
	for _, change := range changes {
		change(&settings)
	}
	log := slog.New(slog.NewTextHandler(w.Logged, nil))
	w.desk = support.New(support.Deps{
		Store: w.Store, Master: w.Master, Licensing: w.Licensing, Now: w.Clock.Now, Log: log,
		Settings: settings,
	})
	w.owner = w.Customer("Nordlicht")
	p := w.Person(w.owner, "ada@example.com")
	w.ada = account.Actor{Kind: account.ActorPerson, ID: p.ID, CustomerID: w.owner.ID, Role: account.Owner}
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	w.Must(err)
	w.addr = ln.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- inbound.New(inbound.Deps{Desk: w.desk, Domain: "in.example.com", Now: w.Clock.Now, Log: log}).Serve(ctx, ln)
	}()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) ask() ticket.Ticket {
	w.Helper()
	t, err := w.desk.Create(w.Context(), w.ada, support.Question{Subject: "It does not start", Category: "billing", Priority: ticket.Normal, Description: "Nothing."})
	w.Must(err)
	return t
}

// mail sends one over SMTP: headers first, then the body.
func (w *world) mail(from, to, headersAndBody string) error {
	w.sent++
	if !strings.Contains(headersAndBody, "Message-ID:") {
		headersAndBody = fmt.Sprintf("Message-ID: <m%d@example.com>\n", w.sent) + headersAndBody
	}
	if !strings.Contains(headersAndBody, "From:") {
		headersAndBody = "From: <" + from + ">\n" + headersAndBody
	}
	return smtp.SendMail(w.addr, nil, from, []string{to}, []byte(strings.ReplaceAll(headersAndBody, "\n", "\r\n")))
}

func (w *world) send(from, to, headersAndBody string) {
	w.Helper()
	w.Must(w.mail(from, to, headersAndBody))
}

// thread is a ticket's messages as "side: body", and its status.
func (w *world) thread(t ticket.Ticket) (ticket.Status, []string) {
	w.Helper()
	th, _, err := w.desk.StaffThread(w.Context(), apptest.Staff(), t.Number)
	w.Must(err)
	var list []string
	for _, p := range th.Posts {
		text := string(p.Side) + ": " + p.Body
		for _, f := range p.Files {
			text += " +" + f.Name
		}
		list = append(list, text)
	}
	return th.Ticket.Status, list
}

func (w *world) wantThread(t ticket.Ticket, status ticket.Status, want ...string) {
	w.Helper()
	got, posts := w.thread(t)
	if diff := cmp.Diff(append([]string{string(status)}, want...), append([]string{string(got)}, posts...)); diff != "" {
		w.Errorf("thread (-want +got):\n%s", diff)
	}
}

// newest is the latest ticket of the customer.
func (w *world) newest() (ticket.Ticket, int) {
	w.Helper()
	list, err := w.desk.List(w.Context(), w.ada, support.ListQuery{})
	w.Must(err)
	var latest ticket.Ticket
	for _, t := range list.Rows {
		if t.Number > latest.Number {
			latest = t
		}
	}
	return latest, list.Total
}

// P-TIC-16, P-TIC-17: answers by mail reach the ticket, once.
func TestAnswersByMail(t *testing.T) {
	w := newWorld(t)
	x := w.ask()
	_, err := w.desk.Answer(t.Context(), apptest.Staff(), x.Number, support.Message{Body: "Which version?"}, "")
	w.Must(err)
	reply := "Message-ID: <one@example.com>\nSubject: Re: x\n\nVersion 8.\n\nOn Thu, 12 Mar 2026 at 12:00, Support <support@example.com> wrote:\n> Which version?\n"
	w.send("ada@example.com", w.desk.ReplyAddress(x, false), reply)
	want := []string{"customer: Nothing.", "staff: Which version?", "customer: Version 8."}
	w.wantThread(x, ticket.InProgress, want...)
	w.send("ada@example.com", w.desk.ReplyAddress(x, false), reply)
	w.wantThread(x, ticket.InProgress, want...)

	t.Run("by its references", func(t *testing.T) {
		w := w.In(t)
		w.send("Ada@Example.com", "support@in.example.com", "From: Ada <Ada@Example.com>\nReferences: <ticket."+string(x.ID)+"@keyward>\nSubject: Re: x\n\nAlso 9.\n")
		want = append(want, "customer: Also 9.")
		w.wantThread(x, ticket.InProgress, want...)
	})
	t.Run("of staff", func(t *testing.T) {
		w := w.In(t)
		admin := account.Administrator{ID: id.New(), Email: "kim@example.com", Role: account.SupportAgent, Status: account.Active, CreatedAt: w.Clock.Now()}
		w.Tx(func(ctx context.Context, tx *store.Tx) error { return tx.AddAdministrator(ctx, admin) })
		w.send("kim@example.com", w.desk.ReplyAddress(x, true), "Subject: Re: x\n\nThank you.\n")
		want = append(want, "staff: Thank you.")
		w.wantThread(x, ticket.Waiting, want...)
		w.send("kim@example.com", w.desk.ReplyAddress(x, false), "Subject: Re: x\n\nNot as a customer.\n")
		w.send("ada@example.com", w.desk.ReplyAddress(x, true), "Subject: Re: x\n\nNot as staff.\n")
		w.wantThread(x, ticket.Waiting, want...)
	})
	t.Run("of strangers they do not", func(t *testing.T) {
		w := w.In(t)
		w.Person(w.Customer("Other"), "eve@example.com")
		forged := strings.Replace(w.desk.ReplyAddress(x, false), ".", ".0", 1)
		for _, from := range []string{"mallory@example.com", "eve@example.com"} {
			w.send(from, w.desk.ReplyAddress(x, false), "Subject: Re: x\n\nLet me in.\n")
			w.send(from, "support@in.example.com", "References: <ticket."+string(x.ID)+"@keyward>\nSubject: Re: x\n\nLet me in.\n")
		}
		w.send("mallory@example.com", forged, "Subject: Re: x\n\nLet me in.\n")
		w.wantThread(x, ticket.Waiting, want...)
	})
	t.Run("a closed one is opened again", func(t *testing.T) {
		w := w.In(t)
		_, err := w.desk.SetStatus(t.Context(), apptest.Staff(), x.Number, ticket.Closed)
		w.Must(err)
		w.send("ada@example.com", w.desk.ReplyAddress(x, false), "Subject: Re: x\n\nIt is back.\n")
		want = append(want, "customer: It is back.")
		w.wantThread(x, ticket.Open, want...)
	})
	t.Run("one closed long ago goes on in a new one", func(t *testing.T) {
		w := w.In(t)
		_, err := w.desk.SetStatus(t.Context(), apptest.Staff(), x.Number, ticket.Closed)
		w.Must(err)
		w.Clock.Add(31 * apptest.Day)
		w.send("ada@example.com", w.desk.ReplyAddress(x, false), "Subject: Re: x\n\nAgain!\n")
		latest, _ := w.newest()
		w.wantThread(latest, ticket.Open, "customer: About TICK-1001.\n\nAgain!")
	})
}

// In is the same world for a subtest.
func (w *world) In(t testing.TB) *world {
	inner := *w
	inner.World = w.World.In(t)
	inner.sent = w.sent + 1000*len(t.Name())
	return &inner
}

// P-TIC-11, P-TIC-18, P-TIC-28, P-TIC-29: a mail opens a ticket, files are
// checked, and only the sender's own key is linked.
func TestMailOpensATicket(t *testing.T) {
	w := newWorld(t)
	p := w.Product("editor")
	mine, key := w.License(p, w.owner)
	_, foreign := w.License(p, w.Customer("Other"))
	part := func(name, content string) string {
		return part("attachment", "application/octet-stream", name, content)
	}
	w.send("ada@example.com", "Support@IN.example.com", "Subject: =?utf-8?q?Pr=C3=BCfung?= "+key+"\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"+
		"--b\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nGr=FC=DFe "+foreign+"\n"+
		part("trace.log", "boom")+part("setup.exe", "MZ")+part("photo.png", "MZ")+"--b--\n")
	x, n := w.newest()
	if n != 1 || x.Subject != "Prüfung "+id.Brief(mine.Mask) || x.Category != "general_inquiry" {
		t.Errorf("%d tickets, subject %q, category %s", n, x.Subject, x.Category)
	}
	w.wantThread(x, ticket.Open, "customer: Grüße "+foreign+"\n\n[2 attachments of the mail were not taken: setup.exe, photo.png] +trace.log")
	th, err := w.desk.Thread(t.Context(), w.ada, x.ID)
	w.Must(err)
	if len(th.Mentions) != 1 || th.Mentions[0].LicenseID != mine.ID {
		t.Errorf("licenses %+v", th.Mentions)
	}
	t.Run("without text in plain form", func(t *testing.T) {
		w := w.In(t)
		w.send("ada@example.com", "support@in.example.com", "Subject: H\nContent-Type: text/html\n\n<style>p{}</style><p>One &amp; two</p><p>Three<script>alert(1)</script></p>\n")
		x, _ := w.newest()
		w.wantThread(x, ticket.Open, "customer: One & two\nThree")
	})
}

// P-TIC-25: a desk that is switched off takes nothing, and one without files
// says which it left out.
func TestMailToADeskWithSwitches(t *testing.T) {
	off := newWorld(t, func(s *support.Settings) { s.Off = true })
	if err := off.mail("ada@example.com", "support@in.example.com", "Subject: x\n\nx\n"); err == nil || !strings.HasPrefix(err.Error(), "550") {
		t.Errorf("without tickets the answer was %v", err)
	}
	w := newWorld(t, func(s *support.Settings) { s.NoFiles = true })
	w.send("ada@example.com", "support@in.example.com", multipart(part("attachment", "text/plain", "trace.log", "boom")))
	x, _ := w.newest()
	w.wantThread(x, ticket.Open, "customer: Hello\n\n[1 attachment of the mail was not taken: trace.log]")
}

// multipart is a mail that says hello and has these parts.
func multipart(parts ...string) string {
	return "Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nHello\n" + strings.Join(parts, "") + "--b--\n"
}

// part is a file in a mail.
func part(disposition, mediaType, name, content string) string {
	return "--b\nContent-Type: " + mediaType + "; name=\"" + name + "\"\nContent-Disposition: " + disposition + "; filename=\"" + name +
		"\"\nContent-Transfer-Encoding: base64\n\n" + base64.StdEncoding.EncodeToString([]byte(content)) + "\n"
}

// P-TIC-10, P-TIC-11: some mail programs show text files within the mail, and
// a mail may bring more than a ticket takes.
func TestFilesOfMails(t *testing.T) {
	w := newWorld(t)
	w.send("ada@example.com", "support@in.example.com", multipart(
		part("inline", "text/plain", "trace.log", "boom"), part("inline", "text/xml", "a.xml", "<a/>"), part("inline", "image/gif", "a.gif", "GIF89a"),
		part("attachment", "text/plain", "run.txt", "#!/bin/sh"),
	))
	x, _ := w.newest()
	w.wantThread(x, ticket.Open, "customer: Hello\n\n[1 attachment of the mail was not taken: run.txt] +trace.log +a.xml +a.gif")
	w.send("ada@example.com", w.desk.ReplyAddress(x, false), multipart(
		part("attachment", "text/plain", "4.txt", "4"), part("attachment", "text/plain", "5.txt", "5"), part("attachment", "text/plain", "6.txt", "6"),
	))
	if _, posts := w.thread(x); len(posts) != 2 || !strings.Contains(posts[1], "[1 attachment of the mail was not taken: 6.txt] +4.txt +5.txt") {
		t.Errorf("a ticket took more than five files: %q", posts)
	}
}

// Loops end, and who may not write opens nothing; all of them hear the same.
func TestMailThatIsDropped(t *testing.T) {
	w := newWorld(t)
	for _, header := range []string{
		"Auto-Submitted: auto-replied", "Auto-Submitted: AUTO-GENERATED (rejected)", "Precedence: bulk", "Precedence: auto_reply", "List-Id: <l.example.com>", "X-Loop: x",
		"Content-Type: multipart/report; report-type=delivery-status; boundary=b", "Return-Path: <>", "X-Auto-Response-Suppress: All",
	} {
		w.send("ada@example.com", "support@in.example.com", "Subject: Away\n"+header+"\n\nI am away.\n")
	}
	w.send("", "support@in.example.com", "From: <ada@example.com>\nSubject: Undelivered\n\nA bounce has no sender.\n")
	w.Person(w.owner, "mailer-daemon@example.com")
	w.send("mailer-daemon@example.com", "support@in.example.com", "Subject: Undelivered\n\nA bounce.\n")
	w.send("nobody@example.com", "support@in.example.com", "Subject: Hello\n\nHello\n")
	w.send("support@in.example.com", "support@in.example.com", "Subject: Hello\n\nHello\n")
	if _, n := w.newest(); n != 0 {
		t.Errorf("%d tickets were opened", n)
	}
	for name, err := range map[string]error{
		"another domain":  w.mail("ada@example.com", "support@elsewhere.example", "Subject: x\n\nx\n"),
		"another address": w.mail("ada@example.com", "info@in.example.com", "Subject: x\n\nx\n"),
		"no sender":       w.mail("ada@example.com", "support@in.example.com", "From: nonsense\nSubject: x\n\nx\n"),
		"two senders":     w.mail("ada@example.com", "support@in.example.com", "From: a@example.com, b@example.com\nSubject: x\n\nx\n"),
		"too large":       w.mail("ada@example.com", "support@in.example.com", "Subject: x\n\n"+strings.Repeat(strings.Repeat("x", 900)+"\n", 30_000)),
	} {
		if err == nil {
			t.Errorf("mail with %s was taken", name)
		}
	}
	t.Run("one sender is limited", func(t *testing.T) {
		w := w.In(t)
		var err error
		for i := range 40 {
			if err = w.mail("busy@example.com", "support@in.example.com", fmt.Sprintf("Subject: %d\n\nx\n", i)); err != nil {
				break
			}
		}
		if err == nil || !strings.HasPrefix(err.Error(), "450") {
			t.Errorf("the last answer was %v", err)
		}
	})
	t.Run("what is not on disk is not acknowledged", func(t *testing.T) {
		w := w.In(t)
		w.Must(w.Store.Close())
		if err := w.mail("ada@example.com", "support@in.example.com", "Subject: x\n\nx\n"); err == nil || !strings.HasPrefix(err.Error(), "451") {
			t.Errorf("the answer was %v", err)
		}
	})
}
