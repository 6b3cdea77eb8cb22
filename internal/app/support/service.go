package support

import (
	"context"
	"log/slog"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/isolation"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/ticket"
)

// Settings are what an installation decides about its support desk (P-TIC-25).
type Settings struct {
	Off        bool // there are no tickets
	NoFiles    bool // nothing can be attached
	NoReopen   bool // closed stays closed
	Categories []ticket.Category
	Hours      ticket.Hours
	MailDomain string // of the addresses that take answers by mail; "" takes none
}

// Deps is what the use cases work with.
type Deps struct {
	Store     *store.Store
	Master    *signing.Master
	Licensing *licensing.Service
	Now       func() time.Time
	Log       *slog.Logger
	Settings
}

// Service is the use cases of the support desk.
type Service struct{ Deps }

// New makes the use cases.
func New(d Deps) *Service {
	if len(d.Categories) == 0 {
		d.Categories = ticket.Categories()
	}
	if d.Hours.Zone == nil {
		d.Hours = ticket.OfficeHours()
	}
	return &Service{d}
}

// clock is the instant of one use case, as precise as the store keeps it.
func (s *Service) clock() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// On reports whether there are tickets at all.
func (s *Service) On() bool { return !s.Off }

// CategoryLabel is what people call a category. One that was taken away since
// keeps its code.
func (s *Service) CategoryLabel(code string) string {
	for _, c := range append(s.Categories, ticket.Categories()...) {
		if c.Code == code {
			return c.Label
		}
	}
	return code
}

func (s *Service) categoryKnown(code string) bool {
	for _, c := range s.Categories {
		if c.Code == code {
			return true
		}
	}
	return false
}

// reader refuses actors who are not signed in for a customer.
func (s *Service) reader(actor account.Actor) error {
	switch {
	case s.Off:
		return fault.Missing("page")
	case actor.Kind != account.ActorPerson || actor.CustomerID == "":
		return fault.New(fault.Forbidden, "not_a_customer", "Sign in to the customer portal for this.")
	}
	return nil
}

// writer refuses who may only look.
func (s *Service) writer(actor account.Actor) error {
	if err := s.reader(actor); err != nil {
		return err
	}
	if !actor.Role.MayManage() {
		return fault.New(fault.Forbidden, "role_too_low", "Your role does not include writing to support. Ask the owner of the account.")
	}
	return nil
}

// owned returns the ticket if the actor's customer owns it.
func (s *Service) owned(ctx context.Context, r store.Reader, actor account.Actor, wanted id.ID) (ticket.Ticket, error) {
	t, err := r.OwnedTicket(ctx, actor.CustomerID, wanted)
	if err != nil {
		return t, isolation.Missing(ctx, s.Log, err, actor, "ticket", wanted, func() error {
			_, err := r.Ticket(ctx, wanted)
			return err
		})
	}
	return t, nil
}

// side is where an actor stands.
func side(actor account.Actor) ticket.Side {
	switch actor.Kind {
	case account.ActorPerson:
		return ticket.CustomerSide
	case account.ActorSystem:
		if actor.RequestID == sweepRequest {
			return ticket.SystemSide
		}
	}
	return ticket.StaffSide
}

// sweepRequest marks what the program does by itself.
const sweepRequest = "tickets.close"

// audit is the event of a change of a ticket. It names ids and codes only.
func audit(t event.Type, actor account.Actor, about ticket.Ticket, reason string, now time.Time) event.Event {
	e := event.New(t, actor, now).Because(reason)
	e.Environment, e.CustomerID, e.Data.Subject = about.Environment, about.CustomerID, about.ID
	return e
}

// asError drops the typed nil of a fault, which would not be a nil error.
func asError(f *fault.Error) error {
	if f == nil {
		return nil
	}
	return f
}
