package store

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
)

// App returns the authenticator app of a person, confirmed or not.
func (r Reader) App(ctx context.Context, person id.ID) (account.App, error) {
	row := r.queryRow(ctx, `SELECT p.id, a.secret_sealed, a.last_step, a.created_at, a.confirmed_at
		FROM person p JOIN authenticator_app a ON a.person_seq = p.seq WHERE p.id = $1`, person)
	return first(row, func(s scanner) (account.App, error) {
		var a account.App
		err := s.Scan(&a.PersonID, &a.Secret, &a.LastStep, scanAt(&a.CreatedAt), scanAt(&a.ConfirmedAt))
		return a, err
	})
}

// PutApp begins to set up an authenticator app, in place of one that was begun
// earlier. ErrNotFound means that one is confirmed already, or that there is no
// such person.
func (tx *Tx) PutApp(ctx context.Context, a account.App) error {
	return tx.change(ctx, `INSERT INTO authenticator_app (person_seq, secret_sealed, last_step, created_at)
		SELECT seq, $2, 0, $3 FROM person WHERE id = $1
		ON CONFLICT (person_seq) DO UPDATE SET secret_sealed = excluded.secret_sealed, created_at = excluded.created_at
			WHERE authenticator_app.confirmed_at IS NULL`, a.PersonID, a.Secret, at(a.CreatedAt))
}

// ConfirmApp switches an authenticator app on. ErrNotFound means that there is
// none that waits for it.
func (tx *Tx) ConfirmApp(ctx context.Context, person id.ID, now time.Time) error {
	return tx.change(ctx, `UPDATE authenticator_app SET confirmed_at = $2
		WHERE person_seq = (SELECT seq FROM person WHERE id = $1) AND confirmed_at IS NULL`, person, at(now))
}

// AcceptAppCode notes which code was accepted. ErrNotFound means that it was,
// or a newer one, before: of two who use it at once one succeeds.
func (tx *Tx) AcceptAppCode(ctx context.Context, person id.ID, step int64) error {
	return tx.change(ctx, `UPDATE authenticator_app SET last_step = $2
		WHERE person_seq = (SELECT seq FROM person WHERE id = $1) AND last_step < $2`, person, step)
}

// DropApp removes a person's authenticator app. ErrNotFound means that there is
// none.
func (tx *Tx) DropApp(ctx context.Context, person id.ID) error {
	return tx.change(ctx, `DELETE FROM authenticator_app
		WHERE person_seq = (SELECT seq FROM person WHERE id = $1)`, person)
}

// ReplaceRecoveryCodes keeps new recovery codes, by hash, in place of all
// earlier ones; without hashes it only removes them.
func (tx *Tx) ReplaceRecoveryCodes(ctx context.Context, person id.ID, hashes [][]byte, now time.Time) error {
	if _, err := tx.exec(ctx, `DELETE FROM recovery_code
		WHERE person_seq = (SELECT seq FROM person WHERE id = $1)`, person); err != nil {
		return err
	}
	for _, hash := range hashes {
		if err := tx.change(ctx, `INSERT INTO recovery_code (person_seq, code_hash, created_at)
			SELECT seq, $2, $3 FROM person WHERE id = $1`, person, hash, at(now)); err != nil {
			return err
		}
	}
	return nil
}

// SpendRecoveryCode spends a recovery code of a person. ErrNotFound means that
// it is none, or spent: of two who spend it at once one succeeds.
func (tx *Tx) SpendRecoveryCode(ctx context.Context, person id.ID, hash []byte, now time.Time) error {
	return tx.change(ctx, `UPDATE recovery_code SET used_at = $3 WHERE code_hash = $2 AND used_at IS NULL
		AND person_seq = (SELECT seq FROM person WHERE id = $1)`, person, hash, at(now))
}

// RecoveryCodesLeft counts a person's recovery codes that are not spent.
func (r Reader) RecoveryCodesLeft(ctx context.Context, person id.ID) (int, error) {
	return first(r.queryRow(ctx, `SELECT COUNT(*) FROM recovery_code
		WHERE person_seq = (SELECT seq FROM person WHERE id = $1) AND used_at IS NULL`, person), value[int])
}

// EnqueueSecurityNotice leaves the mail about a change of how a person signs in.
// Each change has one of its own.
func (tx *Tx) EnqueueSecurityNotice(ctx context.Context, person id.ID, change account.SecurityChange, now time.Time) error {
	payload, err := jsonText(account.SecurityNoticeTo{NoticeTo: account.NoticeTo{PersonID: person}, Change: change})
	if err != nil {
		return err
	}
	_, err = tx.Enqueue(ctx, Job{
		ID: id.New(), Kind: string(account.SecurityChangedNotice), Payload: json.RawMessage(payload), RunAt: now, CreatedAt: now,
	})
	return err
}

const passkeyColumns = `k.id, p.id, k.credential_id, k.public_key, k.sign_count, k.flags, k.transports, k.name,
	k.created_at, k.last_used_at`

func scanPasskey(s scanner) (account.Passkey, error) {
	var k account.Passkey
	var transports string
	err := s.Scan(&k.ID, &k.PersonID, &k.CredentialID, &k.PublicKey, &k.SignCount, &k.Flags, &transports, &k.Name,
		scanAt(&k.CreatedAt), scanAt(&k.LastUsedAt))
	k.Transports = strings.Fields(transports)
	return k, err
}

// AddPasskey keeps a new passkey. A credential that is known already is a
// conflict: see IsUnique with "passkey.credential_id". ErrNotFound means that
// the person does not exist.
func (tx *Tx) AddPasskey(ctx context.Context, k account.Passkey) error {
	return tx.change(ctx, `INSERT INTO passkey (id, person_seq, credential_id, public_key, sign_count, flags, transports, name, created_at)
		SELECT $2, seq, $3, $4, $5, $6, $7, $8, $9 FROM person WHERE id = $1`,
		k.PersonID, k.ID, k.CredentialID, k.PublicKey, int64(k.SignCount), int64(k.Flags), strings.Join(k.Transports, " "), k.Name, at(k.CreatedAt))
}

// Passkeys lists up to limit passkeys of a person, oldest first.
func (r Reader) Passkeys(ctx context.Context, person id.ID, limit int) ([]account.Passkey, error) {
	rs, err := r.query(ctx, `SELECT `+passkeyColumns+` FROM person p JOIN passkey k ON k.person_seq = p.seq
		WHERE p.id = $1 ORDER BY k.seq LIMIT $2`, person, limit)
	return collect(rs, err, scanPasskey)
}

// Passkey returns a passkey of a person.
func (r Reader) Passkey(ctx context.Context, person, passkey id.ID) (account.Passkey, error) {
	return first(r.queryRow(ctx, `SELECT `+passkeyColumns+` FROM passkey k JOIN person p ON p.seq = k.person_seq
		WHERE k.id = $2 AND p.id = $1`, person, passkey), scanPasskey)
}

// PasskeyByCredential returns the passkey that an authenticator calls by this
// name.
func (r Reader) PasskeyByCredential(ctx context.Context, credential []byte) (account.Passkey, error) {
	return first(r.queryRow(ctx, `SELECT `+passkeyColumns+` FROM passkey k JOIN person p ON p.seq = k.person_seq
		WHERE k.credential_id = $1`, credential), scanPasskey)
}

// UsePasskey notes that a passkey was used, and what its authenticator
// reported. ErrNotFound means that it is gone, or was used meanwhile with as
// high a count: of two copies one succeeds.
func (tx *Tx) UsePasskey(ctx context.Context, k account.Passkey, now time.Time) error {
	return tx.change(ctx, `UPDATE passkey SET sign_count = $2, flags = $3, last_used_at = $4
		WHERE id = $1 AND (sign_count < $2 OR sign_count = 0 AND $2 = 0)`,
		k.ID, int64(k.SignCount), int64(k.Flags), at(now))
}

// RenamePasskey renames a passkey of a person.
func (tx *Tx) RenamePasskey(ctx context.Context, person, passkey id.ID, name string) error {
	return tx.change(ctx, `UPDATE passkey SET name = $3
		WHERE id = $2 AND person_seq = (SELECT seq FROM person WHERE id = $1)`, person, passkey, name)
}

// DropPasskey removes a passkey of a person. ErrNotFound means that it is gone
// already, or somebody else's.
func (tx *Tx) DropPasskey(ctx context.Context, person, passkey id.ID) error {
	return tx.change(ctx, `DELETE FROM passkey
		WHERE id = $2 AND person_seq = (SELECT seq FROM person WHERE id = $1)`, person, passkey)
}

// DropPasskeys removes all passkeys of a person and says how many there were.
func (tx *Tx) DropPasskeys(ctx context.Context, person id.ID) (int64, error) {
	return tx.exec(ctx, `DELETE FROM passkey WHERE person_seq = (SELECT seq FROM person WHERE id = $1)`, person)
}
