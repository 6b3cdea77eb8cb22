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

	passkey *account.Passkey // that showed it, as it reported itself
	Origin
}

// record is the arrival's line in the history of the account.
func (a arrival) record(now time.Time, refused bool) account.SignIn {
	return account.SignIn{
		At: now, Refused: refused, Way: a.way, NewBrowser: !a.known, Address: addressText(a.Origin), UserAgent: shorten(a.UserAgent),
	}
}

// admit lets somebody in who has shown who they are, or asks for the second
// step where the account has one (P-AUTH-12). Whichever way that was, it ends
// here.
func (s *Service) admit(ctx context.Context, a arrival, now time.Time) (Entry, error) {
	e, err := s.newEntry(ctx, a, now)
	if err != nil {
		return Entry{}, err
	}
	second := Entry{Step: signing.NewToken("")}
	asked := false
	err = s.Store.InTx(ctx, func(tx *store.Tx) (err error) {
		if asked, err = s.enter(ctx, tx, a, e, second.Step); err != nil || asked {
			return err
		}
		return s.begin(ctx, tx, a, e)
	})
	if err != nil {
		return Entry{}, err
	}
	if asked {
		return second, nil
	}
	return e, nil
}

// newEntry makes the session for the first customer that a person is let in for.
func (s *Service) newEntry(ctx context.Context, a arrival, now time.Time) (Entry, error) {
	m, err := s.usableMembership(ctx, a.person)
	if err != nil {
		return Entry{}, err
	}
	return Entry{
		Token: signing.NewToken(""), Session: newSession(a.person, m, a.Origin, now), KnownDevice: s.knownDevice(a.person.Email, now),
	}, nil
}

// enter takes what showed who somebody is, and reports whether it asked for a
// second step. It does neither when the password was changed or the account
// switched off since it was looked at: that ended all sessions, and this one
// must not outlive it.
func (s *Service) enter(ctx context.Context, tx *store.Tx, a arrival, e Entry, step string) (asked bool, err error) {
	p, now := a.person, e.Session.CreatedAt
	current, err := tx.LockPerson(ctx, p.ID)
	if err != nil || current.PasswordHash != p.PasswordHash || current.Status != account.Active {
		return false, firstOf(notMissing(err), errStale)
	}
	if a.rehash != "" {
		if err := tx.ReplacePasswordHash(ctx, p.ID, p.PasswordHash, a.rehash); err != nil {
			return false, err
		}
	}
	if err := spendArrival(ctx, tx, a, e); err != nil {
		return false, err
	}
	if a.passkey != nil {
		if err := tx.UsePasskey(ctx, *a.passkey, now); err != nil {
			return false, firstOf(notMissing(err), errStale)
		}
	}
	app, err := tx.App(ctx, p.ID)
	if err != nil || !app.On() || a.way.Complete() {
		return false, notMissing(err)
	}
	data, err := encodeStep(a)
	if err != nil {
		return false, err
	}
	return true, s.ask(ctx, tx, account.SecondStep, p.ID, data, step, now)
}

// begin keeps the session.
func (s *Service) begin(ctx context.Context, tx *store.Tx, a arrival, e Entry) error {
	now := e.Session.CreatedAt
	happened := event.New(event.PersonSignedIn, a.as(a.person.ID), now).Because(string(a.way))
	happened.PersonID, happened.CustomerID, happened.Data.Subject = a.person.ID, e.Session.CustomerID, e.Session.ID
	if err := s.replaceSession(ctx, tx, a, now); err != nil {
		return err
	}
	if err := tx.AddSession(ctx, e.Session, s.Master.TokenHash(sessionPurpose, e.Token)); err != nil {
		return err
	}
	if err := s.noteArrival(ctx, tx, a, e.Session.ID, now); err != nil {
		return err
	}
	return tx.AppendEvent(ctx, happened)
}

// replaceSession ends the session that the browser had, whoever's it was:
// nobody holds its token any more, and a session that was put there by
// somebody else ends with it.
func (s *Service) replaceSession(ctx context.Context, tx *store.Tx, a arrival, now time.Time) error {
	if !plausible(a.Session) {
		return nil
	}
	old, err := tx.SessionByToken(ctx, s.Master.TokenHash(sessionPurpose, a.Session))
	if err != nil {
		return notMissing(err)
	}
	if err := tx.EndSession(ctx, old.Person.ID, old.Session.ID); err != nil {
		return notMissing(err)
	}
	e := event.New(event.PersonSignedOut, a.as(old.Person.ID), now).Because("replaced")
	e.PersonID, e.CustomerID, e.Data.Subject = old.Person.ID, old.Membership.Customer.ID, old.Session.ID
	return tx.AppendEvent(ctx, e)
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
	return tx.SetSignedIn(ctx, a.person.ID, zone, now)
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
