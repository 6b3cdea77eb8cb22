package store

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
)

const customerColumns = `c.id, c.name, c.status, c.created_at, c.version`

// customerFields are the targets of customerColumns.
func customerFields(c *account.Customer) []any {
	return []any{&c.ID, &c.Name, &c.Status, scanAt(&c.CreatedAt), &c.Version}
}

func scanCustomer(s scanner) (account.Customer, error) {
	var c account.Customer
	err := s.Scan(customerFields(&c)...)
	return c, err
}

// AddCustomer keeps a new customer.
func (tx *Tx) AddCustomer(ctx context.Context, c account.Customer) error {
	return tx.change(ctx,
		`INSERT INTO customer (id, name, status, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)`,
		c.ID, c.Name, c.Status, at(c.CreatedAt))
}

// Customer returns a customer.
func (r Reader) Customer(ctx context.Context, customer id.ID) (account.Customer, error) {
	return first(r.queryRow(ctx, `SELECT `+customerColumns+` FROM customer c WHERE c.id = $1`, customer), scanCustomer)
}

// CustomerFilter selects among customers.
type CustomerFilter struct {
	Status account.Status // "" is any
	Email  string         // of a person who acts for it, normalized; "" is any
}

// Customers returns the next limit customers after one of them, oldest first;
// after "" it begins with the first.
func (r Reader) Customers(ctx context.Context, f CustomerFilter, after id.ID, limit int) ([]account.Customer, error) {
	w := &where{d: r.d}
	w.add(`c.id > ` + w.arg(after))
	if f.Status != "" {
		w.add(`c.status = ` + w.arg(f.Status))
	}
	if f.Email != "" {
		w.add(`c.seq IN (SELECT m.customer_seq FROM person p JOIN membership m ON m.person_seq = p.seq WHERE p.email = ` + w.arg(f.Email) + `)`)
	}
	rs, err := r.query(ctx, `SELECT `+customerColumns+` FROM customer c`+w.text()+` ORDER BY c.id LIMIT `+w.arg(limit), w.args...)
	return collect(rs, err, scanCustomer)
}

// SetCustomerStatus switches a customer on or off; its version rises.
func (tx *Tx) SetCustomerStatus(ctx context.Context, customer id.ID, to account.Status, now time.Time) error {
	return tx.change(ctx, `UPDATE customer SET status = $2, updated_at = $3, version = version + 1 WHERE id = $1`, customer, to, at(now))
}

// SetCustomerName calls a customer otherwise; its version rises.
func (tx *Tx) SetCustomerName(ctx context.Context, customer id.ID, name string, now time.Time) error {
	return tx.change(ctx, `UPDATE customer SET name = $2, updated_at = $3, version = version + 1 WHERE id = $1`, customer, name, at(now))
}

// AddMembership lets a person act for a customer. ErrNotFound means that one of
// the two does not exist.
func (tx *Tx) AddMembership(ctx context.Context, person, customer id.ID, role account.Role, now time.Time) error {
	return tx.change(ctx, `INSERT INTO membership (person_seq, customer_seq, role, created_at)
		SELECT p.seq, c.seq, $3, $4 FROM person p CROSS JOIN customer c WHERE p.id = $1 AND c.id = $2`,
		person, customer, role, at(now))
}

// Memberships lists the customers a person may act for, earliest first.
func (r Reader) Memberships(ctx context.Context, person id.ID) ([]account.Membership, error) {
	rs, err := r.query(ctx, `SELECT m.role, `+customerColumns+` FROM person p
		JOIN membership m ON m.person_seq = p.seq JOIN customer c ON c.seq = m.customer_seq
		WHERE p.id = $1 ORDER BY m.created_at, c.seq`, person)
	return collect(rs, err, func(s scanner) (account.Membership, error) {
		var m account.Membership
		err := s.Scan(append([]any{&m.Role}, customerFields(&m.Customer)...)...)
		return m, err
	})
}

// Members lists the people who may act for a customer, earliest first.
func (r Reader) Members(ctx context.Context, customer id.ID) ([]account.Member, error) {
	rs, err := r.query(ctx, `SELECT m.role, m.version, `+personColumns+` FROM customer c
		JOIN membership m ON m.customer_seq = c.seq JOIN person p ON p.seq = m.person_seq
		WHERE c.id = $1 ORDER BY m.created_at, p.seq`, customer)
	return collect(rs, err, func(s scanner) (account.Member, error) {
		var m account.Member
		err := s.Scan(append([]any{&m.Role, &m.Version}, personFields(&m.Person)...)...)
		return m, err
	})
}
