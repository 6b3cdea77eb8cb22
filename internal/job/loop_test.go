package job_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/store"
)

// ticks is a source of ticks that come when a test says so.
type ticks struct {
	mu    sync.Mutex
	loops map[time.Duration][]chan time.Time
}

func (s *ticks) source(every time.Duration) (<-chan time.Time, func()) {
	c := make(chan time.Time)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loops == nil {
		s.loops = map[time.Duration][]chan time.Time{}
	}
	s.loops[every] = append(s.loops[every], c)
	return c, func() {}
}

// of returns the ticks of the loops with an interval, each loop's channel.
func (s *ticks) of(every time.Duration) []chan time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loops[every]
}

// manual makes a queue whose loops move by Wake and by the returned ticks only.
func manual(t *testing.T) (queue, *ticks) {
	q, s := sqlite(t), &ticks{}
	q.TickWith(s.source)
	return q, s
}

// signal is a handler that says when it is called.
func signal(c chan<- struct{}) func(context.Context, json.RawMessage) error {
	return func(context.Context, json.RawMessage) error { c <- struct{}{}; return nil }
}

func TestStartedRunnerDoesJobsWhenWoken(t *testing.T) {
	q, _ := manual(t)
	called := make(chan struct{}, 10)
	q.Handle("k", signal(called))
	before := q.enqueue(t, "k", nil)
	q.Start(t.Context())
	<-called
	after := q.enqueue(t, "k", nil)
	q.Wake()
	<-called
	q.Stop()
	q.want(t, before, store.JobDone, 1, "")
	q.want(t, after, store.JobDone, 1, "")
}

func TestStartedRunnerLooksAtEachTick(t *testing.T) {
	q, s := manual(t)
	called, round := make(chan struct{}, 10), make(chan struct{})
	q.Handle("k", signal(called))
	q.Every("round", time.Second, func(context.Context) error { round <- struct{}{}; return nil })
	q.enqueue(t, "k", nil)
	q.Start(t.Context())
	<-called
	<-round // once at the start
	q.enqueue(t, "k", nil)
	s.of(2 * time.Second)[0] <- time.Time{}
	<-called
	for range 3 {
		s.of(time.Second)[0] <- time.Time{}
		<-round
	}
}

func TestTwoJobsAtOnceAndNoMore(t *testing.T) {
	q, _ := manual(t)
	working, release := make(chan struct{}, 10), make(chan struct{})
	q.Handle("k", func(context.Context, json.RawMessage) error {
		working <- struct{}{}
		<-release
		return nil
	})
	for range 6 {
		q.enqueue(t, "k", nil)
	}
	q.Start(t.Context())
	for range 3 {
		<-working
		<-working
		if n := len(working); n != 0 {
			t.Errorf("%d more at the same time", n)
		}
		release <- struct{}{}
		release <- struct{}{}
	}
}

func TestStartAndStopAtAnyTime(t *testing.T) {
	q, s := manual(t)
	called := make(chan struct{}, 10)
	q.Handle("k", signal(called))
	q.Stop()
	q.Start(t.Context())
	q.Start(t.Context())
	q.enqueue(t, "k", nil)
	q.Wake()
	<-called
	q.Stop()
	q.Stop()
	if n := len(s.of(2 * time.Second)); n != 2 {
		t.Errorf("%d workers, want 2", n)
	}
	left := q.enqueue(t, "k", nil)
	q.Wake()
	q.want(t, left, store.JobWaiting, 0, "") // nobody is there
	q.Start(t.Context())
	<-called
	q.Stop()
	q.want(t, left, store.JobDone, 1, "")
}

func TestStopWaitsForTheJobAtWork(t *testing.T) {
	q, _ := manual(t)
	working, release := make(chan struct{}), make(chan struct{})
	q.Handle("k", func(ctx context.Context, _ json.RawMessage) error {
		working <- struct{}{}
		<-release
		return ctx.Err()
	})
	one := q.enqueue(t, "k", nil)
	q.Start(t.Context())
	<-working
	two := q.enqueue(t, "unknown", nil)
	stopped := make(chan struct{})
	go func() { q.Stop(); close(stopped) }()
	select {
	case <-stopped:
		t.Error("Stop did not wait")
	case release <- struct{}{}:
	}
	<-stopped
	q.want(t, one, store.JobDone, 1, "")
	if j := q.job(t, two); j.State == store.JobRunning {
		t.Errorf("a job was taken and left: %v", j)
	}
}

func TestEndOfContextPutsTheJobBack(t *testing.T) {
	q, _ := manual(t)
	working := make(chan struct{})
	q.Handle("k", func(ctx context.Context, _ json.RawMessage) error {
		working <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	})
	one := q.enqueue(t, "k", nil)
	ctx, cancel := context.WithCancel(t.Context())
	q.Start(ctx)
	<-working
	cancel()
	q.Stop()
	q.want(t, one, store.JobWaiting, 1, "interrupted")
	if due := q.job(t, one).RunAt; !due.Equal(start) {
		t.Errorf("due at %v, want now", due)
	}
}

func TestStartHastensJobsThatFailed(t *testing.T) {
	q, _ := manual(t)
	called := make(chan struct{}, 10)
	failure := errors.New("not configured")
	q.Handle("mail", func(context.Context, json.RawMessage) error { called <- struct{}{}; return failure })
	failed := q.enqueue(t, "mail", nil)
	q.run(t)
	<-called
	failure = nil
	q.Start(t.Context())
	<-called
	q.Stop()
	q.want(t, failed, store.JobDone, 2, "")
}
