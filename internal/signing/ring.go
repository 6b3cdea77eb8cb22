package signing

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/keyward/keyward/licensefile"
)

// Algorithm names how a key signs.
type Algorithm string

// Ed25519 signs leases and native files.
const Ed25519 Algorithm = "ed25519"

// Key is a signing key of a product as the database holds it: its private half
// is sealed, and opens only as the key of this product under this id.
type Key struct {
	Product       string
	KID           string
	Algorithm     Algorithm
	Public        []byte
	SealedPrivate []byte
	Retired       bool      // signs no longer, still verifies
	SignsFrom     time.Time // it verifies before, too, so that software can know it in time
}

// Pinned is the public half in the form that software pins.
func (k Key) Pinned() (licensefile.Key, error) {
	if k.Algorithm != Ed25519 {
		return licensefile.Key{}, fmt.Errorf("key %s: algorithm %q cannot be pinned", k.KID, k.Algorithm)
	}
	return licensefile.NewKey(k.Public)
}

func (k Key) binding() Binding {
	return Binding{Table: "product_key", Column: "private", Row: k.Product + "/" + k.KID}
}

// Ring is all keys of one product, the one that signs last first.
type Ring []Key

// Current returns the key that signs with an algorithm at an instant: the last
// one that has begun to.
func (r Ring) Current(algorithm Algorithm, now time.Time) (Key, bool) {
	for _, k := range r {
		if k.Algorithm == algorithm && !k.Retired && !now.Before(k.SignsFrom) {
			return k, true
		}
	}
	return Key{}, false
}

// KeySet returns the keys, retired ones included, that verify this product's
// leases.
func (r Ring) KeySet() (licensefile.KeySet, error) {
	var keys []licensefile.Key
	for _, k := range r {
		if k.Algorithm != Ed25519 {
			continue
		}
		key, err := k.Pinned()
		if err != nil {
			return licensefile.KeySet{}, err
		}
		keys = append(keys, key)
	}
	return licensefile.NewKeySet(keys...)
}

// NewKey makes a signing key for a product from the randomness of r.
func (m *Master) NewKey(r io.Reader, product string) (Key, error) {
	if product == "" {
		return Key{}, fmt.Errorf("new signing key: no product")
	}
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(r, seed); err != nil {
		return Key{}, fmt.Errorf("new signing key: %w", err)
	}
	public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	key := Key{Product: product, KID: licensefile.KeyID(public), Algorithm: Ed25519, Public: public}
	sealed, err := m.Seal(seed, key.binding())
	if err != nil {
		return Key{}, fmt.Errorf("new signing key: %w", err)
	}
	key.SealedPrivate = sealed
	return key, nil
}

// open unseals the private half and refuses one that does not belong to the
// public half, which would sign what nobody can verify.
func (m *Master) open(k Key) (ed25519.PrivateKey, error) {
	if k.Algorithm != Ed25519 {
		return nil, fmt.Errorf("algorithm %q does not sign leases", k.Algorithm)
	}
	seed, err := m.Open(k.SealedPrivate, k.binding())
	if err != nil {
		return nil, err
	}
	if len(seed) != ed25519.SeedSize {
		return nil, ErrSealed
	}
	private := ed25519.NewKeyFromSeed(seed)
	public := private.Public().(ed25519.PublicKey)
	if !public.Equal(ed25519.PublicKey(k.Public)) || k.KID != licensefile.KeyID(public) {
		return nil, fmt.Errorf("private and public half do not match")
	}
	return private, nil
}

// jwk is a public key as RFC 8037 writes it.
type jwk struct {
	Type      string `json:"kty"`
	Curve     string `json:"crv"`
	ID        string `json:"kid"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	X         string `json:"x"`
}

// JWKS renders public keys as a JSON Web Key Set. Keys of algorithms that have
// no place in it are left out.
func JWKS(keys []Key) ([]byte, error) {
	set := struct {
		Keys []jwk `json:"keys"`
	}{[]jwk{}}
	for _, k := range keys {
		if k.Algorithm != Ed25519 {
			continue
		}
		set.Keys = append(set.Keys, jwk{
			Type: "OKP", Curve: "Ed25519", ID: k.KID, Use: "sig", Algorithm: licensefile.LeaseAlgorithm,
			X: base64.RawURLEncoding.EncodeToString(k.Public),
		})
	}
	return json.Marshal(set)
}
