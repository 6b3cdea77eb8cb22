package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/id"
)

// AppendEvent adds an event to the transaction that caused it. It becomes
// part of the sealed chain after the commit.
func (tx *Tx) AppendEvent(ctx context.Context, e event.Event) error {
	data, err := event.EncodeData(e.Data)
	if err != nil {
		return err
	}
	var seq int64
	err = tx.queryRow(ctx, `INSERT INTO event (id, at, type, actor_kind, actor_id, request_id, environment,
			product_seq, license_seq, license_version, customer_seq, activation_id, person_id, reason, data)
		VALUES ($1, $2, $3, $4, $5, $6, $7, (SELECT seq FROM product WHERE id = $8), (SELECT seq FROM license WHERE id = $9),
			$10, (SELECT seq FROM customer WHERE id = $11), $12, $13, $14, $15) RETURNING seq`,
		e.ID, at(e.At), e.Type, e.Actor.Kind, e.Actor.ID, e.RequestID, e.Environment,
		e.ProductID, e.LicenseID, e.LicenseVersion, e.CustomerID, e.ActivationID, e.PersonID, e.Reason, data).Scan(&seq)
	if err != nil {
		return err
	}
	if _, err := tx.exec(ctx, `INSERT INTO event_pending (event_seq) VALUES ($1)`, seq); err != nil || e.Address == "" {
		return err
	}
	_, err = tx.exec(ctx, `INSERT INTO event_origin (event_seq, address) VALUES ($1, $2)`, seq, e.Address)
	return err
}

const eventColumns = `e.id, e.at, e.type, e.actor_kind, e.actor_id, e.request_id, e.environment,
	COALESCE(p.id, ''), COALESCE(l.id, ''), e.license_version, COALESCE(c.id, ''),
	e.activation_id, e.person_id, e.reason, e.data, COALESCE(o.address, '')`

// eventJoins follow a FROM that begins with event e.
const eventJoins = `
	LEFT JOIN event_origin o ON o.event_seq = e.seq
	LEFT JOIN product p ON p.seq = e.product_seq
	LEFT JOIN license l ON l.seq = e.license_seq
	LEFT JOIN customer c ON c.seq = e.customer_seq`

func eventTargets(e *event.Event) []any {
	return []any{
		&e.ID, scanAt(&e.At), &e.Type, &e.Actor.Kind, &e.Actor.ID, &e.RequestID, &e.Environment,
		&e.ProductID, &e.LicenseID, &e.LicenseVersion, &e.CustomerID,
		&e.ActivationID, &e.PersonID, &e.Reason, scanJSON(&e.Data), &e.Address,
	}
}

func scanEvent(s scanner) (event.Event, error) {
	var e event.Event
	err := s.Scan(eventTargets(&e)...)
	return e, err
}

// LicenseEvents lists the events of a license, newest first.
func (r Reader) LicenseEvents(ctx context.Context, licenseID id.ID, limit int) ([]event.Event, error) {
	rs, err := r.query(ctx, `SELECT `+eventColumns+` FROM event e`+eventJoins+`
		WHERE e.license_seq = (SELECT seq FROM license WHERE id = $1)
		ORDER BY e.seq DESC LIMIT $2`, licenseID, limit)
	return collect(rs, err, scanEvent)
}

// CustomerEvents lists the latest events of a customer that are about one of
// its licenses, newest first, without those of some types.
func (r Reader) CustomerEvents(ctx context.Context, customer id.ID, limit int, without ...event.Type) ([]event.Historic, error) {
	args := []any{customer, limit}
	others := ``
	if len(without) > 0 {
		others = ` AND e.type NOT IN ` + in(len(without), len(args)+1)
	}
	for _, t := range without {
		args = append(args, t)
	}
	rs, err := r.query(ctx, `SELECT `+eventColumns+`, p.name, l.key_mask, COALESCE(NULLIF(a.label, ''), NULLIF(a.name, ''), a.identifier, '')
		FROM event e LEFT JOIN activation a ON a.id = e.activation_id`+eventJoins+`
		WHERE e.customer_seq = (SELECT seq FROM customer WHERE id = $1) AND e.license_seq IS NOT NULL`+others+`
		ORDER BY e.seq DESC LIMIT $2`, args...)
	return collect(rs, err, func(s scanner) (event.Historic, error) {
		var h event.Historic
		err := s.Scan(append(eventTargets(&h.Event), &h.ProductName, &h.Mask, &h.Device)...)
		return h, err
	})
}

// EventsOfCustomer lists what happened to a customer, oldest first, behind an
// event and without those of some types.
func (r Reader) EventsOfCustomer(ctx context.Context, customer, after id.ID, limit int, without ...event.Type) ([]event.Event, error) {
	args := []any{customer, after, limit}
	others := ``
	if len(without) > 0 {
		others = ` AND e.type NOT IN ` + in(len(without), len(args)+1)
	}
	for _, t := range without {
		args = append(args, t)
	}
	rs, err := r.query(ctx, `SELECT `+eventColumns+` FROM event e`+eventJoins+`
		WHERE e.customer_seq = (SELECT seq FROM customer WHERE id = $1)
			AND e.seq > COALESCE((SELECT seq FROM event WHERE id = $2), 0)`+others+`
		ORDER BY e.seq LIMIT $3`, args...)
	return collect(rs, err, scanEvent)
}

// Seal is the place of an event in the chain.
type Seal struct {
	Number int64
	Hash   []byte
}

// Head is the signed end of the chain.
type Head struct {
	Seal
	Signature []byte
	SignedAt  time.Time
}

// LockHead takes the chain for this transaction and returns its end; the zero
// Head when nothing was sealed yet. One transaction at a time holds it.
func (tx *Tx) LockHead(ctx context.Context) (Head, error) {
	_, err := tx.exec(ctx, `INSERT INTO event_head (one, number, hash, signature, signed_at)
		VALUES (1, 0, $1, $1, 0) ON CONFLICT (one) DO NOTHING`, []byte{})
	if err != nil {
		return Head{}, err
	}
	return first(tx.queryRow(ctx, headSelect+tx.d.lockRow()), scanHead)
}

const headSelect = `SELECT number, hash, signature, signed_at FROM event_head WHERE one = 1`

// scanHead reads the row that LockHead makes before anything is sealed as the
// zero Head.
func scanHead(s scanner) (Head, error) {
	var h Head
	err := s.Scan(&h.Number, &h.Hash, &h.Signature, scanAt(&h.SignedAt))
	if h.Number == 0 {
		h = Head{}
	}
	return h, err
}

// Unsealed is an event that is committed and not yet in the chain.
type Unsealed struct {
	Seq   int64
	Event event.Event
}

// Unsealed returns events that wait for their seal, oldest first.
func (r Reader) Unsealed(ctx context.Context, limit int) ([]Unsealed, error) {
	rs, err := r.query(ctx, `SELECT e.seq, `+eventColumns+`
		FROM event_pending w JOIN event e ON e.seq = w.event_seq`+eventJoins+`
		ORDER BY w.event_seq LIMIT $1`, limit)
	return collect(rs, err, scanUnsealed)
}

func scanUnsealed(s scanner) (Unsealed, error) {
	var u Unsealed
	err := s.Scan(append([]any{&u.Seq}, eventTargets(&u.Event)...)...)
	return u, err
}

// LicenseEvent returns the first event of a type of a license, or ErrNotFound.
func (r Reader) LicenseEvent(ctx context.Context, licenseID id.ID, t event.Type) (event.Event, error) {
	return first(r.queryRow(ctx, `SELECT `+eventColumns+` FROM event e`+eventJoins+`
		WHERE e.license_seq = (SELECT seq FROM license WHERE id = $1) AND e.type = $2 ORDER BY e.seq LIMIT 1`, licenseID, t), scanEvent)
}

// Link puts a waiting event into its place in the chain.
type Link struct {
	Seq int64 // of the event
	Seal
}

// AddSeals puts waiting events into the chain, all in two statements.
func (tx *Tx) AddSeals(ctx context.Context, links []Link) error {
	if len(links) == 0 {
		return nil
	}
	var rows []string
	var args, events []any
	for _, l := range links {
		n := len(args)
		rows = append(rows, fmt.Sprintf("($%d, $%d, $%d)", n+1, n+2, n+3))
		args = append(args, l.Number, l.Seq, l.Hash)
		events = append(events, l.Seq)
	}
	if _, err := tx.exec(ctx, `INSERT INTO event_seal (number, event_seq, hash) VALUES `+strings.Join(rows, ", "), args...); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `DELETE FROM event_pending WHERE event_seq IN `+in(len(events), 1), events...)
	return err
}

// SaveHead moves the signed end of the chain.
func (tx *Tx) SaveHead(ctx context.Context, h Head) error {
	_, err := tx.exec(ctx, `UPDATE event_head SET number = $1, hash = $2, signature = $3, signed_at = $4 WHERE one = 1`,
		h.Number, h.Hash, h.Signature, at(h.SignedAt))
	return err
}

// Sealed is an event in its place in the chain.
type Sealed struct {
	Seal
	Event event.Event
}

// SealedAfter returns the sealed events behind a number, in order: what
// consumers read.
func (r Reader) SealedAfter(ctx context.Context, number int64, limit int) ([]Sealed, error) {
	rs, err := r.query(ctx, `SELECT s.number, s.hash, `+eventColumns+`
		FROM event_seal s JOIN event e ON e.seq = s.event_seq`+eventJoins+`
		WHERE s.number > $1 ORDER BY s.number LIMIT $2`, number, limit)
	return collect(rs, err, func(s scanner) (Sealed, error) {
		var e Sealed
		err := s.Scan(append([]any{&e.Number, &e.Hash}, eventTargets(&e.Event)...)...)
		return e, err
	})
}

// Head returns the signed end of the chain, or ErrNotFound.
func (r Reader) Head(ctx context.Context) (Head, error) {
	return first(r.queryRow(ctx, headSelect), scanHead)
}
