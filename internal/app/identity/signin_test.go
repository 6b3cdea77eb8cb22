package identity_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/store"
)

func TestSignIn(t *testing.T) {
	t.Run("the right password starts a session", func(t *testing.T) { // P-AUTH-03
		f := newFixture(t)
		c, p := f.owner(t, ada)
		e, err := f.signIn(t, "  ADA@Example.com ", password, "", home)
		ok(t, err)

		signed, err := f.Session(t.Context(), e.Token)
		ok(t, err)
		if signed.Person.ID != p.ID || signed.Customer.ID != c.ID || signed.Role != account.Owner || signed.Session.ID != e.Session.ID {
			t.Errorf("signed in as %+v", signed)
		}
		if signed.Person.PasswordHash != "" {
			t.Error("the password hash leaves the package")
		}
		if !signed.Person.LastSignInAt.Equal(f.now) {
			t.Errorf("last sign-in at %v", signed.Person.LastSignInAt)
		}
		if s := signed.Session; s.Address != "192.0.2.7" || s.UserAgent != "Browser/1" {
			t.Errorf("session of %q with %q", s.Address, s.UserAgent)
		}
		events := f.events(t, event.PersonSignedIn)
		if len(events) != 1 || events[0].PersonID != p.ID || events[0].CustomerID != c.ID || events[0].RequestID != "req-2" {
			t.Errorf("events %+v", events)
		}
	})
	t.Run("the token is kept as a hash only", func(t *testing.T) { // C-SEC-01
		f := newFixture(t)
		f.owner(t, ada)
		e := f.signedIn(t, ada)
		if _, err := f.store.SessionByToken(t.Context(), []byte(e.Token)); !store.IsNotFound(err) {
			t.Errorf("the session is found by its token itself (%v)", err)
		}
	})
	t.Run("whatever is wrong the answer is the same", func(t *testing.T) { // P-AUTH-09, P-AUTH-13
		f := newFixture(t)
		f.owner(t, ada)
		f.customer(t, "new@example.com") // has no password yet
		_, off := f.owner(t, "off@example.com")
		suspended, _ := f.owner(t, "suspended@example.com")
		f.change(t, func(tx *store.Tx) error {
			return errors.Join(
				tx.SetPersonStatus(t.Context(), off.ID, account.Inactive, f.now),
				tx.SetCustomerStatus(t.Context(), suspended.ID, account.Suspended, f.now))
		})
		for name, in := range map[string][2]string{
			"wrong password":     {ada, "wrong"},
			"empty password":     {ada, ""},
			"huge password":      {ada, strings.Repeat("x", 1<<20)},
			"unknown address":    {"nobody@example.com", password},
			"no address":         {"ada", password},
			"huge address":       {strings.Repeat("a", 1<<20), password},
			"no password yet":    {"new@example.com", ""},
			"person off":         {"off@example.com", password},
			"customer suspended": {"suspended@example.com", password},
		} {
			e, err := f.signIn(t, in[0], in[1], "", home)
			if got := fault.From(err); got == nil || got.Kind != fault.Unauthenticated || got.Code != "sign_in_failed" || len(got.Fields) > 0 {
				t.Errorf("%s: %v", name, err)
			}
			if diff := cmp.Diff(identity.Entry{}, e); diff != "" {
				t.Errorf("%s: an entry is given:\n%s", name, diff)
			}
		}
		if n := len(f.events(t, event.PersonSignedIn)); n != 0 {
			t.Errorf("%d events", n)
		}
	})
	t.Run("an address nobody has costs a hash too", func(t *testing.T) { // P-AUTH-13
		impossible := account.Cost{Memory: 1, Passes: 1, Threads: 1}
		f := newFixtureWith(t, identity.Deps{PersonCost: impossible})
		for _, email := range []string{"nobody@example.com", "no address"} {
			if _, err := f.signIn(t, email, password, "", home); !errors.Is(err, account.ErrPasswordHash) {
				t.Errorf("%s was answered with %v, before its hash was computed", email, err)
			}
		}
	})
	t.Run("a hash of another cost is replaced", func(t *testing.T) {
		f := newFixture(t)
		_, p := f.owner(t, ada)
		dearer := account.Cost{Memory: 16, Passes: 1, Threads: 1}
		hash, err := account.NewHasher().Hash(t.Context(), password, dearer)
		ok(t, err)
		f.change(t, func(tx *store.Tx) error { return tx.SetPassword(t.Context(), p.ID, hash, f.now) })
		f.signedIn(t, ada)
		after, err := f.store.Person(t.Context(), p.ID)
		ok(t, err)
		if after.PasswordHash == hash || !strings.Contains(after.PasswordHash, "m=8,") {
			t.Error("the hash has its old cost")
		}
		f.signedIn(t, ada)
	})
	t.Run("the first customer that is not switched off is entered", func(t *testing.T) {
		f := newFixture(t)
		first, p := f.owner(t, ada)
		second, _ := f.owner(t, "other@example.com")
		f.change(t, func(tx *store.Tx) error {
			return errors.Join(
				tx.AddMembership(t.Context(), p.ID, second.ID, account.Viewer, f.now.Add(time.Second)),
				tx.SetCustomerStatus(t.Context(), first.ID, account.Inactive, f.now))
		})
		if e := f.signedIn(t, ada); e.Session.CustomerID != second.ID {
			t.Errorf("entered %s, want %s", e.Session.CustomerID, second.ID)
		}
	})
}

func TestSignInLimits(t *testing.T) { // P-AUTH-13
	limits := identity.DefaultLimits()
	limits.SignInAddress = identity.Rate{Burst: 5, Every: time.Minute}
	limits.SignInAccount = identity.Rate{Burst: 3, Every: time.Minute}
	limits.SignInDevice = identity.Rate{Burst: 2, Every: time.Minute}
	start := func(t *testing.T) *fixture {
		f := newFixtureWith(t, identity.Deps{PersonCost: cheap(), Limits: limits})
		f.owner(t, ada)
		return f
	}
	guess := func(t *testing.T, f *fixture, n int, email, from string) (limited *fault.Error) {
		t.Helper()
		for range n {
			_, err := f.signIn(t, email, "wrong", "", originOf(from))
			if fault.Is(err, fault.Limited) {
				return fault.From(err)
			}
			wantCode(t, err, "sign_in_failed")
		}
		return nil
	}

	t.Run("one address is slowed down over many accounts", func(t *testing.T) {
		f := start(t)
		for i := range 5 {
			if e := guess(t, f, 1, string(rune('a'+i))+"@example.com", "203.0.113.5"); e != nil {
				t.Fatalf("limited at attempt %d", i)
			}
		}
		e := guess(t, f, 1, "z@example.com", "203.0.113.5")
		if e == nil || e.RetryAfter != time.Minute {
			t.Fatalf("the sixth attempt got %v", e)
		}
		if guess(t, f, 1, "z@example.com", "203.0.113.6") != nil {
			t.Error("another address waits too")
		}
		f.pass(time.Minute)
		if guess(t, f, 1, "z@example.com", "203.0.113.5") != nil {
			t.Error("the wait does not end")
		}
	})
	t.Run("a whole IPv6 site is one address", func(t *testing.T) {
		f := start(t)
		for i := range 5 {
			guess(t, f, 1, string(rune('a'+i))+"@example.com", "2001:db8:1:1::"+string(rune('1'+i)))
		}
		if guess(t, f, 1, "z@example.com", "2001:db8:1:1:ffff::1") == nil {
			t.Error("another address of the site is not limited")
		}
	})
	t.Run("accounts that exist and those that do not are limited alike", func(t *testing.T) {
		f := start(t)
		for _, email := range []string{ada, "nobody@example.com"} {
			for i := range 4 {
				limited := guess(t, f, 1, email, "203.0.113."+string(rune('1'+i))) != nil
				if want := i == 3; limited != want {
					t.Errorf("%s, attempt %d: limited %v", email, i+1, limited)
				}
			}
			f.pass(10 * time.Minute)
		}
	})
	t.Run("guessing from elsewhere does not lock out the owner's browser", func(t *testing.T) {
		f := start(t)
		device := f.signedIn(t, ada).KnownDevice
		f.pass(10 * time.Minute)
		guess(t, f, 9, ada, "203.0.113.5")
		if _, err := f.signIn(t, ada, password, "", away); !fault.Is(err, fault.Limited) {
			t.Fatalf("the account is not under attack: %v", err)
		}
		e, err := f.signIn(t, ada, password, device, home)
		ok(t, err)
		if e.KnownDevice == "" {
			t.Error("the browser is forgotten")
		}
	})
	t.Run("nor one in which a mailed link was just used", func(t *testing.T) {
		f := start(t)
		_, p := f.owner(t, "bob@example.com")
		guess(t, f, 9, "bob@example.com", "203.0.113.5")
		choice, err := f.SetPassword(t.Context(), f.mint(t, p.ID, account.Reset), account.Reset, "another good choice", away)
		ok(t, err)
		_, err = f.signIn(t, "bob@example.com", "another good choice", choice.KnownDevice, away)
		ok(t, err)
	})
	t.Run("a known browser has a limit of its own", func(t *testing.T) {
		f := start(t)
		device := f.signedIn(t, ada).KnownDevice
		for range 2 {
			_, err := f.signIn(t, ada, "wrong", device, home)
			wantCode(t, err, "sign_in_failed")
		}
		_, err := f.signIn(t, ada, password, device, home)
		wantCode(t, err, "too_many_attempts")
	})
	t.Run("a known browser of one account is none of another", func(t *testing.T) {
		f := start(t)
		f.owner(t, "eve@example.com")
		device := f.signedIn(t, "eve@example.com").KnownDevice
		guess(t, f, 9, ada, "203.0.113.5")
		_, err := f.signIn(t, ada, password, device, away)
		wantCode(t, err, "too_many_attempts")
	})
	t.Run("a changed or old text is no known browser", func(t *testing.T) {
		f := start(t)
		device := f.signedIn(t, ada).KnownDevice
		f.pass(10 * time.Minute)
		guess(t, f, 9, ada, "203.0.113.5")
		for _, text := range []string{"x" + device, device + "x", strings.Repeat(device, 3), "..", "a.b.c"} {
			_, err := f.signIn(t, ada, password, text, away)
			wantCode(t, err, "too_many_attempts")
		}
		f.pass(identity.KnownDeviceLife)
		guess(t, f, 9, ada, "203.0.113.5")
		_, err := f.signIn(t, ada, password, device, away)
		wantCode(t, err, "too_many_attempts")
	})
	t.Run("servers on the same records count together", func(t *testing.T) {
		f := start(t)
		other := &fixture{Service: identity.New(f.Deps), store: f.store}
		guess(t, f, 2, ada, "203.0.113.5")
		guess(t, other, 1, ada, "203.0.113.6")
		for _, server := range []*fixture{f, other} {
			if guess(t, server, 1, ada, "203.0.113.7") == nil {
				t.Error("a fourth attempt at the account")
			}
		}
	})
}
