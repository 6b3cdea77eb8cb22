package ratelimit_test

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/ratelimit"
)

func TestLimit(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	try := func(t *testing.T, l *ratelimit.Limit, key string, at time.Time, want bool, wantWait time.Duration) {
		t.Helper()
		// The limiter counts in fractions; a millisecond is exact enough.
		if wait := l.Take(key, at); (wait == 0) != want || wait.Round(time.Millisecond) != wantWait {
			t.Errorf("Take(%s) = %v; want %v", key, wait, wantWait)
		}
	}
	t.Run("allows a burst, then one per interval", func(t *testing.T) {
		l := ratelimit.New(10*time.Second, 3, 100)
		for range 3 {
			try(t, l, "a", start, true, 0)
		}
		try(t, l, "a", start, false, 10*time.Second)
		try(t, l, "a", start.Add(4*time.Second), false, 6*time.Second)
		try(t, l, "a", start.Add(10*time.Second), true, 0)
		try(t, l, "a", start.Add(10*time.Second), false, 10*time.Second)
	})
	t.Run("refused attempts do not make the wait longer", func(t *testing.T) {
		l := ratelimit.New(10*time.Second, 1, 100)
		try(t, l, "a", start, true, 0)
		for range 50 {
			try(t, l, "a", start, false, 10*time.Second)
		}
		try(t, l, "a", start.Add(10*time.Second), true, 0)
	})
	t.Run("one key does not use up another's", func(t *testing.T) {
		l := ratelimit.New(time.Minute, 1, 100)
		try(t, l, "a", start, true, 0)
		try(t, l, "b", start, true, 0)
		try(t, l, "a", start, false, time.Minute)
	})
	t.Run("when full it forgets the one idle for longest and refuses nobody new", func(t *testing.T) {
		l := ratelimit.New(time.Minute, 1, 2)
		try(t, l, "a", start, true, 0)
		try(t, l, "b", start, true, 0)
		try(t, l, "a", start, false, time.Minute)
		try(t, l, "c", start, true, 0)            // forgets b
		try(t, l, "a", start, false, time.Minute) // still known
		try(t, l, "b", start, true, 0)            // new again, forgets c
		try(t, l, "a", start, false, time.Minute)
	})
	t.Run("is safe for concurrent use and never allows more than the burst", func(t *testing.T) {
		l := ratelimit.New(time.Minute, 5, 10)
		var allowed [8]int
		var wg sync.WaitGroup
		for worker := range allowed {
			wg.Go(func() {
				for i := range 100 {
					l.Take(fmt.Sprint("other", i%5), start)
					if l.Take("a", start) == 0 {
						allowed[worker]++
					}
				}
			})
		}
		wg.Wait()
		total := 0
		for _, n := range allowed {
			total += n
		}
		if total != 5 {
			t.Errorf("%d attempts were allowed, want 5", total)
		}
	})
	t.Run("a limit that cannot work is refused at start", func(t *testing.T) {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		ratelimit.New(time.Minute, 0, 10)
	})
}

func TestBucket(t *testing.T) {
	for addr, want := range map[string]string{
		"203.0.113.7":         "203.0.113.7/32",
		"::ffff:203.0.113.7":  "203.0.113.7/32",
		"2001:db8:1:2:3::4":   "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::": "2001:db8:1:2::/64",
	} {
		if got := ratelimit.Bucket(netip.MustParseAddr(addr)); got.String() != want {
			t.Errorf("Bucket(%s) = %v, want %s", addr, got, want)
		}
	}
	if got := ratelimit.Bucket(netip.Addr{}); got.IsValid() {
		t.Errorf("Bucket of nothing = %v", got)
	}
}

func TestWaitSpendsNothing(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	l := ratelimit.New(10*time.Second, 2, 100)
	for spent, want := range []time.Duration{0, 0, 10 * time.Second} {
		for range 5 {
			if wait := l.Wait("key", now); wait != want {
				t.Errorf("after %d attempts the wait is %v, want %v", spent, wait, want)
			}
		}
		l.Take("key", now)
	}
	if wait := l.Wait("key", now.Add(10*time.Second)); wait != 0 {
		t.Errorf("later the wait is %v", wait)
	}
}
