package store

import (
	"context"
	"errors"
	"time"

	"github.com/keyward/keyward/internal/id"
)

// Lead says which process does what one does for all.
type Lead struct {
	Holder id.ID     // "" before the first
	Fence  int64     // rises with each change of holder
	Until  time.Time // from then on others may take it
}

// ErrNotLeading says that another process leads by now. Nothing was written.
var ErrNotLeading = errors.New("store: another process leads")

// Lead returns who leads.
func (r Reader) Lead(ctx context.Context) (Lead, error) {
	return r.lead(ctx, "")
}

func (r Reader) lead(ctx context.Context, lock string) (Lead, error) {
	var l Lead
	err := r.queryRow(ctx, `SELECT holder, fence, until FROM leader WHERE seq = 1`+lock).Scan(&l.Holder, &l.Fence, scanAt(&l.Until))
	if IsNotFound(err) {
		return Lead{}, nil
	}
	return l, err
}

// LockLead returns who leads, which nobody else changes until the transaction
// ends.
func (tx *Tx) LockLead(ctx context.Context) (Lead, error) {
	if _, err := tx.exec(ctx, `INSERT INTO leader (seq, holder, fence, until) VALUES (1, '', 0, 0) ON CONFLICT (seq) DO NOTHING`); err != nil {
		return Lead{}, err
	}
	return tx.lead(ctx, tx.d.lockRow())
}

// SaveLead writes who leads from now on. It waits for what the one before has
// under way.
func (tx *Tx) SaveLead(ctx context.Context, l Lead) error {
	return tx.change(ctx, `UPDATE leader SET holder = $1, fence = $2, until = $3 WHERE seq = 1`, l.Holder, l.Fence, at(l.Until))
}

type fenceKey struct{}

// Leading marks a context as that of work that only the leader does. A
// transaction of such a context begins by making sure that the fence is still
// the same, and it stays so until the end: a process that was asleep while
// another took over writes nothing, and is told ErrNotLeading.
func Leading(ctx context.Context, fence int64) context.Context {
	return context.WithValue(ctx, fenceKey{}, fence)
}

// fenced is fn behind the fence of its context, if it has one.
func fenced(ctx context.Context, fn func(*Tx) error) func(*Tx) error {
	fence, ok := ctx.Value(fenceKey{}).(int64)
	if !ok {
		return fn
	}
	return func(tx *Tx) error {
		l, err := tx.lead(ctx, tx.d.shareRow())
		if err != nil {
			return err
		}
		if l.Fence != fence {
			return ErrNotLeading
		}
		return fn(tx)
	}
}
