package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"github.com/keyward/keyward/internal/fault"
)

//go:embed migrations
var embedded embed.FS

// versionTable keeps which migrations have run.
const versionTable = "schema_version"

// migrateLock is the advisory lock that whoever migrates on PostgreSQL holds.
const migrateLock int64 = 0x6b657977617264 // "keyward"

// migrator is a database opened to change its schema, and the lock on doing so.
type migrator struct {
	db      *sql.DB
	dialect goose.Dialect
	unlock  func() error
}

func (m *migrator) close() error { return errors.Join(m.db.Close(), m.unlock()) }

// Migrate brings the schema to the version of this program and returns the
// versions before and after; with an error, to is how far it got. Only one
// process migrates at a time, each migration is one transaction, and a schema
// newer than this program is refused.
func (s *Store) Migrate(ctx context.Context) (from, to int64, err error) {
	m, err := s.migrator(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	from, to, err = s.versions(ctx)
	if err != nil {
		return 0, 0, err
	}
	if from > to {
		return from, from, newer(from, to)
	}
	p, err := m.provider(s.migrations, migrationFolder(s.d))
	if err != nil {
		return from, from, err
	}
	if _, err := p.Up(ctx); err != nil {
		reached, _, _ := s.versions(context.WithoutCancel(ctx))
		return from, reached, fmt.Errorf("store: migrate: %w", err)
	}
	return from, to, nil
}

// CheckSchema returns an error that says what to do unless the schema is
// exactly the one of this program.
func (s *Store) CheckSchema(ctx context.Context) error {
	have, want, err := s.versions(ctx)
	switch {
	case err != nil:
		return err
	case have > want:
		return newer(have, want)
	case have < want:
		return fault.New(fault.Unavailable, "schema_old",
			fmt.Sprintf("The database has schema version %d and this program needs %d.", have, want)).
			WithNext(`Make a backup and run "keyward migrate".`)
	}
	return nil
}

func newer(have, want int64) error {
	return fault.New(fault.Unavailable, "schema_new",
		fmt.Sprintf("The database has schema version %d, which is newer than this program (%d).", have, want)).
		WithNext("Run the newer program, or restore a backup made before the upgrade.")
}

// versions returns the version the database has, 0 when it is empty, and the
// one this program wants.
func (s *Store) versions(ctx context.Context) (have, want int64, err error) {
	want, err = latest(s.migrations, migrationFolder(s.d))
	if err != nil {
		return 0, 0, err
	}
	tables, err := first(s.queryRow(ctx, s.d.hasTable, versionTable), value[int])
	if err != nil || tables == 0 {
		return 0, want, err
	}
	have, err = first(s.queryRow(ctx, `SELECT COALESCE(MAX(version_id), 0) FROM `+versionTable), value[int64])
	return have, want, err
}

// migrationFolder is where the migrations of a dialect are.
func migrationFolder(d *dialect) string { return "migrations/" + d.name }

// latest returns the highest number of a migration in the folder.
func latest(fsys fs.FS, folder string) (int64, error) {
	files, err := fs.Glob(fsys, folder+"/*.sql")
	if err != nil {
		return 0, fmt.Errorf("store: list migrations: %w", err)
	}
	var last int64
	for _, f := range files {
		n, err := goose.NumericComponent(f)
		if err != nil {
			return 0, fmt.Errorf("store: migration %s: %w", f, err)
		}
		last = max(last, n)
	}
	return last, nil
}

// SchemaDigest identifies all migrations of this program: those of programs
// with the same digest make the same schema.
func SchemaDigest() (string, error) {
	digest := sha256.New()
	err := fs.WalkDir(embedded, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := embedded.ReadFile(name)
		fmt.Fprintf(digest, "%s %d\n%s", name, len(text), text)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("store: read migrations: %w", err)
	}
	return hex.EncodeToString(digest.Sum(nil)), nil
}

// provider prepares the migrations of one folder.
func (m *migrator) provider(fsys fs.FS, folder string) (*goose.Provider, error) {
	files, err := fs.Sub(fsys, folder)
	if err != nil {
		return nil, fmt.Errorf("store: list migrations: %w", err)
	}
	versions, err := database.NewStore(database.Dialect(m.dialect), versionTable)
	if err != nil {
		return nil, fmt.Errorf("store: prepare migrations: %w", err)
	}
	if m.dialect == goose.DialectSQLite3 {
		versions = checked{versions}
	}
	p, err := goose.NewProvider(goose.DialectCustom, m.db, files,
		goose.WithStore(versions), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return nil, fmt.Errorf("store: prepare migrations: %w", err)
	}
	return p, nil
}

// checked keeps versions on SQLite. Recording one is the last thing a migration
// does before its commit, which makes it the place to look for rows whose
// parent is gone: foreign keys are off while tables are rebuilt, because
// dropping a parent with them on would empty its children.
type checked struct{ database.Store }

func (c checked) Insert(ctx context.Context, db database.DBTxConn, req database.InsertRequest) error {
	var table, parent string
	err := db.QueryRowContext(ctx, `SELECT "table", "parent" FROM pragma_foreign_key_check LIMIT 1`).Scan(&table, &parent)
	switch {
	case err == nil:
		return fmt.Errorf("migration %d leaves rows in %s whose parent in %s is missing", req.Version, table, parent)
	case !errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("check foreign keys: %w", err)
	}
	return c.Store.Insert(ctx, db, req)
}

// sqliteMigrator waits for the lock and opens the file with foreign keys off.
func sqliteMigrator(ctx context.Context, dir string) (*migrator, error) {
	unlock, err := lockFile(ctx, dir)
	if err != nil {
		return nil, err
	}
	path, err := prepareFile(dir, databaseFile)
	if err != nil {
		return nil, errors.Join(err, unlock())
	}
	db := sqliteDB(path, []string{
		"busy_timeout(60000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(OFF)",
	}, "immediate", 1)
	return &migrator{db: db, dialect: goose.DialectSQLite3, unlock: unlock}, nil
}

// lockFile holds the lock of an empty database of its own, in a way that works
// on every system SQLite does.
func lockFile(ctx context.Context, dir string) (unlock func() error, err error) {
	path, err := prepareFile(dir, migrateLockFile)
	if err != nil {
		return nil, err
	}
	db := sqliteDB(path, []string{"busy_timeout(600000)"}, "exclusive", 1)
	// ctx may end the wait but not the lock, which a transaction begun with ctx
	// would lose in the middle of a migration.
	held, release := context.WithCancel(context.WithoutCancel(ctx))
	detach := context.AfterFunc(ctx, release)
	tx, err := db.BeginTx(held, nil)
	if err == nil && !detach() {
		err = ctx.Err()
	}
	if err != nil {
		release()
		return nil, errors.Join(fmt.Errorf("store: wait for another migration: %w", err), db.Close())
	}
	return func() error {
		defer release()
		return errors.Join(tx.Rollback(), db.Close())
	}, nil
}

// postgresMigrator waits for the lock and opens the database without limits on
// how long a statement may take.
func postgresMigrator(ctx context.Context, config *pgx.ConnConfig) (*migrator, error) {
	db := stdlib.OpenDB(*unlimited(config))
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store: connect to migrate: %w", err), db.Close())
	}
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, migrateLock); err != nil {
		return nil, errors.Join(fmt.Errorf("store: wait for another migration: %w", err), conn.Close(), db.Close())
	}
	// The lock is the session's: closing the pool with its connections frees it.
	return &migrator{db: db, dialect: goose.DialectPostgres, unlock: conn.Close}, nil
}

// unlimited is the same database without those limits.
func unlimited(config *pgx.ConnConfig) *pgx.ConnConfig {
	c := config.Copy()
	for _, limit := range []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"} {
		c.RuntimeParams[limit] = "0"
	}
	return c
}
