package calendar

import (
	"context"
	"net/netip"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/ratelimit"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
)

const (
	purpose  = "calendar"
	maxToken = 128
	// maxEnds bounds what one calendar shows, the earliest first.
	maxEnds = 2000
	// past is for how long ends that are over stay in it.
	past = 365 * 24 * time.Hour
	// A network may read so often: calendar programs ask some times an hour.
	burst, interval, networks = 60, 30 * time.Second, 10_000
)

// Deps is what the use cases work with.
type Deps struct {
	Store  *store.Store
	Master *signing.Master
	Now    func() time.Time
}

// Service is the use cases about calendars. It is safe for concurrent use.
type Service struct {
	Deps
	reads *ratelimit.Limit
}

// New makes the use cases.
func New(d Deps) *Service {
	return &Service{Deps: d, reads: ratelimit.New(interval, burst, networks)}
}

func (s *Service) clock() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// Made returns when the actor's present address was made; zero: they have none.
func (s *Service) Made(ctx context.Context, actor account.Actor) (time.Time, error) {
	if err := personOnly(actor); err != nil {
		return time.Time{}, err
	}
	f, err := s.Store.FeedOf(ctx, actor.ID, actor.CustomerID)
	if store.IsNotFound(err) {
		return time.Time{}, nil
	}
	return f.CreatedAt, err
}

// Make makes an address for the actor and returns its token, which nobody can
// read again. An earlier address ends.
func (s *Service) Make(ctx context.Context, actor account.Actor) (string, error) {
	if err := personOnly(actor); err != nil {
		return "", err
	}
	now, token := s.clock(), signing.NewToken("")
	f := store.Feed{ID: id.New(), PersonID: actor.ID, CustomerID: actor.CustomerID, CreatedAt: now}
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.SetFeed(ctx, f, s.Master.TokenHash(purpose, token)); err != nil {
			return err
		}
		return tx.AppendEvent(ctx, about(event.CalendarMade, actor, now))
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// Remove ends the actor's address. Repeating it changes nothing.
func (s *Service) Remove(ctx context.Context, actor account.Actor) error {
	if err := personOnly(actor); err != nil {
		return err
	}
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		gone, err := tx.DropFeed(ctx, actor.ID, actor.CustomerID)
		if err != nil || !gone {
			return err
		}
		return tx.AppendEvent(ctx, about(event.CalendarRemoved, actor, s.clock()))
	})
}

func about(t event.Type, actor account.Actor, now time.Time) event.Event {
	e := event.New(t, actor, now)
	e.PersonID, e.CustomerID = actor.ID, actor.CustomerID
	return e
}

// Calendar is what is read under an address.
type Calendar struct {
	Customer account.Customer
	Zone     *time.Location // in which the person counts days
	Licenses []license.Owned
}

// Read returns the calendar with a token. An unknown one is "not found", and so
// is that of somebody who may not sign in for the customer any more.
func (s *Service) Read(ctx context.Context, token string, from netip.Addr) (Calendar, error) {
	if wait := s.reads.Take(ratelimit.Bucket(from).String(), s.clock()); wait > 0 {
		return Calendar{}, fault.New(fault.Limited, "too_many_requests", "This calendar is asked for too often.").WithRetryAfter(wait)
	}
	if token == "" || len(token) > maxToken {
		return Calendar{}, fault.Missing("calendar")
	}
	var c Calendar
	err := s.Store.Snapshot(ctx, func(r store.Reader) error {
		f, err := r.FeedByToken(ctx, s.Master.TokenHash(purpose, token))
		if err != nil {
			return err
		}
		c, err = s.read(ctx, r, f)
		return err
	})
	if store.IsNotFound(err) {
		return Calendar{}, fault.Missing("calendar")
	}
	return c, err
}

func (s *Service) read(ctx context.Context, r store.Reader, f store.Feed) (Calendar, error) {
	p, err := r.Person(ctx, f.PersonID)
	if err != nil {
		return Calendar{}, err
	}
	memberships, err := r.Memberships(ctx, p.ID)
	if err != nil {
		return Calendar{}, err
	}
	for _, m := range memberships {
		if m.Customer.ID != f.CustomerID || !account.MaySignIn(p, m) {
			continue
		}
		owned, err := r.OwnedEnding(ctx, f.CustomerID, s.clock().Add(-past), license.Forever, maxEnds)
		return Calendar{Customer: m.Customer, Zone: zoneOf(p), Licenses: owned}, err
	}
	return Calendar{}, store.ErrNotFound
}

func zoneOf(p account.Person) *time.Location {
	zone, err := time.LoadLocation(p.Zone())
	if err != nil {
		return time.UTC
	}
	return zone
}

// personOnly refuses actors who are not signed in for a customer.
func personOnly(actor account.Actor) error {
	if actor.Kind != account.ActorPerson || actor.CustomerID == "" {
		return fault.New(fault.Forbidden, "not_a_customer", "Sign in to the customer portal for this.")
	}
	return nil
}
