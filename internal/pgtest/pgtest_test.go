package pgtest_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/keyward/keyward/internal/pgtest"
)

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return conn
}

func ask(t *testing.T, conn *pgx.Conn, query string) string {
	t.Helper()
	var answer string
	if err := conn.QueryRow(t.Context(), query).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return answer
}

func TestURL(t *testing.T) {
	t.Run("empty and apart from every other test's", func(t *testing.T) {
		first, second := connect(t, pgtest.URL(t)), connect(t, pgtest.URL(t))
		if _, err := first.Exec(t.Context(), "CREATE TABLE mine (n int)"); err != nil {
			t.Fatal(err)
		}
		const tables = "SELECT count(*)::text FROM information_schema.tables WHERE table_schema = 'public'"
		if got := ask(t, first, tables); got != "1" {
			t.Errorf("tables in the first database: %s, want 1", got)
		}
		if got := ask(t, second, tables); got != "0" {
			t.Errorf("tables in the second database: %s, want 0", got)
		}
	})

	t.Run("isolation level as shipped", func(t *testing.T) {
		conn := connect(t, pgtest.URL(t))
		if got := ask(t, conn, "SHOW default_transaction_isolation"); got != "read committed" {
			t.Errorf("isolation level %q", got)
		}
	})

	t.Run("trigrams can be installed by the database's owner", func(t *testing.T) {
		conn := connect(t, pgtest.URL(t))
		if _, err := conn.Exec(t.Context(), "CREATE EXTENSION pg_trgm"); err != nil {
			t.Error(err)
		}
	})

	t.Run("dropped at the end even while in use", func(t *testing.T) {
		var left string
		t.Run("user", func(t *testing.T) {
			left = pgtest.URL(t)
			// Deliberately not closed before the database goes.
			if _, err := pgx.Connect(t.Context(), left); err != nil {
				t.Fatal(err)
			}
		})
		if conn, err := pgx.Connect(t.Context(), left); err == nil {
			_ = conn.Close(t.Context())
			t.Error("the database is still there")
		}
	})
}

func TestWithpostgres(t *testing.T) {
	pgtest.URL(t) // skips or fails where there is no PostgreSQL
	program := filepath.Join(t.TempDir(), "withpostgres")
	build := exec.Command("go", "build", "-o", program, "./cmd/withpostgres")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as the test script has built it
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// The script signals its parent, withpostgres, which passes it on.
	cmd := exec.Command(program, "--", "sh", "-c",
		"trap 'exit 9' TERM; echo $"+pgtest.Variable+"; kill -TERM $PPID; while :; do sleep 0.05; done")
	cmd.Env = append(os.Environ(), pgtest.Variable+"=")
	out, err := cmd.Output()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if code := cmd.ProcessState.ExitCode(); code != 9 {
		t.Errorf("exit code %d, want the command's own 9", code)
	}
	url := strings.TrimSpace(string(out))
	if !strings.HasPrefix(url, "postgres://") {
		t.Fatalf("%s = %q", pgtest.Variable, url)
	}
	assertStopped(t, url)
}

func assertStopped(t *testing.T, url string) {
	t.Helper()
	if answers(t, url) {
		t.Error("the server still answers")
	}
}

func answers(t *testing.T, url string) bool {
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		return false
	}
	_ = conn.Close(t.Context())
	return true
}

func TestRequired(t *testing.T) {
	for _, tt := range []struct {
		ci, require string
		want        bool
	}{
		{"", "", false},
		{"false", "0", false},
		{"true", "", true},
		{"", "1", true},
	} {
		t.Run("CI="+tt.ci+" REQUIRE="+tt.require, func(t *testing.T) {
			t.Setenv("CI", tt.ci)
			t.Setenv("KEYWARD_TEST_REQUIRE", tt.require)
			if got := pgtest.Required(); got != tt.want {
				t.Errorf("Required() = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestCopiesArePreparedOnce(t *testing.T) {
	name, prepared := strings.ToLower(rand.Text()), 0
	prepare := func(ctx context.Context, url string) error {
		prepared++
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return err
		}
		_, err = conn.Exec(ctx, "CREATE TABLE thing (n BIGINT)")
		return errors.Join(err, conn.Close(ctx))
	}
	admin := connect(t, pgtest.URL(t))
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		for _, statement := range []string{"ALTER DATABASE %s WITH IS_TEMPLATE false", "DROP DATABASE %s"} {
			if _, err := admin.Exec(ctx, fmt.Sprintf(statement, "keyward_template_"+name)); err != nil {
				t.Error(err)
			}
		}
	})
	first, second := connect(t, pgtest.Copy(t, name, prepare)), connect(t, pgtest.Copy(t, name, prepare))
	if _, err := first.Exec(t.Context(), "INSERT INTO thing VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	var rows int
	if err := second.QueryRow(t.Context(), "SELECT COUNT(*) FROM thing").Scan(&rows); err != nil || rows != 0 || prepared != 1 {
		t.Errorf("the second copy has %d rows of the first (%v), after %d preparations", rows, err, prepared)
	}
}
