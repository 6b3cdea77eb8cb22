package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keyward/keyward/internal/fault"
)

// Tx is the transaction of one operation: what it reads and writes, until its
// function returns.
type Tx struct{ Reader }

// course is how a transaction is going.
type course struct {
	ctx    context.Context // carries the caller's values, never its end
	broken error           // of the first statement that failed
	over   bool
}

func newTx(ctx context.Context, q querier, d *dialect) *Tx {
	return &Tx{Reader{q: q, d: d, in: &course{ctx: ctx}}}
}

// enter returns the context a statement runs with. After a failed statement
// none runs: PostgreSQL refuses them, and on SQLite they might run outside the
// transaction.
func (c *course) enter(ctx context.Context) (context.Context, error) {
	switch {
	case c == nil:
		return ctx, nil
	case c.over:
		return nil, errOver
	case c.broken != nil:
		return nil, c.broken
	}
	return c.ctx, nil
}

func (c *course) fail(err error) {
	if c != nil && c.broken == nil {
		c.broken = err
	}
}

// end closes the transaction to its function. A statement that failed undoes
// the operation even where the function went on as if it had not, and one after
// which to try again is seen through whatever the function made of it.
func (c *course) end(err error) error {
	c.over = true
	if err == nil || errors.Is(c.broken, errAgain) {
		return c.broken
	}
	return err
}

// exec runs a statement that writes and returns how many rows it changed.
func (tx *Tx) exec(ctx context.Context, text string, args ...any) (int64, error) {
	ctx, err := tx.in.enter(ctx)
	if err != nil {
		return 0, err
	}
	result, err := tx.q.ExecContext(ctx, text, args...)
	if err != nil {
		return 0, tx.failed(ctx, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, tx.failed(ctx, err)
	}
	return n, nil
}

// InTx runs fn in a transaction and returns when it is durable: nil means that
// everything fn wrote survives a power failure, an error that nothing was
// written. (One exception: when the connection to PostgreSQL breaks during the
// commit nobody knows, and the error is Unavailable.)
//
// A statement that fails undoes the whole operation; fn returns its error or
// one in its place. A panic in fn undoes it too and is raised again here, as a
// *Panic.
//
// fn may run twice and on another goroutine, so it touches only its tx and the
// result it fills from nothing each time. It must not call InTx: it would wait
// for itself.
//
// When ctx ends while fn has not started, InTx returns the error of ctx and fn
// never runs. Once started, fn is not interrupted and InTx tells the truth.
func (s *Store) InTx(ctx context.Context, fn func(*Tx) error) error {
	return s.inTx(ctx, fn, false)
}

// InTxAlone is InTx for thousands of statements. On SQLite operations that
// share a commit have a savepoint each, and every statement in one pays for all
// that came before it: what is long shares with nobody.
func (s *Store) InTxAlone(ctx context.Context, fn func(*Tx) error) error {
	return s.inTx(ctx, fn, true)
}

func (s *Store) inTx(ctx context.Context, fn func(*Tx) error, alone bool) error {
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	fn = fenced(ctx, fn)
	if s.writer != nil {
		return s.writer.do(ctx, fn, alone)
	}
	return s.retry(ctx, fn)
}

const (
	// txAttempts bounds how often a transaction starts.
	txAttempts = 5
	// txLimit ends a transaction that no longer gets answers from the server.
	txLimit = time.Minute
)

// retry runs fn in a transaction of its own, again when nothing is left of it
// and another try may succeed.
func (s *Store) retry(ctx context.Context, fn func(*Tx) error) error {
	wait := 5 * time.Millisecond
	for attempt := 1; ; attempt++ {
		err := s.once(ctx, fn)
		if attempt == txAttempts || !errors.Is(err, errAgain) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
			wait *= 2
		}
	}
}

// once takes a connection while the caller still waits for it, and from there
// on goes through with it whether or not the caller does.
func (s *Store) once(ctx context.Context, fn func(*Tx) error) error {
	defer func() {
		if v := recover(); v != nil {
			panic(newPanic(v))
		}
	}()
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return s.d.translate(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), txLimit)
	defer cancel()
	ended := s.timer.start()
	t, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return s.notBegun(err)
	}
	defer t.Rollback() // after a commit it does nothing
	tx := newTx(ctx, t, s.d)
	if err := tx.in.end(fn(tx)); err != nil {
		return err
	}
	err = s.d.translate(t.Commit())
	ended(1)
	return err
}

// notBegun is the error of a transaction that did not begin. When the connection
// was to blame, as after a restart of the server, another one may do.
func (s *Store) notBegun(err error) error {
	err = s.d.translate(err)
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind == fault.Unavailable {
		return unavailable(fmt.Errorf("%w: %w", errAgain, f.Cause))
	}
	return err
}

// Snapshot runs fn with a Reader whose reads all see the same moment. fn reads
// through that Reader only: it holds a connection, and whoever holds one while
// asking for another may wait for itself.
func (s *Store) Snapshot(ctx context.Context, fn func(Reader) error) error {
	t, err := s.db.BeginTx(ctx, s.d.snapshot)
	if err != nil {
		return s.d.translate(err)
	}
	if p, ok := s.q.(*pool); ok {
		q := &pooled{Tx: t, p: p}
		defer q.end(ctx)
		return fn(Reader{q: q, d: s.d})
	}
	defer t.Rollback() // it has nothing to commit
	return fn(Reader{q: t, d: s.d})
}
