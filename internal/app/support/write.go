package support

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/ticket"
)

// writing is one change of a ticket on its way into the store: what each step
// of a use case needs, in one transaction.
type writing struct {
	tx     *store.Tx
	actor  account.Actor
	ticket ticket.Ticket
	now    time.Time
}

// note adds an entry to the timeline.
func (w *writing) note(ctx context.Context, t ticket.EventType, from, to ticket.Status, detail string) error {
	return w.tx.AddTicketEvent(ctx, w.ticket.ID, ticket.Event{
		ID: id.New(), Type: t, Side: side(w.actor), ActorID: w.actor.ID, From: from, To: to, Detail: detail, At: w.now,
	})
}

// save keeps what a rule made of the ticket, and tells timeline and audit trail
// when that changed its state.
func (w *writing) save(ctx context.Context, after ticket.Ticket) error {
	before := w.ticket
	w.ticket = after
	if err := w.tx.SaveTicket(ctx, after); err != nil {
		return err
	}
	if before.FirstResponseAt.IsZero() && !after.FirstResponseAt.IsZero() {
		if err := w.note(ctx, ticket.FirstResponse, "", "", ""); err != nil {
			return err
		}
	}
	if before.Status == after.Status {
		return nil
	}
	if err := w.note(ctx, ticket.StatusChanged, before.Status, after.Status, ""); err != nil {
		return err
	}
	return w.tx.AppendEvent(ctx, audit(event.TicketStatus, w.actor, after, string(after.Status), w.now))
}

// post adds a message with its files and the licenses it speaks of.
func (w *writing) post(ctx context.Context, kind ticket.Kind, d draft, form string) (id.ID, error) {
	p := ticket.Post{
		ID: id.New(), Kind: kind, Side: side(w.actor), AuthorID: w.actor.ID, Body: d.body, ByMail: d.byMail, At: w.now,
	}
	if err := w.tx.AddPost(ctx, w.ticket.ID, p, form); err != nil {
		return "", err
	}
	for _, u := range d.files {
		u.ID, u.At = id.New(), w.now
		if err := w.tx.AddFile(ctx, p.ID, u); err != nil {
			return "", err
		}
	}
	for _, m := range d.mentions {
		if err := w.tx.AddMention(ctx, w.ticket.ID, m, w.now); err != nil {
			return "", err
		}
	}
	what := event.TicketAnswered
	if kind == ticket.Note {
		what = event.TicketNoted
	}
	return p.ID, w.tx.AppendEvent(ctx, audit(what, w.actor, w.ticket, "", w.now))
}

// tell leaves a mail to everybody of the customer who takes part, except the
// one who does this.
func (w *writing) tell(ctx context.Context, why ticket.Occasion, post id.ID) error {
	people, err := w.tx.TicketPeople(ctx, w.ticket.ID)
	if err != nil {
		return err
	}
	for _, p := range people {
		if p.ID == w.actor.ID && why != ticket.Opened && why != ticket.Done {
			continue
		}
		n := ticket.Notice{Occasion: why, TicketID: w.ticket.ID, PersonID: p.ID, PostID: post, Status: w.ticket.Status}
		if err := w.tx.EnqueueTicketNotice(ctx, n, w.now); err != nil {
			return err
		}
	}
	return nil
}

// tellDesk leaves a mail to staff.
func (w *writing) tellDesk(ctx context.Context, why ticket.Occasion, post id.ID) error {
	return w.tx.EnqueueTicketNotice(ctx, ticket.Notice{Occasion: why, TicketID: w.ticket.ID, PostID: post, Status: w.ticket.Status}, w.now)
}

// occasion is the mail that goes with a state staff or the program set.
func occasion(to ticket.Status) ticket.Occasion {
	switch to {
	case ticket.Resolved:
		return ticket.Done
	case ticket.Closed:
		return ticket.Ended
	}
	return ticket.Moved
}
