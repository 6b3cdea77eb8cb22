package catalog

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/once"
	"github.com/keyward/keyward/internal/app/stale"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

// NewProduct describes a product and the first plan it is sold as.
type NewProduct struct {
	Environment license.Environment // for life (C-ENV-01)
	Name        string
	Slug        string // "" is made from the name

	HighSecurity     bool
	AcceptsHardware  bool
	AcceptsDomain    bool
	DeviceRequired   bool
	SelfDeactivation bool
	Swaps            license.SwapPolicy // of self-deactivation; a zero Period is DefaultSwapPeriod
	OfflineAllowed   bool
	HoldFor          time.Duration // how long a check-in keeps a floating seat; 0: seats are fixed
	RenewalURL       string
	LeaseFor         time.Duration // 0 is DefaultLease
	MaxSkew          time.Duration // 0 is unchecked
	Features         []license.Feature

	Plan NewGenerator // without a name or pattern: DefaultPlan, DefaultPattern
}

const (
	// DefaultLease is how long a signed answer may be relied on.
	DefaultLease = 14 * 24 * time.Hour
	// DefaultPlan and DefaultPattern are what a product is made with unless
	// something else is asked for.
	DefaultPlan    = "Standard"
	DefaultPattern = "XXXXX-XXXXX-XXXXX-XXXXX"
)

// CreateProduct makes a product with a signing key and its first generator, so
// that licenses can be issued and leases signed at once.
func (s *Service) CreateProduct(ctx context.Context, actor account.Actor, in NewProduct) (license.Product, error) {
	if err := actor.Require(account.ProductsWrite); err != nil {
		return license.Product{}, err
	}
	var problems fault.Problems
	p := newProduct(&problems, in, s.clock())
	if in.Environment.Known() && actor.Environment != "" && actor.Environment != in.Environment {
		problems.Add("environment", "You can make products in "+string(actor.Environment)+" only.")
	}
	g := newGenerator(&problems, "plan", firstPlan(in.Plan), p, p.CreatedAt)
	if err := problems.Err(); err != nil {
		return license.Product{}, err
	}
	p.KeyFormat = g.Pattern
	if err := s.addProduct(ctx, actor, p, g); err != nil {
		return license.Product{}, err
	}
	return s.Store.Product(ctx, p.ID)
}

func firstPlan(plan NewGenerator) NewGenerator {
	if plan.Name == "" {
		plan.Name = DefaultPlan
	}
	if plan.Pattern == "" {
		plan.Pattern = DefaultPattern
	}
	return plan
}

func newProduct(problems *fault.Problems, in NewProduct, now time.Time) license.Product {
	p := license.Product{
		ID: id.New(), Environment: in.Environment, Active: true, CreatedAt: now,
		Name: name(problems, "name", in.Name), HighSecurity: in.HighSecurity,
		AcceptsHardware: in.AcceptsHardware, AcceptsDomain: in.AcceptsDomain, DeviceRequired: in.DeviceRequired,
		SelfDeactivation: in.SelfDeactivation, Swaps: swaps(problems, in.Swaps), OfflineAllowed: in.OfflineAllowed,
		HoldFor:    holdFor(problems, in.HoldFor),
		RenewalURL: renewalURL(problems, in.RenewalURL), LeaseFor: leaseFor(problems, in.LeaseFor),
		MaxSkew: maxSkew(problems, in.MaxSkew), Features: features(problems, in.Features),
	}
	p.Slug = slug(problems, in.Slug, p.Name)
	if !in.Environment.Known() {
		problems.Add("environment", "Choose production, staging or development.")
	}
	accepts(problems, p)
	return p
}

func (s *Service) addProduct(ctx context.Context, actor account.Actor, p license.Product, g license.Generator) error {
	key, err := s.Master.NewKey(s.Random, string(p.ID))
	if err != nil {
		return err
	}
	keyID := id.New()
	e := about(event.ProductCreated, actor, p, p.CreatedAt)
	return once.InTx(ctx, s.Store, p.CreatedAt, func(tx *store.Tx) (id.ID, error) {
		if err := tx.AddProduct(ctx, p); err != nil {
			return "", taken(err, "product.slug", "slug", "Choose another slug: this environment has a product under it.")
		}
		if err := tx.AddSigningKey(ctx, keyID, key, p.CreatedAt); err != nil {
			return "", err
		}
		if err := tx.AddGenerator(ctx, g); err != nil {
			return "", err
		}
		return p.ID, tx.AppendEvent(ctx, e)
	})
}

// SetActive switches the sale of a product on or off: off, nobody gets a new
// seat and those who have one keep working.
func (s *Service) SetActive(ctx context.Context, actor account.Actor, product id.ID, active bool) (license.Product, error) {
	return s.change(ctx, actor, product, func(tx *store.Tx, p *license.Product, now time.Time) (event.Type, error) {
		if p.Active == active {
			return "", nil
		}
		p.Active = active
		happened := event.ProductDisabled
		if active {
			happened = event.ProductEnabled
		}
		return happened, tx.SetProductActive(ctx, p.ID, active, now)
	})
}

// SetSwaps sets how often customers may free seats themselves. It counts what
// they did before, too.
func (s *Service) SetSwaps(ctx context.Context, actor account.Actor, product id.ID, policy license.SwapPolicy) (license.Product, error) {
	var problems fault.Problems
	policy = swaps(&problems, policy)
	if err := problems.Err(); err != nil {
		return license.Product{}, err
	}
	return s.change(ctx, actor, product, func(tx *store.Tx, p *license.Product, now time.Time) (event.Type, error) {
		if p.Swaps == policy {
			return "", nil
		}
		p.Swaps = policy
		return event.ProductSwapsChanged, tx.SetProductSwaps(ctx, p.ID, policy, now)
	})
}

// SetHold sets how long a check-in keeps a floating seat of the licenses that
// are issued from now on; 0 gives them fixed seats.
func (s *Service) SetHold(ctx context.Context, actor account.Actor, product id.ID, hold time.Duration) (license.Product, error) {
	var problems fault.Problems
	hold = holdFor(&problems, hold)
	if err := problems.Err(); err != nil {
		return license.Product{}, err
	}
	return s.change(ctx, actor, product, func(tx *store.Tx, p *license.Product, now time.Time) (event.Type, error) {
		if p.HoldFor == hold {
			return "", nil
		}
		p.HoldFor = hold
		return event.ProductChanged, tx.SetProductHold(ctx, p.ID, hold, now)
	})
}

// SetKilled makes nothing of a product validate, or brings it back with its
// licenses as they were (E-08).
func (s *Service) SetKilled(ctx context.Context, actor account.Actor, product id.ID, killed bool) (license.Product, error) {
	return s.change(ctx, actor, product, func(tx *store.Tx, p *license.Product, now time.Time) (event.Type, error) {
		if !p.KilledAt.IsZero() == killed {
			return "", nil
		}
		p.KilledAt = time.Time{}
		happened := event.ProductRestored
		if killed {
			p.KilledAt, happened = now, event.ProductKilled
		}
		return happened, tx.SetProductKilled(ctx, p.ID, p.KilledAt, now)
	})
}

// SetDelivery changes how a product's releases reach customers.
func (s *Service) SetDelivery(ctx context.Context, actor account.Actor, product id.ID, change func(*license.Delivery)) (license.Product, error) {
	return s.change(ctx, actor, product, func(tx *store.Tx, p *license.Product, now time.Time) (event.Type, error) {
		after := p.Delivery
		change(&after)
		if after == p.Delivery {
			return "", nil
		}
		p.Delivery = after
		return event.ProductChanged, tx.SetDelivery(ctx, p.ID, after, now)
	})
}

// SetSlug gives a product another slug. Public addresses with the one before go
// on leading to it (P-CHG-08).
func (s *Service) SetSlug(ctx context.Context, actor account.Actor, product id.ID, text string) (license.Product, error) {
	var problems fault.Problems
	wanted := slug(&problems, text, "")
	if err := problems.Err(); err != nil {
		return license.Product{}, err
	}
	return s.change(ctx, actor, product, func(tx *store.Tx, p *license.Product, now time.Time) (event.Type, error) {
		if p.Slug == wanted {
			return "", nil
		}
		if err := tx.SetSlug(ctx, *p, wanted, now); err != nil {
			return "", taken(err, "product.slug", "slug", "Choose another slug: this environment has a product under it.")
		}
		p.Slug = wanted
		return event.ProductChanged, nil
	})
}

// change makes one change of a product. Without a type nothing has changed and
// nothing is recorded.
func (s *Service) change(ctx context.Context, actor account.Actor, product id.ID, apply func(*store.Tx, *license.Product, time.Time) (event.Type, error)) (license.Product, error) {
	if err := actor.Require(account.ProductsWrite); err != nil {
		return license.Product{}, err
	}
	now := s.clock()
	var after license.Product
	err := once.InTx(ctx, s.Store, now, func(tx *store.Tx) (id.ID, error) {
		p, err := tx.LockProduct(ctx, product)
		if after, err = s.visible(ctx, actor, p, err); err != nil {
			return "", err
		}
		if err := stale.Check(ctx, "product", p.Version); err != nil {
			return "", err
		}
		happened, err := apply(tx, &after, now)
		if err != nil || happened == "" {
			return p.ID, err
		}
		if after, err = tx.Product(ctx, p.ID); err != nil { // with its new version
			return "", err
		}
		return p.ID, tx.AppendEvent(ctx, about(happened, actor, after, now))
	})
	if err != nil {
		return license.Product{}, err
	}
	return after, nil
}

// taken turns the conflict over a value that must be unique into one about the
// input.
func taken(err error, column, field, what string) error {
	if !store.IsUnique(err, column) {
		return err
	}
	return fault.Wrap(fault.Conflict, field+"_taken", "This "+field+" is in use already.", err).WithField(field, what)
}
