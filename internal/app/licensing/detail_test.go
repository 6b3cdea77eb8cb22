package licensing_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
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
	"github.com/keyward/keyward/verdict"
)

func secure(p *license.Product, _ *license.Generator) { p.HighSecurity = true }

func TestDetail(t *testing.T) {
	w := apptest.New(t)
	p, c := w.Product("editor"), w.Customer("Ada")
	l, key := w.License(p, c)
	owner := apptest.Owner(c)
	detail := func(t *testing.T) licensing.Detail {
		t.Helper()
		d, err := w.Licensing.Detail(t.Context(), owner, l.ID)
		w.In(t).Must(err)
		return d
	}

	t.Run("one that was never activated says so", func(t *testing.T) { // P-LICD-06
		d := detail(t)
		equal(t, []verdict.Code{verdict.NotActivated}, failing(d.Use))
		equal(t, nil, failing(d.AddDevice))
		check, _ := d.Use.Check(verdict.NotActivated)
		equal(t, apptest.Start, *check.Since)
	})
	t.Run("it is one moment's facts", func(t *testing.T) { // P-LICD-13, P-LICD-15, P-LICD-16
		w.Clock.Add(time.Minute)
		devices := w.In(t).Activate(p, key, "one", "two")
		d := detail(t)
		equal(t, w.Reread(l), d.License)
		equal(t, p.ID, d.Product.ID)
		equal(t, w.Clock.Now(), d.At)
		equal(t, d.At, d.Use.At)
		equal(t, 2, d.Used)
		equal(t, []license.Activation{devices[1], devices[0]}, d.Devices)
		equal(t, true, d.KeyOnFile)
		equal(t, "https://shop.example.com/renew?license="+string(l.ID), d.RenewalURL) // P-LICD-17
	})
	t.Run("at five of five it works and takes no other device", func(t *testing.T) { // P-LICD-05, P-LICD-08
		w.In(t).Activate(p, key, "three", "four", "five")
		w.Clock.Add(time.Minute)
		answer(t, w.Licensing.Activate, apptest.Client(p), apptest.Call(key, "six"))
		d := detail(t)
		equal(t, true, d.Use.Valid)
		equal(t, []verdict.Code{verdict.LimitReached}, failing(d.AddDevice))
		check, _ := d.AddDevice.Check(verdict.LimitReached)
		equal(t, 5, *check.Observed.Number)
		equal(t, 5, *check.Required.Number)
		equal(t, "Name of one", d.AddDevice.FixesFor(verdict.LimitReached)[0].Target)
		equal(t, 1, len(d.Attempts))
		equal(t, "Name of six", d.Attempts[0].DisplayName())
	})
	t.Run("history is what concerns its owner, newest first", func(t *testing.T) { // P-ISO-05
		_, err := assignTo(w.Customer("Ben"))(w, l)
		refusedAs(t, err, fault.Conflict, "transition_refused")
		first := detail(t).Devices[4]
		_, err = w.Licensing.Free(t.Context(), owner, first.ID)
		w.In(t).Must(err)
		history := detail(t).History
		var got []event.Type
		for _, h := range history {
			got = append(got, h.Event.Type)
		}
		equal(t, types(
			event.ActivationDeactivated, event.ActivationCreated, event.ActivationCreated, event.ActivationCreated,
			event.ActivationCreated, event.ActivationCreated, event.LicenseActivated, event.LicenseAssigned), got)
		equal(t, first.Name, history[0].Device)
		equal(t, true, history[0].ByYou)
		equal(t, false, history[1].ByYou)
		equal(t, "", history[7].Device)
		equal(t, "", history[7].Event.Address)
		equal(t, "203.0.113.9", w.Events(l)[1].Address) // C-AUD-01
	})
	t.Run("a pause, an end and a revocation are explained", func(t *testing.T) { // P-LICD-06, P-LICD-07, P-LICD-19
		_, err := suspend(w, l)
		w.In(t).Must(err)
		d := detail(t)
		equal(t, []verdict.Code{verdict.Suspended}, failing(d.Use))
		check, _ := d.Use.Check(verdict.Suspended)
		equal(t, "payment", check.Reason)
		equal(t, "Please pay.", check.Note)
		w.Clock.Set(l.EndsAt())
		equal(t, []verdict.Code{verdict.Expired, verdict.Suspended}, failing(detail(t).Use))
		_, err = revoke(w, l)
		w.In(t).Must(err)
		equal(t, verdict.Revoked, detail(t).Use.Code)
		equal(t, license.Revoked, detail(t).License.Status(w.Clock.Now()))
	})
	t.Run("only people of a customer see one", func(t *testing.T) {
		for _, actor := range []account.Actor{apptest.Staff(), apptest.Client(p), apptest.Owner(account.Customer{})} {
			_, err := w.Licensing.Detail(t.Context(), actor, l.ID)
			refusedAs(t, err, fault.Forbidden, "not_a_customer")
		}
	})
}

// foreign are all ways to ask for one license or activation.
func foreign(s *licensing.Service) map[string]func(context.Context, account.Actor, license.License, license.Activation) error {
	return map[string]func(context.Context, account.Actor, license.License, license.Activation) error{
		"detail": func(ctx context.Context, by account.Actor, l license.License, _ license.Activation) error {
			_, err := s.Detail(ctx, by, l.ID)
			return err
		},
		"reveal": func(ctx context.Context, by account.Actor, l license.License, _ license.Activation) error {
			_, err := s.Reveal(ctx, by, l.ID)
			return err
		},
		"devices of": func(ctx context.Context, by account.Actor, l license.License, _ license.Activation) error {
			_, err := s.Devices(ctx, by, licensing.DeviceQuery{LicenseID: l.ID})
			return err
		},
		"device": func(ctx context.Context, by account.Actor, _ license.License, a license.Activation) error {
			_, err := s.Device(ctx, by, a.ID)
			return err
		},
		"free": func(ctx context.Context, by account.Actor, _ license.License, a license.Activation) error {
			_, err := s.Free(ctx, by, a.ID)
			return err
		},
	}
}

func TestAnothersRecordIsNotFoundAndLogged(t *testing.T) { // P-ISO-01, P-ISO-03, P-ACT-21
	w := apptest.New(t)
	p := w.Product("editor", secure)
	l, key := w.License(p, w.Customer("Ada"))
	a := w.Activate(p, key, "HW-1")[0]
	stranger := apptest.Owner(w.Customer("Ben"))
	events := w.Events(l)

	for name, ask := range foreign(w.Licensing) {
		t.Run(name, func(t *testing.T) {
			logged := len(w.Logged.String())
			theirs := fault.From(ask(t.Context(), stranger, l, a))
			refusedAs(t, theirs, fault.NotFound, "not_found")
			if line := w.Logged.String()[logged:]; !strings.Contains(line, string(stranger.CustomerID)) ||
				!strings.Contains(line, "level=WARN") || strings.Contains(line, key) {
				t.Errorf("logged %q", line)
			}
			logged = len(w.Logged.String())
			nothing := fault.From(ask(t.Context(), stranger, license.License{ID: id.New()}, license.Activation{ID: id.New()}))
			equal(t, theirs.Message, nothing.Message)
			equal(t, theirs.Code, nothing.Code)
			if line := w.Logged.String()[logged:]; line != "" {
				t.Errorf("logged %q about nothing", line)
			}
		})
	}
	equal(t, events, w.Events(l))
}

// Looking for somebody else's record must not wait for a second connection
// while it holds one: enough of them at once would wait for each other.
func TestManyAskForAnothersRecordAtOnce(t *testing.T) {
	for name, world := range map[string]func(testing.TB) *apptest.World{"SQLite": apptest.New, "PostgreSQL": apptest.NewPostgres} {
		t.Run(name, func(t *testing.T) {
			w := world(t)
			p := w.Product("editor")
			l, key := w.License(p, w.Customer("Ada"))
			a := w.Activate(p, key, "HW-1")[0]
			stranger := apptest.Owner(w.Customer("Ben"))
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			var all sync.WaitGroup
			for range 20 {
				for name, ask := range foreign(w.Licensing) {
					all.Go(func() {
						if err := ask(ctx, stranger, l, a); !fault.Is(err, fault.NotFound) {
							t.Errorf("%s: %v", name, err)
						}
					})
				}
			}
			all.Wait()
		})
	}
}

func TestReveal(t *testing.T) {
	w := apptest.New(t)
	plain, sealed, c := w.Product("plain"), w.Product("sealed", secure), w.Customer("Ada")
	ordinary, ordinaryKey := w.License(plain, c)
	guarded, guardedKey := w.License(sealed, c)
	owner := apptest.Owner(c)

	t.Run("an ordinary key is shown and leaves no event", func(t *testing.T) { // P-LICD-02
		before := w.Events(ordinary)
		key, err := w.Licensing.Reveal(t.Context(), owner, ordinary.ID)
		w.In(t).Must(err)
		equal(t, ordinaryKey, key)
		equal(t, before, w.Events(ordinary))
	})
	t.Run("a guarded key leaves an event each time, which its owner sees", func(t *testing.T) { // P-LICD-03
		for range 2 {
			key, err := w.Licensing.Reveal(t.Context(), owner, guarded.ID)
			w.In(t).Must(err)
			equal(t, guardedKey, key)
		}
		equal(t, types(event.LicenseCreated, event.LicenseAssigned, event.KeyRevealed, event.KeyRevealed), w.EventTypes(guarded))
		d, err := w.Licensing.Detail(t.Context(), owner, guarded.ID)
		w.In(t).Must(err)
		equal(t, event.KeyRevealed, d.History[0].Event.Type)
		equal(t, true, d.History[0].ByYou)
		equal(t, true, d.KeyOnFile)
	})
	t.Run("a guarded key is nowhere in the database as text", func(t *testing.T) {
		kept, err := w.Store.KeyOf(t.Context(), guarded.ID)
		w.In(t).Must(err)
		if kept.Text != "" || kept.Folded != "" || bytes.Contains(kept.Sealed, []byte(guardedKey)) {
			t.Errorf("kept as %q, %q", kept.Text, kept.Folded)
		}
	})
	t.Run("a guarded key is not shown when that cannot be noted", func(t *testing.T) {
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if key, err := w.Licensing.Reveal(gone, owner, guarded.ID); err == nil || key != "" {
			t.Errorf("shown (%v)", err)
		}
	})
	t.Run("a key that is not on file or does not open is unavailable", func(t *testing.T) { // P-LICD-04
		for name, kept := range map[string]store.LicenseKey{
			"imported as a hash": {Hash: []byte("only")},
			"damaged":            {Hash: []byte("damaged"), Sealed: []byte{1, 2, 3}},
		} {
			l := license.License{ID: id.New(), ProductID: sealed.ID, CustomerID: c.ID, Environment: sealed.Environment, Plan: "Standard", CreatedAt: apptest.Start, AssignedAt: apptest.Start}
			w.Tx(func(ctx context.Context, tx *store.Tx) error { return tx.AddLicense(ctx, l, kept, "") })
			key, err := w.Licensing.Reveal(t.Context(), owner, l.ID)
			refusedAs(t, err, fault.NotFound, "key_unavailable")
			equal(t, "", key)
			if fault.From(err).Next == "" {
				t.Errorf("%s: nothing says what to do", name)
			}
			d, err := w.Licensing.Detail(t.Context(), owner, l.ID)
			w.In(t).Must(err)
			equal(t, false, d.KeyOnFile)
			equal(t, 0, len(w.Events(l)))
		}
	})
	t.Run("a key swapped between rows does not open", func(t *testing.T) {
		kept, err := w.Store.KeyOf(t.Context(), guarded.ID)
		w.In(t).Must(err)
		kept.Hash = []byte("swapped")
		l := license.License{ID: id.New(), ProductID: sealed.ID, CustomerID: c.ID, Environment: sealed.Environment, Plan: "Standard", CreatedAt: apptest.Start, AssignedAt: apptest.Start}
		w.Tx(func(ctx context.Context, tx *store.Tx) error { return tx.AddLicense(ctx, l, kept, "") })
		_, err = w.Licensing.Reveal(t.Context(), owner, l.ID)
		refusedAs(t, err, fault.NotFound, "key_unavailable")
	})
	t.Run("viewers only look", func(t *testing.T) {
		for _, l := range []license.License{ordinary, guarded} {
			_, err := w.Licensing.Reveal(t.Context(), apptest.SignedIn(c, account.Viewer), l.ID)
			refusedAs(t, err, fault.Forbidden, "role_too_low")
		}
		_, err := w.Licensing.Reveal(t.Context(), apptest.SignedIn(c, account.Manager), ordinary.ID)
		w.In(t).Must(err)
	})
	t.Run("no key is in the log", func(t *testing.T) {
		if log := w.Logged.String(); strings.Contains(log, ordinaryKey) || strings.Contains(log, guardedKey) {
			t.Error("a key was logged")
		}
	})
}

func TestWhyAndFind(t *testing.T) {
	w := apptest.New(t)
	p, c := w.Product("editor"), w.Customer("Ada")
	l, key := w.License(p, c)
	w.Activate(p, key, "one", "two", "three", "four", "five")
	answer(t, w.Licensing.Activate, apptest.Client(p), apptest.Call(key, "six"))

	t.Run("staff sees both verdicts with all facts", func(t *testing.T) { // C-LCY-08
		why, err := w.Licensing.Why(t.Context(), apptest.Staff(), l.ID)
		w.In(t).Must(err)
		equal(t, true, why.Use.Valid)
		equal(t, []verdict.Code{verdict.LimitReached}, failing(why.AddDevice))
		equal(t, 5, why.Used)
		equal(t, 1, len(why.Attempts))
		check, _ := why.Use.Check(verdict.ProductMismatch)
		if check.Internal == "" {
			t.Error("raw facts are missing")
		}
	})
	t.Run("a license is found by key or id", func(t *testing.T) {
		for _, text := range []string{key, strings.ToLower(key), string(l.ID)} {
			found, err := w.Licensing.Find(t.Context(), apptest.Staff(), text)
			w.In(t).Must(err)
			equal(t, l.ID, found)
		}
		for _, text := range []string{"", "EDIT-UNKNOWN", string(id.New())} {
			_, err := w.Licensing.Find(t.Context(), apptest.Staff(), text)
			refusedAs(t, err, fault.NotFound, "not_found")
		}
	})
	t.Run("a token sees its own environment only", func(t *testing.T) {
		elsewhere := apptest.Secret(license.Staging)
		_, err := w.Licensing.Why(t.Context(), elsewhere, l.ID)
		refusedAs(t, err, fault.NotFound, "not_found")
		for _, text := range []string{key, string(l.ID)} {
			_, err := w.Licensing.Find(t.Context(), elsewhere, text)
			refusedAs(t, err, fault.NotFound, "not_found")
			found, err := w.Licensing.Find(t.Context(), apptest.Secret(license.Production), text)
			w.In(t).Must(err)
			equal(t, l.ID, found)
		}
	})
	t.Run("customers and software do not ask here", func(t *testing.T) { // P-ISO-04
		for _, actor := range []account.Actor{apptest.Owner(c), apptest.Client(p)} {
			_, err := w.Licensing.Why(t.Context(), actor, l.ID)
			refusedAs(t, err, fault.Forbidden, "permission_missing")
			_, err = w.Licensing.Find(t.Context(), actor, key)
			refusedAs(t, err, fault.Forbidden, "permission_missing")
		}
	})
}

func TestDetailOfALicenseWithManyDevices(t *testing.T) { // P-ACT-23
	w := apptest.New(t)
	p, c := w.Product("editor"), w.Customer("Ada")
	l, key := w.License(p, c, func(in *licensing.Issue) { many := 200; in.Limit = &many })
	for i := range 60 {
		w.Activate(p, key, fmt.Sprint("HW-", i))
	}
	d, err := w.Licensing.Detail(t.Context(), apptest.Owner(c), l.ID)
	w.Must(err)
	equal(t, 60, d.Used)
	equal(t, 10, len(d.Devices))
	equal(t, "HW-59", d.Devices[0].Identifier)
}

// A history that is too long for one page still begins with the assignment.
func TestLongHistoryBeginsWithTheAssignment(t *testing.T) {
	w := apptest.New(t)
	p, c := w.Product("vault", secure), w.Customer("Ada")
	l, _ := w.License(p, c)
	owner := apptest.Owner(c)
	history := func() ([]licensing.HistoryEntry, bool) {
		d, err := w.Licensing.Detail(t.Context(), owner, l.ID)
		w.Must(err)
		return d.History, d.Shortened
	}
	for range 120 {
		_, err := w.Licensing.Reveal(t.Context(), owner, l.ID)
		w.Must(err)
	}
	entries, shortened := history()
	equal(t, true, shortened)
	equal(t, 101, len(entries))
	equal(t, event.KeyRevealed, entries[99].Event.Type)
	equal(t, event.LicenseAssigned, entries[100].Event.Type)
}
