package intake

import (
	"context"
	"fmt"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
)

// MaxBatch is how many licenses one call takes over: one transaction, for
// which others wait.
const MaxBatch = 1000

// License is one that was issued elsewhere, as it is handed over.
type License struct {
	ProductID  id.ID
	CustomerID id.ID
	Plan       string
	Key        string
	HashOnly   bool // the key is found when it is presented, and never shown
	Limit      int  // devices, or license.Unlimited
	AssignedAt time.Time
	ExpiresAt  time.Time // zero: never
	Features   []license.Feature
	Suspended  license.Reason // "": it is not
	Revoked    license.Reason // "": it is not
	Seats      []Seat
}

// Seat is a device that holds a seat of a license.
type Seat struct {
	license.Device
	ActivatedAt time.Time
	LastSeenAt  time.Time // zero: not heard of since
	Version     string
}

// Deps is what the use cases work with.
type Deps struct {
	Store  *store.Store
	Master *signing.Master
	Now    func() time.Time
}

// Service is the use cases of taking over.
type Service struct{ Deps }

// New makes the use cases.
func New(d Deps) *Service { return &Service{d} }

// taking is one license on its way into the store.
type taking struct {
	license license.License
	key     store.LicenseKey
	seats   []license.Activation
}

// Take takes over all of the licenses or none, and returns them in their
// order.
func (s *Service) Take(ctx context.Context, actor account.Actor, in []License) ([]license.License, error) {
	if err := actor.Require(account.LicensesWrite); err != nil {
		return nil, err
	}
	now := s.Now().UTC().Truncate(time.Microsecond)
	batch, err := s.prepare(ctx, actor, in, now)
	if err != nil {
		return nil, err
	}
	err = s.Store.InTxAlone(ctx, func(tx *store.Tx) error {
		for _, t := range batch {
			if err := t.write(ctx, tx, actor, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, refused(err)
	}
	taken := make([]license.License, 0, len(batch))
	for _, t := range batch {
		taken = append(taken, t.license)
	}
	return taken, nil
}

func refused(err error) error {
	switch {
	case store.IsUnique(err, "license.key_hash"):
		return fault.Wrap(fault.Conflict, "key_exists", "One of the keys exists already in its environment.", err)
	case store.IsUnique(err, "activation.identifier_folded"):
		return fault.Wrap(fault.Conflict, "device_twice", "One of the licenses names a device twice.", err)
	}
	return err
}

// prepare does everything that needs no transaction.
func (s *Service) prepare(ctx context.Context, actor account.Actor, in []License, now time.Time) ([]taking, error) {
	if len(in) > MaxBatch {
		return nil, fault.New(fault.TooLarge, "batch_too_large", fmt.Sprintf("Hand over at most %d licenses at once.", MaxBatch))
	}
	products := map[id.ID]product{}
	batch := make([]taking, 0, len(in))
	var problems fault.Problems
	for i, l := range in {
		p, err := s.product(ctx, actor, products, l.ProductID)
		if err != nil {
			return nil, err
		}
		t, err := s.read(&problems, fmt.Sprintf("licenses[%d]", i), l, p, now)
		if err != nil {
			return nil, err
		}
		batch = append(batch, t)
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return batch, s.owners(ctx, in)
}

// product is a product with the pattern of its keys, which says how much of a
// key may be shown.
type product struct {
	license.Product
	pattern *id.Pattern
}

func (s *Service) product(ctx context.Context, actor account.Actor, known map[id.ID]product, wanted id.ID) (product, error) {
	if p, ok := known[wanted]; ok {
		return p, nil
	}
	found, err := s.Store.Product(ctx, wanted)
	if store.IsNotFound(err) || err == nil && actor.Environment != "" && actor.Environment != found.Environment {
		return product{}, fault.Missing("product")
	}
	if err != nil {
		return product{}, err
	}
	p := product{Product: found}
	if p.pattern, err = id.Compile(id.Spec{Type: id.TypeCustom, Pattern: found.KeyFormat}); err != nil {
		return p, fmt.Errorf("key format of product %s: %w", found.ID, err)
	}
	known[wanted] = p
	return p, nil
}

func (s *Service) owners(ctx context.Context, in []License) error {
	known := map[id.ID]bool{}
	for _, l := range in {
		if known[l.CustomerID] {
			continue
		}
		if _, err := s.Store.Customer(ctx, l.CustomerID); store.IsNotFound(err) {
			return fault.Missing("customer")
		} else if err != nil {
			return err
		}
		known[l.CustomerID] = true
	}
	return nil
}

// write adds the license and what comes with it, and says so in its history.
func (t taking) write(ctx context.Context, tx *store.Tx, actor account.Actor, now time.Time) error {
	if err := tx.AddLicense(ctx, t.license, t.key, ""); err != nil {
		return err
	}
	for _, kind := range []event.Type{event.LicenseCreated, event.LicenseAssigned} {
		e := event.New(kind, actor, now).About(t.license).Because(string(license.TakenOver))
		e.Data.After = event.FactsOf(t.license, now)
		if err := tx.AppendEvent(ctx, e); err != nil {
			return err
		}
	}
	for i, a := range t.seats {
		if err := tx.AddActivation(ctx, a); err != nil {
			return err
		}
		used := i + 1
		e := event.New(event.ActivationCreated, actor, now).About(t.license).Because(string(license.TakenOver))
		e.ActivationID, e.Data.Used, e.Data.Limit = a.ID, &used, event.FactsOf(t.license, now).Limit
		if err := tx.AppendEvent(ctx, e); err != nil {
			return err
		}
	}
	return nil
}
