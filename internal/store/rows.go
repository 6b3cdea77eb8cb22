package store

import (
	"context"
	"database/sql"
)

// Reader reads. A Store reads what is committed; a Tx reads its own changes
// too; a Snapshot reads one moment. The context of a call counts only outside
// a Tx, because a context that ends inside a shared transaction would take the
// neighbors down with it.
type Reader struct {
	q  querier
	d  *dialect
	in *course // of the transaction; nil outside
}

// querier is what a pool, a transaction and the writer's connection share.
type querier interface {
	ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
}

// scanner is one row.
type scanner interface{ Scan(dest ...any) error }

// query runs a statement that returns rows. Hand its results to collect.
func (r Reader) query(ctx context.Context, text string, args ...any) (*rows, error) {
	ctx, err := r.in.enter(ctx)
	if err != nil {
		return nil, err
	}
	rs, err := r.q.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, r.failed(ctx, err)
	}
	return &rows{rs, r, ctx}, nil
}

// queryRow runs a statement of which the first row counts.
func (r Reader) queryRow(ctx context.Context, text string, args ...any) row {
	rs, err := r.query(ctx, text, args...)
	return row{rs, err}
}

// failed translates the error of a statement and notes that it happened. A
// statement that ended because its context did says so in many ways; callers
// want to hear the one of the context.
func (r Reader) failed(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil {
		err = ended
	}
	err = r.d.translate(err)
	r.in.fail(err)
	return err
}

// rows is a result being read.
type rows struct {
	*sql.Rows
	r   Reader
	ctx context.Context // the statement's own
}

// Err returns the error that ended the result, in its final form.
func (rs *rows) Err() error {
	if err := rs.Rows.Err(); err != nil {
		return rs.r.failed(rs.ctx, err)
	}
	return nil
}

// row is the first row of a result, or the error there is instead.
type row struct {
	rs  *rows
	err error
}

// Scan reads the row and is done with it; without a row it is ErrNotFound.
func (r row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rs.Close()
	if !r.rs.Next() {
		if err := r.rs.Err(); err != nil {
			return err
		}
		return ErrNotFound
	}
	if err := r.rs.Scan(dest...); err != nil {
		return err
	}
	// A statement that writes and returns has done its work only when it ended.
	r.rs.Next()
	return r.rs.Err()
}

// collect reads all rows with scan. It takes the results of query as they are.
func collect[T any](rs *rows, err error, scan func(scanner) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rs.Close()
	var all []T
	for rs.Next() {
		one, err := scan(rs)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rs.Err()
}

// first reads one row with scan; without a row it is ErrNotFound.
func first[T any](r row, scan func(scanner) (T, error)) (T, error) {
	if r.rs != nil {
		defer r.rs.Close() // also when scan gives up before it reads
	}
	return scan(r)
}

// value reads the only column of a row.
func value[T any](s scanner) (T, error) {
	var v T
	err := s.Scan(&v)
	return v, err
}
