package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/keyward/keyward/internal/fault"
)

const (
	// queueLength bounds the operations that wait. Beyond it the honest answer
	// is "busy": at the worst speed of a slow disk this many take seconds.
	queueLength = 1024
	// batchLength bounds the operations in one transaction, so that the first
	// of them does not wait for an endless batch.
	batchLength = 256
	// slowCommit is worth a line in the log.
	slowCommit = time.Second
)

// writer owns the one connection to SQLite that writes.
type writer struct {
	db    *sql.DB
	s     *session
	log   *slog.Logger
	timer timer

	queue chan *operation
	done  chan struct{} // the loop has ended
	batch []*operation  // the loop's own: what it works on
	check *checkpointer
}

// openWriter opens the connection and starts the goroutine that owns it.
func openWriter(ctx context.Context, path string, o Options) (*writer, error) {
	w := &writer{
		db:    sqliteDB(path, pragmas(o, patience), "immediate", 1),
		log:   o.Logger,
		timer: timer{o.Now, o.Observe},
		queue: make(chan *operation, queueLength),
		done:  make(chan struct{}),
	}
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store: open %s: %w", path, err), w.db.Close())
	}
	w.s = newSession(conn)
	w.check = startCheckpointer(path, o)
	go w.loop()
	return w, nil
}

// close lets the queue drain and closes the connections. Nobody calls do any
// more. The last connection to close copies the log into the database file.
func (w *writer) close() error {
	close(w.queue)
	<-w.done
	return errors.Join(w.check.close(), w.s.close(), w.db.Close())
}

// do queues fn and waits for its end.
func (w *writer) do(ctx context.Context, fn func(*Tx) error, alone bool) error {
	op := &operation{ctx: ctx, fn: fn, alone: alone, done: make(chan struct{})}
	select {
	case w.queue <- op:
	default:
		return busy(errors.New("the queue of the writer is full"))
	}
	select {
	case <-op.done:
	case <-ctx.Done():
		if op.take(abandoned) {
			return ctx.Err()
		}
		<-op.done // it has started: only its end is the truth
	}
	return op.end.relive()
}

// loop serves the queue until it is closed and empty.
func (w *writer) loop() {
	finished := false
	defer func() {
		if finished {
			close(w.done)
			return
		}
		w.survive()
	}()
	w.redo()
	for !finished {
		select {
		case <-w.check.long:
			w.check.truncate()
		case op, ok := <-w.queue:
			if ok {
				w.serve(op)
			}
			finished = !ok
		}
	}
}

// serve takes one waiting operation and what else is queued, without waiting
// for more: under load the queue fills while a commit is under way.
func (w *writer) serve(op *operation) {
	w.batch = append(w.batch[:0], op)
	for !op.alone && len(w.batch) < batchLength {
		select {
		case next, ok := <-w.queue:
			if ok {
				w.batch, op = append(w.batch, next), next
				continue
			}
		default:
		}
		break
	}
	ended := w.timer.start()
	if len(w.batch) == 1 || !w.together() || op.alone {
		w.redo()
	}
	if took := ended(len(w.batch)); took > slowCommit {
		w.log.Warn("slow commit", "took", took, "operations", len(w.batch))
	}
	w.check.wrote(w.s.changed())
	clear(w.batch)
	w.batch = w.batch[:0]
}

// together runs the batch in one transaction and answers all of it, but for an
// operation that wants one of its own. It reports false when the transaction broke under it: then nothing was written and
// nobody answered.
func (w *writer) together() bool {
	w.s.trim()
	if err := w.s.exec("BEGIN IMMEDIATE"); err != nil {
		w.answerAll(err)
		return true
	}
	for _, op := range w.batch {
		if op.alone || !op.start() {
			continue
		}
		if !w.inSavepoint(op) {
			w.s.rollback()
			return false
		}
	}
	if err := w.s.exec("COMMIT"); err != nil {
		w.s.rollback()
		if fault.Is(err, fault.Conflict) {
			return false // a deferred rule: one of them is to blame, not all
		}
		w.answerAll(err)
		return true
	}
	for _, op := range w.batch {
		if !op.answered && !op.alone {
			op.answer()
		}
	}
	return true
}

// inSavepoint runs one operation so that its failure undoes only itself. It
// reports false when the savepoint is gone, and the transaction with it.
//
// Even an operation that failed is answered only after the commit: it may have
// been refused because of what a neighbor wrote.
func (w *writer) inSavepoint(op *operation) bool {
	if w.s.exec("SAVEPOINT operation") != nil {
		return false
	}
	op.run(w.s)
	if op.end.failed() && w.s.exec("ROLLBACK TO operation") != nil {
		return false
	}
	return w.s.exec("RELEASE operation") == nil
}

// redo runs what is left of the batch one by one, each in its own transaction.
func (w *writer) redo() {
	w.s.trim()
	for _, op := range w.batch {
		if op.answered || !op.start() {
			continue
		}
		w.alone(op)
		op.answer()
	}
}

// alone runs one operation in a transaction of its own.
func (w *writer) alone(op *operation) {
	if err := w.s.exec("BEGIN IMMEDIATE"); err != nil {
		op.end = ending{err: err}
		return
	}
	op.run(w.s)
	if op.end.failed() {
		w.s.rollback()
		return
	}
	if err := w.s.exec("COMMIT"); err != nil {
		w.s.rollback()
		op.end = ending{err: err}
	}
}

// survive goes on after a function ended this goroutine, as t.FailNow in a test
// does. That operation is answered by ending its caller's goroutine as well.
func (w *writer) survive() {
	w.s.rollback()
	for _, op := range w.batch {
		if op.running && !op.answered {
			op.end = ending{exited: true}
			op.answer()
		}
	}
	go w.loop()
}

func (w *writer) answerAll(err error) {
	for _, op := range w.batch {
		if op.start() {
			op.end = ending{err: err}
			op.answer()
		}
	}
}

// The states of an operation. Whoever takes it out of waiting decides.
const (
	waiting int32 = iota
	started
	abandoned
)

// operation is one call of InTx on its way through the writer.
type operation struct {
	ctx   context.Context
	fn    func(*Tx) error
	alone bool // wants a transaction of its own
	state atomic.Int32
	done  chan struct{}

	// The loop's own until done is closed.
	running, answered bool
	end               ending
}

func (op *operation) take(state int32) bool { return op.state.CompareAndSwap(waiting, state) }

// start reports whether the operation is to run, now or again. One whose caller
// has left, or leaves now, is not.
func (op *operation) start() bool {
	if op.answered {
		return false
	}
	if op.state.Load() == started {
		return true
	}
	if err := op.ctx.Err(); err != nil || !op.take(started) {
		op.end = ending{err: err}
		op.answer()
		return false
	}
	return true
}

// run calls the function and remembers how it ended.
func (op *operation) run(q querier) {
	tx := newTx(context.WithoutCancel(op.ctx), q, sqliteDialect)
	op.running = true
	defer func() {
		if v := recover(); v != nil {
			op.running = false
			op.end = ending{panicked: newPanic(v)}
		}
		tx.in.over = true
	}()
	err := tx.in.end(op.fn(tx))
	op.running = false
	op.end = ending{err: err}
}

func (op *operation) answer() {
	op.answered = true
	close(op.done)
}

// ending is how an operation ended.
type ending struct {
	err      error
	panicked *Panic
	exited   bool
}

func (e ending) failed() bool { return e.err != nil || e.panicked != nil }

// relive gives the caller what the function did on the writer's goroutine.
func (e ending) relive() error {
	switch {
	case e.panicked != nil:
		panic(e.panicked)
	case e.exited:
		runtime.Goexit()
	}
	return e.err
}

// Panic is what InTx panics with when its function did: the value, and the
// stack of the goroutine on which it happened.
type Panic struct {
	Value any
	Stack []byte
}

func (p *Panic) Error() string { return fmt.Sprintf("%v\n\n%s", p.Value, p.Stack) }

// Unwrap returns the value if it is an error.
func (p *Panic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

func newPanic(v any) *Panic {
	buf := make([]byte, 16<<10)
	return &Panic{Value: v, Stack: buf[:runtime.Stack(buf, false)]}
}
