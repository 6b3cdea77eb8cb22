package repotest

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "pin the migrations as they are now")

const (
	migrations = "internal/store/migrations"
	pins       = "internal/repotest/testdata/migrations.sha256"
)

func TestMigrationsComeInPairs(t *testing.T) {
	byDatabase := map[string][]string{"sqlite": nil, "postgres": nil}
	for _, name := range migrationFiles(t) {
		database := path.Base(path.Dir(name))
		byDatabase[database] = append(byDatabase[database], path.Base(name))
	}
	for _, name := range byDatabase["sqlite"] {
		if !slices.Contains(byDatabase["postgres"], name) {
			t.Errorf("%s exists for SQLite only: both databases have the same steps, if need be an empty one", name)
		}
	}
	for _, name := range byDatabase["postgres"] {
		if !slices.Contains(byDatabase["sqlite"], name) {
			t.Errorf("%s exists for PostgreSQL only: both databases have the same steps, if need be an empty one", name)
		}
	}
}

// A database that has taken a step never takes it again, so a changed
// migration makes two schemas that both claim to be the same version.
func TestMigrationsNeverChange(t *testing.T) {
	if *update {
		pin(t)
	}
	pinned := readPins(t)
	for _, name := range migrationFiles(t) {
		switch pinned[name] {
		case hash(t, name):
		case "":
			t.Errorf("%s is not pinned yet: run go test ./internal/repotest -update", name)
		default:
			t.Errorf("%s has changed: databases that took it will not take it again, so write a new migration; "+
				"if nobody can have it yet, run go test ./internal/repotest -update", name)
		}
		delete(pinned, name)
	}
	for name := range pinned {
		t.Errorf("%s is gone: databases that took it know a step that the program no longer does", name)
	}
}

func migrationFiles(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, name := range list(t) {
		if within(name, migrations) && path.Ext(name) == ".sql" {
			names = append(names, name)
		}
	}
	return names
}

func hash(t *testing.T, name string) string {
	t.Helper()
	return fmt.Sprintf("%x", sha256.Sum256(read(t, name)))
}

// readPins reads the file as sha256sum writes it: hash, two spaces, name.
func readPins(t *testing.T) map[string]string {
	t.Helper()
	pinned := map[string]string{}
	for line := range strings.Lines(string(read(t, pins))) {
		sum, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if !ok {
			t.Fatalf("%s: what is %q?", pins, line)
		}
		pinned[name] = sum
	}
	return pinned
}

func pin(t *testing.T) {
	t.Helper()
	var b strings.Builder
	for _, name := range migrationFiles(t) {
		fmt.Fprintf(&b, "%s  %s\n", hash(t, name), name)
	}
	if err := os.WriteFile(path.Join(root, pins), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
