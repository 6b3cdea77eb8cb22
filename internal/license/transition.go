package license

import (
	"fmt"
	"slices"
	"time"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/verdict"
)

// Trigger names a change of a license.
type Trigger string

// The triggers (spec C.1).
const (
	Assign        Trigger = "assign"
	FirstActivate Trigger = "activate"
	Suspend       Trigger = "suspend"
	Reinstate     Trigger = "reinstate"
	RenewTrigger  Trigger = "renew"
	Revoke        Trigger = "revoke"
	Edit          Trigger = "edit"
)

// Change is a wish to change a license.
type Change struct {
	Trigger    Trigger
	CustomerID id.ID     // Assign: the new owner
	Reason     Reason    // Suspend, Revoke
	Note       string    // Suspend, Revoke: words for the customer
	Days       int       // Renew: by how many days
	Until      time.Time // Renew: or to which instant; zero counts Days
	Terms      Terms     // Edit: what becomes different
	Version    int64     // of the license that it was decided on; 0 is any
}

// day is what a day of validity is: the same length everywhere, whatever
// daylight saving time does where the customer lives.
const day = 24 * time.Hour

// MaxValidityDays bounds validity and renewals: about a century.
const MaxValidityDays = 36_500

// CodeStale is the code of the Conflict over a license that has changed since
// the wish to change it was formed.
const CodeStale = "version_stale"

// Apply makes one transition. It returns the changed license and whether
// anything changed: repeating a transition answers the same and changes
// nothing (C-LCY-02). A forbidden one returns the license as it was and a
// Conflict with code "transition_refused", or Invalid for a bad wish (C-LCY-01).
func Apply(l License, c Change, now time.Time) (License, bool, *fault.Error) {
	if c.Version != 0 && c.Version != l.Version {
		return l, false, fault.New(fault.Conflict, CodeStale, "The license has changed since you read it.").
			WithNext("Read it again, decide again, and send its new version.")
	}
	if l.Phase() == Revoked && c.Trigger != Revoke {
		return l, false, refuse(c.Trigger, Revoked, "A revoked license is ended for good; issue a replacement instead.")
	}
	switch c.Trigger {
	case Assign:
		return assign(l, c, now)
	case FirstActivate:
		return firstActivate(l, now)
	case Suspend:
		return suspend(l, c, now)
	case Reinstate:
		return reinstate(l, now)
	case RenewTrigger:
		return renew(l, c, now)
	case Revoke:
		return revoke(l, c, now)
	case Edit:
		return edit(l, c.Terms, now)
	}
	return l, false, fault.New(fault.Invalid, "unknown_transition", "This change of a license does not exist.")
}

func refuse(t Trigger, s Status, next string) *fault.Error {
	return fault.New(fault.Conflict, "transition_refused",
		fmt.Sprintf("Cannot %s a license that is %s.", t, s)).WithNext(next)
}

func assign(l License, c Change, now time.Time) (License, bool, *fault.Error) {
	switch {
	case c.CustomerID == "":
		return l, false, fault.New(fault.Invalid, "customer_required", "Say which customer the license is assigned to.")
	case l.CustomerID == c.CustomerID:
		return l, false, nil
	case l.CustomerID != "":
		return l, false, refuse(Assign, l.Status(now), "It already has an owner. Revoke it and issue a replacement to the other customer.")
	case l.Ended(now):
		return l, false, refuse(Assign, Expired, "Renew it first.")
	case l.Phase() == Suspended:
		return l, false, refuse(Assign, Suspended, "Reinstate it first.")
	}
	l.CustomerID = c.CustomerID
	l.AssignedAt = now
	if l.ExpiresAt.IsZero() && l.ValidityDays > 0 {
		from := now
		if l.StartsAt.After(now) {
			from = l.StartsAt
		}
		l.ExpiresAt = from.Add(time.Duration(l.ValidityDays) * day)
	}
	return bumped(l), true, nil
}

func firstActivate(l License, now time.Time) (License, bool, *fault.Error) {
	switch s := l.Status(now); s {
	case Active:
		return l, false, nil
	case Assigned:
		l.FirstActivatedAt = now
		return bumped(l), true, nil
	default:
		return l, false, refuse(FirstActivate, s, "See the license's verdict for what to do.")
	}
}

func suspend(l License, c Change, now time.Time) (License, bool, *fault.Error) {
	switch s := l.Status(now); {
	case s == Suspended:
		return l, false, nil
	case s != Active && s != Assigned:
		return l, false, refuse(Suspend, s, "Only assigned and active licenses can be suspended.")
	case !slices.Contains(SuspendReasons(), c.Reason):
		return l, false, fault.New(fault.Invalid, "reason_required", "Give a reason: manual, payment, abuse or contract.")
	}
	l.SuspendedAt, l.SuspendReason, l.Note = now, c.Reason, c.Note
	return bumped(l), true, nil
}

func reinstate(l License, now time.Time) (License, bool, *fault.Error) {
	switch s := l.Status(now); s {
	case Active, Assigned:
		return l, false, nil
	case Suspended:
		l.SuspendedAt, l.SuspendReason, l.Note = time.Time{}, "", ""
		return bumped(l), true, nil
	case Expired:
		return l, false, refuse(Reinstate, s, "Its period is over: renew it.")
	default:
		return l, false, refuse(Reinstate, s, "Only a suspended license can be reinstated.")
	}
}

// renew extends a license. Early renewal adds to the old end, late renewal
// counts from now (U-06). A suspended license keeps its suspension.
func renew(l License, c Change, now time.Time) (License, bool, *fault.Error) {
	switch {
	case l.CustomerID == "":
		return l, false, refuse(RenewTrigger, Available, "Assign it first: its period starts then.")
	case l.Perpetual():
		return l, false, fault.New(fault.Conflict, "transition_refused", "This license never expires, so there is nothing to renew.")
	case c.Until.IsZero() && (c.Days < 1 || c.Days > MaxValidityDays):
		return l, false, fault.New(fault.Invalid, "days_required", "Renew by 1 to 36500 days.")
	}
	until := c.Until
	if until.IsZero() {
		until = renewFrom(l, now).Add(time.Duration(c.Days) * day)
	}
	switch {
	case until.Equal(l.ExpiresAt):
		return l, false, nil
	case verdict.Ended(until, now):
		return l, false, fault.New(fault.Invalid, "end_in_past", "The new end must be in the future.")
	case !until.Add(l.Grace).Before(Forever):
		return l, false, fault.New(fault.Invalid, "end_too_late", "The new end is too far away.")
	case until.Before(l.ExpiresAt):
		return l, false, fault.New(fault.Invalid, "end_too_early", "The new end must be after the present one.")
	}
	l.ExpiresAt = until
	return bumped(l), true, nil
}

func renewFrom(l License, now time.Time) time.Time {
	if l.Ended(now) {
		return now
	}
	return l.ExpiresAt
}

func revoke(l License, c Change, now time.Time) (License, bool, *fault.Error) {
	switch {
	case l.Phase() == Revoked:
		return l, false, nil
	case l.CustomerID == "":
		return l, false, refuse(Revoke, Available, "Nobody owns it: delete it instead.")
	case !slices.Contains(RevokeReasons(), c.Reason):
		return l, false, fault.New(fault.Invalid, "reason_required", "Give a reason: manual, refund, abuse, leak, contract or replaced.")
	}
	l.RevokedAt, l.RevokeReason, l.Note = now, c.Reason, c.Note
	return bumped(l), true, nil
}

func bumped(l License) License {
	l.Version++
	return l
}
