package mail_test

import (
	"strings"
	"testing"

	"github.com/keyward/keyward/internal/mail"
	"github.com/keyward/keyward/internal/ticket"
)

func ticketMail(why ticket.Occasion) mail.Ticket {
	n := mail.Ticket{
		ID: "ticket.1", Name: "Ada Lovelace", Email: "ada@example.org", Occasion: why, Number: "TICK-1001", Subject: "It does not start",
		Category: "technical support", Status: "Waiting for You", Priority: ticket.High, Other: "TICK-1000", Author: "Ada Lovelace",
		Link: "https://licenses.example.com/tickets/1", ReplyTo: "support+tick-1001.abc@in.example.com", Thread: "ticket.0193",
	}
	switch why {
	case ticket.Replied, ticket.DeskOpened, ticket.DeskReplied:
		n.Text = "First line & <b>more</b>\n\nSecond paragraph"
	}
	if strings.HasPrefix(string(why), "desk") {
		n.Link, n.Name, n.Email = "", "", "support@example.com"
	}
	return n
}

// P-TIC-19: the words of each mail, in both forms.
func TestTicketMails(t *testing.T) {
	c := composer(t, brand)
	for _, why := range []ticket.Occasion{
		ticket.Opened, ticket.Assigned, ticket.Replied, ticket.Moved, ticket.Done, ticket.Ended, ticket.Merged,
		ticket.DeskOpened, ticket.DeskReplied, ticket.DeskAssigned,
	} {
		t.Run(string(why), func(t *testing.T) {
			m, err := c.Ticket(ticketMail(why))
			if err != nil {
				t.Fatal(err)
			}
			if m.ReplyTo != "support+tick-1001.abc@in.example.com" || m.Thread != "ticket.0193" {
				t.Errorf("answers go to %q in thread %q", m.ReplyTo, m.Thread)
			}
			golden(t, "ticket_"+string(why)+".txt", "Subject: "+m.Subject+"\n\n"+m.Text)
			golden(t, "ticket_"+string(why)+".html", m.HTML)
		})
	}
	n := ticketMail(ticket.Replied)
	n.Link = "https://evil.example/tickets/1"
	if _, err := c.Ticket(n); !mail.Permanent(err) {
		t.Errorf("a foreign link: %v", err)
	}
}
