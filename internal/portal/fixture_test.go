package portal_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/calendar"
	"github.com/keyward/keyward/internal/app/catalog"
	"github.com/keyward/keyward/internal/app/delivery"
	"github.com/keyward/keyward/internal/app/export"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/app/licensing"
	desk "github.com/keyward/keyward/internal/app/support"
	"github.com/keyward/keyward/internal/blob"
	"github.com/keyward/keyward/internal/blob/blobtest"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/portal"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/store/storetest"
)

const (
	password = "seven unrelated words"
	support  = "help@vendor.example"
	day      = 24 * time.Hour
)

// start is where the clock of every world stands at first.
var start = time.Date(2026, time.November, 24, 9, 41, 0, 0, time.UTC)

// options say what is special about a world.
type options struct {
	changelogs delivery.Changelogs
	deps       func(*portal.Deps)
	identity   func(*identity.Deps)
	limits     identity.Limits
	support    desk.Settings
	files      *blobtest.S3 // where the files of releases are; nil: in a directory
}

// world is the portal with everything behind it, at a time that the test moves.
type world struct {
	t         *testing.T
	store     *store.Store
	identity  *identity.Service
	catalog   *catalog.Service
	licensing *licensing.Service
	delivery  *delivery.Service
	lose      func() // makes storage lose the files of releases
	support   *desk.Service
	door      *portal.Door
	handler   http.Handler

	now   time.Time
	log   lockedBuffer
	keys  []string // every whole key there is
	addrs int
}

func newWorld(t *testing.T) *world { return newWorldWith(t, options{}) }

func newWorldWith(t *testing.T, o options) *world {
	t.Helper()
	w := &world{t: t, now: start}
	w.store = storetest.Open(t, store.Options{Dir: storetest.Dir(t)})
	master, err := signing.LoadMaster(strings.Repeat("5a", 32), "")
	must(t, err)
	log := slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	people := identity.Deps{
		Store: w.store, Hasher: account.NewHasher(), Master: master, Now: w.clock, Log: log, Limits: o.limits,
		PersonCost: account.Cost{Memory: 8, Passes: 1, Threads: 1}, AdministratorCost: account.Cost{Memory: 8, Passes: 1, Threads: 1},
	}
	if o.identity != nil {
		o.identity(&people)
	}
	w.identity = identity.New(people)
	w.catalog = catalog.New(catalog.Deps{Store: w.store, Master: master, Now: w.clock, Log: log})
	w.licensing = licensing.New(licensing.Deps{Store: w.store, Master: master, Now: w.clock, Log: log, BaseURL: "http://portal.example"})
	w.support = desk.New(desk.Deps{Store: w.store, Master: master, Licensing: w.licensing, Now: w.clock, Log: log, Settings: o.support})
	w.delivery = delivery.New(delivery.Deps{Store: w.store, Master: master, Blobs: w.storage(o.files), Now: w.clock, Log: log, Changelogs: o.changelogs})
	deps := portal.Deps{
		Delivery:  w.delivery,
		Calendar:  calendar.New(calendar.Deps{Store: w.store, Master: master, Now: w.clock}),
		Licensing: w.licensing, Identity: w.identity, Export: export.New(w.store, w.clock), Support: w.support, Now: w.clock, Log: log,
		AppName: "Vendor Licenses", BaseURL: "http://portal.example", SupportEmail: support, SupportURL: "https://vendor.example/help",
	}
	if o.deps != nil {
		o.deps(&deps)
	}
	w.door, err = portal.New(deps)
	must(t, err)
	pages, err := w.door.Handler()
	must(t, err)
	w.handler = httpx.Chain(pages, httpx.AssignRequestID, httpx.ClientAddr(nil), httpx.AccessLog(log, w.clock), httpx.Recover(httpx.WriteProblem))
	t.Cleanup(w.checkLog)
	return w
}

// storage is where the files of releases are.
func (w *world) storage(s3 *blobtest.S3) blob.Storage {
	w.t.Helper()
	if s3 == nil {
		dir := w.t.TempDir()
		w.lose = func() { must(w.t, os.RemoveAll(dir)) }
		return blob.NewDisk(dir)
	}
	w.lose = s3.Lose
	s, err := blob.New(s3.Address(), "")
	must(w.t, err)
	return s
}

// checkLog fails the test when a key or a password got into the log.
func (w *world) checkLog() {
	text := w.log.String()
	for _, key := range w.keys {
		if strings.Contains(text, key) || strings.Contains(text, id.Fold(key)) {
			w.t.Errorf("the log contains the key %s", key)
		}
	}
	for _, secret := range []string{password, blobtest.Secret, url.QueryEscape(blobtest.Secret)} {
		if strings.Contains(text, secret) {
			w.t.Error("the log contains a secret")
		}
	}
}

func (w *world) clock() time.Time     { return w.now }
func (w *world) pass(d time.Duration) { w.now = w.now.Add(d) }

// vendor is a member of staff, whose name customers never see.
func vendor() account.Actor {
	return account.Actor{Kind: account.ActorAdministrator, ID: id.New(), Permissions: account.Permissions()}
}

// software is a device of a product that calls with a client token.
func software(p license.Product) account.Actor {
	return account.Actor{
		Kind: account.ActorToken, ID: id.New(), ProductID: p.ID, Environment: p.Environment,
		Permissions: []account.Permission{account.DevicesUse},
	}
}

// product makes a product whose licenses are for 5 devices and never end.
func (w *world) product(name string, changes ...func(*catalog.NewProduct)) license.Product {
	w.t.Helper()
	in := catalog.NewProduct{
		Environment: license.Production, Name: name, AcceptsHardware: true, AcceptsDomain: true, SelfDeactivation: true,
		Plan: catalog.NewGenerator{Name: "Professional", Limit: 5},
	}
	for _, change := range changes {
		change(&in)
	}
	p, err := w.catalog.CreateProduct(w.t.Context(), vendor(), in)
	must(w.t, err)
	return p
}

func highSecurity(p *catalog.NewProduct)       { p.HighSecurity = true }
func noSelfDeactivation(p *catalog.NewProduct) { p.SelfDeactivation = false }
func renewable(p *catalog.NewProduct)          { p.RenewalURL = "https://vendor.example/renew?from=portal" }

// issued is a license and its whole key.
type issued struct {
	license.License
	key     string
	product license.Product
}

func (i issued) path() string { return "/licenses/" + string(i.ID) }

// issue makes a license, for customer unless that is empty.
func (w *world) issue(customer id.ID, p license.Product, changes ...func(*licensing.Issue)) issued {
	w.t.Helper()
	in := licensing.Issue{ProductID: p.ID, CustomerID: customer}
	for _, change := range changes {
		change(&in)
	}
	l, key, err := w.licensing.Issue(w.t.Context(), vendor(), in)
	must(w.t, err)
	w.keys = append(w.keys, key)
	return issued{License: l, key: key, product: p}
}

func limit(n int) func(*licensing.Issue)  { return func(i *licensing.Issue) { i.Limit = &n } }
func days(n int) func(*licensing.Issue)   { return func(i *licensing.Issue) { i.ValidityDays = &n } }
func key(s string) func(*licensing.Issue) { return func(i *licensing.Issue) { i.Key = s } }
func maxVersion(s string) func(*licensing.Issue) {
	return func(i *licensing.Issue) { i.MaxVersion = &s }
}

// activate takes a seat for a device called name; refused says that it must
// not work.
func (w *world) activate(l issued, name string, changes ...func(*licensing.Call)) license.Activation {
	w.t.Helper()
	answer := w.call(l, name, changes...)
	if answer.Activation == nil || !answer.Verdict.Valid {
		w.t.Fatalf("activation of %s was refused: %s", name, answer.Verdict.Code)
	}
	return *answer.Activation
}

func (w *world) call(l issued, name string, changes ...func(*licensing.Call)) licensing.Answer {
	w.t.Helper()
	c := licensing.Call{Key: l.key, Device: &license.Device{Identifier: "hw-" + strings.ToLower(name), Name: name, Platform: "Linux"}}
	for _, change := range changes {
		change(&c)
	}
	answer, err := w.licensing.Activate(w.t.Context(), software(l.product), c)
	must(w.t, err)
	return answer
}

// hear lets a device validate, so that it was seen now.
func (w *world) hear(l issued, name, version string) {
	w.t.Helper()
	_, err := w.licensing.Validate(w.t.Context(), software(l.product), licensing.Call{
		Key: l.key, Version: version, Device: &license.Device{Identifier: "hw-" + strings.ToLower(name), Name: name},
	})
	must(w.t, err)
	must(w.t, w.licensing.Tally().Flush(w.t.Context()))
}

func (w *world) suspend(l issued, why license.Reason, note string) {
	w.t.Helper()
	_, err := w.licensing.Suspend(w.t.Context(), vendor(), l.ID, why, note)
	must(w.t, err)
}

func (w *world) reinstate(l issued) {
	w.t.Helper()
	_, err := w.licensing.Reinstate(w.t.Context(), vendor(), l.ID)
	must(w.t, err)
}

func (w *world) revoke(l issued, why license.Reason) {
	w.t.Helper()
	_, err := w.licensing.Revoke(w.t.Context(), vendor(), l.ID, why, "")
	must(w.t, err)
}

// write changes what no use case changes yet.
func (w *world) write(fn func(ctx context.Context, tx *store.Tx) error) {
	w.t.Helper()
	must(w.t, w.store.InTx(w.t.Context(), func(tx *store.Tx) error { return fn(w.t.Context(), tx) }))
}

// customer is a customer with its owner, who can sign in, and a browser.
type customer struct {
	account.Customer
	person account.Person
	*browser
}

func (w *world) customerWithoutPassword(name, email string) customer {
	w.t.Helper()
	c, p, err := w.identity.CreateCustomer(w.t.Context(), vendor(), identity.NewCustomer{Name: name, Email: email, PersonName: "Ada Lovelace"})
	must(w.t, err)
	return customer{Customer: c, person: p, browser: w.browser()}
}

// stranger is a customer who can sign in and has not.
func (w *world) stranger(email string) customer {
	w.t.Helper()
	c := w.customerWithoutPassword("Analytical Engines", email)
	w.choosePassword(c.person)
	return c
}

func (w *world) choosePassword(p account.Person) {
	w.t.Helper()
	_, err := w.identity.SetPassword(w.t.Context(), w.link(p, account.Invitation), account.Invitation, password, identity.Origin{})
	must(w.t, err)
}

func (w *world) link(p account.Person, purpose account.LinkPurpose) string {
	w.t.Helper()
	token, _, err := w.identity.MintLink(w.t.Context(), p.ID, purpose)
	must(w.t, err)
	return token
}

// customer is a customer who is signed in.
func (w *world) customer(email string) customer {
	w.t.Helper()
	c := w.stranger(email)
	c.signIn(email)
	return c
}

// colleague is another person of a customer, signed in.
func (w *world) colleague(of customer, email string, role account.Role) customer {
	w.t.Helper()
	p, err := w.identity.AddPerson(w.t.Context(), vendor(), identity.NewPerson{CustomerID: of.Customer.ID, Email: email, Name: "Charles", Role: role})
	must(w.t, err)
	w.choosePassword(p)
	c := customer{Customer: of.Customer, person: p, browser: w.browser()}
	c.signIn(email)
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lockedBuffer is a log that more than one goroutine may write.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// waiting counts the mails of a kind that wait to be sent.
func (w *world) waiting(n account.Notice) int {
	w.t.Helper()
	found := 0
	w.write(func(ctx context.Context, tx *store.Tx) error {
		var left []store.Job
		for {
			j, err := tx.ClaimJob(ctx, w.now)
			if store.IsNotFound(err) {
				break
			}
			if err != nil {
				return err
			}
			left = append(left, j)
			if j.Kind == string(n) {
				found++
			}
		}
		for _, j := range left {
			if err := tx.RetryJob(ctx, j, "", w.now); err != nil {
				return err
			}
		}
		return nil
	})
	return found
}

// wantLogged fails the test unless it was logged that somebody asked for what
// is another's (P-ISO-03).
func (w *world) wantLogged(what, wanted string) {
	w.t.Helper()
	for line := range strings.Lines(w.log.String()) {
		if strings.Contains(line, "another customer's record was asked for") && strings.Contains(line, "what="+what+" id="+wanted) {
			return
		}
	}
	w.t.Errorf("that another's %s was asked for is not logged", what)
}

// happened counts the events of a type.
func (w *world) happened(wanted event.Type) int {
	w.t.Helper()
	all, err := w.store.Unsealed(w.t.Context(), 1000)
	must(w.t, err)
	found := 0
	for _, u := range all {
		if u.Event.Type == wanted {
			found++
		}
	}
	return found
}
