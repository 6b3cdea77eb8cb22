package store

import (
	"context"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
)

// mine selects the views of person $1 in customer $2.
const mine = ` FROM saved_view
	WHERE person_seq = (SELECT seq FROM person WHERE id = $1) AND customer_seq = (SELECT seq FROM customer WHERE id = $2)`

const viewColumns = `id, list, name, query, created_at`

func scanView(s scanner) (account.View, error) {
	var v account.View
	err := s.Scan(&v.ID, &v.List, &v.Name, &v.Query, scanAt(&v.CreatedAt))
	return v, err
}

// Views lists what a person keeps of a list, by name, at most limit.
func (r Reader) Views(ctx context.Context, person, customer id.ID, list string, limit int) ([]account.View, error) {
	rs, err := r.query(ctx, `SELECT `+viewColumns+mine+` AND list = $3 ORDER BY LOWER(name), seq LIMIT $4`, person, customer, list, limit)
	return collect(rs, err, scanView)
}

// AllViews lists what a person keeps of all lists, by list and name, at most
// limit.
func (r Reader) AllViews(ctx context.Context, person, customer id.ID, limit int) ([]account.View, error) {
	rs, err := r.query(ctx, `SELECT `+viewColumns+mine+` ORDER BY list, LOWER(name), seq LIMIT $3`, person, customer, limit)
	return collect(rs, err, scanView)
}

// View returns one of a person's views, or ErrNotFound: another person's does
// not exist.
func (r Reader) View(ctx context.Context, person, customer, view id.ID) (account.View, error) {
	return first(r.queryRow(ctx, `SELECT `+viewColumns+mine+` AND id = $3`, person, customer, view), scanView)
}

// AddView keeps a view. A second one of the same name is Conflict: see IsUnique
// with "saved_view.name".
func (tx *Tx) AddView(ctx context.Context, person, customer id.ID, v account.View) error {
	return tx.change(ctx, `INSERT INTO saved_view (id, person_seq, customer_seq, list, name, query, created_at)
		SELECT $3, p.seq, c.seq, $4, $5, $6, $7 FROM person p, customer c WHERE p.id = $1 AND c.id = $2`,
		person, customer, v.ID, v.List, v.Name, v.Query, at(v.CreatedAt))
}

// RenameView gives a view another name.
func (tx *Tx) RenameView(ctx context.Context, view id.ID, name string) error {
	return tx.change(ctx, `UPDATE saved_view SET name = $2 WHERE id = $1`, view, name)
}

// DeleteView forgets a view.
func (tx *Tx) DeleteView(ctx context.Context, view id.ID) error {
	return tx.change(ctx, `DELETE FROM saved_view WHERE id = $1`, view)
}
