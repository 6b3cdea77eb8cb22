package store

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
)

// AddSignIn notes a sign-in to a person's account, or a refused one, and keeps
// the newest of that outcome: attempts push out no sign-ins.
func (tx *Tx) AddSignIn(ctx context.Context, person id.ID, in account.SignIn, keep int) error {
	err := tx.change(ctx, `INSERT INTO sign_in (person_seq, at, refused, way, new_browser, address, user_agent)
		SELECT seq, $2, $3, $4, $5, $6, $7 FROM person WHERE id = $1`,
		person, at(in.At), in.Refused, in.Way, in.NewBrowser, in.Address, in.UserAgent)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `DELETE FROM sign_in
		WHERE person_seq = (SELECT seq FROM person WHERE id = $1) AND refused = $2 AND seq NOT IN
			(SELECT s.seq FROM sign_in s JOIN person p ON p.seq = s.person_seq
			 WHERE p.id = $1 AND s.refused = $2 ORDER BY s.seq DESC LIMIT $3)`, person, in.Refused, keep)
	return err
}

// SignIns lists the latest sign-ins to a person's account and attempts at it,
// newest first.
func (r Reader) SignIns(ctx context.Context, person id.ID, limit int) ([]account.SignIn, error) {
	rs, err := r.query(ctx, `SELECT s.at, s.refused, s.way, s.new_browser, s.address, s.user_agent
		FROM person p JOIN sign_in s ON s.person_seq = p.seq
		WHERE p.id = $1 ORDER BY s.seq DESC LIMIT $2`, person, limit)
	return collect(rs, err, func(sc scanner) (account.SignIn, error) {
		var s account.SignIn
		err := sc.Scan(scanAt(&s.At), scanBool(&s.Refused), &s.Way, scanBool(&s.NewBrowser), &s.Address, &s.UserAgent)
		return s, err
	})
}

// PurgeSignIns removes up to limit sign-ins noted before then and says how
// many.
func (tx *Tx) PurgeSignIns(ctx context.Context, before time.Time, limit int) (int64, error) {
	return tx.exec(ctx, `DELETE FROM sign_in WHERE seq IN
		(SELECT seq FROM sign_in WHERE at < $1 ORDER BY at LIMIT $2)`, at(before), limit)
}
