package apptest

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/licensefile"
)

// Pattern is that of the keys in these worlds: EDIT and three random groups.
const Pattern = "EDIT-{X:5}-{X:5}-{X:5}"

// Product adds a product with a signing key and the plan Standard: five
// devices, a year, no bound of versions. change may alter both first.
func (w *World) Product(slug string, change ...func(*license.Product, *license.Generator)) license.Product {
	w.Helper()
	p := license.Product{
		ID: id.New(), Environment: license.Production, Name: "Product " + slug, Slug: slug, Active: true, CreatedAt: w.Clock.Now(),
		AcceptsHardware: true, SelfDeactivation: true, LeaseFor: 14 * Day, RenewalURL: "https://shop.example.com/renew",
	}
	g := license.Generator{
		ID: id.New(), ProductID: p.ID, Name: "Standard", Pattern: Pattern, Limit: 5, ValidityDays: 365, Active: true, CreatedAt: w.Clock.Now(),
	}
	for _, c := range change {
		c(&p, &g)
	}
	key, err := w.Master.NewKey(rand.Reader, string(p.ID))
	w.Must(err)
	w.Tx(func(ctx context.Context, tx *store.Tx) error {
		if err := tx.AddProduct(ctx, p); err != nil {
			return err
		}
		if err := tx.AddGenerator(ctx, g); err != nil {
			return err
		}
		return tx.AddSigningKey(ctx, id.New(), key, w.Clock.Now())
	})
	return p
}

// License issues a license of the product's plan to a customer and returns it
// with its key. change may alter the wish first.
func (w *World) License(p license.Product, c account.Customer, change ...func(*licensing.Issue)) (license.License, string) {
	w.Helper()
	in := licensing.Issue{ProductID: p.ID, CustomerID: c.ID}
	for _, f := range change {
		f(&in)
	}
	l, key, err := w.Licensing.Issue(w.Context(), Staff(), in)
	w.Must(err)
	return l, key
}

// Available issues a license that nobody owns.
func (w *World) Available(p license.Product) (license.License, string) {
	w.Helper()
	return w.License(p, account.Customer{})
}

// Call is a call by a device.
func Call(key, device string) licensing.Call {
	return licensing.Call{Key: key, Device: &license.Device{Identifier: device, Name: "Name of " + device}}
}

// Activate gives devices seats of the license with this key.
func (w *World) Activate(p license.Product, key string, devices ...string) []license.Activation {
	w.Helper()
	var list []license.Activation
	for _, d := range devices {
		a, err := w.Licensing.Activate(w.Context(), Client(p), Call(key, d))
		w.Must(err)
		if !a.Verdict.Valid || a.Activation == nil {
			w.Fatalf("%s was not activated: %s", d, a.Verdict.Code)
		}
		list = append(list, *a.Activation)
	}
	return list
}

// Lease verifies a lease with the product's keys and reads it.
func (w *World) Lease(p license.Product, token string) licensefile.Lease {
	w.Helper()
	ring, err := w.Store.SigningKeys(w.Context(), p.ID)
	w.Must(err)
	keys, err := ring.KeySet()
	w.Must(err)
	lease, err := licensefile.ParseLease(token, keys)
	w.Must(err)
	return *lease
}

// Reread is a license as it is stored.
func (w *World) Reread(l license.License) license.License {
	w.Helper()
	now, err := w.Store.License(w.Context(), l.ID)
	w.Must(err)
	return now
}

// Events are those of a license, oldest first.
func (w *World) Events(l license.License) []event.Event {
	w.Helper()
	list, err := w.Store.LicenseEvents(w.Context(), l.ID, 1000)
	w.Must(err)
	slices.Reverse(list)
	return list
}

// EventTypes are the types of a license's events, oldest first.
func (w *World) EventTypes(l license.License) []event.Type {
	w.Helper()
	var types []event.Type
	for _, e := range w.Events(l) {
		types = append(types, e.Type)
	}
	return types
}

// SetProduct switches a product off or on, and kills it or not.
func (w *World) SetProduct(p license.Product, active bool, killed time.Time) {
	w.Helper()
	w.Tx(func(ctx context.Context, tx *store.Tx) error {
		if err := tx.SetProductActive(ctx, p.ID, active, w.Clock.Now()); err != nil {
			return err
		}
		return tx.SetProductKilled(ctx, p.ID, killed, w.Clock.Now())
	})
}
