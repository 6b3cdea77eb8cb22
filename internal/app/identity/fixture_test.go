package identity_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/store/storetest"
)

const (
	ada      = "ada@example.com"
	password = "seven unrelated words"
)

var (
	system = account.System("req-1")
	home   = identity.Origin{RequestID: "req-2", Address: netip.MustParseAddr("192.0.2.7"), UserAgent: "Browser/1"}
	away   = identity.Origin{RequestID: "req-3", Address: netip.MustParseAddr("198.51.100.9"), UserAgent: "Browser/2"}
)

// fixture is the use cases over an empty database, at a time that the test
// moves.
type fixture struct {
	*identity.Service
	store *store.Store
	now   time.Time
	log   bytes.Buffer
}

func cheap() account.Cost { return account.Cost{Memory: 8, Passes: 1, Threads: 1} }

func newFixture(t *testing.T) *fixture { return newFixtureWith(t, identity.Deps{PersonCost: cheap()}) }

func newFixtureWith(t *testing.T, d identity.Deps) *fixture {
	t.Helper()
	s := storetest.Open(t, store.Options{Dir: storetest.Dir(t)})
	master, err := signing.LoadMaster(strings.Repeat("5a", 32), "")
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{store: s, now: time.Date(2026, 3, 12, 12, 0, 0, 0, time.UTC)}
	d.Store, d.Hasher, d.Master = s, account.NewHasher(), master
	d.AdministratorCost = cheap()
	d.Now = func() time.Time { return f.now }
	d.Log = slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), &f.log), nil))
	f.Service = identity.New(d)
	return f
}

func (f *fixture) pass(d time.Duration) { f.now = f.now.Add(d) }

// customer makes a customer whose owner has not chosen a password.
func (f *fixture) customer(t *testing.T, email string) (account.Customer, account.Person) {
	t.Helper()
	c, p, err := f.CreateCustomer(t.Context(), system, identity.NewCustomer{Name: "Analytical Engines", Email: email, PersonName: "Ada"})
	if err != nil {
		t.Fatal(err)
	}
	return c, p
}

func (f *fixture) mint(t *testing.T, person id.ID, purpose account.LinkPurpose) string {
	t.Helper()
	token, _, err := f.MintLink(t.Context(), person, purpose)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// owner makes a customer whose owner can sign in.
func (f *fixture) owner(t *testing.T, email string) (account.Customer, account.Person) {
	t.Helper()
	c, p := f.customer(t, email)
	if _, err := f.SetPassword(t.Context(), f.mint(t, p.ID, account.Invitation), account.Invitation, password, home); err != nil {
		t.Fatal(err)
	}
	return c, p
}

func (f *fixture) signIn(t *testing.T, email, password, device string, from identity.Origin) (identity.Entry, error) {
	t.Helper()
	return f.SignIn(t.Context(), identity.SignIn{Email: email, Password: password, KnownDevice: device, Origin: from})
}

// signedIn signs in where that has to work.
func (f *fixture) signedIn(t *testing.T, email string) identity.Entry {
	t.Helper()
	e, err := f.signIn(t, email, password, "", home)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (f *fixture) change(t *testing.T, fn func(*store.Tx) error) {
	t.Helper()
	if err := f.store.InTx(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// events returns the events of the types asked for, oldest first.
func (f *fixture) events(t *testing.T, types ...event.Type) []event.Event {
	t.Helper()
	all, err := f.store.Unsealed(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	var found []event.Event
	for _, u := range all {
		for _, wanted := range types {
			if u.Event.Type == wanted {
				found = append(found, u.Event)
			}
		}
	}
	return found
}

// jobs claims every job that is due and returns "kind payload" of each.
func (f *fixture) jobs(t *testing.T) []string {
	t.Helper()
	var all []string
	for {
		var j store.Job
		err := f.store.InTx(t.Context(), func(tx *store.Tx) (err error) {
			j, err = tx.ClaimJob(t.Context(), f.now)
			return err
		})
		if store.IsNotFound(err) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, j.Kind+" "+string(j.Payload))
	}
}

func (f *fixture) product(t *testing.T, e license.Environment) license.Product {
	t.Helper()
	p := license.Product{ID: id.New(), Environment: e, Name: "Editor", Slug: "editor", Active: true, CreatedAt: f.now}
	f.change(t, func(tx *store.Tx) error { return tx.AddProduct(t.Context(), p) })
	return p
}

// wantCode fails the test unless err is the fault with this code.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if err == nil || fault.From(err).Code != code {
		t.Errorf("got %v, want code %s", err, code)
	}
}

// wantField fails the test unless err blames the input called name.
func wantField(t *testing.T, err error, name string) {
	t.Helper()
	if err != nil {
		for _, f := range fault.From(err).Fields {
			if f.Name == name && f.Message != "" {
				return
			}
		}
	}
	t.Errorf("got %v, want a problem with %s", err, name)
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
