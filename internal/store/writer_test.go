package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"modernc.org/sqlite"

	"github.com/keyward/keyward/internal/fault"
)

// openThings returns a store with the table thing (n).
func openThings(t testing.TB) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	mustExec(t, s, `CREATE TABLE thing (n INTEGER PRIMARY KEY) STRICT`)
	return s
}

func mustExec(t testing.TB, s *Store, text string, args ...any) {
	t.Helper()
	err := s.InTx(t.Context(), func(tx *Tx) error {
		_, err := tx.exec(t.Context(), text, args...)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func things(t testing.TB, s *Store) []int64 {
	t.Helper()
	rs, err := s.query(t.Context(), `SELECT n FROM thing ORDER BY n`)
	all, err := collect(rs, err, value[int64])
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func add(tx *Tx, n int) error {
	_, err := tx.exec(context.Background(), `INSERT INTO thing (n) VALUES ($1)`, n)
	return err
}

// hold makes the writer stand still. What is queued until the returned function
// is called becomes one batch.
func hold(t *testing.T, s *Store) (release func()) {
	held, free := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := s.InTx(t.Context(), func(*Tx) error {
			close(held)
			<-free
			return nil
		})
		if err != nil {
			t.Errorf("the operation that holds the writer: %v", err)
		}
	})
	<-held
	return func() { close(free); wg.Wait() }
}

// queue starts InTx calls in their order and returns a function that waits for
// their errors. Panics and exits come back as errors.
func queue(t *testing.T, s *Store, fns ...func(*Tx) error) func() []error {
	return queueWith(t, s, s.InTx, fns...)
}

func queueWith(t *testing.T, s *Store, inTx func(context.Context, func(*Tx) error) error, fns ...func(*Tx) error) func() []error {
	errs := make([]error, len(fns))
	var wg sync.WaitGroup
	for i, fn := range fns {
		before := len(s.writer.queue)
		wg.Go(func() {
			errs[i] = errors.New("did not return")
			defer func() {
				if v := recover(); v != nil {
					errs[i] = fmt.Errorf("panic: %v", v.(*Panic).Value)
				}
			}()
			errs[i] = inTx(t.Context(), fn)
		})
		for len(s.writer.queue) == before {
			yield()
		}
	}
	return func() []error { wg.Wait(); return errs }
}

func TestBatchKeepsItsFailuresApart(t *testing.T) {
	s := openThings(t)
	refused := errors.New("refused")
	runs := 0
	release := hold(t, s)
	wait := queue(t, s,
		func(tx *Tx) error { runs++; return add(tx, 1) },
		func(tx *Tx) error { return errors.Join(add(tx, 2), refused) },
		func(tx *Tx) error { _ = add(tx, 3); panic("boom") },
		func(tx *Tx) error { return add(tx, 1) }, // its neighbor has it
		func(tx *Tx) error { return add(tx, 5) },
	)
	release()
	errs := wait()
	if errs[0] != nil || !errors.Is(errs[1], refused) || errs[2].Error() != "panic: boom" || !IsUnique(errs[3], "thing.n") || errs[4] != nil {
		t.Errorf("told %v", errs)
	}
	if runs != 1 {
		t.Errorf("the first ran %d times, want once", runs)
	}
	if diff := cmp.Diff([]int64{1, 5}, things(t, s)); diff != "" {
		t.Error(diff)
	}
}

// What shares with nobody has no savepoint, runs once and in its turn, and
// neither its failure nor a neighbor's touches the other.
func TestLongOperationSharesWithNobody(t *testing.T) {
	s := openThings(t)
	refused := errors.New("refused")
	// A transaction that shares can be rolled back to its savepoint.
	shares := func(tx *Tx) bool {
		_, err := tx.q.ExecContext(t.Context(), `RELEASE operation`)
		if err == nil {
			_, err = tx.q.ExecContext(t.Context(), `SAVEPOINT operation`)
		}
		return err == nil
	}
	var runs int
	release := hold(t, s)
	first := queue(t, s, func(tx *Tx) error {
		if !shares(tx) {
			t.Error("neighbors share no commit")
		}
		return add(tx, 1)
	}, func(tx *Tx) error { return add(tx, 2) })
	alone := queueWith(t, s, s.InTxAlone, func(tx *Tx) error {
		runs++
		if shares(tx) {
			t.Error("the long one has a savepoint")
		}
		return add(tx, 3)
	}, func(tx *Tx) error { return errors.Join(add(tx, 4), refused) })
	last := queue(t, s, func(tx *Tx) error { return add(tx, 5) })
	release()
	errs := slices.Concat(first(), alone(), last())
	if errs[0] != nil || errs[1] != nil || errs[2] != nil || !errors.Is(errs[3], refused) || errs[4] != nil {
		t.Errorf("told %v", errs)
	}
	if runs != 1 {
		t.Errorf("the long one ran %d times, want once", runs)
	}
	if diff := cmp.Diff([]int64{1, 2, 3, 5}, things(t, s)); diff != "" {
		t.Error(diff)
	}
}

// Some failures make SQLite undo the whole transaction at once. The neighbors
// run again, and nothing of the operation that did it runs outside.
func TestBatchThatBreaksIsRunOneByOne(t *testing.T) {
	s := openThings(t)
	var runs [3]int
	release := hold(t, s)
	wait := queue(t, s,
		func(tx *Tx) error { runs[0]++; return add(tx, 1) },
		func(tx *Tx) error {
			runs[1]++
			_, _ = tx.exec(context.Background(), `INSERT OR ROLLBACK INTO thing (n) VALUES (1)`)
			_ = add(tx, 2)
			return nil
		},
		func(tx *Tx) error { runs[2]++; return add(tx, 3) },
	)
	release()
	errs := wait()
	if errs[0] != nil || !IsUnique(errs[1], "thing.n") || errs[2] != nil {
		t.Errorf("told %v", errs)
	}
	if want := [3]int{2, 2, 1}; runs != want {
		t.Errorf("ran %v times, want %v", runs, want)
	}
	if diff := cmp.Diff([]int64{1, 3}, things(t, s)); diff != "" {
		t.Error(diff)
	}
}

func TestBatchSurvivesTheEndOfItsGoroutine(t *testing.T) {
	s := openThings(t)
	release := hold(t, s)
	wait := queue(t, s,
		func(tx *Tx) error { return add(tx, 1) },
		func(tx *Tx) error { _ = add(tx, 2); goexit(); return nil },
		func(tx *Tx) error { return add(tx, 3) },
		func(*Tx) error { goexit(); return nil },
	)
	release()
	errs := wait()
	if errs[0] != nil || errs[1] == nil || errs[2] != nil || errs[3] == nil {
		t.Errorf("told %v", errs)
	}
	if diff := cmp.Diff([]int64{1, 3}, things(t, s)); diff != "" {
		t.Error(diff)
	}
}

func TestCallerThatLeavesTheQueueIsSkipped(t *testing.T) {
	s := openThings(t)
	release := hold(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		left <- s.InTx(ctx, func(tx *Tx) error { return add(tx, 1) })
	}()
	for len(s.writer.queue) == 0 {
		yield()
	}
	wait := queue(t, s, func(tx *Tx) error { return add(tx, 2) })
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("told %v while the writer stood still, want context.Canceled", err)
	}
	release()
	if err := wait()[0]; err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]int64{2}, things(t, s)); diff != "" {
		t.Error(diff)
	}
}

func TestFullQueueAnswersBusy(t *testing.T) {
	s := openThings(t)
	release := hold(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range queueLength {
		wg.Go(func() { _ = s.InTx(ctx, func(*Tx) error { return nil }) })
	}
	for len(s.writer.queue) < queueLength {
		yield()
	}
	err := s.InTx(t.Context(), func(*Tx) error { return nil })
	if f := fault.From(err); f.Kind != fault.Unavailable || f.Code != "busy" || f.RetryAfter <= 0 {
		t.Errorf("told %v, want Unavailable busy with a time to wait", err)
	}
	cancel()
	wg.Wait()
	release()
	for len(s.writer.queue) > 0 { // of those who have left
		yield()
	}
	mustExec(t, s, `INSERT INTO thing (n) VALUES (1)`)
}

// A refusal may rest on what a neighbor in the same batch wrote, so nobody is
// answered before the commit, and all hear of its failure.
func TestFailedCommitIsEverybodysAnswer(t *testing.T) {
	s := openThings(t)
	refused := errors.New("refused because of 1")
	release := hold(t, s)
	fail := false
	err := s.writer.s.conn.Raw(func(c any) error {
		c.(sqlite.HookRegisterer).RegisterCommitHook(func() int32 {
			if fail {
				return 1
			}
			return 0
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wait := queue(t, s,
		func(tx *Tx) error { fail = true; return add(tx, 1) },
		func(*Tx) error { return refused },
	)
	release()
	for i, err := range wait() {
		if err == nil || errors.Is(err, refused) {
			t.Errorf("operation %d was told %v, want the error of the commit", i, err)
		}
	}
	if got := things(t, s); len(got) > 0 {
		t.Errorf("things %v are left of a commit that failed", got)
	}
	fail = false
	mustExec(t, s, `INSERT INTO thing (n) VALUES (1)`)
}

func TestDeferredRuleIsTheAnswerOfWhoBrokeIt(t *testing.T) {
	s := openThings(t)
	mustExec(t, s, `CREATE TABLE child (n INTEGER REFERENCES thing (n) DEFERRABLE INITIALLY DEFERRED) STRICT`)
	release := hold(t, s)
	wait := queue(t, s,
		func(tx *Tx) error { return add(tx, 1) },
		func(tx *Tx) error {
			_, err := tx.exec(context.Background(), `INSERT INTO child (n) VALUES (7)`)
			return err
		},
		func(tx *Tx) error { return add(tx, 2) },
	)
	release()
	errs := wait()
	if errs[0] != nil || !fault.Is(errs[1], fault.Conflict) || errs[2] != nil {
		t.Errorf("told %v", errs)
	}
	if diff := cmp.Diff([]int64{1, 2}, things(t, s)); diff != "" {
		t.Error(diff)
	}
}

func TestSlowCommitIsLogged(t *testing.T) {
	var log strings.Builder
	now := time.Unix(0, 0)
	s, err := Open(t.Context(), Options{
		Dir:    t.TempDir(),
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Now:    func() time.Time { now = now.Add(2 * slowCommit); return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	mustExec(t, s, `CREATE TABLE thing (n INTEGER PRIMARY KEY) STRICT`)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "slow commit") {
		t.Errorf("logged %q", log.String())
	}
}
