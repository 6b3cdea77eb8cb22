package api

import (
	"strconv"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/support"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/ticket"
)

const ticketsPath = "/api/v2/tickets"

// TicketRecord is a ticket as the vendor sees it.
type TicketRecord struct {
	ID          string     `json:"id"`
	Number      int64      `json:"number"`
	Environment string     `json:"environment" enum:"production,staging,development"`
	CustomerID  string     `json:"customer_id"`
	Subject     string     `json:"subject"`
	Category    string     `json:"category"`
	Priority    string     `json:"priority"`
	Status      string     `json:"status" enum:"open,in_progress,waiting,resolved,closed"`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
	ResolvedAt  *time.Time `json:"resolved_at"`
}

// MessageRecord is a message or note of a ticket.
type MessageRecord struct {
	ID     string    `json:"id"`
	Kind   string    `json:"kind" doc:"A message, or a note that the customer does not see."`
	Side   string    `json:"side" doc:"Whether the customer, staff or the system wrote it."`
	Author string    `json:"author,omitempty"`
	Body   string    `json:"body"`
	At     time.Time `json:"at"`
}

// TicketThread is a ticket with everything that was said.
type TicketThread struct {
	Ticket   TicketRecord    `json:"ticket"`
	Messages []MessageRecord `json:"messages" nullable:"false" doc:"Oldest first."`
}

// TicketAnswer is an answer that the customer reads.
type TicketAnswer struct {
	Body   string `json:"body" minLength:"1" maxLength:"65536"`
	Status string `json:"status,omitempty" enum:"in_progress,waiting,resolved,closed" doc:"What the ticket becomes. Without it, it waits for the customer."`
}

func ticketRecordOf(t ticket.Ticket) TicketRecord {
	return TicketRecord{
		ID: string(t.ID), Number: t.Number, Environment: string(t.Environment), CustomerID: string(t.CustomerID), Subject: t.Subject,
		Category: t.Category, Priority: string(t.Priority), Status: string(t.Status), CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt,
		ResolvedAt: orNull(t.ResolvedAt),
	}
}

func messageRecordOf(p ticket.Post) MessageRecord {
	return MessageRecord{ID: string(p.ID), Kind: string(p.Kind), Side: string(p.Side), Author: p.Author, Body: p.Body, At: p.At}
}

func ticketStatuses() []string {
	return records(ticket.Statuses(), func(s ticket.Status) string { return string(s) })
}

func ticketEndpoints() []endpoint {
	return []endpoint{
		fetch(endpoint{
			id: "list-tickets", path: ticketsPath, tag: "tickets", permission: account.TicketsRead, summary: "List tickets",
			description: "Lists tickets of the environment, the latest changed first, 25 at a time. One about no license is production's.",
			params: []param{
				{name: "after", doc: "The next of the page before. Without it, the list begins.", format: "uuid"},
				{name: "status", doc: "Only those of this status.", enum: ticketStatuses()},
			},
		}, listTickets),
		fetch(endpoint{
			id: "get-ticket", path: ticketsPath + "/{number}", tag: "tickets", permission: account.TicketsRead,
			summary: "Read a ticket", description: "Answers a ticket with messages and notes.",
		}, ticketThread),
		call(endpoint{
			id: "answer-ticket", path: ticketsPath + "/{number}/answer", tag: "tickets", permission: account.TicketsWrite,
			summary: "Answer a ticket", description: "Adds a message of staff and mails it to the customer.",
		}, answerTicket),
	}
}

func listTickets(a *API, q *asked) (Page[TicketRecord], error) {
	l, err := a.Support.StaffList(q.ctx, q.actor, support.ListQuery{Status: ticket.Status(q.query["status"]), After: q.filter("after")})
	page := Page[TicketRecord]{Items: records(l.Rows, ticketRecordOf)}
	if l.HasNext && len(l.Rows) > 0 {
		page.Next = string(l.Rows[len(l.Rows)-1].ID)
	}
	return page, err
}

// ticket returns the number of a ticket in the path. What is none is not found.
func (q *asked) ticket() (int64, error) {
	n, err := strconv.ParseInt(q.request.PathValue("number"), 10, 64)
	if err != nil {
		return 0, fault.Missing("ticket")
	}
	return n, nil
}

func ticketThread(a *API, q *asked) (TicketThread, error) {
	n, err := q.ticket()
	if err != nil {
		return TicketThread{}, err
	}
	th, _, err := a.Support.StaffThread(q.ctx, q.actor, n)
	return TicketThread{Ticket: ticketRecordOf(th.Ticket), Messages: records(th.Posts, messageRecordOf)}, err
}

func answerTicket(a *API, q *asked, in TicketAnswer) (TicketRecord, error) {
	n, err := q.ticket()
	if err != nil {
		return TicketRecord{}, err
	}
	_, err = a.Support.Answer(q.ctx, q.actor, n, support.Message{Body: in.Body}, ticket.Status(in.Status))
	if err := unlessDone(err); err != nil {
		return TicketRecord{}, err
	}
	t, err := a.Support.Answered(q.ctx, q.actor, n)
	return ticketRecordOf(t), err
}
