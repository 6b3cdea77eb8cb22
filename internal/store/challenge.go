package store

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
)

// AddChallenge keeps a challenge under the hash of its token. ErrNotFound means
// that the person it is for does not exist.
func (tx *Tx) AddChallenge(ctx context.Context, c account.Challenge, tokenHash []byte) error {
	person := any(nil)
	if !c.PersonID.IsZero() {
		seq, err := first(tx.queryRow(ctx, `SELECT seq FROM person WHERE id = $1`, c.PersonID), value[int64])
		if err != nil {
			return err
		}
		person = seq
	}
	return tx.change(ctx, `INSERT INTO challenge (token_hash, purpose, person_seq, data, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6)`, tokenHash, c.Purpose, person, c.Data, at(c.CreatedAt), at(c.ExpiresAt))
}

// Challenge returns the challenge whose token has this hash, if it is for this
// purpose and can be answered at now.
func (r Reader) Challenge(ctx context.Context, tokenHash []byte, purpose account.ChallengePurpose, now time.Time) (account.Challenge, error) {
	row := r.queryRow(ctx, `SELECT c.purpose, p.id, c.data, c.created_at, c.expires_at
		FROM challenge c LEFT JOIN person p ON p.seq = c.person_seq
		WHERE c.token_hash = $1 AND c.purpose = $2 AND c.expires_at > $3`, tokenHash, purpose, at(now))
	return first(row, func(s scanner) (account.Challenge, error) {
		var c account.Challenge
		err := s.Scan(&c.Purpose, scanOr(&c.PersonID), &c.Data, scanAt(&c.CreatedAt), scanAt(&c.ExpiresAt))
		return c, err
	})
}

// SpendChallenge removes a challenge that is being answered. ErrNotFound means
// that it was answered already: of two who answer at once one succeeds.
func (tx *Tx) SpendChallenge(ctx context.Context, tokenHash []byte) error {
	return tx.change(ctx, `DELETE FROM challenge WHERE token_hash = $1`, tokenHash)
}

// DropChallenges removes what a person has been asked.
func (tx *Tx) DropChallenges(ctx context.Context, person id.ID) error {
	_, err := tx.exec(ctx, `DELETE FROM challenge WHERE person_seq = (SELECT seq FROM person WHERE id = $1)`, person)
	return err
}

// PurgeChallenges removes up to limit challenges that nobody answered and says
// how many.
func (tx *Tx) PurgeChallenges(ctx context.Context, now time.Time, limit int) (int64, error) {
	return tx.exec(ctx, `DELETE FROM challenge WHERE seq IN
		(SELECT seq FROM challenge WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`, at(now), limit)
}
