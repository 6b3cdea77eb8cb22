package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
)

// feeds proves that a person has one calendar for each customer.
func feeds(t *testing.T, s *store.Store) {
	ctx := t.Context()
	p, c := aMember(t, s, "feed@example.com")
	other := aCustomer(t, s, "Other")
	set := func(f store.Feed, hash string) {
		t.Helper()
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SetFeed(ctx, f, []byte(hash)) })
	}
	mine := store.Feed{ID: id.New(), PersonID: p.ID, CustomerID: c.ID, CreatedAt: noon}
	theirs := store.Feed{ID: id.New(), PersonID: p.ID, CustomerID: other.ID, CreatedAt: noon}
	set(mine, "one")
	set(theirs, "two")
	got, err := s.FeedByToken(ctx, []byte("one"))
	same(t, mine, got, err)
	got, err = s.FeedOf(ctx, p.ID, other.ID)
	same(t, theirs, got, err)

	mine.ID, mine.CreatedAt = id.New(), noon.Add(time.Hour)
	set(mine, "three")
	_, err = s.FeedByToken(ctx, []byte("one"))
	absent(t, err)
	got, err = s.FeedByToken(ctx, []byte("three"))
	same(t, mine, got, err)

	for _, want := range []bool{true, false} {
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			gone, err := tx.DropFeed(ctx, p.ID, c.ID)
			same(t, want, gone, err)
			return err
		})
	}
	_, err = s.FeedOf(ctx, p.ID, c.ID)
	absent(t, err)
	_, err = s.FeedOf(ctx, p.ID, other.ID)
	found(t, err)
	absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.SetFeed(ctx, store.Feed{ID: id.New(), PersonID: id.New(), CustomerID: c.ID, CreatedAt: noon}, []byte("four"))
	}))
}
