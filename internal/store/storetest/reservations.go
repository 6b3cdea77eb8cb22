package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

func aReservation(a license.Activation) license.Reservation {
	return license.Reservation{
		ID: id.New(), LicenseID: a.LicenseID, Retired: a.ID, CreatedAt: noon, ExpiresAt: noon.Add(license.ReservedFor),
	}
}

func reservations(t *testing.T, s *store.Store) {
	ctx := t.Context()
	p, owner, other := aProduct(t, s, "editor"), aCustomer(t, s, "Owner"), aCustomer(t, s, "Other")
	l := aLicense(p, owner.ID)
	add(t, s, l)
	a, b, c := anActivation(l, "a"), anActivation(l, "b"), anActivation(l, "c")
	activate(t, s, a, b, c)
	byCode, forDevice := aReservation(a), aReservation(b)
	forDevice.Kind, forDevice.Identifier, forDevice.Name = license.Hardware, "HW-New", "Lena"
	forDevice.ExpiresAt = noon.Add(time.Hour)
	claim := store.ClaimCode{Hash: []byte("hash"), Sealed: []byte("sealed")}
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.AddReservation(ctx, byCode, claim); err != nil {
			return err
		}
		return tx.AddReservation(ctx, forDevice, store.ClaimCode{})
	})
	device := func(identifier string) license.Device {
		return license.Device{Kind: license.Hardware, Identifier: identifier}
	}

	t.Run("one comes back to its owner alone", func(t *testing.T) {
		got, sealed, err := s.OwnedReservation(ctx, owner.ID, byCode.ID)
		same(t, byCode, got, err)
		same(t, "sealed", string(sealed), nil)
		got, sealed, err = s.OwnedReservation(ctx, owner.ID, forDevice.ID)
		same(t, forDevice, got, err)
		same(t, 0, len(sealed), nil)
		_, _, err = s.OwnedReservation(ctx, other.ID, byCode.ID)
		absent(t, err)
		got, err = s.Reservation(ctx, byCode.ID)
		same(t, byCode, got, err)
		got, err = s.ReservationFor(ctx, b.ID)
		same(t, forDevice, got, err)
		_, err = s.ReservationFor(ctx, c.ID)
		absent(t, err)
	})
	t.Run("an activation is retired for one only", func(t *testing.T) {
		err := try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddReservation(ctx, aReservation(a), claim) })
		if !store.IsUnique(err, "reservation.retired_seq") {
			t.Errorf("got %v", err)
		}
		absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.AddReservation(ctx, aReservation(license.Activation{ID: id.New()}), claim)
		}))
	})
	t.Run("reserved seats are counted until their deadline", func(t *testing.T) {
		for now, want := range map[time.Time]int{noon: 2, byCode.ExpiresAt.Add(-1000): 2, byCode.ExpiresAt: 1, forDevice.ExpiresAt: 0} {
			seats, err := s.Seats(ctx, l.ID, nil, now)
			same(t, want, seats.Reserved, err)
			list, err := s.OpenReservations(ctx, l.ID, now, 10)
			same(t, want, len(list), err)
			rows, err := s.OwnedLicenses(ctx, store.LicenseFilter{Customer: owner.ID, Now: now}, license.ByAssigned, false, store.Page{Size: 9})
			same(t, want, rows[0].Reserved, err)
		}
		list, err := s.OpenReservations(ctx, l.ID, noon, 1)
		same(t, []license.Reservation{byCode}, list, err)
	})
	t.Run("a device finds its own, or that of its code", func(t *testing.T) {
		for _, tt := range []struct {
			identifier, code string
			now              time.Time
			want             *license.Reservation
		}{
			{" hw-NEW ", "", noon, &forDevice}, {"hw-new", "hash", noon, &forDevice}, {"x", "hash", noon, &byCode},
			{"x", "", noon, nil}, {"x", "other", noon, nil}, {"x", "hash", byCode.ExpiresAt, nil}, {"hw-new", "", forDevice.ExpiresAt, nil},
		} {
			got, err := s.ClaimableReservation(ctx, l.ID, device(tt.identifier), []byte(tt.code), tt.now)
			same(t, tt.want, got, err)
		}
	})
	t.Run("wrong codes are counted, and then the right one is no good", func(t *testing.T) {
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			for range license.MaxClaims {
				if err := tx.CountClaim(ctx, l.ID, noon); err != nil {
					return err
				}
			}
			return nil
		})
		got, err := s.ClaimableReservation(ctx, l.ID, device("x"), []byte("hash"), noon)
		same(t, nil, got, err)
		kept, err := s.Reservation(ctx, byCode.ID)
		same(t, license.MaxClaims, kept.Claims, err)
		kept, err = s.Reservation(ctx, forDevice.ID)
		same(t, 0, kept.Claims, err)
	})
	t.Run("one is used once", func(t *testing.T) {
		use := func(ctx context.Context, tx *store.Tx) error {
			return tx.UseReservation(ctx, forDevice.ID, c.ID, noon.Add(time.Minute))
		}
		must(t, s, use)
		absent(t, try(t, s, use))
		got, err := s.Reservation(ctx, forDevice.ID)
		want := forDevice
		want.UsedAt, want.UsedBy = noon.Add(time.Minute), c.ID
		same(t, want, got, err)
	})
	t.Run("one is released once, and its code forgotten", func(t *testing.T) {
		for _, want := range []bool{true, false} {
			must(t, s, func(ctx context.Context, tx *store.Tx) error {
				released, err := tx.ReleaseReservation(ctx, byCode.ID, noon)
				same(t, want, released, err)
				return nil
			})
		}
		got, sealed, err := s.OwnedReservation(ctx, owner.ID, byCode.ID)
		same(t, noon, got.ReleasedAt, err)
		same(t, 0, len(sealed), nil)
		seats, err := s.Seats(ctx, l.ID, nil, noon)
		same(t, 0, seats.Reserved, err)
	})
	t.Run("what people of the customer freed is counted", func(t *testing.T) { // P-ACT-25
		end := map[license.Reason]license.Activation{}
		for _, why := range []license.Reason{license.ByOwner, license.Lost, license.Swapped, license.BySoftware, license.WithLicense} {
			end[why] = anActivation(l, "gone "+string(why))
			activate(t, s, end[why])
		}
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			for i, why := range []license.Reason{license.ByOwner, license.Lost, license.Swapped, license.BySoftware, license.WithLicense} {
				if _, err := tx.EndActivation(ctx, end[why].ID, noon.Add(time.Duration(i)*time.Minute), why); err != nil {
					return err
				}
			}
			return nil
		})
		got, err := s.SelfServed(ctx, l.ID, noon, 10)
		same(t, []time.Time{noon.Add(2 * time.Minute), noon.Add(time.Minute)}, got, err)
		got, err = s.SelfServed(ctx, l.ID, noon.Add(-time.Microsecond), 2)
		same(t, []time.Time{noon.Add(2 * time.Minute), noon.Add(time.Minute)}, got, err)
	})
}

// labels proves that what an owner calls a device stays with the device.
func labels(t *testing.T, s *store.Store) { // P-ACT-24
	ctx := t.Context()
	p, owner := aProduct(t, s, "editor"), aCustomer(t, s, "Owner")
	l, elsewhere := aLicense(p, owner.ID), aLicense(p, owner.ID)
	add(t, s, l, elsewhere)
	before, same1, foreign := anActivation(l, "HW-1"), anActivation(l, " hw-1"), anActivation(elsewhere, "HW-1")
	before.EndedAt, before.EndReason = noon, license.ByOwner
	activate(t, s, before, same1, foreign)
	device := license.Device{Kind: license.Hardware, Identifier: "hw-1"}
	name := func(label string) {
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SetLabel(ctx, same1, label) })
	}
	got, err := s.LabelOf(ctx, l.ID, device)
	same(t, "", got, err)
	name("Büro 50%")
	got, err = s.LabelOf(ctx, l.ID, device)
	same(t, "Büro 50%", got, err)
	got, err = s.LabelOf(ctx, elsewhere.ID, device)
	same(t, "", got, err)
	for _, a := range []license.Activation{before, same1} {
		kept, err := s.Activation(ctx, a.ID)
		same(t, "Büro 50%", kept.Label, err)
	}
	names, err := s.DeviceNames(ctx, []id.ID{before.ID, foreign.ID})
	same(t, map[id.ID]string{before.ID: "Büro 50%", foreign.ID: "Device HW-1"}, names, err)
	for search, want := range map[string]int{"büro 50%": 2, "device": 3} {
		list, err := s.OwnedActivations(ctx, store.ActivationFilter{Customer: owner.ID, Now: noon, Search: search}, store.Page{Size: 9})
		same(t, want, len(list), err)
	}
	name("")
	got, err = s.LabelOf(ctx, l.ID, device)
	same(t, "", got, err)
}
