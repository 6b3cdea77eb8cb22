package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// statementsKept bounds the statements that stay prepared. There are about as
// many texts as there are calls of query and exec in this package; only lists
// with several filters have many.
const statementsKept = 256

// pool is SQLite's readers with the statements they have prepared: parsing
// takes longer than most statements run. (The driver of PostgreSQL does the
// same by itself.)
type pool struct {
	*sql.DB
	mu       sync.RWMutex
	prepared map[string]*sql.Stmt
}

func newPool(db *sql.DB) *pool {
	return &pool{DB: db, prepared: make(map[string]*sql.Stmt)}
}

func (p *pool) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	stmt, err := p.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	if stmt == nil {
		return p.DB.QueryContext(ctx, text, args...)
	}
	return stmt.QueryContext(ctx, args...)
}

// kept returns the statement prepared for the text, if any, and whether there
// is room to keep it.
func (p *pool) kept(text string) (stmt *sql.Stmt, room bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.prepared[text], len(p.prepared) < statementsKept
}

// prepare returns the statement for the text, or nil when enough are kept. It
// takes a connection: whoever holds one must not call it.
func (p *pool) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	stmt, room := p.kept(text)
	if stmt != nil || !room {
		return stmt, nil
	}
	stmt, err := p.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if other := p.prepared[text]; other != nil {
		return other, stmt.Close()
	}
	p.prepared[text] = stmt
	return stmt, nil
}

// pooled is a read transaction that uses what its pool has prepared.
type pooled struct {
	*sql.Tx
	p      *pool
	missed []string
}

func (q *pooled) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	stmt, room := q.p.kept(text)
	if stmt != nil {
		return q.StmtContext(ctx, stmt).QueryContext(ctx, args...)
	}
	if room {
		q.missed = append(q.missed, text)
	}
	return q.Tx.QueryContext(ctx, text, args...)
}

// end gives the connection back and prepares for the next time what was
// missing. Nothing depends on its success.
func (q *pooled) end(ctx context.Context) {
	_ = q.Rollback()
	for _, text := range q.missed {
		_, _ = q.p.prepare(ctx, text)
	}
}

// session is the writer's connection with the statements it has prepared. One
// goroutine uses it.
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
