package store

import "context"

// change runs a statement that writes one row, the one its arguments name.
// ErrNotFound means that there is none.
func (tx *Tx) change(ctx context.Context, text string, args ...any) error {
	n, err := tx.exec(ctx, text, args...)
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}
