package catalog

import (
	"context"
	"errors"

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
	key, ok := ring.Current(signing.Ed25519)
	if !ok {
		return signing.Key{}, errNoKey
	}
	return key, nil
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
