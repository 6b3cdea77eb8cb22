package store

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
)

// ClaimCode is the code of a reservation as it is kept: found by its hash, and
// sealed to be shown again.
type ClaimCode struct {
	Hash   []byte
	Sealed []byte
}

const reservationColumns = `v.id, l.id, r.id, v.kind, v.identifier, v.name, v.claims, v.created_at, v.expires_at,
	v.used_at, COALESCE(u.id, ''), v.released_at`

const reservationFrom = ` FROM reservation v JOIN license l ON l.seq = v.license_seq
	JOIN activation r ON r.seq = v.retired_seq LEFT JOIN activation u ON u.seq = v.used_seq`

func reservationTargets(v *license.Reservation) []any {
	return []any{
		&v.ID, &v.LicenseID, &v.Retired, &v.Kind, &v.Identifier, &v.Name, &v.Claims, scanAt(&v.CreatedAt), scanAt(&v.ExpiresAt),
		scanAt(&v.UsedAt), &v.UsedBy, scanAt(&v.ReleasedAt),
	}
}

func scanReservation(s scanner) (license.Reservation, error) {
	var v license.Reservation
	err := s.Scan(reservationTargets(&v)...)
	return v, err
}

// isOpen is license.Reservation.State as a condition; now is a placeholder.
func isOpen(now string) string {
	return `v.used_at IS NULL AND v.released_at IS NULL AND v.expires_at > ` + now
}

// seatsReserved counts the reserved seats of license l at an instant.
func seatsReserved(now string) string {
	return `(SELECT COUNT(*) FROM reservation v WHERE v.license_seq = l.seq AND ` + isOpen(now) + `)`
}

// AddReservation keeps the seat of a retired activation of a locked license.
// One activation has one reservation: see IsUnique with
// "reservation.retired_seq".
func (tx *Tx) AddReservation(ctx context.Context, v license.Reservation, c ClaimCode) error {
	device := license.Device{Kind: v.Kind, Identifier: v.Identifier}
	return tx.change(ctx, `INSERT INTO reservation (id, license_seq, retired_seq, kind, identifier, identifier_folded, name,
			claim_hash, claim_sealed, claims, created_at, expires_at)
		SELECT $1, license_seq, seq, $3, $4, $5, $6, $7, $8, $9, $10, $11 FROM activation WHERE id = $2`,
		v.ID, v.Retired, v.Kind, v.Identifier, device.Fold(), v.Name,
		orNullBytes(c.Hash), orNullBytes(c.Sealed), v.Claims, at(v.CreatedAt), at(v.ExpiresAt))
}

// ClaimableReservation returns the open reservation of a license that a device
// may take: the one that is kept for it, else the one whose claim code has this
// hash. Without any it is nil.
func (r Reader) ClaimableReservation(ctx context.Context, licenseID id.ID, d license.Device, claim []byte, now time.Time) (*license.Reservation, error) {
	v, err := first(r.queryRow(ctx, `SELECT `+reservationColumns+reservationFrom+`
		WHERE v.license_seq = (SELECT seq FROM license WHERE id = $1) AND `+isOpen(`$2`)+`
			AND (v.kind = $3 AND v.identifier_folded = $4 OR v.claim_hash = $5 AND v.claims < $6)
		ORDER BY v.kind = '', v.seq LIMIT 1`, licenseID, at(now), d.Kind, d.Fold(), orNullBytes(claim), license.MaxClaims), scanReservation)
	if IsNotFound(err) {
		return nil, nil
	}
	return &v, err
}

// UseReservation notes which activation has taken a reserved seat. ErrNotFound
// means that the reservation was used or released before.
func (tx *Tx) UseReservation(ctx context.Context, reservation, activation id.ID, now time.Time) error {
	return tx.change(ctx, `UPDATE reservation SET used_at = $3, used_seq = (SELECT seq FROM activation WHERE id = $2), claim_sealed = NULL
		WHERE id = $1 AND used_at IS NULL AND released_at IS NULL`, reservation, activation, at(now))
}

// ReleaseReservation gives a reserved seat up. It reports whether it was still
// kept.
func (tx *Tx) ReleaseReservation(ctx context.Context, reservation id.ID, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, `UPDATE reservation SET released_at = $2, claim_sealed = NULL
		WHERE id = $1 AND used_at IS NULL AND released_at IS NULL AND expires_at > $2`, reservation, at(now))
	return n == 1, err
}

// CountClaim counts a wrong claim code against all open reservations of a
// license that have one.
func (tx *Tx) CountClaim(ctx context.Context, licenseID id.ID, now time.Time) error {
	_, err := tx.exec(ctx, `UPDATE reservation SET claims = claims + 1
		WHERE license_seq = (SELECT seq FROM license WHERE id = $1) AND kind = ''
			AND used_at IS NULL AND released_at IS NULL AND expires_at > $2`, licenseID, at(now))
	return err
}

// OwnedReservation returns the reservation with this id if the customer owns
// its license, and its claim code, sealed, as long as it is of use.
func (r Reader) OwnedReservation(ctx context.Context, customer, reservation id.ID) (license.Reservation, []byte, error) {
	var v license.Reservation
	var sealed []byte
	err := r.queryRow(ctx, `SELECT `+reservationColumns+`, v.claim_sealed`+reservationFrom+`
		WHERE v.id = $1 AND l.customer_seq = (SELECT seq FROM customer WHERE id = $2)`, reservation, customer).
		Scan(append(reservationTargets(&v), &sealed)...)
	return v, sealed, err
}

// Reservation returns the reservation with this id, or ErrNotFound.
func (r Reader) Reservation(ctx context.Context, reservation id.ID) (license.Reservation, error) {
	return first(r.queryRow(ctx, `SELECT `+reservationColumns+reservationFrom+` WHERE v.id = $1`, reservation), scanReservation)
}

// ReservationFor returns the reservation of the seat that an activation gave
// up, or ErrNotFound.
func (r Reader) ReservationFor(ctx context.Context, retired id.ID) (license.Reservation, error) {
	return first(r.queryRow(ctx, `SELECT `+reservationColumns+reservationFrom+`
		WHERE v.retired_seq = (SELECT seq FROM activation WHERE id = $1)`, retired), scanReservation)
}

// OpenReservations lists the reserved seats of a license, the next to fall
// free first.
func (r Reader) OpenReservations(ctx context.Context, licenseID id.ID, now time.Time, limit int) ([]license.Reservation, error) {
	rs, err := r.query(ctx, `SELECT `+reservationColumns+reservationFrom+`
		WHERE v.license_seq = (SELECT seq FROM license WHERE id = $1) AND `+isOpen(`$2`)+`
		ORDER BY v.expires_at, v.seq LIMIT $3`, licenseID, at(now), limit)
	return collect(rs, err, scanReservation)
}

// SelfServed returns when people of the customer last changed devices of a
// license, after an instant, the latest first.
func (r Reader) SelfServed(ctx context.Context, licenseID id.ID, after time.Time, limit int) ([]time.Time, error) {
	reasons := license.SelfService()
	args := []any{licenseID, at(after), limit}
	for _, why := range reasons {
		args = append(args, why)
	}
	rs, err := r.query(ctx, `SELECT a.ended_at FROM activation a
		WHERE a.license_seq = (SELECT seq FROM license WHERE id = $1) AND a.ended_at > $2 AND a.ended_at IS NOT NULL
			AND a.end_reason IN `+in(len(reasons), 4)+` ORDER BY a.ended_at DESC, a.seq DESC LIMIT $3`, args...)
	return collect(rs, err, func(s scanner) (time.Time, error) {
		var t time.Time
		err := s.Scan(scanAt(&t))
		return t, err
	})
}
