package licensing_test

import (
	"fmt"
	"slices"
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
	"github.com/keyward/keyward/licensefile"
	"github.com/keyward/keyward/verdict"
)

func allowOffline(p *license.Product, _ *license.Generator) { p.OfflineAllowed = true }

// requestOf is the request of a device, made by the library that ships with software.
func requestOf(t testing.TB, product id.ID, device, nonce string) string {
	t.Helper()
	line, err := licensefile.OfflineRequest{
		Product: string(product), Device: licensefile.Device{ID: device, Name: "Name of " + device, Kind: "hardware"},
		Nonce: nonce + strings.Repeat("0", 16), MadeAt: apptest.Start,
	}.Line()
	if err != nil {
		t.Fatal(err)
	}
	return line
}

func keysOf(w *apptest.World, p license.Product) licensefile.KeySet {
	w.Helper()
	ring, err := w.Store.SigningKeys(w.Context(), p.ID)
	w.Must(err)
	keys, err := ring.KeySet()
	w.Must(err)
	return keys
}

// opened is a file as its device reads it.
func opened(w *apptest.World, actor account.Actor, p license.Product, f license.OfflineFile) *licensefile.Offline {
	w.Helper()
	text, err := w.Licensing.OfflineText(w.Context(), actor, f.LicenseID, f.ID)
	w.Must(err)
	o, err := licensefile.ParseOffline(text.Text, keysOf(w, p))
	w.Must(err)
	return o
}

// P-LICD-18: from request to verdict without a network, and back.
func TestOfflineRoundTrip(t *testing.T) {
	w := apptest.New(t)
	p, c := w.Product("editor", allowOffline), w.Customer("Acme")
	l, _ := w.License(p, c)
	owner, ctx := apptest.Owner(c), t.Context()
	request := requestOf(t, p.ID, "HW-1", "a")

	wish, err := w.Licensing.ReadOffline(ctx, owner, l.ID, request)
	if err != nil || !wish.Verdict.Valid || wish.Held || wish.Device.Identifier != "HW-1" || !wish.ValidUntil.Equal(apptest.Start.Add(90*apptest.Day).Truncate(time.Second)) {
		t.Fatalf("got %+v (%v)", wish, err)
	}
	if n := len(w.Events(l)); n != 2 {
		t.Errorf("reading a request left %d events", n-2)
	}
	f, err := w.Licensing.IssueOffline(ctx, owner, l.ID, request)
	w.Must(err)
	again, err := w.Licensing.IssueOffline(ctx, owner, l.ID, request)
	if err != nil || again.ID != f.ID {
		t.Errorf("a second click got %s, want %s (%v)", again.ID, f.ID, err)
	}
	o := opened(w, owner, p, f)
	here := licensefile.Situation{Product: string(p.ID), Device: "HW-1"}
	if v := o.Verify(apptest.Start, here); !v.Valid {
		t.Errorf("on its device: %s", v.Code)
	}
	here.Device = "HW-2"
	if v := o.Verify(apptest.Start, here); v.Code != verdict.NotActivated {
		t.Errorf("on another device: %s", v.Code)
	}
	want := []event.Type{event.LicenseCreated, event.LicenseAssigned, event.LicenseActivated, event.ActivationCreated, event.OfflineIssued}
	if got := w.EventTypes(l); !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}

	t.Run("a newer file replaces the one of the same device", func(t *testing.T) {
		w := w.In(t)
		newer, err := w.Licensing.IssueOffline(ctx, owner, l.ID, requestOf(t, p.ID, "HW-1", "b"))
		w.Must(err)
		list, err := w.Licensing.OfflineFiles(ctx, owner, l.ID)
		if err != nil || list.Used != 1 || list.Out != 1 || len(list.Files) != 2 || list.Files[1].ReturnReason != license.FileSuperseded {
			t.Errorf("got %+v (%v)", list, err)
		}
		_, err = w.Licensing.OfflineText(ctx, owner, l.ID, f.ID)
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("the replaced one is given out: %v", err)
		}
		f = newer
	})
	t.Run("a wrong return code changes nothing", func(t *testing.T) {
		_, err := w.Licensing.ReturnOffline(ctx, owner, l.ID, f.ID, licensing.OfflineReturn{Code: "AAAA-AAAA-AAAA"})
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("returned with the device's code, its seat is free", func(t *testing.T) {
		w := w.In(t)
		how := licensing.OfflineReturn{Code: opened(w, owner, p, f).ReturnCode()}
		for range 2 {
			got, err := w.Licensing.ReturnOffline(ctx, owner, l.ID, f.ID, how)
			if err != nil || got.ReturnReason != license.FileReturned {
				t.Fatalf("got %+v (%v)", got, err)
			}
		}
		list, err := w.Licensing.OfflineFiles(ctx, owner, l.ID)
		if err != nil || list.Used != 0 || list.Out != 0 {
			t.Errorf("%d seats, %d files (%v)", list.Used, list.Out, err)
		}
		types := w.EventTypes(l)
		if got := types[len(types)-2:]; !slices.Equal(got, []event.Type{event.ActivationDeactivated, event.OfflineReturned}) {
			t.Errorf("events %v", got)
		}
	})
}

// A file never outlives its license, whatever the product allows.
func TestOfflineFileEndsWithItsLicense(t *testing.T) {
	w := apptest.New(t)
	p, c := w.Product("editor", allowOffline, func(_ *license.Product, g *license.Generator) { g.ValidityDays = 10 }), w.Customer("Acme")
	l, _ := w.License(p, c)
	f, err := w.Licensing.IssueOffline(t.Context(), apptest.Owner(c), l.ID, requestOf(t, p.ID, "HW-1", "a"))
	w.Must(err)
	if o := opened(w, apptest.Owner(c), p, f); o.ValidUntil.After(l.EndsAt()) || o.EndsAt == nil {
		t.Errorf("it lasts until %s, the license until %s", o.ValidUntil, l.EndsAt())
	}
}

// Check 21: not allowed, or all files in use; a lost one counts until its end.
func TestOfflineFilesAreCounted(t *testing.T) {
	w := apptest.New(t)
	p, c := w.Product("editor", allowOffline), w.Customer("Acme")
	l, _ := w.License(p, c)
	owner, ctx := apptest.Owner(c), t.Context()
	issue := func(device string) (license.OfflineFile, error) {
		return w.Licensing.IssueOffline(ctx, owner, l.ID, requestOf(t, p.ID, device, device))
	}
	var first license.OfflineFile
	for i := range 5 {
		f, err := issue(fmt.Sprintf("HW-%d", i))
		w.Must(err)
		if i == 0 {
			first = f
		}
	}
	if _, err := issue("HW-6"); fault.From(err).Code != string(verdict.LimitReached) {
		t.Errorf("a sixth seat: %v", err)
	}
	for range 2 {
		_, err := w.Licensing.ReturnOffline(ctx, owner, l.ID, first.ID, licensing.OfflineReturn{Lost: true})
		w.Must(err)
	}
	if _, err := issue("HW-7"); fault.From(err).Code != string(verdict.OfflineNotAllowed) {
		t.Errorf("a sixth file: %v", err)
	}
	list, err := w.Licensing.OfflineFiles(ctx, owner, l.ID)
	if err != nil || list.Used != 4 || list.Out != 5 || list.Verdict.Code != verdict.OfflineNotAllowed {
		t.Errorf("%d seats, %d files, %s (%v)", list.Used, list.Out, list.Verdict.Code, err)
	}
	attempts, err := w.Store.Attempts(ctx, l.ID, 5)
	if err != nil || len(attempts) != 2 || attempts[0].Code != verdict.OfflineNotAllowed {
		t.Errorf("the owner sees %+v (%v)", attempts, err)
	}
	w.Clock.Add(91 * apptest.Day)
	if _, err := issue("HW-8"); err != nil {
		t.Errorf("after their end: %v", err)
	}
}

func TestOfflineIsRefused(t *testing.T) {
	w := apptest.New(t)
	c, other := w.Customer("Acme"), w.Customer("Other")
	allowed, not := w.Product("editor", allowOffline), w.Product("viewer")
	l, _ := w.License(allowed, c)
	closed, _ := w.License(not, c)
	f, err := w.Licensing.IssueOffline(t.Context(), apptest.Owner(c), l.ID, requestOf(t, allowed.ID, "HW-1", "a"))
	w.Must(err)
	for name, do := range map[string]struct {
		actor   account.Actor
		license id.ID
		text    string
		want    fault.Kind
		code    string
	}{
		"a product that does not allow it": {apptest.Owner(c), closed.ID, requestOf(t, not.ID, "HW-1", "b"), fault.Conflict, "offline_not_allowed"},
		"a request of another product":     {apptest.Owner(c), l.ID, requestOf(t, not.ID, "HW-1", "c"), fault.Conflict, "product_mismatch"},
		"no request":                       {apptest.Owner(c), l.ID, "hello", fault.Invalid, "request_unreadable"},
		"a viewer":                         {apptest.SignedIn(c, account.Viewer), l.ID, requestOf(t, allowed.ID, "HW-2", "d"), fault.Forbidden, "role_too_low"},
		"another customer":                 {apptest.Owner(other), l.ID, requestOf(t, allowed.ID, "HW-3", "e"), fault.NotFound, ""},
		"staff":                            {apptest.Staff(), l.ID, requestOf(t, allowed.ID, "HW-4", "f"), fault.Forbidden, "not_a_customer"},
	} {
		_, err := w.Licensing.IssueOffline(t.Context(), do.actor, do.license, do.text)
		if !fault.Is(err, do.want) || do.code != "" && fault.From(err).Code != do.code {
			t.Errorf("%s: got %v", name, err)
		}
	}
	stranger := apptest.Owner(other)
	_, text := w.Licensing.OfflineText(t.Context(), stranger, l.ID, f.ID)
	_, _, page := w.Licensing.OfflineFile(t.Context(), stranger, l.ID, f.ID)
	_, files := w.Licensing.OfflineFiles(t.Context(), stranger, l.ID)
	_, back := w.Licensing.ReturnOffline(t.Context(), stranger, l.ID, f.ID, licensing.OfflineReturn{Lost: true})
	_, wish := w.Licensing.ReadOffline(t.Context(), stranger, l.ID, requestOf(t, allowed.ID, "HW-1", "g"))
	_, foreign := w.Licensing.OfflineText(t.Context(), apptest.Owner(c), closed.ID, f.ID)
	_, none := w.Licensing.OfflineFiles(t.Context(), apptest.Owner(c), closed.ID)
	for i, err := range []error{text, page, files, back, wish, foreign, none} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%d: got %v, want not found", i, err)
		}
	}
}

// The seats of files and of activations are one count, however many ask at once.
func TestOfflineIsAtomicAtTheLimit(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *apptest.World{"SQLite": apptest.New, "PostgreSQL": apptest.NewPostgres} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			p, c := w.Product("editor", allowOffline), w.Customer("Acme")
			l, key := w.License(p, c)
			var all sync.WaitGroup
			for i := range 20 {
				all.Go(func() {
					device := fmt.Sprintf("HW-%d", i)
					var err error
					if i%2 == 0 {
						_, err = w.Licensing.IssueOffline(t.Context(), apptest.Owner(c), l.ID, requestOf(t, p.ID, device, device))
					} else {
						_, err = w.Licensing.Activate(t.Context(), apptest.Client(p), apptest.Call(key, device))
					}
					if err != nil && fault.From(err).Code != string(verdict.LimitReached) {
						t.Errorf("%s: %v", device, err)
					}
				})
			}
			all.Wait()
			if list, err := w.Licensing.OfflineFiles(t.Context(), apptest.Owner(c), l.ID); err != nil || list.Used != 5 {
				t.Errorf("%d of 5 seats (%v)", list.Used, err)
			}
		})
	}
}
