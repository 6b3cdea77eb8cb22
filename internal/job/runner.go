package job

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
)

const (
	workers = 2
	// pollEvery is how soon a job is noticed that another process left.
	pollEvery = 2 * time.Second
	// jobTime is how long a handler may take. It is well below lostAfter, so that
	// a job still at work is never taken for a lost one.
	jobTime   = 5 * time.Minute
	lostAfter = 15 * time.Minute
	// keepFor is how long jobs that ended can be looked up.
	keepFor    = 30 * 24 * time.Hour
	purgeBatch = 500
)

// Handler does the work of one kind of job. It may be called again for the same
// job. An error means that the work is to be tried again, unless it is
// Permanent; its text is kept and logged, so it holds no secrets.
type Handler func(ctx context.Context, payload json.RawMessage) error

// Runner takes jobs from the queue and hands them to their handlers. Set it up
// with Handle and Every, then either Start it or call RunDue.
type Runner struct {
	store    *store.Store
	now      func() time.Time
	log      *slog.Logger
	ticks    Ticks
	handlers map[string]Handler
	tasks    []*task
	wake     chan struct{}
	observe  func(kind, outcome string)
	looked   atomic.Int64 // when a worker last reached the queue, in µs
	busy     atomic.Int32 // workers with a job in hand
	reign    *reign

	mu     sync.Mutex
	end    context.CancelFunc // of the loops; nil when none run
	inside sync.WaitGroup
}

// New makes a runner without handlers. It looks after the queue itself: it puts
// back lost jobs and removes old ones.
func New(s *store.Store, now func() time.Time, log *slog.Logger) *Runner {
	r := &Runner{
		store: s, now: now, log: log, ticks: clockTicks,
		handlers: map[string]Handler{},
		wake:     make(chan struct{}, 1),
		observe:  func(string, string) {},
		reign:    newReign(),
	}
	r.Every("job.rescue", time.Minute, r.rescue)
	r.Every("job.purge", time.Hour, r.purge)
	return r
}

// Handle sets the handler of a kind of job. It panics when the kind has one:
// that is a mistake in how the program is put together.
func (r *Runner) Handle(kind string, h Handler) {
	if r.handlers[kind] != nil {
		panic("job: two handlers for " + kind)
	}
	r.handlers[kind] = h
}

// Observe has f told about each attempt at a job: "done", "again", "given_up" or
// "interrupted". Set it before the runner starts.
func (r *Runner) Observe(f func(kind, outcome string)) { r.observe = f }

// lookWithin is how recently a worker at leisure has looked at the queue.
const lookWithin = 15 * pollEvery

// Alive reports whether jobs are being worked on: a worker has one in hand, or
// has reached the queue a short while ago.
func (r *Runner) Alive() bool {
	return r.busy.Load() > 0 || r.clock().Sub(time.UnixMicro(r.looked.Load())) < lookWithin
}

// Wake has the queue looked at now. Call it after the commit of a transaction
// that left a job; without it the job waits for the next regular look.
func (r *Runner) Wake() {
	select {
	case r.wake <- struct{}{}:
	default: // somebody is about to look already
	}
}

// Of makes a job of a kind that is due at once, for store.Tx.Enqueue. The
// payload holds ids and codes only.
func Of(kind string, payload any, now time.Time) (store.Job, error) {
	b, err := json.Marshal(payload)
	if err != nil {
		return store.Job{}, fmt.Errorf("encode the payload of job %s: %w", kind, err)
	}
	return store.Job{ID: id.New(), Kind: kind, Payload: b, RunAt: now, CreatedAt: now}, nil
}

// clock is the time as precise as the store keeps it.
func (r *Runner) clock() time.Time { return r.now().UTC().Truncate(time.Microsecond) }
