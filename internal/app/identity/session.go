package identity

import (
	"context"
	"net/netip"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
)

const (
	sessionPurpose = "session"
	// touchEvery is how precisely a session's last use is known.
	touchEvery = 5 * time.Minute
	// purgeBatch keeps a transaction that cleans up short.
	purgeBatch = 500
)

// Signed is who is signed in.
type Signed struct {
	Person   account.Person // without the password hash
	Customer account.Customer
	Role     account.Role
	Session  account.Session

	HasPassword bool // false: signs in by link alone
	Customers   int  // that the person may act for
}

// Actor is the person as the one who does something in a request.
func (s Signed) Actor(requestID string, from netip.Addr) account.Actor {
	return account.Actor{
		Kind: account.ActorPerson, ID: s.Person.ID, CustomerID: s.Customer.ID, Role: s.Role,
		RequestID: requestID, Address: from, ProvedAt: s.Session.ProvedAt,
	}
}

// errSession is the answer for every session that does not count, whatever the
// reason.
var errSession error = fault.New(fault.Unauthenticated, "not_signed_in", "You are not signed in.").
	WithNext("Sign in to continue.")

// Session returns who is signed in with a token. It looks each time: a session
// ends when it is signed out or too old, and also at the moment the person or
// the customer is switched off (P-AUTH-09).
func (s *Service) Session(ctx context.Context, token string) (Signed, error) {
	if !plausible(token) {
		return Signed{}, errSession
	}
	in, err := s.Store.SessionByToken(ctx, s.Master.TokenHash(sessionPurpose, token))
	if err != nil {
		return Signed{}, firstOf(notMissing(err), errSession)
	}
	now := s.clock()
	if !in.Session.Live(now) || !account.MaySignIn(in.Person, in.Membership) {
		return Signed{}, errSession
	}
	s.touch(ctx, in.Session, now)
	return Signed{
		Person: withoutHash(in.Person), Customer: in.Membership.Customer, Role: in.Membership.Role, Session: in.Session,
		HasPassword: in.Person.PasswordHash != "", Customers: in.Customers,
	}, nil
}

// plausible spares the database what cannot be a token.
func plausible(token string) bool {
	const most = 128
	return token != "" && len(token) <= most
}

// touch notes that a session is in use, now and then. A page that is only read
// must not fail because this could not be written.
func (s *Service) touch(ctx context.Context, session account.Session, now time.Time) {
	if now.Sub(session.LastSeenAt) < touchEvery {
		return
	}
	err := s.Store.InTx(ctx, func(tx *store.Tx) error { return tx.TouchSession(ctx, session.ID, now) })
	if err != nil {
		s.Log.WarnContext(ctx, "the use of a session was not noted", "error", err)
	}
}

// SignOut ends one of the actor's own sessions (P-AUTH-15). One that has ended
// already is no error.
func (s *Service) SignOut(ctx context.Context, actor account.Actor, session id.ID) error {
	if err := personOnly(actor); err != nil {
		return err
	}
	return s.Store.InTx(ctx, func(tx *store.Tx) error { return notMissing(s.endSession(ctx, tx, actor, session)) })
}

// SignOutElsewhere ends a session of the actor's in another browser. One of
// theirs that has ended already, however it did, is no error; somebody else's
// is not found.
func (s *Service) SignOutElsewhere(ctx context.Context, actor account.Actor, session id.ID) error {
	if err := personOnly(actor); err != nil {
		return err
	}
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		err := s.endSession(ctx, tx, actor, session)
		if !store.IsNotFound(err) {
			return err
		}
		return s.goneOrForeign(ctx, tx.Reader, actor, store.SessionRecord, "session", session, event.PersonSignedOut, event.PersonSignedIn)
	})
}

func (s *Service) endSession(ctx context.Context, tx *store.Tx, actor account.Actor, session id.ID) error {
	if err := tx.EndSession(ctx, actor.ID, session); err != nil {
		return err
	}
	e := event.New(event.PersonSignedOut, actor, s.clock())
	e.PersonID, e.CustomerID, e.Data.Subject = actor.ID, actor.CustomerID, session
	return tx.AppendEvent(ctx, e)
}

// EndSessions ends all sessions of a person: their own, or those of anybody
// for staff who may change customers.
func (s *Service) EndSessions(ctx context.Context, actor account.Actor, person id.ID) error {
	if actor.Kind != account.ActorPerson || actor.ID != person {
		if err := actor.Require(account.CustomersWrite); err != nil {
			return err
		}
	}
	e := event.New(event.PersonSignedOut, actor, s.clock()).Because("all_sessions")
	e.PersonID = person
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		n, err := tx.EndSessions(ctx, person)
		if err != nil || n == 0 {
			return err
		}
		return tx.AppendEvent(ctx, e)
	})
}

// PurgeSessions removes the sessions that expired, and what nobody answered on
// the way to one. It is to be run now and then.
func (s *Service) PurgeSessions(ctx context.Context) error {
	if err := s.purge(ctx, (*store.Tx).PurgeChallenges); err != nil {
		return err
	}
	return s.purge(ctx, (*store.Tx).PurgeSessions)
}

func (s *Service) purge(ctx context.Context, batch func(*store.Tx, context.Context, time.Time, int) (int64, error)) error {
	for {
		var n int64
		err := s.Store.InTx(ctx, func(tx *store.Tx) (err error) {
			n, err = batch(tx, ctx, s.clock(), purgeBatch)
			return err
		})
		if err != nil || n < purgeBatch {
			return err
		}
	}
}

// personOnly refuses actors who are not signed in to the portal.
func personOnly(actor account.Actor) error {
	if actor.Kind != account.ActorPerson || actor.ID.IsZero() {
		return fault.New(fault.Forbidden, "not_a_person", "Sign in to the customer portal for this.")
	}
	return nil
}
