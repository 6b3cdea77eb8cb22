package ticket

import (
	"time"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
)

const (
	// CloseAfter is how long a resolved ticket waits for an answer (P-TIC-22).
	CloseAfter = 7 * 24 * time.Hour
	// ReopenWithin is how long a closed ticket can be opened again (P-TIC-23).
	ReopenWithin = 30 * 24 * time.Hour
	// MaxRating is the best mark.
	MaxRating = 5
)

// Faults of changes that the state of a ticket does not allow.
func closedFault() *fault.Error {
	return fault.New(fault.Conflict, "ticket_closed", "This ticket is closed.").
		WithNext("Reopen it, or write a new one.")
}

func mergedFault() *fault.Error {
	return fault.New(fault.Conflict, "ticket_merged", "This ticket was merged into another one.").
		WithNext("Go on in the other ticket.")
}

// set moves the ticket to a state and keeps the instants that go with it.
func (t Ticket) set(to Status, now time.Time) Ticket {
	t.Status, t.UpdatedAt = to, now
	switch to {
	case Resolved:
		t.ResolvedAt, t.ClosedAt = now, time.Time{}
	case Closed:
		t.ClosedAt = now
	default:
		t.ResolvedAt, t.ClosedAt = time.Time{}, time.Time{}
	}
	return t
}

// AskedAgain is the ticket after a message of the customer: what waited for
// them goes on (P-TIC-16), what was thought to be resolved is open again.
func AskedAgain(t Ticket, now time.Time) (Ticket, *fault.Error) {
	switch {
	case t.MergedInto != "":
		return t, mergedFault()
	case t.Status == Closed:
		return t, closedFault()
	case t.Status == Waiting:
		return t.set(InProgress, now), nil
	case t.Status == Resolved:
		return t.set(Open, now), nil
	}
	t.UpdatedAt = now
	return t, nil
}

// Answered is the ticket after a message of staff. It then waits for the
// customer, unless staff say what else it is.
func Answered(t Ticket, to Status, now time.Time) (Ticket, *fault.Error) {
	switch {
	case t.MergedInto != "":
		return t, mergedFault()
	case t.Status == Closed:
		return t, closedFault()
	case to == "" && t.Status == Resolved:
		to = Resolved
	case to == "":
		to = Waiting
	}
	if to == t.Status {
		t.UpdatedAt = now
	} else {
		t = t.set(to, now)
	}
	if t.FirstResponseAt.IsZero() {
		t.FirstResponseAt = now
	}
	return t, nil
}

// Solve is the customer saying that their question is answered (P-TIC-33).
func Solve(t Ticket, now time.Time) (Ticket, *fault.Error) {
	switch {
	case t.MergedInto != "":
		return t, mergedFault()
	case t.Status == Closed:
		return t, closedFault()
	case t.Status == Resolved:
		return t, nil
	}
	return t.set(Resolved, now), nil
}

// MayReopen says why a ticket cannot be reopened by its customer, or nil.
func MayReopen(t Ticket, now time.Time) *fault.Error {
	switch {
	case t.MergedInto != "":
		return mergedFault()
	case t.Status != Closed:
		return fault.New(fault.Conflict, "ticket_not_closed", "This ticket is not closed.").WithNext("Write a reply.")
	case now.Sub(t.ClosedAt) > ReopenWithin:
		return fault.New(fault.Conflict, "reopen_too_late", "This ticket was closed more than 30 days ago.").
			WithNext("Write a new ticket and mention this one.")
	}
	return nil
}

// Reopen opens a closed ticket again (P-TIC-23, P-TIC-24).
func Reopen(t Ticket, now time.Time) (Ticket, *fault.Error) {
	if refused := MayReopen(t, now); refused != nil {
		return t, refused
	}
	return t.set(Open, now), nil
}

// Move is staff setting the state. Out of Closed the only way is Open.
func Move(t Ticket, to Status, now time.Time) (Ticket, *fault.Error) {
	switch {
	case t.MergedInto != "":
		return t, mergedFault()
	case !to.Known():
		return t, fault.New(fault.Invalid, "invalid_input", "This is no state of a ticket.").
			WithField("status", "Use open, in_progress, waiting, resolved or closed.")
	case to == t.Status:
		return t, nil
	case t.Status == Closed && to != Open:
		return t, closedFault()
	}
	return t.set(to, now), nil
}

// ClosesItself reports whether a resolved ticket has waited long enough.
func ClosesItself(t Ticket, now time.Time) bool {
	return t.Status == Resolved && !now.Before(t.ResolvedAt.Add(CloseAfter))
}

// Merge ends a duplicate in favor of another ticket of the same customer
// (P-TIC-32).
func Merge(t, into Ticket, now time.Time) (Ticket, *fault.Error) {
	switch {
	case t.MergedInto != "":
		return t, mergedFault()
	case into.MergedInto != "":
		return t, fault.New(fault.Conflict, "merge_target_merged", "The other ticket was merged itself.").WithNext("Merge into the one that goes on.")
	case t.ID == into.ID:
		return t, fault.New(fault.Invalid, "merge_itself", "A ticket cannot be merged into itself.")
	case t.CustomerID != into.CustomerID:
		return t, fault.New(fault.Invalid, "merge_other_customer", "The two tickets belong to different customers.")
	}
	t = t.set(Closed, now)
	t.MergedInto = into.ID
	return t, nil
}

// Assign gives the ticket to somebody of staff; "" takes it back. Work on an
// open ticket begins with that.
func Assign(t Ticket, to id.ID, now time.Time) (Ticket, *fault.Error) {
	switch {
	case t.MergedInto != "":
		return t, mergedFault()
	case t.AssigneeID == to:
		return t, nil
	}
	if t.Status == Open && to != "" {
		t = t.set(InProgress, now)
	}
	t.AssigneeID, t.UpdatedAt = to, now
	return t, nil
}

// Rate is the customer's mark for a ticket that is answered (P-TIC-34).
func Rate(t Ticket, mark int, now time.Time) (Ticket, *fault.Error) {
	switch {
	case t.MergedInto != "":
		return t, mergedFault()
	case t.Status != Resolved && t.Status != Closed:
		return t, fault.New(fault.Conflict, "ticket_not_resolved", "A ticket can be rated once it is resolved.")
	case mark < 1 || mark > MaxRating:
		return t, fault.New(fault.Invalid, "invalid_input", "This is no rating.").WithField("rating", "Choose 1 to 5.")
	}
	t.Rating = mark
	return t, nil
}
