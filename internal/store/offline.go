package store

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
)

// OfflinePolicy returns a product's own policy of offline files, or ErrNotFound
// when it has none.
func (r Reader) OfflinePolicy(ctx context.Context, product id.ID) (license.OfflinePolicy, error) {
	var p license.OfflinePolicy
	err := r.queryRow(ctx, `SELECT valid_for, files FROM offline_policy
		WHERE product_seq = (SELECT seq FROM product WHERE id = $1)`, product).Scan(scanFor(&p.ValidFor), &p.Files)
	return p, err
}

// SetOffline switches offline files of a product on or off and keeps its policy.
func (tx *Tx) SetOffline(ctx context.Context, product id.ID, allowed bool, p license.OfflinePolicy, now time.Time) error {
	if err := tx.changeProduct(ctx, product, now, `offline_allowed = $3`, allowed); err != nil {
		return err
	}
	return tx.change(ctx, `INSERT INTO offline_policy (product_seq, valid_for, files, updated_at)
		SELECT seq, $2, $3, $4 FROM product WHERE id = $1
		ON CONFLICT (product_seq) DO UPDATE SET valid_for = excluded.valid_for, files = excluded.files, updated_at = excluded.updated_at`,
		product, p.ValidFor.Microseconds(), p.Files, at(now))
}

const offlineColumns = `f.id, f.nonce, f.issued_at, f.valid_until, f.returned_at, f.return_reason, ` + activationColumns

const offlineFrom = ` FROM offline_file f JOIN activation a ON a.id = f.activation_id JOIN license l ON l.seq = f.license_seq`

func scanOfflineFile(s scanner) (license.OfflineFile, error) {
	var f license.OfflineFile
	targets := []any{&f.ID, &f.Nonce, scanAt(&f.IssuedAt), scanAt(&f.ValidUntil), scanAt(&f.ReturnedAt), &f.ReturnReason}
	err := s.Scan(append(targets, activationTargets(&f.Activation)...)...)
	f.LicenseID = f.Activation.LicenseID
	return f, err
}

// AddOfflineFile keeps a file of a locked license with its sealed claims.
// ErrNotFound means that there is no such license. A request that was answered
// already is Conflict: see IsUnique with "offline_file.nonce".
func (tx *Tx) AddOfflineFile(ctx context.Context, f license.OfflineFile, sealed []byte) error {
	return tx.change(ctx, `INSERT INTO offline_file (id, license_seq, activation_id, nonce, claims_sealed, issued_at, valid_until, return_reason)
		SELECT $1, seq, $3, $4, $5, $6, $7, '' FROM license WHERE id = $2`,
		f.ID, f.LicenseID, f.Activation.ID, f.Nonce, sealed, at(f.IssuedAt), at(f.ValidUntil))
}

// OfflineFile returns a file of a license.
func (r Reader) OfflineFile(ctx context.Context, licenseID, file id.ID) (license.OfflineFile, error) {
	return first(r.queryRow(ctx, `SELECT `+offlineColumns+offlineFrom+` WHERE f.id = $2 AND l.id = $1`, licenseID, file), scanOfflineFile)
}

// OfflineFileOf returns the file of a license that answered a request.
func (r Reader) OfflineFileOf(ctx context.Context, licenseID id.ID, nonce string) (license.OfflineFile, error) {
	return first(r.queryRow(ctx, `SELECT `+offlineColumns+offlineFrom+`
		WHERE f.license_seq = (SELECT seq FROM license WHERE id = $1) AND f.nonce = $2`, licenseID, nonce), scanOfflineFile)
}

// OfflineClaims returns the sealed claims of a file.
func (r Reader) OfflineClaims(ctx context.Context, file id.ID) ([]byte, error) {
	return first(r.queryRow(ctx, `SELECT claims_sealed FROM offline_file WHERE id = $1`, file), value[[]byte])
}

// OfflineFiles lists the files of a license, newest first.
func (r Reader) OfflineFiles(ctx context.Context, licenseID id.ID, limit int) ([]license.OfflineFile, error) {
	rs, err := r.query(ctx, `SELECT `+offlineColumns+offlineFrom+`
		WHERE f.license_seq = (SELECT seq FROM license WHERE id = $1) ORDER BY f.seq DESC LIMIT $2`, licenseID, limit)
	return collect(rs, err, scanOfflineFile)
}

// OfflineOut counts the files of a license that can be in use at now, those
// that were lost among them, without those of one device.
func (r Reader) OfflineOut(ctx context.Context, licenseID, without id.ID, now time.Time) (int, error) {
	return first(r.queryRow(ctx, `SELECT COUNT(*) FROM offline_file f
		WHERE f.license_seq = (SELECT seq FROM license WHERE id = $1) AND f.valid_until > $2
			AND (f.returned_at IS NULL OR f.return_reason = 'lost') AND f.activation_id <> $3`,
		licenseID, at(now), without), value[int])
}

// ReturnOfflineFile notes that a file is no longer out. One that was lost can
// still be returned. It reports whether something changed.
func (tx *Tx) ReturnOfflineFile(ctx context.Context, file id.ID, why license.Reason, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, `UPDATE offline_file SET returned_at = $2, return_reason = $3 WHERE id = $1
			AND (returned_at IS NULL OR return_reason = 'lost' AND $3 = 'returned')`, file, at(now), why)
	return n == 1, err
}

// SupersedeOfflineFiles notes that a device has a newer file than these.
func (tx *Tx) SupersedeOfflineFiles(ctx context.Context, licenseID, activation id.ID, now time.Time) error {
	_, err := tx.exec(ctx, `UPDATE offline_file SET returned_at = $3, return_reason = $4
		WHERE license_seq = (SELECT seq FROM license WHERE id = $1) AND activation_id = $2 AND returned_at IS NULL`,
		licenseID, activation, at(now), license.FileSuperseded)
	return err
}
