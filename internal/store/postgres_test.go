package store

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/pgtest"
)

func openPostgresThings(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{Database: pgtest.URL(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	mustExec(t, s, `CREATE TABLE thing (n BIGINT PRIMARY KEY, v BIGINT NOT NULL DEFAULT 0)`)
	return s
}

// The server ends one of two transactions that wait for each other. Its caller
// does not notice, even where the function hid the error.
func TestLostConflictRunsAgain(t *testing.T) {
	s := openPostgresThings(t)
	mustExec(t, s, `INSERT INTO thing (n) VALUES (1), (2)`)
	locked := [2]chan struct{}{make(chan struct{}), make(chan struct{})}
	var runs [2]int
	var wg sync.WaitGroup
	for me := range 2 {
		wg.Go(func() {
			err := s.InTx(t.Context(), func(tx *Tx) error {
				runs[me]++
				raise := func(n int) error {
					_, err := tx.exec(t.Context(), `UPDATE thing SET v = v + 1 WHERE n = $1`, n)
					return err
				}
				if err := raise(1 + me); err != nil {
					return errors.New("hidden")
				}
				if runs[me] == 1 {
					close(locked[me])
					<-locked[1-me]
				}
				if err := raise(2 - me); err != nil {
					return errors.New("hidden")
				}
				return nil
			})
			if err != nil {
				t.Errorf("transaction %d was told %v", me, err)
			}
		})
	}
	wg.Wait()
	if runs[0]+runs[1] != 3 {
		t.Errorf("ran %v times, want one of them twice", runs)
	}
	if n, err := first(s.queryRow(t.Context(), `SELECT count(*) FROM thing WHERE v = 2`), value[int]); n != 2 || err != nil {
		t.Errorf("%d rows were raised by both (%v), want 2", n, err)
	}
}

func TestConflictThatIsLostAlwaysEndsBusy(t *testing.T) {
	s := openPostgresThings(t)
	runs := 0
	err := s.InTx(t.Context(), func(tx *Tx) error {
		runs++
		_, err := tx.exec(t.Context(), `DO $$ BEGIN RAISE SQLSTATE '40001'; END $$`)
		return err
	})
	if f := fault.From(err); f.Kind != fault.Unavailable || f.Code != "busy" || f.RetryAfter <= 0 || runs != txAttempts {
		t.Errorf("told %v after %d runs, want busy after %d", err, runs, txAttempts)
	}
}

func TestLostConnectionIsUnavailable(t *testing.T) {
	s := openPostgresThings(t)
	err := s.InTx(t.Context(), func(tx *Tx) error {
		if err := add(tx, 1); err != nil {
			return err
		}
		pid, err := first(tx.queryRow(t.Context(), `SELECT pg_backend_pid()`), value[int])
		if err != nil {
			return err
		}
		if _, err := first(s.queryRow(t.Context(), `SELECT pg_terminate_backend($1)`, pid), value[bool]); err != nil {
			return err
		}
		return add(tx, 2)
	})
	if f := fault.From(err); f.Kind != fault.Unavailable || f.Code != "database_unavailable" {
		t.Errorf("told %v, want database_unavailable", err)
	}
	mustExec(t, s, `INSERT INTO thing (n) VALUES (3)`)
	if got := things(t, s); len(got) != 1 {
		t.Errorf("things %v, want the one written after", got)
	}
}

// After a restart of the server the pool is full of dead connections. Nothing
// had begun on them, so nobody needs to hear of it.
func TestDeadConnectionsInThePoolAreNotNoticed(t *testing.T) {
	url := pgtest.URL(t)
	open := func() *Store {
		s, err := Open(t.Context(), Options{Database: url})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	s, killer := open(), open()
	mustExec(t, s, `CREATE TABLE thing (n BIGINT PRIMARY KEY)`)
	_, err := first(killer.queryRow(t.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid()`), value[int])
	if err != nil {
		t.Fatal(err)
	}
	mustExec(t, s, `INSERT INTO thing (n) VALUES (1)`)
}

func TestCallerThatLeavesTheWaitForAConnectionIsSkipped(t *testing.T) {
	s := openPostgresThings(t)
	s.db.SetMaxOpenConns(1)
	ctx, cancel := context.WithCancel(t.Context())
	err := s.InTx(t.Context(), func(*Tx) error {
		left := make(chan error)
		go func() {
			left <- s.InTx(ctx, func(*Tx) error {
				t.Error("the function ran")
				return nil
			})
		}()
		for s.db.Stats().WaitCount == 0 {
			yield()
		}
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("told %v, want context.Canceled", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestServerThatIsNotThereIsUnavailable(t *testing.T) {
	_, err := Open(t.Context(), Options{Database: "postgres://nobody:hush@127.0.0.1:1/keyward?connect_timeout=1"})
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v, want Unavailable", err)
	}
}

func TestURLOverridesOurSettings(t *testing.T) {
	config, err := postgresConfig("postgres://localhost/keyward?lock_timeout=3s")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"lock_timeout": "3s", "statement_timeout": "30s", "application_name": "keyward"} {
		if got := config.RuntimeParams[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if config.DefaultQueryExecMode != pgx.QueryExecModeCacheStatement {
		t.Errorf("the execution mode is %v", config.DefaultQueryExecMode)
	}
}
