package load

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// caller is one device: a connection of its own from an address of its own, so
// that what is limited per address does not limit the measurement.
type caller struct {
	http *http.Client
	auth string
}

// newCaller makes the caller number n, which asks from 127.1.x.y.
func newCaller(n int, token string) caller {
	local := &net.TCPAddr{IP: net.IPv4(127, 1, byte(n/250), byte(1+n%250))}
	dialer := net.Dialer{LocalAddr: local}
	return caller{
		http: &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}, Timeout: time.Minute},
		auth: "Bearer " + token,
	}
}

// post returns the status of the answer and what it says.
func (c caller) post(ctx context.Context, url string, body []byte) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", c.auth)
	answer, err := c.http.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	return answer.StatusCode, said, err
}

// outcome is what came of many requests.
type outcome struct {
	asked    int
	took     time.Duration // all together
	each     []time.Duration
	statuses map[int]int
}

func (o outcome) rate() float64 { return float64(o.asked) / o.took.Seconds() }

// within is how long the fastest of that share took, 0.99 for the 99th
// percentile.
func (o outcome) within(share float64) time.Duration {
	if len(o.each) == 0 {
		return 0
	}
	return o.each[min(int(float64(len(o.each))*share), len(o.each)-1)]
}

func (o outcome) failed() int { return o.asked - o.statuses[http.StatusOK] }

// ledger collects the outcome of requests from many goroutines.
type ledger struct {
	mu sync.Mutex
	o  outcome
}

func (l *ledger) note(status int, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.o.statuses == nil {
		l.o.statuses = map[int]int{}
	}
	l.o.asked++
	l.o.each = append(l.o.each, took)
	l.o.statuses[status]++
}

func (l *ledger) close(took time.Duration) outcome {
	slices.Sort(l.o.each)
	l.o.took = took
	return l.o
}

// request asks for the thing number i and returns the status of the answer.
type request func(ctx context.Context, by caller, i int) (int, error)

// closed sends requests from each caller as soon as it has its last answer, for
// a while.
func closed(ctx context.Context, callers []caller, lasting time.Duration, ask request) (outcome, error) {
	var next atomic.Int64
	end := time.Now().Add(lasting)
	return all(callers, func(l *ledger, by caller) error {
		for time.Now().Before(end) && ctx.Err() == nil {
			if err := timed(ctx, l, time.Now(), by, int(next.Add(1)-1), ask); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
}

// open sends requests at a rate, whether or not the ones before are answered: a
// request that has to wait for a caller counts from when it was due.
func open(ctx context.Context, callers []caller, perSecond int, lasting time.Duration, ask request) (outcome, error) {
	var next atomic.Int64
	begun, total := time.Now(), int64(float64(perSecond)*lasting.Seconds())
	return all(callers, func(l *ledger, by caller) error {
		for i := next.Add(1) - 1; i < total; i = next.Add(1) - 1 {
			due := begun.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
			if err := until(ctx, due); err != nil {
				return err
			}
			if err := timed(ctx, l, due, by, int(i), ask); err != nil {
				return err
			}
		}
		return nil
	})
}

func until(ctx context.Context, due time.Time) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Until(due)):
		return nil
	}
}

func timed(ctx context.Context, l *ledger, since time.Time, by caller, i int, ask request) error {
	status, err := ask(ctx, by, i)
	if err != nil {
		return fmt.Errorf("request %d: %w", i, err)
	}
	l.note(status, time.Since(since))
	return nil
}

// all lets the callers work at once and returns what came of it; one that fails
// fails the measurement.
func all(callers []caller, work func(*ledger, caller) error) (outcome, error) {
	var l ledger
	var group sync.WaitGroup
	failures := make([]error, len(callers))
	begun := time.Now()
	for i, by := range callers {
		group.Go(func() { failures[i] = work(&l, by) })
	}
	group.Wait()
	for _, err := range failures {
		if err != nil {
			return outcome{}, err
		}
	}
	return l.close(time.Since(begun)), nil
}
