package licensing

import (
	"context"
	"slices"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/isolation"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
)

// shownReservations is how many reserved seats of a license a page shows.
const shownReservations = 10

// Replacing is what there is to choose from before a device is replaced.
type Replacing struct {
	OneLicense
	At       time.Time
	Reserved []license.Reservation
	Devices  []license.Activation // that hold seats, the longest unused first
	Attempt  *license.Attempt     // the refused device to let in, or nil
	Refusal  *fault.Error         // why none can be replaced, or nil
}

// Free reports whether a seat is free, so that nothing needs to be replaced.
func (r Replacing) Free() bool {
	return r.License.Limit == license.Unlimited || r.Used+len(r.Reserved) < r.License.Limit
}

// Replacing returns the devices of one of the customer's licenses of which one
// can be replaced. attempt is the refused activation to let in, if any; one
// that is no longer listed is left out.
func (s *Service) Replacing(ctx context.Context, actor account.Actor, wanted, attempt id.ID) (Replacing, error) {
	if err := customerOnly(actor); err != nil {
		return Replacing{}, err
	}
	p := Replacing{At: s.clock()}
	err := s.Store.Snapshot(ctx, func(r store.Reader) error {
		all, err := s.allDevices(ctx, r, actor, wanted, p.At)
		if err != nil {
			return err
		}
		p.OneLicense, p.Devices = all.OneLicense, byUse(all.Devices)
		if p.Reserved, err = r.OpenReservations(ctx, wanted, p.At, license.MaxLimit); err != nil {
			return err
		}
		p.Refusal = notReplaceable(all, len(p.Reserved), p.At)
		p.Attempt, err = attemptOf(ctx, r, wanted, attempt)
		return err
	})
	return p, err
}

func notReplaceable(all AllDevices, reserved int, now time.Time) *fault.Error {
	if len(all.Devices) == 0 {
		return nil
	}
	status := all.Devices[0].Status(all.License.Status(now), now)
	if refused := license.MayDeactivate(all.Product, status, all.Swaps); refused != nil {
		return refused
	}
	return license.MayReserve(all.License, all.Used+reserved)
}

// byUse orders devices by when they were last heard of, the longest unused
// first.
func byUse(devices []license.Activation) []license.Activation {
	last := func(a license.Activation) time.Time {
		if a.LastSeenAt.IsZero() {
			return a.ActivatedAt
		}
		return a.LastSeenAt
	}
	slices.SortStableFunc(devices, func(a, b license.Activation) int { return last(a).Compare(last(b)) })
	return devices
}

// attemptOf returns a license's refused activation with this id, or nil.
func attemptOf(ctx context.Context, r store.Reader, licenseID, wanted id.ID) (*license.Attempt, error) {
	if wanted == "" {
		return nil, nil
	}
	list, err := r.Attempts(ctx, licenseID, attemptsLookedAt)
	for _, a := range list {
		if a.ID == wanted {
			return &a, err
		}
	}
	return nil, err
}

// attemptsLookedAt is more than are kept of a license.
const attemptsLookedAt = 100

// Replacement says which device gives its seat up, and for whom: for the
// device of a refused activation, or for whichever presents a claim code.
type Replacement struct {
	LicenseID id.ID
	Retire    id.ID // activation
	Attempt   id.ID // "": a claim code is made
}

// Replace retires one device of the customer's license and keeps its seat for
// another one, for a short time. Doing it again for a device that was retired
// already answers with the reservation that was made then.
func (s *Service) Replace(ctx context.Context, actor account.Actor, in Replacement) (license.Reservation, error) {
	if err := managersOnly(actor, "replacing devices"); err != nil {
		return license.Reservation{}, err
	}
	if _, err := s.owned(ctx, s.Store.Reader, actor, in.LicenseID); err != nil {
		return license.Reservation{}, err
	}
	if in.Retire == "" {
		return license.Reservation{}, fault.New(fault.Invalid, "invalid_input", "No device was chosen.").
			WithField("device", "Choose the device that gives its seat up.")
	}
	asked, err := s.ownedActivation(ctx, s.Store.Reader, actor, in.Retire)
	if err == nil && asked.LicenseID != in.LicenseID {
		err = fault.Missing("activation")
	}
	if err != nil {
		return license.Reservation{}, err
	}
	return s.replace(ctx, actor, in, asked)
}

func (s *Service) replace(ctx context.Context, actor account.Actor, in Replacement, asked license.Activation) (license.Reservation, error) {
	fresh, claim, err := s.newReservation(in)
	if err != nil {
		return license.Reservation{}, err
	}
	var made license.Reservation
	var refused *fault.Error
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		var err error
		made, refused, err = s.replaceIn(ctx, tx, actor, in, asked, fresh, claim)
		return err
	})
	if err == nil {
		err = asError(refused)
	}
	return made, err
}

// newReservation draws the claim code, where there is to be one, before the
// transaction.
func (s *Service) newReservation(in Replacement) (license.Reservation, store.ClaimCode, error) {
	r := license.Reservation{ID: id.New(), LicenseID: in.LicenseID, Retired: in.Retire}
	if in.Attempt != "" {
		return r, store.ClaimCode{}, nil
	}
	code, err := license.NewClaim(s.Random)
	if err != nil {
		return r, store.ClaimCode{}, err
	}
	sealed, err := s.Master.Seal([]byte(code), claimBinding(r.ID))
	return r, store.ClaimCode{Hash: s.claimHash(in.LicenseID, code), Sealed: sealed}, err
}

func claimBinding(reservation id.ID) signing.Binding {
	return signing.Binding{Table: "reservation", Column: "claim_sealed", Row: string(reservation)}
}

// claimHash is what a claim code of a license is found by, nil without one.
func (s *Service) claimHash(licenseID id.ID, code string) []byte {
	if code = license.FoldClaim(code); code == "" {
		return nil
	}
	return s.Master.TokenHash("seat-claim", string(licenseID)+" "+code)
}

// replaceIn frees the seat and reserves it in one transaction, under the
// license's lock: nobody else sees it free.
func (s *Service) replaceIn(ctx context.Context, tx *store.Tx, actor account.Actor, in Replacement, asked license.Activation, r license.Reservation, claim store.ClaimCode) (license.Reservation, *fault.Error, error) {
	if _, err := tx.LockLicense(ctx, asked.LicenseID); err != nil {
		return r, nil, err
	}
	done, err := tx.ReservationFor(ctx, asked.ID)
	if err == nil || !store.IsNotFound(err) {
		return done, nil, err
	}
	r.CreatedAt = s.clock()
	r.ExpiresAt = r.CreatedAt.Add(license.ReservedFor)
	if refused, err := s.mayReserve(ctx, tx, actor, asked, r.CreatedAt); refused != nil || err != nil {
		return r, refused, err
	}
	if refused, err := keepFor(ctx, tx, in, &r); refused != nil || err != nil {
		return r, refused, err
	}
	d, refused, err := s.free(ctx, tx, actor, asked, license.Swapped, r.CreatedAt)
	if err != nil || refused != nil {
		return r, refused, err
	}
	if err := tx.AddReservation(ctx, r, claim); err != nil {
		return r, nil, err
	}
	return r, nil, tx.AppendEvent(ctx, reservationEvent(event.SeatReserved, actor, d.License, r, r.CreatedAt))
}

// mayReserve refuses where there is no seat to keep: the device holds none any
// more, or the license has more of them than it now allows.
func (s *Service) mayReserve(ctx context.Context, tx *store.Tx, actor account.Actor, asked license.Activation, now time.Time) (*fault.Error, error) {
	a, err := tx.OwnedActivation(ctx, actor.CustomerID, asked.ID)
	if err != nil {
		return nil, err
	}
	if !a.HoldsSeat(now) {
		return fault.New(fault.Conflict, "already_deactivated", a.DisplayName()+" is deactivated already.").
			WithNext("No seat was reserved. Choose another device, or activate the new one if a seat is free."), nil
	}
	l, err := tx.License(ctx, a.LicenseID)
	if err != nil {
		return nil, err
	}
	seats, err := tx.Seats(ctx, l.ID, nil, now)
	return license.MayReserve(l, seats.Used+seats.Reserved), err
}

// keepFor fills in for which device the seat is kept, unless it is for a claim
// code. A device that has a seat, or one kept for it, needs no second.
func keepFor(ctx context.Context, tx *store.Tx, in Replacement, r *license.Reservation) (*fault.Error, error) {
	if in.Attempt == "" {
		return nil, nil
	}
	a, err := attemptOf(ctx, tx.Reader, in.LicenseID, in.Attempt)
	if err != nil {
		return nil, err
	}
	if a == nil {
		return fault.New(fault.Conflict, "attempt_gone", "The refused activation is no longer listed.").
			WithNext("Activate again in the software on that device, or use a claim code."), nil
	}
	device := license.Device{Kind: a.Kind, Identifier: a.Identifier}
	r.Kind, r.Identifier, r.Name = a.Kind, a.Identifier, a.Name
	seats, err := tx.Seats(ctx, in.LicenseID, &device, r.CreatedAt)
	if err != nil {
		return nil, err
	}
	if seats.Device != nil && seats.Device.HoldsSeat(r.CreatedAt) {
		return fault.New(fault.Conflict, "already_activated", a.DisplayName()+" is activated already."), nil
	}
	kept, err := tx.ClaimableReservation(ctx, in.LicenseID, device, nil, r.CreatedAt)
	if err == nil && kept != nil {
		return fault.New(fault.Conflict, "already_reserved", "A seat is kept for "+a.DisplayName()+" already.").
			WithNext("Activate again in the software on that device."), nil
	}
	return nil, err
}

func reservationEvent(t event.Type, actor account.Actor, l license.License, r license.Reservation, now time.Time) event.Event {
	e := event.New(t, actor, now).About(l)
	e.ActivationID = r.Retired
	return e
}

// Swap is a reserved seat and what became of it.
type Swap struct {
	OneLicense
	Reservation license.Reservation
	State       license.ReservationState
	At          time.Time
	Code        string // while it is of use, for those who may use it
	Retired     license.Activation
	Arrived     *license.Activation // the device that took the seat
}

// Swap returns one of the customer's reserved seats.
func (s *Service) Swap(ctx context.Context, actor account.Actor, wanted id.ID) (Swap, error) {
	if err := customerOnly(actor); err != nil {
		return Swap{}, err
	}
	w := Swap{At: s.clock()}
	err := s.Store.Snapshot(ctx, func(r store.Reader) error { return s.fillSwap(ctx, r, actor, wanted, &w) })
	return w, err
}

func (s *Service) fillSwap(ctx context.Context, r store.Reader, actor account.Actor, wanted id.ID, w *Swap) error {
	var sealed []byte
	var err error
	if w.Reservation, sealed, err = s.ownedReservation(ctx, r, actor, wanted); err != nil {
		return err
	}
	w.State = w.Reservation.State(w.At)
	if w.OneLicense, err = s.one(ctx, r, actor, w.Reservation.LicenseID, w.At); err != nil {
		return err
	}
	if w.Retired, err = r.Activation(ctx, w.Reservation.Retired); err != nil {
		return err
	}
	if w.State == license.ReservationUsed {
		arrived, err := r.Activation(ctx, w.Reservation.UsedBy)
		w.Arrived = &arrived
		return err
	}
	if len(sealed) == 0 || w.State != license.ReservationOpen || !actor.Role.MayManage() {
		return nil
	}
	code, err := s.Master.Open(sealed, claimBinding(w.Reservation.ID))
	w.Code = string(code)
	return err
}

func (s *Service) ownedReservation(ctx context.Context, r store.Reader, actor account.Actor, wanted id.ID) (license.Reservation, []byte, error) {
	v, sealed, err := r.OwnedReservation(ctx, actor.CustomerID, wanted)
	if err != nil {
		err = isolation.Missing(ctx, s.Log, err, actor, "reservation", wanted, func() error {
			_, err := r.Reservation(ctx, wanted)
			return err
		})
	}
	return v, sealed, err
}

// Release gives a reserved seat up before its deadline: it is free at once for
// any device. One that is over already stays as it is.
func (s *Service) Release(ctx context.Context, actor account.Actor, wanted id.ID) error {
	if err := managersOnly(actor, "replacing devices"); err != nil {
		return err
	}
	v, _, err := s.ownedReservation(ctx, s.Store.Reader, actor, wanted)
	if err != nil {
		return err
	}
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		l, err := tx.LockLicense(ctx, v.LicenseID)
		if err != nil {
			return err
		}
		now := s.clock()
		released, err := tx.ReleaseReservation(ctx, v.ID, now)
		if err != nil || !released {
			return err
		}
		return tx.AppendEvent(ctx, reservationEvent(event.SeatReleased, actor, l, v, now))
	})
}
