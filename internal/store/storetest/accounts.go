package storetest

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

// noon is the instant at which the records of these tests are made.
var noon = time.Date(2026, 3, 12, 12, 0, 0, 123456000, time.UTC)

// must runs fn in a transaction that has to succeed.
func must(t *testing.T, s *store.Store, fn func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	if err := s.InTx(t.Context(), func(tx *store.Tx) error { return fn(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

// try runs fn in a transaction and returns its error.
func try(t *testing.T, s *store.Store, fn func(ctx context.Context, tx *store.Tx) error) error {
	t.Helper()
	return s.InTx(t.Context(), func(tx *store.Tx) error { return fn(t.Context(), tx) })
}

// same fails the test unless got, read with err, is want.
func same[T any](t *testing.T, want, got T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// absent fails the test unless err says that there is no such record.
func absent(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got error %v, want ErrNotFound", err)
	}
}

// found fails the test when a record is missing.
func found(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("got error %v, want a record", err)
	}
}

func aCustomer(t *testing.T, s *store.Store, name string) account.Customer {
	t.Helper()
	c := account.Customer{ID: id.New(), Name: name, Status: account.Active, CreatedAt: noon, Version: 1}
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddCustomer(ctx, c) })
	return c
}

func aPerson(t *testing.T, s *store.Store, email string) account.Person {
	t.Helper()
	p := account.Person{ID: id.New(), Email: email, Status: account.Active, Theme: account.SystemTheme, CreatedAt: noon}
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddPerson(ctx, p) })
	return p
}

// aMember is a person of a customer.
func aMember(t *testing.T, s *store.Store, email string) (account.Person, account.Customer) {
	t.Helper()
	p, c := aPerson(t, s, email), aCustomer(t, s, "Customer of "+email)
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.AddMembership(ctx, p.ID, c.ID, account.Owner, noon)
	})
	return p, c
}

func customers(t *testing.T, s *store.Store) {
	first, second, third := aCustomer(t, s, "First"), aCustomer(t, s, "Second"), aCustomer(t, s, "Third")
	ctx := t.Context()

	t.Run("one is found by its id", func(t *testing.T) {
		got, err := s.Customer(ctx, second.ID)
		same(t, second, got, err)
		_, err = s.Customer(ctx, id.New())
		absent(t, err)
	})
	t.Run("they are paged by key", func(t *testing.T) {
		got, err := s.Customers(ctx, store.CustomerFilter{}, "", 2)
		same(t, []account.Customer{first, second}, got, err)
		got, err = s.Customers(ctx, store.CustomerFilter{}, second.ID, 2)
		same(t, []account.Customer{third}, got, err)
	})
	t.Run("one is switched off and on", func(t *testing.T) {
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.SetCustomerStatus(ctx, first.ID, account.Suspended, noon.Add(time.Hour))
		})
		got, err := s.Customer(ctx, first.ID)
		want := first
		want.Status, want.Version = account.Suspended, first.Version+1
		same(t, want, got, err)
		absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.SetCustomerStatus(ctx, id.New(), account.Active, noon)
		}))
	})
	t.Run("members and memberships are two sides of one thing", func(t *testing.T) {
		owner, viewer := aPerson(t, s, "owner@example.com"), aPerson(t, s, "viewer@example.com")
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(
				tx.AddMembership(ctx, owner.ID, second.ID, account.Owner, noon),
				tx.AddMembership(ctx, viewer.ID, second.ID, account.Viewer, noon.Add(time.Second)),
				tx.AddMembership(ctx, viewer.ID, third.ID, account.Owner, noon.Add(2*time.Second)))
		})
		members, err := s.Members(ctx, second.ID)
		same(t, []account.Member{{Person: owner, Role: account.Owner, Version: 1}, {Person: viewer, Role: account.Viewer, Version: 1}}, members, err)
		memberships, err := s.Memberships(ctx, viewer.ID)
		same(t, []account.Membership{{Customer: second, Role: account.Viewer}, {Customer: third, Role: account.Owner}}, memberships, err)
	})
	t.Run("a membership of nobody is not found", func(t *testing.T) {
		absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.AddMembership(ctx, id.New(), first.ID, account.Owner, noon)
		}))
	})
}

func people(t *testing.T, s *store.Store) {
	ctx := t.Context()
	p := account.Person{
		ID: id.New(), Email: "ada@example.com", Name: "Ada", PasswordHash: "hash", Status: account.Active,
		EmailVerifiedAt: noon.Add(time.Minute), TimeZone: "Europe/Berlin", BrowserZone: "Asia/Tokyo", Theme: account.Dark,
		Phone: "+44 20 7946 0000", Company: "Analytical Engines",
		LastSignInAt: noon.Add(time.Hour), CreatedAt: noon,
	}
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddPerson(ctx, p) })

	t.Run("one is found by id and by address", func(t *testing.T) {
		got, err := s.Person(ctx, p.ID)
		same(t, p, got, err)
		got, err = s.PersonByEmail(ctx, p.Email)
		same(t, p, got, err)
		_, err = s.PersonByEmail(ctx, "ADA@example.com")
		absent(t, err)
	})
	t.Run("an address belongs to one", func(t *testing.T) { // A-CUS-14
		again := p
		again.ID = id.New()
		err := try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddPerson(ctx, again) })
		if !store.IsUnique(err, "person.email") || !fault.Is(err, fault.Conflict) {
			t.Errorf("got %v, want a conflict about person.email", err)
		}
	})
	t.Run("what is set is read", func(t *testing.T) {
		want := p
		want.PasswordHash, want.TimeZone, want.Theme = "other", "", account.Light
		want.Name, want.Phone, want.Company, want.BrowserZone = "Ada L.", "", "Engines", "Europe/Paris"
		want.Status, want.LastSignInAt = account.Inactive, noon.Add(2*time.Hour)
		want.NoLicenseMail, want.NoSecurityMail = true, false
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			if locked, err := tx.LockPerson(ctx, p.ID); err != nil || locked.ID != p.ID {
				t.Errorf("locked %v (%v)", locked, err)
			}
			return errors.Join(
				tx.SetPassword(ctx, p.ID, want.PasswordHash, noon),
				tx.SetTimeZone(ctx, p.ID, want.TimeZone, noon),
				tx.SetTheme(ctx, p.ID, want.Theme, noon),
				tx.SetMailPreferences(ctx, p.ID, false, true, noon),
				tx.SetPersonStatus(ctx, p.ID, want.Status, noon),
				tx.SetProfile(ctx, want, noon),
				tx.SetSignedIn(ctx, p.ID, "Europe/Paris", noon),
				tx.SetSignedIn(ctx, p.ID, "", want.LastSignInAt), // a browser that names no zone changes none
				tx.VerifyEmail(ctx, p.ID, noon.Add(time.Hour)))   // the first time counts
		})
		got, err := s.Person(ctx, p.ID)
		same(t, want, got, err)
	})
	t.Run("a new hash of an old password does not undo a change", func(t *testing.T) {
		q := aPerson(t, s, "rehash@example.com")
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(
				tx.ReplacePasswordHash(ctx, q.ID, "", "stronger"),
				tx.ReplacePasswordHash(ctx, q.ID, "", "late"))
		})
		got, err := s.Person(ctx, q.ID)
		q.PasswordHash = "stronger"
		same(t, q, got, err)
	})
}

func administrators(t *testing.T, s *store.Store) {
	ctx := t.Context()
	a := account.Administrator{
		ID: id.New(), Email: "root@example.com", Name: "Root", PasswordHash: "hash",
		Role: account.SuperAdmin, Status: account.Active, CreatedAt: noon,
	}
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddAdministrator(ctx, a) })

	got, err := s.Administrator(ctx, a.ID)
	same(t, a, got, err)
	got, err = s.AdministratorByEmail(ctx, a.Email)
	same(t, a, got, err)
	list, err := s.Administrators(ctx, "", 10)
	same(t, []account.Administrator{a}, list, err)
	list, err = s.Administrators(ctx, a.ID, 10)
	same(t, nil, list, err)

	again := a
	again.ID = id.New()
	err = try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddAdministrator(ctx, again) })
	if !store.IsUnique(err, "administrator.email") {
		t.Errorf("got %v, want a conflict about administrator.email", err)
	}
	aPerson(t, s, a.Email) // P-AUTH-01: a person may have the address too
}

func sessions(t *testing.T, s *store.Store) {
	ctx := t.Context()
	p, c := aMember(t, s, "ada@example.com")
	start := func(t *testing.T, hash string, expires time.Duration) account.Session {
		t.Helper()
		session := account.Session{
			ID: id.New(), PersonID: p.ID, CustomerID: c.ID, CreatedAt: noon, LastSeenAt: noon, ProvedAt: noon,
			ExpiresAt: noon.Add(expires), Address: "192.0.2.1", UserAgent: "Browser",
		}
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddSession(ctx, session, []byte(hash)) })
		return session
	}
	first := start(t, "first", time.Hour)

	t.Run("one is found by its token's hash, with whom it belongs to", func(t *testing.T) {
		got, err := s.SessionByToken(ctx, []byte("first"))
		same(t, store.SignedIn{
			Session: first, Person: p, Membership: account.Membership{Customer: c, Role: account.Owner}, Customers: 1,
		}, got, err)
		_, err = s.SessionByToken(ctx, []byte("other"))
		absent(t, err)
	})
	t.Run("last seen only moves on", func(t *testing.T) {
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(
				tx.TouchSession(ctx, first.ID, noon.Add(2*time.Minute)),
				tx.TouchSession(ctx, first.ID, noon.Add(time.Minute)),
				tx.TouchSession(ctx, id.New(), noon))
		})
		got, err := s.SessionByToken(ctx, []byte("first"))
		same(t, noon.Add(2*time.Minute), got.Session.LastSeenAt, err)
	})
	t.Run("one ends by its person alone", func(t *testing.T) {
		start(t, "second", time.Hour)
		stranger := aPerson(t, s, "stranger@example.com")
		end := func(person id.ID) error {
			return try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.EndSession(ctx, person, first.ID) })
		}
		absent(t, end(stranger.ID))
		if err := end(p.ID); err != nil {
			t.Fatal(err)
		}
		absent(t, end(p.ID))
		list, err := s.Sessions(ctx, p.ID)
		same(t, 1, len(list), err)
	})
	t.Run("all of a person but one end together", func(t *testing.T) { // P-PRO-14
		other := aPerson(t, s, "other@example.com")
		kept := start(t, "kept", time.Hour)
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			n, err := tx.EndOtherSessions(ctx, other.ID, kept.ID)
			same(t, int64(0), n, err)
			n, err = tx.EndOtherSessions(ctx, p.ID, kept.ID)
			same(t, int64(1), n, err)
			return nil
		})
		list, err := s.Sessions(ctx, p.ID)
		same(t, []account.Session{kept}, list, err)
	})
	t.Run("all of a person end together", func(t *testing.T) {
		start(t, "third", time.Hour)
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			n, err := tx.EndSessions(ctx, p.ID)
			same(t, 2, n, err)
			return nil
		})
		list, err := s.Sessions(ctx, p.ID)
		same(t, nil, list, err)
	})
	t.Run("those that expired are purged in steps", func(t *testing.T) {
		for _, hash := range []string{"a", "b", "c"} {
			start(t, hash, time.Minute)
		}
		start(t, "lasting", time.Hour)
		for _, want := range []int64{2, 1, 0} {
			must(t, s, func(ctx context.Context, tx *store.Tx) error {
				n, err := tx.PurgeSessions(ctx, noon.Add(time.Minute), 2)
				same(t, want, n, err)
				return nil
			})
		}
		_, err := s.SessionByToken(ctx, []byte("lasting"))
		found(t, err)
	})
}

func links(t *testing.T, s *store.Store) {
	ctx := t.Context()
	p := aPerson(t, s, "ada@example.com")
	mint := func(t *testing.T, hash string, purpose account.LinkPurpose) account.Link {
		t.Helper()
		l := account.Link{
			ID: id.New(), Purpose: purpose, PersonID: p.ID, CreatedAt: noon, ExpiresAt: noon.Add(purpose.Life()),
		}
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddLink(ctx, l, []byte(hash)) })
		return l
	}
	spend := func(t *testing.T, l account.Link, now time.Time) error {
		return try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SpendLink(ctx, l.ID, now) })
	}

	t.Run("one is found by its token's hash and spent once", func(t *testing.T) { // P-AUTH-05
		l := mint(t, "once", account.Reset)
		got, err := s.LinkByToken(ctx, []byte("once"))
		same(t, l, got, err)
		if err := spend(t, l, noon.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		absent(t, spend(t, l, noon.Add(time.Minute)))
		got, err = s.LinkByToken(ctx, []byte("once"))
		l.UsedAt = noon.Add(time.Minute)
		same(t, l, got, err)
	})
	t.Run("one cannot be spent when it ends", func(t *testing.T) {
		l := mint(t, "late", account.Reset)
		absent(t, spend(t, l, l.ExpiresAt))
		if err := spend(t, l, l.ExpiresAt.Add(-time.Microsecond)); err != nil {
			t.Error(err)
		}
	})
	t.Run("only the newest of a purpose are kept", func(t *testing.T) {
		for _, hash := range []string{"i1", "i2", "i3"} {
			mint(t, hash, account.Invitation)
		}
		mint(t, "r1", account.Reset)
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.TrimLinks(ctx, p.ID, account.Invitation, 2) })
		_, err := s.LinkByToken(ctx, []byte("i1"))
		absent(t, err)
		for _, hash := range []string{"i2", "i3", "r1"} {
			_, err := s.LinkByToken(ctx, []byte(hash))
			found(t, err)
		}
	})
	t.Run("what is not spent is dropped", func(t *testing.T) {
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DropLinks(ctx, p.ID) })
		for _, hash := range []string{"i2", "i3", "r1"} {
			_, err := s.LinkByToken(ctx, []byte(hash))
			absent(t, err)
		}
		_, err := s.LinkByToken(ctx, []byte("once"))
		found(t, err)
	})
}

func tokens(t *testing.T, s *store.Store) {
	ctx := t.Context()
	product := aProduct(t, s, "editor")
	client := account.Token{
		ID: id.New(), Kind: account.ClientToken, Name: "Installer", Prefix: "kwc_abcd", Environment: license.Production,
		ProductID: product.ID, Permissions: []account.Permission{account.DevicesUse}, CreatedAt: noon,
	}
	secret := account.Token{
		ID: id.New(), Kind: account.SecretToken, Name: "Shop", Prefix: "kws_abcd", Environment: license.Staging,
		Permissions: []account.Permission{account.LicensesRead, account.LicensesWrite},
		Networks:    []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")},
		CreatedAt:   noon, ExpiresAt: noon.Add(time.Hour),
	}
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(tx.AddToken(ctx, client, []byte("client")), tx.AddToken(ctx, secret, []byte("secret")))
	})

	t.Run("one is found by hash, by id and in the list", func(t *testing.T) { // C-SEC-05
		got, err := s.TokenByHash(ctx, []byte("client"))
		same(t, client, got, err)
		got, err = s.Token(ctx, secret.ID)
		same(t, secret, got, err)
		list, err := s.Tokens(ctx, "", 10)
		same(t, []account.Token{client, secret}, list, err)
		_, err = s.TokenByHash(ctx, []byte("other"))
		absent(t, err)
	})
	t.Run("one of an unknown product is not found", func(t *testing.T) {
		other := client
		other.ID, other.ProductID = id.New(), id.New()
		absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddToken(ctx, other, []byte("x")) }))
	})
	t.Run("use only moves on and the first revocation counts", func(t *testing.T) {
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(
				tx.TouchToken(ctx, client.ID, noon.Add(time.Minute)),
				tx.TouchToken(ctx, client.ID, noon),
				tx.RevokeToken(ctx, client.ID, noon.Add(time.Hour)),
				tx.RevokeToken(ctx, client.ID, noon.Add(2*time.Hour)))
		})
		want := client
		want.LastUsedAt, want.RevokedAt = noon.Add(time.Minute), noon.Add(time.Hour)
		got, err := s.Token(ctx, client.ID)
		same(t, want, got, err)
	})
}
