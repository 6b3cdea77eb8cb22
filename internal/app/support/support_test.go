package support_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/apptest"
	"github.com/keyward/keyward/internal/app/support"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/ticket"
)

// world is a support desk without doors.
type world struct {
	*apptest.World
	desk  *support.Service
	ada   account.Actor
	owner account.Customer
	seen  map[id.ID]bool // mails that were looked at
}

func newWorld(t *testing.T, changes ...func(*support.Settings)) *world {
	w := &world{World: apptest.New(t), seen: map[id.ID]bool{}}
	settings := support.Settings{MailDomain: "in.example.com"}
	for _, change := range changes {
		change(&settings)
	}
	w.desk = support.New(support.Deps{
		Store: w.Store, Master: w.Master, Licensing: w.Licensing, Now: w.Clock.Now, Log: slog.New(slog.NewTextHandler(w.Logged, nil)), Settings: settings,
	})
	w.owner = w.Customer("Nordlicht")
	w.ada = w.member(w.owner, "ada@example.com")
	return w
}

// member is a person of a customer, signed in.
func (w *world) member(c account.Customer, email string) account.Actor {
	p := w.Person(c, email)
	return account.Actor{Kind: account.ActorPerson, ID: p.ID, CustomerID: c.ID, Role: account.Owner}
}

func (w *world) ask(changes ...func(*support.Question)) ticket.Ticket {
	w.Helper()
	q := support.Question{Subject: "It does not start", Category: "billing", Priority: ticket.Normal, Description: "Nothing happens."}
	for _, change := range changes {
		change(&q)
	}
	t, err := w.desk.Create(w.Context(), w.ada, q)
	w.Must(err)
	return t
}

// mails are the occasions and recipients of the mails left since the last call.
func (w *world) mails() []string {
	w.Helper()
	var list []string
	for {
		var j store.Job
		err := w.Store.InTx(w.Context(), func(tx *store.Tx) error {
			var err error
			j, err = tx.ClaimJob(w.Context(), w.Clock.Now())
			return err
		})
		if store.IsNotFound(err) {
			slices.Sort(list)
			return list
		}
		w.Must(err)
		var n ticket.Notice
		w.Must(json.Unmarshal(j.Payload, &n))
		to := "desk"
		if n.PersonID != "" {
			p, err := w.Store.Person(w.Context(), n.PersonID)
			w.Must(err)
			to = p.Email
		}
		list = append(list, fmt.Sprintf("%s to %s", n.Occasion, to))
	}
}

func (w *world) wantMails(want ...string) {
	w.Helper()
	if diff := cmp.Diff(want, w.mails()); diff != "" {
		w.Errorf("mails (-want +got):\n%s", diff)
	}
}

// P-TIC-16, P-TIC-19, P-TIC-21, P-TIC-22: who is told what.
func TestWhoIsTold(t *testing.T) {
	w := newWorld(t)
	staff := apptest.Staff()
	x := w.ask()
	w.wantMails("desk_opened to desk", "opened to ada@example.com")
	do := func(_ ticket.Ticket, err error) { t.Helper(); w.Must(err) }
	do(w.desk.AddNote(t.Context(), staff, x.Number, "A note"))
	w.wantMails()
	do(w.desk.Answer(t.Context(), staff, x.Number, support.Message{Body: "Which version?"}, ""))
	w.wantMails("replied to ada@example.com")
	do(w.desk.Reply(t.Context(), w.ada, x.ID, support.Message{Body: "8"}))
	w.wantMails("desk_replied to desk")
	bob := w.member(w.owner, "bob@example.com")
	do(w.desk.Reply(t.Context(), bob, x.ID, support.Message{Body: "Me too"}))
	w.wantMails("desk_replied to desk")
	do(w.desk.SetStatus(t.Context(), staff, x.Number, ticket.Waiting))
	w.wantMails("moved to ada@example.com", "moved to bob@example.com")
	do(w.desk.SetStatus(t.Context(), staff, x.Number, ticket.Waiting))
	w.wantMails()
	do(w.desk.Solve(t.Context(), w.ada, x.ID))
	w.wantMails("resolved to ada@example.com", "resolved to bob@example.com")
	w.Clock.Add(7 * apptest.Day)
	w.Must(w.desk.CloseResolved(t.Context()))
	w.Must(w.desk.CloseResolved(t.Context()))
	w.wantMails("closed to ada@example.com", "closed to bob@example.com")
}

// Deny by default: staff need the permission, and each customer has their own.
func TestPermissions(t *testing.T) {
	w := newWorld(t)
	x := w.ask()
	nobody := account.Actor{Kind: account.ActorAdministrator, Permissions: account.StaffViewer.Permissions()}
	eve := w.member(w.Customer("Other"), "eve@example.com")
	for name, err := range map[string]error{
		"answer": second(w.desk.Answer(t.Context(), nobody, x.Number, support.Message{Body: "x"}, "")),
		"note":   second(w.desk.AddNote(t.Context(), nobody, x.Number, "x")),
		"assign": second(w.desk.Assign(t.Context(), nobody, x.Number, "")),
		"status": second(w.desk.SetStatus(t.Context(), nobody, x.Number, ticket.Closed)),
		"merge":  second(w.desk.Merge(t.Context(), nobody, x.Number, x.Number)),
		"list":   second(w.desk.List(t.Context(), nobody, support.ListQuery{})),
		"files":  second(w.desk.StaffFiles(t.Context(), eve, x.Number)),
		"file":   second(w.desk.StaffFile(t.Context(), eve, x.Number, 1)),
		"others": second(w.desk.StaffList(t.Context(), eve, support.ListQuery{})),
	} {
		if !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.desk.Thread(t.Context(), eve, x.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("another customer's: %v", err)
	}
	if _, _, err := w.desk.StaffThread(t.Context(), nobody, x.Number); err != nil {
		t.Errorf("a viewer of staff reads: %v", err)
	}
}

// C-ENV-02: a ticket belongs to the environment of the license that it is about,
// named or chosen, in the list of staff and in the audit trail.
func TestTicketsBelongToAnEnvironment(t *testing.T) {
	w := newWorld(t)
	in := func(e license.Environment) func(*license.Product, *license.Generator) {
		return func(p *license.Product, _ *license.Generator) { p.Environment = e }
	}
	staged, _ := w.License(w.Product("staged", in(license.Staging)), w.owner)
	_, key := w.License(w.Product("developed", in(license.Development)), w.owner)
	want := map[license.Environment]ticket.Ticket{
		license.Production:  w.ask(),
		license.Staging:     w.ask(func(q *support.Question) { q.LicenseID, q.Description = staged.ID, "Not "+key }),
		license.Development: w.ask(func(q *support.Question) { q.Description = "My key is " + key }),
	}
	for env, x := range want {
		list, err := w.desk.StaffList(t.Context(), apptest.Staff(), support.ListQuery{Environment: env})
		w.Must(err)
		if len(list.Rows) != 1 || list.Rows[0].ID != x.ID || list.Rows[0].Environment != env {
			t.Errorf("%s: %+v", env, list.Rows)
		}
		events, err := w.Store.EventsOfCustomer(t.Context(), w.owner.ID, "", 50)
		w.Must(err)
		if !slices.ContainsFunc(events, func(e event.Event) bool {
			return e.Type == event.TicketCreated && e.Data.Subject == x.ID && e.Environment == env
		}) {
			t.Errorf("%s is not in the audit trail", env)
		}
	}
}

func second[T any](_ T, err error) error { return err }
