package store

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/id"
)

// BeginUpload notes that content of a release to come goes into storage under a
// key. It comes before the first byte, so that nothing in storage is unknown
// here.
func (tx *Tx) BeginUpload(ctx context.Context, release id.ID, key string, now time.Time) error {
	return tx.change(ctx, `INSERT INTO upload (release_id, storage_key, seen_at) VALUES ($1, $2, $3)`, release, key, at(now))
}

// SeeUploads notes that the uploads of a release are still going on.
func (tx *Tx) SeeUploads(ctx context.Context, release id.ID, now time.Time) error {
	_, err := tx.exec(ctx, `UPDATE upload SET seen_at = $2 WHERE release_id = $1 AND given_up_at IS NULL`, release, at(now))
	return err
}

// EndUploads forgets the uploads of a release that is put on record in this
// transaction, and returns how many of them nobody gave up before.
func (tx *Tx) EndUploads(ctx context.Context, release id.ID) (int, error) {
	n, err := tx.exec(ctx, `DELETE FROM upload WHERE release_id = $1 AND given_up_at IS NULL`, release)
	return int(n), err
}

// GiveUploadsUp gives up the uploads that were last seen before an instant:
// they no longer become a release.
func (tx *Tx) GiveUploadsUp(ctx context.Context, before, now time.Time) error {
	_, err := tx.exec(ctx, `UPDATE upload SET given_up_at = $2 WHERE given_up_at IS NULL AND seen_at < $1`, at(before), at(now))
	return err
}

// UploadsGivenUp lists the keys of uploads that were given up, the oldest first.
func (r Reader) UploadsGivenUp(ctx context.Context, limit int) ([]string, error) {
	rs, err := r.query(ctx, `SELECT storage_key FROM upload WHERE given_up_at IS NOT NULL ORDER BY given_up_at, seq LIMIT $1`, limit)
	return collect(rs, err, value[string])
}

// ForgetUpload notes that an upload left nothing in storage.
func (tx *Tx) ForgetUpload(ctx context.Context, key string) error {
	_, err := tx.exec(ctx, `DELETE FROM upload WHERE storage_key = $1`, key)
	return err
}
