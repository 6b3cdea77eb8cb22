package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
)

// teams proves who acts for a customer, and who was asked to.
func teams(t *testing.T, s *store.Store) {
	ctx := t.Context()
	ada, c := aMember(t, s, "ada@example.com")
	eve, other := aMember(t, s, "eve@example.com")
	i := account.TeamInvitation{
		ID: id.New(), CustomerID: c.ID, PersonID: eve.ID, Email: eve.Email, Role: account.Viewer,
		CreatedAt: noon, ExpiresAt: noon.Add(time.Hour),
	}
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(tx.AddTeamInvitation(ctx, i), tx.SetTeamToken(ctx, i.ID, []byte("token")))
	})

	t.Run("an invitation is found by id, token and customer", func(t *testing.T) {
		got, err := s.TeamInvitation(ctx, i.ID)
		same(t, i, got, err)
		got, err = s.TeamInvitationByToken(ctx, []byte("token"))
		same(t, i, got, err)
		list, err := s.TeamInvitations(ctx, c.ID)
		same(t, []account.TeamInvitation{i}, list, err)
		list, err = s.TeamInvitations(ctx, other.ID)
		same(t, nil, list, err)
	})
	t.Run("a person is invited once, and again with more time", func(t *testing.T) {
		again := i
		again.ID = id.New()
		err := try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddTeamInvitation(ctx, again) })
		if !store.IsUnique(err, "") {
			t.Errorf("got %v, want a conflict", err)
		}
		i.Role, i.ExpiresAt = account.Owner, noon.Add(2*time.Hour)
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.RenewTeamInvitation(ctx, i.ID, i.Role, i.ExpiresAt)
		})
		got, err := s.TeamInvitation(ctx, i.ID)
		same(t, i, got, err)
	})
	t.Run("it ends once", func(t *testing.T) {
		end := func() error {
			return try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.RemoveTeamInvitation(ctx, i.ID) })
		}
		found(t, end())
		absent(t, end())
	})
	t.Run("roles change, and who leaves is out for that customer alone", func(t *testing.T) {
		session := account.Session{ID: id.New(), PersonID: eve.ID, CustomerID: other.ID, CreatedAt: noon, LastSeenAt: noon, ExpiresAt: noon.Add(time.Hour)}
		second := session
		second.ID = id.New()
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			locked, err := tx.LockCustomer(ctx, c.ID)
			same(t, c, locked, err)
			return errors.Join(
				tx.AddMembership(ctx, eve.ID, c.ID, account.Viewer, noon.Add(time.Second)),
				tx.SetRole(ctx, eve.ID, c.ID, account.Manager),
				tx.AddSession(ctx, session, []byte("one")), tx.AddSession(ctx, second, []byte("two")),
				tx.SetSessionCustomer(ctx, eve.ID, second.ID, c.ID),
				tx.SetFeed(ctx, store.Feed{ID: id.New(), PersonID: eve.ID, CustomerID: c.ID, CreatedAt: noon}, []byte("left")),
				tx.SetFeed(ctx, store.Feed{ID: id.New(), PersonID: eve.ID, CustomerID: other.ID, CreatedAt: noon}, []byte("kept")))
		})
		got, err := s.SessionByToken(ctx, []byte("two"))
		same(t, account.Membership{Customer: c, Role: account.Manager}, got.Membership, err)
		absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.SetSessionCustomer(ctx, ada.ID, second.ID, c.ID) // not theirs
		}))
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.RemoveMembership(ctx, eve.ID, c.ID) })
		_, err = s.SessionByToken(ctx, []byte("two"))
		absent(t, err)
		_, err = s.SessionByToken(ctx, []byte("one"))
		found(t, err)
		_, err = s.FeedByToken(ctx, []byte("left"))
		absent(t, err)
		_, err = s.FeedByToken(ctx, []byte("kept"))
		found(t, err)
		for record, known := range map[store.Record]id.ID{
			store.PersonRecord: eve.ID, store.CustomerRecord: c.ID, store.SessionRecord: session.ID,
			store.PasskeyRecord: aPasskey(t, s, eve.ID, "of eve").ID,
		} {
			for wanted, want := range map[id.ID]bool{known: true, id.New(): false} {
				got, err := s.Exists(ctx, record, wanted)
				same(t, want, got, err)
			}
		}
		absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.RemoveMembership(ctx, eve.ID, c.ID) }))
	})
}
