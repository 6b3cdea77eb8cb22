package attempt_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/app/attempt"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/store/storetest"
)

var start = time.Date(2027, 3, 12, 14, 5, 0, 0, time.UTC)

func onBoth(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Run("SQLite", func(t *testing.T) { test(t, storetest.Open(t, store.Options{Dir: storetest.Dir(t)})) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, storetest.Open(t, store.Options{Database: storetest.Postgres(t)})) })
}

// server is a limit as one server has it: what it remembers is its own.
func server(t *testing.T, s *store.Store, burst int) *attempt.Limit {
	t.Helper()
	master, err := signing.LoadMaster(strings.Repeat("5a", 32), "")
	if err != nil {
		t.Fatal(err)
	}
	return attempt.NewCounter(s, master).Limit("test", 10*time.Second, burst)
}

func take(t *testing.T, l *attempt.Limit, who string, now time.Time, want time.Duration) {
	t.Helper()
	if wait, err := l.Take(t.Context(), who, now); err != nil || wait != want {
		t.Errorf("Take(%s) = %v, %v; want %v", who, wait, err, want)
	}
}

// P-AUTH-13
func TestServersCountTogether(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		a, b := server(t, s, 3), server(t, s, 3)
		take(t, a, "x", start, 0)
		take(t, b, "x", start, 0)
		take(t, a, "x", start, 0)
		take(t, b, "x", start, 10*time.Second)
		take(t, a, "y", start, 0)
		if wait, err := a.Wait(t.Context(), "x", start.Add(4*time.Second)); err != nil || wait != 6*time.Second {
			t.Errorf("wait %v, %v", wait, err)
		}
		if wait := b.Refused("x", start.Add(4*time.Second)); wait != 6*time.Second {
			t.Errorf("refused for %v", wait)
		}
		if wait := a.Refused("x", start); wait != 0 {
			t.Errorf("refused for %v by a server that refused nobody", wait)
		}
		take(t, b, "x", start.Add(4*time.Second), 6*time.Second)
		take(t, b, "x", start.Add(10*time.Second), 0)
		take(t, a, "x", start.Add(10*time.Second), 10*time.Second)
		for range 3 { // full again
			take(t, b, "x", start.Add(time.Minute), 0)
		}
	})
}

func TestNeverMoreThanTheBurstAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		const burst = 5
		var mu sync.Mutex
		allowed := 0
		var wg sync.WaitGroup
		for range 3 {
			l := server(t, s, burst)
			for range 10 {
				wg.Go(func() {
					wait, err := l.Take(t.Context(), "x", start)
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					defer mu.Unlock()
					if wait == 0 {
						allowed++
					}
				})
			}
		}
		wg.Wait()
		if allowed != burst {
			t.Errorf("%d attempts were allowed, want %d", allowed, burst)
		}
	})
}

func TestPurgeForgetsWhatSaysNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		l := server(t, s, 2)
		take(t, l, "over", start, 0)
		take(t, l, "open", start, 0)
		take(t, l, "open", start, 0)
		master, err := signing.LoadMaster(strings.Repeat("5a", 32), "")
		if err != nil {
			t.Fatal(err)
		}
		if err := attempt.NewCounter(s, master).Purge(t.Context(), start.Add(10*time.Second)); err != nil {
			t.Fatal(err)
		}
		other := server(t, s, 2)
		take(t, other, "open", start, 10*time.Second)
		// Asked as of the start, what was not forgotten would have one left.
		take(t, other, "over", start, 0)
		take(t, other, "over", start, 0)
		take(t, other, "over", start, 10*time.Second)
	})
}

func TestWaitSpendsNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		l := server(t, s, 1)
		for range 3 {
			if wait, err := l.Wait(t.Context(), "x", start); err != nil || wait != 0 {
				t.Errorf("wait %v, %v", wait, err)
			}
		}
		take(t, l, "x", start, 0)
	})
}
