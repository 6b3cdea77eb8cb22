package demo

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/catalog"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/server"
)

// Amount is how much to add to an installation, or how much was added.
type Amount struct{ Customers, Licenses int }

// Seed adds customers and spreads licenses over them, for measurements. It
// tells progress how far it is, and stops between two batches when ctx ends;
// what it returns then was added.
func Seed(ctx context.Context, uses *server.Services, wanted Amount, progress io.Writer) (Amount, error) {
	var done Amount
	products, err := seedProducts(ctx, uses)
	if err != nil {
		return done, err
	}
	now := time.Now().UTC()
	c, err := newCrowd(uses, products, now)
	if err != nil {
		return done, err
	}
	for i := range wanted.Customers {
		if err := ctx.Err(); err != nil {
			return done, err
		}
		owner, err := seedCustomer(ctx, uses)
		if err != nil {
			return done, err
		}
		done.Customers++
		share := wanted.Licenses*(i+1)/wanted.Customers - wanted.Licenses*i/wanted.Customers
		if err := seedLicenses(ctx, c, owner, share, &done, wanted, progress); err != nil {
			return done, err
		}
	}
	return done, nil
}

// SeedOwner adds a customer whose owner signs in like that, with that many
// licenses, for measurements of what they see.
func SeedOwner(ctx context.Context, uses *server.Services, in SignIn, licenses int, progress io.Writer) error {
	products, err := seedProducts(ctx, uses)
	if err != nil {
		return err
	}
	c, err := newCrowd(uses, products, time.Now().UTC())
	if err != nil {
		return err
	}
	owner, err := party{"Measured " + in.Email, "Measured", in}.settle(ctx, uses)
	if err != nil {
		return err
	}
	return seedLicenses(ctx, c, owner.CustomerID, licenses, &Amount{Customers: 1}, Amount{1, licenses}, progress)
}

// seedLicenses gives one customer its share, in batches.
func seedLicenses(ctx context.Context, c *crowd, owner id.ID, share int, done *Amount, wanted Amount, progress io.Writer) error {
	first, every := c.now.Add(-crowdSpan), max(tellEvery, wanted.Licenses/50)
	for made := 0; made < share; {
		if err := ctx.Err(); err != nil {
			return err
		}
		next := min(made+crowdBatch, share)
		if err := c.add(ctx, owner, next-made, between(first, c.now, made, share), between(first, c.now, next, share)); err != nil {
			return err
		}
		told := done.Licenses / every
		done.Licenses, made = done.Licenses+next-made, next
		if done.Licenses/every > told {
			fmt.Fprintf(progress, "%d of %d licenses, %d of %d customers\n", done.Licenses, wanted.Licenses, done.Customers, wanted.Customers)
		}
	}
	return nil
}

// tellEvery is after how many licenses progress is told, at most that often.
const tellEvery = 1000

// seedProducts finds the products that an earlier run made, or makes them.
func seedProducts(ctx context.Context, uses *server.Services) ([]license.Product, error) {
	var products []license.Product
	for _, name := range []string{"Seed Alpha", "Seed Beta", "Seed Gamma"} {
		slug := strings.ReplaceAll(strings.ToLower(name), " ", "-")
		p, err := uses.Catalog.ProductBySlug(ctx, account.System(""), license.Production, slug)
		if fault.Is(err, fault.NotFound) {
			p, err = uses.Catalog.CreateProduct(ctx, account.System(""), catalog.NewProduct{
				Environment: license.Production, Name: name, AcceptsHardware: true, SelfDeactivation: true,
			})
		}
		if err != nil {
			return nil, err
		}
		products = append(products, p)
	}
	return products, nil
}

func seedCustomer(ctx context.Context, uses *server.Services) (id.ID, error) {
	mark := strings.ReplaceAll(string(id.New()), "-", "")
	c, _, err := uses.Identity.CreateCustomer(ctx, account.System(""), identity.NewCustomer{
		Name: "Customer " + mark[len(mark)-8:], Email: mark + "@seed.example",
	})
	return c.ID, err
}
