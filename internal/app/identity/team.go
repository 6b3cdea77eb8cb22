package identity

import (
	"context"
	"slices"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/isolation"
	"github.com/keyward/keyward/internal/app/once"
	"github.com/keyward/keyward/internal/app/stale"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
)

// errOwnerOnly is the answer to people who do not say who belongs to the
// customer.
var errOwnerOnly error = fault.New(fault.Forbidden, "role_too_low", "Your role does not include managing the team.").
	WithNext("Ask an owner of the account.")

// Team is who acts for a customer, and who was asked to.
type Team struct {
	Members []account.Member // without password hashes
	Invited []account.TeamInvitation
}

// Team returns the people of the actor's customer.
func (s *Service) Team(ctx context.Context, actor account.Actor) (Team, error) {
	if err := ownerOnly(actor); err != nil {
		return Team{}, err
	}
	var t Team
	err := s.Store.Snapshot(ctx, func(r store.Reader) (err error) {
		if t.Members, err = r.Members(ctx, actor.CustomerID); err != nil {
			return err
		}
		t.Invited, err = r.TeamInvitations(ctx, actor.CustomerID)
		return err
	})
	for i := range t.Members {
		t.Members[i].Person = withoutHash(t.Members[i].Person)
	}
	return t, err
}

func ownerOnly(actor account.Actor) error {
	if err := personOnly(actor); err != nil {
		return err
	}
	if !actor.Role.MayInvite() {
		return errOwnerOnly
	}
	return nil
}

// NewMember describes somebody to be asked into a team.
type NewMember struct {
	CustomerID id.ID // of people: their own, whatever is said here
	Email      string
	Role       account.Role
}

// InviteMember has somebody asked to act for a customer, again if need be. The
// answer is the same whether or not the address has an account here.
func (s *Service) InviteMember(ctx context.Context, actor account.Actor, in NewMember) (account.TeamInvitation, error) {
	if err := mayInvite(actor, &in); err != nil {
		return account.TeamInvitation{}, err
	}
	now := s.clock()
	var problems fault.Problems
	p := newPerson(&problems, in.Email, "", now)
	if !in.Role.Known() {
		problems.Add("role", "Choose owner, manager or viewer.")
	}
	if err := problems.Err(); err != nil {
		return account.TeamInvitation{}, err
	}
	if err := count(ctx, s.limits.teamInvitation, string(in.CustomerID), now, "The invitations so far are on their way."); err != nil {
		return account.TeamInvitation{}, err
	}
	var i account.TeamInvitation
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		members, err := lockTeam(ctx, tx, actor, in.CustomerID)
		if err != nil {
			return err
		}
		person, err := personToInvite(ctx, tx, p)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(members, func(m account.Member) bool { return m.Person.ID == person }) {
			return fault.New(fault.Conflict, "member_already", "This person belongs to the team already.").
				WithField("email", "Change their role in the list instead.")
		}
		i = account.TeamInvitation{
			ID: id.New(), CustomerID: in.CustomerID, PersonID: person, Email: p.Email, Role: in.Role,
			CreatedAt: now, ExpiresAt: now.Add(account.TeamInvitationLife),
		}
		return askInto(ctx, tx, actor, &i, len(members), now)
	})
	return i, err
}

func mayInvite(actor account.Actor, in *NewMember) error {
	if actor.Kind != account.ActorPerson {
		return asError(actor.Require(account.CustomersWrite))
	}
	in.CustomerID = actor.CustomerID
	return ownerOnly(actor)
}

// personToInvite finds who has the address, or makes them.
func personToInvite(ctx context.Context, tx *store.Tx, p account.Person) (id.ID, error) {
	known, err := tx.PersonByEmail(ctx, p.Email)
	if err == nil {
		return known.ID, nil
	}
	if !store.IsNotFound(err) {
		return "", err
	}
	return p.ID, tx.AddPerson(ctx, p)
}

// askInto keeps the invitation, or renews the one there is, and leaves its
// mail.
func askInto(ctx context.Context, tx *store.Tx, actor account.Actor, i *account.TeamInvitation, members int, now time.Time) error {
	waiting, err := tx.TeamInvitations(ctx, i.CustomerID)
	if err != nil {
		return err
	}
	if n := slices.IndexFunc(waiting, func(w account.TeamInvitation) bool { return w.PersonID == i.PersonID }); n >= 0 {
		i.ID, i.CreatedAt = waiting[n].ID, waiting[n].CreatedAt
		err = tx.RenewTeamInvitation(ctx, i.ID, i.Role, i.ExpiresAt)
	} else if members+len(waiting) >= account.MaxTeam {
		return fault.New(fault.Conflict, "team_full", "A team has at most 200 people.").WithNext("Remove somebody first.")
	} else {
		err = tx.AddTeamInvitation(ctx, *i)
	}
	if err != nil {
		return err
	}
	if err := tx.EnqueueTeamInvitation(ctx, *i, now); err != nil {
		return err
	}
	return tx.AppendEvent(ctx, teamEvent(event.TeamInvited, actor, i.CustomerID, i.PersonID, i.Role, now))
}

func teamEvent(t event.Type, actor account.Actor, customer, person id.ID, role account.Role, now time.Time) event.Event {
	e := event.New(t, actor, now)
	e.CustomerID, e.PersonID, e.Data.Role = customer, person, string(role)
	return e
}

// lockTeam returns the people of a customer, whom nobody else changes until
// the transaction ends. It looks again whether the actor may: they may have
// been demoted while they were typing.
func lockTeam(ctx context.Context, tx *store.Tx, actor account.Actor, customer id.ID) ([]account.Member, error) {
	if _, err := tx.LockCustomer(ctx, customer); err != nil {
		return nil, missing(err, "customer")
	}
	members, err := tx.Members(ctx, customer)
	if err != nil || actor.Kind != account.ActorPerson {
		return members, err
	}
	if !slices.ContainsFunc(members, func(m account.Member) bool { return m.Person.ID == actor.ID && m.Role.MayInvite() }) {
		return nil, errOwnerOnly
	}
	return members, nil
}

// ResendInvitation mails an invitation again, with a new link and more time.
func (s *Service) ResendInvitation(ctx context.Context, actor account.Actor, invitation id.ID) error {
	i, err := s.ownInvitation(ctx, actor, invitation)
	if err != nil {
		return err
	}
	_, err = s.InviteMember(ctx, actor, NewMember{Email: i.Email, Role: i.Role})
	return err
}

// WithdrawInvitation ends an invitation before it is accepted. One that was
// withdrawn already is no error.
func (s *Service) WithdrawInvitation(ctx context.Context, actor account.Actor, invitation id.ID) error {
	i, err := s.ownInvitation(ctx, actor, invitation)
	if fault.Is(err, fault.NotFound) {
		return s.withdrawn(ctx, actor, invitation)
	}
	if err != nil {
		return err
	}
	now := s.clock()
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		if _, err := lockTeam(ctx, tx, actor, actor.CustomerID); err != nil {
			return err
		}
		if err := tx.RemoveTeamInvitation(ctx, i.ID); err != nil {
			return missing(err, "invitation")
		}
		e := teamEvent(event.TeamWithdrawn, actor, i.CustomerID, i.PersonID, i.Role, now)
		e.Data.Subject = i.ID
		return tx.AppendEvent(ctx, e)
	})
}

// withdrawn is the answer about an invitation that is not there.
func (s *Service) withdrawn(ctx context.Context, actor account.Actor, invitation id.ID) error {
	done, err := repeated(ctx, s.Store.Reader, actor, event.TeamWithdrawn, func(e event.Event) bool { return e.Data.Subject == invitation })
	if err != nil || done {
		return err
	}
	return fault.Missing("invitation")
}

// ownInvitation is an invitation of the actor's customer. Another customer's
// is logged, and not found (P-ISO-01, P-ISO-03).
func (s *Service) ownInvitation(ctx context.Context, actor account.Actor, invitation id.ID) (account.TeamInvitation, error) {
	if err := ownerOnly(actor); err != nil {
		return account.TeamInvitation{}, err
	}
	i, err := s.Store.TeamInvitation(ctx, invitation)
	if err != nil {
		return i, missing(err, "invitation")
	}
	if i.CustomerID != actor.CustomerID {
		isolation.Note(ctx, s.Log, actor, "invitation", invitation)
		return account.TeamInvitation{}, fault.Missing("invitation")
	}
	return i, nil
}

// SetRole changes what a person is for the actor's customer. Somebody stays
// its owner.
func (s *Service) SetRole(ctx context.Context, actor account.Actor, person id.ID, to account.Role) error {
	if err := ownerOnly(actor); err != nil {
		return err
	}
	return s.changeMember(ctx, actor, person, to, false)
}

// SetPersonRole is SetRole for the vendor, of any customer's people.
func (s *Service) SetPersonRole(ctx context.Context, actor account.Actor, customer, person id.ID, to account.Role) error {
	if err := actor.Require(account.CustomersWrite); err != nil {
		return err
	}
	actor.CustomerID = customer
	return s.changeMember(ctx, actor, person, to, false)
}

// RemoveMember ends that a person acts for the actor's customer, at once. An
// owner may leave that way, the last one may not. Doing it twice is harmless.
func (s *Service) RemoveMember(ctx context.Context, actor account.Actor, person id.ID) error {
	if err := ownerOnly(actor); err != nil {
		return err
	}
	return s.changeMember(ctx, actor, person, "", true)
}

// RemovePerson is RemoveMember for the vendor, of any customer's people.
func (s *Service) RemovePerson(ctx context.Context, actor account.Actor, customer, person id.ID) error {
	if err := actor.Require(account.CustomersWrite); err != nil {
		return err
	}
	actor.CustomerID = customer
	return s.changeMember(ctx, actor, person, "", true)
}

// changeMember gives somebody of the actor's customer another role, or none
// when they leave.
func (s *Service) changeMember(ctx context.Context, actor account.Actor, person id.ID, to account.Role, leaves bool) error {
	now := s.clock()
	return once.InTx(ctx, s.Store, now, func(tx *store.Tx) (id.ID, error) {
		members, err := lockTeam(ctx, tx, actor, actor.CustomerID)
		if err != nil {
			return "", err
		}
		n := slices.IndexFunc(members, func(m account.Member) bool { return m.Person.ID == person })
		if n < 0 {
			return person, s.noMember(ctx, tx, actor, person, leaves)
		}
		if err := stale.Check(ctx, "person", members[n].Version); err != nil {
			return "", err
		}
		if !leaves && !to.Known() {
			return "", fault.New(fault.Invalid, "invalid_input", "There is no such role.").WithField("role", "Choose owner, manager or viewer.")
		}
		if members[n].Role == to {
			return person, nil
		}
		if err := account.CheckTeam(members, person, to); err != nil {
			return "", err
		}
		if err := writeMember(ctx, tx, actor.CustomerID, person, to, leaves); err != nil {
			return "", err
		}
		happened := event.TeamRoleChanged
		if leaves {
			happened = event.TeamLeft
		}
		return person, tx.AppendEvent(ctx, teamEvent(happened, actor, actor.CustomerID, person, to, now))
	})
}

func writeMember(ctx context.Context, tx *store.Tx, customer, person id.ID, to account.Role, leaves bool) error {
	if leaves {
		return tx.RemoveMembership(ctx, person, customer)
	}
	return tx.SetRole(ctx, person, customer, to)
}

// noMember is the answer about somebody who does not belong to the actor's
// customer: nothing is left to do when they were removed already.
func (s *Service) noMember(ctx context.Context, tx *store.Tx, actor account.Actor, person id.ID, leaves bool) error {
	done, err := repeated(ctx, tx.Reader, actor, event.TeamLeft, func(e event.Event) bool { return e.PersonID == person })
	if err != nil || leaves && done {
		return err
	}
	return s.foreign(ctx, tx.Reader, actor, store.PersonRecord, "person", person)
}

// Customers lists those the actor may act for.
func (s *Service) Customers(ctx context.Context, actor account.Actor) ([]account.Membership, error) {
	if err := personOnly(actor); err != nil {
		return nil, err
	}
	return s.Store.Memberships(ctx, actor.ID)
}

// SwitchCustomer makes a session of the actor's one for another customer of
// theirs.
func (s *Service) SwitchCustomer(ctx context.Context, actor account.Actor, session, customer id.ID) error {
	all, err := s.Customers(ctx, actor)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(m account.Membership) bool {
		return m.Customer.ID == customer && m.Customer.Status == account.Active
	}) {
		return s.foreign(ctx, s.Store.Reader, actor, store.CustomerRecord, "customer", customer)
	}
	e := event.New(event.CustomerEntered, actor, s.clock())
	e.CustomerID, e.PersonID = customer, actor.ID
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.SetSessionCustomer(ctx, actor.ID, session, customer); err != nil {
			return missing(err, "session")
		}
		return tx.AppendEvent(ctx, e)
	})
}
