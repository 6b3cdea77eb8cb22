package storetest

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
)

func aJob(kind, unique string, due time.Time) store.Job {
	return store.Job{
		ID: id.New(), Kind: kind, Payload: json.RawMessage(`{"person_id":"x"}`), UniqueKey: unique,
		State: store.JobWaiting, RunAt: due, CreatedAt: noon,
	}
}

func enqueue(t *testing.T, s *store.Store, j store.Job) (added bool) {
	t.Helper()
	must(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
		added, err = tx.Enqueue(ctx, j)
		return err
	})
	return added
}

func claim(t *testing.T, s *store.Store, now time.Time) (store.Job, error) {
	t.Helper()
	var j store.Job
	err := try(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
		j, err = tx.ClaimJob(ctx, now)
		return err
	})
	return j, err
}

// taken claims the one job that has to be due.
func taken(t *testing.T, s *store.Store, now time.Time) store.Job {
	t.Helper()
	j, err := claim(t, s, now)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func jobs(t *testing.T, s *store.Store) {
	for name, test := range map[string]func(*testing.T, *store.Store, store.Job){
		"one is claimed when it is due, by one":         claimedOnce,
		"one that is done stays done":                   finished,
		"one that failed waits for its next time":       retried,
		"one that is given up is not claimed again":     givenUp,
		"one whose worker is gone comes back":           rescued,
		"one that failed can be hastened":               hastened,
		"a unique key is free again when its job ended": uniqueKey,
	} {
		t.Run(name, func(t *testing.T) {
			j := aJob("mail.reset", "mail.reset:"+name, noon)
			enqueue(t, s, j)
			test(t, s, j)
		})
	}
	t.Run("those that ended are purged in steps", func(t *testing.T) {
		total := int64(0)
		for range 10 {
			must(t, s, func(ctx context.Context, tx *store.Tx) error {
				n, err := tx.PurgeJobs(ctx, noon.Add(time.Hour), 4)
				total += n
				return err
			})
		}
		if _, err := claim(t, s, noon.Add(24*time.Hour)); total < 6 || !store.IsNotFound(err) {
			t.Errorf("%d jobs were purged, then a claim gave %v", total, err)
		}
	})
}

func claimedOnce(t *testing.T, s *store.Store, j store.Job) {
	later := aJob("later", "", noon.Add(time.Minute))
	enqueue(t, s, later)
	due, err := s.NextJobAt(t.Context())
	same(t, noon, due, err)
	_, err = claim(t, s, noon.Add(-time.Microsecond))
	absent(t, err)

	want := j
	want.State, want.ClaimedAt, want.Attempts = store.JobRunning, noon, 1
	got := taken(t, s, noon)
	same(t, want, got, nil)
	stored, err := s.Job(t.Context(), j.ID)
	same(t, want, stored, err)
	_, err = claim(t, s, noon)
	absent(t, err)
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.FinishJob(ctx, got, noon) })

	next := taken(t, s, noon.Add(time.Minute))
	same(t, later.ID, next.ID, nil)
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.FinishJob(ctx, next, noon) })
	_, err = s.NextJobAt(t.Context())
	absent(t, err)
}

func finished(t *testing.T, s *store.Store, j store.Job) {
	got := taken(t, s, noon)
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.FinishJob(ctx, got, noon.Add(time.Second)) })
	stored, err := s.Job(t.Context(), j.ID)
	same(t, store.JobDone, stored.State, err)
	same(t, noon.Add(time.Second), stored.FinishedAt, nil)
	_, err = claim(t, s, noon.Add(time.Hour))
	absent(t, err)
	absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.FinishJob(ctx, got, noon) }))
}

func retried(t *testing.T, s *store.Store, j store.Job) {
	got := taken(t, s, noon)
	again := noon.Add(30 * time.Second)
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.RetryJob(ctx, got, "the server is away", again)
	})
	_, err := claim(t, s, noon)
	absent(t, err)
	got = taken(t, s, again)
	if got.ID != j.ID || got.Attempts != 2 || got.LastError != "the server is away" {
		t.Errorf("claimed again as %+v", got)
	}
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.FinishJob(ctx, got, noon) })
}

func givenUp(t *testing.T, s *store.Store, j store.Job) {
	got := taken(t, s, noon)
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.FailJob(ctx, got, "no such person", noon) })
	stored, err := s.Job(t.Context(), j.ID)
	same(t, store.JobFailed, stored.State, err)
	_, err = claim(t, s, noon.Add(time.Hour))
	absent(t, err)
}

func rescued(t *testing.T, s *store.Store, j store.Job) {
	lost := taken(t, s, noon)
	now := noon.Add(10 * time.Minute)
	for _, want := range []struct {
		before time.Time
		n      int64
	}{{noon, 0}, {now, 1}} {
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			n, err := tx.RescueJobs(ctx, want.before, now)
			same(t, want.n, n, err)
			return nil
		})
	}
	got := taken(t, s, now)
	same(t, j.ID, got.ID, nil)
	// The first worker was only slow: what it says no longer counts.
	absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.FinishJob(ctx, lost, now) }))
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.FinishJob(ctx, got, noon) })
}

func hastened(t *testing.T, s *store.Store, j store.Job) {
	later := aJob("later", "", noon.Add(time.Minute))
	enqueue(t, s, later) // it never ran, so it keeps its time
	got, now := taken(t, s, noon), noon.Add(time.Second)
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.RetryJob(ctx, got, "the server is away", noon.Add(time.Hour))
	})
	for _, want := range []int64{1, 0} {
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			n, err := tx.HastenJobs(ctx, now)
			same(t, want, n, err)
			return nil
		})
	}
	got = taken(t, s, now)
	same(t, j.ID, got.ID, nil)
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.FinishJob(ctx, got, now) })
	_, err := claim(t, s, now)
	absent(t, err)
	got = taken(t, s, noon.Add(time.Minute))
	same(t, later.ID, got.ID, nil)
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.FinishJob(ctx, got, noon) })
}

func uniqueKey(t *testing.T, s *store.Store, j store.Job) {
	again := func() store.Job { return aJob(j.Kind, j.UniqueKey, noon) }
	if enqueue(t, s, again()) {
		t.Error("added while one waits")
	}
	got := taken(t, s, noon)
	if enqueue(t, s, again()) {
		t.Error("added while one runs")
	}
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.FinishJob(ctx, got, noon) })
	if !enqueue(t, s, again()) {
		t.Error("not added though the first has ended")
	}
	got = taken(t, s, noon)
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.FinishJob(ctx, got, noon) })
}

func meta(t *testing.T, s *store.Store) {
	unused := func(t *testing.T, want bool) {
		t.Helper()
		got, err := s.Unused(t.Context())
		same(t, want, got, err)
	}
	unused(t, true)
	_, err := s.Meta(t.Context(), "master_check")
	absent(t, err)
	for _, value := range []string{"one", "two"} {
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SetMeta(ctx, "master_check", value) })
		got, err := s.Meta(t.Context(), "master_check")
		same(t, value, got, err)
	}
	unused(t, false)
}

// used proves that one customer alone makes a database used.
func used(t *testing.T, s *store.Store) {
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.AddCustomer(ctx, account.Customer{ID: id.New(), Name: "First", Status: account.Active, CreatedAt: noon})
	})
	unused, err := s.Unused(t.Context())
	same(t, false, unused, err)
}
