package delivery

import (
	"context"
	"slices"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

// Reading reports whether there are changelogs at all.
func (s *Service) Reading() bool { return s.Changelogs.Audience != Nobody }

// Changes is one page of a product's changelog: what is published and out, the
// latest first (P-CHG-01, P-CHG-07).
type Changes struct {
	At                time.Time
	Product           license.Product
	Entries           []license.Publication
	Total             int
	HasPrior, HasNext bool
	Moved             string // set: the slug that took the place of the one asked for
}

// errNoChangelog is the answer for whatever has no changelog to read.
var errNoChangelog error = fault.Missing("page")

// Changelog returns a page of the changelog that a production product has under
// a slug, behind one entry or in front of another. Whoever is not signed in has the zero Actor and reads public ones only.
func (s *Service) Changelog(ctx context.Context, actor account.Actor, slug string, after, before id.ID) (Changes, error) {
	switch {
	case !s.Reading():
		return Changes{}, errNoChangelog
	case actor.Kind == "" && s.Changelogs.Audience != Everybody:
		return Changes{}, fault.New(fault.Unauthenticated, "not_signed_in", "Changelogs are for customers who are signed in.").WithNext("Sign in to continue.")
	}
	c := Changes{At: s.clock()}
	page := store.Page{After: after, Before: before, Size: s.Changelogs.Entries}
	err := s.Store.Snapshot(ctx, func(r store.Reader) error {
		var err error
		c.Product, err = r.ProductBySlug(ctx, license.Production, slug)
		if store.IsNotFound(err) {
			if c.Product, err = r.FormerSlug(ctx, license.Production, slug); err == nil {
				c.Moved = c.Product.Slug
			}
		}
		if store.IsNotFound(err) || err == nil && !c.Product.Delivery.Changelog {
			return errNoChangelog
		}
		if err != nil || c.Moved != "" {
			return err
		}
		return c.fill(ctx, r, page)
	})
	return c, err
}

func (c *Changes) fill(ctx context.Context, r store.Reader, page store.Page) error {
	list, err := r.Publications(ctx, store.PublicationFilter{Product: c.Product.ID, OutAt: c.At}, page)
	if err != nil {
		return err
	}
	more := len(list) > page.Size
	switch {
	case page.Before != "":
		list = list[max(0, len(list)-page.Size):]
		c.HasPrior, c.HasNext = more, true
	default:
		list = list[:min(len(list), page.Size)]
		c.HasPrior, c.HasNext = page.After != "", more
	}
	c.Entries = list
	c.Total, err = r.CountPublications(ctx, c.Product.ID, c.At)
	return err
}

// Headline is a product with a changelog and its latest entry, if it has one.
type Headline struct {
	Product license.Product
	Latest  *license.Publication
	Total   int
}

// Headlines lists the changelogs of the products that a customer holds a
// license of (P-CHG-02).
func (s *Service) Headlines(ctx context.Context, actor account.Actor) ([]Headline, error) {
	if err := customerOnly(actor); err != nil {
		return nil, err
	}
	if !s.Reading() {
		return nil, errNoChangelog
	}
	var list []Headline
	err := s.Store.Snapshot(ctx, func(r store.Reader) error {
		products, err := r.HeldProducts(ctx, actor.CustomerID, maxProducts)
		if err != nil {
			return err
		}
		products = slices.DeleteFunc(products, func(p license.Product) bool {
			return !p.Delivery.Changelog || p.Environment != license.Production
		})
		for _, p := range products {
			c := Changes{At: s.clock(), Product: p}
			if err := c.fill(ctx, r, store.Page{Size: 1}); err != nil {
				return err
			}
			h := Headline{Product: p, Total: c.Total}
			if len(c.Entries) > 0 {
				h.Latest = &c.Entries[0]
			}
			list = append(list, h)
		}
		return nil
	})
	return list, err
}
