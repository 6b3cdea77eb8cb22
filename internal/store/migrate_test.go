package store

import (
	"context"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/fault"
)

// scripts are migrations with the same text for both databases.
func scripts(texts ...string) fs.FS {
	m := fstest.MapFS{}
	for i, text := range texts {
		file := &fstest.MapFile{Data: []byte("-- +goose Up\n" + text)}
		name := "/000" + string(rune('1'+i)) + "_step.sql"
		m["migrations/"+sqliteName+name] = file
		m["migrations/"+postgresName+name] = file
	}
	return m
}

const (
	family  = `CREATE TABLE parent (n BIGINT PRIMARY KEY); CREATE TABLE child (n BIGINT NOT NULL REFERENCES parent (n) ON DELETE CASCADE);`
	members = `INSERT INTO parent (n) VALUES (1), (2); INSERT INTO child (n) VALUES (1), (2);`
)

func TestMigrateBringsTheSchemaForward(t *testing.T) {
	eachDatabase(t, func(t *testing.T, s *Store) {
		s.migrations = scripts(family)
		if err := s.CheckSchema(t.Context()); fault.From(err).Code != "schema_old" || !strings.Contains(fault.From(err).Next, "keyward migrate") {
			t.Errorf("an empty database: %v, want schema_old with what to run", err)
		}
		wantMigration(t, s, 0, 1)
		wantMigration(t, s, 1, 1)
		s.migrations = scripts(family, members, `CREATE TABLE more (n BIGINT);`)
		if err := s.CheckSchema(t.Context()); fault.From(err).Code != "schema_old" {
			t.Errorf("an old database: %v, want schema_old", err)
		}
		wantMigration(t, s, 1, 3)
		if err := s.CheckSchema(t.Context()); err != nil {
			t.Error(err)
		}
		mustExec(t, s, `INSERT INTO more (n) VALUES (1)`)
	})
}

func wantMigration(t *testing.T, s *Store, from, to int64) {
	t.Helper()
	gotFrom, gotTo, err := s.Migrate(t.Context())
	if err != nil || gotFrom != from || gotTo != to {
		t.Fatalf("migrated from %d to %d (%v), want from %d to %d", gotFrom, gotTo, err, from, to)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	eachDatabase(t, func(t *testing.T, s *Store) {
		s.migrations = scripts(family, members)
		wantMigration(t, s, 0, 2)
		s.migrations = scripts(family)
		if err := s.CheckSchema(t.Context()); fault.From(err).Code != "schema_new" {
			t.Errorf("CheckSchema: %v, want schema_new", err)
		}
		if _, _, err := s.Migrate(t.Context()); fault.From(err).Code != "schema_new" {
			t.Errorf("Migrate: %v, want schema_new", err)
		}
	})
}

func TestFailedMigrationLeavesThePreviousVersion(t *testing.T) {
	eachDatabase(t, func(t *testing.T, s *Store) {
		s.migrations = scripts(family, `INSERT INTO parent (n) VALUES (9); INSERT INTO nowhere (n) VALUES (1);`)
		if from, to, err := s.Migrate(t.Context()); err == nil || from != 0 || to != 1 {
			t.Errorf("migrated from %d to %d (%v), want from 0 to 1 and an error", from, to, err)
		}
		if n, err := first(s.queryRow(t.Context(), `SELECT count(*) FROM parent`), value[int]); n != 0 || err != nil {
			t.Errorf("%d rows are left of the failed migration (%v)", n, err)
		}
		s.migrations = scripts(family, members)
		wantMigration(t, s, 1, 2)
	})
}

// Two servers may start at once after an upgrade.
func TestMigrationsWaitForEachOther(t *testing.T) {
	eachDatabase(t, func(t *testing.T, s *Store) {
		s.migrations = scripts(family, members)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if _, to, err := s.Migrate(t.Context()); err != nil || to != 2 {
					t.Errorf("migrated to %d (%v), want 2", to, err)
				}
			})
		}
		wg.Wait()
		if n, err := first(s.queryRow(t.Context(), `SELECT count(*) FROM parent`), value[int]); n != 2 || err != nil {
			t.Errorf("%d parents (%v), want 2: each migration runs once", n, err)
		}
	})
}

// The table of one-time links is rebuilt on SQLite, where a rule cannot be
// changed: links that are under way still work.
func TestLinksOutliveTheirTable(t *testing.T) {
	eachDatabase(t, func(t *testing.T, s *Store) {
		whole := s.migrations
		s.migrations = firstOnly(t, whole)
		wantMigration(t, s, 0, 1)
		mustExec(t, s, `INSERT INTO person (id, email, name, password_hash, status, time_zone, theme, created_at, updated_at)
			VALUES ('ada', 'ada@example.com', 'Ada', '', 'active', '', 'system', 1, 1)`)
		mustExec(t, s, `INSERT INTO one_time_link (id, token_hash, purpose, person_seq, created_at, expires_at)
			SELECT 'old', $1, 'reset', seq, 1, 2 FROM person`, []byte("hash"))
		s.migrations = whole
		if _, _, err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		l, err := s.LinkByToken(t.Context(), []byte("hash"))
		if err != nil || l.ID != "old" || l.PersonID != "ada" || l.Purpose != account.Reset {
			t.Errorf("the link is now %v (%v)", l, err)
		}
		mustExec(t, s, `INSERT INTO one_time_link (id, token_hash, purpose, person_seq, created_at, expires_at)
			SELECT 'new', $1, 'sign_in', seq, 1, 2 FROM person`, []byte("other"))
		err = s.InTx(t.Context(), func(tx *Tx) error {
			_, err := tx.exec(t.Context(), `UPDATE one_time_link SET purpose = 'nonsense'`)
			return err
		})
		if err == nil {
			t.Error("a link may have any purpose")
		}
	})
}

// firstOnly are the migrations of the first schema.
func firstOnly(t *testing.T, all fs.FS) fs.FS {
	t.Helper()
	m := fstest.MapFS{}
	for _, database := range []string{sqliteName, postgresName} {
		name := "migrations/" + database + "/0001_first.sql"
		text, err := fs.ReadFile(all, name)
		if err != nil {
			t.Fatal(err)
		}
		m[name] = &fstest.MapFile{Data: text}
	}
	return m
}

// With foreign keys on, DROP TABLE deletes the rows first and so empties the
// children.
func TestRebuildingAParentKeepsItsChildren(t *testing.T) {
	s := openThings(t)
	s.migrations = scripts(family, members, `
		CREATE TABLE parent_new (n BIGINT PRIMARY KEY, name TEXT NOT NULL DEFAULT '');
		INSERT INTO parent_new (n) SELECT n FROM parent;
		DROP TABLE parent;
		ALTER TABLE parent_new RENAME TO parent;`)
	wantMigration(t, s, 0, 3)
	rs, err := s.query(t.Context(), `SELECT n FROM child ORDER BY n`)
	children, err := collect(rs, err, value[int64])
	if diff := cmp.Diff([]int64{1, 2}, children); err != nil || diff != "" {
		t.Errorf("children: %v %s", err, diff)
	}
	// And the rest of the program still has its foreign keys.
	err = s.InTx(t.Context(), func(tx *Tx) error {
		_, err := tx.exec(t.Context(), `INSERT INTO child (n) VALUES (7)`)
		return err
	})
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("a child without a parent: %v, want Conflict", err)
	}
}

func TestMigrationThatLosesAParentIsUndone(t *testing.T) {
	s := openThings(t)
	s.migrations = scripts(family, members, `DELETE FROM parent WHERE n = 1;`)
	if _, to, err := s.Migrate(t.Context()); err == nil || to != 2 || !strings.Contains(err.Error(), "child") {
		t.Errorf("migrated to %d (%v), want 2 and an error that names the table", to, err)
	}
	if n, err := first(s.queryRow(t.Context(), `SELECT count(*) FROM parent`), value[int]); n != 2 || err != nil {
		t.Errorf("%d parents (%v), want 2", n, err)
	}
}

func TestWaitForAnotherMigrationEndsWithItsContext(t *testing.T) {
	eachDatabase(t, func(t *testing.T, s *Store) {
		s.migrations = scripts(family)
		other, err := s.migrator(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, _, err := s.Migrate(ctx); err == nil || ctx.Err() == nil {
			t.Errorf("migrated although another one held the lock: %v", err)
		}
		if err := other.close(); err != nil {
			t.Fatal(err)
		}
		wantMigration(t, s, 0, 1)
	})
}
