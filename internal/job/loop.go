package job

import (
	"context"
	"sync"
	"time"

	"github.com/keyward/keyward/internal/store"
)

// Ticks makes a source of ticks, one about every interval, and what ends it.
type Ticks func(every time.Duration) (ticks <-chan time.Time, end func())

func clockTicks(every time.Duration) (<-chan time.Time, func()) {
	t := time.NewTicker(every)
	return t.C, t.Stop
}

// TickWith replaces the source of ticks, which is the system's clock, before
// the runner starts.
func (r *Runner) TickWith(t Ticks) { r.ticks = t }

// task is work that comes round.
type task struct {
	name  string
	every time.Duration
	do    func(context.Context) error

	everywhere bool // also where this process does not lead

	mu   sync.Mutex // held while it runs
	next time.Time
}

// Every has do called in the one process that leads: when it begins to lead and
// then at the interval, never twice at the same time. What do writes is refused
// with store.ErrNotLeading once another process leads. An error is logged and
// does not change the rounds.
func (r *Runner) Every(name string, interval time.Duration, do func(context.Context) error) {
	r.tasks = append(r.tasks, &task{name: name, every: interval, do: do})
}

// Everywhere has do called in each process, at the start and then at the
// interval, for what a process has in its memory.
func (r *Runner) Everywhere(name string, interval time.Duration, do func(context.Context) error) {
	r.tasks = append(r.tasks, &task{name: name, every: interval, do: do, everywhere: true})
}

func (t *task) due(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !now.Before(t.next)
}

func (r *Runner) runTask(ctx context.Context, t *task) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ctx, ours := r.under(ctx, t)
	if !ours {
		return
	}
	t.next = r.clock().Add(t.every)
	err := guard(func() error { return t.do(ctx) })
	if err != nil && ctx.Err() == nil && !r.usurped(ctx, err) {
		r.log.ErrorContext(ctx, "a periodic task failed; it comes round again", append(details(err), "task", t.name)...)
	}
}

// Start runs workers and tasks in the background until Stop or until ctx ends.
// While they run, a second Start does nothing.
//
// An end of ctx interrupts the handlers at work; their jobs run again later.
func (r *Runner) Start(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.end != nil {
		return
	}
	r.looked.Store(r.clock().UnixMicro())
	r.campaign(ctx, true)
	loops, end := context.WithCancel(ctx)
	r.end = end
	for range workers {
		r.inside.Go(func() { r.work(loops, ctx) })
	}
	for _, t := range r.tasks {
		r.inside.Go(func() { r.repeat(loops, t) })
	}
	r.inside.Go(func() { r.hasten(loops) })
	r.inside.Go(func() { r.lead(loops) })
}

// Stop takes no more jobs and waits for those at work, unless the context of
// Start ends first. It may be called at any time and any number of times; the
// runner can be started again.
func (r *Runner) Stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.end == nil {
		return
	}
	r.end()
	r.inside.Wait()
	r.end = nil
	ctx, done := context.WithTimeout(context.Background(), renewEvery)
	defer done()
	r.abdicate(ctx)
}

// work is the loop of one worker.
func (r *Runner) work(loops, ctx context.Context) {
	ticks, end := r.ticks(pollEvery)
	defer end()
	away := false // the queue was out of reach at the last look
	for loops.Err() == nil {
		found, err := r.next(loops, ctx)
		if err != nil && !away && loops.Err() == nil {
			r.log.ErrorContext(ctx, "the job queue is out of reach", "error", err)
		}
		away = err != nil
		if found {
			continue
		}
		select {
		case <-loops.Done():
		case <-ticks:
		case <-r.wake:
		}
	}
}

// repeat is the loop of one task.
func (r *Runner) repeat(loops context.Context, t *task) {
	ticks, end := r.ticks(t.every)
	defer end()
	for loops.Err() == nil {
		begins := r.reign.begins()
		r.runTask(loops, t)
		select {
		case <-loops.Done():
		case <-ticks:
		case <-begins:
		}
	}
}

// hasten has jobs that failed tried at once: whoever starts the server anew has
// often just repaired what they failed at.
func (r *Runner) hasten(ctx context.Context) {
	now := r.clock()
	err := r.store.InTx(ctx, func(tx *store.Tx) error {
		_, err := tx.HastenJobs(ctx, now)
		return err
	})
	if err != nil && ctx.Err() == nil {
		r.log.WarnContext(ctx, "jobs that wait for another attempt could not be hastened", "error", err)
	}
	r.Wake()
}
