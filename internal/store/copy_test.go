package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/keyward/keyward/internal/pgtest"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/store/storetest"
)

// place is where a database is, and an empty place for a copy of it.
type place struct{ at, empty store.Options }

func onBothPlaces(t *testing.T, test func(*testing.T, place)) {
	t.Run("SQLite", func(t *testing.T) {
		test(t, place{store.Options{Dir: storetest.Dir(t)}, store.Options{Dir: t.TempDir()}})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		test(t, place{store.Options{Database: storetest.Postgres(t)}, store.Options{Database: pgtest.URL(t)}})
	})
}

func silent(int64, int64) {}

// load opens the copy in dir at the empty place.
func (p place) load(t *testing.T, dir string, version int64) *store.Store {
	t.Helper()
	if p.empty.Database == "" {
		if err := store.Place(t.Context(), dir, p.empty.Dir); err != nil {
			t.Fatal(err)
		}
	}
	s := storetest.Open(t, p.empty)
	if err := s.Load(t.Context(), dir, version, silent); err != nil {
		t.Fatal(err)
	}
	return s
}

func set(ctx context.Context, s *store.Store, n int, names ...string) error {
	return s.InTx(ctx, func(tx *store.Tx) error {
		for _, name := range names {
			if err := tx.SetMeta(ctx, name, strconv.Itoa(n)); err != nil {
				return err
			}
		}
		return nil
	})
}

// A copy made while others write holds all of each transaction or nothing of
// it, and they do not wait for it.
func TestCopyIsOfOneMoment(t *testing.T) {
	onBothPlaces(t, func(t *testing.T, p place) {
		s := storetest.Open(t, p.at)
		if err := set(t.Context(), s, 0, "before", "left", "right"); err != nil {
			t.Fatal(err)
		}
		writing, stop := context.WithCancel(t.Context())
		var writers sync.WaitGroup
		begun := make(chan struct{})
		writers.Go(func() {
			for n := 1; writing.Err() == nil; n++ {
				if err := set(context.WithoutCancel(writing), s, n, "left", "right"); err != nil {
					t.Error(err)
				}
				if n == 10 {
					close(begun)
				}
			}
		})
		<-begun
		dir := t.TempDir()
		_, err := s.Copy(t.Context(), dir, silent)
		stop()
		writers.Wait()
		if err != nil {
			t.Fatal(err)
		}
		_, version, err := s.Versions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		copied := p.load(t, dir, version)
		left, err1 := copied.Meta(t.Context(), "left")
		right, err2 := copied.Meta(t.Context(), "right")
		if err := errors.Join(err1, err2, copied.CheckSchema(t.Context())); err != nil || left != right || left == "0" {
			t.Errorf("left is %s, right is %s, %v", left, right, err)
		}
		if damages, err := copied.Damages(t.Context()); err != nil || len(damages) > 0 {
			t.Errorf("damaged: %v, %v", damages, err)
		}
	})
}

// A backup from before an upgrade comes back, and is upgraded then.
func TestCopyOfAnEarlierSchemaIsLoaded(t *testing.T) {
	onBothPlaces(t, func(t *testing.T, p place) {
		old := store.Options{Dir: t.TempDir()}
		if p.at.Database != "" {
			old = store.Options{Database: pgtest.URL(t)}
		}
		s := storetest.Open(t, old)
		_, latest, err := s.Versions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := errors.Join(store.MigrateTo(t.Context(), s, latest-1), set(t.Context(), s, 7, "kept")); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Copy(t.Context(), dir, silent); err != nil {
			t.Fatal(err)
		}
		loaded := p.load(t, dir, latest-1)
		if from, to, err := loaded.Migrate(t.Context()); err != nil || from != latest-1 || to != latest {
			t.Errorf("migrated from %d to %d, %v", from, to, err)
		}
		if value, err := loaded.Meta(t.Context(), "kept"); err != nil || value != "7" {
			t.Errorf("it holds %q, %v", value, err)
		}
	})
}

func TestCopyThatIsStoppedEnds(t *testing.T) {
	onBothPlaces(t, func(t *testing.T, p place) {
		s := storetest.Open(t, p.at)
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if _, err := s.Copy(ctx, t.TempDir(), silent); err == nil {
			t.Error("it went on")
		}
		if err := set(t.Context(), s, 1, "after"); err != nil {
			t.Errorf("others are disturbed: %v", err)
		}
	})
}

// A load that fails leaves the database as empty as it was.
func TestFailedLoadLeavesNothing(t *testing.T) {
	s := storetest.Open(t, store.Options{Database: storetest.Postgres(t)})
	if err := set(t.Context(), s, 1, "a"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := s.Copy(t.Context(), dir, silent); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "meta.copy"), 1); err != nil {
		t.Fatal(err)
	}
	_, version, err := s.Versions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	empty := store.Options{Database: pgtest.URL(t)}
	if err := storetest.Open(t, empty).Load(t.Context(), dir, version, silent); err == nil {
		t.Error("it was loaded")
	}
	if there, err := store.Exists(t.Context(), empty); err != nil || there {
		t.Errorf("something is left: %v, %v", there, err)
	}
}

func TestPlaceTakesNoOccupiedPlace(t *testing.T) {
	from, to := storetest.Dir(t), storetest.Dir(t)
	if err := store.Place(t.Context(), from, to); err == nil {
		t.Error("it replaced a database")
	}
}

// Numbers of rows stay, and those of rows that are gone are not given again.
func TestNumbersGoOnAfterALoad(t *testing.T) {
	url := storetest.Postgres(t)
	s := storetest.Open(t, store.Options{Database: url})
	add := func(s *store.Store, n int) int64 {
		var seq int64
		err := s.InTx(t.Context(), func(tx *store.Tx) error {
			if _, err := store.Exec(tx, t.Context(), `INSERT INTO customer (id, name, status, created_at, updated_at) VALUES ($1, 'C', 'active', 1, 1)`, "c"+strconv.Itoa(n)); err != nil {
				return err
			}
			var err error
			seq, err = store.Int(tx.Reader, t.Context(), `SELECT max(seq) FROM customer`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return seq
	}
	add(s, 1)
	last := add(s, 2)
	if err := s.InTx(t.Context(), func(tx *store.Tx) error {
		_, err := store.Exec(tx, t.Context(), `DELETE FROM customer WHERE seq = $1`, last)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := s.Copy(t.Context(), dir, silent); err != nil {
		t.Fatal(err)
	}
	_, version, err := s.Versions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := place{empty: store.Options{Database: pgtest.URL(t)}}
	if next := add(p.load(t, dir, version), 3); next != last+1 {
		t.Errorf("the next number is %d, want %d", next, last+1)
	}
}
