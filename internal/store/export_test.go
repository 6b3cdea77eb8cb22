package store

import "context"

// What the conformance suite needs to run plain SQL through the store's own
// paths.

func Exec(tx *Tx, ctx context.Context, text string, args ...any) (int64, error) {
	return tx.exec(ctx, text, args...)
}

func Ints(r Reader, ctx context.Context, text string, args ...any) ([]int64, error) {
	rs, err := r.query(ctx, text, args...)
	return collect(rs, err, value[int64])
}

func Int(r Reader, ctx context.Context, text string, args ...any) (int64, error) {
	return first(r.queryRow(ctx, text, args...), value[int64])
}

func Texts(r Reader, ctx context.Context, text string, args ...any) ([]string, error) {
	rs, err := r.query(ctx, text, args...)
	return collect(rs, err, value[string])
}

func LockRow(s *Store) string { return s.d.lockRow() }

func Claim(s *Store) string { return s.d.claim() }

// Relax takes away the sync of each commit, before anything is written.
func Relax(s *Store) error { return s.writer.s.exec("PRAGMA synchronous = NORMAL") }

// MigrateTo brings an empty database to an earlier schema.
func MigrateTo(ctx context.Context, s *Store, version int64) error {
	return s.migrateTo(ctx, version)
}
