package mail

import (
	"strings"
	"unicode"

	"github.com/keyward/keyward/internal/ticket"
)

// Ticket tells somebody what happened to a ticket (P-TIC-19).
type Ticket struct {
	ID       string
	Name     string // may be empty
	Email    string
	Occasion ticket.Occasion
	Number   string // "TICK-1001"
	Subject  string
	Category string
	Status   string // for people
	Priority ticket.Priority
	Other    string // the ticket that goes on in its place
	Author   string // who wrote the text, for staff
	Text     string // what was written, in full
	Link     string // under the portal's address; empty for staff
	ReplyTo  string // answers by mail go there; empty: they do not reach the ticket
	Thread   string
}

// Ticket writes the mail for n.
func (c *Composer) Ticket(n Ticket) (Message, error) {
	v := view{
		Subject: "[" + n.Number + "] " + clean(n.Subject, 150), Name: greeting(n.Name), Email: n.Email,
		Lead: ticketLead(n), Quote: quote(n.Text), Hint: ticketHint(n),
	}
	if n.Link != "" {
		var err error
		if v.Link, err = c.link(n.Link); err != nil {
			return Message{}, err
		}
	}
	m, err := c.compose("ticket", n.ID, n.Name, v)
	if err != nil {
		return Message{}, err
	}
	if n.ReplyTo != "" {
		m.ReplyTo = n.ReplyTo
	}
	m.Thread = n.Thread
	return m, m.check()
}

func ticketLead(n Ticket) string {
	switch n.Occasion {
	case ticket.Opened:
		return "Thank you for writing to us. Your ticket " + n.Number + " has arrived. Its priority is " + string(n.Priority) + ": you get a first answer within " + n.Priority.Promise().Target + "."
	case ticket.Assigned:
		return "Somebody of support is working on your ticket " + n.Number + " now."
	case ticket.Replied:
		return "Support has answered your ticket " + n.Number + ":"
	case ticket.Done:
		return "Your ticket " + n.Number + " is resolved. A reply opens it again; without one it closes by itself after 7 days."
	case ticket.Ended:
		return "Your ticket " + n.Number + " is closed. If it was not the end of it, you can reopen it within 30 days."
	case ticket.Merged:
		return "Your ticket " + n.Number + " was about the same as " + n.Other + " and goes on there."
	case ticket.DeskOpened:
		return clean(n.Author, 120) + " opened " + n.Number + " (" + clean(n.Category, 80) + ", " + string(n.Priority) + "):"
	case ticket.DeskReplied:
		return clean(n.Author, 120) + " wrote in " + n.Number + ", which is " + strings.ToLower(n.Status) + " now:"
	case ticket.DeskAssigned:
		return n.Number + " was assigned to you."
	}
	return "The status of your ticket " + n.Number + " is now: " + n.Status + "."
}

func ticketHint(n Ticket) string {
	switch desk := strings.HasPrefix(string(n.Occasion), "desk"); {
	case desk && n.ReplyTo != "":
		return "Answer this mail, or use: keyward ticket reply " + n.Number
	case desk:
		return "Read it with: keyward ticket show " + n.Number
	case n.ReplyTo != "" && n.Occasion != ticket.Ended && n.Occasion != ticket.Merged:
		return "You can simply answer this mail; your answer is added to the ticket."
	}
	return ""
}

// quote makes text of people safe to stand in a mail: lines stay, what cannot be
// seen goes.
func quote(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "")))
}
