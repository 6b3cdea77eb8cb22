package apptest

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/store/storetest"
)

// Start is where the clock of every world stands at first.
var Start = time.Date(2026, time.March, 12, 12, 0, 0, 123456000, time.UTC)

// Day is a day of validity.
const Day = 24 * time.Hour

// BaseURL is where the portal of every world is.
const BaseURL = "https://licenses.example.com"

// World is an installation without doors. Its methods fail the test when they
// cannot do what they promise.
type World struct {
	testing.TB
	Store     *store.Store
	Master    *signing.Master
	Licensing *licensing.Service
	Clock     *Clock
	Logged    *Logged
}

// New starts a world on SQLite in a directory that goes with the test.
func New(t testing.TB) *World {
	t.Helper()
	return start(t, store.Options{Dir: storetest.Dir(t)})
}

// NewIn starts a world on the migrated SQLite database of a directory, such as
// one that another process works in.
func NewIn(t testing.TB, dir string) *World {
	t.Helper()
	return start(t, store.Options{Dir: dir})
}

// NewPostgres starts a world on a PostgreSQL database of its own.
func NewPostgres(t testing.TB) *World {
	t.Helper()
	return start(t, store.Options{Database: storetest.Postgres(t)})
}

// NewAt is NewIn for a PostgreSQL database.
func NewAt(t testing.TB, database string) *World {
	t.Helper()
	return start(t, store.Options{Database: database})
}

func start(t testing.TB, o store.Options) *World {
	t.Helper()
	w := &World{TB: t, Clock: &Clock{now: Start}, Logged: &Logged{}}
	w.Store = storetest.Open(t, o)
	var err error
	w.Master, err = signing.LoadMaster(strings.Repeat("5e", 32), "")
	w.Must(err)
	w.Licensing = licensing.New(licensing.Deps{
		Store: w.Store, Master: w.Master, Now: w.Clock.Now, BaseURL: BaseURL,
		Log: slog.New(slog.NewTextHandler(w.Logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	return w
}

// In is the same world for a subtest.
func (w *World) In(t testing.TB) *World {
	inner := *w
	inner.TB = t
	return &inner
}

// Must fails the test on an error.
func (w *World) Must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// Tx runs fn in a transaction.
func (w *World) Tx(fn func(ctx context.Context, tx *store.Tx) error) {
	w.Helper()
	w.Must(w.Store.InTx(w.Context(), func(tx *store.Tx) error { return fn(w.Context(), tx) }))
}

// Clock stands still until a test moves it. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now is where the clock stands.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Set moves the clock to an instant.
func (c *Clock) Set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// Add moves the clock on, or back.
func (c *Clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Logged keeps what was logged. It is safe for concurrent use.
type Logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write adds a line.
func (l *Logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

// String is everything that was logged.
func (l *Logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
