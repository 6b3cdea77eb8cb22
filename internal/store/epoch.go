package store

import (
	"context"
	"strconv"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
)

const (
	// epochName counts how often these records were restored from a backup.
	epochName = "epoch"
	// restoringName is there from the first record of a restore to its end.
	restoringName = "restoring"
)

// Epoch numbers the histories of an installation: 1 at first, and one more each
// time its records were restored from a backup.
func (r Reader) Epoch(ctx context.Context) (int64, error) {
	text, err := r.Meta(ctx, epochName)
	if IsNotFound(err) {
		return 1, nil
	}
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}

// Restoring reports whether a restore was begun and has not ended.
func (r Reader) Restoring(ctx context.Context) (bool, error) {
	_, err := r.Meta(ctx, restoringName)
	if IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// Restored begins an epoch and ends the restore.
func (tx *Tx) Restored(ctx context.Context, epoch int64) error {
	if err := tx.SetMeta(ctx, epochName, strconv.FormatInt(epoch, 10)); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `DELETE FROM meta WHERE name = $1`, restoringName)
	return err
}

// EndVisits ends every session and makes every mailed link and unfinished
// sign-in worthless. It returns how many sessions and unused links there were.
func (tx *Tx) EndVisits(ctx context.Context, now time.Time) (sessions, links int64, err error) {
	if _, err = tx.exec(ctx, `DELETE FROM challenge`); err != nil {
		return 0, 0, err
	}
	if sessions, err = tx.exec(ctx, `DELETE FROM session`); err != nil {
		return 0, 0, err
	}
	links, err = tx.exec(ctx, `UPDATE one_time_link SET used_at = $1 WHERE used_at IS NULL`, at(now))
	return sessions, links, err
}

// RevokedLicenses lists the next licenses after one of them that were revoked,
// by id.
func (r Reader) RevokedLicenses(ctx context.Context, after id.ID, limit int) ([]license.License, error) {
	rs, err := r.query(ctx, `SELECT `+licenseColumns+licenseFrom+`
		WHERE l.revoked_at IS NOT NULL AND l.id > $1 ORDER BY l.id LIMIT $2`, after, limit)
	return collect(rs, err, scanLicense)
}

// IdempotencyKeys lists the next keys that count at now, after one of them.
func (r Reader) IdempotencyKeys(ctx context.Context, after Idempotent, now time.Time, limit int) ([]Idempotent, error) {
	rs, err := r.query(ctx, `SELECT scope, key, request_hash, result_id, expires_at FROM idempotency
		WHERE (scope, key) > ($1, $2) AND expires_at > $3 ORDER BY scope, key LIMIT $4`, after.Scope, after.Key, at(now), limit)
	return collect(rs, err, scanIdempotent)
}

// CarryIdempotent keeps the keys that are not known here.
func (tx *Tx) CarryIdempotent(ctx context.Context, keys []Idempotent) (carried int64, err error) {
	for _, i := range keys {
		n, err := tx.exec(ctx, `INSERT INTO idempotency (scope, key, request_hash, result_id, expires_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT DO NOTHING`, i.Scope, i.Key, i.RequestHash, i.ResultID, at(i.ExpiresAt))
		if err != nil {
			return 0, err
		}
		carried += n
	}
	return carried, nil
}
