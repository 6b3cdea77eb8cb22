package catalog

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
)

// Deps is what the use cases work with.
type Deps struct {
	Store  *store.Store
	Master *signing.Master
	Now    func() time.Time
	Log    *slog.Logger
	Random io.Reader // of signing keys; nil is the system's
}

// Service is the use cases about products. It is safe for concurrent use.
type Service struct{ Deps }

// New makes the use cases.
func New(d Deps) *Service {
	if d.Random == nil {
		d.Random = rand.Reader
	}
	return &Service{d}
}

// clock is the instant of one use case, as precise as the store keeps it.
func (s *Service) clock() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// visible turns a product that is not there, or not in the actor's
// environment, into the same fault. The second is logged.
func (s *Service) visible(ctx context.Context, actor account.Actor, p license.Product, err error) (license.Product, error) {
	if store.IsNotFound(err) {
		return license.Product{}, fault.Missing("product")
	}
	if err == nil && actor.Environment != "" && actor.Environment != p.Environment {
		s.Log.WarnContext(ctx, "a product of another environment was asked for",
			"product", p.ID, "environment", actor.Environment, "actor", actor.ID, "request", actor.RequestID)
		return license.Product{}, fault.Missing("product")
	}
	return p, err
}

// about starts an event about a product.
func about(t event.Type, actor account.Actor, p license.Product, now time.Time) event.Event {
	e := event.New(t, actor, now)
	e.ProductID, e.Environment = p.ID, p.Environment
	return e
}

// Product returns a product.
func (s *Service) Product(ctx context.Context, actor account.Actor, product id.ID) (license.Product, error) {
	if err := actor.Require(account.ProductsRead); err != nil {
		return license.Product{}, err
	}
	p, err := s.Store.Product(ctx, product)
	return s.visible(ctx, actor, p, err)
}

// ProductBySlug returns the product an environment has under a slug.
func (s *Service) ProductBySlug(ctx context.Context, actor account.Actor, e license.Environment, slug string) (license.Product, error) {
	if err := actor.Require(account.ProductsRead); err != nil {
		return license.Product{}, err
	}
	p, err := s.Store.ProductBySlug(ctx, e, slug)
	return s.visible(ctx, actor, p, err)
}

// Made returns a product to whoever may read or write products.
func (s *Service) Made(ctx context.Context, actor account.Actor, product id.ID) (license.Product, error) {
	if !actor.Can(account.ProductsWrite) {
		return s.Product(ctx, actor, product)
	}
	p, err := s.Store.Product(ctx, product)
	return s.visible(ctx, actor, p, err)
}

// MaxPage is the most products one call returns.
const MaxPage = 101

// Products returns the next products after one of them, oldest first; after ""
// it begins with the first.
func (s *Service) Products(ctx context.Context, actor account.Actor, after id.ID, limit int) ([]license.Product, error) {
	return s.SelectProducts(ctx, actor, Selection{}, after, limit)
}

// Selection says which products are wanted; the zero value is all.
type Selection struct {
	Active *bool
	Slug   string
}

// SelectProducts is Products of some.
func (s *Service) SelectProducts(ctx context.Context, actor account.Actor, some Selection, after id.ID, limit int) ([]license.Product, error) {
	if err := actor.Require(account.ProductsRead); err != nil {
		return nil, err
	}
	f := store.ProductFilter{Environment: actor.Environment, Active: some.Active, Slug: some.Slug}
	return s.Store.Products(ctx, f, after, min(max(limit, 1), MaxPage))
}

// Generators lists a product's generators, the one it was made with first.
func (s *Service) Generators(ctx context.Context, actor account.Actor, product id.ID) ([]license.Generator, error) {
	if _, err := s.Product(ctx, actor, product); err != nil {
		return nil, err
	}
	return s.Store.Generators(ctx, product)
}

// Releases lists a product's versions, the latest first.
func (s *Service) Releases(ctx context.Context, actor account.Actor, product id.ID) ([]license.Release, error) {
	if _, err := s.Product(ctx, actor, product); err != nil {
		return nil, err
	}
	return s.Store.Releases(ctx, product)
}
