package identity_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
)

func originOf(address string) identity.Origin {
	return identity.Origin{RequestID: "req-4", Address: netip.MustParseAddr(address)}
}

func actorOf(t *testing.T, f *fixture, token string) account.Actor {
	t.Helper()
	signed, err := f.Session(t.Context(), token)
	ok(t, err)
	return signed.Actor("req-5", home.Address)
}

func TestSession(t *testing.T) {
	ended := func(t *testing.T, f *fixture, token string) {
		t.Helper()
		_, err := f.Session(t.Context(), token)
		wantCode(t, err, "not_signed_in")
	}
	start := func(t *testing.T) (*fixture, account.Customer, account.Person, string) {
		f := newFixture(t)
		c, p := f.owner(t, ada)
		return f, c, p, f.signedIn(t, ada).Token
	}

	t.Run("what is no token is not signed in", func(t *testing.T) {
		f, _, _, token := start(t)
		for _, text := range []string{"", "x", token + "x", strings.Repeat("x", 1<<20)} {
			ended(t, f, text)
		}
	})
	t.Run("it ends when it is not used for long", func(t *testing.T) {
		f, _, _, token := start(t)
		f.pass(account.SessionIdle - time.Second)
		_, err := f.Session(t.Context(), token)
		ok(t, err)
		f.pass(account.SessionIdle - time.Second) // counted from the last use
		_, err = f.Session(t.Context(), token)
		ok(t, err)
		f.pass(account.SessionIdle)
		ended(t, f, token)
	})
	t.Run("it ends at all", func(t *testing.T) {
		f, _, _, token := start(t)
		for range 5 {
			f.pass(12 * 24 * time.Hour)
			_, err := f.Session(t.Context(), token)
			if over := f.now.Sub(time.Date(2026, 3, 12, 12, 0, 0, 0, time.UTC)) >= account.SessionLife; over != (err != nil) {
				t.Errorf("at %v: %v", f.now, err)
			}
		}
		ended(t, f, token)
		ok(t, f.PurgeSessions(t.Context()))
	})
	t.Run("its use is noted at most every five minutes", func(t *testing.T) {
		f, _, p, token := start(t)
		began := f.now
		for _, c := range []struct {
			pass time.Duration
			want time.Time
		}{{4 * time.Minute, began}, {time.Minute, began.Add(5 * time.Minute)}, {time.Minute, began.Add(5 * time.Minute)}} {
			f.pass(c.pass)
			_, err := f.Session(t.Context(), token)
			ok(t, err)
			list, err := f.store.Sessions(t.Context(), p.ID)
			ok(t, err)
			if !list[0].LastSeenAt.Equal(c.want) {
				t.Errorf("at %v last seen %v, want %v", f.now, list[0].LastSeenAt, c.want)
			}
		}
	})
	t.Run("it ends when the customer is suspended", func(t *testing.T) { // P-AUTH-09
		f, c, _, token := start(t)
		f.change(t, func(tx *store.Tx) error { return tx.SetCustomerStatus(t.Context(), c.ID, account.Suspended, f.now) })
		ended(t, f, token)
	})
	t.Run("it ends when the person is switched off", func(t *testing.T) { // P-AUTH-09
		f, _, p, token := start(t)
		f.change(t, func(tx *store.Tx) error { return tx.SetPersonStatus(t.Context(), p.ID, account.Inactive, f.now) })
		ended(t, f, token)
	})
	t.Run("signing out ends this one alone, once", func(t *testing.T) { // P-AUTH-15
		f, _, _, token := start(t)
		other := f.signedIn(t, ada)
		actor := actorOf(t, f, token)
		signed, err := f.Session(t.Context(), token)
		ok(t, err)
		for range 2 {
			ok(t, f.SignOut(t.Context(), actor, signed.Session.ID))
		}
		ended(t, f, token)
		_, err = f.Session(t.Context(), other.Token)
		ok(t, err)
		if n := len(f.events(t, event.PersonSignedOut)); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
	})
	t.Run("nobody signs out somebody else", func(t *testing.T) {
		f, _, _, token := start(t)
		f.owner(t, "eve@example.com")
		eve := actorOf(t, f, f.signedIn(t, "eve@example.com").Token)
		signed, err := f.Session(t.Context(), token)
		ok(t, err)
		ok(t, f.SignOut(t.Context(), eve, signed.Session.ID)) // nothing of hers
		wantCode(t, f.EndSessions(t.Context(), eve, signed.Person.ID), "permission_missing")
		wantCode(t, f.SignOut(t.Context(), system, signed.Session.ID), "not_a_person")
		_, err = f.Session(t.Context(), token)
		ok(t, err)
	})
	t.Run("all of a person's end together", func(t *testing.T) { // C-SEC-03
		f, _, p, token := start(t)
		other := f.signedIn(t, ada)
		ok(t, f.EndSessions(t.Context(), actorOf(t, f, token), p.ID))
		ended(t, f, token)
		ended(t, f, other.Token)
	})
}

func TestPreferences(t *testing.T) {
	f := newFixture(t)
	_, p := f.owner(t, ada)
	actor := actorOf(t, f, f.signedIn(t, ada).Token)

	t.Run("a theme is kept", func(t *testing.T) {
		ok(t, f.SetTheme(t.Context(), actor, account.Dark))
		after, err := f.store.Person(t.Context(), p.ID)
		ok(t, err)
		if after.Theme != account.Dark {
			t.Errorf("theme %q", after.Theme)
		}
		wantField(t, f.SetTheme(t.Context(), actor, "pink"), "theme")
	})
	t.Run("a time zone is kept", func(t *testing.T) {
		ok(t, f.SaveSettings(t.Context(), actor, identity.Settings{TimeZone: "America/New_York"}))
		after, err := f.store.Person(t.Context(), p.ID)
		ok(t, err)
		if after.TimeZone != "America/New_York" {
			t.Errorf("time zone %q", after.TimeZone)
		}
		ok(t, f.SaveSettings(t.Context(), actor, identity.Settings{TimeZone: ""}))
		for _, zone := range []string{"Local", "Mars/Olympus", "../etc/passwd", "/etc/passwd", strings.Repeat("A/", 50)} {
			wantField(t, f.SaveSettings(t.Context(), actor, identity.Settings{TimeZone: zone}), "time_zone")
		}
	})
	t.Run("others have no preferences", func(t *testing.T) {
		wantCode(t, f.SetTheme(t.Context(), system, account.Dark), "not_a_person")
		wantCode(t, f.SaveSettings(t.Context(), system, identity.Settings{TimeZone: ""}), "not_a_person")
	})
}

// P-AUTH-09
func TestSwitchingACustomerOff(t *testing.T) {
	f := newFixture(t)
	c, _ := f.owner(t, ada)
	entry := f.signedIn(t, ada)
	off, err := f.SetStatus(t.Context(), system, c.ID, account.Suspended)
	if err != nil || off.Status != account.Suspended {
		t.Fatalf("%v (%v)", off, err)
	}
	if _, err := f.Session(t.Context(), entry.Token); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("the open session: %v", err)
	}
	if _, err := f.signIn(t, ada, password, "", home); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("signing in: %v", err)
	}
	if _, err := f.SetStatus(t.Context(), system, c.ID, account.Suspended); err != nil {
		t.Errorf("again: %v", err)
	}
	if got := f.events(t, event.CustomerStatus); len(got) != 1 || got[0].Reason != "suspended" || got[0].CustomerID != c.ID {
		t.Errorf("events %v", got)
	}
	if _, err := f.SetStatus(t.Context(), system, c.ID, account.Active); err != nil {
		t.Fatal(err)
	}
	if _, err := f.signIn(t, ada, password, "", home); err != nil {
		t.Errorf("signing in again: %v", err)
	}
	for name, err := range map[string]error{
		"gone":    second(f.SetStatus(t.Context(), system, id.New(), account.Active)),
		"invalid": second(f.SetStatus(t.Context(), system, c.ID, "asleep")),
		"refused": second(f.SetStatus(t.Context(), account.Actor{Kind: account.ActorPerson}, c.ID, account.Inactive)),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func second[T any](_ T, err error) error { return err }
