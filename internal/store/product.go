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
	p.renewal_url, p.lease_for, p.max_skew, p.features, p.swaps_allowed, p.swap_period, p.swap_cool_down, p.hold_for,
	p.activation_first, p.after_expiry, p.latest_only, p.changelog, p.version,
	(SELECT g.pattern FROM generator g WHERE g.product_seq = p.seq ORDER BY g.seq LIMIT 1)`

// productFields are the targets of productColumns.
func productFields(p *license.Product) []any {
	return []any{
		&p.ID, &p.Environment, &p.Name, &p.Slug, scanBool(&p.Active), scanAt(&p.KilledAt), scanAt(&p.CreatedAt),
		scanBool(&p.HighSecurity), scanBool(&p.AcceptsHardware), scanBool(&p.AcceptsDomain),
		scanBool(&p.DeviceRequired), scanBool(&p.SelfDeactivation), scanBool(&p.OfflineAllowed),
		&p.RenewalURL, scanFor(&p.LeaseFor), scanFor(&p.MaxSkew), scanJSON(&p.Features),
		scanOr(&p.Swaps.Allowed), scanFor(&p.Swaps.Period), scanFor(&p.Swaps.CoolDown), scanFor(&p.HoldFor),
		scanBool(&p.Delivery.ActivationFirst), scanBool(&p.Delivery.AfterExpiry), scanBool(&p.Delivery.LatestOnly), scanBool(&p.Delivery.Changelog), &p.Version,
		scanOr(&p.KeyFormat),
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
			renewal_url, lease_for, max_skew, features, created_at, updated_at, swaps_allowed, swap_period, swap_cool_down, hold_for)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18, $19, $20, $21, $22)`,
		p.ID, p.Environment, p.Name, license.FoldName(p.Name), p.Slug, p.Active, at(p.KilledAt),
		p.HighSecurity, p.AcceptsHardware, p.AcceptsDomain, p.DeviceRequired, p.SelfDeactivation, p.OfflineAllowed,
		p.RenewalURL, p.LeaseFor.Microseconds(), p.MaxSkew.Microseconds(), features, at(p.CreatedAt),
		orNull(p.Swaps.Allowed), p.Swaps.Period.Microseconds(), p.Swaps.CoolDown.Microseconds(), p.HoldFor.Microseconds())
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

// ProductFilter selects among products.
type ProductFilter struct {
	Environment license.Environment // "" is all
	Active      *bool               // nil is any
	Slug        string              // "" is any
}

// Products returns the next limit products after one of them, oldest first;
// after "" it begins with the first.
func (r Reader) Products(ctx context.Context, f ProductFilter, after id.ID, limit int) ([]license.Product, error) {
	w := &where{d: r.d}
	w.add(`p.id > ` + w.arg(after))
	if f.Environment != "" {
		w.add(`p.environment = ` + w.arg(f.Environment))
	}
	if f.Active != nil {
		w.add(`p.active = ` + w.arg(*f.Active))
	}
	if f.Slug != "" {
		w.add(`p.slug = ` + w.arg(f.Slug))
	}
	rs, err := r.query(ctx, `SELECT `+productColumns+` FROM product p`+w.text()+` ORDER BY p.id LIMIT `+w.arg(limit), w.args...)
	return collect(rs, err, scanProduct)
}

// changeProduct sets columns of a product, from $3 on, and raises its version:
// whoever remembers the product learns by it that something is new.
func (tx *Tx) changeProduct(ctx context.Context, product id.ID, now time.Time, set string, args ...any) error {
	return tx.change(ctx, `UPDATE product SET `+set+`, updated_at = $2, version = version + 1 WHERE id = $1`,
		append([]any{product, at(now)}, args...)...)
}

// SaveProduct writes what an edit changes of a locked product.
func (tx *Tx) SaveProduct(ctx context.Context, p license.Product, now time.Time) error {
	features, err := jsonText(p.Features)
	if err != nil {
		return err
	}
	return tx.changeProduct(ctx, p.ID, now, `name = $3, name_folded = $4, accepts_hardware = $5, accepts_domain = $6,
			device_required = $7, self_deactivation = $8, hold_for = $9, renewal_url = $10, lease_for = $11, max_skew = $12, features = $13`,
		p.Name, license.FoldName(p.Name), p.AcceptsHardware, p.AcceptsDomain, p.DeviceRequired, p.SelfDeactivation,
		p.HoldFor.Microseconds(), p.RenewalURL, p.LeaseFor.Microseconds(), p.MaxSkew.Microseconds(), features)
}

// SetProductActive switches a product's sale of new seats on or off.
func (tx *Tx) SetProductActive(ctx context.Context, product id.ID, active bool, now time.Time) error {
	return tx.changeProduct(ctx, product, now, `active = $3`, active)
}

// SetProductSwaps writes how often customers may free seats themselves.
func (tx *Tx) SetProductSwaps(ctx context.Context, product id.ID, p license.SwapPolicy, now time.Time) error {
	return tx.changeProduct(ctx, product, now, `swaps_allowed = $3, swap_period = $4, swap_cool_down = $5`,
		orNull(p.Allowed), p.Period.Microseconds(), p.CoolDown.Microseconds())
}

// SetProductHold writes how long licenses issued from now on hold a floating
// seat; 0 is that their seats are fixed.
func (tx *Tx) SetProductHold(ctx context.Context, product id.ID, hold time.Duration, now time.Time) error {
	return tx.changeProduct(ctx, product, now, `hold_for = $3`, hold.Microseconds())
}

// SetDelivery keeps how a product's releases reach customers.
func (tx *Tx) SetDelivery(ctx context.Context, product id.ID, d license.Delivery, now time.Time) error {
	return tx.changeProduct(ctx, product, now, `activation_first = $3, after_expiry = $4, latest_only = $5, changelog = $6`,
		d.ActivationFirst, d.AfterExpiry, d.LatestOnly, d.Changelog)
}

// SetSlug gives a product another slug. The one it had goes on leading to it,
// see FormerSlug, and one that led to another product leads here from now on. A
// slug that its environment has already is a conflict: see IsUnique with
// "product.slug".
func (tx *Tx) SetSlug(ctx context.Context, p license.Product, slug string, now time.Time) error {
	if _, err := tx.exec(ctx, `DELETE FROM former_slug WHERE environment = $1 AND slug IN ($2, $3)`, p.Environment, slug, p.Slug); err != nil {
		return err
	}
	if err := tx.change(ctx, `INSERT INTO former_slug (environment, slug, product_seq)
		SELECT environment, slug, seq FROM product WHERE id = $1`, p.ID); err != nil {
		return err
	}
	return tx.changeProduct(ctx, p.ID, now, `slug = $3`, slug)
}

// FormerSlug returns the product that an environment had under a slug before.
func (r Reader) FormerSlug(ctx context.Context, e license.Environment, slug string) (license.Product, error) {
	return first(r.queryRow(ctx, `SELECT `+productColumns+` FROM former_slug f JOIN product p ON p.seq = f.product_seq
		WHERE f.environment = $1 AND f.slug = $2`, e, slug), scanProduct)
}

// HeldProducts lists the products that a customer holds a license of, in
// whatever state, by name; at most limit of them.
func (r Reader) HeldProducts(ctx context.Context, customer id.ID, limit int) ([]license.Product, error) {
	rs, err := r.query(ctx, `SELECT `+productColumns+` FROM product p
		WHERE EXISTS (SELECT 1 FROM license l WHERE l.product_seq = p.seq AND l.customer_seq = (SELECT seq FROM customer WHERE id = $1))
		ORDER BY p.name_folded, p.environment, p.seq LIMIT $2`, customer, limit)
	return collect(rs, err, scanProduct)
}

// HeldLicenses lists a customer's licenses of a product, oldest first.
func (r Reader) HeldLicenses(ctx context.Context, customer, product id.ID) ([]license.License, error) {
	rs, err := r.query(ctx, `SELECT `+licenseColumns+licenseFrom+`
		WHERE l.customer_seq = (SELECT seq FROM customer WHERE id = $1) AND l.product_seq = (SELECT seq FROM product WHERE id = $2)
		ORDER BY l.seq`, customer, product)
	return collect(rs, err, scanLicense)
}

// SetProductKilled notes since when nothing of a product validates; the zero
// time brings it back.
func (tx *Tx) SetProductKilled(ctx context.Context, product id.ID, since, now time.Time) error {
	return tx.changeProduct(ctx, product, now, `killed_at = $3`, at(since))
}
