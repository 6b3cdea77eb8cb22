package job_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/job"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/store/storetest"
)

var start = time.Date(2027, 3, 12, 14, 5, 0, 0, time.UTC)

// clock is a clock that moves when it is told to.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// queue is a store with a clock and a runner on it.
type queue struct {
	*store.Store
	clock *clock
	*job.Runner
	log *bytes.Buffer // read it when nothing runs
}

func sqlite(t *testing.T) queue {
	return on(t, storetest.Open(t, store.Options{Dir: storetest.Dir(t)}))
}

func on(t *testing.T, s *store.Store) queue {
	c, log := &clock{at: start}, &bytes.Buffer{}
	r := job.New(s, c.now, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(r.Stop)
	return queue{s, c, r, log}
}

func (q queue) enqueue(t *testing.T, kind string, payload any) id.ID {
	t.Helper()
	j, err := job.Of(kind, payload, q.clock.now())
	if err != nil {
		t.Fatal(err)
	}
	q.write(t, func(tx *store.Tx) error {
		_, err := tx.Enqueue(t.Context(), j)
		return err
	})
	return j.ID
}

func (q queue) write(t *testing.T, fn func(*store.Tx) error) {
	t.Helper()
	if err := q.InTx(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func (q queue) run(t *testing.T) {
	t.Helper()
	if err := q.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (q queue) job(t *testing.T, jobID id.ID) store.Job {
	t.Helper()
	j, err := q.Job(t.Context(), jobID)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// want fails the test unless the job is in this state after so many attempts.
func (q queue) want(t *testing.T, jobID id.ID, state store.JobState, attempts int, reason string) {
	t.Helper()
	j := q.job(t, jobID)
	got := []any{j.State, j.Attempts, j.LastError}
	if diff := cmp.Diff([]any{state, attempts, reason}, got); diff != "" {
		t.Errorf("job (-want +got):\n%s", diff)
	}
}

func nothing(context.Context, json.RawMessage) error { return nil }

func TestJobIsDoneOnce(t *testing.T) {
	q := sqlite(t)
	var payloads []string
	var runs []job.Run
	q.Handle("greet", func(ctx context.Context, payload json.RawMessage) error {
		payloads = append(payloads, string(payload))
		runs = append(runs, job.Current(ctx))
		return nil
	})
	one := q.enqueue(t, "greet", map[string]string{"person_id": "p1"})
	q.run(t)
	q.run(t)
	if diff := cmp.Diff([]string{`{"person_id":"p1"}`}, payloads); diff != "" {
		t.Errorf("payloads (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]job.Run{{ID: one, CreatedAt: start, Attempt: 1}}, runs); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	q.want(t, one, store.JobDone, 1, "")
	if got := job.Current(t.Context()); got != (job.Run{}) {
		t.Errorf("outside of a handler the current job is %v", got)
	}
}

func TestJobsOfOnePassIncludeThoseTheyLeave(t *testing.T) {
	q := sqlite(t)
	q.Handle("first", func(context.Context, json.RawMessage) error {
		q.enqueue(t, "second", nil)
		return nil
	})
	var second int
	q.Handle("second", func(context.Context, json.RawMessage) error { second++; return nil })
	q.enqueue(t, "first", nil)
	q.run(t)
	if second != 1 {
		t.Errorf("the second job ran %d times", second)
	}
}

func TestFailureIsTriedAgainWithGrowingPauses(t *testing.T) {
	q := sqlite(t)
	failure := errors.New("server away\r\nX: y")
	q.Handle("mail", func(context.Context, json.RawMessage) error { return failure })
	j := q.enqueue(t, "mail", nil)
	last := time.Duration(0)
	for attempt := 1; attempt <= 12; attempt++ {
		q.run(t)
		q.want(t, j, store.JobWaiting, attempt, "server away  X: y")
		pause := q.job(t, j).RunAt.Sub(q.clock.now())
		base := min(15*time.Second<<(attempt-1), time.Hour)
		if pause < base*8/10 || pause > base*12/10 {
			t.Errorf("attempt %d: pause of %v, want about %v", attempt, pause, base)
		}
		if attempt < 8 && pause <= last {
			t.Errorf("attempt %d: pause of %v after one of %v", attempt, pause, last)
		}
		q.clock.move(pause - time.Microsecond)
		q.run(t)
		q.want(t, j, store.JobWaiting, attempt, "server away  X: y") // not a moment too early
		q.clock.move(time.Microsecond)
		last = pause
	}
	failure = nil
	q.run(t)
	q.want(t, j, store.JobDone, 13, "")
}

func TestPausesAreTheSameForTheSameAttempt(t *testing.T) {
	jobs := []id.ID{id.New(), id.New(), id.New()}
	var pauses [2][]time.Time
	for i := range pauses {
		q := sqlite(t)
		q.Handle("k", func(context.Context, json.RawMessage) error { return errors.New("no") })
		for _, j := range jobs {
			q.write(t, func(tx *store.Tx) error {
				_, err := tx.Enqueue(t.Context(), store.Job{ID: j, Kind: "k", Payload: json.RawMessage(`{}`), RunAt: start, CreatedAt: start})
				return err
			})
		}
		q.run(t)
		for _, j := range jobs {
			pauses[i] = append(pauses[i], q.job(t, j).RunAt)
		}
	}
	if diff := cmp.Diff(pauses[0], pauses[1]); diff != "" {
		t.Errorf("first and second time:\n%s", diff)
	}
	if pauses[0][0].Equal(pauses[0][1]) && pauses[0][1].Equal(pauses[0][2]) {
		t.Error("jobs that fail together come back together")
	}
}

func TestGivenUp(t *testing.T) {
	t.Run("a permanent failure at once, with its reason", func(t *testing.T) {
		q := sqlite(t)
		q.Handle("mail", func(context.Context, json.RawMessage) error {
			return fmt.Errorf("send: %w", job.Permanent(errors.New("no such mailbox")))
		})
		j := q.enqueue(t, "mail", nil)
		q.run(t)
		q.want(t, j, store.JobFailed, 1, "send: no such mailbox")
		if got := q.job(t, j).FinishedAt; !got.Equal(start) {
			t.Errorf("finished at %v", got)
		}
	})
	t.Run("after the last attempt", func(t *testing.T) {
		q := sqlite(t)
		var calls int
		q.Handle("mail", func(context.Context, json.RawMessage) error { calls++; return errors.New("away") })
		j := q.enqueue(t, "mail", nil)
		for range 80 {
			q.run(t)
			q.clock.move(2 * time.Hour)
		}
		q.want(t, j, store.JobFailed, 75, "away")
		if calls != 75 {
			t.Errorf("%d calls", calls)
		}
	})
	t.Run("a job that is lost with its process each time", func(t *testing.T) {
		q := sqlite(t)
		q.Handle("deadly", func(context.Context, json.RawMessage) error { t.Error("it ran once more"); return nil })
		j := q.enqueue(t, "deadly", nil)
		for range 75 {
			q.write(t, func(tx *store.Tx) error {
				if _, err := tx.ClaimJob(t.Context(), q.clock.now()); err != nil {
					return err
				}
				_, err := tx.RescueJobs(t.Context(), q.clock.now().Add(time.Hour), q.clock.now())
				return err
			})
		}
		q.run(t)
		q.want(t, j, store.JobFailed, 76, "the process ended each time before the job did")
	})
	t.Run("nothing is not a failure", func(t *testing.T) {
		if err := job.Permanent(nil); err != nil {
			t.Errorf("Permanent(nil) = %v", err)
		}
	})
}

// C-JOB-11
func TestReasonIsForAnOperator(t *testing.T) {
	q := sqlite(t)
	cause := errors.New("535 the server's words")
	q.Handle("mail", func(context.Context, json.RawMessage) error {
		return fault.Wrap(fault.Unavailable, "mail_server_unavailable", "The mail server could not be used.", cause).WithNext("Check --smtp-url.")
	})
	q.Handle("long", func(context.Context, json.RawMessage) error { return errors.New(strings.Repeat("ä", 2000)) })
	mail, long := q.enqueue(t, "mail", nil), q.enqueue(t, "long", nil)
	q.run(t)
	q.want(t, mail, store.JobWaiting, 1, "The mail server could not be used. Check --smtp-url.")
	q.want(t, long, store.JobWaiting, 1, strings.Repeat("ä", 500))
	if !strings.Contains(q.log.String(), cause.Error()) {
		t.Errorf("the cause is not in the log:\n%s", q.log)
	}
}

func TestPanicHarmsNobodyElse(t *testing.T) {
	q := sqlite(t)
	q.Handle("bad", func(context.Context, json.RawMessage) error { panic("boom") })
	q.Handle("good", nothing)
	bad, good := q.enqueue(t, "bad", nil), q.enqueue(t, "good", nil)
	q.run(t)
	q.want(t, bad, store.JobWaiting, 1, "panic: boom")
	q.want(t, good, store.JobDone, 1, "")
	if !strings.Contains(q.log.String(), "job_test.go") {
		t.Errorf("the log does not say where:\n%s", q.log)
	}
}

func TestUnknownKindWaits(t *testing.T) {
	q := sqlite(t)
	j := q.enqueue(t, "of.tomorrow", nil)
	q.run(t)
	q.want(t, j, store.JobWaiting, 1, `this version does not know jobs of the kind "of.tomorrow"`)
}

func TestTwoHandlersForAKindAreAMistake(t *testing.T) {
	q := sqlite(t)
	q.Handle("k", nothing)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	q.Handle("k", nothing)
}

func TestLostJobRunsAgain(t *testing.T) {
	q := sqlite(t)
	q.Handle("k", nothing)
	j := q.enqueue(t, "k", nil)
	var lost store.Job
	q.write(t, func(tx *store.Tx) (err error) { lost, err = tx.ClaimJob(t.Context(), start); return err })
	q.clock.move(14 * time.Minute)
	q.run(t)
	q.want(t, j, store.JobRunning, 1, "") // it may still be at work
	q.clock.move(2 * time.Minute)
	q.run(t)
	q.want(t, j, store.JobDone, 2, "")
	err := q.InTx(t.Context(), func(tx *store.Tx) error { return tx.FinishJob(t.Context(), lost, start) })
	if !store.IsNotFound(err) {
		t.Errorf("the lost claim still counts: %v", err)
	}
}

// ended leaves n jobs that are done.
func (q queue) ended(t *testing.T, n int) []id.ID {
	var ids []id.ID
	q.write(t, func(tx *store.Tx) error {
		ids = nil
		for range n {
			j := store.Job{ID: id.New(), Kind: "k", Payload: json.RawMessage(`{}`), RunAt: start, CreatedAt: start}
			if _, err := tx.Enqueue(t.Context(), j); err != nil {
				return err
			}
			claimed, err := tx.ClaimJob(t.Context(), start)
			if err != nil {
				return err
			}
			if err := tx.FinishJob(t.Context(), claimed, start); err != nil {
				return err
			}
			ids = append(ids, j.ID)
		}
		return nil
	})
	return ids
}

func TestOldJobsAreRemoved(t *testing.T) {
	q := sqlite(t)
	q.Handle("k", nothing)
	old := q.ended(t, 600) // more than one piece
	q.clock.move(29 * 24 * time.Hour)
	recent, waits := q.enqueue(t, "k", nil), q.enqueue(t, "unknown", nil)
	q.run(t)
	q.want(t, old[0], store.JobDone, 1, "")
	q.clock.move(25 * time.Hour)
	q.run(t)
	for _, j := range []id.ID{old[0], old[599]} {
		if _, err := q.Job(t.Context(), j); !store.IsNotFound(err) {
			t.Errorf("an old job is there: %v", err)
		}
	}
	q.want(t, recent, store.JobDone, 1, "")
	if got := q.job(t, waits).State; got != store.JobWaiting {
		t.Errorf("a job that did not end is %s", got)
	}
}

func TestTasksComeRound(t *testing.T) {
	q := sqlite(t)
	var minutes, hours int
	q.Every("minute", time.Minute, func(context.Context) error { minutes++; panic("boom") })
	q.Every("hour", time.Hour, func(context.Context) error { hours++; return errors.New("away") })
	for range 121 {
		q.run(t)
		q.run(t)
		q.clock.move(time.Minute)
	}
	if minutes != 121 || hours != 3 {
		t.Errorf("%d times by the minute and %d by the hour, want 121 and 3", minutes, hours)
	}
	if log := q.log.String(); !strings.Contains(log, "task=hour") || !strings.Contains(log, "panic: boom") {
		t.Errorf("failures are not in the log:\n%s", log)
	}
}

func TestRunDueSaysThatTheQueueIsAway(t *testing.T) {
	q := sqlite(t)
	q.enqueue(t, "k", nil)
	q.Close()
	if err := q.RunDue(t.Context()); err == nil {
		t.Error("no error")
	}
}

// Two processes share the queue of a PostgreSQL server.
func TestEachJobGoesToOneRunner(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { eachJobOnce(t, storetest.Open(t, store.Options{Dir: storetest.Dir(t)})) })
	t.Run("PostgreSQL", func(t *testing.T) { eachJobOnce(t, storetest.Open(t, store.Options{Database: storetest.Postgres(t)})) })
}

func eachJobOnce(t *testing.T, s *store.Store) {
	const jobs, runners = 60, 4
	var mu sync.Mutex
	done := map[string]int{}
	var wg sync.WaitGroup
	first := on(t, s)
	for n := range jobs {
		first.enqueue(t, "k", n)
	}
	for range runners {
		q := on(t, s)
		q.Handle("k", func(_ context.Context, payload json.RawMessage) error {
			mu.Lock()
			defer mu.Unlock()
			done[string(payload)]++
			return nil
		})
		wg.Go(func() {
			if err := q.RunDue(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(done) != jobs {
		t.Errorf("%d jobs were done, want %d", len(done), jobs)
	}
	for payload, times := range done {
		if times != 1 {
			t.Errorf("job %s was done %d times", payload, times)
		}
	}
}
