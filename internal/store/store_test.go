package store_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/pgtest"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/store/storetest"
)

var statements = storetest.Statements{
	Exec: store.Exec, Ints: store.Ints, Int: store.Int, LockRow: store.LockRow, Claim: store.Claim,
}

func TestSQLite(t *testing.T) {
	storetest.Run(t, openSQLite)
	t.Run("engine", func(t *testing.T) { storetest.Engine(t, emptySQLite, statements) })
}

func TestPostgres(t *testing.T) {
	pgtest.URL(t) // skips or fails once for all of them
	storetest.Run(t, openPostgres)
	t.Run("engine", func(t *testing.T) { storetest.Engine(t, emptyPostgres, statements) })
}

func openSQLite(t *testing.T) *store.Store {
	return storetest.Open(t, store.Options{Dir: storetest.Dir(t)})
}
func openPostgres(t *testing.T) *store.Store {
	return storetest.Open(t, store.Options{Database: storetest.Postgres(t)})
}

func emptySQLite(t *testing.T) *store.Store {
	return storetest.Open(t, store.Options{Dir: t.TempDir()})
}

func emptyPostgres(t *testing.T) *store.Store {
	return storetest.Open(t, store.Options{Database: pgtest.URL(t)})
}

func migrate(t *testing.T, s *store.Store) *store.Store {
	t.Helper()
	if _, _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOpenRefusesWhatItDoesNotKnow(t *testing.T) {
	for name, o := range map[string]store.Options{
		"another database":  {Database: "mysql://user:hush@localhost/keyward"},
		"a broken URL":      {Database: "postgres://user:hush@localhost:port/keyward"},
		"no data directory": {},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := store.Open(t.Context(), o)
			if err == nil {
				s.Close()
				t.Fatal("opened")
			}
			if strings.Contains(err.Error(), "hush") {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

func TestFilesAreForTheirOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a place with spaces, 100% odd?#", "data")
	s := migrate(t, storetest.Open(t, store.Options{Dir: dir}))
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v (%v), want 0600", f.Name(), info.Mode(), err)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory has mode %v (%v), want 0700", info.Mode(), err)
	}
}

// The last connection to close copies the log, so that a stopped server leaves
// one complete file.
func TestCloseLeavesOneFile(t *testing.T) {
	dir := t.TempDir()
	s := migrate(t, storetest.Open(t, store.Options{Dir: dir}))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("the second close: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "keyward.db-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left %v (%v)", left, err)
	}
}

// One SQL text for two databases needs the same names in both.
func TestSchemasHaveTheSameColumns(t *testing.T) {
	lite, post := openSQLite(t), openPostgres(t)
	names := func(s *store.Store, text string) []string {
		t.Helper()
		list, err := store.Texts(s.Reader, t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(list)
		return list
	}
	// A virtual table keeps its index in tables of its own, which are SQLite's
	// business; PostgreSQL indexes the column itself.
	inLite := names(lite, `SELECT t.name || '.' || c.name FROM pragma_table_list t, pragma_table_xinfo(t.name) c
		WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\'`)
	inPost := names(post, `SELECT table_name || '.' || column_name FROM information_schema.columns
		WHERE table_schema = current_schema()`)
	if len(inLite) == 0 {
		t.Error("no columns")
	}
	if diff := cmp.Diff(inLite, inPost); diff != "" {
		t.Errorf("columns (-SQLite +PostgreSQL):\n%s", diff)
	}
}
