package store

import (
	"context"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
)

// LicenseKey is the key of a license as it is kept. Ordinary keys have Text
// and Folded; those of high-security products are Sealed; a key imported as a
// hash has neither and can never be shown.
type LicenseKey struct {
	Hash   []byte // HMAC of the folded key, scoped by environment
	Text   string // as issued
	Folded string // for fragment search
	Sealed []byte
}

const licenseColumns = `l.id, p.id, COALESCE(c.id, ''), l.environment, l.plan, l.key_mask,
	l.activation_limit, l.validity_days, l.created_at, l.assigned_at, l.starts_at,
	l.first_activated_at, l.expires_at, l.grace, l.suspended_at, l.suspend_reason,
	l.revoked_at, l.revoke_reason, l.note, l.max_version, l.updates_until, l.features, l.version, l.hold_for`

const licenseFrom = ` FROM license l
	JOIN product p ON p.seq = l.product_seq
	LEFT JOIN customer c ON c.seq = l.customer_seq`

func licenseTargets(l *license.License, grace *int64) []any {
	return []any{
		&l.ID, &l.ProductID, &l.CustomerID, &l.Environment, &l.Plan, &l.Mask,
		scanOr(&l.Limit), &l.ValidityDays, scanAt(&l.CreatedAt), scanAt(&l.AssignedAt), scanAt(&l.StartsAt),
		scanAt(&l.FirstActivatedAt), scanAt(&l.ExpiresAt), grace, scanAt(&l.SuspendedAt), &l.SuspendReason,
		scanAt(&l.RevokedAt), &l.RevokeReason, &l.Note, &l.MaxVersion, scanAt(&l.UpdatesUntil), scanJSON(&l.Features), &l.Version,
		scanFor(&l.HoldFor),
	}
}

func scanLicense(s scanner) (license.License, error) {
	var l license.License
	var grace int64
	err := s.Scan(licenseTargets(&l, &grace)...)
	l.Grace = fromMicros(grace)
	return l, err
}

func fromMicros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }

// AddLicense stores a new license with its key. ErrNotFound means that its
// product does not exist. A key that exists already in the environment is
// Conflict; see IsUnique with "license.key_hash".
func (tx *Tx) AddLicense(ctx context.Context, l license.License, k LicenseKey, generator id.ID) error {
	features, err := jsonText(l.Features)
	if err != nil {
		return err
	}
	return tx.change(ctx, `INSERT INTO license (id, environment, product_seq, generator_seq, customer_seq,
			plan, key_hash, key_text, key_folded, key_sealed, key_mask, activation_limit, validity_days,
			created_at, assigned_at, starts_at, first_activated_at, expires_at, grace, suspended_at,
			suspend_reason, revoked_at, revoke_reason, note, max_version, updates_until, features, version, hold_for)
		SELECT $1, $2, seq, (SELECT seq FROM generator WHERE id = $4), (SELECT seq FROM customer WHERE id = $5),
			$6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
			$17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29 FROM product WHERE id = $3`,
		l.ID, l.Environment, l.ProductID, generator, l.CustomerID,
		l.Plan, k.Hash, orNull(k.Text), orNull(k.Folded), orNullBytes(k.Sealed), l.Mask, orNull(l.Limit), l.ValidityDays,
		at(l.CreatedAt), at(l.AssignedAt), at(l.StartsAt), at(l.FirstActivatedAt), at(l.ExpiresAt), l.Grace.Microseconds(),
		at(l.SuspendedAt), l.SuspendReason, at(l.RevokedAt), l.RevokeReason, l.Note, l.MaxVersion, at(l.UpdatesUntil), features, l.Version,
		l.HoldFor.Microseconds())
}

func orNullBytes(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

// License returns the license with this id, or ErrNotFound.
func (r Reader) License(ctx context.Context, license id.ID) (license.License, error) {
	return first(r.queryRow(ctx, `SELECT `+licenseColumns+licenseFrom+` WHERE l.id = $1`, license), scanLicense)
}

// OwnedLicense returns the license with this id if the customer owns it, or
// ErrNotFound: another customer's license does not exist (P-ISO-01).
func (r Reader) OwnedLicense(ctx context.Context, customer, license id.ID) (license.License, error) {
	return first(r.queryRow(ctx, `SELECT `+licenseColumns+licenseFrom+` WHERE l.id = $1 AND c.id = $2`, license, customer), scanLicense)
}

// LicenseByKey returns the license whose key has this hash in the environment,
// or ErrNotFound.
func (r Reader) LicenseByKey(ctx context.Context, env license.Environment, hash []byte) (license.License, error) {
	return first(r.queryRow(ctx, `SELECT `+licenseColumns+licenseFrom+` WHERE l.environment = $1 AND l.key_hash = $2`, env, hash), scanLicense)
}

// LockLicense locks the license's row in a statement of its own and then reads
// it, so that everything read afterwards in this transaction is true until it
// commits. Counting seats without this sells too many on PostgreSQL (C-LCY-06).
func (tx *Tx) LockLicense(ctx context.Context, license id.ID) (license.License, error) {
	if err := tx.HoldLicense(ctx, license); err != nil {
		return first(row{err: err}, scanLicense)
	}
	return tx.License(ctx, license)
}

// HoldLicense locks the license's row and reads nothing; see LockLicense.
func (tx *Tx) HoldLicense(ctx context.Context, license id.ID) error {
	var seq int64
	return tx.queryRow(ctx, `SELECT seq FROM license WHERE id = $1`+tx.d.lockRow(), license).Scan(&seq)
}

// SaveLicense writes what transitions change of a locked license, whose owner
// exists. ErrNotFound means that there is no such license.
func (tx *Tx) SaveLicense(ctx context.Context, l license.License) error {
	features, err := jsonText(l.Features)
	if err != nil {
		return err
	}
	return tx.change(ctx, `UPDATE license SET
			customer_seq = (SELECT seq FROM customer WHERE id = $2), assigned_at = $3, first_activated_at = $4,
			expires_at = $5, suspended_at = $6, suspend_reason = $7, revoked_at = $8, revoke_reason = $9,
			note = $10, version = $11, activation_limit = $12, max_version = $13, updates_until = $14, features = $15
		WHERE id = $1`,
		l.ID, l.CustomerID, at(l.AssignedAt), at(l.FirstActivatedAt), at(l.ExpiresAt),
		at(l.SuspendedAt), l.SuspendReason, at(l.RevokedAt), l.RevokeReason, l.Note, l.Version,
		orNull(l.Limit), l.MaxVersion, at(l.UpdatesUntil), features)
}

// KeyOf returns the key of a license, or ErrNotFound.
func (r Reader) KeyOf(ctx context.Context, license id.ID) (LicenseKey, error) {
	return first(r.queryRow(ctx, `SELECT key_hash, COALESCE(key_text, ''), COALESCE(key_folded, ''), key_sealed
		FROM license WHERE id = $1`, license), scanKey)
}

// KeysOf returns the keys of licenses; one that does not exist is not among them.
func (r Reader) KeysOf(ctx context.Context, licenses []id.ID) (map[id.ID]LicenseKey, error) {
	keys := make(map[id.ID]LicenseKey, len(licenses))
	rs, err := r.query(ctx, `SELECT id, key_hash, COALESCE(key_text, ''), COALESCE(key_folded, ''), key_sealed
		FROM license WHERE id IN `+r.d.listed(`$1`), idList(licenses))
	_, err = collect(rs, err, func(s scanner) (struct{}, error) {
		var l id.ID
		var k LicenseKey
		err := s.Scan(&l, &k.Hash, &k.Text, &k.Folded, &k.Sealed)
		keys[l] = k
		return struct{}{}, err
	})
	return keys, err
}

func scanKey(s scanner) (LicenseKey, error) {
	var k LicenseKey
	err := s.Scan(&k.Hash, &k.Text, &k.Folded, &k.Sealed)
	return k, err
}

// SealedKey is the sealed key of one license.
type SealedKey struct {
	LicenseID id.ID
	Sealed    []byte
}

// SealedKeys returns the sealed keys of a customer, newest license first, at
// most limit of them: they are searched by opening them.
func (r Reader) SealedKeys(ctx context.Context, customer id.ID, limit int) ([]SealedKey, error) {
	rs, err := r.query(ctx, `SELECT l.id, l.key_sealed FROM license l
		WHERE l.customer_seq = (SELECT seq FROM customer WHERE id = $1) AND l.key_sealed IS NOT NULL
		ORDER BY l.assigned_at DESC, l.seq DESC LIMIT $2`, customer, limit)
	return collect(rs, err, func(s scanner) (SealedKey, error) {
		var k SealedKey
		err := s.Scan(&k.LicenseID, &k.Sealed)
		return k, err
	})
}

// OwnedByKey returns the customer's license with one of these key hashes, of
// which there is one for each environment, or ErrNotFound.
func (r Reader) OwnedByKey(ctx context.Context, customer id.ID, hashes map[license.Environment][]byte) (id.ID, error) {
	for _, env := range license.Environments() {
		l, err := r.LicenseByKey(ctx, env, hashes[env])
		if err == nil && l.CustomerID == customer {
			return l.ID, nil
		}
		if err != nil && !IsNotFound(err) {
			return "", err
		}
	}
	return "", ErrNotFound
}

// like makes a LIKE pattern that finds s anywhere, with \ as its escape.
func like(s string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s) + "%"
}
