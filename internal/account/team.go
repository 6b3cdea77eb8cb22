package account

import (
	"time"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
)

// MaxTeam is how many people a customer may have, the invited among them.
const MaxTeam = 200

// TeamInvitationLife is how long an invitation to a team can be accepted.
const TeamInvitationLife = 14 * 24 * time.Hour

// Known reports whether r is one of the roles.
func (r Role) Known() bool { return r == Owner || r == Manager || r == Viewer }

// MayInvite reports whether people of this role say who else belongs to the
// customer.
func (r Role) MayInvite() bool { return r == Owner }

// Member is a person of a customer.
type Member struct {
	Person  Person
	Role    Role
	Version int64 // rises with every change of the role
}

// CheckTeam refuses a change after which nobody could manage the customer's
// people: somebody gets another role, or none when they leave.
func CheckTeam(members []Member, person id.ID, to Role) *fault.Error {
	for _, m := range members {
		role := m.Role
		if m.Person.ID == person {
			role = to
		}
		if role == Owner && m.Person.Status == Active {
			return nil
		}
	}
	return fault.New(fault.Conflict, "last_owner", "A customer needs an owner, and this is the only one.").
		WithNext("Make somebody else an owner first.")
}

// TeamInvitation asks a person to act for a customer. The person exists from
// then on, and belongs to the customer when they accept.
type TeamInvitation struct {
	ID         id.ID
	CustomerID id.ID
	PersonID   id.ID
	Email      string // of the person
	Role       Role
	CreatedAt  time.Time
	ExpiresAt  time.Time
}

// Joining is an invitation as the invited person sees it.
type Joining struct {
	Invitation TeamInvitation
	Customer   Customer
	New        bool // the person has no password yet and chooses one
}
