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

// errProof is the answer to a change of what protects an account by somebody
// who has been signed in for a while: they may have left the browser open.
var errProof error = fault.New(fault.Forbidden, "proof_needed", "Please confirm that it is you.").
	WithNext("Enter your password again, or use a passkey, and repeat this.")

var errAppOn error = fault.New(fault.Conflict, "app_on", "An authenticator app is set up already.").
	WithNext("Switch it off first to use another.")

var errAppOff error = fault.New(fault.Conflict, "app_off", "No authenticator app is set up.")

// proved refuses actors who are not signed in to the portal, or have not proved
// not long ago who they are.
func proved(actor account.Actor, now time.Time) error {
	if err := personOnly(actor); err != nil {
		return err
	}
	if !actor.ProvedRecently(now) {
		return errProof
	}
	return nil
}

// AppSetup is an authenticator app that is being set up.
type AppSetup struct {
	Secret string // to be typed
	URI    string // the same as apps read it from a picture
}

// BeginApp makes the secret of an authenticator app, or returns that of a set-up
// that has begun and not ended: a page that is loaded again must not make the
// app useless that has just read it.
func (s *Service) BeginApp(ctx context.Context, actor account.Actor) (AppSetup, error) {
	now := s.clock()
	if err := proved(actor, now); err != nil {
		return AppSetup{}, err
	}
	p, err := s.Store.Person(ctx, actor.ID)
	if err != nil {
		return AppSetup{}, missing(err, "person")
	}
	var secret string
	err = s.Store.InTx(ctx, func(tx *store.Tx) (err error) {
		secret, err = s.appSecret(ctx, tx, actor.ID, now)
		return err
	})
	if err != nil {
		return AppSetup{}, err
	}
	return AppSetup{Secret: secret, URI: account.AppURI(secret, s.AppName, p.Email)}, nil
}

// setupLife is how long a set-up that has begun can be gone on with.
const setupLife = time.Hour

func (s *Service) appSecret(ctx context.Context, tx *store.Tx, person id.ID, now time.Time) (string, error) {
	if _, err := tx.LockPerson(ctx, person); err != nil {
		return "", missing(err, "person")
	}
	app, err := tx.App(ctx, person)
	switch {
	case notMissing(err) != nil:
		return "", err
	case err == nil && app.On():
		return "", errAppOn
	case err == nil && now.Sub(app.CreatedAt) < setupLife:
		begun, err := s.Master.Open(app.Secret, appBinding(person))
		return string(begun), err
	}
	secret := account.NewAppSecret()
	sealed, err := s.Master.Seal([]byte(secret), appBinding(person))
	if err != nil {
		return "", err
	}
	return secret, tx.PutApp(ctx, account.App{PersonID: person, Secret: sealed, CreatedAt: now})
}

// ConfirmApp switches the authenticator app on that shows this code, and returns
// recovery codes, which cannot be had again.
func (s *Service) ConfirmApp(ctx context.Context, actor account.Actor, code string) ([]string, error) {
	now := s.clock()
	if err := proved(actor, now); err != nil {
		return nil, err
	}
	if err := count(ctx, s.limits.stepAccount, "setup "+string(actor.ID), now, nextOfStep); err != nil {
		return nil, err
	}
	codes := account.NewRecoveryCodes()
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		if _, err := tx.LockPerson(ctx, actor.ID); err != nil {
			return missing(err, "person")
		}
		app, err := tx.App(ctx, actor.ID)
		if err != nil || app.On() {
			return firstOf(notMissing(err), orOff(app.On()))
		}
		ok, err := s.spendAppCode(ctx, tx, app, code, now)
		if err != nil || !ok {
			return firstOf(err, errFirstCode)
		}
		if err := tx.ConfirmApp(ctx, actor.ID, now); err != nil {
			return err
		}
		if err := tx.ReplaceRecoveryCodes(ctx, actor.ID, s.recoveryHashes(actor.ID, codes), now); err != nil {
			return err
		}
		return s.changed(ctx, tx, actor, event.AppAdded, account.AppAdded, now)
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

func orOff(on bool) error {
	if on {
		return errAppOn
	}
	return errAppOff
}

var errFirstCode error = fault.New(fault.Invalid, "code_refused", "This is not the code that the app should show now.").
	WithField("code", "Enter the six digits that the app shows now. If they are refused again, check that the clock of your phone is right.")

func (s *Service) recoveryHashes(person id.ID, codes []string) [][]byte {
	hashes := make([][]byte, len(codes))
	for i, code := range codes {
		hashes[i] = s.recoveryHash(person, code)
	}
	return hashes
}

// RemoveApp switches the authenticator app off, for somebody who has proved not
// long ago who they are or knows a code. The recovery codes go with it.
func (s *Service) RemoveApp(ctx context.Context, actor account.Actor, code string) error {
	now := s.clock()
	if err := personOnly(actor); err != nil {
		return err
	}
	recent := actor.ProvedRecently(now)
	if !recent && code == "" {
		return errProof
	}
	if !recent {
		if err := count(ctx, s.limits.stepAccount, "session "+string(actor.ID), now, nextOfStep); err != nil {
			return err
		}
	}
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		if _, err := tx.LockPerson(ctx, actor.ID); err != nil {
			return missing(err, "person")
		}
		if _, err := tx.App(ctx, actor.ID); err != nil {
			return notMissing(err) // twice is harmless
		}
		if !recent {
			ok, err := s.spendCode(ctx, tx, actor, code, now)
			if err != nil || !ok {
				return firstOf(err, errOffCode)
			}
		}
		return s.dropApp(ctx, tx, actor, now)
	})
}

var errOffCode error = fault.New(fault.Invalid, "code_refused", "This code is not accepted.").
	WithField("code", "Wait for the next code of your app, or use a recovery code that you have not used yet.")

func (s *Service) dropApp(ctx context.Context, tx *store.Tx, actor account.Actor, now time.Time) error {
	if err := tx.DropApp(ctx, actor.ID); err != nil {
		return notMissing(err)
	}
	if err := tx.ReplaceRecoveryCodes(ctx, actor.ID, nil, now); err != nil {
		return err
	}
	return s.changed(ctx, tx, actor, event.AppRemoved, account.AppRemoved, now)
}

// NewRecoveryCodes makes recovery codes in place of all earlier ones.
func (s *Service) NewRecoveryCodes(ctx context.Context, actor account.Actor) ([]string, error) {
	now := s.clock()
	if err := proved(actor, now); err != nil {
		return nil, err
	}
	codes := account.NewRecoveryCodes()
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		if _, err := tx.LockPerson(ctx, actor.ID); err != nil {
			return missing(err, "person")
		}
		app, err := tx.App(ctx, actor.ID)
		if err != nil || !app.On() {
			return firstOf(notMissing(err), errAppOff)
		}
		if err := tx.ReplaceRecoveryCodes(ctx, actor.ID, s.recoveryHashes(actor.ID, codes), now); err != nil {
			return err
		}
		return s.changed(ctx, tx, actor, event.CodesReplaced, account.CodesReplaced, now)
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}
