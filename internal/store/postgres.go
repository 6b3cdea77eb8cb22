package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	postgresConns = 24
	// idleConn and oldConn let a pool shrink, and move to a new server behind
	// the same name.
	idleConn = 5 * time.Minute
	oldConn  = time.Hour
)

var postgresDialect = &dialect{
	name:        postgresName,
	lockSuffix:  " FOR NO KEY UPDATE",
	shareSuffix: " FOR SHARE",
	claimSuffix: " FOR UPDATE SKIP LOCKED",
	hasTable:    `SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1`,
	snapshot:    &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
	classify:    classifyPostgres,
}

// openPostgres opens the database behind the URL.
func openPostgres(ctx context.Context, o Options) (*Store, error) {
	config, err := postgresConfig(o.Database)
	if err != nil {
		return nil, err
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(postgresConns)
	db.SetMaxIdleConns(postgresConns)
	db.SetConnMaxIdleTime(idleConn)
	db.SetConnMaxLifetime(oldConn)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("store: connect to PostgreSQL: %w", classifyPostgres(err)), db.Close())
	}
	s := &Store{
		Reader:     Reader{q: db, d: postgresDialect},
		db:         db,
		timer:      timer{o.Now, o.Observe},
		migrations: embedded,
		migrator: func(ctx context.Context) (*migrator, error) {
			return postgresMigrator(ctx, config)
		},
		copier: func(ctx context.Context, dir string, tell Progress) ([]string, error) {
			return copyPostgres(ctx, config, dir, tell)
		},
	}
	s.loader = func(ctx context.Context, dir string, version int64, tell Progress) error {
		return s.loadPostgres(ctx, config, dir, version, tell)
	}
	return s, nil
}

// postgresConfig reads the URL and adds what the operator has not set in it.
// The limits on the server's side matter: a transaction does not end with its
// caller, so something else must end one that hangs.
func postgresConfig(database string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(database)
	if err != nil {
		// pgx leaves the password out of this error.
		return nil, fmt.Errorf("store: database URL: %w", err)
	}
	for name, setting := range map[string]string{
		"application_name":                    "keyward",
		"default_transaction_isolation":       "read committed",
		"statement_timeout":                   "30s",
		"lock_timeout":                        "10s",
		"idle_in_transaction_session_timeout": "60s",
	} {
		if _, set := config.RuntimeParams[name]; !set {
			config.RuntimeParams[name] = setting
		}
	}
	// A reader that gives up asks the server to stop instead of cutting the
	// connection: people type faster than connections are made.
	config.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: time.Second}
	}
	return config, nil
}

// classifyPostgres goes by SQLSTATE.
func classifyPostgres(err error) error {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return classifyConnection(err)
	}
	switch e.Code {
	case "23505", "23P01":
		return refused(postgresViolation(ruleUnique, e))
	case "23503", "23001":
		return refused(postgresViolation(ruleForeign, e))
	case "23514":
		return refused(postgresViolation(ruleCheck, e))
	case "23502":
		return refused(postgresViolation(ruleNotNull, e))
	case "40001", "40P01":
		return busy(fmt.Errorf("%w: %w", errAgain, err))
	case "55P03", "57014": // waited too long for a lock, ran too long
		return busy(err)
	}
	switch e.Code {
	case "25006", "25P03": // a server that only reads took over; we were idle too long
		return unavailable(err)
	}
	switch e.Code[:2] {
	case "08", "53", "57", "58": // connection, resources, shutdown, system
		return unavailable(err)
	}
	return fmt.Errorf("store: %w", err)
}

// classifyConnection recognizes a server that is not there, or no longer.
func classifyConnection(err error) error {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return unavailable(err)
	}
	if _, ok := errors.AsType[net.Error](err); ok || pgconn.SafeToRetry(err) {
		return unavailable(err)
	}
	for _, lost := range []error{driver.ErrBadConn, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed} {
		if errors.Is(err, lost) {
			return unavailable(err)
		}
	}
	return fmt.Errorf("store: %w", err)
}

// postgresViolation takes the columns from "Key (a, b)=(1, 2) ...", a sentence
// in the server's language whose brackets are the same in all of them. The
// values that follow are left where they are.
func postgresViolation(r rule, e *pgconn.PgError) *violation {
	v := &violation{rule: r, constraint: e.ConstraintName}
	if e.ColumnName != "" {
		v.columns = []string{e.TableName + "." + e.ColumnName}
	}
	_, rest, ok := strings.Cut(e.Detail, "(")
	names, _, ok2 := strings.Cut(rest, ")=(")
	if !ok || !ok2 {
		return v
	}
	for name := range strings.SplitSeq(names, ", ") {
		v.columns = append(v.columns, e.TableName+"."+name)
	}
	return v
}
