package due_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/apptest"
	"github.com/keyward/keyward/internal/app/audit"
	"github.com/keyward/keyward/internal/job"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/mail"
	"github.com/keyward/keyward/internal/mail/due"
	"github.com/keyward/keyward/internal/mail/mailtest"
	"github.com/keyward/keyward/internal/mail/notice"
	"github.com/keyward/keyward/internal/store"
)

const day = apptest.Day

// office is the real parts from what happens to a license to the mail about it.
type office struct {
	*apptest.World
	desk     *due.Desk
	runner   *job.Runner
	sent     *mailtest.Capture
	seen     int // mails already looked at
	product  license.Product
	customer account.Customer
	owner    account.Person
}

func open(t *testing.T, mandatory ...account.Notice) *office {
	t.Helper()
	return around(apptest.New(t), mandatory...)
}

func around(w *apptest.World, mandatory ...account.Notice) *office {
	w.Helper()
	o := &office{World: w, sent: &mailtest.Capture{}, runner: job.New(w.Store, w.Clock.Now, slog.New(slog.DiscardHandler))}
	composer, err := mail.NewComposer(mail.Brand{AppName: "Example Licenses", BaseURL: apptest.BaseURL, FromEmail: "licenses@example.com"})
	w.Must(err)
	notice.New(notice.Deps{
		Store: w.Store, Composer: composer, Sender: o.sent, Now: w.Clock.Now, BaseURL: apptest.BaseURL, Mandatory: mandatory,
	}).Register(o.runner)
	o.desk = due.New(w.Store, w.Clock.Now, o.runner.Wake)
	o.product, o.customer = w.Product("editor"), w.Customer("Analytical Engines")
	o.owner = o.member(o.customer, "ada@example.com", account.Owner)
	w.Must(o.desk.Sweep(w.Context())) // the first one
	return o
}

// member is somebody of a customer who has chosen a password.
func (o *office) member(c account.Customer, email string, role account.Role) account.Person {
	o.Helper()
	home := c
	if role != account.Owner {
		home = o.Customer("Customer of " + email)
	}
	p := o.Person(home, email)
	o.Tx(func(ctx context.Context, tx *store.Tx) error {
		if err := tx.SetPassword(ctx, p.ID, "hash", o.Clock.Now()); err != nil || role == account.Owner {
			return err
		}
		return tx.AddMembership(ctx, p.ID, c.ID, role, o.Clock.Now())
	})
	return p
}

// deliver does all that runs in the background, once.
func (o *office) deliver() {
	o.Helper()
	sealed(o)
	o.Must(o.desk.Collect(o.Context()))
	o.Must(o.runner.RunDue(o.Context()))
}

// sealed puts all events into the chain.
func sealed(o *office) {
	o.Helper()
	_, err := audit.NewSealer(o.Store, o.Master, o.Clock.Now).Seal(o.Context())
	o.Must(err)
}

// sweep is what happens each hour, followed by the mails.
func (o *office) sweep() {
	o.Helper()
	o.Must(o.desk.Sweep(o.Context()))
	o.deliver()
}

// news are the mails since they were last asked for.
func (o *office) news() []mail.Message {
	all := o.sent.Messages()
	fresh := all[o.seen:]
	o.seen = len(all)
	return fresh
}

// want fails the test unless exactly these were sent: "address: subject".
func (o *office) want(want ...string) []mail.Message {
	o.Helper()
	fresh := o.news()
	var got []string
	for _, m := range fresh {
		name, _, _ := strings.Cut(m.To.Email, "@")
		got = append(got, name+": "+m.Subject)
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		o.Errorf("mails (-want +got):\n%s", diff)
	}
	return fresh
}

func lasting(days int) func(*licensingIssue) {
	return func(in *licensingIssue) { in.ValidityDays = &days }
}

func says(t *testing.T, m mail.Message, words ...string) {
	t.Helper()
	text := strings.Join(strings.Fields(m.Text), " ")
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q is not in:\n%s", w, m.Text)
		}
	}
}
