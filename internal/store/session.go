package store

import (
	"context"
	"database/sql"
	"errors"
)

// statementsKept bounds the prepared statements of the writer's connection.
const statementsKept = 256

// session is the writer's connection with the statements it has prepared:
// parsing takes longer than most of them run. One goroutine uses it.
type session struct {
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
	rows     int64 // changed since the last call of changed
}

func newSession(conn *sql.Conn) *session {
	return &session{conn: conn, prepared: make(map[string]*sql.Stmt)}
}

func (s *session) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	stmt, err := s.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	result, err := stmt.ExecContext(ctx, args...)
	if err == nil {
		n, _ := result.RowsAffected() // this driver knows it always
		s.rows += n
	}
	return result, err
}

func (s *session) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	stmt, err := s.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	s.rows++ // it may be an INSERT that returns
	return stmt.QueryContext(ctx, args...)
}

func (s *session) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	if stmt := s.prepared[text]; stmt != nil {
		return stmt, nil
	}
	stmt, err := s.conn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	s.prepared[text] = stmt
	return stmt, nil
}

// changed returns how many rows were changed since it was last asked.
func (s *session) changed() int {
	n := s.rows
	s.rows = 0
	return int(n)
}

// exec runs a statement of the writer itself, which no caller can interrupt.
func (s *session) exec(text string) error {
	stmt, err := s.prepare(context.Background(), text)
	if err == nil {
		_, err = stmt.Exec()
	}
	return sqliteDialect.translate(err)
}

// rollback undoes the transaction. SQLite may have done it already, which it
// reports as an error that says nothing else.
func (s *session) rollback() { _ = s.exec("ROLLBACK") }

// trim forgets the statements when they are many. It runs between operations,
// when no result is being read.
func (s *session) trim() {
	if len(s.prepared) < statementsKept {
		return
	}
	_ = s.forget()
}

func (s *session) forget() error {
	var errs []error
	for _, stmt := range s.prepared {
		errs = append(errs, stmt.Close())
	}
	clear(s.prepared)
	return errors.Join(errs...)
}

func (s *session) close() error { return errors.Join(s.forget(), s.conn.Close()) }
