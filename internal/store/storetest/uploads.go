package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
)

// C-STO-03
func uploads(t *testing.T, s *store.Store) {
	ctx := t.Context()
	slow, broken, done := id.New(), id.New(), id.New()
	begin := func(release id.ID, key string, at time.Time) {
		t.Helper()
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.BeginUpload(ctx, release, key, at) })
	}
	end := func(release id.ID) (n int) {
		t.Helper()
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			var err error
			n, err = tx.EndUploads(ctx, release)
			return err
		})
		return n
	}
	begin(slow, "slow", noon.Add(-time.Hour))
	begin(broken, "broken", noon.Add(-time.Hour))
	begin(broken, "broken too", noon.Add(-time.Hour))
	begin(done, "done", noon.Add(-time.Hour))

	t.Run("those of a release end with it", func(t *testing.T) {
		same(t, 1, end(done), nil)
		same(t, 0, end(done), nil)
	})
	t.Run("those that nobody saw for long are given up, and end no more", func(t *testing.T) {
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SeeUploads(ctx, slow, noon) })
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.GiveUploadsUp(ctx, noon, noon) })
		list, err := s.UploadsGivenUp(ctx, 10)
		same(t, []string{"broken", "broken too"}, list, err)
		list, err = s.UploadsGivenUp(ctx, 1)
		same(t, []string{"broken"}, list, err)
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SeeUploads(ctx, broken, noon.Add(time.Hour)) })
		same(t, 0, end(broken), nil)
		same(t, 1, end(slow), nil)
	})
	t.Run("one that left nothing is forgotten", func(t *testing.T) {
		for range 2 {
			must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.ForgetUpload(ctx, "broken") })
		}
		list, err := s.UploadsGivenUp(ctx, 10)
		same(t, []string{"broken too"}, list, err)
	})
}
