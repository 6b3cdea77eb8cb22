package notice_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/ticket"
)

// answered is a ticket of somebody with an answer of support.
func (p *post) answered(t *testing.T, c account.Customer, person account.Person) ticket.Notice {
	t.Helper()
	x := ticket.Ticket{
		ID: id.New(), Environment: license.Production, CustomerID: c.ID, PersonID: person.ID, Subject: "It does not start", Category: "billing",
		Priority: ticket.Normal, Status: ticket.Waiting, CreatedAt: p.now, UpdatedAt: p.now,
	}
	answer := ticket.Post{ID: id.New(), Kind: ticket.Message, Side: ticket.StaffSide, Body: "Which version?", At: p.now}
	p.change(t, func(tx *store.Tx) (err error) {
		if x.Number, err = tx.NextTicketNumber(t.Context()); err != nil {
			return err
		}
		return errors.Join(tx.AddTicket(t.Context(), x, ""), tx.AddPost(t.Context(), x.ID, answer, ""))
	})
	return ticket.Notice{Occasion: ticket.Replied, TicketID: x.ID, PersonID: person.ID, PostID: answer.ID, Status: ticket.Waiting}
}

// P-SET-07: a ticket's mail comes whatever is switched off, once, in both
// forms; and not to those who have left the team meanwhile.
func TestTicketMails(t *testing.T) {
	s := startServer(t)
	p := newPost(t, s.url())
	c, person := p.customer(t)
	n := p.answered(t, c, person)
	p.change(t, func(tx *store.Tx) error { return tx.SetMailPreferences(t.Context(), person.ID, false, false, p.now) })
	j := p.enqueue(t, ticket.NoticeJob, n)
	p.run(t)
	p.run(t)
	p.want(t, j, store.JobDone)
	mails := s.received()
	if len(mails) != 1 || only(t, messageID, mails[0]) != string(j)+"@example.com" {
		t.Fatalf("%d mails", len(mails))
	}
	for _, want := range []string{"text/plain", "text/html", "Which version?", "To: ", ada} {
		if !strings.Contains(mails[0], want) {
			t.Errorf("the mail lacks %q:\n%s", want, mails[0])
		}
	}
	for _, leave := range []func(tx *store.Tx) error{
		func(tx *store.Tx) error { return tx.SetCustomerStatus(t.Context(), c.ID, account.Suspended, p.now) },
		func(tx *store.Tx) error {
			return errors.Join(tx.SetCustomerStatus(t.Context(), c.ID, account.Active, p.now), tx.RemoveMembership(t.Context(), person.ID, c.ID))
		},
	} {
		p.change(t, leave)
		j := p.enqueue(t, ticket.NoticeJob, n)
		p.run(t)
		p.want(t, j, store.JobDone)
		if got := len(s.received()); got != 1 {
			t.Errorf("%d mails came to somebody who may not read the ticket", got-1)
		}
	}
}
