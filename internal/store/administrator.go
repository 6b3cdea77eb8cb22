package store

import (
	"context"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
)

const administratorColumns = `a.id, a.email, a.name, a.password_hash, a.role, a.status, a.created_at`

func scanAdministrator(s scanner) (account.Administrator, error) {
	var a account.Administrator
	err := s.Scan(&a.ID, &a.Email, &a.Name, &a.PasswordHash, &a.Role, &a.Status, scanAt(&a.CreatedAt))
	return a, err
}

// AddAdministrator keeps a new administrator. An address that another one has
// is a conflict: see IsUnique with "administrator.email".
func (tx *Tx) AddAdministrator(ctx context.Context, a account.Administrator) error {
	return tx.change(ctx, `INSERT INTO administrator (id, email, name, password_hash, role, status, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $7)`,
		a.ID, a.Email, a.Name, a.PasswordHash, a.Role, a.Status, at(a.CreatedAt))
}

// Administrator returns an administrator.
func (r Reader) Administrator(ctx context.Context, administrator id.ID) (account.Administrator, error) {
	return first(r.queryRow(ctx,
		`SELECT `+administratorColumns+` FROM administrator a WHERE a.id = $1`, administrator), scanAdministrator)
}

// AdministratorByEmail returns the administrator with a normalized address.
func (r Reader) AdministratorByEmail(ctx context.Context, email string) (account.Administrator, error) {
	return first(r.queryRow(ctx,
		`SELECT `+administratorColumns+` FROM administrator a WHERE a.email = $1`, email), scanAdministrator)
}

// Administrators returns the next limit administrators after one of them,
// oldest first; after "" it begins with the first.
func (r Reader) Administrators(ctx context.Context, after id.ID, limit int) ([]account.Administrator, error) {
	rs, err := r.query(ctx,
		`SELECT `+administratorColumns+` FROM administrator a WHERE a.id > $1 ORDER BY a.id LIMIT $2`, after, limit)
	return collect(rs, err, scanAdministrator)
}
