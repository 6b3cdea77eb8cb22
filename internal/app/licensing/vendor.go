package licensing

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/once"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/verdict"
)

// MaxRows is the most rows that one list of the vendor's returns.
const MaxRows = 100

// VendorQuery is what the vendor asks of the list of licenses.
type VendorQuery struct {
	Customer, Product id.ID
	Status            license.Status
	Within            time.Duration
	After             id.ID
	Limit             int
}

// Licenses lists the vendor's next licenses, oldest first, as they are at the
// returned instant.
func (s *Service) Licenses(ctx context.Context, actor account.Actor, q VendorQuery) ([]license.License, time.Time, error) {
	now := s.clock()
	if err := actor.Require(account.LicensesRead); err != nil {
		return nil, now, err
	}
	list, err := s.Store.Licenses(ctx, store.VendorFilter{
		Environment: actor.Environment, Customer: q.Customer, Product: q.Product, Status: q.Status, Within: q.Within, Now: now,
	}, q.After, min(max(q.Limit, 1), MaxRows+1))
	return list, now, err
}

// License returns a license of the vendor's.
func (s *Service) License(ctx context.Context, actor account.Actor, wanted id.ID) (license.License, error) {
	if err := actor.Require(account.LicensesRead); err != nil {
		return license.License{}, err
	}
	return visible(ctx, s.Store.Reader, actor, wanted)
}

// Changed returns a license to whoever has just changed it, which takes no
// permission to read others.
func (s *Service) Changed(ctx context.Context, actor account.Actor, wanted id.ID, needed account.Permission) (license.License, error) {
	if err := actor.Require(needed); err != nil {
		return license.License{}, err
	}
	return visible(ctx, s.Store.Reader, actor, wanted)
}

// Forecast is what a verdict is asked about.
type Forecast struct {
	Purpose  verdict.Purpose
	Device   *license.Device
	Version  string
	Features []string
	At       time.Time // zero is now; never before it
}

// Forecast returns the verdict of a license, now or at an instant to come if
// nothing else changes until then.
func (s *Service) Forecast(ctx context.Context, actor account.Actor, wanted id.ID, q Forecast) (verdict.Verdict, error) {
	if err := actor.Require(account.LicensesRead); err != nil {
		return verdict.Verdict{}, err
	}
	now := s.clock()
	if q.At = kept(q.At); q.At.IsZero() || q.At.Equal(now) {
		q.At = now
	}
	if q.At.Before(now) || !q.At.Before(license.Forever) {
		return verdict.Verdict{}, fault.New(fault.Invalid, "invalid_input", "A verdict is about now or an instant to come.").
			WithField("at", "Use an instant in the future, or leave it out. The history says what was.")
	}
	var v verdict.Verdict
	err := s.Store.Snapshot(ctx, func(r store.Reader) error {
		l, err := visible(ctx, r, actor, wanted)
		if err != nil {
			return err
		}
		req := license.Request{Purpose: q.Purpose, Device: q.Device, Version: q.Version, Features: q.Features, Whole: q.Device == nil}
		facts, err := gather(ctx, r, l, req, nil, q.At)
		if err != nil {
			return err
		}
		v = license.Evaluate(facts, req, q.At).For(verdict.ForAdministrator)
		return nil
	})
	return v, err
}

// History lists the next events of a license after one of them, oldest first.
func (s *Service) History(ctx context.Context, actor account.Actor, wanted, after id.ID, limit int) ([]event.Event, error) {
	if _, err := s.License(ctx, actor, wanted); err != nil {
		return nil, err
	}
	return s.Store.LicenseEventsAfter(ctx, wanted, after, min(max(limit, 1), MaxRows+1))
}

// Activations lists the next activations of a license after one of them,
// oldest first, with the license whose status theirs depends on.
func (s *Service) Activations(ctx context.Context, actor account.Actor, wanted, after id.ID, limit int) ([]license.Activation, license.Status, time.Time, error) {
	now := s.clock()
	l, err := s.License(ctx, actor, wanted)
	if err != nil {
		return nil, "", now, err
	}
	list, err := s.Store.ActivationsAfter(ctx, wanted, after, min(max(limit, 1), MaxRows+1))
	return list, l.Status(now), now, err
}

// EndActivation takes a device off a license for the vendor. One that is off
// already stays so.
func (s *Service) EndActivation(ctx context.Context, actor account.Actor, wanted, activation id.ID) error {
	if err := actor.Require(account.LicensesWrite); err != nil {
		return err
	}
	now := s.clock()
	return once.InTx(ctx, s.Store, now, func(tx *store.Tx) (id.ID, error) {
		l, err := s.lock(ctx, tx, actor, wanted)
		if err != nil {
			return "", err
		}
		a, err := tx.Activation(ctx, activation)
		if store.IsNotFound(err) || err == nil && a.LicenseID != l.ID {
			return "", fault.Missing("activation")
		}
		if err != nil {
			return "", err
		}
		ended, err := tx.EndActivation(ctx, a.ID, now, license.Manual)
		if err != nil || !ended {
			return a.ID, err
		}
		e := event.New(event.ActivationDeactivated, actor, now).About(l).Because(string(license.Manual))
		e.ActivationID = a.ID
		return a.ID, tx.AppendEvent(ctx, e)
	})
}

// RevealKey returns the whole key of a license to the vendor and leaves an
// event first, whatever the product.
func (s *Service) RevealKey(ctx context.Context, actor account.Actor, wanted id.ID) (string, error) {
	if err := actor.Require(account.KeysReveal); err != nil {
		return "", err
	}
	l, err := visible(ctx, s.Store.Reader, actor, wanted)
	if err != nil {
		return "", err
	}
	key, err := s.wholeKey(ctx, l)
	if err != nil {
		return "", err
	}
	return key, s.noteReveal(ctx, actor, l)
}

// Issued returns a license and its whole key to whoever has just issued it.
func (s *Service) Issued(ctx context.Context, actor account.Actor, made id.ID) (license.License, string, error) {
	l, err := s.Changed(ctx, actor, made, account.LicensesWrite)
	if err != nil {
		return l, "", err
	}
	key, err := s.wholeKey(ctx, l)
	return l, key, err
}
