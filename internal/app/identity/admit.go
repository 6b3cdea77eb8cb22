package identity

import (
	"context"
	"strconv"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
)

// lastRefusedSignIn names the value that every refused sign-in writes.
const lastRefusedSignIn = "last_refused_sign_in"

// arrival is somebody who has shown who they are, or tried to.
type arrival struct {
	person account.Person // as it was when that was judged
	way    account.SignInWay
	known  bool   // this browser has signed in to the account before
	rehash string // of the password, when the cost of hashing has changed
	link   id.ID  // that showed it, to be spent
	Origin
}

// record is the arrival's line in the history of the account.
func (a arrival) record(now time.Time, refused bool) account.SignIn {
	return account.SignIn{
		At: now, Refused: refused, Way: a.way, NewBrowser: !a.known, Address: addressText(a.Origin), UserAgent: shorten(a.UserAgent),
	}
}

// admit lets somebody in who has shown who they are. Whichever way that was,
// it ends here.
func (s *Service) admit(ctx context.Context, a arrival, now time.Time) (Entry, error) {
	m, err := s.usableMembership(ctx, a.person)
	if err != nil {
		return Entry{}, err
	}
	e := Entry{
		Token: signing.NewToken(""), Session: newSession(a.person, m, a.Origin, now), KnownDevice: s.knownDevice(a.person.Email, now),
	}
	if err := s.enter(ctx, a, e); err != nil {
		return Entry{}, err
	}
	return e, nil
}

// enter keeps the session, unless the password was changed or the account
// switched off since it was looked at: that ended all sessions, and this one
// must not outlive it.
func (s *Service) enter(ctx context.Context, a arrival, e Entry) error {
	p, now := a.person, e.Session.CreatedAt
	happened := event.New(event.PersonSignedIn, a.as(p.ID), now).Because(string(a.way))
	happened.PersonID, happened.CustomerID = p.ID, e.Session.CustomerID
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		current, err := tx.LockPerson(ctx, p.ID)
		if err != nil || current.PasswordHash != p.PasswordHash || current.Status != account.Active {
			return firstOf(notMissing(err), errStale)
		}
		if err := spendArrival(ctx, tx, a, e); err != nil {
			return err
		}
		if err := tx.AddSession(ctx, e.Session, s.Master.TokenHash(sessionPurpose, e.Token)); err != nil {
			return err
		}
		if err := s.noteArrival(ctx, tx, a, e.Session.ID, now); err != nil {
			return err
		}
		return tx.AppendEvent(ctx, happened)
	})
}

// noteArrival writes down what a sign-in leaves behind besides the session.
func (s *Service) noteArrival(ctx context.Context, tx *store.Tx, a arrival, session id.ID, now time.Time) error {
	if err := tx.AddSignIn(ctx, a.person.ID, a.record(now, false), account.SignInsKept); err != nil {
		return err
	}
	if !a.known && !a.person.LastSignInAt.IsZero() { // P-SET-05
		if err := tx.EnqueueNewDevice(ctx, a.person.ID, session, now); err != nil {
			return err
		}
	}
	zone := a.Zone
	if !knownZone(zone) {
		zone = ""
	}
	if err := tx.SetSignedIn(ctx, a.person.ID, zone, now); err != nil || a.rehash == "" {
		return err
	}
	return tx.ReplacePasswordHash(ctx, a.person.ID, a.person.PasswordHash, a.rehash)
}

// noteRefused puts a refused attempt into the history of the account. It
// writes for an address that nobody has, too, so that such an address is not
// known by the commit it saves. The answer does not depend on it.
func (s *Service) noteRefused(ctx context.Context, a arrival, now time.Time) {
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		err := tx.SetMeta(ctx, lastRefusedSignIn, strconv.FormatInt(now.UnixMicro(), 10))
		if err != nil || a.person.ID == "" {
			return err
		}
		return tx.AddSignIn(ctx, a.person.ID, a.record(now, true), account.SignInsKept)
	})
	if err != nil {
		s.Log.WarnContext(ctx, "a refused sign-in was not noted", "error", err)
	}
}

// PurgeSignIns removes the history of sign-ins that is too old. It is to be
// run now and then.
func (s *Service) PurgeSignIns(ctx context.Context) error {
	for {
		var n int64
		err := s.Store.InTx(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.PurgeSignIns(ctx, s.clock().Add(-account.SignInLife), purgeBatch)
			return err
		})
		if err != nil || n < purgeBatch {
			return err
		}
	}
}
