package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
)

const activationColumns = `a.id, l.id, a.kind, a.identifier, a.name, a.label, a.platform, a.app_version,
	a.activated_at, a.last_seen_at, a.hold_until, a.ended_at, a.end_reason`

const activationFrom = ` FROM activation a JOIN license l ON l.seq = a.license_seq`

func activationTargets(a *license.Activation) []any {
	return []any{
		&a.ID, &a.LicenseID, &a.Kind, &a.Identifier, &a.Name, &a.Label, &a.Platform, &a.AppVersion,
		scanAt(&a.ActivatedAt), scanAt(&a.LastSeenAt), scanAt(&a.HoldUntil), scanAt(&a.EndedAt), &a.EndReason,
	}
}

func scanActivation(s scanner) (license.Activation, error) {
	var a license.Activation
	err := s.Scan(activationTargets(&a)...)
	return a, err
}

// AddActivation gives a device a seat of a locked, owned license. ErrNotFound
// means that there is no such license. The same device twice is Conflict: see
// IsUnique with "activation.identifier_folded".
func (tx *Tx) AddActivation(ctx context.Context, a license.Activation) error {
	device := license.Device{Kind: a.Kind, Identifier: a.Identifier}
	return tx.change(ctx, `INSERT INTO activation (id, license_seq, customer_seq, kind, identifier, identifier_folded,
			name, name_folded, platform, app_version, activated_at, last_seen_at, hold_until, ended_at, end_reason, label, label_folded)
		SELECT $1, seq, customer_seq, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16
		FROM license WHERE id = $2`,
		a.ID, a.LicenseID, a.Kind, a.Identifier, device.Fold(), a.Name, strings.ToLower(a.Name), a.Platform, a.AppVersion,
		at(a.ActivatedAt), at(a.LastSeenAt), at(a.HoldUntil), at(a.EndedAt), a.EndReason,
		a.Label, strings.ToLower(a.Label))
}

// SetLabel notes what the owner of a device calls it, on all of the device's
// activations of the license, so that it stays when the device comes back.
func (tx *Tx) SetLabel(ctx context.Context, a license.Activation, label string) error {
	device := license.Device{Kind: a.Kind, Identifier: a.Identifier}
	return tx.change(ctx, `UPDATE activation SET label = $4, label_folded = $5
		WHERE license_seq = (SELECT seq FROM license WHERE id = $1) AND kind = $2 AND identifier_folded = $3`,
		a.LicenseID, a.Kind, device.Fold(), label, strings.ToLower(label))
}

// LabelOf returns what the owner calls a device of a license, or "".
func (r Reader) LabelOf(ctx context.Context, licenseID id.ID, device license.Device) (string, error) {
	var label string
	err := r.queryRow(ctx, `SELECT a.label FROM activation a
		WHERE a.license_seq = (SELECT seq FROM license WHERE id = $1) AND a.kind = $2 AND a.identifier_folded = $3 AND a.label <> ''
		LIMIT 1`, licenseID, device.Kind, device.Fold()).Scan(&label)
	if IsNotFound(err) {
		err = nil
	}
	return label, err
}

// RenewSeat keeps until when a floating seat of a locked license is held, and
// when its device was last heard of with which version. ErrNotFound means that
// it has ended.
func (tx *Tx) RenewSeat(ctx context.Context, a license.Activation) error {
	return tx.change(ctx, `UPDATE activation SET hold_until = $2, last_seen_at = $3, app_version = $4
		WHERE id = $1 AND ended_at IS NULL`, a.ID, at(a.HoldUntil), at(a.LastSeenAt), a.AppVersion)
}

// LapsedSeats lists floating seats that nobody has tidied, held until an
// instant at the latest, the longest lapsed first.
func (r Reader) LapsedSeats(ctx context.Context, until time.Time, limit int) ([]license.Activation, error) {
	rs, err := r.query(ctx, `SELECT `+activationColumns+activationFrom+`
		WHERE a.hold_until <= $1 AND a.ended_at IS NULL ORDER BY a.hold_until LIMIT $2`, at(until), limit)
	return collect(rs, err, scanActivation)
}

// EndActivation gives a seat back. It reports whether it was still held.
func (tx *Tx) EndActivation(ctx context.Context, activation id.ID, now time.Time, why license.Reason) (bool, error) {
	n, err := tx.exec(ctx, `UPDATE activation SET ended_at = $2, end_reason = $3 WHERE id = $1 AND ended_at IS NULL`,
		activation, at(now), why)
	return n == 1, err
}

// EndActivations gives back all seats of a license and returns which.
func (tx *Tx) EndActivations(ctx context.Context, license id.ID, now time.Time, why license.Reason) ([]id.ID, error) {
	rs, err := tx.query(ctx, `UPDATE activation SET ended_at = $2, end_reason = $3
		WHERE license_seq = (SELECT seq FROM license WHERE id = $1) AND ended_at IS NULL RETURNING id`,
		license, at(now), why)
	return collect(rs, err, value[id.ID])
}

// Activation returns the activation with this id, or ErrNotFound.
func (r Reader) Activation(ctx context.Context, activation id.ID) (license.Activation, error) {
	return first(r.queryRow(ctx, `SELECT `+activationColumns+activationFrom+` WHERE a.id = $1`, activation), scanActivation)
}

// OwnedActivation returns the activation with this id if the customer owns its
// license, or ErrNotFound (P-ACT-21).
func (r Reader) OwnedActivation(ctx context.Context, customer, activation id.ID) (license.Activation, error) {
	return first(r.queryRow(ctx, `SELECT `+activationColumns+activationFrom+`
		WHERE a.id = $1 AND a.customer_seq = (SELECT seq FROM customer WHERE id = $2)`, activation, customer), scanActivation)
}

// Seats is what is known about the seats of one license.
type Seats struct {
	Used     int
	Reserved int                 // kept for devices that replace others
	Device   *license.Activation // the asked-for device's, not ended
	Nearly   *license.Activation // another one of the same name
}

// Seats reads the seats of a license at now; device may be nil.
func (r Reader) Seats(ctx context.Context, licenseID id.ID, device *license.Device, now time.Time) (Seats, error) {
	var s Seats
	err := r.queryRow(ctx, `SELECT `+seatsHeld(`$2`)+`, `+seatsReserved(`$2`)+` FROM license l WHERE l.id = $1`,
		licenseID, at(now)).Scan(&s.Used, &s.Reserved)
	if IsNotFound(err) {
		return s, nil
	}
	if err != nil || device == nil {
		return s, err
	}
	s.Device, err = r.openSeat(ctx, licenseID, `a.kind = $2 AND a.identifier_folded = $3`, device.Kind, device.Fold())
	if err != nil || s.Device != nil {
		return s, err
	}
	s.Nearly, err = r.nearly(ctx, licenseID, *device)
	return s, err
}

// Asked is a license that software asks about, and what is known of its seats.
type Asked struct {
	License        license.License
	ProductVersion int64 // of its product, see license.Product.Version
	Seats          Seats
}

// askedSeat is activationColumns where there may be no activation.
const askedSeat = `COALESCE(a.id, ''), l.id, COALESCE(a.kind, ''), COALESCE(a.identifier, ''), COALESCE(a.name, ''),
	COALESCE(a.label, ''), COALESCE(a.platform, ''), COALESCE(a.app_version, ''),
	a.activated_at, a.last_seen_at, a.hold_until, a.ended_at, COALESCE(a.end_reason, '')`

// AskedByKey is LicenseByKey and Seats in one statement: this is the question
// of every validation. It is short, and goes on when the caller has left.
func (r Reader) AskedByKey(ctx context.Context, env license.Environment, hash []byte, device *license.Device, now time.Time) (Asked, error) {
	return r.asked(context.WithoutCancel(ctx), `l.environment = $4 AND l.key_hash = $5`, device, now, env, hash)
}

// Asked is License and Seats in one statement.
func (r Reader) Asked(ctx context.Context, licenseID id.ID, device *license.Device, now time.Time) (Asked, error) {
	return r.asked(ctx, `l.id = $4`, device, now, licenseID)
}

func (r Reader) asked(ctx context.Context, which string, device *license.Device, now time.Time, args ...any) (Asked, error) {
	var kind license.Kind
	var folded string
	if device != nil {
		kind, folded = device.Kind, device.Fold()
	}
	var q Asked
	var seat license.Activation
	var grace int64
	targets := append(licenseTargets(&q.License, &grace), &q.ProductVersion, &q.Seats.Used, &q.Seats.Reserved)
	err := r.queryRow(ctx, `SELECT `+licenseColumns+`, p.version, `+seatsHeld(`$3`)+`, `+seatsReserved(`$3`)+`, `+askedSeat+licenseFrom+`
		LEFT JOIN activation a ON a.license_seq = l.seq AND a.kind = $1 AND a.identifier_folded = $2 AND a.ended_at IS NULL
		WHERE `+which, append([]any{kind, folded, at(now)}, args...)...).Scan(append(targets, activationTargets(&seat)...)...)
	if err != nil {
		return q, err
	}
	q.License.Grace = fromMicros(grace)
	if seat.ID != "" {
		q.Seats.Device = &seat
	} else if device != nil {
		q.Seats.Nearly, err = r.nearly(ctx, q.License.ID, *device)
	}
	return q, err
}

// nearly returns a seat of another device with the same name, or nil.
func (r Reader) nearly(ctx context.Context, licenseID id.ID, device license.Device) (*license.Activation, error) {
	if device.Name == "" {
		return nil, nil
	}
	return r.openSeat(ctx, licenseID, `a.kind = $2 AND a.name_folded = $3`, device.Kind, strings.ToLower(device.Name))
}

// LongestUnused returns the device of a license that was not heard of for the
// longest time, or nil without devices.
func (r Reader) LongestUnused(ctx context.Context, licenseID id.ID, now time.Time) (*license.Activation, error) {
	return r.openSeat(ctx, licenseID, `(a.hold_until IS NULL OR a.hold_until > $2)`, at(now))
}

// openSeat returns the longest unused activation that has not ended and
// meets a condition on $2 and on, or nil.
func (r Reader) openSeat(ctx context.Context, licenseID id.ID, condition string, args ...any) (*license.Activation, error) {
	a, err := first(r.queryRow(ctx, `SELECT `+activationColumns+activationFrom+`
		WHERE l.id = $1 AND a.ended_at IS NULL AND `+condition+`
		ORDER BY COALESCE(a.last_seen_at, a.activated_at), a.seq LIMIT 1`, append([]any{licenseID}, args...)...), scanActivation)
	if IsNotFound(err) {
		return nil, nil
	}
	return &a, err
}

// LicenseActivations lists the devices of a license, those holding seats
// first, newest first.
func (r Reader) LicenseActivations(ctx context.Context, licenseID id.ID, limit int) ([]license.Activation, error) {
	rs, err := r.query(ctx, `SELECT `+activationColumns+activationFrom+` WHERE l.id = $1
		ORDER BY a.ended_at IS NOT NULL, a.activated_at DESC, a.seq DESC LIMIT $2`, licenseID, limit)
	return collect(rs, err, scanActivation)
}

// ActivationFilter selects among the activations over all of a customer's licenses.
type ActivationFilter struct {
	Customer  id.ID
	Now       time.Time
	Status    license.ActivationStatus // "" is any
	LicenseID id.ID                    // "" is any
	Search    string                   // fragment of identifier or name, folded
	Holding   bool                     // not deactivated
}

// OwnedActivation is one row of a customer's activations.
type OwnedActivation struct {
	Activation  license.Activation
	License     license.License
	ProductName string
}

// OwnedActivations lists a customer's activations, newest first, one more than
// the page size.
func (r Reader) OwnedActivations(ctx context.Context, f ActivationFilter, page Page) ([]OwnedActivation, error) {
	w := activationWhere(f)
	backward := page.Before != ""
	if edge := edgeOf(page); edge != "" {
		w.add(`(a.activated_at, a.seq) ` + comparison(!backward) +
			` (SELECT activated_at, seq FROM activation WHERE id = ` + w.arg(edge) + ` AND customer_seq = ` + w.owner + `)`)
	}
	direction := ` DESC`
	if backward {
		direction = ` ASC`
	}
	text := `SELECT ` + activationColumns + `, p.name, ` + licenseColumns + activationFrom + `
		JOIN product p ON p.seq = l.product_seq JOIN customer c ON c.seq = a.customer_seq` + w.text() +
		` ORDER BY a.activated_at` + direction + `, a.seq` + direction + ` LIMIT ` + w.arg(page.Size+1)
	rs, err := r.query(ctx, text, w.args...)
	list, err := collect(rs, err, scanOwnedActivation)
	if backward {
		slices.Reverse(list)
	}
	return list, err
}

func scanOwnedActivation(s scanner) (OwnedActivation, error) {
	var o OwnedActivation
	var grace int64
	targets := append(activationTargets(&o.Activation), &o.ProductName)
	err := s.Scan(append(targets, licenseTargets(&o.License, &grace)...)...)
	o.License.Grace = fromMicros(grace)
	return o, err
}

func activationWhere(f ActivationFilter) *where {
	w := &where{}
	w.owner = `(SELECT seq FROM customer WHERE id = ` + w.arg(f.Customer) + `)`
	w.add(`a.customer_seq = ` + w.owner)
	if f.LicenseID != "" {
		w.add(`l.id = ` + w.arg(f.LicenseID))
	}
	if f.Status != "" {
		w.add(activationStatus(w.arg(at(f.Now))) + ` = ` + w.arg(f.Status))
	}
	if f.Holding {
		w.add(activationStatus(w.arg(at(f.Now))) + ` <> 'deactivated'`)
	}
	if f.Search != "" {
		pattern := w.arg(like(f.Search))
		w.add(`(a.identifier_folded LIKE ` + pattern + ` ESCAPE '\' OR a.name_folded LIKE ` + pattern +
			` ESCAPE '\' OR a.label_folded LIKE ` + pattern + ` ESCAPE '\')`)
	}
	return w
}

// activationStatus is license.Activation.Status as an expression; now is a
// placeholder. A test proves that both agree.
func activationStatus(now string) string {
	return `CASE WHEN a.ended_at IS NOT NULL OR a.hold_until <= ` + now + ` OR l.phase = 'revoked' THEN 'deactivated'
		WHEN l.phase = 'suspended' OR l.ends_at <= ` + now + ` THEN 'suspended' ELSE 'active' END`
}

// CountActivations counts a customer's activations by status, leaving the
// filter's own status aside, and whether deactivated ones show.
func (r Reader) CountActivations(ctx context.Context, f ActivationFilter) (map[license.ActivationStatus]int, error) {
	f.Status, f.Holding = "", false
	w := activationWhere(f)
	text := `SELECT ` + activationStatus(w.arg(at(f.Now))) + `, COUNT(*)` + activationFrom + w.text() + ` GROUP BY 1`
	rs, err := r.query(ctx, text, w.args...)
	counts := make(map[license.ActivationStatus]int)
	_, err = collect(rs, err, func(s scanner) (struct{}, error) {
		var status license.ActivationStatus
		var n int
		err := s.Scan(&status, &n)
		counts[status] = n
		return struct{}{}, err
	})
	return counts, err
}

// Seen is news of a device: it was heard of at an instant, running a version.
type Seen struct {
	ActivationID id.ID
	At           time.Time
	AppVersion   string
}

// MarkSeen records news of devices. Older news never replaces newer.
func (tx *Tx) MarkSeen(ctx context.Context, news []Seen) error {
	for _, s := range news {
		_, err := tx.exec(ctx, `UPDATE activation SET last_seen_at = $2,
				app_version = CASE WHEN $3 = '' THEN app_version ELSE $3 END
			WHERE id = $1 AND (last_seen_at IS NULL OR last_seen_at < $2)`, s.ActivationID, at(s.At), s.AppVersion)
		if err != nil {
			return err
		}
	}
	return nil
}

// attemptsKept is how many refused activations are kept for a license.
const attemptsKept = 20

// AddAttempt records a refused activation of a locked license and forgets the
// oldest beyond the cap.
func (tx *Tx) AddAttempt(ctx context.Context, licenseID id.ID, a license.Attempt) error {
	err := tx.change(ctx, `INSERT INTO attempt (license_seq, at, kind, identifier, name, code, id)
		SELECT seq, $2, $3, $4, $5, $6, $7 FROM license WHERE id = $1`,
		licenseID, at(a.At), a.Kind, a.Identifier, a.Name, a.Code, orNull(a.ID))
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `DELETE FROM attempt WHERE license_seq = (SELECT seq FROM license WHERE id = $1)
		AND seq <= (SELECT seq FROM attempt WHERE license_seq = (SELECT seq FROM license WHERE id = $1)
			ORDER BY seq DESC LIMIT 1 OFFSET $2)`, licenseID, attemptsKept)
	return err
}

// Attempts lists the last refused activations of a license, newest first.
func (r Reader) Attempts(ctx context.Context, licenseID id.ID, limit int) ([]license.Attempt, error) {
	rs, err := r.query(ctx, `SELECT COALESCE(id, ''), at, kind, identifier, name, code FROM attempt
		WHERE license_seq = (SELECT seq FROM license WHERE id = $1) ORDER BY at DESC, seq DESC LIMIT $2`, licenseID, limit)
	return collect(rs, err, func(s scanner) (license.Attempt, error) {
		var a license.Attempt
		err := s.Scan(&a.ID, scanAt(&a.At), &a.Kind, &a.Identifier, &a.Name, &a.Code)
		return a, err
	})
}

// DeviceNames returns what devices are called, by activation.
func (r Reader) DeviceNames(ctx context.Context, activations []id.ID) (map[id.ID]string, error) {
	names := make(map[id.ID]string, len(activations))
	if len(activations) == 0 {
		return names, nil
	}
	rs, err := r.query(ctx, `SELECT id, COALESCE(NULLIF(label, ''), NULLIF(name, ''), identifier) FROM activation
		WHERE id IN `+r.d.listed(`$1`), idList(activations))
	_, err = collect(rs, err, func(s scanner) (struct{}, error) {
		var activation id.ID
		var name string
		err := s.Scan(&activation, &name)
		names[activation] = name
		return struct{}{}, err
	})
	return names, err
}
