package job

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/keyward/keyward/internal/store"
)

// RunDue does one pass on this goroutine: the tasks whose time has come, then
// every job that is due. Its error is about the queue; what became of a job is
// in the queue and in the log.
func (r *Runner) RunDue(ctx context.Context) error {
	r.campaign(ctx, true)
	for _, t := range r.tasks {
		if t.due(r.clock()) {
			r.runTask(ctx, t)
		}
	}
	for ctx.Err() == nil {
		found, err := r.next(ctx, ctx)
		if err != nil {
			return fmt.Errorf("run due jobs: %w", err)
		}
		if !found {
			return nil
		}
	}
	return ctx.Err()
}

// next does the job that has been due for longest and reports whether there was
// one. It is claimed while claim lasts, and worked on while work does.
func (r *Runner) next(claim, work context.Context) (bool, error) {
	j, err := r.claim(claim)
	if err == nil || store.IsNotFound(err) {
		r.looked.Store(r.clock().UnixMicro())
	}
	if store.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	r.Wake() // there may be another one for another worker
	r.busy.Add(1)
	defer r.busy.Add(-1)
	r.settle(work, j, r.perform(work, j))
	return true, nil
}

// claim looks before it takes: most looks find nothing, and those should not
// disturb the ones who write.
func (r *Runner) claim(ctx context.Context) (store.Job, error) {
	now := r.clock()
	due, err := r.store.NextJobAt(ctx)
	if err != nil {
		return store.Job{}, err
	}
	if due.After(now) {
		return store.Job{}, store.ErrNotFound
	}
	var j store.Job
	err = r.store.InTx(ctx, func(tx *store.Tx) error {
		var err error
		j, err = tx.ClaimJob(ctx, now)
		return err
	})
	return j, err
}

// perform calls the handler. An attempt beyond the last comes only from a job
// that was lost with its process each time; it is not let near another one.
func (r *Runner) perform(ctx context.Context, j store.Job) error {
	if j.Attempts > maxAttempts {
		return Permanent(errors.New("the process ended each time before the job did"))
	}
	h := r.handlers[j.Kind]
	if h == nil {
		return fmt.Errorf("this version does not know jobs of the kind %q", j.Kind)
	}
	ctx, cancel := context.WithTimeout(withRun(ctx, j), jobTime)
	defer cancel()
	return guard(func() error { return h(ctx, j.Payload) })
}

// guard turns a panic into an error: one bad job must not end the server.
func guard(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicked{v, debug.Stack()}
		}
	}()
	return f()
}

// settle writes down what became of a job. It does so even when ctx has ended:
// work that was done must not be done again.
func (r *Runner) settle(ctx context.Context, j store.Job, failure error) {
	ended := ctx.Err() != nil
	ctx = context.WithoutCancel(ctx)
	write := r.outcome(ctx, j, failure, ended)
	if err := r.store.InTx(ctx, write); err != nil {
		r.log.ErrorContext(ctx, "the end of a job could not be noted; it may run again",
			"job", j.ID, "kind", j.Kind, "error", err)
	}
}

// outcome chooses what to write and logs it.
func (r *Runner) outcome(ctx context.Context, j store.Job, failure error, ended bool) func(*store.Tx) error {
	now := r.clock()
	log := r.log.With("job", j.ID, "kind", j.Kind, "attempt", j.Attempts)
	switch {
	case failure == nil:
		log.DebugContext(ctx, "job done")
		r.observe(j.Kind, "done")
		return func(tx *store.Tx) error { return tx.FinishJob(ctx, j, now) }
	case isPermanent(failure), j.Attempts >= maxAttempts:
		log.ErrorContext(ctx, "job given up", details(failure)...)
		r.observe(j.Kind, "given_up")
		return func(tx *store.Tx) error { return tx.FailJob(ctx, j, reason(failure), now) }
	case ended:
		log.InfoContext(ctx, "job interrupted; it runs again")
		r.observe(j.Kind, "interrupted")
		return func(tx *store.Tx) error { return tx.RetryJob(ctx, j, "interrupted", now) }
	}
	r.observe(j.Kind, "again")
	again := now.Add(pause(j.ID, j.Attempts))
	log.WarnContext(ctx, "job failed; it runs again", append(details(failure), "again_at", again)...)
	return func(tx *store.Tx) error { return tx.RetryJob(ctx, j, reason(failure), again) }
}

// details are the log attributes of a failure.
func details(err error) []any {
	if p, ok := errors.AsType[*panicked](err); ok {
		return []any{"error", p.Error(), "stack", string(p.stack)}
	}
	return []any{"error", err}
}

// rescue puts back jobs whose process is gone.
func (r *Runner) rescue(ctx context.Context) error {
	now := r.clock()
	var n int64
	err := r.store.InTx(ctx, func(tx *store.Tx) error {
		var err error
		n, err = tx.RescueJobs(ctx, now.Add(-lostAfter), now)
		return err
	})
	if err == nil && n > 0 {
		r.log.WarnContext(ctx, "jobs were lost with their process; they run again", "jobs", n)
		r.Wake()
	}
	return err
}

// purge removes jobs that ended long ago, in pieces that hold up nobody.
func (r *Runner) purge(ctx context.Context) error {
	before := r.clock().Add(-keepFor)
	for {
		var n int64
		err := r.store.InTx(ctx, func(tx *store.Tx) error {
			var err error
			n, err = tx.PurgeJobs(ctx, before, purgeBatch)
			return err
		})
		if err != nil || n < purgeBatch {
			return err
		}
	}
}
