package identity_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

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
	t.Run("another browser is signed out, which may be clicked twice", func(t *testing.T) {
		f, _, _, token := start(t)
		other := f.signedIn(t, ada)
		actor := actorOf(t, f, token)
		for range 2 {
			ok(t, f.SignOutElsewhere(t.Context(), actor, other.Session.ID))
		}
		ended(t, f, other.Token)
		wantCode(t, f.SignOutElsewhere(t.Context(), system, other.Session.ID), "not_a_person")
	})
	t.Run("another browser whose session ended in another way is signed out", func(t *testing.T) {
		f, _, person, token := start(t)
		other := f.signedIn(t, ada)
		ok(t, f.EndSessions(t.Context(), system, person.ID))
		ended(t, f, token)
		actor := actorOf(t, f, f.signedIn(t, ada).Token)
		ok(t, f.SignOutElsewhere(t.Context(), actor, other.Session.ID))
	})
	t.Run("nobody signs out somebody else", func(t *testing.T) {
		f, _, _, token := start(t)
		f.owner(t, "eve@example.com")
		eve := actorOf(t, f, f.signedIn(t, "eve@example.com").Token)
		signed, err := f.Session(t.Context(), token)
		ok(t, err)
		ok(t, f.SignOut(t.Context(), eve, signed.Session.ID)) // nothing of hers
		f.log.Reset()
		wantCode(t, f.SignOutElsewhere(t.Context(), eve, id.New()), "not_found")
		if f.log.Len() > 0 {
			t.Errorf("one that nobody has is logged: %s", f.log.String())
		}
		wantCode(t, f.SignOutElsewhere(t.Context(), eve, signed.Session.ID), "not_found") // P-ISO-01
		if !strings.Contains(f.log.String(), string(signed.Session.ID)) {                 // P-ISO-03
			t.Error("the attempt is not logged")
		}
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

// Signing in again with a browser ends what it was signed in to before, and
// only when it succeeds: nobody goes on in a session that was put there by
// somebody else, and none is left behind that nobody holds.
func TestSigningInReplacesTheSessionOfTheBrowser(t *testing.T) {
	f := newFixture(t)
	_, p := f.owner(t, ada)
	f.owner(t, "eve@example.com")
	elsewhere, first := f.signedIn(t, ada), f.signedIn(t, ada)
	in := home
	in.Session = first.Token
	open := func(token string, want bool) {
		t.Helper()
		if _, err := f.Session(t.Context(), token); (err == nil) != want {
			t.Errorf("the session counts: %v, want %v", err == nil, want)
		}
	}

	_, err := f.signIn(t, ada, "a guess", "", in)
	wantCode(t, err, "sign_in_failed")
	open(first.Token, true)
	second, err := f.signIn(t, ada, password, "", in)
	ok(t, err)
	if second.Token == first.Token {
		t.Error("the token from before signing in is used on")
	}
	open(first.Token, false)
	open(second.Token, true)
	open(elsewhere.Token, true)
	ends := f.events(t, event.PersonSignedOut)
	if len(ends) != 1 || ends[0].Reason != "replaced" || ends[0].PersonID != p.ID || ends[0].Data.Subject != first.Session.ID {
		t.Errorf("on record is %+v", ends)
	}

	t.Run("by whomever", func(t *testing.T) {
		in.Session = second.Token
		eve, err := f.signIn(t, "eve@example.com", password, "", in)
		ok(t, err)
		open(second.Token, false)
		open(eve.Token, true)
		open(elsewhere.Token, true)
	})
	t.Run("by a link, and after the second step", func(t *testing.T) {
		actor := actorOf(t, f, elsewhere.Token)
		setup, err := f.BeginApp(t.Context(), actor)
		ok(t, err)
		_, err = f.ConfirmApp(t.Context(), actor, appCode(t, setup.Secret, f.now))
		ok(t, err)
		in.Session = elsewhere.Token
		asked, err := f.SignInByLink(t.Context(), identity.LinkSignIn{Token: f.mint(t, p.ID, account.SignInLink), Origin: in})
		ok(t, err)
		if asked.Step == "" || asked.Token != "" { // P-AUTH-04, P-AUTH-12
			t.Fatalf("a link alone signs in: %+v", asked)
		}
		open(elsewhere.Token, true)
		f.pass(30 * time.Second)
		third, err := f.FinishSignIn(t.Context(), identity.StepCode{Step: asked.Step, Code: appCode(t, setup.Secret, f.now), Origin: in})
		ok(t, err)
		open(elsewhere.Token, false)
		open(third.Token, true)
	})
}

// appCode is what an authenticator app shows.
func appCode(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, at)
	ok(t, err)
	return code
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
