package job

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
)

const (
	// leadFor is how long a process leads that is not heard of any more.
	leadFor = 10 * time.Second
	// renewEvery leaves time for two attempts that fail.
	renewEvery = 3 * time.Second
)

// reign is whether this process leads: does the tasks that one process does for
// all.
type reign struct {
	holder id.ID

	mu     sync.Mutex
	fence  int64 // 0: not leading
	until  time.Time
	gained chan struct{} // closed when it begins to lead
}

func newReign() *reign { return &reign{holder: id.New(), gained: make(chan struct{})} }

// hold notes that this process leads, or still does.
func (r *reign) hold(l store.Lead) (begins bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	begins = r.fence != l.Fence
	r.fence, r.until = l.Fence, l.Until
	if begins {
		close(r.gained)
		r.gained = make(chan struct{})
	}
	return begins
}

// lose reports whether the process led until now.
func (r *reign) lose() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	led := r.fence != 0
	r.fence = 0
	return led
}

// at returns the fence under which this process leads at an instant.
func (r *reign) at(now time.Time) (fence int64, leads bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fence, r.fence != 0 && now.Before(r.until)
}

func (r *reign) begins() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.gained
}

// Leads reports whether this process does the tasks that one does for all.
func (r *Runner) Leads() bool {
	_, leads := r.reign.at(r.clock())
	return leads
}

// campaign takes the lead where nobody has it, and keeps it where this process
// has. arriving is a process that has just started: it does not wait for the
// one before it on SQLite, which no other process serves, and which the fence
// stops if one does.
func (r *Runner) campaign(ctx context.Context, arriving bool) {
	arriving = arriving && r.store.DatabaseName() == "sqlite"
	l, err := r.seek(ctx, arriving)
	switch {
	case err != nil:
		if ctx.Err() == nil {
			r.log.WarnContext(ctx, "whether this process leads cannot be found out", "error", err)
		}
	case l.Holder != r.reign.holder:
		if r.reign.lose() {
			r.log.InfoContext(ctx, "another process leads now")
		}
	case r.reign.hold(l):
		r.log.DebugContext(ctx, "this process leads", "fence", l.Fence)
	}
}

// seek returns who leads from now on.
func (r *Runner) seek(ctx context.Context, arriving bool) (store.Lead, error) {
	l, err := r.store.Lead(ctx)
	if err != nil || !r.may(l, arriving) {
		return l, err
	}
	err = r.store.InTx(ctx, func(tx *store.Tx) error {
		if l, err = tx.LockLead(ctx); err != nil || !r.may(l, arriving) {
			return err
		}
		if l.Holder != r.reign.holder {
			l.Holder, l.Fence = r.reign.holder, l.Fence+1
		}
		l.Until = r.clock().Add(leadFor)
		return tx.SaveLead(ctx, l)
	})
	return l, err
}

// may reports whether this process may lead after l.
func (r *Runner) may(l store.Lead, arriving bool) bool {
	return l.Holder == r.reign.holder || arriving || !r.clock().Before(l.Until)
}

// abdicate lets another process lead at once.
func (r *Runner) abdicate(ctx context.Context) {
	if !r.reign.lose() {
		return
	}
	err := r.store.InTx(ctx, func(tx *store.Tx) error {
		l, err := tx.LockLead(ctx)
		if err != nil || l.Holder != r.reign.holder {
			return err
		}
		l.Until = r.clock()
		return tx.SaveLead(ctx, l)
	})
	if err != nil {
		r.log.InfoContext(ctx, "the lead ends by itself", "within", leadFor, "error", err)
	}
}

// lead is the loop that keeps this process leading or ready to.
func (r *Runner) lead(loops context.Context) {
	ticks, end := r.ticks(renewEvery)
	defer end()
	for loops.Err() == nil {
		select {
		case <-loops.Done():
		case <-ticks:
			r.campaign(loops, false)
		}
	}
}

// under returns the context for a task, and whether it is this process's to do.
func (r *Runner) under(ctx context.Context, t *task) (context.Context, bool) {
	if t.everywhere {
		return ctx, true
	}
	fence, leads := r.reign.at(r.clock())
	return store.Leading(ctx, fence), leads
}

// usurped notes that a task was refused because another process leads.
func (r *Runner) usurped(ctx context.Context, err error) bool {
	if !errors.Is(err, store.ErrNotLeading) {
		return false
	}
	if r.reign.lose() {
		r.log.InfoContext(ctx, "another process leads now")
	}
	return true
}
