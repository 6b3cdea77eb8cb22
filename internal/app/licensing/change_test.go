package licensing_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/apptest"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

// change is one transition by staff.
type change func(w *apptest.World, l license.License) (license.License, error)

func assignTo(c account.Customer) change {
	return func(w *apptest.World, l license.License) (license.License, error) {
		return w.Licensing.Assign(w.Context(), apptest.Staff(), l.ID, c.ID)
	}
}

func suspend(w *apptest.World, l license.License) (license.License, error) {
	return w.Licensing.Suspend(w.Context(), apptest.Staff(), l.ID, license.Payment, "Please pay.")
}

func reinstate(w *apptest.World, l license.License) (license.License, error) {
	return w.Licensing.Reinstate(w.Context(), apptest.Staff(), l.ID)
}

func renewUntil(until time.Time) change {
	return func(w *apptest.World, l license.License) (license.License, error) {
		return w.Licensing.Renew(w.Context(), apptest.Staff(), l.ID, 0, until)
	}
}

func revoke(w *apptest.World, l license.License) (license.License, error) {
	return w.Licensing.Revoke(w.Context(), apptest.Staff(), l.ID, license.Refund, "Refunded.")
}

func TestTransitionsLeaveOneEventAndRepetitionsNone(t *testing.T) { // C-LCY-01, C-LCY-02, C-AUD-01
	w := apptest.New(t)
	p, c := w.Product("editor"), w.Customer("Ada")
	l, _ := w.Available(p)
	until := apptest.Start.Add(1000*apptest.Day + 7*time.Nanosecond) // no instant is kept that precisely
	want := types(event.LicenseCreated)
	for _, step := range []struct {
		name   string
		change change
		event  event.Type
		status license.Status
		reason string
	}{
		{"assign", assignTo(c), event.LicenseAssigned, license.Assigned, ""},
		{"suspend", suspend, event.LicenseSuspended, license.Suspended, "payment"},
		{"reinstate", reinstate, event.LicenseReinstated, license.Assigned, ""},
		{"renew", renewUntil(until), event.LicenseRenewed, license.Assigned, ""},
		{"revoke", revoke, event.LicenseRevoked, license.Revoked, "refund"},
	} {
		t.Run(step.name, func(t *testing.T) {
			before := w.Reread(l)
			w.Clock.Add(time.Minute)
			after, err := step.change(w.In(t), l)
			w.In(t).Must(err)
			want = append(want, step.event)
			equal(t, want, w.EventTypes(l))
			equal(t, step.status, after.Status(w.Clock.Now()))
			equal(t, after, w.Reread(l))
			equal(t, before.Version+1, after.Version)

			e := w.Events(l)[len(want)-1]
			equal(t, account.ActorAdministrator, e.Actor.Kind)
			equal(t, "request-of-staff", e.RequestID)
			equal(t, step.reason, e.Reason)
			equal(t, after.Version, e.LicenseVersion)
			equal(t, w.Clock.Now(), e.At)
			equal(t, event.Data{Before: event.FactsOf(before, w.Clock.Now()), After: event.FactsOf(after, w.Clock.Now())}, e.Data)

			w.Clock.Add(time.Minute)
			again, err := step.change(w.In(t), l)
			w.In(t).Must(err)
			equal(t, after, again)
			equal(t, after, w.Reread(l))
			equal(t, want, w.EventTypes(l))
		})
	}
}

func TestRefusedTransitionsLeaveOneEventAndChangeNothing(t *testing.T) { // C-LCY-01, C-AUD-03
	w := apptest.New(t)
	p, c, other := w.Product("editor"), w.Customer("Ada"), w.Customer("Ben")
	inactive := w.Customer("Inactive")
	w.Tx(func(ctx context.Context, tx *store.Tx) error {
		return tx.SetCustomerStatus(ctx, inactive.ID, account.Inactive, w.Clock.Now())
	})
	off := w.Product("off")
	switchedOff, _ := w.Available(off)
	w.SetProduct(off, false, time.Time{})
	available := func() license.License { l, _ := w.Available(p); return l }
	owned := func() license.License { l, _ := w.License(p, c); return l }
	revoked := func() license.License {
		l := owned()
		after, err := revoke(w, l)
		w.Must(err)
		return after
	}
	badReason := func(w *apptest.World, l license.License) (license.License, error) {
		return w.Licensing.Suspend(w.Context(), apptest.Staff(), l.ID, license.Refund, "")
	}

	for name, refusal := range map[string]struct {
		of     license.License
		change change
		kind   fault.Kind
		code   string
	}{
		"assign to somebody else":                 {owned(), assignTo(other), fault.Conflict, "transition_refused"},
		"assign to a customer switched off":       {available(), assignTo(inactive), fault.Conflict, "customer_inactive"},
		"assign one of a product switched off":    {switchedOff, assignTo(c), fault.Conflict, "product_inactive"},
		"assign a revoked one":                    {revoked(), assignTo(other), fault.Conflict, "transition_refused"},
		"suspend one that nobody owns":            {available(), suspend, fault.Conflict, "transition_refused"},
		"suspend a revoked one":                   {revoked(), suspend, fault.Conflict, "transition_refused"},
		"suspend without a reason there is":       {owned(), badReason, fault.Invalid, "reason_required"},
		"reinstate one that nobody owns":          {available(), reinstate, fault.Conflict, "transition_refused"},
		"renew one that nobody owns":              {available(), renewUntil(apptest.Start.Add(9 * apptest.Day)), fault.Conflict, "transition_refused"},
		"renew into the past":                     {owned(), renewUntil(apptest.Start), fault.Invalid, "end_in_past"},
		"renew to an earlier end":                 {owned(), renewUntil(apptest.Start.Add(apptest.Day)), fault.Invalid, "end_too_early"},
		"revoke one that nobody owns":             {available(), revoke, fault.Conflict, "transition_refused"},
		"reinstate a revoked one":                 {revoked(), reinstate, fault.Conflict, "transition_refused"},
		"renew beyond what can be written by far": {owned(), renewUntil(license.Forever), fault.Invalid, "end_too_late"},
	} {
		t.Run(name, func(t *testing.T) {
			before, events := w.Reread(refusal.of), w.EventTypes(refusal.of)
			after, err := refusal.change(w.In(t), refusal.of)
			refusedAs(t, err, refusal.kind, refusal.code)
			equal(t, before, after)
			equal(t, before, w.Reread(refusal.of))
			equal(t, append(events, event.ChangeRefused), w.EventTypes(refusal.of))
			list := w.Events(refusal.of)
			e := list[len(list)-1]
			equal(t, refusal.code, e.Reason)
			equal(t, event.FactsOf(before, w.Clock.Now()), e.Data.Before)
			if e.Data.Trigger == "" {
				t.Error("the event does not say what was refused")
			}
		})
	}
}

func TestWhatIsNotThereIsNotChanged(t *testing.T) {
	w := apptest.New(t)
	p, c := w.Product("editor"), w.Customer("Ada")
	l, _ := w.Available(p)
	events := w.EventTypes(l)
	long := strings.Repeat("x", licensing.MaxNote+1)

	for name, try := range map[string]struct {
		err  func() error
		kind fault.Kind
		code string
	}{
		"a license": {func() error {
			_, err := w.Licensing.Assign(t.Context(), apptest.Staff(), id.New(), c.ID)
			return err
		}, fault.NotFound, "not_found"},
		"a license of another environment": {func() error { // C-ENV-01
			_, err := w.Licensing.Assign(t.Context(), apptest.Secret(license.Staging), l.ID, c.ID)
			return err
		}, fault.NotFound, "not_found"},
		"a customer": {func() error {
			_, err := w.Licensing.Assign(t.Context(), apptest.Staff(), l.ID, id.New())
			return err
		}, fault.NotFound, "not_found"},
		"a permission": {func() error {
			_, err := w.Licensing.Revoke(t.Context(), apptest.Client(p), l.ID, license.Abuse, "")
			return err
		}, fault.Forbidden, "permission_missing"},
		"a short note": {func() error {
			_, err := w.Licensing.Suspend(t.Context(), apptest.Staff(), l.ID, license.Abuse, long)
			return err
		}, fault.Invalid, "invalid_input"},
		"a note that can be kept": {func() error {
			_, err := w.Licensing.Suspend(t.Context(), apptest.Staff(), l.ID, license.Abuse, "nul\x00")
			return err
		}, fault.Invalid, "invalid_input"},
	} {
		t.Run(name, func(t *testing.T) {
			refusedAs(t, try.err(), try.kind, try.code)
			equal(t, events, w.EventTypes(l))
		})
	}
	t.Run("a token changes licenses of its environment", func(t *testing.T) {
		_, err := w.Licensing.Assign(t.Context(), apptest.Secret(license.Production), l.ID, c.ID)
		w.In(t).Must(err)
	})
}

func TestAssigningAgainSucceedsWhateverHappenedSince(t *testing.T) { // C-LCY-02
	w := apptest.New(t)
	p, c := w.Product("editor"), w.Customer("Ada")
	l, _ := w.License(p, c)
	w.SetProduct(p, false, time.Time{})
	again, err := assignTo(c)(w, l)
	w.Must(err)
	equal(t, l, again)
	equal(t, types(event.LicenseCreated, event.LicenseAssigned), w.EventTypes(l))
}

func TestRevokingEndsActivations(t *testing.T) { // E-07
	w := apptest.New(t)
	p, c := w.Product("editor"), w.Customer("Ada")
	l, key := w.License(p, c)
	kept, keptKey := w.License(p, c)
	devices := w.Activate(p, key, "one", "two")
	w.Activate(p, keptKey, "one")
	w.Clock.Add(time.Hour)
	_, err := revoke(w, l)
	w.Must(err)
	for _, d := range devices {
		a, err := w.Store.Activation(t.Context(), d.ID)
		w.Must(err)
		d.EndedAt, d.EndReason = w.Clock.Now(), license.WithLicense
		equal(t, d, a)
	}
	list := w.Events(l)
	for i, e := range list[len(list)-2:] {
		equal(t, event.ActivationDeactivated, e.Type)
		equal(t, devices[i].ID, e.ActivationID)
		equal(t, string(license.WithLicense), e.Reason)
	}
	seats, err := w.Store.Seats(t.Context(), kept.ID, nil, w.Clock.Now())
	w.Must(err)
	equal(t, 1, seats.Used)
}
