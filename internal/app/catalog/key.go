package catalog

import (
	"context"
	"errors"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/signing"
)

// errNoKey is our own fault: every product is made with a key.
var errNoKey = errors.New("catalog: the product has no key that signs")

// CurrentKey returns the key that signs a product's leases, its private half
// sealed.
func (s *Service) CurrentKey(ctx context.Context, product id.ID) (signing.Key, error) {
	ring, err := s.ring(ctx, product)
	if err != nil {
		return signing.Key{}, err
	}
	key, ok := ring.Current(signing.Ed25519, s.clock())
	if !ok {
		return signing.Key{}, errNoKey
	}
	return key, nil
}

// RotateKey makes a new key that signs for a product from an instant on; the
// zero time is now. Until then the key before signs, and both verify from now
// on, so that software can be shipped with the new one in time (C-PRD-04). One
// rotation waits at a time.
func (s *Service) RotateKey(ctx context.Context, actor account.Actor, product id.ID, from time.Time) (signing.Key, error) {
	key, err := s.Master.NewKey(s.Random, string(product))
	if err != nil {
		return key, err
	}
	keyID := id.New()
	_, err = s.change(ctx, actor, product, func(tx *store.Tx, p *license.Product, now time.Time) (event.Type, error) {
		if key.SignsFrom = from.UTC().Truncate(time.Microsecond); from.IsZero() {
			key.SignsFrom = now
		}
		ring, err := tx.SigningKeys(ctx, p.ID)
		if err != nil {
			return "", err
		}
		if refused := mayRotate(ring, key.SignsFrom, now); refused != nil {
			return "", refused
		}
		return event.ProductKeyRotated, tx.AddSigningKey(ctx, keyID, key, now)
	})
	return key, err
}

// maxKeys bounds the keys of a product, since each verifies for ever.
const maxKeys = 50

func mayRotate(ring signing.Ring, from, now time.Time) error {
	switch {
	case from.Before(now):
		return fault.New(fault.Invalid, "invalid_input", "A key begins to sign now or later.").
			WithField("from", "Use an instant in the future, or leave it out for now.")
	case !from.Before(license.Forever):
		return fault.New(fault.Invalid, "invalid_input", "A key has to begin to sign.").WithField("from", "Use an earlier instant.")
	case len(ring) > 0 && ring[0].SignsFrom.After(now):
		return fault.New(fault.Conflict, "rotation_waits", "Another key of this product waits to sign.").
			WithNext("Wait until it signs.")
	case len(ring) >= maxKeys:
		return fault.New(fault.Conflict, "too_many_keys", "The product has as many keys as it can have.")
	}
	return nil
}

// JWKS returns the public keys of a product, retired ones too, as a JSON Web
// Key Set. They are no secret: anybody may ask.
func (s *Service) JWKS(ctx context.Context, product id.ID) ([]byte, error) {
	ring, err := s.ring(ctx, product)
	if err != nil {
		return nil, err
	}
	return signing.JWKS(ring)
}

// ring returns the keys of a product. A product that does not exist has none.
func (s *Service) ring(ctx context.Context, product id.ID) (signing.Ring, error) {
	ring, err := s.Store.SigningKeys(ctx, product)
	if err == nil && len(ring) == 0 {
		return nil, fault.Missing("product")
	}
	return ring, err
}
