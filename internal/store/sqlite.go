package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	databaseFile = "keyward.db"
	// migrateLockFile is an empty database that stays beside the real one. Who
	// migrates holds its lock, which the system releases however it ends.
	migrateLockFile = "keyward.migrate.lock"

	mappedBytes = 1 << 30

	// patience is how long, in milliseconds, a connection waits for another
	// process to let go of the database.
	patience = 10_000
)

var sqliteDialect = &dialect{
	name:     sqliteName,
	hasTable: `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = $1`,
	snapshot: &sql.TxOptions{ReadOnly: true}, // leaves it deferred: it takes no write lock
	classify: classifySQLite,
}

// openSQLite opens the file with one connection that writes, one that
// checkpoints and a few that only read.
func openSQLite(ctx context.Context, o Options) (*Store, error) {
	path, err := prepareFile(o.Dir, databaseFile)
	if err != nil {
		return nil, err
	}
	// The writer is first: it is the one that may have to recover the log.
	w, err := openWriter(ctx, path, o)
	if err != nil {
		return nil, err
	}
	readers := sqliteDB(path, append(pragmas(o, patience), "query_only(ON)"), "deferred", min(max(runtime.GOMAXPROCS(0), 4), 8))
	if err := readers.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("store: open %s: %w", path, err), readers.Close(), w.close())
	}
	return &Store{
		Reader:     Reader{q: newPool(readers), d: sqliteDialect},
		db:         readers,
		writer:     w,
		migrations: embedded,
		migrator: func(ctx context.Context) (*migrator, error) {
			return sqliteMigrator(ctx, o.Dir)
		},
		copier: func(ctx context.Context, dir string, tell Progress) ([]string, error) {
			return copySQLite(ctx, path, o, dir, tell)
		},
	}, nil
}

// prepareFile makes the directory and an empty file in it that nobody else on
// the machine can read. A file that exists is left alone: to open and close a
// live database would drop its locks.
func prepareFile(dir, name string) (string, error) {
	if dir == "" {
		return "", errors.New("store: SQLite needs a data directory")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("store: data directory: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("store: make the data directory: %w", err)
	}
	path := filepath.Join(dir, name)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return path, nil
	}
	if err != nil {
		return "", fmt.Errorf("store: make the database file: %w", err)
	}
	return path, f.Close()
}

// pragmas are those of every connection but the migrator's; wait is how many
// milliseconds it waits for a lock. They travel in the
// data source name, because a PRAGMA statement reaches one connection of a pool.
// The driver applies journal_mode before query_only, so that readers may be
// first to open.
func pragmas(o Options, wait int) []string {
	mapped, cached := mappedBytes, 2<<10
	if o.MmapOff {
		mapped, cached = 0, 32<<10
	}
	return []string{
		fmt.Sprintf("busy_timeout(%d)", wait),
		"journal_mode(WAL)",
		"synchronous(FULL)", // acknowledged means on disk
		"foreign_keys(ON)",
		"temp_store(MEMORY)",
		"wal_autocheckpoint(0)", // see checkpointer
		fmt.Sprintf("mmap_size(%d)", mapped),
		fmt.Sprintf("cache_size(%d)", -cached), // KiB for each connection
	}
}

// sqliteDB returns a pool of at most n connections, all alike and kept open.
func sqliteDB(path string, pragmas []string, txlock string, n int) *sql.DB {
	q := url.Values{
		"_pragma":    pragmas,
		"_txlock":    {txlock},
		"_dqs":       {"0"}, // "x" is a name, never a text
		"_defensive": {"1"},
		"_error_rc":  {"1"},
	}
	dsn := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		panic(err) // the driver's name is wrong; nothing else is looked at
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db
}

// classifySQLite goes by the extended result code. Only the names of columns
// stand in the text alone.
func classifySQLite(err error) error {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return fmt.Errorf("store: %w", err)
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return refused(sqliteViolation(ruleUnique, e))
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return refused(&violation{rule: ruleForeign})
	case sqlite3.SQLITE_CONSTRAINT_CHECK:
		return refused(sqliteViolation(ruleCheck, e))
	case sqlite3.SQLITE_CONSTRAINT_NOTNULL:
		return refused(sqliteViolation(ruleNotNull, e))
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return busy(err)
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM:
		return unavailable(err)
	}
	return fmt.Errorf("store: %w", err)
}

// sqliteViolation takes the names from "... constraint failed: NAMES (CODE)",
// where NAMES is "table.column, table.column", "index 'name'" or the name of a
// check.
func sqliteViolation(r rule, e *sqlite.Error) *violation {
	text := e.Error()
	if i := strings.LastIndex(text, "constraint failed: "); i >= 0 {
		text = text[i+len("constraint failed: "):]
	}
	if i := strings.LastIndex(text, " ("); i >= 0 {
		text = text[:i]
	}
	v := &violation{rule: r}
	if name, ok := strings.CutPrefix(text, "index '"); ok {
		v.constraint = strings.TrimSuffix(name, "'")
		return v
	}
	if r == ruleCheck {
		v.constraint = text
		return v
	}
	v.columns = strings.Split(text, ", ")
	return v
}
