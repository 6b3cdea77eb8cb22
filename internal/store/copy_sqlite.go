package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// copySQLite has SQLite write the copy: one reading transaction, in which
// neither the writer nor the log are disturbed. The live file is never touched
// by other means.
func copySQLite(ctx context.Context, path string, o Options, dir string, tell Progress) (_ []string, err error) {
	db := sqliteDB(path, pragmas(o, patience), "deferred", 1)
	defer func() { err = errors.Join(err, db.Close()) }()
	size, err := sizeOf(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("store: copy: %w", classifySQLite(err))
	}
	target := filepath.Join(dir, databaseFile)
	watched := watch(target, size, tell)
	defer watched()
	if _, err := db.ExecContext(ctx, `VACUUM INTO $1`, target); err != nil {
		return nil, fmt.Errorf("store: copy: %w", errors.Join(classifySQLite(err), ctx.Err()))
	}
	return []string{databaseFile}, os.Chmod(target, 0o600)
}

func sizeOf(ctx context.Context, db *sql.DB) (size int64, err error) {
	err = db.QueryRowContext(ctx, `SELECT page_count * page_size FROM pragma_page_count, pragma_page_size`).Scan(&size)
	return size, err
}

// watchEvery is how often somebody hears how far a copy is.
const watchEvery = time.Second

// watch tells how large a file is until it is ended.
func watch(path string, total int64, tell Progress) (end func()) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticks := time.NewTicker(watchEvery)
		defer ticks.Stop()
		for {
			select {
			case <-stop:
				return
			case <-ticks.C:
			}
			if info, err := os.Stat(path); err == nil {
				tell(info.Size(), total)
			}
		}
	}()
	return func() {
		close(stop)
		<-done
		tell(total, total)
	}
}
