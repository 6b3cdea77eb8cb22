package storetest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/keyward/keyward/internal/pgtest"
	"github.com/keyward/keyward/internal/store"
)

// Dir is a directory, gone after the test, with an empty SQLite database of the
// present schema. To copy one is much quicker than to migrate one each time.
func Dir(t testing.TB) string {
	t.Helper()
	files, err := migrated()
	if err != nil {
		t.Fatalf("migrate a database to copy: %v", err)
	}
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Open returns a store that is closed when the test ends.
func Open(t testing.TB, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// migrated are the files of such a database, by name.
var migrated = sync.OnceValues(func() (files map[string][]byte, err error) {
	dir, err := os.MkdirTemp("", "keyward-storetest-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := migrate(context.Background(), store.Options{Dir: dir}); err != nil {
		return nil, err
	}
	files = map[string][]byte{}
	return files, fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[name], err = os.ReadFile(filepath.Join(dir, name))
		return err
	})
})

// Postgres is the URL of a PostgreSQL database of its own, gone after the test,
// with the present schema and nothing in it.
func Postgres(t testing.TB) string {
	t.Helper()
	digest, err := store.SchemaDigest()
	if err != nil {
		t.Fatal(err)
	}
	return pgtest.Copy(t, digest[:16], func(ctx context.Context, url string) error {
		return migrate(ctx, store.Options{Database: url})
	})
}

func migrate(ctx context.Context, o store.Options) (err error) {
	s, err := store.Open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	_, _, err = s.Migrate(ctx)
	return err
}
