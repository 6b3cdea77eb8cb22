package store

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/verdict"
)

// Validations counts how often one product's licenses were validated with one
// outcome in one hour.
type Validations struct {
	ProductID id.ID
	Hour      time.Time
	Code      verdict.Code
	Total     int64
}

// AddValidations adds to the hourly counters.
func (tx *Tx) AddValidations(ctx context.Context, counts []Validations) error {
	for _, v := range counts {
		_, err := tx.exec(ctx, `INSERT INTO validation_hour (product_seq, hour, code, total)
			SELECT seq, $2, $3, $4 FROM product WHERE id = $1
			ON CONFLICT (product_seq, hour, code) DO UPDATE SET total = validation_hour.total + excluded.total`,
			v.ProductID, at(v.Hour), v.Code, v.Total)
		if err != nil {
			return err
		}
	}
	return nil
}

// ValidationsSince returns a product's hourly counters from an hour on.
func (r Reader) ValidationsSince(ctx context.Context, product id.ID, from time.Time) ([]Validations, error) {
	rs, err := r.query(ctx, `SELECT p.id, v.hour, v.code, v.total FROM validation_hour v
		JOIN product p ON p.seq = v.product_seq WHERE p.id = $1 AND v.hour >= $2 ORDER BY v.hour, v.code`, product, at(from))
	return collect(rs, err, func(s scanner) (Validations, error) {
		var v Validations
		err := s.Scan(&v.ProductID, scanAt(&v.Hour), &v.Code, &v.Total)
		return v, err
	})
}

// Idempotent is what an idempotency key stands for: the request it was first
// used with and the id of what that made.
type Idempotent struct {
	Scope       string
	Key         string
	RequestHash []byte
	ResultID    id.ID
	ExpiresAt   time.Time
}

// Idempotent returns what a key stands for at now, or ErrNotFound.
func (r Reader) Idempotent(ctx context.Context, scope, key string, now time.Time) (Idempotent, error) {
	return first(r.queryRow(ctx, `SELECT scope, key, request_hash, result_id, expires_at FROM idempotency
		WHERE scope = $1 AND key = $2 AND expires_at > $3`, scope, key, at(now)), scanIdempotent)
}

func scanIdempotent(s scanner) (Idempotent, error) {
	var i Idempotent
	err := s.Scan(&i.Scope, &i.Key, &i.RequestHash, &i.ResultID, scanAt(&i.ExpiresAt))
	return i, err
}

// AddIdempotent remembers a key; one that expired is replaced.
func (tx *Tx) AddIdempotent(ctx context.Context, i Idempotent) error {
	_, err := tx.exec(ctx, `INSERT INTO idempotency (scope, key, request_hash, result_id, expires_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (scope, key) DO UPDATE SET request_hash = excluded.request_hash,
			result_id = excluded.result_id, expires_at = excluded.expires_at`,
		i.Scope, i.Key, i.RequestHash, i.ResultID, at(i.ExpiresAt))
	return err
}

// ForgetIdempotent removes keys that expired, at most limit of them, and returns
// how many.
func (tx *Tx) ForgetIdempotent(ctx context.Context, now time.Time, limit int) (int64, error) {
	return tx.exec(ctx, `DELETE FROM idempotency WHERE (scope, key) IN
		(SELECT scope, key FROM idempotency WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`, at(now), limit)
}
