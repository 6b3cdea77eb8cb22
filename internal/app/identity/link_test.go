package identity_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/store"
)

func TestRequestReset(t *testing.T) {
	t.Run("a known address gets one mail, however often it is asked for", func(t *testing.T) { // P-AUTH-05
		f := newFixture(t)
		_, p := f.owner(t, ada)
		for range 3 {
			ok(t, f.RequestReset(t.Context(), " ADA@example.com", home))
		}
		want := []string{`mail.reset {"person_id":"` + string(p.ID) + `"}`}
		if diff := cmp.Diff(want, f.jobs(t)); diff != "" {
			t.Errorf("jobs (-want +got):\n%s", diff)
		}
		if n := len(f.events(t, event.ResetRequested)); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
	})
	t.Run("an account that never had a password gets one too", func(t *testing.T) { // P-AUTH-07
		f := newFixture(t)
		f.customer(t, ada)
		ok(t, f.RequestReset(t.Context(), ada, home))
		if jobs := f.jobs(t); len(jobs) != 1 {
			t.Errorf("jobs %v", jobs)
		}
	})
	t.Run("others get the same answer and no mail", func(t *testing.T) { // P-AUTH-13
		f := newFixture(t)
		_, p := f.owner(t, ada)
		f.change(t, func(tx *store.Tx) error { return tx.SetPersonStatus(t.Context(), p.ID, account.Inactive, f.now) })
		for _, email := range []string{ada, "nobody@example.com", "no address", "", strings.Repeat("x", 1<<20)} {
			ok(t, f.RequestReset(t.Context(), email, home))
		}
		if jobs := f.jobs(t); len(jobs) != 0 {
			t.Errorf("jobs %v", jobs)
		}
	})
	t.Run("one account is not flooded and the answer does not tell", func(t *testing.T) {
		f := newFixture(t)
		f.owner(t, ada)
		mails := 0
		for i := range 6 {
			ok(t, f.RequestReset(t.Context(), ada, originOf("203.0.113."+string(rune('1'+i)))))
			mails += len(f.jobs(t)) // claimed and done with: the next one may be left
			f.finishAll(t)
		}
		if mails != 3 {
			t.Errorf("%d mails, want 3", mails)
		}
	})
	t.Run("one address that asks on and on has to wait", func(t *testing.T) {
		f := newFixture(t)
		var err error
		for i := 0; err == nil && i < 50; i++ {
			err = f.RequestReset(t.Context(), string(rune('a'+i))+"@example.com", away)
		}
		wantCode(t, err, "too_many_attempts")
		if fault.From(err).RetryAfter <= 0 {
			t.Error("it is not said how long")
		}
		ok(t, f.RequestReset(t.Context(), ada, home))
	})
}

// finishAll makes every claimed job done.
func (f *fixture) finishAll(t *testing.T) {
	t.Helper()
	f.change(t, func(tx *store.Tx) error {
		_, err := tx.RescueJobs(t.Context(), f.now.Add(time.Second), f.now)
		return err
	})
	for {
		done := false
		err := f.store.InTx(t.Context(), func(tx *store.Tx) error {
			j, err := tx.ClaimJob(t.Context(), f.now)
			if err != nil {
				done = true
				return nil
			}
			return tx.FinishJob(t.Context(), j, f.now)
		})
		ok(t, err)
		if done {
			return
		}
	}
}

func TestInvite(t *testing.T) {
	t.Run("a person without a password is mailed, again too", func(t *testing.T) { // P-AUTH-06, P-AUTH-07
		f := newFixture(t)
		_, p := f.customer(t, ada)
		for range 2 {
			ok(t, f.Invite(t.Context(), system, p.ID))
			if diff := cmp.Diff([]string{`mail.invitation {"person_id":"` + string(p.ID) + `"}`}, f.jobs(t)); diff != "" {
				t.Errorf("jobs (-want +got):\n%s", diff)
			}
			f.finishAll(t)
		}
	})
	t.Run("others are not", func(t *testing.T) {
		f := newFixture(t)
		_, p := f.owner(t, ada)
		wantCode(t, f.Invite(t.Context(), system, p.ID), "password_exists")
		wantCode(t, f.Invite(t.Context(), system, "unknown"), "not_found")
		wantCode(t, f.Invite(t.Context(), account.Actor{Kind: account.ActorToken}, p.ID), "permission_missing")
		_, q := f.customer(t, "off@example.com")
		f.change(t, func(tx *store.Tx) error { return tx.SetPersonStatus(t.Context(), q.ID, account.Inactive, f.now) })
		wantCode(t, f.Invite(t.Context(), system, q.ID), "person_inactive")
		_, _, err := f.MintLink(t.Context(), q.ID, account.Invitation)
		wantCode(t, err, "not_found")
	})
}

func TestSetPassword(t *testing.T) {
	t.Run("an invitation leads to a first password and proves the address", func(t *testing.T) { // P-AUTH-06
		f := newFixture(t)
		_, p := f.customer(t, ada)
		token := f.mint(t, p.ID, account.Invitation)
		for range 3 { // P-AUTH-14: looking spends nothing
			l, who, err := f.LookLink(t.Context(), token, account.Invitation)
			ok(t, err)
			if who.ID != p.ID || l.Purpose != account.Invitation || who.PasswordHash != "" {
				t.Errorf("looked at %+v of %+v", l, who)
			}
		}
		choice, err := f.SetPassword(t.Context(), token, account.Invitation, password, home)
		ok(t, err)
		if choice.Person.Email != ada || choice.KnownDevice == "" {
			t.Errorf("choice %+v", choice)
		}
		after, err := f.store.Person(t.Context(), p.ID)
		ok(t, err)
		if !after.EmailVerifiedAt.Equal(f.now) || strings.Contains(after.PasswordHash, password) {
			t.Errorf("verified at %v", after.EmailVerifiedAt)
		}
		f.signedIn(t, ada)
		if jobs := f.jobs(t); len(jobs) != 0 {
			t.Errorf("jobs %v", jobs)
		}
		events := f.events(t, event.PasswordSet)
		if len(events) != 1 || events[0].Data.Purpose != "invitation" || events[0].Actor.ID != p.ID {
			t.Errorf("events %+v", events)
		}
	})
	t.Run("a reset ends all sessions and tells the owner", func(t *testing.T) { // P-AUTH-05, C-SEC-03
		f := newFixture(t)
		_, p := f.owner(t, ada)
		session := f.signedIn(t, ada).Token
		_, err := f.SetPassword(t.Context(), f.mint(t, p.ID, account.Reset), account.Reset, "another good choice", home)
		ok(t, err)
		_, err = f.Session(t.Context(), session)
		wantCode(t, err, "not_signed_in")
		_, err = f.signIn(t, ada, password, "", home)
		wantCode(t, err, "sign_in_failed")
		if diff := cmp.Diff([]string{`mail.password_changed {"person_id":"` + string(p.ID) + `"}`}, f.jobs(t)); diff != "" {
			t.Errorf("jobs (-want +got):\n%s", diff)
		}
	})
	t.Run("a link works once", func(t *testing.T) { // P-AUTH-05
		f := newFixture(t)
		_, p := f.customer(t, ada)
		token := f.mint(t, p.ID, account.Reset)
		var wg sync.WaitGroup
		var mu sync.Mutex
		won, codes := 0, map[string]int{}
		for range 8 {
			wg.Go(func() {
				_, err := f.SetPassword(t.Context(), token, account.Reset, password, home)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
					return
				}
				codes[fault.From(err).Code]++
			})
		}
		wg.Wait()
		if won != 1 || codes["link_unusable"] != 7 {
			t.Errorf("%d of 8 got in; the others were told %v", won, codes)
		}
	})
	t.Run("what cannot be used says so and changes nothing", func(t *testing.T) {
		f := newFixture(t)
		_, p := f.owner(t, ada)
		reset := f.mint(t, p.ID, account.Reset)
		f.pass(account.Reset.Life())
		for name, token := range map[string]string{"expired": reset, "unknown": "x", "empty": "", "huge": strings.Repeat("x", 1<<20)} {
			_, err := f.SetPassword(t.Context(), token, account.Reset, "another good choice", home)
			if e := fault.From(err); e == nil || e.Code != "link_unusable" || e.Next == "" {
				t.Errorf("%s: %v", name, err)
			}
			_, _, err = f.LookLink(t.Context(), token, account.Reset)
			wantCode(t, err, "link_unusable")
		}
		f.signedIn(t, ada)
	})
	t.Run("a link of one purpose is none of another", func(t *testing.T) {
		f := newFixture(t)
		_, p := f.customer(t, ada)
		_, _, err := f.LookLink(t.Context(), f.mint(t, p.ID, account.Invitation), account.Reset)
		wantCode(t, err, "link_unusable")
	})
	t.Run("a link of somebody switched off is of no use", func(t *testing.T) {
		f := newFixture(t)
		_, p := f.customer(t, ada)
		token := f.mint(t, p.ID, account.Reset)
		f.change(t, func(tx *store.Tx) error { return tx.SetPersonStatus(t.Context(), p.ID, account.Inactive, f.now) })
		_, err := f.SetPassword(t.Context(), token, account.Reset, password, home)
		wantCode(t, err, "link_unusable")
	})
	t.Run("a password that is refused spends nothing", func(t *testing.T) { // E-43
		f := newFixture(t)
		_, p := f.customer(t, ada)
		token := f.mint(t, p.ID, account.Invitation)
		for _, refused := range []string{"", "short", "password", ada, strings.Repeat("x", 1<<20)} {
			_, err := f.SetPassword(t.Context(), token, account.Invitation, refused, home)
			wantField(t, err, "password")
			if strings.Contains(err.Error(), "password1") {
				t.Error("the password is in the answer")
			}
		}
		_, err := f.SetPassword(t.Context(), token, account.Invitation, password, home)
		ok(t, err)
	})
	t.Run("the newest three links work until one is used", func(t *testing.T) {
		f := newFixture(t)
		_, p := f.customer(t, ada)
		var tokens []string
		for range 4 {
			tokens = append(tokens, f.mint(t, p.ID, account.Reset))
		}
		invitation := f.mint(t, p.ID, account.Invitation)
		for i, token := range tokens {
			_, _, err := f.LookLink(t.Context(), token, account.Reset)
			if usable := err == nil; usable != (i > 0) {
				t.Errorf("link %d is usable: %v", i, usable)
			}
		}
		_, err := f.SetPassword(t.Context(), tokens[2], account.Reset, password, home)
		ok(t, err)
		for _, token := range tokens {
			_, _, err := f.LookLink(t.Context(), token, account.Reset)
			wantCode(t, err, "link_unusable")
		}
		_, _, err = f.LookLink(t.Context(), invitation, account.Invitation)
		wantCode(t, err, "link_unusable")
	})
}

func TestCreateCustomer(t *testing.T) {
	t.Run("a customer comes with its owner", func(t *testing.T) {
		f := newFixture(t)
		c, p, err := f.CreateCustomer(t.Context(), system, identity.NewCustomer{Name: "  Analytical   Engines ", Email: "Ada@Example.com", Invite: true})
		ok(t, err)
		if c.Name != "Analytical Engines" || p.Email != ada { // A-CUS-14
			t.Errorf("made %+v and %+v", c, p)
		}
		members, err := f.store.Members(t.Context(), c.ID)
		ok(t, err)
		if len(members) != 1 || members[0].Person.ID != p.ID || members[0].Role != account.Owner {
			t.Errorf("members %+v", members)
		}
		if jobs := f.jobs(t); len(jobs) != 1 {
			t.Errorf("jobs %v", jobs)
		}
		if n := len(f.events(t, event.CustomerCreated, event.PersonAdded, event.PersonInvited)); n != 3 {
			t.Errorf("%d events, want 3", n)
		}
		found, err := f.CustomerByEmail(t.Context(), system, "ADA@example.com")
		ok(t, err)
		if found.ID != c.ID {
			t.Errorf("found %+v", found)
		}
	})
	t.Run("wrong input names every field and makes nothing", func(t *testing.T) {
		f := newFixture(t)
		_, _, err := f.CreateCustomer(t.Context(), system, identity.NewCustomer{Email: "ada", PersonName: "a\x00b"})
		for _, field := range []string{"name", "email", "person_name"} {
			wantField(t, err, field)
		}
		f.customer(t, ada)
		_, _, err = f.CreateCustomer(t.Context(), system, identity.NewCustomer{Name: "Other", Email: ada})
		wantCode(t, err, "email_taken")
		list, err := f.store.Customers(t.Context(), store.CustomerFilter{}, "", 10)
		ok(t, err)
		if len(list) != 1 {
			t.Errorf("%d customers, want 1", len(list))
		}
	})
	t.Run("it needs the permission", func(t *testing.T) {
		f := newFixture(t)
		_, _, err := f.CreateCustomer(t.Context(), account.Actor{Kind: account.ActorAdministrator}, identity.NewCustomer{Name: "A", Email: ada})
		wantCode(t, err, "permission_missing")
	})
	t.Run("another person is added", func(t *testing.T) {
		f := newFixture(t)
		c, _ := f.customer(t, ada)
		p, err := f.AddPerson(t.Context(), system, identity.NewPerson{CustomerID: c.ID, Email: "bob@example.com", Role: account.Viewer})
		ok(t, err)
		memberships, err := f.store.Memberships(t.Context(), p.ID)
		ok(t, err)
		if len(memberships) != 1 || memberships[0].Role != account.Viewer {
			t.Errorf("memberships %+v", memberships)
		}
		_, err = f.AddPerson(t.Context(), system, identity.NewPerson{CustomerID: "none", Email: "eve@example.com", Role: account.Owner})
		wantCode(t, err, "not_found")
		_, err = f.AddPerson(t.Context(), system, identity.NewPerson{CustomerID: c.ID, Email: "eve@example.com", Role: "boss"})
		wantField(t, err, "role")
		_, err = f.AddPerson(t.Context(), system, identity.NewPerson{CustomerID: c.ID, Email: ada, Role: account.Owner})
		wantField(t, err, "email")
	})
}

func TestCreateAdministrator(t *testing.T) {
	f := newFixture(t)
	create := func(actor account.Actor, in identity.NewAdministrator) (string, error) {
		_, made, err := f.CreateAdministrator(t.Context(), actor, in)
		return made, err
	}

	t.Run("a password is made unless one is given", func(t *testing.T) {
		made, err := create(system, identity.NewAdministrator{Email: "root@example.com", Role: account.SuperAdmin})
		ok(t, err)
		a, err := f.store.AdministratorByEmail(t.Context(), "root@example.com")
		ok(t, err)
		right, _, err := account.NewHasher().Verify(t.Context(), a.PasswordHash, made, cheap())
		if err != nil || !right || len(made) < 20 {
			t.Errorf("the password %d long does not fit (%v)", len(made), err)
		}
		made, err = create(system, identity.NewAdministrator{Email: "admin@example.com", Role: account.Admin, Password: "twelve or more"})
		if err != nil || made != "" {
			t.Errorf("returned %q (%v)", made, err)
		}
	})
	t.Run("wrong input is refused", func(t *testing.T) {
		_, err := create(system, identity.NewAdministrator{Email: "x", Role: "boss"})
		wantField(t, err, "email")
		wantField(t, err, "role")
		_, err = create(system, identity.NewAdministrator{Email: "new@example.com", Role: account.Admin, Password: "elevenchars"}) // E-43
		wantField(t, err, "password")
		_, err = create(system, identity.NewAdministrator{Email: "root@example.com", Role: account.Admin})
		wantField(t, err, "email")
	})
	t.Run("nobody makes one who may do more", func(t *testing.T) {
		actor := account.Actor{Kind: account.ActorToken, Permissions: append(account.StaffViewer.Permissions(), account.StaffWrite)}
		_, err := create(actor, identity.NewAdministrator{Email: "new@example.com", Role: account.SuperAdmin})
		wantCode(t, err, "permission_missing")
		_, err = create(actor, identity.NewAdministrator{Email: "viewer@example.com", Role: account.StaffViewer})
		ok(t, err)
		_, err = create(account.Actor{Permissions: account.Admin.Permissions()}, identity.NewAdministrator{Email: "new@example.com", Role: account.StaffViewer})
		wantCode(t, err, "permission_missing")
	})
	t.Run("a person may have the same address", func(t *testing.T) { // P-AUTH-01
		f.customer(t, "root@example.com")
	})
}
