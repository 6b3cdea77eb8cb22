package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/keyward/keyward/internal/fault"
)

// Options say which database to open.
type Options struct {
	// Database is the URL of a PostgreSQL database, or empty for SQLite in Dir.
	Database string
	// Dir is the data directory. It is made if it does not exist.
	Dir string
	// Logger gets what an operator should know; nil is silence.
	Logger *slog.Logger
	// Now tells the time. With it, slow commits are logged.
	Now func() time.Time
	// Observe, if there, is told after each commit how many operations it was of
	// and how long they took together. Now has to be there too.
	Observe func(operations int, took time.Duration)
	// MmapOff makes SQLite read with ordinary calls instead of through mapped
	// memory, for file systems on which mapping is slow or unsafe.
	MmapOff bool
}

// Store is one open database. Its methods may be called from any goroutine.
type Store struct {
	Reader
	db     *sql.DB // SQLite: readers only
	writer *writer // SQLite only
	timer  timer
	gate   gate

	migrations fs.FS // see migrationFolder
	// migrator opens the database for a change of its schema, alone.
	migrator func(context.Context) (*migrator, error)
	copier   func(context.Context, string, Progress) ([]string, error)
	loader   func(context.Context, string, int64, Progress) error // PostgreSQL only
}

// Open opens the database and changes nothing in it: see Migrate and
// CheckSchema. The caller closes it.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	switch {
	case o.Database == "":
		return openSQLite(ctx, o)
	case strings.HasPrefix(o.Database, "postgres://"), strings.HasPrefix(o.Database, "postgresql://"):
		return openPostgres(ctx, o)
	}
	return nil, errors.New("store: the database must be a postgres:// URL, or empty for SQLite in the data directory")
}

// Close waits until every operation that was accepted is answered, then closes
// the database. Later calls answer Unavailable.
func (s *Store) Close() error {
	if !s.gate.close() {
		return nil
	}
	var err error
	if s.writer != nil {
		err = s.writer.close()
	}
	return errors.Join(err, s.db.Close())
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	return s.d.translate(s.db.PingContext(ctx))
}

// DatabaseName is "sqlite" or "postgres".
func (s *Store) DatabaseName() string { return s.d.name }

// Queued is how many operations wait for the writer; always 0 on PostgreSQL,
// whose transactions wait for each other in the server.
func (s *Store) Queued() int {
	if s.writer == nil {
		return 0
	}
	return len(s.writer.queue)
}

// timer tells how long commits take.
type timer struct {
	now     func() time.Time
	observe func(operations int, took time.Duration)
}

// start begins to measure; call what it returns after the commit.
func (t timer) start() func(operations int) time.Duration {
	if t.now == nil {
		return func(int) time.Duration { return 0 }
	}
	begun := t.now()
	return func(operations int) time.Duration {
		took := t.now().Sub(begun)
		if t.observe != nil {
			t.observe(operations, took)
		}
		return took
	}
}

// gate lets operations in until it is closed, and knows when all have left.
type gate struct {
	mu     sync.RWMutex // held to close, shared to enter
	closed bool
	inside sync.WaitGroup
}

func (g *gate) enter() error {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		return fault.New(fault.Unavailable, "closing", "We are restarting. Please try again in a moment.").WithRetryAfter(retryBusy)
	}
	g.inside.Add(1)
	return nil
}

func (g *gate) leave() { g.inside.Done() }

// close waits for those inside. It reports whether it was the first to close.
func (g *gate) close() bool {
	g.mu.Lock()
	first := !g.closed
	g.closed = true
	g.mu.Unlock()
	g.inside.Wait()
	return first
}
