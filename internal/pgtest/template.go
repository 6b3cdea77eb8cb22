package pgtest

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
)

// templateLock is the advisory lock of whoever makes a template.
const templateLock int64 = 0x6b77746d706c // "kwtmpl"

// Copy returns the URL of a new database, like [URL], that starts as prepare
// leaves an empty one. That is done once for all databases with the same name
// of lower-case letters and digits on a server; each test gets a copy, which is
// much quicker. The prepared database stays on the server. prepare must end
// its connections.
func Copy(t testing.TB, name string, prepare func(ctx context.Context, url string) error) string {
	t.Helper()
	admin, template := admin(t), "keyward_template_"+name
	if err := makeTemplate(t, admin, template, prepare); err != nil {
		t.Fatalf("prepare a database to copy: %v", err)
	}
	return createFor(t, admin, template)
}

// makeTemplate is done when the database is marked as a template: one that is
// not is what somebody left who did not come to the end.
func makeTemplate(t testing.TB, admin, template string, prepare func(context.Context, string) error) error {
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) // frees the lock
	if done, err := isTemplate(ctx, conn, template); done || err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", templateLock); err != nil {
		return fmt.Errorf("wait for another: %w", err)
	}
	if done, err := isTemplate(ctx, conn, template); done || err != nil {
		return err
	}
	if err := execute(ctx, admin, "DROP DATABASE IF EXISTS "+template+" WITH (FORCE)"); err != nil {
		return err
	}
	if err := create(ctx, admin, template, "template0"); err != nil {
		return err
	}
	if err := prepare(ctx, withDatabase(t, admin, template)); err != nil {
		return err
	}
	return execute(ctx, admin, "ALTER DATABASE "+template+" WITH IS_TEMPLATE true")
}

func isTemplate(ctx context.Context, conn *pgx.Conn, name string) (bool, error) {
	var done bool
	err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND datistemplate)", name).Scan(&done)
	if err != nil {
		return false, fmt.Errorf("look for %s: %w", name, err)
	}
	return done, nil
}
