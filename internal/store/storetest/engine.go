package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/store"
)

// Statements runs plain SQL through the store's own unexported paths, so that
// its promises can be tested on tables made for the test.
type Statements struct {
	Exec func(tx *store.Tx, ctx context.Context, text string, args ...any) (int64, error)
	// Ints returns the first column of all rows; Int that of the first row.
	Ints func(r store.Reader, ctx context.Context, text string, args ...any) ([]int64, error)
	Int  func(r store.Reader, ctx context.Context, text string, args ...any) (int64, error)
	// LockRow and Claim are the suffixes of the database's dialect.
	LockRow, Claim func(s *store.Store) string
}

// Engine proves what a transaction, a reader and a snapshot promise. open returns
// a new, empty store that is closed when its test ends.
func Engine(t *testing.T, open func(t *testing.T) *store.Store, sql Statements) {
	for name, test := range map[string]func(*testing.T, engine){
		"what a function wrote is there":                          commits,
		"an error undoes everything and comes back as it is":      rollsBack,
		"a failed statement undoes the operation whatever it did": statementFails,
		"a panic undoes the operation and reaches its caller":     panics,
		"a function that ends its goroutine ends its caller's":    exits,
		"a caller that is gone before the start changes nothing":  goneBefore,
		"a caller that leaves after the start hears the truth":    goneAfter,
		"a transaction is useless after its end":                  over,
		"a transaction sees its own writes and others do not":     ownWrites,
		"failures leave their neighbors alone":                    neighbors,
		"64 callers at once all get what they were told":          manyCallers,
		"a unique rule is Conflict and names its columns":         uniqueRule,
		"a missing parent is Conflict":                            foreignRule,
		"a broken check is our own fault":                         checkRule,
		"what is not there is ErrNotFound":                        notFound,
		"a snapshot sees one moment":                              snapshot,
		"a locked row is counted by one at a time":                lockedCounter,
		"a claimed row goes to one worker":                        claims,
		"close waits for what it accepted and refuses the rest":   closes,
	} {
		t.Run(name, func(t *testing.T) {
			e := engine{open(t), sql}
			e.write(t, `CREATE TABLE thing (n BIGINT PRIMARY KEY, v BIGINT NOT NULL DEFAULT 0)`)
			test(t, e)
		})
	}
}

// engine is a store with the table thing.
type engine struct {
	*store.Store
	sql Statements
}

// write runs one statement in a transaction of its own.
func (e engine) write(t *testing.T, text string, args ...any) {
	t.Helper()
	err := e.InTx(t.Context(), func(tx *store.Tx) error {
		_, err := e.sql.Exec(tx, t.Context(), text, args...)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// add puts the thing n into the transaction.
func (e engine) add(ctx context.Context, tx *store.Tx, n int) error {
	_, err := e.sql.Exec(tx, ctx, `INSERT INTO thing (n) VALUES ($1)`, n)
	return err
}

// wantThings fails the test unless the committed things are these.
func (e engine) wantThings(t *testing.T, want ...int64) {
	t.Helper()
	got, err := e.sql.Ints(e.Reader, t.Context(), `SELECT n FROM thing ORDER BY n`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("things (-want +got):\n%s", diff)
	}
}

var errRefused = errors.New("refused by the test")

func commits(t *testing.T, e engine) {
	err := e.InTx(t.Context(), func(tx *store.Tx) error {
		return errors.Join(e.add(t.Context(), tx, 1), e.add(t.Context(), tx, 2))
	})
	if err != nil {
		t.Fatal(err)
	}
	e.wantThings(t, 1, 2)
}

func rollsBack(t *testing.T, e engine) {
	err := e.InTx(t.Context(), func(tx *store.Tx) error {
		if err := e.add(t.Context(), tx, 1); err != nil {
			return err
		}
		return errRefused
	})
	if err != errRefused {
		t.Errorf("InTx returned %v, want the function's own error", err)
	}
	e.wantThings(t)
}

// PostgreSQL undoes the transaction of a failed statement, SQLite only the
// statement. A function that swallows the error must not pass on one of them.
func statementFails(t *testing.T, e engine) {
	e.write(t, `INSERT INTO thing (n) VALUES (1)`)
	var later error
	err := e.InTx(t.Context(), func(tx *store.Tx) error {
		if err := e.add(t.Context(), tx, 2); err != nil {
			return err
		}
		_ = e.add(t.Context(), tx, 1)
		_, later = e.sql.Int(tx.Reader, t.Context(), `SELECT count(*) FROM thing`)
		return nil
	})
	if !store.IsUnique(err, "thing.n") || !store.IsUnique(later, "thing.n") {
		t.Errorf("InTx returned %v and the next statement %v, want the failed statement's error from both", err, later)
	}
	e.wantThings(t, 1)
}

func panics(t *testing.T, e engine) {
	cause := errors.New("boom")
	raised := func() (v any) {
		defer func() { v = recover() }()
		return e.InTx(t.Context(), func(tx *store.Tx) error {
			if err := e.add(t.Context(), tx, 1); err != nil {
				return err
			}
			panic(cause)
		})
	}()
	p, ok := raised.(*store.Panic)
	if !ok || !errors.Is(p, cause) || !strings.Contains(string(p.Stack), "storetest.panics") {
		t.Fatalf("raised %v, want a *store.Panic of %v with the stack of the function", raised, cause)
	}
	e.wantThings(t)
	e.write(t, `INSERT INTO thing (n) VALUES (2)`)
	e.wantThings(t, 2)
}

func exits(t *testing.T, e engine) {
	ended := make(chan struct{})
	returned := false
	go func() {
		defer close(ended)
		_ = e.InTx(t.Context(), func(tx *store.Tx) error {
			if err := e.add(t.Context(), tx, 1); err != nil {
				return err
			}
			runtime.Goexit()
			return nil
		})
		returned = true
	}()
	<-ended
	if returned {
		t.Error("InTx returned although its function did not")
	}
	e.wantThings(t)
	e.write(t, `INSERT INTO thing (n) VALUES (2)`)
	e.wantThings(t, 2)
}

func goneBefore(t *testing.T, e engine) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := e.InTx(ctx, func(*store.Tx) error {
		t.Error("the function ran")
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("InTx returned %v, want context.Canceled", err)
	}
}

func goneAfter(t *testing.T, e engine) {
	ctx, cancel := context.WithCancel(t.Context())
	err := e.InTx(ctx, func(tx *store.Tx) error {
		cancel()
		if _, err := e.sql.Int(tx.Reader, ctx, `SELECT count(*) FROM thing`); err != nil {
			return err
		}
		return e.add(ctx, tx, 1)
	})
	if err != nil {
		t.Errorf("InTx returned %v, want nil: it had started", err)
	}
	e.wantThings(t, 1)
}

func over(t *testing.T, e engine) {
	var kept *store.Tx
	if err := e.InTx(t.Context(), func(tx *store.Tx) error { kept = tx; return nil }); err != nil {
		t.Fatal(err)
	}
	if err := e.add(t.Context(), kept, 1); err == nil {
		t.Error("a transaction that is over still writes")
	}
	if _, err := e.sql.Int(kept.Reader, t.Context(), `SELECT 1`); err == nil {
		t.Error("a transaction that is over still reads")
	}
	e.wantThings(t)
}

func ownWrites(t *testing.T, e engine) {
	err := e.InTx(t.Context(), func(tx *store.Tx) error {
		if err := e.add(t.Context(), tx, 1); err != nil {
			return err
		}
		inside, err := e.sql.Int(tx.Reader, t.Context(), `SELECT count(*) FROM thing`)
		if err != nil {
			return err
		}
		outside, err := e.sql.Int(e.Reader, t.Context(), `SELECT count(*) FROM thing`)
		if inside != 1 || outside != 0 {
			t.Errorf("%d inside and %d outside, want 1 and 0", inside, outside)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A cancelled context inside a shared transaction once rolled back ten
// neighbors, and the next statement ran outside any transaction.
func neighbors(t *testing.T, e engine) {
	const callers = 64
	want := make([]int64, 0, callers)
	for n := range int64(callers) {
		if n%4 == 0 || n%4 == 3 {
			want = append(want, n)
		}
	}
	together(callers, func(n int) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		defer func() {
			if v := recover(); v != nil && n%4 != 2 {
				t.Errorf("caller %d: %v", n, v)
			}
		}()
		err := e.InTx(ctx, func(tx *store.Tx) error {
			if err := e.add(ctx, tx, n); err != nil {
				return err
			}
			switch n % 4 {
			case 1:
				return errRefused
			case 2:
				panic("boom")
			case 3:
				cancel()
			}
			_, err := e.sql.Int(tx.Reader, ctx, `SELECT count(*) FROM thing`)
			return err
		})
		if n%4 == 1 != errors.Is(err, errRefused) || (n%4 != 1 && err != nil) {
			t.Errorf("caller %d was told %v", n, err)
		}
	})
	e.wantThings(t, want...)
}

func manyCallers(t *testing.T, e engine) {
	const callers, each = 64, 10
	together(callers, func(c int) {
		for i := range each {
			err := e.InTx(t.Context(), func(tx *store.Tx) error { return e.add(t.Context(), tx, c*each+i) })
			if err != nil {
				t.Errorf("caller %d: %v", c, err)
			}
		}
	})
	want := make([]int64, callers*each)
	for n := range want {
		want[n] = int64(n)
	}
	e.wantThings(t, want...)
}

// together calls f with 0 to n-1 at once and waits for all of them.
func together(n int, f func(int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

// insert returns the error of one INSERT.
func (e engine) insert(t *testing.T, text string, args ...any) error {
	return e.InTx(t.Context(), func(tx *store.Tx) error {
		_, err := e.sql.Exec(tx, t.Context(), text, args...)
		return err
	})
}

func uniqueRule(t *testing.T, e engine) {
	e.write(t, `CREATE TABLE named (a TEXT NOT NULL, b TEXT NOT NULL, c TEXT)`)
	e.write(t, `CREATE UNIQUE INDEX named_a_b ON named (a, b)`)
	e.write(t, `CREATE UNIQUE INDEX named_folded ON named (lower(c))`)
	const insert = `INSERT INTO named (a, b, c) VALUES ($1, $2, $3)`
	e.write(t, insert, "secret-a", "secret-b", "One")

	err := e.insert(t, insert, "secret-a", "secret-b", "Two")
	if !fault.Is(err, fault.Conflict) || fault.From(err).Code != "already_exists" {
		t.Errorf("got %v, want Conflict already_exists", err)
	}
	for name, want := range map[string]bool{"": true, "named.a": true, "named.b": true, "named.c": false, "thing.n": false} {
		if got := store.IsUnique(err, name); got != want {
			t.Errorf("IsUnique(err, %q) = %t, want %t", name, got, want)
		}
	}
	if strings.Contains(fmt.Sprintf("%v %+v", err, err), "secret-") {
		t.Errorf("the error holds the values: %v", err)
	}
	if err := e.insert(t, insert, "x", "y", "oNE"); !store.IsUnique(err, "named_folded") {
		t.Errorf("got %v, want the rule named_folded", err)
	}
}

func foreignRule(t *testing.T, e engine) {
	e.write(t, `CREATE TABLE child (n BIGINT NOT NULL REFERENCES thing (n))`)
	err := e.insert(t, `INSERT INTO child (n) VALUES (7)`)
	if !fault.Is(err, fault.Conflict) || fault.From(err).Code != "reference_missing" || store.IsUnique(err, "") {
		t.Errorf("got %v, want Conflict reference_missing", err)
	}
}

func checkRule(t *testing.T, e engine) {
	e.write(t, `CREATE TABLE small (n BIGINT NOT NULL CHECK (n < 10))`)
	for _, n := range []any{11, nil} {
		if err := e.insert(t, `INSERT INTO small (n) VALUES ($1)`, n); !fault.Is(err, fault.Internal) {
			t.Errorf("%v: got %v, want Internal", n, err)
		}
	}
}

func notFound(t *testing.T, e engine) {
	_, err := e.sql.Int(e.Reader, t.Context(), `SELECT n FROM thing WHERE n = 1`)
	if !errors.Is(err, store.ErrNotFound) || !fault.Is(err, fault.NotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	err = e.InTx(t.Context(), func(tx *store.Tx) error {
		if _, err := e.sql.Int(tx.Reader, t.Context(), `SELECT n FROM thing WHERE n = 1`); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
		return e.add(t.Context(), tx, 1) // finding nothing breaks nothing
	})
	if err != nil {
		t.Fatal(err)
	}
}

func snapshot(t *testing.T, e engine) {
	e.write(t, `INSERT INTO thing (n) VALUES (1)`)
	count := func(r store.Reader) int64 {
		n, err := e.sql.Int(r, t.Context(), `SELECT count(*) FROM thing`)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	err := e.Snapshot(t.Context(), func(r store.Reader) error {
		before := count(r)
		e.write(t, `INSERT INTO thing (n) VALUES (2)`)
		if after, now := count(r), count(e.Reader); before != 1 || after != 1 || now != 2 {
			t.Errorf("the snapshot saw %d, then %d; outside there were %d; want 1, 1, 2", before, after, now)
		}
		return errRefused
	})
	if err != errRefused {
		t.Errorf("Snapshot returned %v, want the function's own error", err)
	}
}

func lockedCounter(t *testing.T, e engine) {
	e.write(t, `INSERT INTO thing (n) VALUES (1)`)
	const callers = 32
	together(callers, func(c int) {
		err := e.InTx(t.Context(), func(tx *store.Tx) error {
			v, err := e.sql.Int(tx.Reader, t.Context(), `SELECT v FROM thing WHERE n = 1`+e.sql.LockRow(e.Store))
			if err != nil {
				return err
			}
			_, err = e.sql.Exec(tx, t.Context(), `UPDATE thing SET v = $1 WHERE n = 1`, v+1)
			return err
		})
		if err != nil {
			t.Errorf("caller %d: %v", c, err)
		}
	})
	if v, err := e.sql.Int(e.Reader, t.Context(), `SELECT v FROM thing WHERE n = 1`); v != callers || err != nil {
		t.Errorf("counted to %d (%v), want %d", v, err, callers)
	}
}

func claims(t *testing.T, e engine) {
	const jobs, workers = 40, 8
	for n := range jobs {
		e.write(t, `INSERT INTO thing (n) VALUES ($1)`, n)
	}
	text := `UPDATE thing SET v = v + 1 WHERE n = (SELECT n FROM thing WHERE v = 0 ORDER BY n LIMIT 1` + e.sql.Claim(e.Store) + `) RETURNING n`
	together(workers, func(w int) {
		for {
			err := e.InTx(t.Context(), func(tx *store.Tx) error {
				_, err := e.sql.Int(tx.Reader, t.Context(), text)
				return err
			})
			if errors.Is(err, store.ErrNotFound) {
				return
			}
			if err != nil {
				t.Errorf("worker %d: %v", w, err)
				return
			}
		}
	})
	n, err := e.sql.Int(e.Reader, t.Context(), `SELECT count(*) FROM thing WHERE v = 1`)
	if n != jobs || err != nil {
		t.Errorf("%d jobs were claimed once (%v), want all %d", n, err, jobs)
	}
}

func closes(t *testing.T, e engine) {
	running, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := e.InTx(t.Context(), func(tx *store.Tx) error {
			close(running)
			<-release
			return e.add(t.Context(), tx, 1)
		})
		if err != nil {
			t.Errorf("an accepted operation was told %v", err)
		}
	})
	<-running
	wg.Go(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for { // until it refuses what it would not have started anyway
		err := e.InTx(gone, func(*store.Tx) error { return nil })
		if fault.Is(err, fault.Unavailable) && fault.From(err).Code == "closing" {
			break
		}
		runtime.Gosched()
	}
	close(release)
	wg.Wait()
}
