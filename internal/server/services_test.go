package server_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/catalog"
	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/pgtest"
	"github.com/keyward/keyward/internal/server"
)

func wantFault(t *testing.T, err error, code string) {
	t.Helper()
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Code != code {
		t.Fatalf("got %v, want fault %s", err, code)
	}
	if f.Next == "" {
		t.Errorf("%s does not say what to do", code)
	}
}

// next is what a fault says to do.
func next(err error) string {
	f, _ := errors.AsType[*fault.Error](err)
	return f.Next
}

func assemble(t *testing.T, c config.Database, o server.Options) (*server.Services, error) {
	t.Helper()
	o.Log = quiet
	return server.Assemble(t.Context(), c, o)
}

func mustAssemble(t *testing.T, c config.Database) *server.Services {
	t.Helper()
	s, err := assemble(t, c, server.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closed(t *testing.T, s *server.Services) {
	t.Helper()
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// used makes an installation with a product in it.
func used(t *testing.T, c config.Database) {
	t.Helper()
	s := mustAssemble(t, c)
	defer closed(t, s)
	if unused, err := s.Unused(t.Context()); err != nil || !unused {
		t.Fatalf("new, but unused is %v, %v", unused, err)
	}
	_, err := s.Catalog.CreateProduct(t.Context(), account.System(""), catalog.NewProduct{
		Name: "Cartograph", Environment: license.Production, AcceptsHardware: true,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestReopensWhatItMade(t *testing.T) {
	onBoth(t, func(t *testing.T, c config.Database) {
		used(t, c)
		s := mustAssemble(t, c)
		defer closed(t, s)
		products, err := s.Catalog.Products(t.Context(), account.System(""), "", 10)
		if err != nil || len(products) != 1 {
			t.Fatalf("products %v, %v", products, err)
		}
		info, err := os.Stat(filepath.Join(c.Data, "master.key"))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("master key file %v, %v", info, err)
		}
	})
}

func TestRefusesAnotherMasterKey(t *testing.T) {
	onBoth(t, func(t *testing.T, c config.Database) {
		used(t, c)
		c.MasterKey = strings.Repeat("5a", 32)
		_, err := assemble(t, c, server.Options{})
		wantFault(t, err, "master_key_wrong")
		c.MasterKey = "too short"
		_, err = assemble(t, c, server.Options{})
		wantFault(t, err, "master_key_format")
	})
}

// A key made now could open nothing of what is there.
func TestMakesNoMasterKeyForADatabaseInUse(t *testing.T) {
	onBoth(t, func(t *testing.T, c config.Database) {
		used(t, c)
		file := filepath.Join(c.Data, "master.key")
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		_, err := assemble(t, c, server.Options{})
		wantFault(t, err, "master_key_missing")
		if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a file was left: %v", err)
		}
	})
}

func TestRefusesAMasterKeyThatOthersCanRead(t *testing.T) {
	c := config.Database{Data: t.TempDir()}
	used(t, c)
	if err := os.Chmod(filepath.Join(c.Data, "master.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := assemble(t, c, server.Options{})
	wantFault(t, err, "master_key_exposed")
}

func TestRefusesRecordsOfAnUnknownMasterKey(t *testing.T) {
	onBoth(t, func(t *testing.T, c config.Database) {
		used(t, c)
		execute(t, c, `DELETE FROM meta`)
		_, err := assemble(t, c, server.Options{})
		wantFault(t, err, "master_check_missing")
	})
}

// Two servers on one new database, each with a directory of its own, must not
// both believe that theirs is the master key.
func TestOneMasterKeyWins(t *testing.T) {
	url := pgtest.URL(t)
	const servers = 4
	var wg sync.WaitGroup
	dirs, errs := make([]string, servers), make([]error, servers)
	for i := range servers {
		dirs[i] = t.TempDir()
		wg.Go(func() {
			s, err := server.Assemble(t.Context(), config.Database{Data: dirs[i], Database: url}, server.Options{Log: quiet})
			if errs[i] = err; err == nil {
				errs[i] = s.Close(t.Context())
			}
		})
	}
	wg.Wait()
	won := 0
	for i, err := range errs {
		_, noFile := os.Stat(filepath.Join(dirs[i], "master.key"))
		if err == nil {
			won++
		} else if noFile == nil {
			t.Errorf("refused with %v, but its key file was left", err)
		}
	}
	if won != 1 {
		t.Errorf("%d servers won: %v", won, errs)
	}
}

func TestRefusesANewerSchema(t *testing.T) {
	onBoth(t, func(t *testing.T, c config.Database) {
		used(t, c)
		execute(t, c, `INSERT INTO schema_version (version_id, is_applied) VALUES (9999, `+truth(c)+`)`)
		for _, o := range []server.Options{{}, {NoMigrate: true}} {
			_, err := assemble(t, c, o)
			wantFault(t, err, "schema_new")
		}
		if _, _, err := server.Migrate(t.Context(), c, quiet); err == nil {
			t.Error("migrated")
		}
	})
}

func TestNoMigrateMakesANewDatabaseAndUpgradesNone(t *testing.T) {
	onBoth(t, func(t *testing.T, c config.Database) {
		s, err := assemble(t, c, server.Options{NoMigrate: true})
		if err != nil {
			t.Fatalf("new database: %v", err)
		}
		closed(t, s)
		execute(t, c, `DELETE FROM schema_version WHERE version_id > 0`)
		_, err = assemble(t, c, server.Options{NoMigrate: true})
		wantFault(t, err, "schema_old")
	})
}

func TestMigrateReportsVersions(t *testing.T) {
	onBoth(t, func(t *testing.T, c config.Database) {
		from, to, err := server.Migrate(t.Context(), c, quiet)
		if err != nil || from != 0 || to == 0 {
			t.Fatalf("from %d to %d, %v", from, to, err)
		}
		again, still, err := server.Migrate(t.Context(), c, quiet)
		if err != nil || again != to || still != to {
			t.Errorf("again from %d to %d, %v", again, still, err)
		}
	})
}

func truth(c config.Database) string {
	if c.Database == "" {
		return "1"
	}
	return "true"
}

// execute changes a database behind the back of whoever has it open.
func execute(t *testing.T, c config.Database, statement string) {
	t.Helper()
	driver, source := "sqlite", "file:"+filepath.Join(c.Data, "keyward.db")+"?_pragma=busy_timeout(10000)"
	if c.Database != "" {
		driver, source = "pgx", c.Database
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}
