package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
)

// productColumns take the format of keys from the product's first generator,
// the one it was made with.
const productColumns = `p.id, p.environment, p.name, p.slug, p.active, p.killed_at, p.created_at,
	p.high_security, p.accepts_hardware, p.accepts_domain, p.device_required, p.self_deactivation, p.offline_allowed,
	p.renewal_url, p.lease_for, p.max_skew, p.features, p.swaps_allowed, p.swap_period, p.swap_cool_down,
	(SELECT g.pattern FROM generator g WHERE g.product_seq = p.seq ORDER BY g.seq LIMIT 1)`

// productFields are the targets of productColumns.
func productFields(p *license.Product) []any {
	return []any{
		&p.ID, &p.Environment, &p.Name, &p.Slug, scanBool(&p.Active), scanAt(&p.KilledAt), scanAt(&p.CreatedAt),
		scanBool(&p.HighSecurity), scanBool(&p.AcceptsHardware), scanBool(&p.AcceptsDomain),
		scanBool(&p.DeviceRequired), scanBool(&p.SelfDeactivation), scanBool(&p.OfflineAllowed),
		&p.RenewalURL, scanFor(&p.LeaseFor), scanFor(&p.MaxSkew), scanJSON(&p.Features),
		scanOr(&p.Swaps.Allowed), scanFor(&p.Swaps.Period), scanFor(&p.Swaps.CoolDown), scanOr(&p.KeyFormat),
	}
}

// scanFor reads a span of time, which is kept in microseconds.
func scanFor(d *time.Duration) sql.Scanner { return span{d} }

type span struct{ d *time.Duration }

func (s span) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("store: %T is no span of time", src)
	}
	*s.d = time.Duration(n) * time.Microsecond
	return nil
}

func scanProduct(s scanner) (license.Product, error) {
	var p license.Product
	err := s.Scan(productFields(&p)...)
	return p, err
}

// AddProduct keeps a new product. Its generator is kept apart: see
// AddGenerator. A slug that its environment has already is a conflict: see
// IsUnique with "product.slug".
func (tx *Tx) AddProduct(ctx context.Context, p license.Product) error {
	features, err := jsonText(p.Features)
	if err != nil {
		return err
	}
	return tx.change(ctx, `INSERT INTO product (id, environment, name, name_folded, slug, active, killed_at,
			high_security, accepts_hardware, accepts_domain, device_required, self_deactivation, offline_allowed,
			renewal_url, lease_for, max_skew, features, created_at, updated_at, swaps_allowed, swap_period, swap_cool_down)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18, $19, $20, $21)`,
		p.ID, p.Environment, p.Name, license.FoldName(p.Name), p.Slug, p.Active, at(p.KilledAt),
		p.HighSecurity, p.AcceptsHardware, p.AcceptsDomain, p.DeviceRequired, p.SelfDeactivation, p.OfflineAllowed,
		p.RenewalURL, p.LeaseFor.Microseconds(), p.MaxSkew.Microseconds(), features, at(p.CreatedAt),
		orNull(p.Swaps.Allowed), p.Swaps.Period.Microseconds(), p.Swaps.CoolDown.Microseconds())
}

// Product returns a product.
func (r Reader) Product(ctx context.Context, product id.ID) (license.Product, error) {
	return first(r.queryRow(ctx, `SELECT `+productColumns+` FROM product p WHERE p.id = $1`, product), scanProduct)
}

// ProductBySlug returns the product an environment has under a slug.
func (r Reader) ProductBySlug(ctx context.Context, e license.Environment, slug string) (license.Product, error) {
	return first(r.queryRow(ctx,
		`SELECT `+productColumns+` FROM product p WHERE p.environment = $1 AND p.slug = $2`, e, slug), scanProduct)
}

// LockProduct returns a product that nobody else changes until the transaction
// ends.
func (tx *Tx) LockProduct(ctx context.Context, product id.ID) (license.Product, error) {
	return first(tx.queryRow(ctx, `SELECT `+productColumns+` FROM product p WHERE p.id = $1`+tx.d.lockRow(), product), scanProduct)
}

// Products returns the next limit products of an environment, or of all when it
// is "", after one of them, oldest first; after "" it begins with the first.
func (r Reader) Products(ctx context.Context, e license.Environment, after id.ID, limit int) ([]license.Product, error) {
	rs, err := r.query(ctx, `SELECT `+productColumns+` FROM product p
		WHERE p.id > $1 AND ($2 = '' OR p.environment = $2) ORDER BY p.id LIMIT $3`, after, e, limit)
	return collect(rs, err, scanProduct)
}

// SetProductActive switches a product's sale of new seats on or off.
func (tx *Tx) SetProductActive(ctx context.Context, product id.ID, active bool, now time.Time) error {
	return tx.change(ctx, `UPDATE product SET active = $2, updated_at = $3 WHERE id = $1`, product, active, at(now))
}

// SetProductSwaps writes how often customers may free seats themselves.
func (tx *Tx) SetProductSwaps(ctx context.Context, product id.ID, p license.SwapPolicy, now time.Time) error {
	return tx.change(ctx, `UPDATE product SET swaps_allowed = $2, swap_period = $3, swap_cool_down = $4, updated_at = $5 WHERE id = $1`,
		product, orNull(p.Allowed), p.Period.Microseconds(), p.CoolDown.Microseconds(), at(now))
}

// SetProductKilled notes since when nothing of a product validates; the zero
// time brings it back.
func (tx *Tx) SetProductKilled(ctx context.Context, product id.ID, since, now time.Time) error {
	return tx.change(ctx, `UPDATE product SET killed_at = $2, updated_at = $3 WHERE id = $1`, product, at(since), at(now))
}

// AddRelease keeps a published version of a product. A version it has already
// is a conflict: see IsUnique with "release.version".
func (tx *Tx) AddRelease(ctx context.Context, product, release id.ID, v license.Release, now time.Time) error {
	return tx.change(ctx, `INSERT INTO release (id, product_seq, version, released_at, created_at)
		SELECT $2, seq, $3, $4, $5 FROM product WHERE id = $1`, product, release, v.Version, at(v.ReleasedAt), at(now))
}

const releaseColumns = `r.version, r.released_at`

func scanRelease(s scanner) (license.Release, error) {
	var v license.Release
	err := s.Scan(&v.Version, scanAt(&v.ReleasedAt))
	return v, err
}

// Release returns a version of a product.
func (r Reader) Release(ctx context.Context, product id.ID, version string) (license.Release, error) {
	return first(r.queryRow(ctx, `SELECT `+releaseColumns+` FROM product p JOIN release r ON r.product_seq = p.seq
		WHERE p.id = $1 AND r.version = $2`, product, version), scanRelease)
}

// releasesKept is how many of a product's versions count. The oldest beyond
// them are no longer looked at.
const releasesKept = 1000

// Releases lists a product's versions, the latest first.
func (r Reader) Releases(ctx context.Context, product id.ID) ([]license.Release, error) {
	rs, err := r.query(ctx, `SELECT `+releaseColumns+` FROM product p JOIN release r ON r.product_seq = p.seq
		WHERE p.id = $1 ORDER BY r.released_at DESC, r.seq DESC LIMIT $2`, product, releasesKept)
	return collect(rs, err, scanRelease)
}
