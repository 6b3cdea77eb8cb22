package notice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/job"
	"github.com/keyward/keyward/internal/mail"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/ticket"
)

// aboutTicket sends the mail that something happened to a ticket. What people
// chose about other mails does not matter here (P-SET-07).
func (m *Mailer) aboutTicket(ctx context.Context, payload json.RawMessage) error {
	var n ticket.Notice
	if err := json.Unmarshal(payload, &n); err != nil || n.TicketID == "" {
		return job.Permanent(errors.New("the job does not say which ticket it is about"))
	}
	message, err := m.ticketMail(ctx, n)
	if errors.Is(err, errNobody) {
		return nil
	}
	if err == nil {
		err = m.Sender.Send(ctx, message)
	}
	return judge(err)
}

func (m *Mailer) ticketMail(ctx context.Context, n ticket.Notice) (mail.Message, error) {
	t, err := m.Store.Ticket(ctx, n.TicketID)
	if store.IsNotFound(err) {
		return mail.Message{}, errNobody
	}
	if err != nil {
		return mail.Message{}, fmt.Errorf("read a ticket: %w", err)
	}
	out := mail.Ticket{
		ID: messageID(ctx), Occasion: n.Occasion, Number: t.Name(), Subject: t.Subject, Priority: t.Priority,
		Category: strings.ReplaceAll(t.Category, "_", " "), Status: statusWord(n.Status), Thread: "ticket." + string(t.ID),
	}
	if err := m.addPost(ctx, n, &out); err != nil {
		return mail.Message{}, err
	}
	if t.MergedInto != "" {
		other, err := m.Store.Ticket(ctx, t.MergedInto)
		if err != nil {
			return mail.Message{}, fmt.Errorf("read a ticket: %w", err)
		}
		out.Other = other.Name()
	}
	if n.PersonID == "" {
		return m.toDesk(ctx, t, out)
	}
	p, err := m.Store.Person(ctx, n.PersonID)
	if store.IsNotFound(err) || err == nil && p.Status != account.Active {
		return mail.Message{}, errNobody
	}
	if err != nil {
		return mail.Message{}, fmt.Errorf("read whom to mail: %w", err)
	}
	if ok, err := m.actsFor(ctx, p, t.CustomerID); err != nil || !ok {
		return mail.Message{}, firstOf(err, errNobody)
	}
	out.Name, out.Email, out.Link, out.Author = p.Name, p.Email, m.BaseURL+"/tickets/"+string(t.ID), ""
	out.ReplyTo = m.replyTo(t, false)
	return m.Composer.Ticket(out)
}

// actsFor reports whether somebody may still sign in for a customer: who has
// left the team reads none of its tickets, those on their way included.
func (m *Mailer) actsFor(ctx context.Context, p account.Person, customer id.ID) (bool, error) {
	all, err := m.Store.Memberships(ctx, p.ID)
	return slices.ContainsFunc(all, func(a account.Membership) bool { return a.Customer.ID == customer && account.MaySignIn(p, a) }), err
}

// addPost quotes the message that the mail is about. Notes of staff are never
// quoted, whoever asks (P-TIC-21).
func (m *Mailer) addPost(ctx context.Context, n ticket.Notice, out *mail.Ticket) error {
	if n.PostID == "" || n.Occasion == ticket.Opened {
		return nil
	}
	p, err := m.Store.Post(ctx, n.TicketID, n.PostID)
	if err != nil {
		return fmt.Errorf("read a message of a ticket: %w", err)
	}
	if p.Kind != ticket.Message {
		return errNobody
	}
	out.Text, out.Author = p.Body, "A customer"
	if p.Side == ticket.CustomerSide {
		out.Author, err = m.authorName(ctx, p.AuthorID)
	}
	return err
}

func (m *Mailer) authorName(ctx context.Context, person id.ID) (string, error) {
	p, err := m.Store.Person(ctx, person)
	if store.IsNotFound(err) {
		return "A customer", nil
	}
	return p.DisplayName(), err
}

// toDesk addresses whoever has the ticket, or the support desk.
func (m *Mailer) toDesk(ctx context.Context, t ticket.Ticket, out mail.Ticket) (mail.Message, error) {
	out.Email = m.Composer.Support()
	if t.AssigneeID != "" {
		a, err := m.Store.Administrator(ctx, t.AssigneeID)
		if err != nil && !store.IsNotFound(err) {
			return mail.Message{}, fmt.Errorf("read whom to mail: %w", err)
		}
		if err == nil && a.Status == account.Active {
			out.Name, out.Email = a.Name, a.Email
		}
	}
	if out.Email == "" {
		return mail.Message{}, errNobody
	}
	out.ReplyTo = m.replyTo(t, true)
	return m.Composer.Ticket(out)
}

func (m *Mailer) replyTo(t ticket.Ticket, staff bool) string {
	if m.TicketReply == nil {
		return ""
	}
	return m.TicketReply(t, staff)
}

// statusWord is how customers read a state (P-TIC-03).
func statusWord(s ticket.Status) string {
	switch s {
	case ticket.InProgress:
		return "In Progress"
	case ticket.Waiting:
		return "Waiting for You"
	case ticket.Resolved:
		return "Resolved"
	case ticket.Closed:
		return "Closed"
	}
	return "Open"
}
