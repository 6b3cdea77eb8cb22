package job_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/job"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/store/storetest"
)

// nodes are runners on one PostgreSQL database, with one clock.
func nodes(t *testing.T, n int) (list []queue, url string) {
	url = storetest.Postgres(t)
	c := &clock{at: start}
	for range n {
		q := on(t, storetest.Open(t, store.Options{Database: url}))
		q.clock = c
		q.Runner = job.New(q.Store, c.now, slog.New(slog.NewTextHandler(q.log, nil)))
		t.Cleanup(q.Stop)
		list = append(list, q)
	}
	return list, url
}

// waits returns once a statement waits for a lock in the database.
func waits(t *testing.T, url string) {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Error(err)
		return
	}
	defer db.Close()
	for again := time.Tick(5 * time.Millisecond); t.Context().Err() == nil; <-again {
		var n int
		err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n)
		if err != nil || n > 0 {
			return
		}
	}
}

// Three processes, one leader: it does the tasks, the others wait until it is
// not heard of any more.
func TestOneProcessDoesTheTasks(t *testing.T) {
	list, _ := nodes(t, 3)
	did := make([]int, len(list))
	everywhere := make([]int, len(list))
	for i, q := range list {
		q.Every("once", time.Second, func(context.Context) error { did[i]++; return nil })
		q.Everywhere("each", time.Second, func(context.Context) error { everywhere[i]++; return nil })
	}
	round := func() {
		for _, q := range list {
			q.run(t)
		}
	}
	round()
	list[0].clock.move(5 * time.Second)
	round()
	if did[0] != 2 || did[1]+did[2] != 0 || everywhere[1] != 2 {
		t.Fatalf("tasks were done %v times, those of each process %v", did, everywhere)
	}
	silent := list[0]
	list = list[1:]
	silent.clock.move(9 * time.Second) // it may be slow
	round()
	if did[1]+did[2] != 0 {
		t.Errorf("another process leads too early: %v", did)
	}
	silent.clock.move(time.Second)
	round()
	if did[1] != 1 || did[2] != 0 || !list[0].Leads() || silent.Leads() {
		t.Errorf("nobody took over, or too many: %v", did)
	}
	l, err := silent.Lead(t.Context())
	if err != nil || l.Fence != 2 {
		t.Errorf("lead %+v, %v", l, err)
	}
}

// A leader that slept while another took over writes nothing, and notices.
func TestSleepingLeaderWritesNothing(t *testing.T) {
	list, _ := nodes(t, 2)
	old, next := list[0], list[1]
	var told error
	old.Every("write", time.Second, func(ctx context.Context) error {
		old.clock.move(time.Minute) // it sleeps in the middle of its work
		next.run(t)
		told = old.InTx(ctx, func(tx *store.Tx) error { return tx.SetMeta(ctx, "written", "by the old") })
		return told
	})
	old.run(t)
	if !errors.Is(told, store.ErrNotLeading) {
		t.Errorf("the write was answered %v", told)
	}
	if _, err := old.Meta(t.Context(), "written"); !store.IsNotFound(err) {
		t.Errorf("it was written (%v)", err)
	}
	if !next.Leads() || old.Leads() {
		t.Error("the old leader did not notice")
	}
	if strings.Contains(old.log.String(), "level=ERROR") {
		t.Errorf("to be overtaken is no error:\n%s", old.log)
	}
}

// A takeover waits for what the leader has under way, so that it never commits
// after the new one has begun.
func TestTakeoverWaitsForWhatIsUnderWay(t *testing.T) {
	list, url := nodes(t, 2)
	old, next := list[0], list[1]
	var order []string
	old.Every("write", time.Second, func(ctx context.Context) error {
		taken := make(chan struct{})
		err := old.InTx(ctx, func(tx *store.Tx) error {
			old.clock.move(time.Minute)
			go func() {
				defer close(taken)
				if err := next.RunDue(t.Context()); err != nil {
					t.Error(err)
				}
			}()
			waits(t, url)
			order = append(order, "old")
			return tx.SetMeta(ctx, "written", "by the old")
		})
		<-taken
		return err
	})
	next.Every("take", time.Second, func(context.Context) error { order = append(order, "next"); return nil })
	old.run(t)
	if strings.Join(order, " ") != "old next" {
		t.Errorf("in this order: %v", order)
	}
}

// Whoever stops in good order is followed at once.
func TestStoppedLeaderIsFollowedAtOnce(t *testing.T) {
	list, _ := nodes(t, 2)
	s := &ticks{}
	list[0].TickWith(s.source)
	list[0].Start(t.Context())
	if !list[0].Leads() {
		t.Fatal("the first does not lead")
	}
	list[1].run(t)
	if list[1].Leads() {
		t.Fatal("two lead")
	}
	list[0].Stop()
	list[1].run(t)
	if !list[1].Leads() {
		t.Error("the second does not follow")
	}
}

// SQLite has one server: started again after a crash it does not wait for
// itself.
func TestRestartOnSQLiteLeadsAtOnce(t *testing.T) {
	q := sqlite(t)
	q.run(t)
	again := job.New(q.Store, q.clock.now, slog.New(slog.DiscardHandler))
	if err := again.RunDue(t.Context()); err != nil || !again.Leads() {
		t.Errorf("it does not lead (%v)", err)
	}
}
