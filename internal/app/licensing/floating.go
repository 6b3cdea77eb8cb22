package licensing

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/verdict"
)

// floating reports whether the call is about a license with floating seats.
func (s *Service) floating(ctx context.Context, actor account.Actor, c Call) (bool, error) {
	l, err := s.Store.LicenseByKey(ctx, actor.Environment, s.keyHash(actor.Environment, c.Key))
	if store.IsNotFound(err) {
		return false, nil
	}
	return l.Floating(), err
}

// renew is the check-in of a device on a floating license.
func (s *Service) renew(ctx context.Context, actor account.Actor, c Call) (Answer, error) {
	a, err := s.act(ctx, actor, c, verdict.Use, s.keepSeat)
	if err == nil {
		product := actor.ProductID
		if a.Product != nil {
			product = a.Product.ID
		}
		s.tally.validated(product, a.Verdict.Code, a.Verdict.At)
	}
	return a, err
}

// keepSeat is the deed of CheckIn. A device whose seat lapsed takes another one
// if it could be activated now; else its verdict stays that it lapsed.
func (s *Service) keepSeat(ctx context.Context, tx *store.Tx, d *deedContext) error {
	held := d.facts.Device
	d.result = held
	switch {
	case d.verdict.Valid && held != nil:
		return d.keep(ctx, tx, *held)
	case d.verdict.Code != verdict.SeatLapsed:
		return nil
	}
	add := d.req
	add.Purpose = verdict.AddDevice
	if !license.Evaluate(d.facts, add, d.now).Valid {
		return nil
	}
	if err := tidy(ctx, tx, d.actor, d.facts, *held, d.now); err != nil {
		return err
	}
	return s.seat(ctx, tx, d)
}

// keep notes that a device which holds its seat was heard of. A floating seat
// is held for longer once this is committed; what is known of a fixed one may
// wait. One whose device got an offline file is held until it is given back.
func (d *deedContext) keep(ctx context.Context, tx *store.Tx, held license.Activation) error {
	if held.HoldUntil.IsZero() {
		d.result, d.seen = &held, &store.Seen{ActivationID: held.ID, At: d.now, AppVersion: d.call.Version}
		return nil
	}
	renewed := held.Renewed(*d.facts.License, d.now)
	if d.offline {
		renewed.HoldUntil = time.Time{}
	}
	renewed.LastSeenAt = d.now
	if d.call.Version != "" {
		renewed.AppVersion = d.call.Version
	}
	if err := tx.RenewSeat(ctx, renewed); err != nil {
		return err
	}
	d.facts.Device, d.result = &renewed, &renewed
	d.decide()
	return nil
}

// tidy ends a seat of a locked license that lapsed, and says so in its history.
func tidy(ctx context.Context, tx *store.Tx, actor account.Actor, f license.Facts, lapsed license.Activation, now time.Time) error {
	over := lapsed.Over(now, license.Lapse)
	ended, err := tx.EndActivation(ctx, over.ID, over.EndedAt, over.EndReason)
	if err != nil || !ended {
		return err
	}
	return tx.AppendEvent(ctx, eventOfSeat(event.ActivationDeactivated, actor, f, over.ID, over.EndReason, now))
}

const (
	tidyRequest = "seats.tidy"
	tidyBatch   = 200
)

// TidySeats ends the floating seats that lapsed so long ago that they are
// forgotten. It changes nothing that any verdict says: they have been free
// since the instant at which they lapsed.
func (s *Service) TidySeats(ctx context.Context) error {
	for {
		due, err := s.Store.LapsedSeats(ctx, s.clock().Add(-license.LapsedKept), tidyBatch)
		if err != nil {
			return err
		}
		for _, a := range due {
			if err := s.tidyOne(ctx, a); err != nil {
				return err
			}
		}
		if len(due) < tidyBatch {
			return nil
		}
	}
}

func (s *Service) tidyOne(ctx context.Context, due license.Activation) error {
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		l, err := tx.LockLicense(ctx, due.LicenseID)
		if err != nil {
			return err
		}
		now := s.clock()
		a, err := tx.Activation(ctx, due.ID)
		if err != nil || !a.Forgotten(now) {
			return err
		}
		f, err := gather(ctx, tx.Reader, l, license.Request{}, nil, now)
		if err != nil {
			return err
		}
		return tidy(ctx, tx, account.System(tidyRequest), f, a, now)
	})
}
