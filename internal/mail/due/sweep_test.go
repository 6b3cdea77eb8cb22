package due_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/app/apptest"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

const (
	month     = "ada: Your license for Product editor expires in 30 days"
	fortnight = "ada: Your license for Product editor expires in 14 days"
	week      = "ada: Your license for Product editor expires in 7 days"
	lastDay   = "ada: Your license for Product editor expires within a day"
	over      = "ada: Your license for Product editor has expired"
)

// issued is a license of so many days whose mail was read.
func (o *office) issued(days int) license.License {
	o.Helper()
	l, _ := o.License(o.product, o.customer, lasting(days))
	o.deliver()
	o.news()
	return l
}

// passing lets time pass, with a sweep each hour.
func (o *office) passing(d time.Duration) {
	o.Helper()
	for range int(d / time.Hour) {
		o.Clock.Add(time.Hour)
		o.sweep()
	}
}

// C-LCY-09: each reminder comes within an hour of its time, and once.
func TestEndsAreRemindedOf(t *testing.T) {
	for name, world := range map[string]func(testing.TB) *apptest.World{"SQLite": apptest.New, "PostgreSQL": apptest.NewPostgres} {
		t.Run(name, func(t *testing.T) {
			o := around(world(t))
			l := o.issued(40)
			o.passing(10*day - time.Hour)
			o.want()
			o.passing(time.Hour)
			m := o.want(month)
			says(t, m[0], "Valid until: 21 Apr 2026, 12:00 UTC", "/licenses/"+string(l.ID))
			for _, want := range []struct {
				after time.Duration
				mail  string
			}{{16 * day, fortnight}, {7 * day, week}, {6 * day, lastDay}, {day, over}} {
				o.Clock.Add(want.after - time.Hour)
				o.sweep()
				o.want()
				o.Clock.Add(time.Hour)
				o.sweep()
				o.want(want.mail)
			}
			o.passing(3 * time.Hour)
			o.want()
			types := o.EventTypes(l)
			if n := len(slices.DeleteFunc(types, func(e event.Type) bool { return e != event.LicenseExpired })); n != 1 {
				t.Errorf("%d events of the end", n)
			}
		})
	}
}

func TestOnlyTheMostUrgentComesLate(t *testing.T) {
	t.Run("reminder", func(t *testing.T) {
		o := open(t)
		o.issued(40)
		o.Clock.Add(35 * day) // the server was away
		o.sweep()
		o.want("ada: Your license for Product editor expires in 5 days")
		o.passing(2 * time.Hour)
		o.want()
	})
	t.Run("end", func(t *testing.T) {
		o := open(t)
		o.issued(40)
		o.Clock.Add(50 * day)
		o.sweep()
		o.want(over)
	})
}

func TestRenewedLicenseStartsAnew(t *testing.T) {
	o := open(t)
	l := o.issued(20)
	o.Clock.Add(13 * day)
	o.sweep()
	o.want(week) // of those that it passed in one go, the one at hand
	o.Clock.Add(8 * day)
	o.sweep()
	o.want(over)
	_, err := o.Licensing.Renew(t.Context(), apptest.Staff(), l.ID, 30, time.Time{})
	o.Must(err)
	o.deliver()
	o.want("ada: Your license for Product editor was renewed")
	o.passing(3 * time.Hour)
	o.want() // that it lasts 30 days stands in that mail
	o.Clock.Add(16 * day)
	o.sweep()
	o.want(fortnight)
	o.Clock.Add(14 * day)
	o.sweep()
	o.want(over)
	if n := strings.Count(strings.Join(typesOf(o, l), " "), string(event.LicenseExpired)); n != 2 {
		t.Errorf("%d events of two ends", n)
	}
}

func typesOf(o *office, l license.License) []string {
	var types []string
	for _, e := range o.EventTypes(l) {
		types = append(types, string(e))
	}
	return types
}

// A trial is not followed at once by the warning that it is short.
func TestShortTermIsNotRemindedOfAtItsStart(t *testing.T) {
	o := open(t)
	o.issued(14)
	o.passing(5 * time.Hour)
	o.want()
	o.Clock.Add(7 * day)
	o.sweep()
	o.want(week)
}

// Licenses that end on one day are one mail, as the person counts days.
func TestOneDayIsOneMail(t *testing.T) {
	o := open(t)
	o.Tx(func(ctx context.Context, tx *store.Tx) error {
		return tx.SetTimeZone(ctx, o.owner.ID, "America/Los_Angeles", o.Clock.Now())
	})
	var ends []license.License
	for _, after := range []time.Duration{0, 9 * time.Hour, 18 * time.Hour, 20 * time.Hour} { // from 05:00 in Los Angeles
		o.Clock.Set(apptest.Start.Add(after))
		ends = append(ends, o.issued(40))
	}
	shown := func(m string) []int {
		var which []int
		for i, l := range ends {
			if strings.Contains(m, string(l.ID)) {
				which = append(which, i)
			}
		}
		return which
	}
	o.Clock.Set(apptest.Start.Add(10 * day))
	o.sweep()
	m := o.want("ada: 3 licenses expire in 30 days")
	if diff := cmp.Diff([]int{0, 1, 2}, shown(m[0].Text)); diff != "" {
		t.Errorf("licenses (-want +got):\n%s", diff)
	}
	o.passing(24 * time.Hour)
	m = o.want("ada: Your license for Product editor expires in 30 days") // of the next day
	if diff := cmp.Diff([]int{3}, shown(m[0].Text)); diff != "" {
		t.Errorf("licenses (-want +got):\n%s", diff)
	}
	o.Clock.Set(apptest.Start.Add(39 * day))
	o.sweep()
	o.news()
	o.passing(36 * time.Hour)
	o.Clock.Add(12 * time.Hour)
	o.sweep()
	o.want("ada: 3 licenses have expired or expire today", over, lastDay)
}

// Two who sweep at once, and one who begins again, tell nothing twice.
func TestSweepMayStartAgain(t *testing.T) {
	o := open(t)
	for range 5 {
		o.issued(30)
	}
	o.Clock.Add(time.Hour)
	o.deliver()
	o.news()
	c := o.Customer("Other")
	o.member(c, "grace@example.com", "manager")
	o.Clock.Add(16*day - time.Hour)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := o.desk.Sweep(stopped); err == nil {
		t.Error("a sweep that was stopped says that it is done")
	}
	o.sweep()
	o.want("ada: 5 licenses expire in 14 days")
	o.Tx(func(ctx context.Context, tx *store.Tx) error { // the process ended before it could note how far it was
		return tx.SetMeta(ctx, "license_ends_swept", "1")
	})
	o.sweep()
	o.want()
}

// What was revoked, and what nobody owns, is not told of.
func TestNobodyIsToldOfWhatDoesNotMatter(t *testing.T) {
	o := open(t)
	l := o.issued(40)
	o.Available(o.product)
	_, err := o.Licensing.Revoke(t.Context(), apptest.Staff(), l.ID, license.Manual, "")
	o.Must(err)
	o.deliver()
	o.news()
	o.Clock.Add(50 * day)
	o.sweep()
	o.want()
	if slices.Contains(o.EventTypes(l), event.LicenseExpired) {
		t.Error("a revoked license has the event of its end")
	}
}

// A mail that waited tells what is true when it is sent.
func TestRenewedMeanwhileIsNotTold(t *testing.T) {
	o := open(t)
	l := o.issued(40)
	o.Clock.Add(41 * day)
	o.Must(o.desk.Sweep(t.Context()))
	sealed(o)
	o.Must(o.desk.Collect(t.Context()))
	_, err := o.Licensing.Renew(t.Context(), apptest.Staff(), l.ID, 365, time.Time{})
	o.Must(err)
	o.deliver()
	o.want("ada: Your license for Product editor was renewed")
}
