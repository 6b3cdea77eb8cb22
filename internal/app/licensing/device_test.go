package licensing_test

import (
	"context"
	"fmt"
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
	"github.com/keyward/keyward/verdict"
)

// ask is one of the calls that software makes.
type ask func(context.Context, account.Actor, licensing.Call) (licensing.Answer, error)

// asks are all of them.
func asks(s *licensing.Service) map[string]ask {
	return map[string]ask{"validate": s.Validate, "activate": s.Activate, "deactivate": s.Deactivate, "check in": s.CheckIn}
}

func answer(t testing.TB, do ask, by account.Actor, c licensing.Call) licensing.Answer {
	t.Helper()
	a, err := do(t.Context(), by, c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestActivate(t *testing.T) {
	w := apptest.New(t)
	p, c := w.Product("editor"), w.Customer("Ada")
	l, key := w.License(p, c)
	client := apptest.Client(p)
	call := licensing.Call{
		Key: " " + strings.ToLower(key) + " ", Version: "8.4.1", Nonce: "n-1",
		Device: &license.Device{Identifier: "HW-1", Name: "Ada's laptop", Platform: "linux/amd64"},
	}
	want := license.Activation{
		LicenseID: l.ID, Kind: license.Hardware, Identifier: "HW-1", Name: "Ada's laptop",
		Platform: "linux/amd64", AppVersion: "8.4.1", ActivatedAt: apptest.Start,
	}

	t.Run("the first device makes the license active", func(t *testing.T) { // C-LCY-03
		a := answer(t, w.Licensing.Activate, client, call)
		equal(t, nil, failing(a.Verdict))
		want.ID = a.Activation.ID
		equal(t, want, *a.Activation)
		stored, err := w.Store.Activation(t.Context(), want.ID)
		w.In(t).Must(err)
		equal(t, want, stored)
		after := w.Reread(l)
		equal(t, license.Active, after.Status(apptest.Start))
		equal(t, after, *a.License)
		equal(t, types(event.LicenseCreated, event.LicenseAssigned, event.LicenseActivated, event.ActivationCreated), w.EventTypes(l))
		e := w.Events(l)[3]
		used, limit := 1, 5
		equal(t, event.Data{Used: &used, Limit: &limit}, e.Data)
		equal(t, want.ID, e.ActivationID)
		equal(t, client.ID, e.Actor.ID)
	})
	t.Run("the same device again takes no seat and leaves no event", func(t *testing.T) { // C-LCY-04, U-02
		again := call
		again.Device = &license.Device{Identifier: " hw-1 ", Name: "Reinstalled"}
		a := answer(t, w.Licensing.Activate, client, again)
		equal(t, want.ID, a.Activation.ID)
		seats, err := w.Store.Seats(t.Context(), l.ID, nil, apptest.Start)
		w.In(t).Must(err)
		equal(t, 1, seats.Used)
		equal(t, 4, len(w.Events(l)))
	})
	t.Run("at the limit a new device is refused and known ones go on", func(t *testing.T) { // P-LICD-08
		w.In(t).Activate(p, key, "HW-2", "HW-3", "HW-4", "HW-5")
		before := w.EventTypes(l)
		a := answer(t, w.Licensing.Activate, client, apptest.Call(key, "HW-6"))
		equal(t, []verdict.Code{verdict.LimitReached}, failing(a.Verdict))
		if a.Activation != nil {
			t.Error("a refused device has an activation")
		}
		equal(t, before, w.EventTypes(l))
		equal(t, true, answer(t, w.Licensing.Activate, client, call).Verdict.Valid)
		fix := a.Verdict.FixesFor(verdict.LimitReached)[0]
		equal(t, verdict.DeactivateDevice, fix.Action)
		if !strings.HasPrefix(fix.Href, apptest.BaseURL+"/help/") {
			t.Errorf("the fix leads to %q", fix.Href)
		}
		check, _ := a.Verdict.Check(verdict.LimitReached)
		if !check.Observed.IsZero() || fix.Target != "" {
			t.Errorf("a client token learns of other devices: %+v %+v", check, fix)
		}
	})
	t.Run("the vendor's own token learns how many there are", func(t *testing.T) {
		a := answer(t, w.Licensing.Activate, apptest.Secret(license.Production), apptest.Call(key, "HW-6"))
		check, _ := a.Verdict.Check(verdict.LimitReached)
		equal(t, 5, *check.Observed.Number)
	})
}

func TestRefusedAttemptsAreKeptForTheOwner(t *testing.T) { // P-LICD-09
	w := apptest.New(t)
	p, other, c := w.Product("editor"), w.Product("viewer"), w.Customer("Ada")
	l, key := w.License(p, c, func(in *licensing.Issue) { one := 1; in.Limit = &one })
	w.Activate(p, key, "first")
	for i := range 25 {
		w.Clock.Add(time.Second)
		answer(t, w.Licensing.Activate, apptest.Client(p), apptest.Call(key, fmt.Sprint("hw-", i)))
	}
	kept, err := w.Store.Attempts(t.Context(), l.ID, 100)
	w.Must(err)
	equal(t, 20, len(kept))

	w.Clock.Add(time.Second)
	answer(t, w.Licensing.Activate, apptest.Client(other), apptest.Call(key, "elsewhere"))
	detail, err := w.Licensing.Detail(t.Context(), apptest.Owner(c), l.ID)
	w.Must(err)
	equal(t, 5, len(detail.Attempts))
	equal(t, license.Attempt{
		ID: detail.Attempts[0].ID, At: w.Clock.Now(), Kind: license.Hardware, Identifier: "elsewhere", Name: "Name of elsewhere", Code: verdict.ProductMismatch,
	}, detail.Attempts[0].Attempt)
	equal(t, license.Attempt{
		ID: detail.Attempts[1].ID, At: w.Clock.Now().Add(-time.Second), Kind: license.Hardware, Identifier: "hw-24", Name: "Name of hw-24", Code: verdict.LimitReached,
	}, detail.Attempts[1].Attempt)
}

func TestValidate(t *testing.T) {
	w := apptest.New(t)
	p, c := w.Product("editor"), w.Customer("Ada")
	l, key := w.License(p, c)
	device := w.Activate(p, key, "HW-1")[0]
	client := apptest.Client(p)
	use := func(c licensing.Call) verdict.Verdict { return answer(t, w.Licensing.Validate, client, c).Verdict }

	t.Run("a device with a seat may go on, one without may not", func(t *testing.T) {
		equal(t, verdict.Valid, use(apptest.Call(key, "hw-1")).Code)
		equal(t, verdict.NotActivated, use(apptest.Call(key, "HW-2")).Code)
		equal(t, verdict.Valid, use(licensing.Call{Key: key}).Code)
	})
	t.Run("it changes nothing and writes nothing", func(t *testing.T) {
		w.Clock.Add(time.Minute)
		before := w.Events(l)
		use(apptest.Call(key, "HW-1"))
		stored, err := w.Store.Activation(t.Context(), device.ID)
		w.In(t).Must(err)
		equal(t, device, stored)
		equal(t, before, w.Events(l))
	})
	t.Run("a check-in needs a device", func(t *testing.T) {
		equal(t, verdict.Valid, answer(t, w.Licensing.CheckIn, client, apptest.Call(key, "HW-1")).Verdict.Code)
		_, err := w.Licensing.CheckIn(t.Context(), client, licensing.Call{Key: key})
		refusedAs(t, err, fault.Invalid, "invalid_input")
	})
	t.Run("a product can be asked for by slug or id", func(t *testing.T) {
		for asked, want := range map[string]verdict.Code{
			"editor": verdict.Valid, string(p.ID): verdict.Valid, "viewer": verdict.ProductMismatch, string(id.New()): verdict.ProductMismatch,
		} {
			call := apptest.Call(key, "HW-1")
			call.Product = asked
			equal(t, want, use(call).Code)
		}
	})
	t.Run("what the license does not include is named", func(t *testing.T) {
		call := apptest.Call(key, "HW-1")
		call.Features = []string{"gold"}
		equal(t, []verdict.Code{verdict.FeatureMissing}, failing(use(call)))
	})
	t.Run("the state of the license decides at once", func(t *testing.T) { // C-LCY-10
		_, err := suspend(w, l)
		w.In(t).Must(err)
		equal(t, verdict.Suspended, use(apptest.Call(key, "HW-1")).Code)
		_, err = reinstate(w, l)
		w.In(t).Must(err)
		equal(t, verdict.Valid, use(apptest.Call(key, "HW-1")).Code)
		w.SetProduct(p, true, w.Clock.Now())
		equal(t, verdict.ProductInactive, use(apptest.Call(key, "HW-1")).Code) // E-08
		w.SetProduct(p, false, time.Time{})
		equal(t, verdict.Valid, use(apptest.Call(key, "HW-1")).Code)
		equal(t, verdict.ProductInactive, answer(t, w.Licensing.Activate, client, apptest.Call(key, "HW-9")).Verdict.Code)
		equal(t, verdict.Valid, answer(t, w.Licensing.Activate, client, apptest.Call(key, "HW-1")).Verdict.Code)
		w.SetProduct(p, true, time.Time{})
		w.Clock.Set(l.EndsAt().Add(-time.Microsecond))
		equal(t, verdict.Valid, use(apptest.Call(key, "HW-1")).Code)
		w.Clock.Set(l.EndsAt())
		equal(t, verdict.Expired, use(apptest.Call(key, "HW-1")).Code)
	})
}

func TestVersionsAreReadFromTheReleases(t *testing.T) { // C-PRD-03
	w := apptest.New(t)
	p, c := w.Product("editor"), w.Customer("Ada")
	w.Tx(func(ctx context.Context, tx *store.Tx) error {
		for version, days := range map[string]time.Duration{"8.0.0": -20, "8.1.0": -5, "9.0.0": -4} {
			if err := tx.AddRelease(ctx, p.ID, id.New(), license.Release{Version: version, ReleasedAt: apptest.Start.Add(days * apptest.Day)}, apptest.Start); err != nil {
				return err
			}
		}
		return nil
	})
	limit := "8.x"
	_, key := w.License(p, c, func(in *licensing.Issue) {
		in.MaxVersion, in.UpdatesUntil = &limit, apptest.Start.Add(-10*apptest.Day)
	})
	w.Activate(p, key, "HW-1")
	for version, want := range map[string]verdict.Code{"8.0.0": verdict.Valid, "8.1.0": verdict.VersionNotEligible, "9.0.0": verdict.VersionNotEligible} {
		call := apptest.Call(key, "HW-1")
		call.Version = version
		v := answer(t, w.Licensing.Validate, apptest.Client(p), call).Verdict
		equal(t, want, v.Code)
		if !v.Valid {
			equal(t, "8.0.0", v.FixesFor(want)[0].Target)
		}
	}
}

func TestDeactivate(t *testing.T) {
	w := apptest.New(t)
	p, c := w.Product("editor"), w.Customer("Ada")
	l, key := w.License(p, c)
	first, second := w.Activate(p, key, "HW-1", "HW-2")[0], "HW-2"
	client := apptest.Client(p)
	w.Clock.Add(time.Hour)

	t.Run("the seat is free and the device no longer valid", func(t *testing.T) { // P-ACT-12, P-ACT-13
		a := answer(t, w.Licensing.Deactivate, client, apptest.Call(key, "HW-1"))
		equal(t, verdict.NotActivated, a.Verdict.Code)
		first.EndedAt, first.EndReason = w.Clock.Now(), license.BySoftware
		equal(t, first, *a.Activation)
		stored, err := w.Store.Activation(t.Context(), first.ID)
		w.In(t).Must(err)
		equal(t, first, stored)
		list := w.Events(l)
		e := list[len(list)-1]
		used, limit := 1, 5
		equal(t, event.ActivationDeactivated, e.Type)
		equal(t, event.Data{Used: &used, Limit: &limit}, e.Data)
		equal(t, license.Active, w.Reread(l).Status(w.Clock.Now())) // E-03
		equal(t, verdict.NotActivated, answer(t, w.Licensing.Validate, client, apptest.Call(key, "HW-1")).Verdict.Code)
	})
	t.Run("again it says the same and leaves nothing", func(t *testing.T) { // P-ACT-18
		before := w.Events(l)
		a := answer(t, w.Licensing.Deactivate, client, apptest.Call(key, "HW-1"))
		equal(t, verdict.NotActivated, a.Verdict.Code)
		equal(t, nil, a.Activation)
		equal(t, before, w.Events(l))
	})
	t.Run("a device that comes back has a new activation", func(t *testing.T) { // P-ACT-17
		if back := w.In(t).Activate(p, key, "HW-1")[0]; back.ID == first.ID {
			t.Error("the ended activation came back")
		}
	})
	t.Run("a seat can be given back whatever the license is", func(t *testing.T) {
		_, err := suspend(w, l)
		w.In(t).Must(err)
		a := answer(t, w.Licensing.Deactivate, client, apptest.Call(key, second))
		equal(t, []verdict.Code{verdict.Suspended, verdict.NotActivated}, failing(a.Verdict))
		equal(t, second, a.Activation.Identifier)
	})
	t.Run("a device must be named", func(t *testing.T) {
		for _, do := range []ask{w.Licensing.Activate, w.Licensing.Deactivate} {
			_, err := do(t.Context(), client, licensing.Call{Key: key})
			refusedAs(t, err, fault.Invalid, "invalid_input")
		}
	})
}

// A floating seat that was not renewed counts as free, so ending it frees none.
func TestLapsedSeats(t *testing.T) {
	w := apptest.New(t)
	p, c := w.Product("editor"), w.Customer("Ada")
	l, key := w.License(p, c, func(in *licensing.Issue) { two := 2; in.Limit = &two })
	w.Activate(p, key, "fixed")
	floating := func(identifier string) license.Activation {
		a := license.Activation{
			ID: id.New(), LicenseID: l.ID, Kind: license.Hardware, Identifier: identifier,
			ActivatedAt: apptest.Start, HoldUntil: apptest.Start.Add(time.Hour),
		}
		w.Tx(func(ctx context.Context, tx *store.Tx) error { return tx.AddActivation(ctx, a) })
		return a
	}
	lapsed := floating("floating")
	equal(t, verdict.LimitReached, answer(t, w.Licensing.Activate, apptest.Client(p), apptest.Call(key, "new")).Verdict.Code)
	w.Clock.Add(time.Hour)
	equal(t, verdict.SeatLapsed, answer(t, w.Licensing.Validate, apptest.Client(p), apptest.Call(key, "floating")).Verdict.Code)

	back := w.Activate(p, key, "floating")[0]
	ended, err := w.Store.Activation(t.Context(), lapsed.ID)
	w.Must(err)
	equal(t, w.Clock.Now(), ended.EndedAt)
	if back.ID == lapsed.ID {
		t.Error("the lapsed activation came back")
	}
	answer(t, w.Licensing.Deactivate, apptest.Client(p), apptest.Call(key, "floating"))

	floating("again")
	answer(t, w.Licensing.Deactivate, apptest.Client(p), apptest.Call(key, "again"))
	list := w.Events(l)
	equal(t, 1, *list[len(list)-1].Data.Used)
}

func TestUnknownKeysAreAllAlike(t *testing.T) { // P-TIC-29
	w := apptest.New(t)
	p := w.Product("editor")
	staging := w.Product("editor", func(p *license.Product, _ *license.Generator) { p.Environment = license.Staging })
	_, elsewhere := w.License(staging, w.Customer("Ada"))
	for name, do := range asks(w.Licensing) {
		for _, key := range []string{"EDIT-AAAAA-BBBBB-CCCCC", elsewhere, "x", "---"} {
			a := answer(t, do, apptest.Client(p), apptest.Call(key, "HW-1"))
			if a.Verdict.Code != verdict.KeyUnknown || a.License != nil || a.Product != nil || a.Activation != nil {
				t.Errorf("%s of %s: %+v", name, key, a)
			}
			lease := w.Lease(p, a.Lease)
			equal(t, "", lease.License)
			equal(t, false, lease.Verdict.Valid)
			a = answer(t, do, apptest.Secret(license.Production), apptest.Call(key, "HW-1"))
			if a.Verdict.Code != verdict.KeyUnknown || a.Lease != "" {
				t.Errorf("%s of %s with a secret token: %+v", name, key, a)
			}
		}
	}
}

func TestALicenseThatIsNotTheCallersBusinessRevealsNothing(t *testing.T) { // C-ENV-03
	w := apptest.New(t)
	p, other, c := w.Product("editor"), w.Product("viewer"), w.Customer("Ada")
	l, key := w.License(p, c, func(in *licensing.Issue) { one := 1; in.Limit = &one })
	w.Activate(p, key, "HW-1")
	_, err := suspend(w, l)
	w.Must(err)
	wrongEnvironment := apptest.Call(key, "HW-1")
	wrongEnvironment.Environment = license.Staging

	for name, do := range asks(w.Licensing) {
		for _, wrong := range []struct {
			by   account.Actor
			call licensing.Call
			p    license.Product
			code verdict.Code
		}{
			{apptest.Client(other), apptest.Call(key, "HW-1"), other, verdict.ProductMismatch},
			{apptest.Client(other), apptest.Call(key, "HW-2"), other, verdict.ProductMismatch},
			{apptest.Client(p), wrongEnvironment, p, verdict.EnvironmentMismatch},
		} {
			a := answer(t, do, wrong.by, wrong.call)
			equal(t, []verdict.Code{wrong.code}, failing(a.Verdict))
			if a.License != nil || a.Product != nil || a.Activation != nil || len(a.Verdict.Warnings) > 0 {
				t.Errorf("%s: %+v", name, a)
			}
			for _, check := range a.Verdict.Checks {
				if check.Code != verdict.EnvironmentMismatch && (!check.Observed.IsZero() || !check.Required.IsZero() || check.Since != nil || check.Reason != "") {
					t.Errorf("%s: the check %+v tells of the license", name, check)
				}
			}
			for _, fix := range a.Verdict.Fixes {
				if fix.Check != wrong.code || strings.Contains(fix.Href, string(l.ID)) {
					t.Errorf("%s: the fix %+v tells of the license", name, fix)
				}
			}
			lease := w.Lease(wrong.p, a.Lease)
			equal(t, "", lease.License)
			equal(t, wrong.code, lease.Verdict.Code)
			equal(t, 0, len(lease.Features))
		}
	}
	seats, err := w.Store.Seats(t.Context(), l.ID, nil, w.Clock.Now())
	w.Must(err)
	equal(t, 1, seats.Used)
}

func TestLeases(t *testing.T) {
	w := apptest.New(t)
	p := w.Product("editor", func(p *license.Product, _ *license.Generator) { p.Features = features(true, 25.0, "plain") })
	c := w.Customer("Ada")
	l, key := w.License(p, c)
	call := apptest.Call(key, "HW-1")
	call.Nonce, call.Version, call.Device.Platform = "n-1", "8.4", "linux"
	client := apptest.Client(p)
	start := apptest.Start.Truncate(time.Second)

	t.Run("a yes holds for as long as the product says and says what was asked", func(t *testing.T) {
		a := answer(t, w.Licensing.Activate, client, call)
		lease := w.Lease(p, a.Lease)
		equal(t, string(p.ID), lease.Product)
		equal(t, string(l.ID), lease.License)
		equal(t, "production", lease.Environment)
		equal(t, "n-1", lease.Nonce)
		equal(t, "8.4", lease.Version)
		equal(t, "HW-1", lease.Device.ID)
		equal(t, "hardware", lease.Device.Kind)
		equal(t, start, lease.IssuedAt.UTC())
		equal(t, start.Add(14*apptest.Day), lease.ValidUntil.UTC())
		equal(t, l.EndsAt().Truncate(time.Second), lease.EndsAt.UTC())
		equal(t, true, lease.Verdict.Valid)
		equal(t, map[string]any{"sso": true, "projects": 25.0, "theme": "plain"}, lease.Features)
	})
	t.Run("a no holds for an hour", func(t *testing.T) {
		other := call
		other.Device = &license.Device{Identifier: "HW-2"}
		lease := w.Lease(p, answer(t, w.Licensing.Validate, client, other).Lease)
		equal(t, verdict.NotActivated, lease.Verdict.Code)
		equal(t, start.Add(time.Hour), lease.ValidUntil.UTC())
	})
	t.Run("the vendor's own token gets one of the license's product", func(t *testing.T) {
		lease := w.Lease(p, answer(t, w.Licensing.Validate, apptest.Secret(license.Production), call).Lease)
		equal(t, true, lease.Verdict.Valid)
	})
	t.Run("none outlives its license, and in the last second there is none", func(t *testing.T) {
		for _, left := range []time.Duration{10 * apptest.Day, time.Hour, time.Second, time.Second - time.Microsecond, time.Millisecond, time.Microsecond} {
			w.Clock.Set(l.EndsAt().Add(-left))
			a := answer(t, w.Licensing.Validate, client, call)
			equal(t, verdict.Valid, a.Verdict.Code)
			if a.Lease == "" {
				if left > 2*time.Second {
					t.Errorf("no lease %s before the end", left)
				}
				continue
			}
			if lease := w.Lease(p, a.Lease); lease.ValidUntil.After(l.EndsAt()) {
				t.Errorf("a lease until %s outlives %s", lease.ValidUntil, l.EndsAt())
			}
		}
	})
	t.Run("the end is signed as a no", func(t *testing.T) {
		w.Clock.Set(l.EndsAt())
		lease := w.Lease(p, answer(t, w.Licensing.Validate, client, call).Lease)
		equal(t, verdict.Expired, lease.Verdict.Code)
		equal(t, l.EndsAt().Truncate(time.Second).Add(time.Hour), lease.ValidUntil.UTC())
	})
}

func TestRetriesAreRecognized(t *testing.T) { // C-LCY-02
	w := apptest.New(t)
	p, c := w.Product("editor"), w.Customer("Ada")
	l, key := w.License(p, c, func(in *licensing.Issue) { one := 1; in.Limit = &one })
	client := apptest.Client(p)
	retry := func(device, idempotency string) licensing.Call {
		call := apptest.Call(key, device)
		call.Idempotency = idempotency
		return call
	}
	first := answer(t, w.Licensing.Activate, client, retry("HW-1", "k1"))
	events := len(w.Events(l))

	t.Run("a retry has the same result and no effect", func(t *testing.T) {
		again := answer(t, w.Licensing.Activate, client, retry("HW-1", "k1"))
		equal(t, first.Activation, again.Activation)
		equal(t, first.Verdict, again.Verdict)
		equal(t, events, len(w.Events(l)))
	})
	t.Run("another request with the key is a conflict", func(t *testing.T) {
		other := retry("HW-1", "k1")
		other.Version = "9.0"
		_, err := w.Licensing.Activate(t.Context(), client, other)
		refusedAs(t, err, fault.Conflict, "idempotency_conflict")
	})
	t.Run("callers, calls and devices do not share keys", func(t *testing.T) {
		equal(t, verdict.LimitReached, answer(t, w.Licensing.Activate, client, retry("HW-2", "k1")).Verdict.Code)
		elsewhere := retry("HW-1", "k1")
		elsewhere.Version = "9.0"
		equal(t, true, answer(t, w.Licensing.Activate, apptest.Client(p), elsewhere).Verdict.Valid)
	})
	t.Run("a refusal is not remembered: a retry may succeed", func(t *testing.T) {
		equal(t, verdict.LimitReached, answer(t, w.Licensing.Activate, client, retry("HW-2", "k2")).Verdict.Code)
		answer(t, w.Licensing.Deactivate, client, retry("HW-1", "k3"))
		second := answer(t, w.Licensing.Activate, client, retry("HW-2", "k2"))
		equal(t, true, second.Verdict.Valid)
	})
	t.Run("a retried deactivation tells what it ended", func(t *testing.T) {
		again := answer(t, w.Licensing.Deactivate, client, retry("HW-1", "k3"))
		equal(t, verdict.NotActivated, again.Verdict.Code)
		equal(t, first.Activation.ID, again.Activation.ID)
	})
	t.Run("a retry after the seat was given back gets no signed yes", func(t *testing.T) {
		a := answer(t, w.Licensing.Activate, client, retry("HW-1", "k1"))
		equal(t, first.Activation.ID, a.Activation.ID)
		equal(t, verdict.NotActivated, a.Verdict.Code)
		equal(t, false, w.Lease(p, a.Lease).Verdict.Valid)
	})
	t.Run("a key is forgotten after a day", func(t *testing.T) {
		answer(t, w.Licensing.Deactivate, client, retry("HW-2", ""))
		w.Clock.Add(24 * time.Hour)
		a := answer(t, w.Licensing.Activate, client, retry("HW-1", "k1"))
		if !a.Verdict.Valid || a.Activation.ID == first.Activation.ID {
			t.Errorf("%s %v", a.Verdict.Code, a.Activation)
		}
	})
}

func TestCallsAreCheckedBeforeAnythingIsLookedUp(t *testing.T) {
	w := apptest.New(t)
	p := w.Product("editor")
	good := func() licensing.Call { return apptest.Call("EDIT-AAAAA-BBBBB-CCCCC", "HW-1") }
	for field, spoil := range map[string]func(*licensing.Call){
		"key":             func(c *licensing.Call) { c.Key = "" },
		"version":         func(c *licensing.Call) { c.Version = "latest" },
		"environment":     func(c *licensing.Call) { c.Environment = "prod" },
		"nonce":           func(c *licensing.Call) { c.Nonce = strings.Repeat("n", 129) },
		"product":         func(c *licensing.Call) { c.Product = "nul\x00" },
		"idempotency_key": func(c *licensing.Call) { c.Idempotency = "ü" },
		"features":        func(c *licensing.Call) { c.Features = make([]string, 51) },
		"device.id":       func(c *licensing.Call) { c.Device.Identifier = "" },
		"device.kind":     func(c *licensing.Call) { c.Device.Kind = "usb" },
		"device.name":     func(c *licensing.Call) { c.Device.Name = "\xff" },
		"device.platform": func(c *licensing.Call) { c.Device.Platform = "a\nb" },
	} {
		for name, do := range asks(w.Licensing) {
			call := good()
			spoil(&call)
			_, err := do(t.Context(), apptest.Client(p), call)
			refusedAs(t, err, fault.Invalid, "invalid_input")
			if fields := fault.From(err).Fields; len(fields) != 1 || fields[0].Name != field {
				t.Errorf("%s blames %v, want %s", name, fields, field)
			}
			_, err = do(t.Context(), apptest.Staff(), call)
			refusedAs(t, err, fault.Forbidden, "permission_missing")
		}
	}
}

func TestTally(t *testing.T) {
	w := apptest.New(t)
	p, other, c := w.Product("editor"), w.Product("viewer"), w.Customer("Ada")
	_, key := w.License(p, c)
	device := w.Activate(p, key, "HW-1")[0]
	hour := apptest.Start.Truncate(time.Hour)
	use := func(by account.Actor, key, device, version string) {
		call := apptest.Call(key, device)
		call.Version = version
		answer(t, w.Licensing.Validate, by, call)
	}
	stored := func() license.Activation {
		a, err := w.Store.Activation(t.Context(), device.ID)
		w.Must(err)
		return a
	}
	flush := func() { w.Must(w.Licensing.Tally().Flush(t.Context())) }

	w.Clock.Add(time.Minute)
	use(apptest.Client(p), key, "HW-1", "8.1")
	w.Clock.Add(time.Minute)
	use(apptest.Client(p), key, "HW-1", "")
	use(apptest.Client(p), key, "HW-2", "")
	use(apptest.Client(p), "EDIT-UNKNOWN", "HW-1", "")
	use(apptest.Client(other), key, "HW-1", "")
	use(apptest.Secret(license.Production), key, "HW-1", "")
	use(apptest.Secret(license.Production), "EDIT-UNKNOWN", "HW-1", "")
	seen := w.Clock.Now()
	equal(t, device, stored())
	flush()

	t.Run("last seen and version are those of the last news", func(t *testing.T) { // P-ACT-04, P-ACT-05
		got := stored()
		equal(t, seen, got.LastSeenAt)
		equal(t, "8.1", got.AppVersion)
	})
	t.Run("validations are counted by product, hour and outcome", func(t *testing.T) {
		w.Clock.Add(time.Hour)
		use(apptest.Client(p), key, "HW-1", "")
		flush()
		flush()
		got, err := w.Store.ValidationsSince(t.Context(), p.ID, hour)
		w.In(t).Must(err)
		equal(t, []store.Validations{
			{ProductID: p.ID, Hour: hour, Code: verdict.KeyUnknown, Total: 1},
			{ProductID: p.ID, Hour: hour, Code: verdict.NotActivated, Total: 1},
			{ProductID: p.ID, Hour: hour, Code: verdict.Valid, Total: 3},
			{ProductID: p.ID, Hour: hour.Add(time.Hour), Code: verdict.Valid, Total: 1},
		}, got)
		got, err = w.Store.ValidationsSince(t.Context(), other.ID, hour)
		w.In(t).Must(err)
		equal(t, []store.Validations{{ProductID: other.ID, Hour: hour, Code: verdict.ProductMismatch, Total: 1}}, got)
	})
	t.Run("activating again is news too", func(t *testing.T) {
		w.Clock.Add(time.Minute)
		w.In(t).Activate(p, key, "HW-1")
		flush()
		equal(t, w.Clock.Now(), stored().LastSeenAt)
	})
	t.Run("what could not be written is kept", func(t *testing.T) {
		w.Clock.Add(time.Minute)
		use(apptest.Client(p), key, "HW-1", "8.2")
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if err := w.Licensing.Tally().Flush(gone); err == nil {
			t.Fatal("flushed without a caller")
		}
		flush()
		equal(t, "8.2", stored().AppVersion)
		equal(t, w.Clock.Now(), stored().LastSeenAt)
	})
}
