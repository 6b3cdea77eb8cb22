package store

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
)

// SignedIn is a session with whom it belongs to.
type SignedIn struct {
	Session    account.Session
	Person     account.Person
	Membership account.Membership
	Customers  int // how many the person may act for
}

// AddSession keeps a new session under the hash of its token. ErrNotFound means
// that the person or the customer does not exist.
func (tx *Tx) AddSession(ctx context.Context, s account.Session, tokenHash []byte) error {
	return tx.change(ctx, `INSERT INTO session (id, token_hash, person_seq, customer_seq,
			created_at, last_seen_at, expires_at, address, user_agent)
		SELECT $3, $4, p.seq, c.seq, $5, $6, $7, $8, $9
		FROM person p CROSS JOIN customer c WHERE p.id = $1 AND c.id = $2`,
		s.PersonID, s.CustomerID, s.ID, tokenHash,
		at(s.CreatedAt), at(s.LastSeenAt), at(s.ExpiresAt), s.Address, s.UserAgent)
}

const sessionColumns = `s.id, p.id, c.id, s.created_at, s.last_seen_at,
	COALESCE(s.proved_at, s.created_at), s.expires_at, s.address, s.user_agent`

// sessionFields are the targets of sessionColumns.
func sessionFields(s *account.Session) []any {
	return []any{
		&s.ID, &s.PersonID, &s.CustomerID, scanAt(&s.CreatedAt), scanAt(&s.LastSeenAt), scanAt(&s.ProvedAt), scanAt(&s.ExpiresAt),
		&s.Address, &s.UserAgent,
	}
}

// SessionByToken returns the session whose token has this hash, with the person
// and the membership as they are now. A membership that was taken away leaves
// ErrNotFound.
func (r Reader) SessionByToken(ctx context.Context, tokenHash []byte) (SignedIn, error) {
	row := r.queryRow(ctx, `SELECT `+sessionColumns+`, m.role, (SELECT COUNT(*) FROM membership o WHERE o.person_seq = s.person_seq), `+customerColumns+`, `+personColumns+`
		FROM session s JOIN person p ON p.seq = s.person_seq JOIN customer c ON c.seq = s.customer_seq
		JOIN membership m ON m.person_seq = s.person_seq AND m.customer_seq = s.customer_seq
		WHERE s.token_hash = $1`, tokenHash)
	return first(row, func(s scanner) (SignedIn, error) {
		var in SignedIn
		fields := append(sessionFields(&in.Session), &in.Membership.Role, &in.Customers)
		fields = append(fields, customerFields(&in.Membership.Customer)...)
		err := s.Scan(append(fields, personFields(&in.Person)...)...)
		return in, err
	})
}

// Sessions lists a person's sessions, the latest used first.
func (r Reader) Sessions(ctx context.Context, person id.ID) ([]account.Session, error) {
	rs, err := r.query(ctx, `SELECT `+sessionColumns+` FROM person p
		JOIN session s ON s.person_seq = p.seq JOIN customer c ON c.seq = s.customer_seq
		WHERE p.id = $1 ORDER BY s.last_seen_at DESC, s.seq DESC`, person)
	return collect(rs, err, func(sc scanner) (account.Session, error) {
		var s account.Session
		err := sc.Scan(sessionFields(&s)...)
		return s, err
	})
}

// TouchSession notes that a session is in use. One that has ended is no error.
func (tx *Tx) TouchSession(ctx context.Context, session id.ID, now time.Time) error {
	_, err := tx.exec(ctx, `UPDATE session SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2`,
		session, at(now))
	return err
}

// ProveSession notes that the person of a session has proved again who they
// are. ErrNotFound means that it has ended, or is somebody else's.
func (tx *Tx) ProveSession(ctx context.Context, person, session id.ID, now time.Time) error {
	return tx.change(ctx, `UPDATE session SET proved_at = $3
		WHERE id = $2 AND person_seq = (SELECT seq FROM person WHERE id = $1)`, person, session, at(now))
}

// EndSession ends a session of a person. ErrNotFound means that it has ended
// already, or is somebody else's.
func (tx *Tx) EndSession(ctx context.Context, person, session id.ID) error {
	return tx.change(ctx, `DELETE FROM session
		WHERE id = $2 AND person_seq = (SELECT seq FROM person WHERE id = $1)`, person, session)
}

// EndSessions ends all sessions of a person and says how many there were.
func (tx *Tx) EndSessions(ctx context.Context, person id.ID) (int64, error) {
	return tx.exec(ctx, `DELETE FROM session WHERE person_seq = (SELECT seq FROM person WHERE id = $1)`, person)
}

// EndOtherSessions ends all sessions of a person but one and says how many.
func (tx *Tx) EndOtherSessions(ctx context.Context, person, kept id.ID) (int64, error) {
	return tx.exec(ctx, `DELETE FROM session
		WHERE person_seq = (SELECT seq FROM person WHERE id = $1) AND id <> $2`, person, kept)
}

// PurgeSessions removes up to limit sessions that expired before now and says
// how many.
func (tx *Tx) PurgeSessions(ctx context.Context, now time.Time, limit int) (int64, error) {
	return tx.exec(ctx, `DELETE FROM session WHERE seq IN
		(SELECT seq FROM session WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`, at(now), limit)
}
