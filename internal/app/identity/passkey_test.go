package identity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/app/identity/passkeytest"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
)

const portal = "https://licenses.vendor.example"

// keyed is somebody who is signed in and has a passkey.
type keyed struct {
	account.Person
	account.Actor
	key     account.Passkey
	device  *passkeytest.Authenticator
	session id.ID
}

func newPasskeyFixture(t *testing.T) *fixture {
	return newFixtureWith(t, identity.Deps{PersonCost: cheap(), BaseURL: portal})
}

func (f *fixture) keyed(t *testing.T, email string) keyed {
	t.Helper()
	_, p := f.owner(t, email)
	e := f.signedIn(t, email)
	k := keyed{Person: p, Actor: actorOf(t, f, e.Token), device: passkeytest.New(portal), session: e.Session.ID}
	ask, err := f.BeginPasskey(t.Context(), k.Actor)
	ok(t, err)
	k.key, err = f.AddPasskey(t.Context(), k.Actor, identity.NewPasskey{Token: ask.Token, Name: "Phone", Answer: k.device.Create(t, ask.Options)})
	ok(t, err)
	return k
}

func (f *fixture) enter(t *testing.T, device *passkeytest.Authenticator) (identity.Entry, error) {
	t.Helper()
	ask, err := f.BeginPasskeySignIn(t.Context(), away)
	ok(t, err)
	return f.SignInWithPasskey(t.Context(), identity.PasskeyAnswer{Token: ask.Token, Answer: device.Get(t, ask.Options), Origin: away})
}

// told lists the changes that a person was mailed about.
func (f *fixture) told(t *testing.T) string { return strings.Join(f.jobs(t), "\n") }

// P-AUTH-12
func TestPasskeySignsIn(t *testing.T) {
	f := newPasskeyFixture(t)
	k := f.keyed(t, ada)
	e, err := f.enter(t, k.device)
	ok(t, err)
	signed, err := f.Session(t.Context(), e.Token)
	ok(t, err)
	if signed.Person.ID != k.Person.ID || e.Step != "" {
		t.Errorf("%+v is signed in", signed.Person)
	}
	used, err := f.Passkey(t.Context(), k.Actor, k.key.ID)
	ok(t, err)
	if !used.LastUsedAt.Equal(f.now) || used.SignCount != 1 {
		t.Errorf("its use is kept as %+v", used)
	}

	t.Run("what was asked once is answered once", func(t *testing.T) {
		ask, err := f.BeginPasskeySignIn(t.Context(), away)
		ok(t, err)
		in := identity.PasskeyAnswer{Token: ask.Token, Answer: k.device.Get(t, ask.Options), Origin: away}
		_, err = f.SignInWithPasskey(t.Context(), in)
		ok(t, err)
		_, err = f.SignInWithPasskey(t.Context(), in)
		wantCode(t, err, "challenge_over")
	})
	t.Run("in time", func(t *testing.T) {
		ask, err := f.BeginPasskeySignIn(t.Context(), away)
		ok(t, err)
		f.pass(account.PasskeySignIn.Life())
		_, err = f.SignInWithPasskey(t.Context(), identity.PasskeyAnswer{Token: ask.Token, Answer: k.device.Get(t, ask.Options), Origin: away})
		wantCode(t, err, "challenge_over")
	})
	t.Run("not when the answer is to something else", func(t *testing.T) {
		first, err := f.BeginPasskeySignIn(t.Context(), away)
		ok(t, err)
		second, err := f.BeginPasskeySignIn(t.Context(), away)
		ok(t, err)
		_, err = f.SignInWithPasskey(t.Context(), identity.PasskeyAnswer{Token: first.Token, Answer: k.device.Get(t, second.Options), Origin: away})
		wantCode(t, err, "passkey_refused")
	})
	t.Run("not from another site", func(t *testing.T) {
		lure := passkeytest.New("https://licenses.vendor.example.evil.example")
		_, p := f.owner(t, "mallory@example.com")
		actor := actorOf(t, f, f.signedIn(t, p.Email).Token)
		ask, err := f.BeginPasskey(t.Context(), actor)
		ok(t, err)
		_, err = f.AddPasskey(t.Context(), actor, identity.NewPasskey{Token: ask.Token, Name: "Lure", Answer: lure.Create(t, ask.Options)})
		wantCode(t, err, "passkey_refused")
	})
	t.Run("not while the person is switched off", func(t *testing.T) { // P-AUTH-09
		f.change(t, func(tx *store.Tx) error { return tx.SetPersonStatus(t.Context(), k.Person.ID, account.Inactive, f.now) })
		_, err := f.enter(t, k.device)
		wantCode(t, err, "passkey_refused")
		f.change(t, func(tx *store.Tx) error { return tx.SetPersonStatus(t.Context(), k.Person.ID, account.Active, f.now) })
	})
	t.Run("not when it was removed, which may be clicked twice", func(t *testing.T) {
		actor := k.Actor
		actor.ProvedAt = f.now
		for range 2 {
			ok(t, f.RemovePasskey(t.Context(), actor, k.key.ID))
		}
		_, err := f.enter(t, k.device)
		wantCode(t, err, "passkey_refused")
		if n := len(f.events(t, event.PasskeyRemoved)); n != 1 {
			t.Errorf("%d events tell of it", n)
		}
	})
}

// A passkey whose counter goes back has a copy: neither is let in, and the
// owner is told (P-AUTH-12, P-SET-05).
func TestCopiedPasskeyIsRefused(t *testing.T) {
	f := newPasskeyFixture(t)
	k := f.keyed(t, ada)
	copied := *k.device
	_, err := f.enter(t, k.device)
	ok(t, err)
	f.jobs(t)
	f.pass(time.Minute)

	_, err = f.enter(t, &copied)
	wantCode(t, err, "passkey_cloned")
	refused := f.events(t, event.PasskeyRefused)
	if len(refused) != 1 || refused[0].Data.Subject != k.key.ID || refused[0].PersonID != k.Person.ID {
		t.Errorf("events are %+v", refused)
	}
	if got := f.told(t); !strings.Contains(got, `"passkey_cloned"`) {
		t.Errorf("the owner is told %q", got)
	}
	access, err := f.Access(t.Context(), k.Actor)
	ok(t, err)
	if last := access.SignIns[0]; !last.Refused || last.Way != account.ByPasskey {
		t.Errorf("the history begins with %+v", last)
	}

	t.Run("for confirming too", func(t *testing.T) {
		copied.Count = 0
		ask, err := f.BeginPasskeyProof(t.Context(), k.Actor)
		ok(t, err)
		wantCode(t, f.ProvePasskey(t.Context(), k.Actor, k.session, ask.Token, copied.Get(t, ask.Options)), "passkey_cloned")
		if n := len(f.events(t, event.PersonProved)); n != 0 {
			t.Errorf("a copy proved %d times who somebody is", n)
		}
	})
}

// Somebody who has been signed in for a while confirms with a passkey of
// their own, and with no other (P-AUTH-12, P-ISO-01).
func TestPasskeyConfirms(t *testing.T) {
	f := newPasskeyFixture(t)
	k, eve := f.keyed(t, ada), f.keyed(t, "eve@example.com")
	f.pass(account.ProofLife)
	_, err := f.BeginPasskey(t.Context(), k.Actor)
	wantCode(t, err, "proof_needed")
	prove := func(asked, answers keyed) error {
		t.Helper()
		ask, err := f.BeginPasskeyProof(t.Context(), asked.Actor)
		ok(t, err)
		return f.ProvePasskey(t.Context(), k.Actor, k.session, ask.Token, answers.device.Get(t, ask.Options))
	}
	wantCode(t, prove(k, eve), "passkey_refused")
	wantCode(t, prove(eve, eve), "challenge_over") // what was asked of somebody else
	wantCode(t, prove(eve, k), "challenge_over")
	if n := len(f.events(t, event.PersonProved)); n != 0 {
		t.Errorf("%d proofs are on record", n)
	}
	ok(t, prove(k, k))
	sessions, err := f.store.Sessions(t.Context(), k.Person.ID)
	ok(t, err)
	k.Actor.ProvedAt = sessions[0].ProvedAt
	_, err = f.BeginPasskey(t.Context(), k.Actor)
	ok(t, err)
	proofs := f.events(t, event.PersonProved)
	if len(proofs) != 1 || proofs[0].Reason != string(account.ByPasskey) {
		t.Errorf("proofs on record are %+v", proofs)
	}
}

// P-ISO-01, P-ISO-03: another person's passkey is not found, and that is logged.
func TestAnothersPasskeyIsNotFound(t *testing.T) {
	f := newPasskeyFixture(t)
	k, eve := f.keyed(t, ada), f.keyed(t, "eve@example.com")
	for name, try := range map[string]func(id.ID) error{
		"look":   func(key id.ID) error { _, err := f.Passkey(t.Context(), eve.Actor, key); return err },
		"rename": func(key id.ID) error { return f.RenamePasskey(t.Context(), eve.Actor, key, "Mine") },
		"remove": func(key id.ID) error { return f.RemovePasskey(t.Context(), eve.Actor, key) },
	} {
		f.log.Reset()
		wantCode(t, try(id.New()), "not_found")
		if f.log.Len() > 0 {
			t.Errorf("%s: one that nobody has is logged", name)
		}
		wantCode(t, try(k.key.ID), "not_found")
		if !strings.Contains(f.log.String(), string(k.key.ID)) {
			t.Errorf("%s: the attempt is not logged: %s", name, f.log.String())
		}
	}
	kept, err := f.Passkey(t.Context(), k.Actor, k.key.ID)
	ok(t, err)
	if kept.Name != "Phone" {
		t.Errorf("it is called %q now", kept.Name)
	}

	t.Run("one passkey is not added twice", func(t *testing.T) {
		ask, err := f.BeginPasskey(t.Context(), eve.Actor)
		ok(t, err)
		answer := k.device.Again(t, ask.Options)
		_, err = f.AddPasskey(t.Context(), eve.Actor, identity.NewPasskey{Token: ask.Token, Name: "Hers", Answer: answer})
		wantCode(t, err, "passkey_known")
	})
	t.Run("what was asked of one is not answered by another", func(t *testing.T) {
		ask, err := f.BeginPasskey(t.Context(), k.Actor)
		ok(t, err)
		_, err = f.AddPasskey(t.Context(), eve.Actor, identity.NewPasskey{Token: ask.Token, Name: "Hers", Answer: passkeytest.New(portal).Create(t, ask.Options)})
		wantCode(t, err, "challenge_over")
	})
}

// Support removes what somebody lost, which signs them out everywhere.
func TestFactorsAreReset(t *testing.T) {
	f := newPasskeyFixture(t)
	k := f.keyed(t, ada)
	setup, err := f.BeginApp(t.Context(), k.Actor)
	ok(t, err)
	codes, err := f.ConfirmApp(t.Context(), k.Actor, appCode(t, setup.Secret, f.now))
	ok(t, err)
	waiting, err := f.signIn(t, ada, password, "", away)
	ok(t, err)
	f.jobs(t)

	_, err = f.ResetFactors(t.Context(), k.Actor, k.Person.ID)
	wantCode(t, err, "permission_missing")
	removed, err := f.ResetFactors(t.Context(), system, k.Person.ID)
	ok(t, err)
	if got := f.told(t); !removed || !strings.Contains(got, `"factors_reset"`) {
		t.Errorf("removed: %v, told %q", removed, got)
	}
	if n := len(f.events(t, event.FactorsReset)); n != 1 {
		t.Errorf("%d events", n)
	}
	sessions, err := f.store.Sessions(t.Context(), k.Person.ID)
	if ok(t, err); len(sessions) != 0 {
		t.Error("somebody is still signed in")
	}
	_, err = f.FinishSignIn(t.Context(), identity.StepCode{Step: waiting.Step, Code: codes[0], Origin: away})
	wantCode(t, err, "step_over")
	_, err = f.enter(t, k.device)
	wantCode(t, err, "passkey_refused")
	e := f.signedIn(t, ada)
	factors, err := f.Factors(t.Context(), actorOf(t, f, e.Token))
	if ok(t, err); e.Step != "" || factors.AppOn() || factors.CodesLeft != 0 || len(factors.Passkeys) != 0 || !factors.Password {
		t.Errorf("signing in asks for a step %v and knows %+v", e.Step != "", factors)
	}

	again, err := f.ResetFactors(t.Context(), system, k.Person.ID)
	if ok(t, err); again || len(f.events(t, event.FactorsReset)) != 1 {
		t.Error("nothing to remove is told as a reset")
	}
	_, err = f.ResetFactors(t.Context(), system, id.New())
	wantCode(t, err, "not_found")
}

// Each thing that is asked is kept for a while: nobody fills the database with
// them (P-AUTH-13).
func TestPasskeysAreAskedForWithinLimits(t *testing.T) {
	f := newPasskeyFixture(t)
	k := f.keyed(t, ada)
	for name, ask := range map[string]func() error{
		"to sign in": func() error { _, err := f.BeginPasskeySignIn(t.Context(), away); return err },
		"to confirm": func() error { _, err := f.BeginPasskeyProof(t.Context(), k.Actor); return err },
		"to be added": func() error {
			actor := k.Actor
			actor.ProvedAt = f.now
			_, err := f.BeginPasskey(t.Context(), actor)
			return err
		},
	} {
		f.pass(time.Hour)
		for range identity.DefaultLimits().PasskeyAsk.Burst {
			ok(t, ask())
		}
		err := ask()
		if wantCode(t, err, "too_many_attempts"); err != nil && fault.From(err).RetryAfter <= 0 {
			t.Errorf("%s: it is not said how long to wait", name)
		}
		f.pass(identity.DefaultLimits().PasskeyAsk.Every)
		ok(t, ask())
	}
}
