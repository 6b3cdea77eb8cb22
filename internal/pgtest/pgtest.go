package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Variable names the environment variable that holds the URL of a database
// whose user may create others.
const Variable = "KEYWARD_TEST_POSTGRES"

// ErrMissing says that this machine has no PostgreSQL to start.
var ErrMissing = errors.New("PostgreSQL is not installed: on Debian, apt-get install postgresql; " +
	"elsewhere, put initdb and postgres in PATH or set " + Variable)

// own is the server of this test process. The process needs one however many
// tests ask for it, so it is started at most once; it stops by itself when the
// process ends.
var own = sync.OnceValues(func() (*Server, error) { return Start(context.Background()) })

func adminURL() (string, error) {
	if given := os.Getenv(Variable); given != "" {
		return given, nil
	}
	server, err := own()
	if err != nil {
		return "", err
	}
	return server.URL, nil
}

// URL returns the URL of a new, empty database, which is dropped when the test
// ends. Tests that run in parallel get databases of their own.
func URL(t testing.TB) string {
	t.Helper()
	return createFor(t, admin(t), "template0")
}

func admin(t testing.TB) string {
	t.Helper()
	url, err := adminURL()
	if errors.Is(err, ErrMissing) && !Required() {
		t.Skip(err)
	}
	if err != nil {
		t.Fatalf("test PostgreSQL: %v", err)
	}
	return url
}

func createFor(t testing.TB, admin, template string) string {
	t.Helper()
	name := "keyward_test_" + strings.ToLower(rand.Text())
	if err := create(t.Context(), admin, name, template); err != nil {
		t.Fatalf("create a test database: %v", err)
	}
	t.Cleanup(func() { drop(t, admin, name) })
	return withDatabase(t, admin, name)
}

// Required reports whether this run has promised that everything the tests
// need is there: whoever finds something missing fails instead of skipping.
func Required() bool {
	return isSet("CI") || isSet("KEYWARD_TEST_REQUIRE")
}

func isSet(variable string) bool {
	switch os.Getenv(variable) {
	case "", "0", "false":
		return false
	}
	return true
}

// drop does not use the test's context: that one is already over.
func drop(t testing.TB, admin, name string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := execute(ctx, admin, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
		t.Errorf("drop the test database: %v", err)
	}
}

func withDatabase(t testing.TB, admin, name string) string {
	t.Helper()
	u, err := url.Parse(admin)
	if err != nil {
		t.Fatalf("%s is not a URL", Variable) // the parse error would print the password
	}
	u.Path = "/" + name
	return u.String()
}

// create copies a template, which nobody may be connected to.
func create(ctx context.Context, admin, name, template string) error {
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	statement := "CREATE DATABASE " + name + " TEMPLATE " + template
	// Since 15 a copy goes through the log unless told otherwise. Copying the
	// files takes half the time, and nothing here has to survive a crash.
	if major(conn) >= 15 {
		statement += " STRATEGY file_copy"
	}
	_, err = conn.Exec(ctx, statement)
	return err
}

func major(conn *pgx.Conn) int {
	version, _, _ := strings.Cut(conn.PgConn().ParameterStatus("server_version"), ".")
	n, err := strconv.Atoi(version)
	if err != nil {
		return 0
	}
	return n
}

func execute(ctx context.Context, databaseURL, statement string) error {
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("execute: %w", err)
	}
	return nil
}
