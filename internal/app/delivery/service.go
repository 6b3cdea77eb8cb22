package delivery

import (
	"context"
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

// Blobs is where the content of files lies. A file appears under its key as a
// whole or not at all; one that is not there is fs.ErrNotExist.
type Blobs interface {
	// Put keeps content; size is how many bytes come, or -1 where nobody knows.
	Put(ctx context.Context, key string, content io.Reader, size int64) error
	Open(ctx context.Context, key string) (io.ReadSeekCloser, error)
	Delete(ctx context.Context, key string) error
	// Sweep removes what broken uploads may have left.
	Sweep(ctx context.Context, now time.Time) error
}

// Audience says who may read changelogs.
type Audience string

// The audiences (E-38).
const (
	Nobody    Audience = "off"
	Customers Audience = "customers"
	Everybody Audience = "public"
)

// Page sizes of a changelog (E-38).
const (
	DefaultEntries = 20
	MinEntries     = 5
	MaxEntries     = 100
)

// Changelogs says how changelogs are shown.
type Changelogs struct {
	Audience Audience // "" is Customers
	Entries  int      // on one page; 0 is DefaultEntries
}

// Deps is what the use cases work with.
type Deps struct {
	Store      *store.Store
	Master     *signing.Master
	Blobs      Blobs
	Now        func() time.Time
	Log        *slog.Logger
	Changelogs Changelogs
}

// Service is the use cases about releases. It is safe for concurrent use.
type Service struct {
	Deps
	links [32]byte // key of download links
}

// New makes the use cases.
func New(d Deps) *Service {
	if d.Changelogs.Audience == "" {
		d.Changelogs.Audience = Customers
	}
	if d.Changelogs.Entries == 0 {
		d.Changelogs.Entries = DefaultEntries
	}
	return &Service{Deps: d, links: d.Master.Derive("download-link")}
}

// clock is the instant of one use case, as precise as the store keeps it.
func (s *Service) clock() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// product returns a product that staff may work with.
func (s *Service) product(ctx context.Context, actor account.Actor, needs account.Permission, wanted id.ID) (license.Product, error) {
	if err := actor.Require(needs); err != nil {
		return license.Product{}, err
	}
	p, err := s.Store.Product(ctx, wanted)
	if store.IsNotFound(err) || err == nil && actor.Environment != "" && actor.Environment != p.Environment {
		return license.Product{}, fault.Missing("product")
	}
	return p, err
}

// customerOnly refuses actors who are not signed in for a customer.
func customerOnly(actor account.Actor) error {
	if actor.Kind != account.ActorPerson || actor.CustomerID == "" {
		return fault.New(fault.Forbidden, "not_a_customer", "Sign in to the customer portal for this.")
	}
	return nil
}

// about starts an event about a product's release.
func about(t event.Type, actor account.Actor, p license.Product, r license.Publication, now time.Time) event.Event {
	e := event.New(t, actor, now)
	e.ProductID, e.Environment = p.ID, p.Environment
	e.Data.Subject, e.Data.Version = r.ID, r.Version
	return e
}
