package server_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/backup"
	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/server"
	"github.com/keyward/keyward/internal/store"
)

// examine returns the findings by what was looked at. Each that is not good
// says what to do.
func examine(t *testing.T, c config.Database, now func() time.Time) map[string]server.Finding {
	t.Helper()
	list, err := server.Examine(t.Context(), c, now, quiet)
	must(t, err)
	found := map[string]server.Finding{}
	for _, f := range list {
		found[f.Check] = f
		if f.Says == "" || (f.Health == server.Healthy) != (f.Next == "") {
			t.Errorf("%s: %s says %q, next %q", f.Check, f.Health, f.Says, f.Next)
		}
	}
	return found
}

// healthy fails the test when there is anything to say, but for the room on the
// disk of whoever tests.
func healthy(t *testing.T, c config.Database) {
	t.Helper()
	for check, f := range examine(t, c, time.Now) {
		if f.Health != server.Healthy && check != "disk" {
			t.Errorf("%s: %s: %s", check, f.Health, f.Says)
		}
	}
}

// private makes a directory one that doctor has nothing to say about.
func private(t *testing.T, c config.Database) config.Database {
	t.Helper()
	must(t, os.Chmod(c.Data, 0o700))
	return c
}

func TestDoctorFindsNothingWhereNothingIs(t *testing.T) {
	onBoth(t, func(t *testing.T, c config.Database) {
		s := openShop(t, private(t, c))
		defer closed(t, s.Services)
		healthy(t, c) // while it is in use
	})
}

func TestDoctorFindsWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		harm   func(*testing.T, config.Database)
		check  string
		health server.Health
		says   string
	}{
		"others can read the key": {func(t *testing.T, c config.Database) {
			must(t, os.Chmod(filepath.Join(c.Data, "master.key"), 0o644))
		}, "permissions", server.Doubt, "master.key"},
		"the key is gone": {func(t *testing.T, c config.Database) {
			must(t, os.Remove(filepath.Join(c.Data, "master.key")))
		}, "master key", server.Sick, "is not here"},
		"the key is another one": {func(t *testing.T, c config.Database) {
			must(t, os.WriteFile(filepath.Join(c.Data, "master.key"), []byte(strings.Repeat("5a", 32)), 0o600))
		}, "master key", server.Sick, "not the master key"},
		"an event was changed": {func(t *testing.T, c config.Database) {
			execute(t, c, `UPDATE event SET reason = 'other' WHERE seq = 2`)
		}, "events", server.Sick, "from number 2 on"},
		"a customer was removed by hand": {func(t *testing.T, c config.Database) {
			execute(t, c, `DELETE FROM customer`)
		}, "records", server.Sick, "customer"},
		"the schema is a newer one": {func(t *testing.T, c config.Database) {
			execute(t, c, `INSERT INTO schema_version (version_id, is_applied) VALUES (9999, 1)`)
		}, "schema", server.Sick, "newer"},
		"a job waits": {func(t *testing.T, c config.Database) {
			execute(t, c, `INSERT INTO job (id, kind, payload, state, run_at, attempts, last_error, created_at) VALUES ('j', 'k', '{}', 'waiting', 1, 0, '', 1)`)
		}, "queue", server.Doubt, "waiting"},
		"a restore did not end": {func(t *testing.T, c config.Database) {
			execute(t, c, `INSERT INTO meta (name, value) VALUES ('restoring', '')`)
		}, "restore", server.Sick, "did not end"},
		"a backup was killed": {func(t *testing.T, c config.Database) {
			must(t, os.Mkdir(filepath.Join(c.Data, backup.Making+"1"), 0o700))
		}, "leftovers", server.Doubt, backup.Making + "1"},
		"a restore was killed": {func(t *testing.T, c config.Database) {
			must(t, os.Mkdir(filepath.Join(c.Data, backup.Restoring+"1"), 0o700))
		}, "leftovers", server.Doubt, backup.Restoring + "1"},
		"a file belongs to nothing": {func(t *testing.T, c config.Database) {
			must(t, os.MkdirAll(filepath.Join(c.Data, "files", "a"), 0o700))
			must(t, os.WriteFile(filepath.Join(c.Data, "files", "a", "b"), nil, 0o600))
		}, "files", server.Doubt, "belong to no release"},
		"a file is missing": {func(t *testing.T, c config.Database) {
			execute(t, c, `INSERT INTO release (id, product_seq, version, released_at, created_at) SELECT 'r', seq, '1.0', 1, 1 FROM product;
				INSERT INTO asset (id, release_seq, file_name, kind, platform, architecture, size, sha256, content_type, storage_key, downloads, created_at)
				SELECT 'a', seq, 'f', 'package', '', '', 1, x'00', '', 'x/y', 0, 1 FROM release`)
		}, "files", server.Sick, "missing"},
	} {
		t.Run(name, func(t *testing.T) {
			at := private(t, config.Database{Data: t.TempDir()})
			s := openShop(t, at)
			_, err := s.Sealer.Seal(t.Context())
			must(t, err)
			closed(t, s.Services)
			c.harm(t, at)
			if f := examine(t, at, time.Now)[c.check]; f.Health != c.health || !strings.Contains(f.Says, c.says) {
				t.Errorf("%s: %s: %s", c.check, f.Health, f.Says)
			}
		})
	}
}

func TestDoctorFindsAClockThatIsBehind(t *testing.T) {
	c := config.Database{Data: t.TempDir()}
	closed(t, openShop(t, c).Services)
	slow := func() time.Time { return time.Now().Add(-time.Hour) }
	if f := examine(t, c, slow)["clock"]; f.Health != server.Sick {
		t.Errorf("%s: %s", f.Health, f.Says)
	}
}

// Looking changes nothing, and makes nothing.
func TestDoctorMakesNoDatabase(t *testing.T) {
	c := config.Database{Data: t.TempDir()}
	_, err := server.Examine(t.Context(), c, time.Now, quiet)
	wantFault(t, err, "no_records")
	if there, err := store.Exists(t.Context(), store.Options{Dir: c.Data}); err != nil || there {
		t.Errorf("it made a database: %v", err)
	}
}
