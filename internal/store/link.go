package store

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
)

const linkColumns = `l.id, l.purpose, p.id, l.created_at, l.expires_at, l.used_at`

func scanLink(s scanner) (account.Link, error) {
	var l account.Link
	err := s.Scan(&l.ID, &l.Purpose, &l.PersonID, scanAt(&l.CreatedAt), scanAt(&l.ExpiresAt), scanAt(&l.UsedAt))
	return l, err
}

// AddLink keeps a new one-time link under the hash of its token. ErrNotFound
// means that the person does not exist.
func (tx *Tx) AddLink(ctx context.Context, l account.Link, tokenHash []byte) error {
	return tx.change(ctx, `INSERT INTO one_time_link (id, token_hash, purpose, person_seq, created_at, expires_at)
		SELECT $2, $3, $4, seq, $5, $6 FROM person WHERE id = $1`,
		l.PersonID, l.ID, tokenHash, l.Purpose, at(l.CreatedAt), at(l.ExpiresAt))
}

// LinkByToken returns the link whose token has this hash, spent or not.
func (r Reader) LinkByToken(ctx context.Context, tokenHash []byte) (account.Link, error) {
	return first(r.queryRow(ctx, `SELECT `+linkColumns+` FROM one_time_link l
		JOIN person p ON p.seq = l.person_seq WHERE l.token_hash = $1`, tokenHash), scanLink)
}

// SpendLink spends a link that can be used at now. ErrNotFound means that it
// cannot: it is spent, over or gone. Of two who spend it at once one succeeds.
func (tx *Tx) SpendLink(ctx context.Context, link id.ID, now time.Time) error {
	return tx.change(ctx,
		`UPDATE one_time_link SET used_at = $2 WHERE id = $1 AND used_at IS NULL AND expires_at > $2`,
		link, at(now))
}

// TrimLinks removes a person's links of one purpose but the newest keep.
func (tx *Tx) TrimLinks(ctx context.Context, person id.ID, purpose account.LinkPurpose, keep int) error {
	_, err := tx.exec(ctx, `DELETE FROM one_time_link
		WHERE person_seq = (SELECT seq FROM person WHERE id = $1) AND purpose = $2 AND seq NOT IN
			(SELECT l.seq FROM one_time_link l JOIN person p ON p.seq = l.person_seq
			 WHERE p.id = $1 AND l.purpose = $2 ORDER BY l.seq DESC LIMIT $3)`,
		person, purpose, keep)
	return err
}

// DropLinks removes a person's links of every purpose that are not spent.
func (tx *Tx) DropLinks(ctx context.Context, person id.ID) error {
	_, err := tx.exec(ctx, `DELETE FROM one_time_link
		WHERE person_seq = (SELECT seq FROM person WHERE id = $1) AND used_at IS NULL`, person)
	return err
}
