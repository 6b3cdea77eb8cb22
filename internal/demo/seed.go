package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
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

// seeders is how many customers are added at once: while one waits for its
// commit, others make their licenses.
const seeders = 4

// Seed adds customers and spreads licenses over them, for measurements. It
// tells progress how far it is, and stops between two batches when ctx ends;
// what it returns then was added.
func Seed(ctx context.Context, uses *server.Services, wanted Amount, progress io.Writer) (Amount, error) {
	products, err := seedProducts(ctx, uses)
	if err != nil {
		return Amount{}, err
	}
	c, err := newCrowd(uses, products, time.Now().UTC())
	if err != nil {
		return Amount{}, err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s := &sowing{wanted: wanted, progress: progress}
	var next atomic.Int64
	var all sync.WaitGroup
	failures := make([]error, seeders)
	for i := range failures {
		all.Go(func() {
			if failures[i] = s.work(ctx, c, &next); failures[i] != nil {
				stop()
			}
		})
	}
	all.Wait()
	return s.done, first(failures)
}

// first is why the work ended, rather than that it did.
func first(failures []error) error {
	var ended error
	for _, err := range failures {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		ended = cmp.Or(ended, err)
	}
	return ended
}

// sowing is how far a seed is.
type sowing struct {
	wanted   Amount
	progress io.Writer
	mu       sync.Mutex
	done     Amount
}

// work adds one customer after another.
func (s *sowing) work(ctx context.Context, c *crowd, next *atomic.Int64) error {
	for i := int(next.Add(1)) - 1; i < s.wanted.Customers; i = int(next.Add(1)) - 1 {
		if err := ctx.Err(); err != nil {
			return err
		}
		owner, err := seedCustomer(ctx, c.uses)
		if err != nil {
			return err
		}
		s.add(Amount{Customers: 1})
		share := s.wanted.Licenses*(i+1)/s.wanted.Customers - s.wanted.Licenses*i/s.wanted.Customers
		if err := s.licenses(ctx, c.of(i), owner, share); err != nil {
			return err
		}
	}
	return nil
}

// licenses gives one customer its share, in batches.
func (s *sowing) licenses(ctx context.Context, c *crowd, owner id.ID, share int) error {
	first := c.now.Add(-crowdSpan)
	for made := 0; made < share; {
		if err := ctx.Err(); err != nil {
			return err
		}
		next := min(made+crowdBatch, share)
		if err := c.add(ctx, owner, next-made, between(first, c.now, made, share), between(first, c.now, next, share)); err != nil {
			return err
		}
		s.add(Amount{Licenses: next - made})
		made = next
	}
	return nil
}

// add notes what was added, and tells it now and then.
func (s *sowing) add(more Amount) {
	s.mu.Lock()
	defer s.mu.Unlock()
	every := max(tellEvery, s.wanted.Licenses/50)
	told := s.done.Licenses / every
	s.done.Customers += more.Customers
	s.done.Licenses += more.Licenses
	if s.done.Licenses/every > told {
		fmt.Fprintf(s.progress, "%d of %d licenses, %d of %d customers\n", s.done.Licenses, s.wanted.Licenses, s.done.Customers, s.wanted.Customers)
	}
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
	s := &sowing{wanted: Amount{1, licenses}, progress: progress, done: Amount{Customers: 1}}
	return s.licenses(ctx, c, owner.CustomerID, licenses)
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
