package licensing

import (
	"context"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/isolation"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

// DeviceQuery is what a customer asks of the list of activations.
type DeviceQuery struct {
	Search    string
	Status    license.ActivationStatus
	LicenseID id.ID
	Holding   bool // leave deactivated ones out, unless Status asks for them
	After     id.ID
	Before    id.ID
	At        time.Time
}

// DeviceRow is one activation with its license and product.
type DeviceRow struct {
	Activation license.Activation
	License    license.License
	Product    license.Product
	Swaps      license.Swaps
}

// DeviceList is one page of activations over all of a customer's licenses.
type DeviceList struct {
	Rows     []DeviceRow
	Counts   map[license.ActivationStatus]int // with search and license, without the status
	Total    int
	Any      bool // the customer has activations at all
	At       time.Time
	HasNext  bool
	HasPrior bool
	License  *OneLicense // the license the list is filtered by
}

// OneLicense is a license with what a page says about it in passing.
type OneLicense struct {
	License  license.License
	Product  license.Product
	Used     int
	Reserved int           // seats kept for devices that replace others
	Swaps    license.Swaps // how much of the product's policy is used up
}

// Devices returns a page of the customer's activations (P-ACT-01..09, 23). A
// filter by a license that is not theirs is "not found".
func (s *Service) Devices(ctx context.Context, actor account.Actor, q DeviceQuery) (DeviceList, error) {
	if err := customerOnly(actor); err != nil {
		return DeviceList{}, err
	}
	l := DeviceList{At: q.At}
	if l.At.IsZero() {
		l.At = s.clock()
	}
	err := s.Store.Snapshot(ctx, func(r store.Reader) error {
		if q.LicenseID != "" {
			one, err := s.one(ctx, r, actor, q.LicenseID, l.At)
			if err != nil {
				return err
			}
			l.License = &one
		}
		return readDevices(ctx, r, actor, q, &l)
	})
	return l, err
}

func (s *Service) one(ctx context.Context, r store.Reader, actor account.Actor, wanted id.ID, now time.Time) (OneLicense, error) {
	l, err := s.owned(ctx, r, actor, wanted)
	if err != nil {
		return OneLicense{}, err
	}
	p, err := r.Product(ctx, l.ProductID)
	if err != nil {
		return OneLicense{}, err
	}
	seats, err := r.Seats(ctx, l.ID, nil, now)
	if err != nil {
		return OneLicense{}, err
	}
	swaps, err := swapsOf(ctx, r, p, l.ID, now)
	return OneLicense{License: l, Product: p, Used: seats.Used, Reserved: seats.Reserved, Swaps: swaps}, err
}

func readDevices(ctx context.Context, r store.Reader, actor account.Actor, q DeviceQuery, l *DeviceList) error {
	f := deviceFilter(actor, q, l.At)
	rows, err := r.OwnedActivations(ctx, f, store.Page{After: q.After, Before: q.Before, Size: PageSize})
	if err != nil {
		return err
	}
	rows, l.HasPrior, l.HasNext = cut(rows, q.After, q.Before)
	if l.Rows, err = withProducts(ctx, r, rows, l.At); err != nil {
		return err
	}
	if l.Counts, err = r.CountActivations(ctx, f); err != nil {
		return err
	}
	for status, n := range l.Counts {
		if f.Status == "" && !(f.Holding && status == license.ActivationDeactivated) || f.Status == status {
			l.Total += n
		}
	}
	if l.Any = len(l.Counts) > 0; l.Any {
		return nil
	}
	all, err := r.CountActivations(ctx, store.ActivationFilter{Customer: actor.CustomerID, Now: l.At})
	l.Any = len(all) > 0
	return err
}

func deviceFilter(actor account.Actor, q DeviceQuery, now time.Time) store.ActivationFilter {
	return store.ActivationFilter{
		Customer: actor.CustomerID, Now: now, Status: q.Status, LicenseID: q.LicenseID,
		Search:  strings.ToLower(searchText(q.Search)),
		Holding: q.Holding && q.Status != license.ActivationDeactivated,
	}
}

// withProducts adds what the rows' products and licenses say, each read once.
func withProducts(ctx context.Context, r store.Reader, rows []store.OwnedActivation, now time.Time) ([]DeviceRow, error) {
	products, used := make(map[id.ID]license.Product), make(map[id.ID]license.Swaps)
	list := make([]DeviceRow, 0, len(rows))
	for _, o := range rows {
		p, known := products[o.License.ProductID]
		if !known {
			var err error
			if p, err = r.Product(ctx, o.License.ProductID); err != nil {
				return nil, err
			}
			products[p.ID] = p
		}
		swaps, known := used[o.License.ID]
		if !known {
			var err error
			if swaps, err = swapsOf(ctx, r, p, o.License.ID, now); err != nil {
				return nil, err
			}
			used[o.License.ID] = swaps
		}
		list = append(list, DeviceRow{Activation: o.Activation, License: o.License, Product: p, Swaps: swaps})
	}
	return list, nil
}

// Device is one activation and its license, for the page that asks before
// deactivating.
type Device struct {
	Activation license.Activation
	Status     license.ActivationStatus
	OneLicense
	Refusal *fault.Error // why the customer cannot deactivate it, or nil
}

// Device returns one of the customer's activations.
func (s *Service) Device(ctx context.Context, actor account.Actor, wanted id.ID) (Device, error) {
	if err := customerOnly(actor); err != nil {
		return Device{}, err
	}
	now := s.clock()
	var d Device
	err := s.Store.Snapshot(ctx, func(r store.Reader) error {
		a, err := s.ownedActivation(ctx, r, actor, wanted)
		if err != nil {
			return err
		}
		d.OneLicense, err = s.one(ctx, r, actor, a.LicenseID, now)
		d.Activation, d.Status = a, a.Status(d.License.Status(now), now)
		d.Refusal = license.MayDeactivate(d.Product, d.Status, d.Swaps)
		return err
	})
	return d, err
}

func (s *Service) ownedActivation(ctx context.Context, r store.Reader, actor account.Actor, wanted id.ID) (license.Activation, error) {
	a, err := r.OwnedActivation(ctx, actor.CustomerID, wanted)
	if err != nil {
		return a, isolation.Missing(ctx, s.Log, err, actor, "activation", wanted, func() error {
			_, err := r.Activation(ctx, wanted)
			return err
		})
	}
	return a, nil
}
