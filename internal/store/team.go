package store

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
)

// LockCustomer returns a customer whose people nobody else changes until the
// transaction ends.
func (tx *Tx) LockCustomer(ctx context.Context, customer id.ID) (account.Customer, error) {
	return first(tx.queryRow(ctx,
		`SELECT `+customerColumns+` FROM customer c WHERE c.id = $1`+tx.d.lockRow(), customer), scanCustomer)
}

// SetRole changes what a person is for a customer; the version of the membership
// rises.
func (tx *Tx) SetRole(ctx context.Context, person, customer id.ID, to account.Role) error {
	return tx.change(ctx, `UPDATE membership SET role = $3, version = version + 1
		WHERE person_seq = (SELECT seq FROM person WHERE id = $1) AND customer_seq = (SELECT seq FROM customer WHERE id = $2)`,
		person, customer, to)
}

// RemoveMembership ends that a person acts for a customer, their sessions for
// it, and their calendar of it: being asked again must not bring an old address
// back.
func (tx *Tx) RemoveMembership(ctx context.Context, person, customer id.ID) error {
	const theirs = ` WHERE person_seq = (SELECT seq FROM person WHERE id = $1) AND customer_seq = (SELECT seq FROM customer WHERE id = $2)`
	if err := tx.change(ctx, `DELETE FROM membership`+theirs, person, customer); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, `DELETE FROM calendar_feed`+theirs, person, customer); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `DELETE FROM session`+theirs, person, customer)
	return err
}

// SetSessionCustomer makes a person's session one for another customer.
func (tx *Tx) SetSessionCustomer(ctx context.Context, person, session, customer id.ID) error {
	return tx.change(ctx, `UPDATE session SET customer_seq = (SELECT seq FROM customer WHERE id = $3)
		WHERE id = $2 AND person_seq = (SELECT seq FROM person WHERE id = $1)`, person, session, customer)
}

const invitationColumns = `i.id, c.id, p.id, p.email, i.role, i.created_at, i.expires_at`

const invitationFrom = ` FROM team_invitation i JOIN customer c ON c.seq = i.customer_seq JOIN person p ON p.seq = i.person_seq`

func scanInvitation(s scanner) (account.TeamInvitation, error) {
	var i account.TeamInvitation
	err := s.Scan(&i.ID, &i.CustomerID, &i.PersonID, &i.Email, &i.Role, scanAt(&i.CreatedAt), scanAt(&i.ExpiresAt))
	return i, err
}

// AddTeamInvitation keeps a new invitation. Of one person there is one.
func (tx *Tx) AddTeamInvitation(ctx context.Context, i account.TeamInvitation) error {
	return tx.change(ctx, `INSERT INTO team_invitation (id, customer_seq, person_seq, role, created_at, expires_at)
		SELECT $1, c.seq, p.seq, $4, $5, $6 FROM customer c CROSS JOIN person p WHERE c.id = $2 AND p.id = $3`,
		i.ID, i.CustomerID, i.PersonID, i.Role, at(i.CreatedAt), at(i.ExpiresAt))
}

// TeamInvitations lists who was invited by a customer, earliest first.
func (r Reader) TeamInvitations(ctx context.Context, customer id.ID) ([]account.TeamInvitation, error) {
	rs, err := r.query(ctx, `SELECT `+invitationColumns+invitationFrom+` WHERE c.id = $1 ORDER BY i.seq`, customer)
	return collect(rs, err, scanInvitation)
}

// TeamInvitation returns an invitation.
func (r Reader) TeamInvitation(ctx context.Context, invitation id.ID) (account.TeamInvitation, error) {
	return first(r.queryRow(ctx, `SELECT `+invitationColumns+invitationFrom+` WHERE i.id = $1`, invitation), scanInvitation)
}

// TeamInvitationByToken returns the invitation whose token has this hash.
func (r Reader) TeamInvitationByToken(ctx context.Context, tokenHash []byte) (account.TeamInvitation, error) {
	return first(r.queryRow(ctx, `SELECT `+invitationColumns+invitationFrom+` WHERE i.token_hash = $1`, tokenHash), scanInvitation)
}

// RenewTeamInvitation gives an invitation another role and more time.
func (tx *Tx) RenewTeamInvitation(ctx context.Context, invitation id.ID, role account.Role, ends time.Time) error {
	return tx.change(ctx, `UPDATE team_invitation SET role = $2, expires_at = $3 WHERE id = $1`, invitation, role, at(ends))
}

// SetTeamToken makes the token with this hash the one that accepts an
// invitation.
func (tx *Tx) SetTeamToken(ctx context.Context, invitation id.ID, tokenHash []byte) error {
	return tx.change(ctx, `UPDATE team_invitation SET token_hash = $2 WHERE id = $1`, invitation, tokenHash)
}

// RemoveTeamInvitation ends an invitation. ErrNotFound means that it was
// accepted or withdrawn: of two who end it at once one succeeds.
func (tx *Tx) RemoveTeamInvitation(ctx context.Context, invitation id.ID) error {
	return tx.change(ctx, `DELETE FROM team_invitation WHERE id = $1`, invitation)
}
