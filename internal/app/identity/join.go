package identity

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
)

const teamPurpose = "team invitation"

// errJoin is the answer for an invitation that was accepted, withdrawn, is too
// old or never was.
var errJoin error = fault.New(fault.NotFound, "link_unusable", "This invitation cannot be used: it was accepted or withdrawn, or it is too old.").
	WithNext("Ask whoever invited you to send it again.")

// MintTeamLink makes the token that accepts an invitation, at the moment its
// mail is written. The newest counts.
func (s *Service) MintTeamLink(ctx context.Context, invitation id.ID) (account.Joining, string, error) {
	token := signing.NewToken("")
	var j account.Joining
	err := s.Store.InTx(ctx, func(tx *store.Tx) (err error) {
		if j.Invitation, err = tx.TeamInvitation(ctx, invitation); err != nil {
			return missing(err, "invitation")
		}
		if j.Customer, err = tx.Customer(ctx, j.Invitation.CustomerID); err != nil {
			return err
		}
		return tx.SetTeamToken(ctx, invitation, s.Master.TokenHash(teamPurpose, token))
	})
	return j, token, err
}

// LookTeamLink returns what a token invites to, and spends nothing.
func (s *Service) LookTeamLink(ctx context.Context, token string) (account.Joining, error) {
	j, _, err := s.joining(ctx, token)
	return j, err
}

func (s *Service) joining(ctx context.Context, token string) (account.Joining, account.Person, error) {
	if !plausible(token) {
		return account.Joining{}, account.Person{}, errJoin
	}
	i, err := s.Store.TeamInvitationByToken(ctx, s.Master.TokenHash(teamPurpose, token))
	if err != nil {
		return account.Joining{}, account.Person{}, firstOf(notMissing(err), errJoin)
	}
	p, err := s.Store.Person(ctx, i.PersonID)
	if err != nil {
		return account.Joining{}, p, err
	}
	c, err := s.Store.Customer(ctx, i.CustomerID)
	if err != nil {
		return account.Joining{}, p, err
	}
	if !s.clock().Before(i.ExpiresAt) || p.Status != account.Active || c.Status != account.Active {
		return account.Joining{}, p, errJoin
	}
	return account.Joining{Invitation: i, Customer: c, New: p.PasswordHash == ""}, p, nil
}

// Join accepts an invitation. Who has no password chooses one with it.
func (s *Service) Join(ctx context.Context, token, password string, from Origin) (account.Joining, error) {
	j, p, err := s.joining(ctx, token)
	if err != nil {
		return j, err
	}
	hash := p.PasswordHash
	if j.New {
		if err := usablePassword(password, p.Email, account.MinPersonPassword); err != nil {
			return j, err
		}
		if hash, err = s.Hasher.Hash(ctx, password, s.PersonCost); err != nil {
			return j, err
		}
	}
	return j, s.join(ctx, j.Invitation, p, hash, from)
}

func (s *Service) join(ctx context.Context, i account.TeamInvitation, p account.Person, hash string, from Origin) error {
	now, actor := s.clock(), from.as(p.ID)
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		if _, err := tx.LockCustomer(ctx, i.CustomerID); err != nil {
			return err
		}
		current, err := tx.LockPerson(ctx, p.ID)
		if err != nil {
			return err
		}
		if current.Status != account.Active || current.PasswordHash != p.PasswordHash {
			return errJoin
		}
		if err := tx.RemoveTeamInvitation(ctx, i.ID); err != nil {
			return firstOf(notMissing(err), errJoin)
		}
		if err := tx.AddMembership(ctx, p.ID, i.CustomerID, i.Role, now); err != nil {
			return err
		}
		if err := firstPassword(ctx, tx, actor, current, hash, now); err != nil {
			return err
		}
		if err := tx.VerifyEmail(ctx, p.ID, now); err != nil {
			return err
		}
		return tx.AppendEvent(ctx, teamEvent(event.TeamJoined, actor, i.CustomerID, p.ID, i.Role, now))
	})
}

// firstPassword sets a password where there was none.
func firstPassword(ctx context.Context, tx *store.Tx, actor account.Actor, p account.Person, hash string, now time.Time) error {
	if p.PasswordHash == hash {
		return nil
	}
	if err := tx.SetPassword(ctx, p.ID, hash, now); err != nil {
		return err
	}
	e := event.New(event.PasswordSet, actor, now)
	e.PersonID, e.Data.Purpose = p.ID, "team_invitation"
	return tx.AppendEvent(ctx, e)
}
