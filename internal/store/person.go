package store

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
)

const personColumns = `p.id, p.email, p.name, p.password_hash, p.status, p.email_verified_at,
	p.time_zone, p.browser_zone, p.theme, p.phone, p.company, p.last_sign_in_at, p.created_at,
	NOT p.notify_licenses, NOT p.notify_security`

// personFields are the targets of personColumns.
func personFields(p *account.Person) []any {
	return []any{
		&p.ID, &p.Email, &p.Name, &p.PasswordHash, &p.Status, scanAt(&p.EmailVerifiedAt),
		&p.TimeZone, &p.BrowserZone, &p.Theme, &p.Phone, &p.Company, scanAt(&p.LastSignInAt), scanAt(&p.CreatedAt),
		scanBool(&p.NoLicenseMail), scanBool(&p.NoSecurityMail),
	}
}

func scanPerson(s scanner) (account.Person, error) {
	var p account.Person
	err := s.Scan(personFields(&p)...)
	return p, err
}

// AddPerson keeps a new person. An address that somebody has already is a
// conflict: see IsUnique with "person.email".
func (tx *Tx) AddPerson(ctx context.Context, p account.Person) error {
	return tx.change(ctx, `INSERT INTO person (id, email, name, password_hash, status, email_verified_at,
			time_zone, browser_zone, theme, phone, company, last_sign_in_at, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)`,
		p.ID, p.Email, p.Name, p.PasswordHash, p.Status, at(p.EmailVerifiedAt),
		p.TimeZone, p.BrowserZone, p.Theme, p.Phone, p.Company, at(p.LastSignInAt), at(p.CreatedAt))
}

// Person returns a person.
func (r Reader) Person(ctx context.Context, person id.ID) (account.Person, error) {
	return first(r.queryRow(ctx, `SELECT `+personColumns+` FROM person p WHERE p.id = $1`, person), scanPerson)
}

// PersonByEmail returns the person with a normalized address.
func (r Reader) PersonByEmail(ctx context.Context, email string) (account.Person, error) {
	return first(r.queryRow(ctx, `SELECT `+personColumns+` FROM person p WHERE p.email = $1`, email), scanPerson)
}

// LockPerson returns a person whom nobody else changes until the transaction
// ends.
func (tx *Tx) LockPerson(ctx context.Context, person id.ID) (account.Person, error) {
	return first(tx.queryRow(ctx,
		`SELECT `+personColumns+` FROM person p WHERE p.id = $1`+tx.d.lockRow(), person), scanPerson)
}

// SetPassword replaces a person's password hash.
func (tx *Tx) SetPassword(ctx context.Context, person id.ID, hash string, now time.Time) error {
	return tx.change(ctx, `UPDATE person SET password_hash = $2, updated_at = $3 WHERE id = $1`, person, hash, at(now))
}

// ReplacePasswordHash replaces a hash by another of the same password. It does
// nothing when the password was changed meanwhile.
func (tx *Tx) ReplacePasswordHash(ctx context.Context, person id.ID, from, to string) error {
	_, err := tx.exec(ctx, `UPDATE person SET password_hash = $3 WHERE id = $1 AND password_hash = $2`, person, from, to)
	return err
}

// VerifyEmail notes that a person reads mail at their address. The first time
// counts.
func (tx *Tx) VerifyEmail(ctx context.Context, person id.ID, now time.Time) error {
	return tx.change(ctx,
		`UPDATE person SET email_verified_at = COALESCE(email_verified_at, $2), updated_at = $2 WHERE id = $1`,
		person, at(now))
}

// SetSignedIn notes when a person last signed in, and the time zone of their
// browser if it named one.
func (tx *Tx) SetSignedIn(ctx context.Context, person id.ID, zone string, now time.Time) error {
	return tx.change(ctx, `UPDATE person SET last_sign_in_at = $2,
		browser_zone = COALESCE(NULLIF($3, ''), browser_zone) WHERE id = $1`, person, at(now), zone)
}

// SetProfile replaces what a person says about themselves.
func (tx *Tx) SetProfile(ctx context.Context, p account.Person, now time.Time) error {
	return tx.change(ctx, `UPDATE person SET name = $2, phone = $3, company = $4, updated_at = $5 WHERE id = $1`,
		p.ID, p.Name, p.Phone, p.Company, at(now))
}

// SetPersonStatus switches a person on or off.
func (tx *Tx) SetPersonStatus(ctx context.Context, person id.ID, to account.Status, now time.Time) error {
	return tx.change(ctx, `UPDATE person SET status = $2, updated_at = $3 WHERE id = $1`, person, to, at(now))
}

// SetTheme keeps the color scheme a person chose.
func (tx *Tx) SetTheme(ctx context.Context, person id.ID, to account.Theme, now time.Time) error {
	return tx.change(ctx, `UPDATE person SET theme = $2, updated_at = $3 WHERE id = $1`, person, to, at(now))
}

// SetMailWishes keeps which mails a person wants besides those that always
// come.
func (tx *Tx) SetMailWishes(ctx context.Context, person id.ID, licenses, security bool, now time.Time) error {
	return tx.change(ctx, `UPDATE person SET notify_licenses = $2, notify_security = $3, updated_at = $4 WHERE id = $1`,
		person, licenses, security, at(now))
}

// SetTimeZone keeps the time zone a person chose; "" follows the browser.
func (tx *Tx) SetTimeZone(ctx context.Context, person id.ID, to string, now time.Time) error {
	return tx.change(ctx, `UPDATE person SET time_zone = $2, updated_at = $3 WHERE id = $1`, person, to, at(now))
}

// SetMailPreferences keeps which mails a person wants besides those that
// always come.
func (tx *Tx) SetMailPreferences(ctx context.Context, person id.ID, licenses, security bool, now time.Time) error {
	return tx.change(ctx, `UPDATE person SET notify_licenses = $2, notify_security = $3, updated_at = $4 WHERE id = $1`,
		person, licenses, security, at(now))
}
