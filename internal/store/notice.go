package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
)

// NoticeTopic returns the job of the latest mail of a topic to a person and
// when it was to be sent, or ErrNotFound.
func (r Reader) NoticeTopic(ctx context.Context, person id.ID, topic string) (job id.ID, runAt time.Time, err error) {
	err = r.queryRow(ctx, `SELECT job_id, run_at FROM notice_topic
		WHERE person_seq = (SELECT seq FROM person WHERE id = $1) AND topic = $2`, person, topic).Scan(&job, scanAt(&runAt))
	return job, runAt, err
}

// SetNoticeTopic keeps which job has the latest mail of a topic to a person.
func (tx *Tx) SetNoticeTopic(ctx context.Context, person id.ID, topic string, j Job) error {
	return tx.change(ctx, `INSERT INTO notice_topic (person_seq, topic, job_id, run_at)
		SELECT seq, $2, $3, $4 FROM person WHERE id = $1
		ON CONFLICT (person_seq, topic) DO UPDATE SET job_id = excluded.job_id, run_at = excluded.run_at`,
		person, topic, j.ID, at(j.RunAt))
}

// PurgeNoticeTopics forgets about limit topics of which the latest mail was to
// be sent before then, and says how many.
func (tx *Tx) PurgeNoticeTopics(ctx context.Context, before time.Time, limit int) (int64, error) {
	return tx.exec(ctx, `DELETE FROM notice_topic WHERE run_at <= (SELECT MAX(o.run_at) FROM
		(SELECT run_at FROM notice_topic WHERE run_at < $1 ORDER BY run_at LIMIT $2) o)`, at(before), limit)
}

// RewriteJob replaces the payload of a job that nobody has begun. It reports
// false, and changes nothing, when somebody has.
func (tx *Tx) RewriteJob(ctx context.Context, job id.ID, payload json.RawMessage) (bool, error) {
	n, err := tx.exec(ctx, `UPDATE job SET payload = $2 WHERE id = $1 AND state = 'waiting' AND attempts = 0`, job, string(payload))
	return n == 1, err
}

// Ending is the end of a license that somebody owns.
type Ending struct {
	LicenseID  id.ID
	CustomerID id.ID
	EndsAt     time.Time
}

// Endings lists the next limit ends after one instant and until another,
// earliest first; behind is the last one known, or zero. Revoked licenses have
// ended otherwise.
func (r Reader) Endings(ctx context.Context, after, until time.Time, behind Ending, limit int) ([]Ending, error) {
	from := after.Add(time.Microsecond)
	if behind.EndsAt.After(from) {
		from = behind.EndsAt
	}
	rs, err := r.query(ctx, `SELECT l.id, (SELECT id FROM customer WHERE seq = l.customer_seq), l.ends_at FROM license l
		WHERE l.ends_at >= $1 AND l.ends_at <= $2 AND l.phase <> 'revoked' AND l.customer_seq IS NOT NULL
			AND (l.ends_at > $1 OR l.seq > COALESCE((SELECT seq FROM license WHERE id = $3), 0))
		ORDER BY l.ends_at, l.seq LIMIT $4`, at(from), at(until), behind.LicenseID, limit)
	return collect(rs, err, func(s scanner) (Ending, error) {
		var e Ending
		err := s.Scan(&e.LicenseID, &e.CustomerID, scanAt(&e.EndsAt))
		return e, err
	})
}

// NoteEnd notes that a license's end got its event. It reports false when it
// had one already.
func (tx *Tx) NoteEnd(ctx context.Context, license id.ID, endsAt, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, `INSERT INTO license_end (license_seq, ends_at, noted_at)
		SELECT seq, $2, $3 FROM license WHERE id = $1 ON CONFLICT DO NOTHING`, license, at(endsAt), at(now))
	return n == 1, err
}

// MarkEnding notes that a person was told of the licenses of a customer that
// end from one instant on and before another, and says of how many they had
// not been told.
func (tx *Tx) MarkEnding(ctx context.Context, person, customer id.ID, kind string, from, until, now time.Time) (int64, error) {
	return tx.exec(ctx, `INSERT INTO notice_sent (person_seq, license_seq, ends_at, kind, sent_at)
		SELECT p.seq, l.seq, l.ends_at, $3, $4 FROM license l CROSS JOIN person p
		WHERE p.id = $1 AND l.customer_seq = (SELECT seq FROM customer WHERE id = $2)
			AND l.ends_at >= $5 AND l.ends_at < $6 AND l.phase <> 'revoked'
		ON CONFLICT DO NOTHING`, person, customer, kind, at(now), at(from), at(until))
}

// MarkTold notes that a person need not be told so of the present end of one
// license.
func (tx *Tx) MarkTold(ctx context.Context, person, licenseID id.ID, kind string, now time.Time) error {
	_, err := tx.exec(ctx, `INSERT INTO notice_sent (person_seq, license_seq, ends_at, kind, sent_at)
		SELECT p.seq, l.seq, l.ends_at, $3, $4 FROM license l CROSS JOIN person p
		WHERE p.id = $1 AND l.id = $2 ON CONFLICT DO NOTHING`, person, licenseID, kind, at(now))
	return err
}

// OwnedEnding lists up to limit licenses of a customer that end from one
// instant on and before another, earliest first, without revoked ones.
func (r Reader) OwnedEnding(ctx context.Context, customer id.ID, from, until time.Time, limit int) ([]license.Owned, error) {
	rs, err := r.query(ctx, `SELECT `+licenseColumns+`, p.name, 0, 0`+licenseFrom+`
		WHERE l.customer_seq = (SELECT seq FROM customer WHERE id = $1) AND l.ends_at >= $2 AND l.ends_at < $3
			AND l.phase <> 'revoked' ORDER BY l.ends_at, l.seq LIMIT $4`, customer, at(from), at(until), limit)
	return collect(rs, err, scanOwned)
}

// Recipients lists the people of a customer who may manage its licenses and
// sign in, earliest first.
func (r Reader) Recipients(ctx context.Context, customer id.ID) ([]account.Person, error) {
	c, err := r.Customer(ctx, customer)
	if err != nil {
		return nil, err
	}
	members, err := r.Members(ctx, customer)
	if err != nil {
		return nil, err
	}
	var people []account.Person
	for _, m := range members {
		if m.Role.MayManage() && account.MaySignIn(m.Person, account.Membership{Customer: c, Role: m.Role}) {
			people = append(people, m.Person)
		}
	}
	return people, nil
}
