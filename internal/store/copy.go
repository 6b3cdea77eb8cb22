package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/keyward/keyward/internal/fault"
)

// Progress is told how far a long work has come; total is an estimate.
type Progress func(done, total int64)

// Copy writes all records as they are at one moment into files of dir, and
// returns their names. Others go on reading and writing meanwhile. When ctx ends
// it stops; files of a copy that failed are of no use.
func (s *Store) Copy(ctx context.Context, dir string, tell Progress) ([]string, error) {
	return s.copier(ctx, dir, tell)
}

// Load fills this database with the copy in dir, which was made of a schema
// with that version. On SQLite the copy is a database already, see Place; on
// PostgreSQL the database is empty before, and again after an error.
func (s *Store) Load(ctx context.Context, dir string, version int64, tell Progress) error {
	if s.loader == nil {
		return nil
	}
	return s.loader(ctx, dir, version, tell)
}

// Versions returns the version of the schema that the database has, 0 when it
// is empty, and the one of this program.
func (s *Store) Versions(ctx context.Context) (have, want int64, err error) { return s.versions(ctx) }

// Exists reports whether there is anything at the place that o names: on SQLite
// a database file, on PostgreSQL a table. It makes nothing.
func Exists(ctx context.Context, o Options) (bool, error) {
	if o.Database != "" {
		return existsPostgres(ctx, o)
	}
	for _, name := range []string{databaseFile, databaseFile + "-wal"} {
		// Looking is harmless, opening would not be.
		_, err := os.Lstat(filepath.Join(o.Dir, name))
		if !errors.Is(err, os.ErrNotExist) {
			return err == nil, err
		}
	}
	return false, nil
}

func existsPostgres(ctx context.Context, o Options) (found bool, err error) {
	s, err := Open(ctx, o)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	n, err := first(s.queryRow(ctx, `SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()`), value[int])
	return n > 0, err
}

// Place moves the SQLite database of one data directory into another one of the
// same file system, where there must be none. Both are closed. It is there as a
// whole, and lasting, when Place returns without error.
func Place(ctx context.Context, from, to string) error {
	there, err := Exists(ctx, Options{Dir: to})
	if err != nil || there {
		return errors.Join(err, fault.New(fault.Conflict, "database_exists", "There is a database in "+to+" already."))
	}
	if _, err := os.Lstat(filepath.Join(from, databaseFile+"-wal")); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("store: the database in %s was not closed: %w", from, errors.Join(err, errOpen))
	}
	if err := os.Rename(filepath.Join(from, databaseFile), filepath.Join(to, databaseFile)); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return syncDir(to)
}

var errOpen = errors.New("its log is still there")

// syncDir makes the names in a directory lasting.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	_ = dir.Sync() // some file systems cannot, and need not
	return dir.Close()
}
