package notice_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/job"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/mail"
	"github.com/keyward/keyward/internal/mail/notice"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/ticket"
)

// desk is a mailer whose mails about tickets are kept instead of sent.
type desk struct {
	*post
	t      *testing.T
	sent   []mail.Message
	ticket ticket.Ticket
	ada    account.Person
	kim    account.Administrator
}

// Send keeps a mail.
func (d *desk) Send(_ context.Context, m mail.Message) error {
	d.sent = append(d.sent, m)
	return nil
}

func newDesk(t *testing.T, supportEmail string) *desk {
	t.Helper()
	d := &desk{post: newPost(t, "smtp://127.0.0.1:1"), t: t}
	composer, err := mail.NewComposer(mail.Brand{AppName: "Example Licenses", BaseURL: base, FromEmail: "licenses@example.com", SupportEmail: supportEmail})
	if err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return d.now }
	d.runner = job.New(d.store, clock, slog.New(slog.NewTextHandler(d.log, nil)))
	notice.New(notice.Deps{
		Store: d.store, Links: d.Service, Composer: composer, Sender: d, Now: clock, BaseURL: base,
		TicketReply: func(x ticket.Ticket, staff bool) string {
			if staff {
				return "staff+" + strings.ToLower(x.Name()) + "@in.example.com"
			}
			return "customer+" + strings.ToLower(x.Name()) + "@in.example.com"
		},
	}).Register(d.runner)
	c, ada := d.customer(t)
	d.ada = ada
	d.kim = account.Administrator{ID: id.New(), Email: "kim@example.com", Name: "Kim", Role: account.SupportAgent, Status: account.Active, CreatedAt: d.now}
	d.change(t, func(tx *store.Tx) error { return tx.AddAdministrator(t.Context(), d.kim) })
	d.ticket = d.add(ticket.Ticket{CustomerID: c.ID, PersonID: ada.ID, Subject: "It does not start"})
	return d
}

func (d *desk) add(x ticket.Ticket) ticket.Ticket {
	d.t.Helper()
	x.ID, x.Environment, x.Category, x.Priority, x.Status, x.CreatedAt, x.UpdatedAt = id.New(), license.Production, "general_inquiry", ticket.High, ticket.Open, d.now, d.now
	d.change(d.t, func(tx *store.Tx) error {
		var err error
		if x.Number, err = tx.NextTicketNumber(d.t.Context()); err != nil {
			return err
		}
		return tx.AddTicket(d.t.Context(), x, "")
	})
	return x
}

func (d *desk) save(change func(*ticket.Ticket)) {
	d.t.Helper()
	change(&d.ticket)
	d.change(d.t, func(tx *store.Tx) error { return tx.SaveTicket(d.t.Context(), d.ticket) })
}

// write adds a message to the ticket.
func (d *desk) write(kind ticket.Kind, side ticket.Side, author id.ID, body string) id.ID {
	d.t.Helper()
	p := ticket.Post{ID: id.New(), Kind: kind, Side: side, AuthorID: author, Body: body, At: d.now}
	d.change(d.t, func(tx *store.Tx) error { return tx.AddPost(d.t.Context(), d.ticket.ID, p, "") })
	return p.ID
}

// mails are the mails that a notice becomes.
func (d *desk) mails(n ticket.Notice) []mail.Message {
	d.t.Helper()
	d.sent = nil
	if n.TicketID == "" {
		n.TicketID = d.ticket.ID
	}
	d.change(d.t, func(tx *store.Tx) error { return tx.EnqueueTicketNotice(d.t.Context(), n, d.now) })
	d.run(d.t)
	return d.sent
}

// P-TIC-17, P-TIC-19: each mail goes to whom it is for, in the ticket's
// conversation, with an address of its reader's own side to answer to.
func TestMailsAboutTickets(t *testing.T) {
	d := newDesk(t, "help@example.com")
	answer := d.write(ticket.Message, ticket.StaffSide, d.kim.ID, "Which version?\n\nPlease look at Help, About.")
	question := d.write(ticket.Message, ticket.CustomerSide, d.ada.ID, "Version 8")
	link := base + "/tickets/" + string(d.ticket.ID)
	type wanted struct {
		To, ReplyTo string
		Texts       []string
	}
	customer := func(texts ...string) wanted {
		return wanted{ada, "customer+tick-1001@in.example.com", append(texts, link)}
	}
	staff := func(to string, texts ...string) wanted { return wanted{to, "staff+tick-1001@in.example.com", texts} }
	check := func(name string, n ticket.Notice, want wanted) {
		t.Helper()
		got := d.mails(n)
		if len(got) != 1 {
			t.Errorf("%s: %d mails\n%s", name, len(got), d.log)
			return
		}
		m := got[0]
		if m.To.Email != want.To || m.ReplyTo != want.ReplyTo || m.Thread != "ticket."+string(d.ticket.ID) || m.Subject != "[TICK-1001] It does not start" {
			t.Errorf("%s: %q to %s, answers to %s, thread %s", name, m.Subject, m.To.Email, m.ReplyTo, m.Thread)
		}
		said := strings.Join(strings.Fields(m.Text), " ")
		for _, text := range want.Texts {
			if !strings.Contains(said, text) {
				t.Errorf("%s: without %q:\n%s", name, text, m.Text)
			}
		}
	}
	mine := func(why ticket.Occasion, post id.ID, s ticket.Status) ticket.Notice {
		return ticket.Notice{Occasion: why, PersonID: d.ada.ID, PostID: post, Status: s}
	}
	check("opened", mine(ticket.Opened, question, ticket.Open), customer("has arrived", "4 hours, in business hours"))
	check("assigned", mine(ticket.Assigned, "", ticket.InProgress), customer("is working on your ticket"))
	check("answered", mine(ticket.Replied, answer, ticket.Waiting), customer("Which version? Please look at Help, About."))
	check("resolved", mine(ticket.Done, "", ticket.Resolved), customer("is resolved"))
	check("closed", mine(ticket.Ended, "", ticket.Closed), customer("is closed"))
	for status, word := range map[ticket.Status]string{
		ticket.Open: "Open", ticket.InProgress: "In Progress", ticket.Waiting: "Waiting for You", ticket.Resolved: "Resolved", ticket.Closed: "Closed",
	} {
		// The status of that moment, whatever it is when the mail is sent.
		check("moved", mine(ticket.Moved, "", status), customer("is now: "+word))
	}
	check("asked", ticket.Notice{Occasion: ticket.DeskOpened, PostID: question}, staff("help@example.com", "Ada opened TICK-1001 (general inquiry, high)", "Version 8"))
	d.save(func(x *ticket.Ticket) { x.AssigneeID = d.kim.ID })
	check("asked again", ticket.Notice{Occasion: ticket.DeskReplied, PostID: question, Status: ticket.InProgress}, staff("kim@example.com", "Ada wrote in TICK-1001, which is in progress now", "Version 8"))
	check("given", ticket.Notice{Occasion: ticket.DeskAssigned}, staff("kim@example.com", "was assigned to you"))

	other := d.add(ticket.Ticket{CustomerID: d.ticket.CustomerID, PersonID: d.ada.ID, Subject: "The same"})
	d.save(func(x *ticket.Ticket) { x.MergedInto = other.ID })
	check("merged", mine(ticket.Merged, "", ticket.Closed), customer("TICK-1002"))
}

// P-TIC-21: what is for nobody, or for staff only, is not sent.
func TestMailsAboutTicketsThatAreNotSent(t *testing.T) {
	d := newDesk(t, "")
	note := d.write(ticket.Note, ticket.StaffSide, d.kim.ID, "They never pay")
	answer := d.write(ticket.Message, ticket.StaffSide, d.kim.ID, "Hello")
	notices := map[string]ticket.Notice{
		"a note":                        {Occasion: ticket.Replied, PersonID: d.ada.ID, PostID: note},
		"a note to staff":               {Occasion: ticket.DeskReplied, PostID: note},
		"of a ticket that is not there": {Occasion: ticket.Opened, TicketID: id.New(), PersonID: d.ada.ID},
		"to nobody who is known":        {Occasion: ticket.Replied, PersonID: id.New(), PostID: answer},
		"to a desk without an address":  {Occasion: ticket.DeskOpened, PostID: answer},
	}
	for name, n := range notices {
		if got := d.mails(n); len(got) != 0 {
			t.Errorf("%s: %d mails, the first to %s", name, len(got), got[0].To.Email)
		}
	}
	d.change(t, func(tx *store.Tx) error { return tx.SetPersonStatus(t.Context(), d.ada.ID, account.Inactive, d.now) })
	if got := d.mails(ticket.Notice{Occasion: ticket.Replied, PersonID: d.ada.ID, PostID: answer}); len(got) != 0 {
		t.Errorf("somebody who was switched off got %d mails", len(got))
	}
	for _, payload := range []any{ticket.Notice{Occasion: ticket.Opened}, json.RawMessage(`"x"`)} {
		broken := d.enqueue(t, ticket.NoticeJob, payload)
		d.run(t)
		d.want(t, broken, store.JobFailed)
	}
}
