package store

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/fault"
)

// Every connection of the pools has its settings, because they stand in the
// data source name: a PRAGMA statement once reached one of two connections.
func TestEveryConnectionHasItsPragmas(t *testing.T) {
	s := openThings(t)
	const text = `SELECT 'journal ' || journal_mode FROM pragma_journal_mode
		UNION ALL SELECT 'synchronous ' || synchronous FROM pragma_synchronous
		UNION ALL SELECT 'foreign_keys ' || foreign_keys FROM pragma_foreign_keys
		UNION ALL SELECT 'query_only ' || query_only FROM pragma_query_only`
	want := []string{"journal wal", "synchronous 2", "foreign_keys 1", "query_only 1"}
	for range 4 { // held, so that each is another connection
		conn, err := s.db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		got := pragmaValues(t, Reader{q: conn, d: s.d}, text)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("a reader (-want +got):\n%s", diff)
		}
	}
	want[3] = "query_only 0"
	err := s.InTx(t.Context(), func(tx *Tx) error {
		if diff := cmp.Diff(want, pragmaValues(t, tx.Reader, text)); diff != "" {
			t.Errorf("the writer (-want +got):\n%s", diff)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func pragmaValues(t *testing.T, r Reader, text string) []string {
	t.Helper()
	rs, err := r.query(t.Context(), text)
	all, err := collect(rs, err, value[string])
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestReadersCannotWrite(t *testing.T) {
	s := openThings(t)
	if _, err := first(s.queryRow(t.Context(), `INSERT INTO thing (n) VALUES (1) RETURNING n`), value[int]); err == nil {
		t.Error("a reader wrote")
	}
	if got := things(t, s); len(got) > 0 {
		t.Errorf("things %v", got)
	}
}

// A program beside the server, such as a command, may hold the write lock.
func TestLockHeldByAnotherProcessIsWaitedFor(t *testing.T) {
	dir := t.TempDir()
	one, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	two, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	mustExec(t, one, `CREATE TABLE thing (n INTEGER PRIMARY KEY) STRICT`)
	held, free, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		done <- one.InTx(t.Context(), func(tx *Tx) error {
			close(held)
			<-free
			return add(tx, 1)
		})
	}()
	<-held
	go func() {
		done <- two.InTx(t.Context(), func(tx *Tx) error { return add(tx, 2) })
	}()
	close(free)
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff([]int64{1, 2}, things(t, one)); diff != "" {
		t.Error(diff)
	}
}

func TestLockHeldTooLongIsBusy(t *testing.T) {
	s := openThings(t)
	other := sqliteDB(databasePath(t, s), []string{"busy_timeout(1)"}, "immediate", 1)
	defer other.Close()
	err := s.InTx(t.Context(), func(*Tx) error {
		_, err := other.BeginTx(t.Context(), nil)
		return s.d.translate(err)
	})
	if f := fault.From(err); f.Code != "busy" || f.Kind != fault.Unavailable {
		t.Errorf("got %v, want Unavailable busy", err)
	}
}

func databasePath(t *testing.T, s *Store) string {
	t.Helper()
	path, err := first(s.queryRow(t.Context(), `SELECT file FROM pragma_database_list WHERE name = 'main'`), value[string])
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// The log is copied in the background and emptied once it is long, even while
// the store is never idle.
func TestLongLogIsEmptied(t *testing.T) {
	s := openThings(t)
	mustExec(t, s, `CREATE TABLE wide (b TEXT NOT NULL) STRICT`)
	s.writer.check.limit.Store(64)
	text := strings.Repeat("x", 3000)
	fill := func() {
		mustExec(t, s, `INSERT INTO wide (b) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT $1 FROM n`, text)
	}
	fill()
	waitForLog(t, s, func(pages int64) bool { return pages == 0 })

	// A long read keeps the log; that costs no more than a try.
	err := s.Snapshot(t.Context(), func(r Reader) error {
		if _, err := first(r.queryRow(t.Context(), `SELECT count(*) FROM wide`), value[int]); err != nil {
			return err
		}
		s.writer.check.limit.Store(64)
		fill()
		for s.writer.check.limit.Load() == 64 {
			yield()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if limit := s.writer.check.limit.Load(); limit < longLog {
		t.Errorf("the limit is %d pages after a blocked try, want a longer one", limit)
	}
	s.writer.check.limit.Store(64)
	fill()
	waitForLog(t, s, func(pages int64) bool { return pages == 0 })
}

// waitForLog waits until the log has so many pages.
func waitForLog(t *testing.T, s *Store, ok func(int64) bool) {
	t.Helper()
	for {
		pages, _, err := s.writer.check.checkpoint(context.Background(), "NOOP")
		if err != nil {
			t.Fatal(err)
		}
		if ok(pages) {
			return
		}
		yield()
	}
}

// What is read in a snapshot is prepared after it, never during: with every
// connection in a snapshot that would wait for ever.
func TestSnapshotsOnEveryConnectionDoNotWaitForEachOther(t *testing.T) {
	s := openThings(t)
	const text = `SELECT count(*) FROM thing WHERE n > $1`
	all := s.db.Stats().MaxOpenConnections
	var began sync.WaitGroup
	began.Add(all)
	read := func() {
		err := s.Snapshot(t.Context(), func(r Reader) error {
			began.Done()
			began.Wait()
			_, err := first(r.queryRow(t.Context(), text, 0), value[int])
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	parallel(all, read)
	if stmt, _ := s.q.(*pool).kept(text); stmt == nil {
		t.Error("the statement was not kept")
	}
	began.Add(all)
	parallel(all, read)
}

func TestManyTextsAreNotKept(t *testing.T) {
	s := openThings(t)
	for i := range statementsKept + 10 {
		if _, err := first(s.queryRow(t.Context(), fmt.Sprintf(`SELECT %d`, i)), value[int]); err != nil {
			t.Fatal(err)
		}
		err := s.InTx(t.Context(), func(tx *Tx) error {
			_, err := first(tx.queryRow(t.Context(), fmt.Sprintf(`SELECT %d`, i)), value[int])
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.q.(*pool).prepared); n > statementsKept {
		t.Errorf("the readers keep %d statements", n)
	}
	if n := len(s.writer.s.prepared); n > statementsKept {
		t.Errorf("the writer keeps %d statements", n)
	}
}
