package store

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/signing"
)

const signingKeyColumns = `p.id, k.kid, k.algorithm, k.public_key, k.private_sealed, k.retired_at IS NOT NULL, k.created_at`

func scanSigningKey(s scanner) (signing.Key, error) {
	var k signing.Key
	err := s.Scan(&k.Product, &k.KID, &k.Algorithm, &k.Public, &k.SealedPrivate, scanBool(&k.Retired), scanAt(&k.SignsFrom))
	return k, err
}

// AddSigningKey keeps a new signing key of a product, whose version rises.
// ErrNotFound means that the product does not exist.
func (tx *Tx) AddSigningKey(ctx context.Context, key id.ID, k signing.Key, now time.Time) error {
	if k.SignsFrom.IsZero() {
		k.SignsFrom = now
	}
	if err := tx.change(ctx, `INSERT INTO signing_key (id, product_seq, kid, algorithm, public_key, private_sealed, created_at)
		SELECT $2, seq, $3, $4, $5, $6, $7 FROM product WHERE id = $1`,
		k.Product, key, k.KID, k.Algorithm, k.Public, k.SealedPrivate, at(k.SignsFrom)); err != nil {
		return err
	}
	return tx.keysChanged(ctx, k.KID, now)
}

func (tx *Tx) keysChanged(ctx context.Context, kid string, now time.Time) error {
	return tx.change(ctx, `UPDATE product SET updated_at = $2, version = version + 1
		WHERE seq = (SELECT product_seq FROM signing_key WHERE kid = $1)`, kid, at(now))
}

// SigningKeys returns a product's signing keys, retired ones too, the one that
// signs last first.
func (r Reader) SigningKeys(ctx context.Context, product id.ID) (signing.Ring, error) {
	rs, err := r.query(ctx, `SELECT `+signingKeyColumns+` FROM product p JOIN signing_key k ON k.product_seq = p.seq
		WHERE p.id = $1 ORDER BY k.created_at DESC, k.seq DESC`, product)
	return collect(rs, err, scanSigningKey)
}

// RetireSigningKey ends the use of a key for new signatures. The first time
// counts. The version of its product rises.
func (tx *Tx) RetireSigningKey(ctx context.Context, kid string, now time.Time) error {
	err := tx.change(ctx, `UPDATE signing_key SET retired_at = COALESCE(retired_at, $2) WHERE kid = $1`, kid, at(now))
	if err != nil {
		return err
	}
	return tx.keysChanged(ctx, kid, now)
}
