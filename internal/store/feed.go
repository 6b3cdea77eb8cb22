package store

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/id"
)

// Feed is the private calendar of a person, for one customer.
type Feed struct {
	ID         id.ID
	PersonID   id.ID
	CustomerID id.ID
	CreatedAt  time.Time
}

const feedSelect = `SELECT f.id, p.id, c.id, f.created_at FROM calendar_feed f
	JOIN person p ON p.seq = f.person_seq JOIN customer c ON c.seq = f.customer_seq`

func scanFeed(s scanner) (Feed, error) {
	var f Feed
	err := s.Scan(&f.ID, &f.PersonID, &f.CustomerID, scanAt(&f.CreatedAt))
	return f, err
}

// SetFeed keeps a person's calendar for a customer under the hash of its token,
// in place of an earlier one. ErrNotFound means that one of the two is not
// there.
func (tx *Tx) SetFeed(ctx context.Context, f Feed, tokenHash []byte) error {
	return tx.change(ctx, `INSERT INTO calendar_feed (id, token_hash, person_seq, customer_seq, created_at)
		SELECT $3, $4, p.seq, c.seq, $5 FROM person p CROSS JOIN customer c WHERE p.id = $1 AND c.id = $2
		ON CONFLICT (person_seq, customer_seq) DO UPDATE SET id = excluded.id, token_hash = excluded.token_hash, created_at = excluded.created_at`,
		f.PersonID, f.CustomerID, f.ID, tokenHash, at(f.CreatedAt))
}

// FeedOf returns a person's calendar for a customer.
func (r Reader) FeedOf(ctx context.Context, person, customer id.ID) (Feed, error) {
	return first(r.queryRow(ctx, feedSelect+` WHERE p.id = $1 AND c.id = $2`, person, customer), scanFeed)
}

// FeedByToken returns the calendar whose token has this hash.
func (r Reader) FeedByToken(ctx context.Context, tokenHash []byte) (Feed, error) {
	return first(r.queryRow(ctx, feedSelect+` WHERE f.token_hash = $1`, tokenHash), scanFeed)
}

// DropFeed removes a person's calendar for a customer. It reports whether
// there was one.
func (tx *Tx) DropFeed(ctx context.Context, person, customer id.ID) (bool, error) {
	n, err := tx.exec(ctx, `DELETE FROM calendar_feed WHERE person_seq = (SELECT seq FROM person WHERE id = $1)
		AND customer_seq = (SELECT seq FROM customer WHERE id = $2)`, person, customer)
	return n == 1, err
}
