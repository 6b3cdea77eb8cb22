package identity

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/store"
)

// PasswordChoice is what came of choosing a password.
type PasswordChoice struct {
	Person account.Person // without the password hash
	// KnownDevice is to be kept in the browser: who reads the account's mail is
	// no guesser, and must get in while others guess.
	KnownDevice string
}

// SetPassword spends a one-time link and sets the password of the person it is
// for. It ends all of their sessions and the links they have not used. A
// password that cannot be used spends nothing.
func (s *Service) SetPassword(ctx context.Context, token string, purpose account.LinkPurpose, password string, from Origin) (PasswordChoice, error) {
	l, p, err := s.look(ctx, token, purpose)
	if err != nil {
		return PasswordChoice{}, err
	}
	if err := usablePassword(password, p.Email, account.MinPersonPassword); err != nil {
		return PasswordChoice{}, err
	}
	hash, err := s.Hasher.Hash(ctx, password, s.PersonCost)
	if err != nil {
		return PasswordChoice{}, err
	}
	if err := s.replacePassword(ctx, l, hash, from); err != nil {
		return PasswordChoice{}, err
	}
	return PasswordChoice{Person: withoutHash(p), KnownDevice: s.knownDevice(p.Email, s.clock())}, nil
}

func (s *Service) replacePassword(ctx context.Context, l account.Link, hash string, from Origin) error {
	now := s.clock()
	e := event.New(event.PasswordSet, from.as(l.PersonID), now)
	e.PersonID, e.Data.Purpose = l.PersonID, string(l.Purpose)
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		p, err := tx.LockPerson(ctx, l.PersonID)
		if err != nil {
			return err
		}
		if p.Status != account.Active {
			return errLink(l.Purpose)
		}
		if err := tx.SpendLink(ctx, l.ID, now); err != nil {
			return firstOf(notMissing(err), errLink(l.Purpose))
		}
		if err := tx.SetPassword(ctx, p.ID, hash, now); err != nil {
			return err
		}
		if err := afterPassword(ctx, tx, l, now); err != nil {
			return err
		}
		return tx.AppendEvent(ctx, e)
	})
}

// afterPassword does what goes with a new password: the address is proved,
// nobody stays signed in (C-SEC-03), and the owner is told about a reset.
func afterPassword(ctx context.Context, tx *store.Tx, l account.Link, now time.Time) error {
	if err := tx.VerifyEmail(ctx, l.PersonID, now); err != nil {
		return err
	}
	if _, err := tx.EndSessions(ctx, l.PersonID); err != nil {
		return err
	}
	if err := tx.DropLinks(ctx, l.PersonID); err != nil {
		return err
	}
	if err := tx.DropChallenges(ctx, l.PersonID); err != nil { // a second step that followed the old one
		return err
	}
	if l.Purpose != account.Reset {
		return nil
	}
	_, err := tx.EnqueueNotice(ctx, account.PasswordChangedNotice, l.PersonID, now)
	return err
}

// usablePassword returns what is wrong with a new password as a field problem.
func usablePassword(password, email string, least int) error {
	wrong := account.CheckPassword(password, email, least)
	if wrong == "" {
		return nil
	}
	return fault.New(fault.Invalid, "password_refused", "This password cannot be used.").WithField("password", wrong)
}
