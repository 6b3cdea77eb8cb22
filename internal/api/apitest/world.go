package apitest

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/api"
	"github.com/keyward/keyward/internal/app/attempt"
	"github.com/keyward/keyward/internal/app/audit"
	"github.com/keyward/keyward/internal/app/catalog"
	"github.com/keyward/keyward/internal/app/delivery"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/app/support"
	"github.com/keyward/keyward/internal/blob"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/store/storetest"
)

// Start is where the clock of every world stands at first.
var Start = time.Date(2026, time.March, 12, 12, 0, 0, 0, time.UTC)

// Options say what is special about a world.
type Options struct {
	Database string // URL of an empty PostgreSQL database; "" is SQLite
	Limits   api.Limits
}

// World is a running API and everything behind it.
type World struct {
	Store     *store.Store
	Licensing *licensing.Service
	Identity  *identity.Service
	Delivery  *delivery.Service
	Sealer    *audit.Sealer
	Support   *support.Service
	API       *api.API
	Server    *httptest.Server

	t      testing.TB
	master *signing.Master
	log    lockedBuffer
	mu     sync.Mutex
	now    time.Time
}

// New starts a world that ends with its test.
func New(t testing.TB, o Options) *World {
	t.Helper()
	dir := storetest.Dir(t)
	s := storetest.Open(t, store.Options{Database: o.Database, Dir: dir})
	master, err := signing.CreateMaster(filepath.Join(dir, "master.key"))
	must(t, err)

	w := &World{Store: s, t: t, master: master, now: Start}
	logger := slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.Licensing = licensing.New(licensing.Deps{
		Store: s, Master: master, Now: w.Now, Log: logger, BaseURL: "https://licenses.example.com",
	})
	w.Identity = identity.New(identity.Deps{Store: s, Master: master, Now: w.Now, Log: logger})
	w.Sealer = audit.NewSealer(s, master, w.Now)
	w.Delivery = delivery.New(delivery.Deps{Store: s, Master: master, Blobs: blob.NewDisk(filepath.Join(dir, "files")), Now: w.Now, Log: logger})
	w.Support = support.New(support.Deps{Store: s, Master: master, Licensing: w.Licensing, Now: w.Now, Log: logger})
	w.API = api.New(api.Deps{
		Licensing: w.Licensing, Identity: w.Identity, Delivery: w.Delivery, Now: w.Now, Limits: o.Limits,
		Trail: w.Sealer, Support: w.Support, Attempts: attempt.NewCounter(s, master),
		Catalog: catalog.New(catalog.Deps{Store: s, Master: master, Now: w.Now, Log: logger}),
	})
	mux := http.NewServeMux()
	w.API.Mount(mux)
	w.Server = httptest.NewServer(httpx.Chain(mux, httpx.AssignRequestID,
		httpx.ClientAddr([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}),
		httpx.AccessLog(logger, w.Now), httpx.Recover(httpx.WriteProblem)))
	t.Cleanup(w.Server.Close)
	return w
}

// Now is the instant at which the world stands.
func (w *World) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// Advance moves the clock.
func (w *World) Advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// Log is everything that was logged so far.
func (w *World) Log() string { return w.log.String() }

// Product is a product and what its software ships with.
type Product struct {
	license.Product
	Token  string // client token
	Pinned string // public key to pin
}

// AddProduct makes a product with a plan of 2 devices and no end, a signing
// key and a client token.
func (w *World) AddProduct(name string, change func(*license.Product)) Product {
	w.t.Helper()
	p := license.Product{
		ID: id.New(), Environment: license.Production, Name: name, Slug: strings.ToLower(name), Active: true,
		CreatedAt: w.Now(), AcceptsHardware: true, SelfDeactivation: true, LeaseFor: 14 * 24 * time.Hour,
		Features: []license.Feature{
			{Key: "export", Label: "Export", Type: license.Boolean, Value: true},
			{Key: "seats", Label: "Seats", Type: license.Numeric, Value: float64(0)},
		},
	}
	if change != nil {
		change(&p)
	}
	key, err := w.master.NewKey(rand.Reader, string(p.ID))
	must(w.t, err)
	w.write(func(ctx context.Context, tx *store.Tx) error {
		if err := tx.AddProduct(ctx, p); err != nil {
			return err
		}
		if err := tx.AddSigningKey(ctx, id.New(), key, w.Now()); err != nil {
			return err
		}
		return tx.AddGenerator(ctx, license.Generator{
			ID: id.New(), ProductID: p.ID, Name: "Standard", Pattern: "KW-{X:5}-{X:5}-{X:5}-{X:5}",
			Limit: 2, Active: true, CreatedAt: w.Now(),
		})
	})
	pinned, err := key.Pinned()
	must(w.t, err)
	_, token := w.AddToken(p, nil)
	return Product{Product: p, Pinned: pinned.String(), Token: token}
}

// AddToken makes another client token of a product.
func (w *World) AddToken(p license.Product, change func(*identity.NewToken)) (id.ID, string) {
	w.t.Helper()
	in := identity.NewToken{Kind: account.ClientToken, Name: "Software", ProductID: p.ID}
	if change != nil {
		change(&in)
	}
	token, text, err := w.Identity.CreateToken(w.t.Context(), w.System(), in)
	must(w.t, err)
	return token.ID, text
}

// AddSecret makes a secret token of an environment and returns its text.
func (w *World) AddSecret(e license.Environment, permissions ...account.Permission) string {
	w.t.Helper()
	_, text, err := w.Identity.CreateToken(w.t.Context(), w.System(), identity.NewToken{
		Kind: account.SecretToken, Name: "Program", Environment: e, Permissions: permissions,
	})
	must(w.t, err)
	return text
}

// AddCustomer makes a customer.
func (w *World) AddCustomer(name string) account.Customer {
	w.t.Helper()
	c := account.Customer{ID: id.New(), Name: name, Status: account.Active, CreatedAt: w.Now()}
	w.write(func(ctx context.Context, tx *store.Tx) error { return tx.AddCustomer(ctx, c) })
	return c
}

// Issue makes a license of a product and returns it with its key.
func (w *World) Issue(p Product, in licensing.Issue) (license.License, string) {
	w.t.Helper()
	in.ProductID = p.ID
	l, key, err := w.Licensing.Issue(w.t.Context(), w.System(), in)
	must(w.t, err)
	return l, key
}

// System is the actor of what the vendor does.
func (w *World) System() account.Actor { return account.System("") }

func (w *World) write(fn func(context.Context, *store.Tx) error) {
	w.t.Helper()
	must(w.t, w.Store.InTx(w.t.Context(), func(tx *store.Tx) error { return fn(w.t.Context(), tx) }))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lockedBuffer is a log that many requests write.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

var _ io.Writer = (*lockedBuffer)(nil)

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
