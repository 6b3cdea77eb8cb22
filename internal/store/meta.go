package store

import "context"

// Meta returns the value this installation keeps under a name, or ErrNotFound.
func (r Reader) Meta(ctx context.Context, name string) (string, error) {
	return first(r.queryRow(ctx, `SELECT value FROM meta WHERE name = $1`, name), value[string])
}

// SetMeta keeps a value under a name, in place of an earlier one.
func (tx *Tx) SetMeta(ctx context.Context, name, value string) error {
	return tx.change(ctx,
		`INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
		name, value)
}

// Unused reports whether nothing was ever kept here: no value, no product, no
// customer, no administrator. Only then may a master key be made for it.
func (r Reader) Unused(ctx context.Context) (bool, error) {
	var used bool
	err := r.queryRow(ctx, `SELECT EXISTS (SELECT 1 FROM meta) OR EXISTS (SELECT 1 FROM product)
		OR EXISTS (SELECT 1 FROM customer) OR EXISTS (SELECT 1 FROM administrator)`).Scan(scanBool(&used))
	return !used, err
}
