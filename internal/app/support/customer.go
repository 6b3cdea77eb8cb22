package support

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/ticket"
)

// Question is a question of a customer.
type Question struct {
	Subject     string
	Category    string
	Priority    ticket.Priority
	Description string
	LicenseID   id.ID // optional; one of the customer's
	Files       []NewFile
	Form        string // of the form it came with: the same form makes one ticket
	ByMail      bool
}

// maxForm bounds the name of a form.
const maxForm = 64

// Create opens a ticket. The same form again returns the ticket that it made
// (P-TIC-05).
func (s *Service) Create(ctx context.Context, actor account.Actor, in Question) (ticket.Ticket, error) {
	if err := s.writer(actor); err != nil {
		return ticket.Ticket{}, err
	}
	d, err := s.readNew(ctx, actor, in)
	if err != nil {
		return ticket.Ticket{}, err
	}
	now := s.clock()
	var made ticket.Ticket
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		var err error
		made, err = s.open(ctx, tx, actor, in, d, now)
		return err
	})
	if store.IsUnique(err, "ticket.form") {
		return s.Store.TicketByForm(ctx, actor.CustomerID, in.Form)
	}
	return made, err
}

func (s *Service) readNew(ctx context.Context, actor account.Actor, in Question) (draft, error) {
	var p fault.Problems
	d := draft{byMail: in.ByMail}
	var ok bool
	if d.subject, ok = ticket.CleanSubject(in.Subject); !ok {
		p.Add("subject", "Say in a few words what it is about, at most 200 characters.")
	}
	if !s.categoryKnown(in.Category) {
		p.Add("category", "Choose what it is about.")
	}
	if !in.Priority.Known() {
		p.Add("priority", "Choose how urgent it is.")
	}
	if len(in.Form) > maxForm {
		p.Add("", "Reload the page and send the form again.")
	}
	d.body = body(&p, "description", in.Description)
	d.files = s.files(&p, in.Files)
	if in.LicenseID != "" {
		m, err := s.standing(ctx, actor, in.LicenseID)
		switch {
		case fault.Is(err, fault.NotFound):
			p.Add("license", "Choose one of your licenses, or none.")
		case err != nil:
			return d, err
		default:
			d.mention(m)
		}
	}
	if err := p.Err(); err != nil {
		return d, err
	}
	return d, s.recognize(ctx, actor, &d)
}

func (s *Service) open(ctx context.Context, tx *store.Tx, actor account.Actor, in Question, d draft, now time.Time) (ticket.Ticket, error) {
	number, err := tx.NextTicketNumber(ctx)
	if err != nil {
		return ticket.Ticket{}, err
	}
	t := ticket.Ticket{
		ID: id.New(), Number: number, Environment: d.environment(), CustomerID: actor.CustomerID, PersonID: actor.ID, Subject: d.subject,
		Category: in.Category, Priority: in.Priority, Status: ticket.Open, CreatedAt: now, UpdatedAt: now,
	}
	if err := tx.AddTicket(ctx, t, in.Form); err != nil {
		return ticket.Ticket{}, err
	}
	w := &writing{tx: tx, actor: actor, ticket: t, now: now}
	if err := w.note(ctx, ticket.Created, "", ticket.Open, ""); err != nil {
		return ticket.Ticket{}, err
	}
	post, err := w.post(ctx, ticket.Message, d, "")
	if err != nil {
		return ticket.Ticket{}, err
	}
	if err := tx.AppendEvent(ctx, audit(event.TicketCreated, actor, t, t.Category, now)); err != nil {
		return ticket.Ticket{}, err
	}
	if err := w.tell(ctx, ticket.Opened, post); err != nil {
		return ticket.Ticket{}, err
	}
	return t, w.tellDesk(ctx, ticket.DeskOpened, post)
}

// Message is an answer to a ticket.
type Message struct {
	Body   string
	Files  []NewFile
	Form   string // the same form adds one message
	ByMail bool
}

// change runs one change of a customer's ticket: found before anything is read
// of the input, locked, decided, written. The decide function gets the ticket
// as it is then.
func (s *Service) change(ctx context.Context, actor account.Actor, wanted id.ID, decide func(*writing) error) (ticket.Ticket, error) {
	now := s.clock()
	var after ticket.Ticket
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		t, err := tx.LockTicket(ctx, wanted)
		if store.IsNotFound(err) || err == nil && t.CustomerID != actor.CustomerID {
			return fault.Missing("ticket")
		}
		if err != nil {
			return err
		}
		w := &writing{tx: tx, actor: actor, ticket: t, now: now}
		err = decide(w)
		after = w.ticket
		return err
	})
	return after, err
}

// Find returns a ticket of the customer, before anything is read of what they
// send to it. Who may only look is refused.
func (s *Service) Find(ctx context.Context, actor account.Actor, wanted id.ID) (ticket.Ticket, error) {
	if err := s.reader(actor); err != nil {
		return ticket.Ticket{}, err
	}
	t, err := s.owned(ctx, s.Store.Reader, actor, wanted)
	if err != nil {
		return t, err
	}
	return t, s.writer(actor)
}

func (s *Service) readMessage(ctx context.Context, actor account.Actor, field string, in Message) (draft, error) {
	var p fault.Problems
	d := draft{body: body(&p, field, in.Body), files: s.files(&p, in.Files), byMail: in.ByMail}
	if len(in.Form) > maxForm {
		p.Add("", "Reload the page and send the form again.")
	}
	if err := p.Err(); err != nil {
		return d, err
	}
	return d, s.recognize(ctx, actor, &d)
}

// room refuses more files than a ticket takes.
func (w *writing) room(ctx context.Context, more int) error {
	if more == 0 {
		return nil
	}
	files, err := w.tx.Files(ctx, w.ticket.ID, true)
	if err != nil {
		return err
	}
	if len(files)+more > ticket.MaxFiles {
		return fault.New(fault.Invalid, "invalid_input", "There are too many files.").WithField("files", tooMany())
	}
	return nil
}

// Reply adds a message of the customer (P-TIC-15, P-TIC-16).
func (s *Service) Reply(ctx context.Context, actor account.Actor, wanted id.ID, in Message) (ticket.Ticket, error) {
	return s.say(ctx, actor, wanted, "reply", in, ticket.AskedAgain)
}

// Reopen opens a closed ticket again with what happened (P-TIC-23).
func (s *Service) Reopen(ctx context.Context, actor account.Actor, wanted id.ID, in Message) (ticket.Ticket, error) {
	if s.NoReopen {
		return ticket.Ticket{}, fault.New(fault.Conflict, "reopen_off", "Closed tickets cannot be reopened here.").WithNext("Write a new ticket and mention this one.")
	}
	return s.say(ctx, actor, wanted, "happened", in, ticket.Reopen)
}

func (s *Service) say(ctx context.Context, actor account.Actor, wanted id.ID, field string, in Message,
	rule func(ticket.Ticket, time.Time) (ticket.Ticket, *fault.Error),
) (ticket.Ticket, error) {
	t, err := s.Find(ctx, actor, wanted)
	if err != nil {
		return t, err
	}
	d, err := s.readMessage(ctx, actor, field, in)
	if err != nil {
		return t, err
	}
	after, err := s.change(ctx, actor, wanted, func(w *writing) error {
		next, refused := rule(w.ticket, w.now)
		if refused != nil {
			return refused
		}
		if err := w.room(ctx, len(d.files)); err != nil {
			return err
		}
		post, err := w.post(ctx, ticket.Message, d, in.Form)
		if err != nil {
			return err
		}
		if err := w.note(ctx, ticket.Posted, "", "", ""); err != nil {
			return err
		}
		if err := w.save(ctx, next); err != nil {
			return err
		}
		return w.tellDesk(ctx, ticket.DeskReplied, post)
	})
	if store.IsUnique(err, "ticket_message.form") || repeated(err, in.Form) && s.said(ctx, wanted, in.Form) {
		return s.Store.Ticket(ctx, wanted) // the same form again
	}
	return after, err
}

// repeated reports whether a refusal may be due to the same form having come
// before: a reopened ticket is not closed any more.
func repeated(err error, form string) bool { return form != "" && fault.Is(err, fault.Conflict) }

func (s *Service) said(ctx context.Context, wanted id.ID, form string) bool {
	known, err := s.Store.PostedForm(ctx, wanted, form)
	return err == nil && known
}

// Solve is the customer saying that the question is answered (P-TIC-33).
func (s *Service) Solve(ctx context.Context, actor account.Actor, wanted id.ID) (ticket.Ticket, error) {
	if _, err := s.Find(ctx, actor, wanted); err != nil {
		return ticket.Ticket{}, err
	}
	return s.change(ctx, actor, wanted, func(w *writing) error {
		next, refused := ticket.Solve(w.ticket, w.now)
		if refused != nil || next == w.ticket {
			return asError(refused)
		}
		if err := w.save(ctx, next); err != nil {
			return err
		}
		return w.tell(ctx, ticket.Done, "")
	})
}

// Rate keeps the customer's mark (P-TIC-34).
func (s *Service) Rate(ctx context.Context, actor account.Actor, wanted id.ID, mark int) (ticket.Ticket, error) {
	if _, err := s.Find(ctx, actor, wanted); err != nil {
		return ticket.Ticket{}, err
	}
	return s.change(ctx, actor, wanted, func(w *writing) error {
		next, refused := ticket.Rate(w.ticket, mark, w.now)
		if refused != nil || next == w.ticket {
			return asError(refused)
		}
		if err := w.save(ctx, next); err != nil {
			return err
		}
		if err := w.note(ctx, ticket.Rated, "", "", ""); err != nil {
			return err
		}
		return w.tx.AppendEvent(ctx, audit(event.TicketRated, actor, next, "", w.now))
	})
}
