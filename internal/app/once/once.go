package once

import (
	"context"
	"crypto/subtle"
	"errors"
	"strconv"
	"time"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
)

// life is how long a retry is recognized.
const life = 24 * time.Hour

// Request is a request that is done once.
type Request struct {
	Scope string // who asks, and for what
	Key   string // theirs for it
	Print []byte // tells it from another request
}

type requestKey struct{}

// With says which request the use cases of ctx are done for.
func With(ctx context.Context, r Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// Part is ctx for one of several things that a request does, each in a
// transaction of its own: a repetition goes on where the first was cut off.
func Part(ctx context.Context, number int) context.Context {
	r, ok := ctx.Value(requestKey{}).(Request)
	if !ok {
		return ctx
	}
	r.Scope += "|" + strconv.Itoa(number)
	return With(ctx, r)
}

// replay is how a transaction ends that was done before.
type replay struct{ result id.ID }

func (r *replay) Error() string { return "done before: " + string(r.result) }

// Result returns the id of what the request made when it was done before, if
// that is what err says.
func Result(err error) (id.ID, bool) {
	if r, ok := errors.AsType[*replay](err); ok {
		return r.result, true
	}
	return "", false
}

// InTx does work in a transaction, once for the request of ctx. The work
// returns the id of what it made or changed; without one it was refused, and
// nothing is remembered.
func InTx(ctx context.Context, s *store.Store, now time.Time, work func(*store.Tx) (id.ID, error)) error {
	r, ok := ctx.Value(requestKey{}).(Request)
	return s.InTx(ctx, func(tx *store.Tx) error {
		if !ok {
			_, err := work(tx)
			return err
		}
		kept := store.Idempotent{Scope: r.Scope, Key: r.Key, RequestHash: r.Print, ExpiresAt: now.Add(life)}
		claimed, err := tx.ClaimIdempotent(ctx, kept, now)
		if err != nil {
			return err
		}
		if !claimed {
			return r.repeated(ctx, tx, now)
		}
		if kept.ResultID, err = work(tx); err != nil {
			return err
		}
		if kept.ResultID == "" {
			return tx.DropIdempotent(ctx, r.Scope, r.Key)
		}
		return tx.AddIdempotent(ctx, kept)
	})
}

func (r Request) repeated(ctx context.Context, tx *store.Tx, now time.Time) error {
	known, err := tx.Idempotent(ctx, r.Scope, r.Key, now)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(r.Print, known.RequestHash) == 0 {
		return fault.New(fault.Conflict, "idempotency_conflict", "This Idempotency-Key was used for a different request.").
			WithNext("Use a new key for a new request, and the same key only to repeat the same one.")
	}
	return &replay{known.ResultID}
}
