package support

import (
	"context"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/isolation"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/ticket"
)

// PageSize is how many rows a list shows at once.
const PageSize = licensing.PageSize

// ListQuery is what is asked of a list of tickets.
type ListQuery struct {
	Search      string
	Environment license.Environment // "" is every one
	Status      ticket.Status
	Category    string
	From, To    time.Time    // of the creation, the end excluded
	Open        bool         // leave closed ones out, unless Status asks for them
	Sort        ticket.Order // "" is ticket.ByUpdated
	After       id.ID
	Before      id.ID
}

// List is one page of tickets.
type List struct {
	Rows     []ticket.Ticket
	Counts   map[ticket.Status]int // with everything but the status
	Total    int                   // rows of all pages
	Owned    int                   // tickets of the customer at all
	At       time.Time
	HasNext  bool
	HasPrior bool
}

// List returns a page of the customer's tickets (P-TIC-01, P-TIC-26, P-TIC-27).
func (s *Service) List(ctx context.Context, actor account.Actor, q ListQuery) (List, error) {
	if err := s.reader(actor); err != nil {
		return List{}, err
	}
	l := List{At: s.clock()}
	f := filter(q)
	f.Customer = actor.CustomerID
	err := s.Store.Snapshot(ctx, func(r store.Reader) error {
		rows, err := r.Tickets(ctx, f, q.Sort, store.Page{After: q.After, Before: q.Before, Size: PageSize})
		if err != nil {
			return err
		}
		l.Rows, l.HasPrior, l.HasNext = page(rows, q.After, q.Before)
		if l.Counts, err = r.CountTickets(ctx, f); err != nil {
			return err
		}
		all, err := r.CountTickets(ctx, store.TicketFilter{Customer: actor.CustomerID})
		l.Owned, l.Total = sum(all), total(l.Counts, q.Status)
		if f.Open {
			l.Total -= l.Counts[ticket.Closed]
		}
		return err
	})
	return l, err
}

// Export passes the tickets that a list shows on all its pages to write, in its
// order. What write returns ends it.
func (s *Service) Export(ctx context.Context, actor account.Actor, q ListQuery, write func(rows []ticket.Ticket) error) error {
	if err := s.reader(actor); err != nil {
		return err
	}
	f := filter(q)
	f.Customer = actor.CustomerID
	counts, err := s.Store.CountTickets(ctx, f)
	if err != nil {
		return err
	}
	if total(counts, q.Status) > licensing.MaxExport {
		return licensing.TooMany("tickets")
	}
	return licensing.EachPage(func(after id.ID) (id.ID, error) {
		rows, err := s.Store.Tickets(ctx, f, q.Sort, store.Page{After: after, Size: licensing.ExportPage - 1})
		if err == nil {
			err = write(rows)
		}
		return licensing.NextPage(rows, func(t ticket.Ticket) id.ID { return t.ID }), err
	})
}

func filter(q ListQuery) store.TicketFilter {
	f := store.TicketFilter{Environment: q.Environment, Status: q.Status, Category: q.Category, From: q.From, To: q.To}
	f.Open = q.Open && q.Status != ticket.Closed
	text := strings.ToValidUTF8(strings.Join(strings.Fields(q.Search), " "), "")
	if len(text) > licensing.MaxSearch {
		text = strings.ToValidUTF8(text[:licensing.MaxSearch], "")
	}
	f.Search = license.FoldName(text)
	if n, ok := ticket.ParseName(text); ok {
		f.Number = strings.TrimPrefix(ticket.Name(n), "TICK-")
	}
	return f
}

// page drops the one row read beyond the page and says on which sides there are
// more.
func page(rows []ticket.Ticket, after, before id.ID) (shown []ticket.Ticket, prior, next bool) {
	more := len(rows) > PageSize
	switch {
	case before != "" && more:
		return rows[1:], true, true
	case before != "":
		return rows, false, true
	case more:
		return rows[:PageSize], after != "", true
	}
	return rows, after != "", false
}

func sum(counts map[ticket.Status]int) int { return total(counts, "") }

func total(counts map[ticket.Status]int, only ticket.Status) int {
	n := 0
	for status, c := range counts {
		if only == "" || only == status {
			n += c
		}
	}
	return n
}

// Thread is a ticket with everything its reader sees.
type Thread struct {
	Ticket   ticket.Ticket
	Merged   ticket.Ticket // the one that goes on in its place, if any
	Posts    []ticket.Post
	Events   []ticket.Event
	Mentions []Mentioned
	At       time.Time
	Due      time.Time    // until when a first response is owed
	Reopen   *fault.Error // why it cannot be reopened, or nil
	Files    int          // how many are attached
}

// Mentioned is a license a ticket speaks of: as it stood, and as it is.
type Mentioned struct {
	ticket.Mention
	Now licensing.Detail
}

// Thread returns one of the customer's tickets. Notes of staff are no part of it
// (P-TIC-21).
func (s *Service) Thread(ctx context.Context, actor account.Actor, wanted id.ID) (Thread, error) {
	if err := s.reader(actor); err != nil {
		return Thread{}, err
	}
	th := Thread{At: s.clock()}
	var mentions []ticket.Mention
	err := s.Store.Snapshot(ctx, func(r store.Reader) error {
		var err error
		if th.Ticket, err = s.owned(ctx, r, actor, wanted); err != nil {
			return err
		}
		mentions, err = fill(ctx, r, &th, false)
		return err
	})
	if err != nil {
		return th, err
	}
	th.Due = th.Ticket.Priority.Due(th.Ticket.CreatedAt, s.Hours)
	th.Reopen = ticket.MayReopen(th.Ticket, th.At)
	if s.NoReopen && th.Reopen == nil {
		th.Reopen = fault.New(fault.Conflict, "reopen_off", "Closed tickets cannot be reopened here.")
	}
	for _, m := range mentions {
		det, err := s.Licensing.Detail(ctx, actor, m.LicenseID)
		if fault.Is(err, fault.NotFound) {
			continue // no longer theirs
		}
		if err != nil {
			return th, err
		}
		th.Mentions = append(th.Mentions, Mentioned{m, det})
	}
	return th, nil
}

// fill reads what belongs to a ticket, for the customer or for staff.
func fill(ctx context.Context, r store.Reader, th *Thread, staff bool) ([]ticket.Mention, error) {
	var err error
	if th.Posts, err = r.Posts(ctx, th.Ticket.ID, staff); err != nil {
		return nil, err
	}
	files, err := r.Files(ctx, th.Ticket.ID, staff)
	if err != nil {
		return nil, err
	}
	th.Files = len(files)
	for i := range th.Posts {
		for _, f := range files {
			if f.PostID == th.Posts[i].ID {
				th.Posts[i].Files = append(th.Posts[i].Files, f.File)
			}
		}
	}
	if th.Events, err = r.TicketEvents(ctx, th.Ticket.ID); err != nil {
		return nil, err
	}
	if th.Ticket.MergedInto != "" {
		if th.Merged, err = r.Ticket(ctx, th.Ticket.MergedInto); err != nil {
			return nil, err
		}
	}
	return r.Mentions(ctx, th.Ticket.ID)
}

// Attached is a file with its content.
type Attached = store.Upload

// File returns what is attached to a ticket of the customer (P-TIC-30).
func (s *Service) File(ctx context.Context, actor account.Actor, wanted id.ID) (Attached, error) {
	if err := s.reader(actor); err != nil {
		return Attached{}, err
	}
	f, err := s.Store.OwnedFile(ctx, actor.CustomerID, wanted)
	if err != nil {
		return f, isolation.Missing(ctx, s.Log, err, actor, "file", wanted, func() error { return s.Store.FileExists(ctx, wanted) })
	}
	return f, nil
}
