package licensing

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

// Free deactivates one of the customer's devices: its seat is free at once
// (P-ACT-12). Doing it again, by double click or reload, changes nothing and
// answers the same (P-ACT-18). Only active devices can be deactivated, and
// only where and as often as the product lets customers do it (P-ACT-10,
// P-ACT-25).
func (s *Service) Free(ctx context.Context, actor account.Actor, wanted id.ID) (Device, error) {
	return s.freeFor(ctx, actor, wanted, license.ByOwner)
}

// Lose is Free for a device that the customer no longer has: nothing is needed
// from it (U-01).
func (s *Service) Lose(ctx context.Context, actor account.Actor, wanted id.ID) (Device, error) {
	return s.freeFor(ctx, actor, wanted, license.Lost)
}

func (s *Service) freeFor(ctx context.Context, actor account.Actor, wanted id.ID, why license.Reason) (Device, error) {
	if err := managersOnly(actor, "deactivating devices"); err != nil {
		return Device{}, err
	}
	asked, err := s.ownedActivation(ctx, s.Store.Reader, actor, wanted)
	if err != nil {
		return Device{}, err
	}
	var d Device
	var refused *fault.Error
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		var err error
		d, refused, err = s.free(ctx, tx, actor, asked, why, s.clock())
		return err
	})
	if err == nil {
		err = asError(refused)
	}
	return d, err
}

// managersOnly refuses whoever is not signed in for a customer with a role
// that includes this.
func managersOnly(actor account.Actor, what string) error {
	if err := customerOnly(actor); err != nil {
		return err
	}
	if !actor.Role.MayManage() {
		return fault.New(fault.Forbidden, "role_too_low", "Your role does not include "+what+". Ask the owner of the account.")
	}
	return nil
}

// free decides and writes under the license's lock. A refusal is committed
// with its event; a device that is deactivated already leaves none.
func (s *Service) free(ctx context.Context, tx *store.Tx, actor account.Actor, asked license.Activation, why license.Reason, now time.Time) (Device, *fault.Error, error) {
	if _, err := tx.LockLicense(ctx, asked.LicenseID); err != nil {
		return Device{}, nil, err
	}
	one, err := s.one(ctx, tx.Reader, actor, asked.LicenseID, now)
	if err != nil {
		return Device{}, nil, err
	}
	a, err := tx.OwnedActivation(ctx, actor.CustomerID, asked.ID)
	if err != nil {
		return Device{}, nil, err
	}
	d := Device{Activation: a, OneLicense: one, Status: a.Status(one.License.Status(now), now)}
	if d.Status == license.ActivationDeactivated {
		return d, nil, nil
	}
	if refused := license.MayDeactivate(one.Product, d.Status, one.Swaps); refused != nil {
		return d, refused, s.noteRefusal(ctx, tx, actor, d, refused, now)
	}
	return d, nil, s.endOwn(ctx, tx, actor, &d, why, now)
}

func (s *Service) noteRefusal(ctx context.Context, tx *store.Tx, actor account.Actor, d Device, refused *fault.Error, now time.Time) error {
	e := event.New(event.DeactivationRefused, actor, now).About(d.License).Because(refused.Code)
	e.ActivationID = d.Activation.ID
	return tx.AppendEvent(ctx, e)
}

func (s *Service) endOwn(ctx context.Context, tx *store.Tx, actor account.Actor, d *Device, why license.Reason, now time.Time) error {
	if _, err := tx.EndActivation(ctx, d.Activation.ID, now, why); err != nil {
		return err
	}
	d.Activation.EndedAt, d.Activation.EndReason = now, why
	d.Status, d.Used = license.ActivationDeactivated, d.Used-1
	return tx.AppendEvent(ctx, ownDeactivation(actor, d.OneLicense, d.Activation.ID, why, now))
}

// ownDeactivation is the event of a device that its owner took off a license,
// of which Used seats are then held.
func ownDeactivation(actor account.Actor, one OneLicense, activation id.ID, why license.Reason, now time.Time) event.Event {
	e := event.New(event.ActivationDeactivated, actor, now).About(one.License).Because(string(why))
	e.ActivationID = activation
	e.Data = event.Data{Used: &one.Used, Limit: event.FactsOf(one.License, now).Limit}
	return e
}

// swapsOf is how much of the product's policy a license has used up at now.
// Without a policy nothing is read.
func swapsOf(ctx context.Context, r store.Reader, p license.Product, licenseID id.ID, now time.Time) (license.Swaps, error) {
	if !p.Swaps.Limited() {
		return license.Swaps{}, nil
	}
	changes, err := r.SelfServed(ctx, licenseID, now.Add(-p.Swaps.Window()), p.Swaps.Relevant())
	return p.Swaps.Count(changes, now), err
}

// AllDevices is what FreeAll would do, or did.
type AllDevices struct {
	OneLicense
	Devices []license.Activation // that hold seats, or held them
	Refusal *fault.Error         // why they cannot be deactivated, or nil
}

// AllDevices returns the devices that hold seats of one of the customer's
// licenses, and whether all of them can be deactivated at once.
func (s *Service) AllDevices(ctx context.Context, actor account.Actor, wanted id.ID) (AllDevices, error) {
	if err := customerOnly(actor); err != nil {
		return AllDevices{}, err
	}
	var all AllDevices
	err := s.Store.Snapshot(ctx, func(r store.Reader) error {
		var err error
		all, err = s.allDevices(ctx, r, actor, wanted, s.clock())
		return err
	})
	return all, err
}

func (s *Service) allDevices(ctx context.Context, r store.Reader, actor account.Actor, wanted id.ID, now time.Time) (AllDevices, error) {
	one, err := s.one(ctx, r, actor, wanted, now)
	if err != nil {
		return AllDevices{}, err
	}
	all := AllDevices{OneLicense: one}
	list, err := r.LicenseActivations(ctx, wanted, license.MaxLimit)
	if err != nil {
		return all, err
	}
	for _, a := range list {
		if a.HoldsSeat(now) {
			all.Devices = append(all.Devices, a)
			all.Refusal = license.MayDeactivate(one.Product, a.Status(one.License.Status(now), now), one.Swaps)
		}
	}
	if all.Refusal == nil && len(all.Devices) > 0 {
		all.Refusal = one.Swaps.Refuse(len(all.Devices))
	}
	return all, nil
}

// FreeAll deactivates all devices of one of the customer's licenses at once,
// when what was typed confirms it: their number, or the product's name. Each
// of them is a change that the product's policy counts. Without any device it
// changes nothing and answers as before.
func (s *Service) FreeAll(ctx context.Context, actor account.Actor, wanted id.ID, typed string) (AllDevices, error) {
	if err := managersOnly(actor, "deactivating devices"); err != nil {
		return AllDevices{}, err
	}
	if _, err := s.owned(ctx, s.Store.Reader, actor, wanted); err != nil {
		return AllDevices{}, err
	}
	var all AllDevices
	var refused *fault.Error
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		var err error
		all, refused, err = s.freeAll(ctx, tx, actor, wanted, typed)
		return err
	})
	if err == nil {
		err = asError(refused)
	}
	return all, err
}

func (s *Service) freeAll(ctx context.Context, tx *store.Tx, actor account.Actor, wanted id.ID, typed string) (AllDevices, *fault.Error, error) {
	now := s.clock()
	if _, err := tx.LockLicense(ctx, wanted); err != nil {
		return AllDevices{}, nil, err
	}
	all, err := s.allDevices(ctx, tx.Reader, actor, wanted, now)
	if err != nil || len(all.Devices) == 0 {
		return all, nil, err
	}
	if all.Refusal != nil {
		e := event.New(event.DeactivationRefused, actor, now).About(all.License).Because(all.Refusal.Code)
		return all, all.Refusal, tx.AppendEvent(ctx, e)
	}
	if !license.ConfirmsAll(typed, len(all.Devices), all.Product.Name) {
		return all, fault.New(fault.Invalid, "not_confirmed", "Nothing was deactivated.").
			WithField("confirm", "Type the number of devices or the name of the product."), nil
	}
	for i, a := range all.Devices {
		if _, err := tx.EndActivation(ctx, a.ID, now, license.ByOwner); err != nil {
			return all, nil, err
		}
		all.Used--
		if err := tx.AppendEvent(ctx, ownDeactivation(actor, all.OneLicense, a.ID, license.ByOwner, now)); err != nil {
			return all, nil, err
		}
		all.Devices[i].EndedAt, all.Devices[i].EndReason = now, license.ByOwner
	}
	return all, nil, nil
}

// Rename sets what the customer calls a device, kept beside the name that it
// reports itself; nothing goes back to that one (P-ACT-24, U-04).
func (s *Service) Rename(ctx context.Context, actor account.Actor, wanted id.ID, label string) (license.Activation, error) {
	if err := managersOnly(actor, "naming devices"); err != nil {
		return license.Activation{}, err
	}
	a, err := s.ownedActivation(ctx, s.Store.Reader, actor, wanted)
	if err != nil {
		return a, err
	}
	label, refused := license.CheckLabel(label)
	if refused != nil || label == a.Label {
		return a, asError(refused)
	}
	l, err := s.Store.License(ctx, a.LicenseID)
	if err != nil {
		return a, err
	}
	e := event.New(event.ActivationRenamed, actor, s.clock()).About(l)
	e.ActivationID = a.ID
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.SetLabel(ctx, a, label); err != nil {
			return err
		}
		return tx.AppendEvent(ctx, e)
	})
	if err == nil {
		a.Label = label
	}
	return a, err
}
