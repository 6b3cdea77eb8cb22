package license

import (
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/verdict"
)

// Forever is the end of a license that has none. It is a real instant so that
// ends compare and sort without special cases, and far enough not to be met.
var Forever = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// Unlimited is the limit of a license that any number of devices may use.
// Outside this program it is written as null, never as 0 (E-05).
const Unlimited = 0

// MaxLimit is the largest activation limit that can be set (A-LIC-18).
const MaxLimit = 10_000

// Status is what a license is at an instant.
type Status string

// The states of a license (spec C.1).
const (
	Available Status = "available"
	Assigned  Status = "assigned"
	Active    Status = "active"
	Suspended Status = "suspended"
	Expired   Status = "expired"
	Revoked   Status = "revoked"
)

// OwnedStatuses lists the states that an owned license can be in, in the
// order in which the portal offers them.
func OwnedStatuses() []Status {
	return []Status{Active, Assigned, Suspended, Expired, Revoked}
}

// Known reports whether s is one of the states.
func (s Status) Known() bool {
	switch s {
	case Available, Assigned, Active, Suspended, Expired, Revoked:
		return true
	}
	return false
}

// Ended reports whether a license in this state has had its time.
func (s Status) Ended() bool { return s == Expired || s == Revoked }

// Reason classes a suspension, revocation or ending (E-01).
type Reason string

// The reasons.
const (
	Manual      Reason = "manual"
	Payment     Reason = "payment"
	Abuse       Reason = "abuse"
	Contract    Reason = "contract"
	Refund      Reason = "refund"
	Leak        Reason = "leak"
	Replaced    Reason = "replaced"
	ByOwner     Reason = "owner"    // a person of the customer did it
	Lost        Reason = "lost"     // likewise, without having the device any more
	Swapped     Reason = "swapped"  // likewise, to let another device in
	BySoftware  Reason = "software" // the device itself did it
	WithLicense Reason = "license"  // it went with its license
	Lapse       Reason = "lapsed"   // a floating seat was not renewed in time
	TakenOver   Reason = "taken"    // it happened elsewhere, before Keyward came
)

// SuspendReasons lists what a suspension can be for.
func SuspendReasons() []Reason { return []Reason{Manual, Payment, Abuse, Contract} }

// RevokeReasons lists what a revocation can be for.
func RevokeReasons() []Reason { return []Reason{Manual, Refund, Abuse, Leak, Contract, Replaced} }

// License is the facts of one license. Its status is derived: see Status.
type License struct {
	ID          id.ID
	ProductID   id.ID
	CustomerID  id.ID // "" while available
	Environment Environment
	Plan        string // name of the tier it was issued as, for people
	Mask        string // the key as it is shown until copied

	Limit        int           // devices, or Unlimited
	HoldFor      time.Duration // how long a check-in keeps a floating seat; 0: its seats are fixed
	ValidityDays int           // counted from assignment; 0 is perpetual (C-LCY-05)

	CreatedAt        time.Time
	AssignedAt       time.Time
	StartsAt         time.Time // zero: from assignment on
	FirstActivatedAt time.Time // zero: never activated
	ExpiresAt        time.Time // zero: never
	Grace            time.Duration

	SuspendedAt   time.Time
	SuspendReason Reason
	RevokedAt     time.Time
	RevokeReason  Reason
	Note          string // the vendor's words about it for the customer

	MaxVersion   string    // highest version included: "8.x"; "" is all
	UpdatesUntil time.Time // versions released before; zero is no limit
	Features     []Feature

	Version int64 // grows with every change; orders its events
}

// EndsAt is when the license stops being valid: expiry and grace, or Forever.
func (l License) EndsAt() time.Time {
	if l.ExpiresAt.IsZero() {
		return Forever
	}
	return l.ExpiresAt.Add(l.Grace)
}

// Floating reports whether seats are held for a time only, and free again
// unless their devices check in.
func (l License) Floating() bool { return l.HoldFor > 0 }

// HoldUntil is until when a seat is held that is taken or renewed at now; zero
// is until it is given back.
func (l License) HoldUntil(now time.Time) time.Time {
	if !l.Floating() {
		return time.Time{}
	}
	return now.Add(l.HoldFor)
}

// Perpetual reports whether the license never ends by itself.
func (l License) Perpetual() bool { return l.ExpiresAt.IsZero() }

// Phase is the part of the status that no clock changes. The store keeps the
// same rule as a generated column, and a test proves that both agree.
func (l License) Phase() Status {
	switch {
	case !l.RevokedAt.IsZero():
		return Revoked
	case !l.SuspendedAt.IsZero():
		return Suspended
	case l.CustomerID == "":
		return Available
	case !l.FirstActivatedAt.IsZero():
		return Active
	default:
		return Assigned
	}
}

// Status is what the license is at now, read in one order: revoked, expired,
// suspended, active, assigned, available.
func (l License) Status(now time.Time) Status {
	phase := l.Phase()
	if phase != Revoked && verdict.Ended(l.EndsAt(), now) {
		return Expired
	}
	return phase
}

// Ended reports whether its time is over at now, revoked or not: its date
// is shown in red from this instant on (P-LIC-08).
func (l License) Ended(now time.Time) bool { return verdict.Ended(l.EndsAt(), now) }

// EndsSoon reports whether a license that still works ends within window.
func (l License) EndsSoon(now time.Time, window time.Duration) bool {
	switch l.Status(now) {
	case Active, Assigned, Suspended:
		return l.EndsAt().Sub(now) <= window
	}
	return false
}

// InGrace reports whether the license is past its expiry date but still valid.
func (l License) InGrace(now time.Time) bool {
	return !l.ExpiresAt.IsZero() && !now.Before(l.ExpiresAt) && !l.Ended(now)
}

// Feature returns the license's value of a feature.
func (l License) Feature(key string) (Feature, bool) {
	for _, f := range l.Features {
		if f.Key == key {
			return f, true
		}
	}
	return Feature{}, false
}
