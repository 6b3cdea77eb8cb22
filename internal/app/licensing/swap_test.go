package licensing_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
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

func limited(n int) func(*licensing.Issue) { return func(in *licensing.Issue) { in.Limit = &n } }

func claimed(key, device, code string) licensing.Call {
	c := apptest.Call(key, device)
	c.Claim = code
	return c
}

// taken is how many seats of a license are held, and how many are kept.
func taken(w *apptest.World, l license.License) [2]int {
	w.Helper()
	s, err := w.Store.Seats(w.Context(), l.ID, nil, w.Clock.Now())
	w.Must(err)
	return [2]int{s.Used, s.Reserved}
}

// code is the claim code of a reservation, as its owner reads it.
func code(w *apptest.World, owner account.Actor, r license.Reservation) string {
	w.Helper()
	swap, err := w.Licensing.Swap(w.Context(), owner, r.ID)
	w.Must(err)
	if swap.Code == "" {
		w.Fatalf("the %s reservation shows no code", swap.State)
	}
	return swap.Code
}

func TestReplace(t *testing.T) {
	w := apptest.New(t)
	p, c := w.Product("editor"), w.Customer("Ada")
	owner, client := apptest.Owner(c), apptest.Client(p)
	full := func(w *apptest.World) (license.License, string, []license.Activation) {
		l, key := w.License(p, c, limited(2))
		return l, key, w.Activate(p, key, "old", "other")
	}
	replace := func(w *apptest.World, l license.License, device, attempt id.ID) license.Reservation {
		w.Helper()
		r, err := w.Licensing.Replace(w.Context(), owner, licensing.Replacement{LicenseID: l.ID, Retire: device, Attempt: attempt})
		w.Must(err)
		return r
	}

	t.Run("the seat is kept for whoever presents the code", func(t *testing.T) {
		w := w.In(t)
		l, key, devices := full(w)
		r := replace(w, l, devices[0].ID, "")
		equal(t, [2]int{1, 1}, taken(w, l))
		equal(t, verdict.NotActivated, answer(t, w.Licensing.Validate, client, apptest.Call(key, "old")).Verdict.Code)
		equal(t, verdict.LimitReached, answer(t, w.Licensing.Activate, client, apptest.Call(key, "third")).Verdict.Code)
		equal(t, verdict.LimitReached, answer(t, w.Licensing.Activate, client, apptest.Call(key, "old")).Verdict.Code)
		a := answer(t, w.Licensing.Activate, client, claimed(key, "new", strings.ToLower(code(w, owner, r))))
		equal(t, true, a.Verdict.Valid)
		equal(t, [2]int{2, 0}, taken(w, l))
		swap, err := w.Licensing.Swap(t.Context(), owner, r.ID)
		w.Must(err)
		equal(t, license.ReservationUsed, swap.State)
		equal(t, "", swap.Code)
		equal(t, a.Activation.ID, swap.Arrived.ID)
		equal(t, "old", swap.Retired.Identifier)
		equal(t, types(event.LicenseCreated, event.LicenseAssigned, event.LicenseActivated, event.ActivationCreated, event.ActivationCreated,
			event.ActivationDeactivated, event.SeatReserved, event.ActivationCreated), w.EventTypes(l))
		equal(t, string(license.Swapped), w.Events(l)[5].Reason)
	})
	t.Run("a code is good once, and for its license", func(t *testing.T) {
		w := w.In(t)
		l, key, devices := full(w)
		_, otherKey, _ := full(w)
		spent := code(w, owner, replace(w, l, devices[0].ID, ""))
		equal(t, verdict.LimitReached, answer(t, w.Licensing.Activate, client, claimed(otherKey, "new", spent)).Verdict.Code)
		equal(t, true, answer(t, w.Licensing.Activate, client, claimed(key, "new", spent)).Verdict.Valid)
		again := answer(t, w.Licensing.Activate, client, claimed(key, "newer", spent))
		check, _ := again.Verdict.Check(verdict.LimitReached)
		equal(t, verdict.ClaimRefused, check.Reason)
		equal(t, true, answer(t, w.Licensing.Activate, client, claimed(key, "new", spent)).Verdict.Valid) // a retry
		equal(t, [2]int{2, 0}, taken(w, l))
	})
	t.Run("at the deadline the seat is free for all", func(t *testing.T) {
		w := w.In(t)
		l, key, devices := full(w)
		r := replace(w, l, devices[0].ID, "")
		late := code(w, owner, r)
		w.Clock.Add(license.ReservedFor - time.Microsecond)
		equal(t, verdict.LimitReached, answer(t, w.Licensing.Activate, client, apptest.Call(key, "third")).Verdict.Code)
		w.Clock.Add(time.Microsecond)
		equal(t, [2]int{1, 0}, taken(w, l))
		w.Activate(p, key, "third")
		equal(t, verdict.LimitReached, answer(t, w.Licensing.Activate, client, claimed(key, "new", late)).Verdict.Code)
		swap, err := w.Licensing.Swap(t.Context(), owner, r.ID)
		w.Must(err)
		equal(t, license.ReservationExpired, swap.State)
		equal(t, "", swap.Code)
	})
	t.Run("the device that was refused is let in without a code", func(t *testing.T) {
		w := w.In(t)
		l, key, devices := full(w)
		answer(t, w.Licensing.Activate, client, apptest.Call(key, "Lena"))
		detail, err := w.Licensing.Detail(t.Context(), owner, l.ID)
		w.Must(err)
		r := replace(w, l, devices[1].ID, detail.Attempts[0].ID)
		equal(t, "Lena", r.Identifier)
		equal(t, verdict.LimitReached, answer(t, w.Licensing.Activate, client, apptest.Call(key, "third")).Verdict.Code)
		swap, err := w.Licensing.Swap(t.Context(), owner, r.ID)
		w.Must(err)
		equal(t, "", swap.Code)
		_, err = w.Licensing.Replace(t.Context(), owner, licensing.Replacement{LicenseID: l.ID, Retire: devices[0].ID, Attempt: detail.Attempts[0].ID})
		refusedAs(t, err, fault.Conflict, "already_reserved")
		w.Activate(p, key, " lena ")
		_, err = w.Licensing.Replace(t.Context(), owner, licensing.Replacement{LicenseID: l.ID, Retire: devices[0].ID, Attempt: detail.Attempts[0].ID})
		refusedAs(t, err, fault.Conflict, "already_activated")
		equal(t, [2]int{2, 0}, taken(w, l))
	})
	t.Run("a reserved seat is taken even where another is free", func(t *testing.T) {
		w := w.In(t)
		l, key, devices := full(w)
		r := replace(w, l, devices[0].ID, "")
		_, err := w.Licensing.Free(t.Context(), owner, devices[1].ID)
		w.Must(err)
		equal(t, true, answer(t, w.Licensing.Activate, client, claimed(key, "new", code(w, owner, r))).Verdict.Valid)
		equal(t, [2]int{1, 0}, taken(w, l))
	})
	t.Run("a double click makes one reservation", func(t *testing.T) { // P-ACT-18
		w := w.In(t)
		l, _, devices := full(w)
		first := replace(w, l, devices[0].ID, "")
		before := w.Events(l)
		w.Clock.Add(time.Second)
		equal(t, first, replace(w, l, devices[0].ID, ""))
		equal(t, before, w.Events(l))
		equal(t, [2]int{1, 1}, taken(w, l))
	})
	t.Run("it can be given up", func(t *testing.T) {
		w := w.In(t)
		l, key, devices := full(w)
		r := replace(w, l, devices[0].ID, "")
		for range 2 {
			w.Must(w.Licensing.Release(t.Context(), owner, r.ID))
		}
		equal(t, 1, count(w, l, event.SeatReleased))
		w.Activate(p, key, "third")
	})
	t.Run("what holds no seat has none to keep", func(t *testing.T) {
		w := w.In(t)
		l, _, devices := full(w)
		_, err := w.Licensing.Free(t.Context(), owner, devices[0].ID)
		w.Must(err)
		_, err = w.Licensing.Replace(t.Context(), owner, licensing.Replacement{LicenseID: l.ID, Retire: devices[0].ID})
		refusedAs(t, err, fault.Conflict, "already_deactivated")
		_, err = w.Licensing.Replace(t.Context(), owner, licensing.Replacement{LicenseID: l.ID})
		refusedAs(t, err, fault.Invalid, "invalid_input")
		_, err = w.Licensing.Replace(t.Context(), owner, licensing.Replacement{LicenseID: l.ID, Retire: devices[1].ID, Attempt: id.New()})
		refusedAs(t, err, fault.Conflict, "attempt_gone")
	})
	t.Run("it is the owner's alone, and not a viewer's", func(t *testing.T) { // P-ACT-21
		w := w.In(t)
		l, _, devices := full(w)
		stranger, viewer := apptest.Owner(w.Customer("Eve")), apptest.SignedIn(c, account.Viewer)
		foreign, _, _ := full(w)
		in := licensing.Replacement{LicenseID: l.ID, Retire: devices[0].ID}
		_, err := w.Licensing.Replace(t.Context(), stranger, in)
		refusedAs(t, err, fault.NotFound, "not_found")
		_, err = w.Licensing.Replace(t.Context(), viewer, in)
		refusedAs(t, err, fault.Forbidden, "role_too_low")
		_, err = w.Licensing.Replace(t.Context(), owner, licensing.Replacement{LicenseID: foreign.ID, Retire: devices[0].ID})
		refusedAs(t, err, fault.NotFound, "not_found")
		equal(t, [2]int{2, 0}, taken(w, l))
		r := replace(w, l, devices[0].ID, "")
		_, err = w.Licensing.Swap(t.Context(), stranger, r.ID)
		refusedAs(t, err, fault.NotFound, "not_found")
		refusedAs(t, w.Licensing.Release(t.Context(), stranger, r.ID), fault.NotFound, "not_found")
		refusedAs(t, w.Licensing.Release(t.Context(), viewer, r.ID), fault.Forbidden, "role_too_low")
		swap, err := w.Licensing.Swap(t.Context(), viewer, r.ID)
		w.Must(err)
		equal(t, "", swap.Code)
	})
}

// P-ACT-25, U-05: the policy counts what people of the customer do, says so
// before, and refuses what is beyond it.
func TestSwapPolicy(t *testing.T) {
	w := apptest.New(t)
	p := w.Product("editor", func(p *license.Product, _ *license.Generator) {
		p.Swaps = license.SwapPolicy{Allowed: 2, Period: 30 * apptest.Day, CoolDown: time.Hour}
	})
	c := w.Customer("Ada")
	l, key := w.License(p, c)
	_, otherKey := w.License(p, c)
	owner := apptest.Owner(c)
	a := w.Activate(p, key, "1", "2", "3", "4", "5")
	other := w.Activate(p, otherKey, "1")[0]
	device := func(wanted id.ID) licensing.Device {
		t.Helper()
		d, err := w.Licensing.Device(t.Context(), owner, wanted)
		w.Must(err)
		return d
	}
	answer(t, w.Licensing.Deactivate, apptest.Client(p), apptest.Call(key, "5")) // by the device itself: not counted
	equal(t, 2, device(a[0].ID).Swaps.Left)

	_, err := w.Licensing.Lose(t.Context(), owner, a[0].ID)
	w.Must(err)
	equal(t, 1, device(a[1].ID).Swaps.Left)
	refusedAs(t, device(a[1].ID).Refusal, fault.Conflict, "swap_cooling_down")
	_, err = w.Licensing.Free(t.Context(), owner, a[1].ID)
	refusedAs(t, err, fault.Conflict, "swap_cooling_down")
	_, err = w.Licensing.Free(t.Context(), owner, a[0].ID) // again: changes nothing, and is no change
	w.Must(err)
	equal(t, nil, device(other.ID).Refusal) // each license has its own

	w.Clock.Add(time.Hour)
	_, err = w.Licensing.FreeAll(t.Context(), owner, l.ID, "3")
	refusedAs(t, err, fault.Conflict, "swaps_too_few")
	r, err := w.Licensing.Replace(t.Context(), owner, licensing.Replacement{LicenseID: l.ID, Retire: a[1].ID})
	w.Must(err)
	equal(t, a[1].ID, r.Retired)
	w.Clock.Add(time.Hour)
	_, err = w.Licensing.Replace(t.Context(), owner, licensing.Replacement{LicenseID: l.ID, Retire: a[2].ID})
	refusedAs(t, err, fault.Conflict, "swaps_used_up")
	equal(t, event.DeactivationRefused, w.EventTypes(l)[len(w.Events(l))-1])
	equal(t, apptest.Start.Add(30*apptest.Day).Truncate(time.Microsecond), device(a[2].ID).Swaps.NextAt)
	list, err := w.Licensing.Devices(t.Context(), owner, licensing.DeviceQuery{LicenseID: l.ID})
	w.Must(err)
	equal(t, 0, list.Rows[0].Swaps.Left)

	w.Clock.Set(apptest.Start.Add(30 * apptest.Day))
	_, err = w.Licensing.Free(t.Context(), owner, a[2].ID)
	w.Must(err)
}

// U-01: nothing is needed from a device that is gone.
func TestLose(t *testing.T) {
	w := apptest.New(t)
	p, c := w.Product("editor"), w.Customer("Ada")
	l, key := w.License(p, c)
	a := w.Activate(p, key, "stolen")[0]
	for range 2 {
		d, err := w.Licensing.Lose(t.Context(), apptest.Owner(c), a.ID)
		w.Must(err)
		equal(t, license.Lost, d.Activation.EndReason)
	}
	last := w.Events(l)[len(w.Events(l))-1]
	equal(t, event.ActivationDeactivated, last.Type)
	equal(t, "lost", last.Reason)
	equal(t, 1, count(w, l, event.ActivationDeactivated))
	_, err := w.Licensing.Lose(t.Context(), apptest.Owner(w.Customer("Eve")), a.ID)
	refusedAs(t, err, fault.NotFound, "not_found")
}

func TestFreeAll(t *testing.T) {
	w := apptest.New(t)
	p, c := w.Product("editor"), w.Customer("Ada")
	l, key := w.License(p, c)
	other, otherKey := w.License(p, c)
	w.Activate(p, key, "1", "2", "3")
	w.Activate(p, otherKey, "1")
	owner := apptest.Owner(c)
	free := func(by account.Actor, typed string) error {
		_, err := w.Licensing.FreeAll(t.Context(), by, l.ID, typed)
		return err
	}
	for _, typed := range []string{"", "2", "yes", "Product viewer"} {
		refusedAs(t, free(owner, typed), fault.Invalid, "not_confirmed")
	}
	refusedAs(t, free(apptest.SignedIn(c, account.Viewer), "3"), fault.Forbidden, "role_too_low")
	refusedAs(t, free(apptest.Owner(w.Customer("Eve")), "3"), fault.NotFound, "not_found")
	_, err := suspend(w, l)
	w.Must(err)
	refusedAs(t, free(owner, "3"), fault.Conflict, "activation_suspended")
	_, err = reinstate(w, l)
	w.Must(err)
	equal(t, [2]int{3, 0}, taken(w, l))

	w.Must(free(owner, "product editor"))
	equal(t, [2]int{0, 0}, taken(w, l))
	equal(t, [2]int{1, 0}, taken(w, other))
	var used []int
	for _, e := range w.Events(l) {
		if e.Type == event.ActivationDeactivated {
			used = append(used, *e.Data.Used)
		}
	}
	equal(t, []int{2, 1, 0}, used)
	before := w.Events(l)
	w.Must(free(owner, "3")) // a double click
	equal(t, before, w.Events(l))
}

// P-ACT-24, U-04
func TestRename(t *testing.T) {
	w := apptest.New(t)
	p, c := w.Product("editor"), w.Customer("Ada")
	l, key := w.License(p, c)
	a := w.Activate(p, key, "HW-1")[0]
	owner := apptest.Owner(c)
	rename := func(label string) {
		t.Helper()
		_, err := w.Licensing.Rename(t.Context(), owner, a.ID, label)
		w.Must(err)
	}
	found := func(search string) []string {
		t.Helper()
		list, err := w.Licensing.Devices(t.Context(), owner, licensing.DeviceQuery{Search: search, Status: license.ActivationActive})
		w.Must(err)
		return identifiers(list)
	}
	rename(" Front desk ")
	rename("Front desk") // once more changes nothing
	equal(t, 1, count(w, l, event.ActivationRenamed))
	if data := fmt.Sprint(w.Events(l)); strings.Contains(data, "Front desk") {
		t.Error("the name is in an event")
	}
	equal(t, []string{"HW-1"}, found("FRONT"))
	equal(t, []string{"HW-1"}, found("name of hw-1"))

	_, err := w.Licensing.Free(t.Context(), owner, a.ID)
	w.Must(err)
	back := w.Activate(p, key, "hw-1")[0]
	equal(t, "Front desk", back.Label)
	equal(t, "Name of hw-1", back.Name)
	rename("")
	equal(t, nil, found("front"))

	_, err = w.Licensing.Rename(t.Context(), owner, a.ID, strings.Repeat("x", 81))
	refusedAs(t, err, fault.Invalid, "invalid_input")
	_, err = w.Licensing.Rename(t.Context(), apptest.SignedIn(c, account.Viewer), a.ID, "x")
	refusedAs(t, err, fault.Forbidden, "role_too_low")
	_, err = w.Licensing.Rename(t.Context(), apptest.Owner(w.Customer("Eve")), a.ID, "x")
	refusedAs(t, err, fault.NotFound, "not_found")
}

// The link in a refusal leads its license's people to the refused device, for
// a day.
func TestHelpLink(t *testing.T) {
	w := apptest.New(t)
	p, c := w.Product("editor"), w.Customer("Ada")
	l, key := w.License(p, c, limited(1))
	w.Activate(p, key, "old")
	call := apptest.Call(key, strings.Repeat("<", 255))
	call.Device.Name = ""
	refused := answer(t, w.Licensing.Activate, apptest.Client(p), call)
	href := refused.Verdict.FixesFor(verdict.LimitReached)[0].Href
	if strings.Contains(href, key) || strings.Contains(href, string(l.ID)) || len(href) > 400 {
		t.Errorf("the link is %s", href)
	}
	text := strings.TrimPrefix(href, apptest.BaseURL+"/help/")
	owner := apptest.Owner(c)
	help, err := w.Licensing.OpenHelp(t.Context(), owner, text)
	w.Must(err)
	detail, err := w.Licensing.Detail(t.Context(), owner, l.ID)
	w.Must(err)
	equal(t, licensing.Help{LicenseID: l.ID, Attempt: detail.Attempts[0].ID}, help)

	_, err = w.Licensing.OpenHelp(t.Context(), apptest.Owner(w.Customer("Eve")), text)
	refusedAs(t, err, fault.NotFound, "not_found")
	for _, bad := range []string{"", "x", text[1:], text[:len(text)-2] + "AA", strings.Repeat("A", 5000)} {
		_, err = w.Licensing.OpenHelp(t.Context(), owner, bad)
		refusedAs(t, err, fault.NotFound, "link_unusable")
	}
	w.Clock.Add(24*time.Hour - time.Second)
	_, err = w.Licensing.OpenHelp(t.Context(), owner, text)
	w.Must(err)
	w.Clock.Add(time.Second)
	_, err = w.Licensing.OpenHelp(t.Context(), owner, text)
	refusedAs(t, err, fault.NotFound, "link_unusable")
}

// Never two seats and never none, however many swap at the same time.
func TestSwapContention(t *testing.T) {
	for name, world := range map[string]func(testing.TB) *apptest.World{"SQLite": apptest.New, "PostgreSQL": apptest.NewPostgres} {
		t.Run(name, func(t *testing.T) {
			w := world(t)
			p, c := w.Product("editor"), w.Customer("Ada")
			t.Run("a code let 32 devices in", func(t *testing.T) { oneCode(w.In(t), p, c) })
			t.Run("one device replaced 32 times", func(t *testing.T) { oneReplacement(w.In(t), p, c) })
			t.Run("a thousand swaps, forty at a time", func(t *testing.T) { swapStorm(w.In(t), p, c) })
		})
	}
}

func oneCode(w *apptest.World, p license.Product, c account.Customer) {
	l, key := w.License(p, c, limited(3))
	a := w.Activate(p, key, "1", "2", "3")
	owner := apptest.Owner(c)
	r, err := w.Licensing.Replace(w.Context(), owner, licensing.Replacement{LicenseID: l.ID, Retire: a[0].ID})
	w.Must(err)
	right, client := code(w, owner, r), apptest.Client(p)
	var got atomic.Int32
	together(32, func(i int) {
		a, err := w.Licensing.Activate(w.Context(), client, claimed(key, fmt.Sprint("new-", i), right))
		if err != nil {
			w.Error(err)
		} else if a.Verdict.Valid {
			got.Add(1)
		}
	})
	equal(w, 1, got.Load())
	equal(w, [2]int{3, 0}, taken(w, l))
}

func oneReplacement(w *apptest.World, p license.Product, c account.Customer) {
	l, key := w.License(p, c, limited(3))
	a := w.Activate(p, key, "1", "2", "3")
	owner := apptest.Owner(c)
	var made sync.Map
	together(32, func(int) {
		r, err := w.Licensing.Replace(w.Context(), owner, licensing.Replacement{LicenseID: l.ID, Retire: a[0].ID})
		if err != nil {
			w.Error(err)
		}
		made.Store(r.ID, true)
	})
	n := 0
	made.Range(func(any, any) bool { n++; return true })
	equal(w, 1, n)
	equal(w, [2]int{2, 1}, taken(w, l))
	equal(w, 1, count(w, l, event.SeatReserved))
}

// swapStorm has forty people make a thousand swaps of the seats of one license,
// each followed by an activation with its code, while others try to get in
// between, and counts the seats after each.
func swapStorm(w *apptest.World, p license.Product, c account.Customer) {
	const people, each = 40, 25
	l, key := w.License(p, c, limited(people))
	var first []string
	for i := range people {
		first = append(first, fmt.Sprint("first-", i))
	}
	devices := w.Activate(p, key, first...)
	together(people, func(i int) {
		for n := range each {
			devices[i] = swapOnce(w, l, p, c, key, fmt.Sprint("new-", i, "-", n), devices[i])
			if got := taken(w, l); got[0]+got[1] != people {
				w.Errorf("%d seats are held and %d kept", got[0], got[1])
			}
		}
	})
	equal(w, [2]int{people, 0}, taken(w, l))
	happened := map[event.Type]int{}
	events, err := w.Store.LicenseEvents(w.Context(), l.ID, 10*people*each)
	w.Must(err)
	for _, e := range events {
		happened[e.Type]++
	}
	equal(w, people*each, happened[event.SeatReserved])
	equal(w, people*each, happened[event.ActivationDeactivated])
	equal(w, people*each+people, happened[event.ActivationCreated])
}

// swapOnce replaces a device by a newcomer, which it returns.
func swapOnce(w *apptest.World, l license.License, p license.Product, c account.Customer, key, newcomer string, retire license.Activation) license.Activation {
	owner, client := apptest.Owner(c), apptest.Client(p)
	made, err := w.Licensing.Replace(w.Context(), owner, licensing.Replacement{LicenseID: l.ID, Retire: retire.ID})
	if err != nil {
		w.Error(err)
		return retire
	}
	if strings.HasSuffix(newcomer, "0") {
		if a, err := w.Licensing.Activate(w.Context(), client, apptest.Call(key, "without "+newcomer)); err != nil || a.Verdict.Valid {
			w.Errorf("without a code: %s (%v)", a.Verdict.Code, err)
		}
	}
	a, err := w.Licensing.Activate(w.Context(), client, claimed(key, newcomer, code(w, owner, made)))
	if err != nil || !a.Verdict.Valid {
		w.Errorf("with its code: %s (%v)", a.Verdict.Code, err)
		return retire
	}
	return *a.Activation
}

// Whoever has only the key cannot guess the code of a reserved seat, nor spoil
// it for its owner.
func TestGuesses(t *testing.T) {
	for name, world := range map[string]func(testing.TB) *apptest.World{"SQLite": apptest.New, "PostgreSQL": apptest.NewPostgres} {
		t.Run(name, func(t *testing.T) { guessedAt(world(t)) })
	}
}

func guessedAt(w *apptest.World) {
	p, c := w.Product("editor"), w.Customer("Ada")
	l, key := w.License(p, c, limited(2))
	devices := w.Activate(p, key, "old", "other")
	r, err := w.Licensing.Replace(w.Context(), apptest.Owner(c), licensing.Replacement{LicenseID: l.ID, Retire: devices[0].ID})
	w.Must(err)
	right := code(w, apptest.Owner(c), r)
	from := func(network string) account.Actor {
		client := apptest.Client(p)
		client.Address = netip.MustParseAddr(network)
		return client
	}
	activate := func(network, device, code string) verdict.Code {
		return answer(w, w.Licensing.Activate, from(network), claimed(key, device, code)).Verdict.Code
	}
	for range 2 * license.MaxGuesses {
		equal(w, verdict.LimitReached, activate("2001:db8::1", "thief", "AAAA-AAAA"))
	}
	equal(w, verdict.LimitReached, activate("2001:db8::2", "thief", right)) // of the same network
	kept, err := w.Store.Reservation(w.Context(), r.ID)
	w.Must(err)
	equal(w, license.MaxGuesses, kept.Claims)

	guessAll := func(n int) { // from everywhere
		w.Tx(func(ctx context.Context, tx *store.Tx) error {
			for range n {
				if err := tx.CountClaim(ctx, l.ID, w.Clock.Now()); err != nil {
					return err
				}
			}
			return nil
		})
	}
	guessAll(license.MaxClaims - license.MaxGuesses - 1)
	equal(w, verdict.Valid, activate("192.0.2.1", "new", right))
	equal(w, [2]int{2, 0}, taken(w, l))

	r, err = w.Licensing.Replace(w.Context(), apptest.Owner(c), licensing.Replacement{LicenseID: l.ID, Retire: devices[1].ID})
	w.Must(err)
	right = code(w, apptest.Owner(c), r)
	guessAll(license.MaxClaims - 1)
	equal(w, verdict.LimitReached, activate("192.0.2.2", "thief", "AAAA-AAAA"))
	equal(w, verdict.LimitReached, activate("192.0.2.1", "newer", right))
	swap, err := w.Licensing.Swap(w.Context(), apptest.Owner(c), r.ID)
	w.Must(err)
	equal(w, true, swap.Reservation.Dead())
}
