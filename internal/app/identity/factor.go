package identity

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
)

// Factors is what somebody signs in with.
type Factors struct {
	Password  bool // there is one
	AppSince  time.Time
	CodesLeft int // recovery codes that are not spent
	Passkeys  []account.Passkey
}

// AppOn reports whether signing in asks for a code.
func (f Factors) AppOn() bool { return !f.AppSince.IsZero() }

// Factors returns what the actor signs in with.
func (s *Service) Factors(ctx context.Context, actor account.Actor) (Factors, error) {
	if err := personOnly(actor); err != nil {
		return Factors{}, err
	}
	p, err := s.Store.Person(ctx, actor.ID)
	if err != nil {
		return Factors{}, missing(err, "person")
	}
	f := Factors{Password: p.PasswordHash != ""}
	app, err := s.Store.App(ctx, actor.ID)
	if notMissing(err) != nil {
		return Factors{}, err
	}
	f.AppSince = app.ConfirmedAt
	if f.CodesLeft, err = s.Store.RecoveryCodesLeft(ctx, actor.ID); err != nil {
		return Factors{}, err
	}
	f.Passkeys, err = s.Store.Passkeys(ctx, actor.ID, account.MaxPasskeys)
	return f, err
}

// ProvePassword notes that the actor, signed in for a while, knows their
// password.
func (s *Service) ProvePassword(ctx context.Context, actor account.Actor, session id.ID, known, password string) error {
	if err := personOnly(actor); err != nil {
		return err
	}
	p, err := s.Store.Person(ctx, actor.ID)
	if err != nil {
		return missing(err, "person")
	}
	now := s.clock()
	if err := s.countProof(ctx, known, p, now); err != nil {
		return err
	}
	ok, _, err := s.verify(ctx, p.PasswordHash, password, s.PersonCost)
	if err != nil {
		return err
	}
	if !ok {
		return fault.New(fault.Invalid, "password_wrong", "This is not your password.").
			WithField("password", `Try again, or choose a new one with "Forgot password".`)
	}
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		current, err := tx.LockPerson(ctx, p.ID)
		if err != nil || current.PasswordHash != p.PasswordHash {
			return firstOf(notMissing(err), errSession)
		}
		return prove(ctx, tx, actor, session, account.ByPassword, now)
	})
}

// countProof counts an attempt at a password in a session: in a browser that is
// known as those to sign in there, else by the account.
func (s *Service) countProof(ctx context.Context, known string, p account.Person, now time.Time) error {
	if device := s.deviceOf(known, p.Email, now); device != "" {
		return count(ctx, s.limits.signInDevice, device, now, nextOfSignIn)
	}
	return count(ctx, s.limits.signInAccount, p.Email, now, nextOfSignIn)
}

// prove notes it and leaves the event.
func prove(ctx context.Context, tx *store.Tx, actor account.Actor, session id.ID, by account.SignInWay, now time.Time) error {
	if err := tx.ProveSession(ctx, actor.ID, session, now); err != nil {
		return firstOf(notMissing(err), errSession)
	}
	e := event.New(event.PersonProved, actor, now).Because(string(by))
	e.PersonID, e.CustomerID = actor.ID, actor.CustomerID
	return tx.AppendEvent(ctx, e)
}

// ResetFactors removes the authenticator app, the recovery codes and all
// passkeys of somebody who has lost them, and ends their sessions. Whoever asks
// for it has been identified by staff; the owner is told by mail. It reports
// whether there was anything to remove.
func (s *Service) ResetFactors(ctx context.Context, actor account.Actor, person id.ID) (bool, error) {
	if err := actor.Require(account.CustomersWrite); err != nil {
		return false, err
	}
	now, removed := s.clock(), false
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		removed = false
		if _, err := tx.LockPerson(ctx, person); err != nil {
			return missing(err, "person")
		}
		keys, err := tx.DropPasskeys(ctx, person)
		if err != nil {
			return err
		}
		err = tx.DropApp(ctx, person)
		if notMissing(err) != nil {
			return err
		}
		if removed = keys > 0 || err == nil; !removed {
			return nil
		}
		return s.afterReset(ctx, tx, actor, person, now)
	})
	return removed && err == nil, err
}

func (s *Service) afterReset(ctx context.Context, tx *store.Tx, actor account.Actor, person id.ID, now time.Time) error {
	if err := tx.ReplaceRecoveryCodes(ctx, person, nil, now); err != nil {
		return err
	}
	if err := tx.DropChallenges(ctx, person); err != nil {
		return err
	}
	if _, err := tx.EndSessions(ctx, person); err != nil {
		return err
	}
	return s.changedFor(ctx, tx, actor, person, event.FactorsReset, account.FactorsReset, now)
}
