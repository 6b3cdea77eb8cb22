package apptest

import (
	"context"
	"net/netip"
	"strings"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

// Customer adds a customer.
func (w *World) Customer(name string) account.Customer {
	w.Helper()
	c := account.Customer{ID: id.New(), Name: name, Status: account.Active, CreatedAt: w.Clock.Now()}
	w.Tx(func(ctx context.Context, tx *store.Tx) error { return tx.AddCustomer(ctx, c) })
	return c
}

// Person adds a person who never set a password and may act for the customer.
func (w *World) Person(c account.Customer, email string) account.Person {
	w.Helper()
	p := account.Person{ID: id.New(), Email: strings.ToLower(email), Status: account.Active, Theme: account.SystemTheme, CreatedAt: w.Clock.Now()}
	w.Tx(func(ctx context.Context, tx *store.Tx) error {
		if err := tx.AddPerson(ctx, p); err != nil {
			return err
		}
		return tx.AddMembership(ctx, p.ID, c.ID, account.Owner, w.Clock.Now())
	})
	return p
}

// Owner is somebody signed in as the owner of a customer's account.
func Owner(c account.Customer) account.Actor { return SignedIn(c, account.Owner) }

// SignedIn is somebody signed in for a customer.
func SignedIn(c account.Customer, role account.Role) account.Actor {
	return account.Actor{Kind: account.ActorPerson, ID: id.New(), CustomerID: c.ID, Role: role, RequestID: "request-of-person"}
}

// Staff is an administrator who may do everything.
func Staff() account.Actor {
	return account.Actor{
		Kind: account.ActorAdministrator, ID: id.New(), RequestID: "request-of-staff", Address: netip.MustParseAddr("203.0.113.9"),
		Permissions: account.SuperAdmin.Permissions(),
	}
}

// Client is the token that ships with a product.
func Client(p license.Product) account.Actor {
	return account.Actor{
		Kind: account.ActorToken, ID: id.New(), ProductID: p.ID, Environment: p.Environment,
		Permissions: []account.Permission{account.DevicesUse}, RequestID: "request-of-client",
	}
}

// Secret is a token of the vendor's own software that may do everything in
// one environment.
func Secret(e license.Environment) account.Actor {
	return account.Actor{
		Kind: account.ActorToken, ID: id.New(), Environment: e, RequestID: "request-of-secret",
		Permissions: append(account.Permissions(), account.DevicesUse),
	}
}
