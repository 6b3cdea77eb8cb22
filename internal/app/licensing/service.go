package licensing

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/attempt"
	"github.com/keyward/keyward/internal/app/isolation"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/verdict"
)

// Deps is what the use cases work with.
type Deps struct {
	Store   *store.Store
	Master  *signing.Master
	Now     func() time.Time
	Log     *slog.Logger
	BaseURL string    // of the portal, for links in answers to software
	Random  io.Reader // of new keys; nil is the system's
	// Validated, if there, is told the code of each validation.
	Validated func(verdict.Code)
}

// Service is the use cases about licenses.
type Service struct {
	Deps
	signer   *signing.Signer
	products *products
	tally    *Tally
	guesses  guesses
}

// New makes the use cases. Run its Tally in the background.
func New(d Deps) *Service {
	if d.Random == nil {
		d.Random = rand.Reader
	}
	return &Service{Deps: d, signer: signing.NewSigner(d.Master), products: newProducts(d.Store), tally: newTally(d.Store, d.Validated), guesses: newGuesses(attempt.NewCounter(d.Store, d.Master))}
}

// Tally collects what need not be durable at once; flush it regularly.
func (s *Service) Tally() *Tally { return s.tally }

// clock is the instant of one use case.
func (s *Service) clock() time.Time { return kept(s.Now()) }

// kept is an instant as precise as the store keeps it: what a use case answers
// now is what is read later.
func kept(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// owned returns the license if the actor's customer owns it.
func (s *Service) owned(ctx context.Context, r store.Reader, actor account.Actor, wanted id.ID) (license.License, error) {
	l, err := r.OwnedLicense(ctx, actor.CustomerID, wanted)
	if err != nil {
		return l, isolation.Missing(ctx, s.Log, err, actor, "license", wanted, func() error {
			_, err := r.License(ctx, wanted)
			return err
		})
	}
	return l, nil
}

// customerOnly refuses actors who are not signed in for a customer.
func customerOnly(actor account.Actor) error {
	if actor.Kind != account.ActorPerson || actor.CustomerID == "" {
		return fault.New(fault.Forbidden, "not_a_customer", "Sign in to the customer portal for this.")
	}
	return nil
}

// asError drops the typed nil of a fault, which would not be a nil error.
func asError(f *fault.Error) error {
	if f == nil {
		return nil
	}
	return f
}

var (
	errKeyUnavailable = errors.New("the key is not on record or cannot be opened")
	errDryRun         = errors.New("nothing was to be written")
	errNoKey          = errors.New("the product has no signing key")
)
