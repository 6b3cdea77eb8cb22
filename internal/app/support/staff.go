package support

import (
	"context"
	"strconv"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/once"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/ticket"
)

// StaffList lists tickets of all customers, the latest changed first.
func (s *Service) StaffList(ctx context.Context, actor account.Actor, q ListQuery) (List, error) {
	if err := actor.Require(account.TicketsRead); err != nil {
		return List{}, err
	}
	l := List{At: s.clock()}
	if actor.Environment != "" {
		q.Environment = actor.Environment
	}
	rows, err := s.Store.Tickets(ctx, filter(q), ticket.ByUpdated, store.Page{After: q.After, Before: q.Before, Size: PageSize})
	l.Rows, l.HasPrior, l.HasNext = page(rows, q.After, q.Before)
	return l, err
}

// StaffThread returns a ticket with notes, and who asked.
func (s *Service) StaffThread(ctx context.Context, actor account.Actor, number int64) (Thread, account.Person, error) {
	if err := actor.Require(account.TicketsRead); err != nil {
		return Thread{}, account.Person{}, err
	}
	th := Thread{At: s.clock()}
	var asker account.Person
	err := s.Store.Snapshot(ctx, func(r store.Reader) error {
		var err error
		if th.Ticket, err = numbered(ctx, r, actor, number); err != nil {
			return err
		}
		mentions, err := fill(ctx, r, &th, true)
		if err != nil {
			return err
		}
		for _, m := range mentions {
			th.Mentions = append(th.Mentions, Mentioned{Mention: m})
		}
		asker, err = r.Person(ctx, th.Ticket.PersonID)
		asker.PasswordHash = ""
		return err
	})
	th.Due = th.Ticket.Priority.Due(th.Ticket.CreatedAt, s.Hours)
	return th, asker, err
}

// numbered returns the ticket with a number if the actor's environment includes
// it.
func numbered(ctx context.Context, r store.Reader, actor account.Actor, number int64) (ticket.Ticket, error) {
	t, err := r.TicketByNumber(ctx, number)
	if err == nil && actor.Environment != "" && actor.Environment != t.Environment {
		err = store.ErrNotFound
	}
	return t, missing(err)
}

// StaffFiles lists what is attached to a ticket, to its notes too, oldest first.
func (s *Service) StaffFiles(ctx context.Context, actor account.Actor, number int64) ([]store.PostFile, error) {
	_, files, err := s.staffFiles(ctx, actor, number)
	return files, err
}

func (s *Service) staffFiles(ctx context.Context, actor account.Actor, number int64) (ticket.Ticket, []store.PostFile, error) {
	if err := actor.Require(account.TicketsRead); err != nil {
		return ticket.Ticket{}, nil, err
	}
	t, err := numbered(ctx, s.Store.Reader, actor, number)
	if err != nil {
		return t, nil, err
	}
	files, err := s.Store.Files(ctx, t.ID, true)
	return t, files, err
}

// StaffFile returns what is attached to a ticket at a place in its list, from 1
// on. Its content is looked at again before it leaves: what is not of the type
// that was recognized when it came is not handed on.
func (s *Service) StaffFile(ctx context.Context, actor account.Actor, number int64, place int) (Attached, error) {
	t, files, err := s.staffFiles(ctx, actor, number)
	if err != nil {
		return Attached{}, err
	}
	if place < 1 || place > len(files) {
		return Attached{}, fault.Missing("attachment").WithNext("\"keyward ticket attachment list\" shows those of a ticket.")
	}
	f, err := s.Store.File(ctx, t.ID, files[place-1].ID)
	if err != nil {
		return Attached{}, err
	}
	if mediaType, ok := ticket.FileType(f.Name, f.Content); !ok || mediaType != f.Type || int64(len(f.Content)) != f.Size {
		return Attached{}, fault.New(fault.Conflict, "attachment_changed", "The content of this attachment is not what was attached.").
			WithNext("Ask the customer to send it again.")
	}
	return f, nil
}

func missing(err error) error {
	if store.IsNotFound(err) {
		return fault.Missing("ticket")
	}
	return err
}

// desk runs one change of a ticket by staff.
func (s *Service) desk(ctx context.Context, actor account.Actor, number int64, decide func(*writing) error) (ticket.Ticket, error) {
	if err := actor.Require(account.TicketsWrite); err != nil {
		return ticket.Ticket{}, err
	}
	found, err := numbered(ctx, s.Store.Reader, actor, number)
	if err != nil {
		return ticket.Ticket{}, err
	}
	now := s.clock()
	var after ticket.Ticket
	err = once.InTx(ctx, s.Store, now, func(tx *store.Tx) (id.ID, error) {
		t, err := tx.LockTicket(ctx, found.ID)
		if err != nil {
			return "", missing(err)
		}
		w := &writing{tx: tx, actor: actor, ticket: t, now: now}
		err = decide(w)
		after = w.ticket
		return t.ID, err
	})
	return after, err
}

// forCustomer is the actor whose own keys count in a text about a ticket.
func (s *Service) forCustomer(ctx context.Context, actor account.Actor, number int64) (account.Actor, error) {
	t, err := numbered(ctx, s.Store.Reader, actor, number)
	if err != nil {
		return account.Actor{}, err
	}
	return account.Actor{Kind: account.ActorPerson, ID: t.PersonID, CustomerID: t.CustomerID, Role: account.Viewer}, nil
}

// Answer adds a message of staff that the customer reads. The ticket then waits
// for them, unless to says what else it is.
func (s *Service) Answer(ctx context.Context, actor account.Actor, number int64, in Message, to ticket.Status) (ticket.Ticket, error) {
	if err := actor.Require(account.TicketsWrite); err != nil {
		return ticket.Ticket{}, err
	}
	owner, err := s.forCustomer(ctx, actor, number)
	if err != nil {
		return ticket.Ticket{}, err
	}
	d, err := s.readMessage(ctx, owner, "reply", in)
	if err != nil {
		return ticket.Ticket{}, err
	}
	after, err := s.desk(ctx, actor, number, func(w *writing) error {
		next, refused := ticket.Answered(w.ticket, to, w.now)
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
		if err := w.tell(ctx, ticket.Replied, post); err != nil || to != ticket.Resolved && to != ticket.Closed {
			return err
		}
		return w.tell(ctx, occasion(to), "")
	})
	if store.IsUnique(err, "ticket_message.form") { // the same one again
		after, err = s.Store.TicketByNumber(ctx, number)
	}
	return after, err
}

// AddNote adds what staff keep to themselves (P-TIC-21). It moves nothing that a
// customer sees, not even when the ticket changed last.
func (s *Service) AddNote(ctx context.Context, actor account.Actor, number int64, text string) (ticket.Ticket, error) {
	if err := actor.Require(account.TicketsWrite); err != nil {
		return ticket.Ticket{}, err
	}
	var p fault.Problems
	d := draft{body: body(&p, "note", text)}
	if err := p.Err(); err != nil {
		return ticket.Ticket{}, err
	}
	return s.desk(ctx, actor, number, func(w *writing) error {
		_, err := w.post(ctx, ticket.Note, d, "")
		return err
	})
}

// Assign gives a ticket to an administrator, by their address; "" takes it back.
func (s *Service) Assign(ctx context.Context, actor account.Actor, number int64, address string) (ticket.Ticket, error) {
	if err := actor.Require(account.TicketsWrite); err != nil {
		return ticket.Ticket{}, err
	}
	var to account.Administrator
	if address != "" {
		normal, _ := account.NormalizeEmail(address)
		var err error
		to, err = s.Store.AdministratorByEmail(ctx, normal)
		if store.IsNotFound(err) || err == nil && to.Status != account.Active {
			return ticket.Ticket{}, fault.Missing("administrator")
		}
		if err != nil {
			return ticket.Ticket{}, err
		}
	}
	return s.desk(ctx, actor, number, func(w *writing) error {
		next, refused := ticket.Assign(w.ticket, to.ID, w.now)
		if refused != nil || next == w.ticket {
			return asError(refused)
		}
		if err := w.save(ctx, next); err != nil {
			return err
		}
		if err := w.tx.AppendEvent(ctx, audit(event.TicketAssigned, actor, next, "", w.now)); err != nil || to.ID == "" {
			return err
		}
		if err := w.note(ctx, ticket.AssignedTo, "", "", ""); err != nil {
			return err
		}
		if err := w.tell(ctx, ticket.Assigned, ""); err != nil {
			return err
		}
		return w.tellDesk(ctx, ticket.DeskAssigned, "")
	})
}

// SetStatus moves a ticket to a state.
func (s *Service) SetStatus(ctx context.Context, actor account.Actor, number int64, to ticket.Status) (ticket.Ticket, error) {
	return s.desk(ctx, actor, number, func(w *writing) error {
		next, refused := ticket.Move(w.ticket, to, w.now)
		if refused != nil || next == w.ticket {
			return asError(refused)
		}
		if err := w.save(ctx, next); err != nil {
			return err
		}
		return w.tell(ctx, occasion(to), "")
	})
}

// Merge ends a duplicate in favor of another ticket of the same customer, which
// keeps the licenses that both speak of (P-TIC-32).
func (s *Service) Merge(ctx context.Context, actor account.Actor, number, into int64) (ticket.Ticket, error) {
	return s.desk(ctx, actor, number, func(w *writing) error {
		primary, err := w.tx.TicketByNumber(ctx, into)
		if err != nil {
			return missing(err)
		}
		next, refused := ticket.Merge(w.ticket, primary, w.now)
		if refused != nil {
			return refused
		}
		if err := w.save(ctx, next); err != nil {
			return err
		}
		if err := w.note(ctx, ticket.MergedTo, "", "", strconv.FormatInt(into, 10)); err != nil {
			return err
		}
		if err := w.takeOver(ctx, primary); err != nil {
			return err
		}
		if err := w.tx.AppendEvent(ctx, audit(event.TicketMerged, actor, next, "", w.now)); err != nil {
			return err
		}
		return w.tell(ctx, ticket.Merged, "")
	})
}

func (w *writing) takeOver(ctx context.Context, primary ticket.Ticket) error {
	mentions, err := w.tx.Mentions(ctx, w.ticket.ID)
	if err != nil {
		return err
	}
	for _, m := range mentions {
		if err := w.tx.AddMention(ctx, primary.ID, m, w.now); err != nil {
			return err
		}
	}
	return w.tx.AddTicketEvent(ctx, primary.ID, ticket.Event{
		ID: id.New(), Type: ticket.TookOver, Side: side(w.actor), ActorID: w.actor.ID, Detail: strconv.FormatInt(w.ticket.Number, 10), At: w.now,
	})
}

// sweepBatch bounds what one look closes.
const sweepBatch = 100

// CloseResolved closes the tickets that were resolved a week ago and not
// answered since (P-TIC-22, C-JOB-01).
func (s *Service) CloseResolved(ctx context.Context) error {
	for {
		due, err := s.Store.ResolvedTickets(ctx, s.clock().Add(-ticket.CloseAfter), sweepBatch)
		if err != nil {
			return err
		}
		for _, one := range due {
			if err := s.closeOne(ctx, one); err != nil {
				return err
			}
		}
		if len(due) < sweepBatch {
			return nil
		}
	}
}

func (s *Service) closeOne(ctx context.Context, one id.ID) error {
	now := s.clock()
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		t, err := tx.LockTicket(ctx, one)
		if err != nil || !ticket.ClosesItself(t, now) {
			return err
		}
		w := &writing{tx: tx, actor: account.System(sweepRequest), ticket: t, now: now}
		next, refused := ticket.Move(t, ticket.Closed, now)
		if refused != nil {
			return refused
		}
		if err := w.save(ctx, next); err != nil {
			return err
		}
		return w.tell(ctx, ticket.Ended, "")
	})
}

// Answered returns a ticket to whoever may write tickets.
func (s *Service) Answered(ctx context.Context, actor account.Actor, number int64) (ticket.Ticket, error) {
	if err := actor.Require(account.TicketsWrite); err != nil {
		return ticket.Ticket{}, err
	}
	return numbered(ctx, s.Store.Reader, actor, number)
}
