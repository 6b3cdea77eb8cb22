package store

import "context"

// EventCursor returns the number of the last sealed event that a consumer has
// dealt with, or ErrNotFound when it has not begun.
func (r Reader) EventCursor(ctx context.Context, name string) (int64, error) {
	return first(r.queryRow(ctx, `SELECT number FROM event_cursor WHERE name = $1`, name), value[int64])
}

// LockEventCursor takes a consumer's cursor for this transaction, so that one
// at a time works for it, and returns the number it stands at: read on with
// SealedAfter. A consumer that has none begins with what happened since this
// database knows cursors, in a new database with the first event.
func (tx *Tx) LockEventCursor(ctx context.Context, name string) (int64, error) {
	_, err := tx.exec(ctx, `INSERT INTO event_cursor (name, number)
		SELECT $1, number FROM event_cursor WHERE name = '' ON CONFLICT (name) DO NOTHING`, name)
	if err != nil {
		return 0, err
	}
	return first(tx.queryRow(ctx, `SELECT number FROM event_cursor WHERE name = $1`+tx.d.lockRow(), name), value[int64])
}

// SetEventCursor moves the cursor of a consumer, which LockEventCursor took in
// the same transaction, behind the last event it dealt with.
func (tx *Tx) SetEventCursor(ctx context.Context, name string, number int64) error {
	return tx.change(ctx, `UPDATE event_cursor SET number = $2 WHERE name = $1`, name, number)
}
