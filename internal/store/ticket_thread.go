package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/ticket"
)

// maxThread bounds what is read of one ticket. A longer thread ends with the
// latest messages.
const maxThread = 500

// AddPost keeps a message of a ticket. form names the form it came with; the
// same form again is a conflict: see IsUnique with "ticket_message.form".
func (tx *Tx) AddPost(ctx context.Context, wanted id.ID, p ticket.Post, form string) error {
	return tx.change(ctx, `INSERT INTO ticket_message (id, ticket_seq, kind, side, author_id, body, body_folded, by_mail, form, created_at)
		SELECT $2, seq, $3, $4, $5, $6, $7, $8, $9, $10 FROM ticket WHERE id = $1`,
		wanted, p.ID, p.Kind, p.Side, p.AuthorID, p.Body, license.FoldName(p.Body), p.ByMail, orNull(form), at(p.At))
}

// Posts returns the messages of a ticket, oldest first; notes only when asked
// for. Authors of staff are named for staff; the door decides who reads it.
func (r Reader) Posts(ctx context.Context, wanted id.ID, notes bool) ([]ticket.Post, error) {
	only := ` AND m.kind = 'message'`
	if notes {
		only = ``
	}
	rs, err := r.query(ctx, `SELECT id, kind, side, author_id, author, body, by_mail, created_at FROM
		(SELECT m.seq, m.id, m.kind, m.side, m.author_id,
			COALESCE(NULLIF(p.name, ''), p.email, NULLIF(a.name, ''), a.email, '') AS author, m.body, m.by_mail, m.created_at
		FROM ticket_message m
		LEFT JOIN person p ON m.side = 'customer' AND p.id = m.author_id
		LEFT JOIN administrator a ON m.side = 'staff' AND a.id = m.author_id
		WHERE m.ticket_seq = (SELECT seq FROM ticket WHERE id = $1)`+only+` ORDER BY m.seq DESC LIMIT $2) latest ORDER BY seq`, wanted, maxThread)
	return collect(rs, err, scanPost)
}

func scanPost(s scanner) (ticket.Post, error) {
	var p ticket.Post
	err := s.Scan(&p.ID, &p.Kind, &p.Side, &p.AuthorID, &p.Author, &p.Body, scanBool(&p.ByMail), scanAt(&p.At))
	return p, err
}

// Written returns what a person wrote in a ticket, oldest first, behind one of
// the messages.
func (r Reader) Written(ctx context.Context, wanted, author, after id.ID, limit int) ([]ticket.Post, error) {
	rs, err := r.query(ctx, `SELECT m.id, m.kind, m.side, m.author_id, '', m.body, m.by_mail, m.created_at FROM ticket_message m
		WHERE m.ticket_seq = (SELECT seq FROM ticket WHERE id = $1) AND m.side = 'customer' AND m.author_id = $2
			AND m.seq > COALESCE((SELECT seq FROM ticket_message WHERE id = $3), 0)
		ORDER BY m.seq LIMIT $4`, wanted, author, after, limit)
	return collect(rs, err, scanPost)
}

// Post returns one message of a ticket.
func (r Reader) Post(ctx context.Context, wanted, post id.ID) (ticket.Post, error) {
	return first(r.queryRow(ctx, `SELECT m.id, m.kind, m.side, m.author_id, '', m.body, m.by_mail, m.created_at
		FROM ticket_message m JOIN ticket t ON t.seq = m.ticket_seq WHERE t.id = $1 AND m.id = $2`, wanted, post), scanPost)
}

// Upload is a file with its content.
type Upload struct {
	ticket.File
	Content []byte
}

// AddFile attaches a file to a message of a ticket.
func (tx *Tx) AddFile(ctx context.Context, post id.ID, u Upload) error {
	err := tx.change(ctx, `INSERT INTO ticket_file (id, message_seq, ticket_seq, name, media_type, size, created_at)
		SELECT $2, seq, ticket_seq, $3, $4, $5, $6 FROM ticket_message WHERE id = $1`,
		post, u.ID, u.Name, u.Type, u.Size, at(u.At))
	if err != nil {
		return err
	}
	content := u.Content
	if content == nil {
		content = []byte{}
	}
	return tx.change(ctx, `INSERT INTO ticket_content (file_seq, content) SELECT seq, $2 FROM ticket_file WHERE id = $1`, u.ID, content)
}

// PostFile is a file and the message it belongs to.
type PostFile struct {
	PostID id.ID
	ticket.File
}

const fileColumns = `f.id, f.name, f.media_type, f.size, f.created_at`

func fileTargets(f *ticket.File) []any {
	return []any{&f.ID, &f.Name, &f.Type, &f.Size, scanAt(&f.At)}
}

// Files returns what is attached to a ticket, without the contents; notes'
// files only when asked for.
func (r Reader) Files(ctx context.Context, wanted id.ID, notes bool) ([]PostFile, error) {
	only := ` AND m.kind = 'message'`
	if notes {
		only = ``
	}
	rs, err := r.query(ctx, `SELECT m.id, `+fileColumns+` FROM ticket_file f JOIN ticket_message m ON m.seq = f.message_seq
		WHERE f.ticket_seq = (SELECT seq FROM ticket WHERE id = $1)`+only+` ORDER BY f.seq`, wanted)
	return collect(rs, err, func(s scanner) (PostFile, error) {
		var f PostFile
		err := s.Scan(append([]any{&f.PostID}, fileTargets(&f.File)...)...)
		return f, err
	})
}

// OwnedFile returns a file attached to a message in a ticket of the customer,
// or ErrNotFound (P-TIC-30). What is attached to a note is not the customer's.
func (r Reader) OwnedFile(ctx context.Context, customer, file id.ID) (Upload, error) {
	var u Upload
	err := r.queryRow(ctx, `SELECT `+fileColumns+`, x.content FROM ticket_file f
		JOIN ticket_message m ON m.seq = f.message_seq AND m.kind = 'message'
		JOIN ticket t ON t.seq = f.ticket_seq
		JOIN customer c ON c.seq = t.customer_seq
		JOIN ticket_content x ON x.file_seq = f.seq
		WHERE f.id = $1 AND c.id = $2`, file, customer).Scan(append(fileTargets(&u.File), &u.Content)...)
	return u, err
}

// File returns what is attached to a ticket, to notes too: it is for staff.
func (r Reader) File(ctx context.Context, wanted, file id.ID) (Upload, error) {
	var u Upload
	err := r.queryRow(ctx, `SELECT `+fileColumns+`, x.content FROM ticket_file f
		JOIN ticket t ON t.seq = f.ticket_seq
		JOIN ticket_content x ON x.file_seq = f.seq WHERE t.id = $1 AND f.id = $2`, wanted, file).Scan(append(fileTargets(&u.File), &u.Content)...)
	return u, err
}

// FileExists returns ErrNotFound unless there is such a file, whoever's it is.
func (r Reader) FileExists(ctx context.Context, file id.ID) error {
	_, err := first(r.queryRow(ctx, `SELECT f.seq FROM ticket_file f WHERE f.id = $1`, file), value[int64])
	return err
}

// AddTicketEvent adds an entry to a ticket's timeline.
func (tx *Tx) AddTicketEvent(ctx context.Context, wanted id.ID, e ticket.Event) error {
	return tx.change(ctx, `INSERT INTO ticket_event (id, ticket_seq, type, side, actor_id, was, became, detail, at)
		SELECT $2, seq, $3, $4, $5, $6, $7, $8, $9 FROM ticket WHERE id = $1`,
		wanted, e.ID, e.Type, e.Side, e.ActorID, e.From, e.To, e.Detail, at(e.At))
}

// TicketEvents returns a ticket's timeline, oldest first.
func (r Reader) TicketEvents(ctx context.Context, wanted id.ID) ([]ticket.Event, error) {
	rs, err := r.query(ctx, `SELECT id, type, side, actor_id, was, became, detail, at FROM
		(SELECT * FROM ticket_event WHERE ticket_seq = (SELECT seq FROM ticket WHERE id = $1) ORDER BY seq DESC LIMIT $2) latest
		ORDER BY seq`, wanted, maxThread)
	return collect(rs, err, func(s scanner) (ticket.Event, error) {
		var e ticket.Event
		err := s.Scan(&e.ID, &e.Type, &e.Side, &e.ActorID, &e.From, &e.To, &e.Detail, scanAt(&e.At))
		return e, err
	})
}

// AddMention notes that a ticket speaks of a license of its customer, and how it
// stands. The first time counts.
func (tx *Tx) AddMention(ctx context.Context, wanted id.ID, m ticket.Mention, now time.Time) error {
	standing, err := jsonText(m.Standing)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `INSERT INTO ticket_license (ticket_seq, license_seq, standing, created_at)
		SELECT t.seq, l.seq, $3, $4 FROM ticket t CROSS JOIN license l
		WHERE t.id = $1 AND l.id = $2 AND l.customer_seq = t.customer_seq ON CONFLICT DO NOTHING`,
		wanted, m.LicenseID, standing, at(now))
	return err
}

// Mentions returns the licenses that a ticket speaks of and its customer still
// owns, the first mentioned first.
func (r Reader) Mentions(ctx context.Context, wanted id.ID) ([]ticket.Mention, error) {
	rs, err := r.query(ctx, `SELECT l.id, k.standing FROM ticket t
		JOIN ticket_license k ON k.ticket_seq = t.seq
		JOIN license l ON l.seq = k.license_seq AND l.customer_seq = t.customer_seq
		WHERE t.id = $1 ORDER BY k.created_at, k.license_seq`, wanted)
	return collect(rs, err, func(s scanner) (ticket.Mention, error) {
		var m ticket.Mention
		err := s.Scan(&m.LicenseID, scanJSON(&m.Standing))
		return m, err
	})
}

// EnqueueTicketNotice leaves a mail about a ticket.
func (tx *Tx) EnqueueTicketNotice(ctx context.Context, n ticket.Notice, now time.Time) error {
	payload, err := jsonText(n)
	if err != nil {
		return err
	}
	_, err = tx.Enqueue(ctx, Job{ID: id.New(), Kind: ticket.NoticeJob, Payload: json.RawMessage(payload), RunAt: now, CreatedAt: now})
	return err
}

// PostedForm reports whether a ticket has a message that came with this form.
func (r Reader) PostedForm(ctx context.Context, wanted id.ID, form string) (bool, error) {
	_, err := first(r.queryRow(ctx, `SELECT m.seq FROM ticket_message m
		WHERE m.ticket_seq = (SELECT seq FROM ticket WHERE id = $1) AND m.form = $2`, wanted, form), value[int64])
	if IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}
