package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/keyward/keyward/internal/store"
)

// cursors proves that each consumer of events keeps its own place, in the
// transaction in which it deals with them.
func cursors(t *testing.T, s *store.Store) {
	ctx := t.Context()
	move := func(name string, want, to int64, result error) {
		t.Helper()
		err := try(t, s, func(ctx context.Context, tx *store.Tx) error {
			got, err := tx.LockEventCursor(ctx, name)
			same(t, want, got, err)
			return errors.Join(tx.SetEventCursor(ctx, name, to), result)
		})
		if !errors.Is(err, result) {
			t.Fatal(err)
		}
	}
	_, err := s.EventCursor(ctx, "mail")
	absent(t, err)

	move("mail", 0, 5, nil)
	got, err := s.EventCursor(ctx, "mail")
	same(t, 5, got, err)
	move("webhook", 0, 2, nil)
	move("mail", 5, 9, errRefused)
	move("mail", 5, 6, nil)

	err = try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SetEventCursor(ctx, "other", 1) })
	absent(t, err)
}
