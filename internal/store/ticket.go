package store

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/ticket"
)

const ticketColumns = `t.id, t.number, t.environment, c.id, p.id, t.subject, t.category, t.priority, t.status, COALESCE(a.id, ''), COALESCE(g.id, ''),
	t.rating, t.created_at, t.updated_at, t.first_response_at, t.resolved_at, t.closed_at`

const ticketFrom = ` FROM ticket t
	JOIN customer c ON c.seq = t.customer_seq
	JOIN person p ON p.seq = t.person_seq
	LEFT JOIN administrator a ON a.seq = t.administrator_seq
	LEFT JOIN ticket g ON g.seq = t.merged_seq`

func ticketTargets(t *ticket.Ticket) []any {
	return []any{
		&t.ID, &t.Number, &t.Environment, &t.CustomerID, &t.PersonID, &t.Subject, &t.Category, &t.Priority, &t.Status, &t.AssigneeID, &t.MergedInto,
		&t.Rating, scanAt(&t.CreatedAt), scanAt(&t.UpdatedAt), scanAt(&t.FirstResponseAt), scanAt(&t.ResolvedAt), scanAt(&t.ClosedAt),
	}
}

func scanTicket(s scanner) (ticket.Ticket, error) {
	var t ticket.Ticket
	err := s.Scan(ticketTargets(&t)...)
	return t, err
}

// NextTicketNumber takes the next number for this transaction: they follow each
// other without a gap, so nobody else gets one until it ends (P-TIC-02).
func (tx *Tx) NextTicketNumber(ctx context.Context) (int64, error) {
	var n int64
	err := tx.queryRow(ctx, `UPDATE ticket_number SET last = last + 1 WHERE one = 1 RETURNING last`).Scan(&n)
	return n, err
}

// AddTicket keeps a new ticket. form names the form it came with; the same form
// again is a conflict: see IsUnique with "ticket.form". ErrNotFound means that
// the customer or the person does not exist.
func (tx *Tx) AddTicket(ctx context.Context, t ticket.Ticket, form string) error {
	return tx.change(ctx, `INSERT INTO ticket (id, number, customer_seq, person_seq, subject, subject_folded, category, priority, status,
			form, created_at, updated_at, environment)
		SELECT $3, $4, c.seq, p.seq, $5, $6, $7, $8, $9, $10, $11, $12, $13 FROM customer c CROSS JOIN person p WHERE c.id = $1 AND p.id = $2`,
		t.CustomerID, t.PersonID, t.ID, t.Number, t.Subject, license.FoldName(t.Subject), t.Category, t.Priority, t.Status,
		orNull(form), at(t.CreatedAt), at(t.UpdatedAt), t.Environment)
}

// Ticket returns a ticket, whoever's it is.
func (r Reader) Ticket(ctx context.Context, wanted id.ID) (ticket.Ticket, error) {
	return first(r.queryRow(ctx, `SELECT `+ticketColumns+ticketFrom+` WHERE t.id = $1`, wanted), scanTicket)
}

// OwnedTicket returns the ticket with this id if it is the customer's, or
// ErrNotFound (P-ISO-01).
func (r Reader) OwnedTicket(ctx context.Context, customer, wanted id.ID) (ticket.Ticket, error) {
	return first(r.queryRow(ctx, `SELECT `+ticketColumns+ticketFrom+` WHERE t.id = $1 AND c.id = $2`, wanted, customer), scanTicket)
}

// TicketByNumber returns the ticket with a number.
func (r Reader) TicketByNumber(ctx context.Context, number int64) (ticket.Ticket, error) {
	return first(r.queryRow(ctx, `SELECT `+ticketColumns+ticketFrom+` WHERE t.number = $1`, number), scanTicket)
}

// TicketByForm returns the customer's ticket that came with a form.
func (r Reader) TicketByForm(ctx context.Context, customer id.ID, form string) (ticket.Ticket, error) {
	return first(r.queryRow(ctx, `SELECT `+ticketColumns+ticketFrom+`
		WHERE t.customer_seq = (SELECT seq FROM customer WHERE id = $1) AND t.form = $2`, customer, form), scanTicket)
}

// LockTicket locks a ticket's row and then reads it, so that everything read
// afterwards in this transaction is true until it commits.
func (tx *Tx) LockTicket(ctx context.Context, wanted id.ID) (ticket.Ticket, error) {
	var seq int64
	if err := tx.queryRow(ctx, `SELECT seq FROM ticket WHERE id = $1`+tx.d.lockRow(), wanted).Scan(&seq); err != nil {
		return ticket.Ticket{}, err
	}
	return tx.Ticket(ctx, wanted)
}

// SaveTicket writes what changes of a locked ticket.
func (tx *Tx) SaveTicket(ctx context.Context, t ticket.Ticket) error {
	return tx.change(ctx, `UPDATE ticket SET
			priority = $2, status = $3, administrator_seq = (SELECT seq FROM administrator WHERE id = $4),
			merged_seq = (SELECT g.seq FROM ticket g WHERE g.id = $5), rating = $6, updated_at = $7,
			first_response_at = $8, resolved_at = $9, closed_at = $10, category = $11
		WHERE id = $1`,
		t.ID, t.Priority, t.Status, t.AssigneeID, t.MergedInto, t.Rating, at(t.UpdatedAt),
		at(t.FirstResponseAt), at(t.ResolvedAt), at(t.ClosedAt), t.Category)
}

// TicketFilter selects among tickets.
type TicketFilter struct {
	Customer    id.ID               // "" is everybody's, for staff
	Environment license.Environment // "" is every one
	Status      ticket.Status
	Category    string
	From, To    time.Time // of the creation, the end excluded
	Search      string    // folded: part of the subject or of a message
	Number      string    // digits a ticket's number begins with
	Open        bool      // leave closed ones out
}

// ticketWhere is everything a filter asks for, the owner first. Without one the
// bound that holds for every ticket leads through the index of the order, so
// that a page of everybody's tickets reads no more than itself.
func ticketWhere(d *dialect, f TicketFilter) *where {
	w := &where{d: d}
	if f.Customer != "" {
		w.add(`t.customer_seq = (SELECT seq FROM customer WHERE id = ` + w.arg(f.Customer) + `)`)
	} else {
		w.add(`t.updated_at > 0`)
	}
	if f.Environment != "" {
		w.add(`t.environment = ` + w.arg(f.Environment))
	}
	if f.Status != "" {
		w.add(`t.status = ` + w.arg(f.Status))
	}
	if f.Open {
		w.add(`t.status <> 'closed'`)
	}
	if f.Category != "" {
		w.add(`t.category = ` + w.arg(f.Category))
	}
	if !f.From.IsZero() {
		w.add(`t.created_at >= ` + w.arg(at(f.From)))
	}
	if !f.To.IsZero() {
		w.add(`t.created_at < ` + w.arg(at(f.To)))
	}
	if f.Search != "" {
		w.add(ticketMatches(w, f))
	}
	return w
}

// ticketMatches looks into messages too, but never into notes (P-TIC-21).
func ticketMatches(w *where, f TicketFilter) string {
	pattern := w.arg(like(f.Search))
	condition := `t.subject_folded LIKE ` + pattern + ` ESCAPE '\' OR EXISTS (SELECT 1 FROM ticket_message m
		WHERE m.ticket_seq = t.seq AND m.kind = 'message' AND m.body_folded LIKE ` + pattern + ` ESCAPE '\')`
	if f.Number != "" {
		condition += ` OR CAST(t.number AS TEXT) LIKE ` + w.arg(f.Number+"%")
	}
	return `(` + condition + `)`
}

// Tickets lists tickets. It reads one more than the page size, so that the
// caller knows whether there are more.
func (r Reader) Tickets(ctx context.Context, f TicketFilter, order ticket.Order, page Page) ([]ticket.Ticket, error) {
	w := ticketWhere(r.d, f)
	backward := page.Before != ""
	descends := order != ticket.ByAge && order != ticket.ByNeed
	if edge := edgeOf(page); edge != "" {
		w.add(`(` + strings.Join(ticketKeys(order, `t`), `, `) + `) ` + comparison(descends != backward) +
			` (SELECT ` + strings.Join(ticketKeys(order, `e`), `, `) + ` FROM ticket e WHERE e.id = ` + w.arg(edge) + `)`)
	}
	direction := ` ASC`
	if descends != backward {
		direction = ` DESC`
	}
	rs, err := r.query(ctx, `SELECT `+ticketColumns+ticketFrom+w.text()+
		` ORDER BY `+strings.Join(ticketKeys(order, `t`), direction+`, `)+direction+` LIMIT `+w.arg(page.Size+1), w.args...)
	list, err := collect(rs, err, scanTicket)
	if backward {
		slices.Reverse(list)
	}
	return list, err
}

// ticketKeys are the expressions a list of tickets is ordered by; from is the
// table's alias. ticket.Status.Attention is in them as an expression.
func ticketKeys(order ticket.Order, from string) []string {
	if order != ticket.ByNeed {
		return []string{from + `.updated_at`, from + `.seq`}
	}
	rank := `CASE ` + from + `.status`
	for _, s := range ticket.Statuses() {
		rank += ` WHEN '` + string(s) + `' THEN ` + strconv.Itoa(s.Attention())
	}
	return []string{rank + ` END`, `-` + from + `.updated_at`, `-` + from + `.seq`}
}

// CountTickets counts a customer's tickets by status. The filter's own status,
// and whether closed ones show, are left aside: the counts are what choosing
// another one would show.
func (r Reader) CountTickets(ctx context.Context, f TicketFilter) (map[ticket.Status]int, error) {
	f.Status, f.Open = "", false
	w := ticketWhere(r.d, f)
	rs, err := r.query(ctx, `SELECT t.status, COUNT(*) FROM ticket t`+w.text()+` GROUP BY t.status`, w.args...)
	counts := map[ticket.Status]int{}
	_, err = collect(rs, err, func(s scanner) (struct{}, error) {
		var status ticket.Status
		var n int
		err := s.Scan(&status, &n)
		counts[status] = n
		return struct{}{}, err
	})
	return counts, err
}

// ResolvedTickets returns tickets that have been resolved since before then, the
// longest first.
func (r Reader) ResolvedTickets(ctx context.Context, before time.Time, limit int) ([]id.ID, error) {
	rs, err := r.query(ctx, `SELECT t.id FROM ticket t WHERE t.status = 'resolved' AND t.resolved_at <= $1
		ORDER BY t.resolved_at LIMIT $2`, at(before), limit)
	return collect(rs, err, value[id.ID])
}

// TicketPeople returns the active people who have written in a ticket, and who
// may still act for its customer: its author first.
func (r Reader) TicketPeople(ctx context.Context, wanted id.ID) ([]account.Person, error) {
	rs, err := r.query(ctx, `SELECT `+personColumns+` FROM ticket t
		JOIN membership m ON m.customer_seq = t.customer_seq
		JOIN person p ON p.seq = m.person_seq
		WHERE t.id = $1 AND p.status = 'active' AND (p.seq = t.person_seq OR p.id IN
			(SELECT w.author_id FROM ticket_message w WHERE w.ticket_seq = t.seq AND w.side = 'customer'))
		ORDER BY CASE WHEN p.seq = t.person_seq THEN 0 ELSE 1 END, p.seq`, wanted)
	return collect(rs, err, scanPerson)
}
