package store

import (
	"context"
	"database/sql"
	"log/slog"
	"sync/atomic"
)

const (
	// checkpointRows is how many changed rows are worth a checkpoint, as an
	// estimate of the pages in the log.
	checkpointRows = 1000
	// longLog is the size, in pages of 4 KiB, at which the log is emptied.
	longLog = 64 << 20 / 4096
)

// checkpointer copies the write-ahead log into the database file, on a
// connection and a goroutine of its own so that no commit waits for it.
//
// While writers and readers come and go the log is seldom free to start over,
// so it grows. When it is long the writer stands still for a moment and
// empties it; where a long read is in the way that is given up soon, and tried
// again when the log is twice as long.
type checkpointer struct {
	db   *sql.DB
	log  *slog.Logger
	kick chan struct{} // there may be something to copy
	long chan struct{} // the log is long
	stop context.CancelFunc
	done chan struct{}

	limit atomic.Int64 // what counts as long
	rows  int          // the writer's own
}

func startCheckpointer(path string, o Options) *checkpointer {
	ctx, stop := context.WithCancel(context.Background())
	c := &checkpointer{
		db:   sqliteDB(path, pragmas(o, 250), "deferred", 1),
		log:  o.Logger,
		kick: make(chan struct{}, 1),
		long: make(chan struct{}, 1),
		stop: stop,
		done: make(chan struct{}),
	}
	c.limit.Store(longLog)
	c.kick <- struct{}{} // a program that was killed may have left a long log
	go c.loop(ctx)
	return c
}

// wrote counts changed rows and never waits.
func (c *checkpointer) wrote(rows int) {
	c.rows += rows
	if c.rows < checkpointRows {
		return
	}
	c.rows = 0
	offer(c.kick)
}

func (c *checkpointer) loop(ctx context.Context) {
	defer close(c.done)
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.kick:
		}
		pages, _, err := c.checkpoint(ctx, "PASSIVE")
		if err != nil {
			if ctx.Err() == nil {
				c.log.Warn("checkpoint failed", "error", err)
			}
			continue
		}
		if pages > c.limit.Load() {
			offer(c.long)
		}
	}
}

// truncate empties the log. The writer calls it between transactions.
func (c *checkpointer) truncate() {
	pages, blocked, err := c.checkpoint(context.Background(), "TRUNCATE")
	switch {
	case err != nil:
		c.log.Warn("checkpoint failed", "error", err)
	case blocked:
		c.limit.Store(2 * max(pages, longLog))
	default:
		c.limit.Store(longLog)
	}
}

// checkpoint returns the pages in the log and whether others were in the way.
func (c *checkpointer) checkpoint(ctx context.Context, mode string) (pages int64, blocked bool, err error) {
	var copied int64
	err = c.db.QueryRowContext(ctx, "PRAGMA wal_checkpoint("+mode+")").Scan(&blocked, &pages, &copied)
	return pages, blocked, err
}

func (c *checkpointer) close() error {
	c.stop()
	<-c.done
	return c.db.Close()
}

// offer leaves a signal unless one is waiting already.
func offer(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
