package due_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/apptest"
	"github.com/keyward/keyward/internal/app/intake"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/mail/due"
	"github.com/keyward/keyward/internal/store"
)

type licensingIssue = licensing.Issue

// P-ACT-26, C.7: what happens to a license is told to those who manage it.
func TestWhatHappensIsTold(t *testing.T) {
	o := open(t)
	o.member(o.customer, "grace@example.com", account.Manager)
	o.member(o.customer, "vera@example.com", account.Viewer)
	o.Tx(func(ctx context.Context, tx *store.Tx) error {
		return tx.SetTimeZone(ctx, o.owner.ID, "Europe/Berlin", o.Clock.Now())
	})
	l, key := o.License(o.product, o.customer)
	staff := apptest.Staff()
	steps := []struct {
		name    string
		do      func() error
		subject string
		words   []string
	}{
		{"assigned", func() error { return nil }, "A license for Product editor was assigned to you", []string{"copy the key"}},
		{"activated", func() error { o.Activate(o.product, key, "laptop"); return nil }, "A device was activated for Product editor",
			[]string{"Name of laptop", "activated by the software, 12 Mar 2026, 13:00 CET", "/activations?license=" + string(l.ID)}},
		{"suspended", func() error {
			_, err := o.Licensing.Suspend(t.Context(), staff, l.ID, license.Payment, "Invoice 7 is open.")
			return err
		},
			"Your license for Product editor was suspended", []string{"Reason: a payment is outstanding", `"Invoice 7 is open."`}},
		{"reinstated", func() error { _, err := o.Licensing.Reinstate(t.Context(), staff, l.ID); return err },
			"Your license for Product editor works again", []string{"with the devices it had"}},
		{"renewed", func() error { _, err := o.Licensing.Renew(t.Context(), staff, l.ID, 30, time.Time{}); return err },
			"Your license for Product editor was renewed", []string{"Valid until: 11 Apr 2027, 14:00 CEST"}},
		{"revoked", func() error { _, err := o.Licensing.Revoke(t.Context(), staff, l.ID, license.Refund, ""); return err },
			"Your license for Product editor was revoked", []string{"Reason: the purchase was refunded"}},
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			o := &office{World: o.In(t), desk: o.desk, runner: o.runner, sent: o.sent, seen: o.seen}
			o.Must(step.do())
			o.deliver()
			mails := o.want("ada: "+step.subject, "grace: "+step.subject)
			for _, m := range mails {
				if strings.Contains(m.Text+m.HTML, key) || !strings.Contains(m.Text, "EDIT-••••") {
					t.Errorf("the key is shown, or no mask:\n%s", m.Text)
				}
				says(t, m, "/licenses/"+string(l.ID))
				if m.To.Email == "ada@example.com" {
					says(t, m, step.words...)
				}
			}
		})
		o.seen = len(o.sent.Messages())
	}
}

// P-ACT-26: the person's own click is told, too, since it may have been somebody
// else's.
func TestDevicesOfALicenseComeTogether(t *testing.T) {
	o := open(t)
	_, key := o.License(o.product, o.customer)
	_, other := o.License(o.product, o.customer)
	o.deliver()
	o.want("ada: 2 licenses were assigned to you")

	first := o.Activate(o.product, key, "one")[0]
	o.deliver()
	o.want("ada: A device was activated for Product editor") // at once
	o.Clock.Add(time.Minute)
	o.Activate(o.product, key, "two")
	o.deliver()
	o.Clock.Add(time.Minute)
	_, err := o.Licensing.Free(t.Context(), apptest.Owner(o.customer), first.ID)
	o.Must(err)
	o.deliver()
	o.want() // within a quarter of an hour
	o.Activate(o.product, other, "three")
	o.deliver()
	o.want("ada: A device was activated for Product editor") // of another license
	o.Clock.Add(13*time.Minute - time.Second)
	o.deliver()
	o.want()
	o.Clock.Add(time.Second)
	o.deliver()
	m := o.want("ada: 2 device changes for Product editor")
	says(t, m[0], "Name of two", "activated by the software", "Name of one", "deactivated in the portal", "within 15 minutes comes together in one mail")

	o.Clock.Add(time.Minute)
	o.Activate(o.product, key, "four")
	o.deliver()
	o.want() // the last mail was just now
	o.Clock.Add(14 * time.Minute)
	o.deliver()
	o.want("ada: A device was activated for Product editor")
}

// What came while a mail is tried again goes into one of its own: the copy of a
// mail has the same words.
func TestNewsDoNotChangeAMailThatWasTried(t *testing.T) {
	o := open(t)
	o.License(o.product, o.customer)
	o.sent.FailWith(context.DeadlineExceeded)
	o.deliver()
	o.License(o.product, o.customer)
	o.License(o.product, o.customer)
	o.sent.FailWith(nil)
	o.Clock.Add(15 * time.Minute)
	o.deliver()
	o.want("ada: A license for Product editor was assigned to you", "ada: 2 licenses were assigned to you")
}

func TestManyAreCounted(t *testing.T) {
	o := open(t)
	for range account.MaxNoticeItems + 5 {
		o.License(o.product, o.customer)
	}
	o.deliver()
	m := o.want("ada: 25 licenses were assigned to you")
	says(t, m[0], "and 5 more: "+apptest.BaseURL+"/licenses")
}

// everything happens to one license.
func (o *office) everything() {
	l, key := o.License(o.product, o.customer)
	o.Activate(o.product, key, "laptop")
	staff := apptest.Staff()
	_, err := o.Licensing.Suspend(o.Context(), staff, l.ID, license.Abuse, "")
	o.Must(err)
	_, err = o.Licensing.Reinstate(o.Context(), staff, l.ID)
	o.Must(err)
	_, err = o.Licensing.Renew(o.Context(), staff, l.ID, 30, time.Time{})
	o.Must(err)
	_, err = o.Licensing.Revoke(o.Context(), staff, l.ID, license.Manual, "")
	o.Must(err)
}

func (o *office) mute() {
	o.Tx(func(ctx context.Context, tx *store.Tx) error {
		return tx.SetMailPreferences(ctx, o.owner.ID, false, false, o.Clock.Now())
	})
}

// P-SET-04, C.7
func TestSuspensionsAndRevocationsAlwaysCome(t *testing.T) {
	o := open(t)
	o.mute()
	o.everything()
	o.deliver()
	o.want("ada: Your license for Product editor was suspended", "ada: Your license for Product editor was revoked")
}

// P-SET-06
func TestMandatoryNoticesComeWhateverIsChosen(t *testing.T) {
	o := open(t, account.LicenseRenewedNotice, account.NewDeviceNotice)
	o.mute()
	o.everything()
	o.deliver()
	o.want("ada: Your license for Product editor was suspended", "ada: Your license for Product editor was revoked",
		"ada: Your license for Product editor was renewed")
}

// P-AUTH-06: the invitation names the products.
func TestInvitedPeopleNeedNoSecondMail(t *testing.T) {
	o := open(t)
	c := o.Customer("New")
	o.Person(c, "newcomer@example.com")
	l, _ := o.License(o.product, c)
	_, err := o.Licensing.Renew(t.Context(), apptest.Staff(), l.ID, 30, time.Time{})
	o.Must(err)
	sealed(o)
	o.Must(o.desk.Collect(t.Context()))
	// The runner of this office knows no invitations: they wait.
	o.Must(o.runner.RunDue(t.Context()))
	o.want("newcomer: Your license for Product editor was renewed")
}

func TestWhatWasTakenOverIsNotTold(t *testing.T) {
	o := open(t)
	in := intake.New(intake.Deps{Store: o.Store, Master: o.Master, Now: o.Clock.Now})
	_, err := in.Take(t.Context(), apptest.Staff(), []intake.License{{
		ProductID: o.product.ID, CustomerID: o.customer.ID, Key: "OLD-KEY-1234567890", Plan: "Standard", AssignedAt: o.Clock.Now().Add(-90 * day),
		Seats: []intake.Seat{{Device: license.Device{Identifier: "old"}, ActivatedAt: o.Clock.Now().Add(-80 * day)}},
	}})
	o.Must(err)
	o.deliver()
	o.want()
}

func TestWhoMayNotManageIsNotTold(t *testing.T) {
	for name, change := range map[string]func(context.Context, *store.Tx, *office) error{
		"the customer is switched off": func(ctx context.Context, tx *store.Tx, o *office) error {
			return tx.SetCustomerStatus(ctx, o.customer.ID, account.Suspended, o.Clock.Now())
		},
		"the person is switched off": func(ctx context.Context, tx *store.Tx, o *office) error {
			return tx.SetPersonStatus(ctx, o.owner.ID, account.Inactive, o.Clock.Now())
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			change := func() {
				o.Tx(func(ctx context.Context, tx *store.Tx) error { return change(ctx, tx, o) })
			}
			o.everything()
			sealed(o)
			o.Must(o.desk.Collect(t.Context()))
			change() // after the jobs were left
			o.deliver()
			o.want()
		})
	}
}

// Each mail is made once, in the transaction that moves the cursor, however
// many work at it; and what was skipped is not told.
func TestEachMailIsMadeOnce(t *testing.T) {
	for name, world := range map[string]func(testing.TB) *apptest.World{"SQLite": apptest.New, "PostgreSQL": apptest.NewPostgres} {
		t.Run(name, func(t *testing.T) {
			o := around(world(t))
			o.everything()
			o.deliver()
			o.news()
			for range 10 {
				o.License(o.product, o.customer)
				o.everything()
			}
			o.Clock.Add(time.Hour)
			sealed(o)
			var desks sync.WaitGroup
			for range 4 {
				desks.Go(func() {
					if err := due.New(o.Store, o.Clock.Now, o.runner.Wake).Collect(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			desks.Wait()
			o.Must(o.runner.RunDue(t.Context()))
			var devices []string
			for range 10 {
				devices = append(devices, "ada: A device was activated for Product editor")
			}
			o.want(append(devices, "ada: 20 licenses were assigned to you", "ada: 10 licenses were suspended",
				"ada: 10 licenses work again", "ada: 10 licenses were renewed", "ada: 10 licenses were revoked")...)
			o.License(o.product, o.customer)
			sealed(o)
			o.Must(o.desk.Skip(t.Context()))
			o.Clock.Add(time.Hour)
			o.deliver()
			o.want()
		})
	}
}
