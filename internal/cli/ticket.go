package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/support"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/server"
	"github.com/keyward/keyward/internal/ticket"
)

type ticketCommands struct {
	List   ticketList   `cmd:"" help:"List tickets, the latest changed first."`
	Show   ticketShow   `cmd:"" help:"Show a ticket with its messages and notes."`
	Reply  ticketReply  `cmd:"" help:"Answer a ticket; the customer gets it by mail."`
	Note   ticketNote   `cmd:"" help:"Add a note that the customer never sees."`
	Assign ticketAssign `cmd:"" help:"Give a ticket to an administrator, or take it back."`
	Status ticketStatus `cmd:"" help:"Set the status of a ticket."`
	Merge  ticketMerge  `cmd:"" help:"End a duplicate in favor of another ticket of the same customer."`
	Close  ticketClose  `cmd:"" help:"Close a ticket."`

	Attachment attachmentCommands `cmd:"" help:"See and fetch what is attached to a ticket."`
}

// aTicket names the ticket that a command is about.
type aTicket struct {
	Ticket string `arg:"" help:"Number of the ticket, such as TICK-1001."`
}

func ticketNumber(typed string) (int64, error) {
	n, ok := ticket.ParseName(typed)
	if !ok {
		return 0, fault.New(fault.Invalid, "ticket_number", "This is no number of a ticket.").WithNext("Use one such as TICK-1001; \"keyward ticket list\" shows them.")
	}
	return n, nil
}

type ticketList struct {
	storage
	Status      string `name:"status" enum:",open,in_progress,waiting,resolved,closed" default:"" placeholder:"STATUS" help:"Only those that are open, in_progress, waiting, resolved or closed."`
	Environment string `name:"environment" enum:",production,staging,development" default:"" placeholder:"NAME" help:"Only those about licenses of this environment: production, staging or development."`
	Search      string `name:"search" placeholder:"TEXT" help:"Only those with this in their number, subject or messages."`
	After       string `name:"after" placeholder:"ID" help:"Begin after this ticket."`
}

func (c *ticketList) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		found, err := uses.Support.StaffList(ctx, operator(), support.ListQuery{
			Search: c.Search, Environment: license.Environment(c.Environment), Status: ticket.Status(c.Status), After: id.ID(c.After),
		})
		if err != nil {
			return err
		}
		list := tickets{Tickets: []ticketResult{}}
		for _, t := range found.Rows {
			list.Tickets = append(list.Tickets, ticketResultOf(t))
		}
		if n := len(list.Tickets); found.HasNext && n > 0 {
			list.After = list.Tickets[n-1].ID
		}
		return c.show(on, list)
	})
}

type tickets struct {
	Tickets []ticketResult `json:"tickets"`
	After   string         `json:"after,omitempty"` // where the next page begins
}

func (l tickets) text() string {
	if len(l.Tickets) == 0 {
		return "No ticket.\n"
	}
	rows := [][]string{{"TICKET", "STATUS", "PRIORITY", "CATEGORY", "ENVIRONMENT", "UPDATED", "SUBJECT"}}
	for _, t := range l.Tickets {
		rows = append(rows, []string{t.Number, t.Status, t.Priority, t.Category, t.Environment, instant(t.UpdatedAt), t.Subject})
	}
	text := table(rows)
	if l.After != "" {
		text += "There are more: continue with --after " + l.After + "\n"
	}
	return text
}

// ticketResult is a ticket as commands print it.
type ticketResult struct {
	ID          string    `json:"id"`
	Number      string    `json:"number"`
	Environment string    `json:"environment"`
	Subject     string    `json:"subject"`
	Status      string    `json:"status"`
	Priority    string    `json:"priority"`
	Category    string    `json:"category"`
	CustomerID  string    `json:"customer_id"`
	AssigneeID  string    `json:"assignee_id,omitempty"`
	Rating      int       `json:"rating,omitempty"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

func ticketResultOf(t ticket.Ticket) ticketResult {
	return ticketResult{
		ID: string(t.ID), Number: t.Name(), Environment: string(t.Environment), Subject: t.Subject, Status: string(t.Status), Priority: string(t.Priority), Category: t.Category,
		CustomerID: string(t.CustomerID), AssigneeID: string(t.AssigneeID), Rating: t.Rating, CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt,
	}
}

func (r ticketResult) text() string {
	return pairs(
		[2]string{"Ticket", r.Number}, [2]string{"Subject", r.Subject}, [2]string{"Status", r.Status}, [2]string{"Priority", r.Priority},
		[2]string{"Category", r.Category}, [2]string{"Environment", r.Environment}, [2]string{"Customer", r.CustomerID}, [2]string{"Assigned to", r.AssigneeID},
		[2]string{"Created", instant(r.CreatedAt)}, [2]string{"Updated", instant(r.UpdatedAt)},
	)
}

type ticketShow struct {
	storage
	aTicket
}

func (c *ticketShow) Run(on *call) error {
	number, err := ticketNumber(c.Ticket)
	if err != nil {
		return err
	}
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		th, asker, err := uses.Support.StaffThread(ctx, operator(), number)
		if err != nil {
			return err
		}
		return c.show(on, threadOf(th, asker))
	})
}

// thread is a ticket with everything that was said.
type thread struct {
	ticketResult
	AskedBy  string            `json:"asked_by"`
	Due      time.Time         `json:"first_response_due"`
	Licenses []licenseStanding `json:"licenses"`
	Messages []said            `json:"messages"`
}

// licenseStanding is how a license stood when the ticket spoke of it.
type licenseStanding struct {
	ID          string `json:"id"`
	License     string `json:"license"`
	Product     string `json:"product"`
	Environment string `json:"environment,omitempty"`
	Status      string `json:"status"`
	Use         string `json:"use"`
	AddDevice   string `json:"add_device"`
}

// said is one message.
type said struct {
	Kind   string    `json:"kind"`
	Side   string    `json:"side"`
	Author string    `json:"author,omitempty"`
	At     time.Time `json:"at"`
	Body   string    `json:"body"`
	Files  []string  `json:"files,omitempty"` // names; "keyward ticket attachment" fetches them
}

func threadOf(th support.Thread, asker account.Person) thread {
	t := thread{ticketResult: ticketResultOf(th.Ticket), AskedBy: asker.Email, Due: th.Due, Licenses: []licenseStanding{}, Messages: []said{}}
	for _, m := range th.Mentions {
		s := m.Standing
		t.Licenses = append(t.Licenses, licenseStanding{string(m.LicenseID), s.Mask, s.Product, string(s.Environment), s.Status, string(s.Use.Code), string(s.AddDevice.Code)})
	}
	for _, p := range th.Posts {
		one := said{Kind: string(p.Kind), Side: string(p.Side), Author: p.Author, At: p.At, Body: p.Body}
		for _, f := range p.Files {
			one.Files = append(one.Files, f.Name)
		}
		t.Messages = append(t.Messages, one)
	}
	return t
}

func (t thread) text() string {
	var b strings.Builder
	b.WriteString(t.ticketResult.text())
	b.WriteString(pairs([2]string{"Asked by", t.AskedBy}, [2]string{"First answer due", instant(t.Due)}))
	for _, l := range t.Licenses {
		fmt.Fprintf(&b, "License %s, %s: %s at that time; use %s, another device %s\n", l.License, l.Product, l.Status, l.Use, l.AddDevice)
	}
	file := 0 // as "ticket attachment save" counts them
	for _, m := range t.Messages {
		who := m.Side
		if m.Author != "" {
			who = m.Author
		}
		if m.Kind == string(ticket.Note) {
			who += " (note)"
		}
		fmt.Fprintf(&b, "\n%s, %s\n%s\n", who, instant(m.At), printable(m.Body))
		for _, f := range m.Files {
			file++
			fmt.Fprintf(&b, "[file %d] %s\n", file, printable(f))
		}
	}
	return b.String()
}

// printable keeps what people wrote from steering the terminal.
func printable(s string) string { return strings.ReplaceAll(s, "\x1b", "") }

// longestMessage bounds what is read from standard input.
const longestMessage = 64 << 10

// messageOf is the text of a message: as typed, or from standard input for -.
func messageOf(on *call, typed string) (string, error) {
	if typed != "-" {
		return typed, nil
	}
	b, err := io.ReadAll(io.LimitReader(on.In, longestMessage))
	if err != nil {
		return "", fmt.Errorf("read standard input: %w", err)
	}
	return string(b), nil
}

// ticketChanged runs one change of a ticket and prints what it is then.
func (s storage) ticketChanged(on *call, typed string, change func(context.Context, *server.Services, int64) (ticket.Ticket, error)) error {
	number, err := ticketNumber(typed)
	if err != nil {
		return err
	}
	return s.with(on, func(ctx context.Context, uses *server.Services) error {
		t, err := change(ctx, uses, number)
		if err != nil {
			return err
		}
		return s.show(on, ticketResultOf(t))
	})
}

type ticketReply struct {
	storage
	aTicket
	Message string `arg:"" help:"The answer; - reads it from standard input."`
	Status  string `name:"status" enum:",open,in_progress,waiting,resolved,closed" default:"" placeholder:"STATUS" help:"What the ticket is then; it waits for the customer without this."`
}

func (c *ticketReply) Run(on *call) error {
	text, err := messageOf(on, c.Message)
	if err != nil {
		return err
	}
	return c.ticketChanged(on, c.Ticket, func(ctx context.Context, uses *server.Services, n int64) (ticket.Ticket, error) {
		return uses.Support.Answer(ctx, operator(), n, support.Message{Body: text}, ticket.Status(c.Status))
	})
}

type ticketNote struct {
	storage
	aTicket
	Note string `arg:"" help:"The note; - reads it from standard input."`
}

func (c *ticketNote) Run(on *call) error {
	text, err := messageOf(on, c.Note)
	if err != nil {
		return err
	}
	return c.ticketChanged(on, c.Ticket, func(ctx context.Context, uses *server.Services, n int64) (ticket.Ticket, error) {
		return uses.Support.AddNote(ctx, operator(), n, text)
	})
}

type ticketAssign struct {
	storage
	aTicket
	To string `arg:"" optional:"" help:"E-mail address of the administrator; nobody without this."`
}

func (c *ticketAssign) Run(on *call) error {
	return c.ticketChanged(on, c.Ticket, func(ctx context.Context, uses *server.Services, n int64) (ticket.Ticket, error) {
		return uses.Support.Assign(ctx, operator(), n, c.To)
	})
}

type ticketStatus struct {
	storage
	aTicket
	To string `arg:"" enum:"open,in_progress,waiting,resolved,closed" help:"open, in_progress, waiting, resolved or closed."`
}

func (c *ticketStatus) Run(on *call) error {
	return c.ticketChanged(on, c.Ticket, func(ctx context.Context, uses *server.Services, n int64) (ticket.Ticket, error) {
		return uses.Support.SetStatus(ctx, operator(), n, ticket.Status(c.To))
	})
}

type ticketMerge struct {
	storage
	aTicket
	Into string `arg:"" help:"The ticket that goes on."`
}

func (c *ticketMerge) Run(on *call) error {
	into, err := ticketNumber(c.Into)
	if err != nil {
		return err
	}
	return c.ticketChanged(on, c.Ticket, func(ctx context.Context, uses *server.Services, n int64) (ticket.Ticket, error) {
		return uses.Support.Merge(ctx, operator(), n, into)
	})
}

type ticketClose struct {
	storage
	aTicket
}

func (c *ticketClose) Run(on *call) error {
	return c.ticketChanged(on, c.Ticket, func(ctx context.Context, uses *server.Services, n int64) (ticket.Ticket, error) {
		return uses.Support.SetStatus(ctx, operator(), n, ticket.Closed)
	})
}
