package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
)

// JobState is where a job is.
type JobState string

// The states of jobs.
const (
	JobWaiting JobState = "waiting"
	JobRunning JobState = "running"
	JobDone    JobState = "done"
	JobFailed  JobState = "failed" // given up
)

// Job is work to do outside the transaction that asked for it. Its payload
// holds ids and codes only: no names, no addresses, no secrets.
type Job struct {
	ID         id.ID
	Kind       string
	Payload    json.RawMessage
	UniqueKey  string // "": may wait any number of times
	State      JobState
	RunAt      time.Time
	Attempts   int // how often it was claimed; tells a claim from an earlier one
	ClaimedAt  time.Time
	LastError  string
	CreatedAt  time.Time
	FinishedAt time.Time
}

const jobColumns = `j.id, j.kind, j.payload, j.unique_key, j.state, j.run_at, j.attempts, j.claimed_at,
	j.last_error, j.created_at, j.finished_at`

func scanJob(s scanner) (Job, error) {
	var j Job
	var payload string
	err := s.Scan(&j.ID, &j.Kind, &payload, scanOr(&j.UniqueKey), &j.State, scanAt(&j.RunAt), &j.Attempts,
		scanAt(&j.ClaimedAt), &j.LastError, scanAt(&j.CreatedAt), scanAt(&j.FinishedAt))
	j.Payload = json.RawMessage(payload)
	return j, err
}

// Enqueue keeps a job that waits for its time. It reports false, and keeps
// nothing, when a job with the same unique key waits or runs already.
func (tx *Tx) Enqueue(ctx context.Context, j Job) (bool, error) {
	n, err := tx.exec(ctx, `INSERT INTO job (id, kind, payload, state, unique_key, run_at, attempts, last_error, created_at)
		VALUES ($1, $2, $3, 'waiting', $4, $5, 0, '', $6) ON CONFLICT DO NOTHING`,
		j.ID, j.Kind, string(j.Payload), orNull(j.UniqueKey), at(j.RunAt), at(j.CreatedAt))
	return n == 1, err
}

// EnqueueNotice leaves a mail to a person, unless the same one waits already.
// It reports whether it did.
func (tx *Tx) EnqueueNotice(ctx context.Context, n account.Notice, person id.ID, now time.Time) (bool, error) {
	payload, err := jsonText(account.NoticeTo{PersonID: person})
	if err != nil {
		return false, err
	}
	return tx.Enqueue(ctx, Job{
		ID: id.New(), Kind: string(n), Payload: json.RawMessage(payload), UniqueKey: string(n) + ":" + string(person),
		RunAt: now, CreatedAt: now,
	})
}

// EnqueueTeamInvitation leaves the mail that asks a person into a team, unless
// the same one waits already.
func (tx *Tx) EnqueueTeamInvitation(ctx context.Context, i account.TeamInvitation, now time.Time) error {
	payload, err := jsonText(account.NoticeTo{PersonID: i.PersonID, InvitationID: i.ID})
	if err != nil {
		return err
	}
	_, err = tx.Enqueue(ctx, Job{
		ID: id.New(), Kind: string(account.TeamInvitationNotice), Payload: json.RawMessage(payload),
		UniqueKey: string(account.TeamInvitationNotice) + ":" + string(i.ID), RunAt: now, CreatedAt: now,
	})
	return err
}

// EnqueueNewDevice leaves the mail that tells a person of a session begun with
// a browser they had not used before.
func (tx *Tx) EnqueueNewDevice(ctx context.Context, person, session id.ID, now time.Time) error {
	payload, err := jsonText(account.NoticeTo{PersonID: person, SessionID: session})
	if err != nil {
		return err
	}
	_, err = tx.Enqueue(ctx, Job{
		ID: id.New(), Kind: string(account.NewDeviceNotice), Payload: json.RawMessage(payload), RunAt: now, CreatedAt: now,
	})
	return err
}

// Job returns a job.
func (r Reader) Job(ctx context.Context, job id.ID) (Job, error) {
	return first(r.queryRow(ctx, `SELECT `+jobColumns+` FROM job j WHERE j.id = $1`, job), scanJob)
}

// ClaimJob takes the job that has been due for longest, and nobody else gets
// it. ErrNotFound means that none is due.
func (tx *Tx) ClaimJob(ctx context.Context, now time.Time) (Job, error) {
	j, err := first(tx.queryRow(ctx, `SELECT `+jobColumns+` FROM job j
		WHERE j.state = 'waiting' AND j.run_at <= $1 ORDER BY j.run_at, j.seq LIMIT 1`+tx.d.claim(), at(now)), scanJob)
	if err != nil {
		return Job{}, err
	}
	j.State, j.ClaimedAt, j.Attempts = JobRunning, now, j.Attempts+1
	return j, tx.change(ctx, `UPDATE job SET state = 'running', claimed_at = $2, attempts = $3 WHERE id = $1`,
		j.ID, at(now), j.Attempts)
}

// FinishJob notes that a claimed job is done. ErrNotFound means that the claim
// is no longer good: the job was rescued meanwhile.
func (tx *Tx) FinishJob(ctx context.Context, j Job, now time.Time) error {
	return tx.change(ctx, `UPDATE job SET state = 'done', finished_at = $3, last_error = ''
		WHERE id = $1 AND attempts = $2 AND state = 'running'`, j.ID, j.Attempts, at(now))
}

// RetryJob puts a claimed job back until runAt and keeps why it failed; reason
// holds no secrets. ErrNotFound means that the claim is no longer good.
func (tx *Tx) RetryJob(ctx context.Context, j Job, reason string, runAt time.Time) error {
	return tx.change(ctx, `UPDATE job SET state = 'waiting', claimed_at = NULL, last_error = $3, run_at = $4
		WHERE id = $1 AND attempts = $2 AND state = 'running'`, j.ID, j.Attempts, reason, at(runAt))
}

// FailJob gives up a claimed job and keeps why. ErrNotFound means that the
// claim is no longer good.
func (tx *Tx) FailJob(ctx context.Context, j Job, reason string, now time.Time) error {
	return tx.change(ctx, `UPDATE job SET state = 'failed', last_error = $3, finished_at = $4
		WHERE id = $1 AND attempts = $2 AND state = 'running'`, j.ID, j.Attempts, reason, at(now))
}

// RescueJobs puts back the jobs that were claimed before then and never came
// back, which happens when the process that ran them ended. It says how many.
func (tx *Tx) RescueJobs(ctx context.Context, before, now time.Time) (int64, error) {
	return tx.exec(ctx, `UPDATE job SET state = 'waiting', claimed_at = NULL, run_at = $2
		WHERE state = 'running' AND claimed_at < $1`, at(before), at(now))
}

// HastenJobs makes the jobs that wait for another attempt due at now, and says
// how many. Jobs that never ran keep their time.
func (tx *Tx) HastenJobs(ctx context.Context, now time.Time) (int64, error) {
	return tx.exec(ctx, `UPDATE job SET run_at = $1 WHERE state = 'waiting' AND attempts > 0 AND run_at > $1`, at(now))
}

// NextJobAt returns when the next waiting job is due, or ErrNotFound when none
// waits.
func (r Reader) NextJobAt(ctx context.Context) (time.Time, error) {
	var due time.Time
	err := r.queryRow(ctx, `SELECT run_at FROM job WHERE state = 'waiting' ORDER BY run_at, seq LIMIT 1`).Scan(scanAt(&due))
	return due, err
}

// PurgeJobs removes up to limit jobs that ended before then and says how many.
func (tx *Tx) PurgeJobs(ctx context.Context, before time.Time, limit int) (int64, error) {
	return tx.exec(ctx, `DELETE FROM job WHERE seq IN (SELECT seq FROM job
		WHERE state IN ('done', 'failed') AND finished_at < $1 ORDER BY finished_at LIMIT $2)`, at(before), limit)
}
