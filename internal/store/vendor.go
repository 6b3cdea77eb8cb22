package store

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
)

// VendorFilter selects among all licenses of an environment.
type VendorFilter struct {
	Environment license.Environment // "" is all
	Customer    id.ID
	Product     id.ID
	Status      license.Status
	Within      time.Duration // > 0: still valid and ending within this time
	Now         time.Time     // instant at which status is read
}

// Licenses lists the next licenses after one of them, oldest first; after ""
// it begins with the first.
func (r Reader) Licenses(ctx context.Context, f VendorFilter, after id.ID, limit int) ([]license.License, error) {
	w := &where{d: r.d}
	w.add(`l.seq > COALESCE((SELECT seq FROM license WHERE id = ` + w.arg(after) + `), 0)`)
	if f.Environment != "" {
		w.add(`l.environment = ` + w.arg(f.Environment))
	}
	if f.Customer != "" {
		w.add(`l.customer_seq = (SELECT seq FROM customer WHERE id = ` + w.arg(f.Customer) + `)`)
	}
	if f.Product != "" {
		w.add(`l.product_seq = (SELECT seq FROM product WHERE id = ` + w.arg(f.Product) + `)`)
	}
	w.standing(f.Status, f.Within, f.Now)
	rs, err := r.query(ctx, `SELECT `+licenseColumns+licenseFrom+w.text()+` ORDER BY l.seq LIMIT `+w.arg(limit), w.args...)
	return collect(rs, err, scanLicense)
}

// ActivationsAfter lists the next activations of a license after one of them,
// oldest first.
func (r Reader) ActivationsAfter(ctx context.Context, licenseID, after id.ID, limit int) ([]license.Activation, error) {
	rs, err := r.query(ctx, `SELECT `+activationColumns+activationFrom+`
		WHERE a.license_seq = (SELECT seq FROM license WHERE id = $1)
			AND a.seq > COALESCE((SELECT seq FROM activation WHERE id = $2), 0)
		ORDER BY a.seq LIMIT $3`, licenseID, after, limit)
	return collect(rs, err, scanActivation)
}

// LicenseEventsAfter lists the next events of a license after one of them,
// oldest first.
func (r Reader) LicenseEventsAfter(ctx context.Context, licenseID, after id.ID, limit int) ([]event.Event, error) {
	rs, err := r.query(ctx, `SELECT `+eventColumns+` FROM event e`+eventJoins+`
		WHERE e.license_seq = (SELECT seq FROM license WHERE id = $1)
			AND e.seq > COALESCE((SELECT seq FROM event WHERE id = $2), 0)
		ORDER BY e.seq LIMIT $3`, licenseID, after, limit)
	return collect(rs, err, scanEvent)
}

// ClaimIdempotent takes an idempotency key before the work that it stands for,
// and reports whether nobody has it at now. Whoever comes second waits until
// the first has committed.
func (tx *Tx) ClaimIdempotent(ctx context.Context, i Idempotent, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, `INSERT INTO idempotency (scope, key, request_hash, result_id, expires_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (scope, key) DO UPDATE SET request_hash = excluded.request_hash,
			result_id = excluded.result_id, expires_at = excluded.expires_at
		WHERE idempotency.expires_at <= $6`, i.Scope, i.Key, i.RequestHash, i.ResultID, at(i.ExpiresAt), at(now))
	return n == 1, err
}

// DropIdempotent gives a claimed key back.
func (tx *Tx) DropIdempotent(ctx context.Context, scope, key string) error {
	return tx.change(ctx, `DELETE FROM idempotency WHERE scope = $1 AND key = $2`, scope, key)
}
