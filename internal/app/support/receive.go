package support

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/ticket"
)

// Mail is one that came in, read.
type Mail struct {
	RequestID  string
	MessageID  string
	From       string // normalized
	To         []string
	References []string // Message-IDs it answers
	Subject    string
	Text       string // without what it quotes
	Files      []NewFile
	Auto       bool // no person wrote it
}

// form tells mails apart: the same one again adds nothing.
func (m Mail) form() string {
	sum := sha256.Sum256([]byte(m.MessageID))
	return "mail-" + hex.EncodeToString(sum[:24])
}

// Receive makes of a mail what it is for: an answer of the customer or of staff
// to a ticket, or a new ticket (P-TIC-17, P-TIC-18, C-JOB-10). A mail of
// somebody unknown, or one that nobody wrote, is dropped, and its sender hears
// nothing of that.
func (s *Service) Receive(ctx context.Context, m Mail) error {
	if s.Off || m.Auto {
		return s.drop(ctx, m, "no person wrote it")
	}
	for _, to := range m.To {
		if s.readAddress(m.From).ours {
			return s.drop(ctx, m, "it came from here")
		}
		a := s.readAddress(to)
		t, err := s.Store.TicketByNumber(ctx, a.number)
		switch {
		case store.IsNotFound(err):
		case err != nil:
			return err
		case s.proves(a, t, true):
			return s.receiveFromStaff(ctx, m, t)
		case s.proves(a, t, false):
			return s.receiveFromCustomer(ctx, m, t)
		}
	}
	t, err := s.referred(ctx, m.References)
	if err != nil {
		return err
	}
	return s.receiveFromCustomer(ctx, m, t)
}

func (s *Service) drop(ctx context.Context, m Mail, why string) error {
	s.Log.InfoContext(ctx, "a mail was dropped", "request", m.RequestID, "reason", why)
	return nil
}

// threadPrefix begins the Message-ID that all mails about a ticket refer to.
const threadPrefix = "ticket."

// referred is the ticket that a mail's references name, or the zero Ticket.
func (s *Service) referred(ctx context.Context, references []string) (ticket.Ticket, error) {
	const most = 20
	for i, ref := range references {
		local, _, _ := strings.Cut(ref, "@")
		named, ours := strings.CutPrefix(local, threadPrefix)
		wanted, err := id.Parse(named)
		if !ours || err != nil || i >= most {
			continue
		}
		t, err := s.Store.Ticket(ctx, wanted)
		if !store.IsNotFound(err) {
			return t, err
		}
	}
	return ticket.Ticket{}, nil
}

// receiveFromStaff adds an answer of an administrator. The address it was sent
// to is known to staff only.
func (s *Service) receiveFromStaff(ctx context.Context, m Mail, t ticket.Ticket) error {
	a, err := s.Store.AdministratorByEmail(ctx, m.From)
	switch {
	case store.IsNotFound(err), err == nil && a.Status != account.Active:
		return s.drop(ctx, m, "the sender is no member of staff")
	case err != nil:
		return err
	}
	actor := account.Actor{Kind: account.ActorAdministrator, ID: a.ID, Permissions: a.Role.Permissions(), RequestID: m.RequestID}
	return s.withFiles(ctx, m, func(in Message) error {
		_, err := s.Answer(ctx, actor, t.Number, in, "")
		return err
	})
}

// receiveFromCustomer adds an answer of one of the customer's people, or opens a
// ticket where there is none to answer.
func (s *Service) receiveFromCustomer(ctx context.Context, m Mail, t ticket.Ticket) error {
	if t.MergedInto != "" {
		var err error
		if t, err = s.Store.Ticket(ctx, t.MergedInto); err != nil {
			return err
		}
	}
	actor, known, err := s.person(ctx, m, t.CustomerID)
	switch {
	case err != nil:
		return err
	case !known:
		return s.drop(ctx, m, "the sender is nobody of a customer who may write")
	case t.ID == "":
		return s.receiveNew(ctx, m, actor, "")
	}
	err = s.withFiles(ctx, m, func(in Message) error {
		_, err := s.Reply(ctx, actor, t.ID, in)
		if t.Status == ticket.Closed && fault.Is(err, fault.Conflict) {
			_, err = s.Reopen(ctx, actor, t.ID, in)
		}
		return err
	})
	if fault.Is(err, fault.Conflict) { // it cannot be reopened any more
		return s.receiveNew(ctx, m, actor, "About "+t.Name()+".\n\n")
	}
	return err
}

// person is the sender as somebody who may write for a customer: this one, or
// the first of theirs.
func (s *Service) person(ctx context.Context, m Mail, customer id.ID) (actor account.Actor, known bool, err error) {
	p, err := s.Store.PersonByEmail(ctx, m.From)
	if store.IsNotFound(err) {
		return account.Actor{}, false, nil
	}
	if err != nil {
		return account.Actor{}, false, err
	}
	memberships, err := s.Store.Memberships(ctx, p.ID)
	for _, in := range memberships {
		if (customer == "" || in.Customer.ID == customer) && account.MaySignIn(p, in) && in.Role.MayManage() {
			return account.Actor{Kind: account.ActorPerson, ID: p.ID, CustomerID: in.Customer.ID, Role: in.Role, RequestID: m.RequestID}, true, nil
		}
	}
	return account.Actor{}, false, err
}

func (s *Service) receiveNew(ctx context.Context, m Mail, actor account.Actor, before string) error {
	subject, ok := ticket.CleanSubject(m.Subject)
	if !ok {
		subject = cut(subject, ticket.MaxSubject)
	}
	if subject == "" {
		subject = "(no subject)"
	}
	return s.withFiles(ctx, m, func(in Message) error {
		_, err := s.Create(ctx, actor, Question{
			Subject: subject, Category: s.mailCategory(), Priority: ticket.Normal, Description: cut(before+in.Body, ticket.MaxBody),
			Files: in.Files, Form: in.Form, ByMail: true,
		})
		return err
	})
}

// mailCategory is what a mail is about, since it does not say.
func (s *Service) mailCategory() string {
	const general = "general_inquiry"
	if s.categoryKnown(general) {
		return general
	}
	return s.Categories[0].Code
}

// withFiles says a mail's message with the files that may be attached. The
// others are named in the text: a mail cannot be sent back with its mistakes.
func (s *Service) withFiles(ctx context.Context, m Mail, say func(Message) error) error {
	in := Message{Form: m.form(), ByMail: true}
	var left []string
	for _, f := range m.Files {
		var p fault.Problems
		if len(in.Files) == ticket.MaxFiles || len(s.files(&p, []NewFile{f})) == 0 {
			left = append(left, ticket.FileName(f.Name))
			continue
		}
		in.Files = append(in.Files, f)
	}
	in.Body = bodyWith(m.Text, left)
	err := say(in)
	for fault.Is(err, fault.Invalid) && len(in.Files) > 0 { // the ticket takes fewer
		last := len(in.Files) - 1
		left = append(left, ticket.FileName(in.Files[last].Name))
		in.Files, in.Body = in.Files[:last], bodyWith(m.Text, left)
		err = say(in)
	}
	if fault.Is(err, fault.Invalid) {
		return s.drop(ctx, m, "there is nothing in it to be kept")
	}
	return err
}

// maxNamed bounds the files that are named as left out.
const maxNamed = 5

func bodyWith(text string, left []string) string {
	clean, _ := ticket.CleanBody(text)
	note := ""
	if n := len(left); n > 0 {
		what := "attachments of the mail were"
		if n == 1 {
			what = "attachment of the mail was"
		}
		note = fmt.Sprintf("\n\n[%d %s not taken: %s]", n, what, strings.Join(left[:min(n, maxNamed)], ", "))
	}
	body := cut(clean, ticket.MaxBody-len(note)) + note
	if strings.TrimSpace(body) == "" {
		return "(The mail has no text.)"
	}
	return body
}

// cut shortens a text to so many bytes.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
