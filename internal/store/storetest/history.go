package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
)

// signIns proves the history of an account.
func signIns(t *testing.T, s *store.Store) {
	ctx := t.Context()
	p, other := aPerson(t, s, "ada@example.com"), aPerson(t, s, "eve@example.com")
	note := func(t *testing.T, person id.ID, in account.SignIn) {
		t.Helper()
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddSignIn(ctx, person, in, 2) })
	}
	in := func(minute int, refused bool) account.SignIn {
		return account.SignIn{
			At: noon.Add(time.Duration(minute) * time.Minute), Refused: refused, Way: account.ByPassword, NewBrowser: refused,
			Address: "192.0.2.1", UserAgent: "Browser",
		}
	}
	for minute := range 3 {
		note(t, p.ID, in(minute, false))
	}
	for minute := range 4 {
		note(t, p.ID, in(10+minute, true))
	}
	note(t, other.ID, in(20, false))

	t.Run("the newest of each outcome are kept, newest first", func(t *testing.T) { // P-PRO-12
		got, err := s.SignIns(ctx, p.ID, 10)
		same(t, []account.SignIn{in(13, true), in(12, true), in(2, false), in(1, false)}, got, err)
		got, err = s.SignIns(ctx, p.ID, 1)
		same(t, []account.SignIn{in(13, true)}, got, err)
		got, err = s.SignIns(ctx, other.ID, 10)
		same(t, []account.SignIn{in(20, false)}, got, err)
	})
	t.Run("nobody has none", func(t *testing.T) {
		absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddSignIn(ctx, id.New(), in(1, false), 2) }))
	})
	t.Run("what is old is purged in steps", func(t *testing.T) {
		for _, want := range []int64{2, 1, 0} {
			must(t, s, func(ctx context.Context, tx *store.Tx) error {
				n, err := tx.PurgeSignIns(ctx, noon.Add(13*time.Minute), 2)
				same(t, want, n, err)
				return nil
			})
		}
		got, err := s.SignIns(ctx, p.ID, 10)
		same(t, []account.SignIn{in(13, true)}, got, err)
	})
}
