package delivery

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/isolation"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

// How much one page of downloads shows.
const (
	newestOf    = 3   // releases of each product at the most while all are listed
	pageOf      = 20  // releases of one product
	maxProducts = 200 // of one customer
)

// Query says which downloads to list.
type Query struct {
	Search    string          // fragment of a product's name, or of a version
	Channel   license.Channel // "" is any
	ProductID id.ID           // "" is all
	LicenseID id.ID           // "" is all: what this license includes
	After     id.ID           // behind this release, of one product
	Before    id.ID           // or in front of it
}

// Downloads is what a customer may have, by product.
type Downloads struct {
	At       time.Time
	Groups   []Group
	Counts   map[license.Channel]int // releases in each channel, whichever was asked for
	Products []license.Product       // all that have something to show
	License  *license.License        // the one asked for
	Any      bool                    // there is something without filters
}

// Group is the releases of one product.
type Group struct {
	Product           license.Product
	Items             []Item // the latest first
	Total             int    // in all
	HasPrior, HasNext bool
}

// Item is a release and whether the customer may have it.
type Item struct {
	license.Publication
	Reach
}

// candidate is a release that is shown, before what is in it was read.
type candidate struct {
	store.Offered
	Reach
}

// Downloads lists the published releases of the products that a customer holds
// a license for: those a license includes (P-DL-01, P-DL-20), and those that a
// renewed maintenance would add (P-DL-18).
func (s *Service) Downloads(ctx context.Context, actor account.Actor, q Query) (Downloads, error) {
	if err := customerOnly(actor); err != nil {
		return Downloads{}, err
	}
	d := Downloads{At: s.clock(), Counts: map[license.Channel]int{}}
	err := s.Store.Snapshot(ctx, func(r store.Reader) error {
		return s.eachProduct(ctx, r, actor, q, &d, func(q Query, p license.Product) error {
			return s.addGroup(ctx, r, actor, q, p, &d)
		})
	})
	return d, err
}

// eachProduct passes the products that a customer holds to do, with what is
// asked of them: a license asks for its product alone.
func (s *Service) eachProduct(ctx context.Context, r store.Reader, actor account.Actor, q Query, d *Downloads, do func(Query, license.Product) error) error {
	if q.LicenseID != "" {
		l, err := s.ownLicense(ctx, r, actor, q.LicenseID)
		if err != nil {
			return err
		}
		d.License, q.ProductID = &l, l.ProductID
	}
	products, err := r.HeldProducts(ctx, actor.CustomerID, maxProducts)
	if err != nil {
		return err
	}
	for _, p := range products {
		if err := do(q, p); err != nil {
			return err
		}
	}
	return nil
}

// How much of the downloads a file lists.
const (
	maxExport  = 10_000 // releases
	exportPage = 100    // of them read at once
)

// Export passes all that Downloads shows to write, some releases of one product
// at a time. What write returns ends it.
func (s *Service) Export(ctx context.Context, actor account.Actor, q Query, write func(license.Product, []Item) error) error {
	if err := customerOnly(actor); err != nil {
		return err
	}
	var shelves []shelf
	n := 0
	err := s.Store.Snapshot(ctx, func(r store.Reader) error {
		shelves, n = nil, 0
		d := Downloads{At: s.clock(), Counts: map[license.Channel]int{}}
		return s.eachProduct(ctx, r, actor, q, &d, func(q Query, p license.Product) error {
			list, err := s.selected(ctx, r, actor, q, p, &d)
			shelves, n = append(shelves, shelf{p, list}), n+len(list)
			return err
		})
	})
	if err == nil && n > maxExport {
		err = fault.New(fault.Invalid, "export_too_large", "A file lists at most 10,000 releases.").WithNext("Narrow the list with a search or a filter.")
	}
	if err != nil {
		return err
	}
	for _, sh := range shelves {
		for part := range slices.Chunk(sh.releases, exportPage) {
			list, err := items(ctx, s.Store.Reader, part)
			if err != nil {
				return err
			}
			if err := write(sh.product, list); err != nil {
				return err
			}
		}
	}
	return nil
}

// shelf is what is shown of one product.
type shelf struct {
	product  license.Product
	releases []candidate
}

// ownLicense returns the license if the actor's customer owns it.
func (s *Service) ownLicense(ctx context.Context, r store.Reader, actor account.Actor, wanted id.ID) (license.License, error) {
	l, err := r.OwnedLicense(ctx, actor.CustomerID, wanted)
	if err != nil {
		return l, isolation.Missing(ctx, s.Log, err, actor, "license", wanted, func() error {
			_, err := r.License(ctx, wanted)
			return err
		})
	}
	return l, nil
}

// selected are the releases of one product that were asked for; it notes in d
// what there is besides.
func (s *Service) selected(ctx context.Context, r store.Reader, actor account.Actor, q Query, p license.Product, d *Downloads) ([]candidate, error) {
	all, err := s.candidates(ctx, r, actor, p, d)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	d.Any = true
	d.Products = append(d.Products, p)
	if q.ProductID != "" && q.ProductID != p.ID {
		return nil, nil
	}
	all = matching(all, p, q.Search)
	for _, c := range all {
		d.Counts[c.Channel]++
	}
	if q.Channel != "" {
		all = slices.DeleteFunc(all, func(c candidate) bool { return c.Channel != q.Channel })
	}
	return all, nil
}

// newest are the releases of a product down to the first stable one that may be
// fetched: what somebody comes for. The others are on the product's own list.
func newest(all []candidate) []candidate {
	free := slices.IndexFunc(all, func(c candidate) bool { return c.Allowed && c.Channel == license.Stable })
	if free < 0 {
		free = len(all)
	}
	return all[:min(len(all), newestOf, free+1)]
}

// addGroup adds what there is of one product.
func (s *Service) addGroup(ctx context.Context, r store.Reader, actor account.Actor, q Query, p license.Product, d *Downloads) error {
	all, err := s.selected(ctx, r, actor, q, p, d)
	if err != nil || len(all) == 0 {
		return err
	}
	g := Group{Product: p, Total: len(all)}
	shown := newest(all)
	if q.ProductID != "" {
		shown, g.HasPrior, g.HasNext = pageAt(all, q)
	}
	if g.Items, err = items(ctx, r, shown); err != nil {
		return err
	}
	d.Groups = append(d.Groups, g)
	return nil
}

// candidates are the releases of a product that the customer gets to see.
func (s *Service) candidates(ctx context.Context, r store.Reader, actor account.Actor, p license.Product, d *Downloads) ([]candidate, error) {
	var h *holder
	var err error
	if d.License != nil && d.License.ProductID == p.ID {
		h, err = holding(ctx, r, p, []license.License{*d.License}, d.At)
	} else {
		h, err = heldBy(ctx, r, actor.CustomerID, p, d.At)
	}
	if err != nil {
		return nil, err
	}
	return h.candidates(ctx, r)
}

func (h *holder) candidates(ctx context.Context, r store.Reader) ([]candidate, error) {
	offered, err := r.OfferedReleases(ctx, h.product.ID)
	if err != nil {
		return nil, err
	}
	var list []candidate
	for _, o := range offered {
		if reach := h.reach(o.Release); o.Open(h.now) && (reach.Allowed || reach.Locked()) {
			list = append(list, candidate{o, reach})
		}
	}
	return list, nil
}

func matching(list []candidate, p license.Product, search string) []candidate {
	search = strings.ToLower(strings.TrimSpace(search))
	if search == "" || strings.Contains(strings.ToLower(p.Name), search) {
		return list
	}
	search = strings.TrimPrefix(search, "v")
	return slices.DeleteFunc(list, func(c candidate) bool { return !strings.Contains(strings.ToLower(c.Version), search) })
}

// pageAt is the page behind or in front of a release. A release that is no
// longer shown leads to the beginning.
func pageAt(all []candidate, q Query) (shown []candidate, prior, next bool) {
	place := func(wanted id.ID) int { return slices.IndexFunc(all, func(c candidate) bool { return c.ID == wanted }) }
	from := place(q.After) + 1
	if at := place(q.Before); q.Before != "" && at >= 0 {
		from = max(0, at-pageOf)
	}
	to := min(len(all), from+pageOf)
	return all[from:to], from > 0, to < len(all)
}

// items reads what is in the releases that are shown.
func items(ctx context.Context, r store.Reader, shown []candidate) ([]Item, error) {
	var ids []id.ID
	for _, c := range shown {
		ids = append(ids, c.ID)
	}
	published, err := r.PublicationsByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	var list []Item
	for _, c := range shown {
		for _, p := range published {
			if p.ID == c.ID {
				list = append(list, Item{p, c.Reach})
			}
		}
	}
	return list, nil
}

// Count is how many releases a customer can download now (P-DASH-14).
func (s *Service) Count(ctx context.Context, actor account.Actor) (int, error) {
	if err := customerOnly(actor); err != nil {
		return 0, err
	}
	n, now := 0, s.clock()
	err := s.Store.Snapshot(ctx, func(r store.Reader) error {
		products, err := r.HeldProducts(ctx, actor.CustomerID, maxProducts)
		if err != nil {
			return err
		}
		for _, p := range products {
			h, err := heldBy(ctx, r, actor.CustomerID, p, now)
			if err != nil {
				return err
			}
			list, err := h.candidates(ctx, r)
			if err != nil {
				return err
			}
			for _, c := range list {
				if c.Allowed {
					n++
				}
			}
		}
		return nil
	})
	return n, err
}

// OfLicense lists what a license includes, as its owner finds it in the portal
// (P-DL-23), newest first. For staff, and for the software of its product.
func (s *Service) OfLicense(ctx context.Context, actor account.Actor, wanted id.ID) ([]Item, error) {
	needs := account.LicensesRead
	if actor.ProductID != "" {
		needs = account.DevicesUse
	}
	if err := actor.Require(needs); err != nil {
		return nil, err
	}
	var list []Item
	now := s.clock()
	err := s.Store.Snapshot(ctx, func(r store.Reader) error {
		l, err := r.License(ctx, wanted)
		if store.IsNotFound(err) || err == nil && !actor.Reaches(l.Environment, l.ProductID) {
			return fault.Missing("license")
		}
		if err != nil {
			return err
		}
		p, err := r.Product(ctx, l.ProductID)
		if err != nil {
			return err
		}
		h, err := holding(ctx, r, p, []license.License{l}, now)
		if err != nil {
			return err
		}
		shown, err := h.candidates(ctx, r)
		if err != nil {
			return err
		}
		list, err = items(ctx, r, shown)
		return err
	})
	return list, err
}
