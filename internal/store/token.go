package store

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
)

const tokenColumns = `t.id, t.kind, t.name, t.prefix, t.environment, p.id, t.permissions, t.networks,
	t.created_at, t.expires_at, t.revoked_at, t.last_used_at`

const tokenTables = `api_token t LEFT JOIN product p ON p.seq = t.product_seq`

func scanToken(s scanner) (account.Token, error) {
	var t account.Token
	var permissions, networks string
	err := s.Scan(&t.ID, &t.Kind, &t.Name, &t.Prefix, &t.Environment, scanOr(&t.ProductID), &permissions, &networks,
		scanAt(&t.CreatedAt), scanAt(&t.ExpiresAt), scanAt(&t.RevokedAt), scanAt(&t.LastUsedAt))
	if err != nil {
		return t, err
	}
	for word := range strings.FieldsSeq(permissions) {
		t.Permissions = append(t.Permissions, account.Permission(word))
	}
	for word := range strings.FieldsSeq(networks) {
		network, err := netip.ParsePrefix(word)
		if err != nil {
			return t, fmt.Errorf("store: network of an API token: %w", err)
		}
		t.Networks = append(t.Networks, network)
	}
	return t, nil
}

// AddToken keeps a new API token under its hash. ErrNotFound means that its
// product does not exist.
func (tx *Tx) AddToken(ctx context.Context, t account.Token, hash []byte) error {
	words := make([]string, len(t.Permissions))
	for i, p := range t.Permissions {
		words[i] = string(p)
	}
	networks := make([]string, len(t.Networks))
	for i, n := range t.Networks {
		networks[i] = n.String()
	}
	product := any(nil)
	if !t.ProductID.IsZero() {
		seq, err := first(tx.queryRow(ctx, `SELECT seq FROM product WHERE id = $1`, t.ProductID), value[int64])
		if err != nil {
			return err
		}
		product = seq
	}
	return tx.change(ctx, `INSERT INTO api_token (id, kind, name, prefix, token_hash, environment, product_seq,
			permissions, networks, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		t.ID, t.Kind, t.Name, t.Prefix, hash, t.Environment, product,
		strings.Join(words, " "), strings.Join(networks, " "), at(t.CreatedAt), at(t.ExpiresAt))
}

// Token returns an API token.
func (r Reader) Token(ctx context.Context, token id.ID) (account.Token, error) {
	return first(r.queryRow(ctx, `SELECT `+tokenColumns+` FROM `+tokenTables+` WHERE t.id = $1`, token), scanToken)
}

// TokenByHash returns the API token whose text has this hash, whether or not it
// may still be used.
func (r Reader) TokenByHash(ctx context.Context, hash []byte) (account.Token, error) {
	return first(r.queryRow(ctx, `SELECT `+tokenColumns+` FROM `+tokenTables+` WHERE t.token_hash = $1`, hash), scanToken)
}

// Tokens returns the next limit API tokens after one of them, oldest first;
// after "" it begins with the first.
func (r Reader) Tokens(ctx context.Context, after id.ID, limit int) ([]account.Token, error) {
	rs, err := r.query(ctx,
		`SELECT `+tokenColumns+` FROM `+tokenTables+` WHERE t.id > $1 ORDER BY t.id LIMIT $2`, after, limit)
	return collect(rs, err, scanToken)
}

// RevokeToken ends an API token for good. The first time counts.
func (tx *Tx) RevokeToken(ctx context.Context, token id.ID, now time.Time) error {
	return tx.change(ctx, `UPDATE api_token SET revoked_at = COALESCE(revoked_at, $2) WHERE id = $1`, token, at(now))
}

// TouchToken notes that an API token is in use.
func (tx *Tx) TouchToken(ctx context.Context, token id.ID, now time.Time) error {
	_, err := tx.exec(ctx, `UPDATE api_token SET last_used_at = $2
		WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)`, token, at(now))
	return err
}
