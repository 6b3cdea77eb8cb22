package job_test

import (
	"testing"
	"time"
)

func TestRunnerIsAliveWhileItReachesTheQueue(t *testing.T) {
	q := sqlite(t)
	if q.Alive() {
		t.Error("alive before it began")
	}
	q.run(t)
	if !q.Alive() {
		t.Error("not alive after a look")
	}
	q.clock.move(time.Minute)
	if q.Alive() {
		t.Error("alive a minute after its last look")
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	if err := q.RunDue(t.Context()); err == nil || q.Alive() {
		t.Errorf("alive without a queue (%v)", err)
	}
}

func TestAttemptsAreObserved(t *testing.T) {
	q := sqlite(t)
	heard := map[string]int{}
	q.Observe(func(kind, outcome string) { heard[kind+" "+outcome]++ })
	q.Handle("good", nothing)
	q.enqueue(t, "good", nil)
	q.enqueue(t, "unknown", nil)
	q.run(t)
	if heard["good done"] != 1 || heard["unknown again"] != 1 || len(heard) != 2 {
		t.Errorf("heard %v", heard)
	}
}
