package storetest

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
)

func appendEvents(t *testing.T, s *store.Store, list ...event.Event) {
	t.Helper()
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		for _, e := range list {
			if err := tx.AppendEvent(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

func eventIDs(list []event.Event) []id.ID {
	var ids []id.ID
	for _, e := range list {
		ids = append(ids, e.ID)
	}
	return ids
}

func events(t *testing.T, s *store.Store) {
	ctx := t.Context()
	p, owner, other := aProduct(t, s, "editor"), aCustomer(t, s, "Owner"), aCustomer(t, s, "Other")
	mine, theirs := aLicense(p, owner.ID), aLicense(p, other.ID)
	add(t, s, mine, theirs)
	device := anActivation(mine, "HW-1")
	device.Name = ""
	activate(t, s, device)
	by := account.Actor{Kind: account.ActorAdministrator, ID: id.New(), RequestID: "request", Address: netip.MustParseAddr("203.0.113.9")}
	used := 1

	assigned := event.New(event.LicenseAssigned, by, noon).About(mine).Because("manual")
	assigned.Data = event.Data{Before: event.FactsOf(aLicense(p, ""), noon), After: event.FactsOf(mine, noon)}
	created := event.New(event.ActivationCreated, by, noon.Add(time.Second)).About(mine)
	created.ActivationID, created.Data = device.ID, event.Data{Used: &used, Limit: &mine.Limit}
	refused := event.New(event.ChangeRefused, by, noon).About(mine)
	foreign := event.New(event.LicenseAssigned, by, noon).About(theirs)
	person := event.New(event.PersonSignedIn, account.System(""), noon)
	person.CustomerID, person.PersonID = owner.ID, id.New()
	appendEvents(t, s, assigned, created, refused, foreign, person)

	t.Run("a license's come back as they were stored, newest first and bounded", func(t *testing.T) { // C-AUD-01
		got, err := s.LicenseEvents(ctx, mine.ID, 10)
		same(t, []event.Event{refused, created, assigned}, got, err)
		first, err := s.LicenseEvent(ctx, mine.ID, event.LicenseAssigned)
		same(t, assigned, first, err)
		_, err = s.LicenseEvent(ctx, mine.ID, event.LicenseRevoked)
		absent(t, err)
		got, err = s.LicenseEvents(ctx, mine.ID, 1)
		same(t, []event.Event{refused}, got, err)
		got, err = s.LicenseEvents(ctx, id.New(), 10)
		same(t, nil, got, err)
	})
	t.Run("a customer's are about its own licenses, without those left out", func(t *testing.T) {
		row := func(e event.Event, name string) event.Historic {
			return event.Historic{Event: e, ProductName: p.Name, Mask: mine.Mask, Device: name}
		}
		got, err := s.CustomerEvents(ctx, owner.ID, 10)
		same(t, []event.Historic{row(refused, ""), row(created, "HW-1"), row(assigned, "")}, got, err)
		got, err = s.CustomerEvents(ctx, owner.ID, 1, event.ChangeRefused, event.LicenseCreated)
		same(t, []event.Historic{row(created, "HW-1")}, got, err)
		got, err = s.CustomerEvents(ctx, id.New(), 10)
		same(t, nil, got, err)
	})
	t.Run("the latest of a type are found, of one customer", func(t *testing.T) {
		got, err := s.LatestEvents(ctx, owner.ID, event.LicenseAssigned, 10)
		same(t, []event.Event{assigned}, got, err)
		later := person
		later.ID = id.New()
		appendEvents(t, s, later)
		got, err = s.LatestEvents(ctx, owner.ID, event.PersonSignedIn, 10)
		same(t, []event.Event{later, person}, got, err)
		got, err = s.LatestEvents(ctx, owner.ID, event.PersonSignedIn, 1)
		same(t, []event.Event{later}, got, err)
		got, err = s.LatestEvents(ctx, other.ID, event.PersonSignedIn, 10)
		same(t, nil, got, err)
	})
	t.Run("one is undone with what caused it", func(t *testing.T) {
		lost := event.New(event.LicenseRenewed, by, noon).About(mine)
		err := try(t, s, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.AppendEvent(ctx, lost); err != nil {
				return err
			}
			return errRefused
		})
		if !errors.Is(err, errRefused) {
			t.Fatal(err)
		}
		got, err := s.LicenseEvents(ctx, mine.ID, 10)
		same(t, 3, len(got), err)
	})
}

// seals proves that committed events wait until they are put into the chain,
// once and in the order of their numbers.
func seals(t *testing.T, s *store.Store) {
	ctx := t.Context()
	p, owner := aProduct(t, s, "editor"), aCustomer(t, s, "Owner")
	l := aLicense(p, owner.ID)
	add(t, s, l)
	by := account.System("")
	var list []event.Event
	for range 3 {
		list = append(list, event.New(event.LicenseRenewed, by, noon).About(l))
	}
	appendEvents(t, s, list...)

	_, err := s.Head(ctx)
	absent(t, err)
	waiting, err := s.Unsealed(ctx, 10)
	if err != nil || len(waiting) != 3 {
		t.Fatalf("%d wait (%v)", len(waiting), err)
	}
	for i, w := range waiting {
		same(t, list[i], w.Event, nil)
	}
	end := store.Head{Seal: store.Seal{Number: 2, Hash: []byte("second")}, Signature: []byte("signature"), SignedAt: noon}
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		head, err := tx.LockHead(ctx)
		same(t, store.Head{}, head, err)
		return errors.Join(
			tx.AddSeals(ctx, []store.Link{
				{Seq: waiting[1].Seq, Seal: store.Seal{Number: 1, Hash: []byte("first")}},
				{Seq: waiting[0].Seq, Seal: end.Seal},
			}),
			tx.AddSeals(ctx, nil),
			tx.SaveHead(ctx, end))
	})

	t.Run("the end is what was saved", func(t *testing.T) {
		got, err := s.Head(ctx)
		same(t, end, got, err)
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			got, err := tx.LockHead(ctx)
			same(t, end, got, err)
			return nil
		})
	})
	t.Run("consumers read by number", func(t *testing.T) {
		got, err := s.SealedAfter(ctx, 0, 10)
		same(t, []store.Sealed{
			{Seal: store.Seal{Number: 1, Hash: []byte("first")}, Event: list[1]}, {Seal: end.Seal, Event: list[0]},
		}, got, err)
		got, err = s.SealedAfter(ctx, 0, 1)
		same(t, 1, len(got), err)
		got, err = s.SealedAfter(ctx, 2, 10)
		same(t, nil, got, err)
	})
	t.Run("what is sealed waits no longer and is not sealed again", func(t *testing.T) {
		left, err := s.Unsealed(ctx, 10)
		if err != nil || len(left) != 1 {
			t.Fatalf("%d wait (%v)", len(left), err)
		}
		same(t, list[2].ID, left[0].Event.ID, nil)
		for _, again := range []store.Seal{{Number: 2, Hash: []byte("x")}, {Number: 3, Hash: []byte("x")}} {
			seq := left[0].Seq
			if again.Number == 3 {
				seq = waiting[0].Seq
			}
			err := try(t, s, func(ctx context.Context, tx *store.Tx) error {
				return tx.AddSeals(ctx, []store.Link{{Seq: seq, Seal: again}})
			})
			if !store.IsUnique(err, "") {
				t.Errorf("number %d: got %v, want a conflict", again.Number, err)
			}
		}
	})
}
