package signing

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"sync"

	"github.com/keyward/keyward/licensefile"
)

// maxOpened bounds how many opened keys are kept. An installation has a few
// keys per product, so that the bound is met only by mistake or abuse.
const maxOpened = 1024

// Signer signs leases and offline files. It keeps the keys it has opened, since unsealing costs
// more than signing. It is safe for concurrent use.
type Signer struct {
	master *Master
	mu     sync.RWMutex
	opened map[cacheKey]ed25519.PrivateKey
}

// cacheKey covers everything that decides whether a key opens, so that a row
// changed in the database is looked at again.
type cacheKey struct {
	product, kid string
	halves       [sha256.Size]byte
}

// NewSigner makes a signer for keys sealed under this master key.
func NewSigner(master *Master) *Signer {
	return &Signer{master: master, opened: map[cacheKey]ed25519.PrivateKey{}}
}

// SignLease returns the lease as a token signed with key. It refuses a retired
// key, a key of another product than the lease's, and a lease that nobody
// would accept.
func (s *Signer) SignLease(key Key, lease licensefile.Lease) (string, error) {
	if key.Retired || key.Product != lease.Product {
		return "", fmt.Errorf("sign lease: key %s does not sign for this product", key.KID)
	}
	payload, err := lease.Claims()
	if err != nil {
		return "", fmt.Errorf("sign lease: %w", err)
	}
	private, err := s.private(key)
	if err != nil {
		return "", fmt.Errorf("sign lease: key %s: %w", key.KID, err)
	}
	token := compact(private, header(key.KID, licensefile.LeaseType), payload)
	if len(token) > licensefile.MaxLeaseSize {
		return "", fmt.Errorf("sign lease: larger than %d bytes", licensefile.MaxLeaseSize)
	}
	return token, nil
}

// SignOffline returns an offline file signed with key. It refuses what SignLease
// would.
func (s *Signer) SignOffline(key Key, file licensefile.Offline) (string, error) {
	if key.Retired || key.Product != file.Product {
		return "", fmt.Errorf("sign offline file: key %s does not sign for this product", key.KID)
	}
	payload, err := file.Claims()
	if err != nil {
		return "", fmt.Errorf("sign offline file: %w", err)
	}
	private, err := s.private(key)
	if err != nil {
		return "", fmt.Errorf("sign offline file: key %s: %w", key.KID, err)
	}
	text := compact(private, header(key.KID, licensefile.OfflineType), payload)
	if len(text) > licensefile.MaxOfflineSize {
		return "", fmt.Errorf("sign offline file: larger than %d bytes", licensefile.MaxOfflineSize)
	}
	return text, nil
}

// header needs no escaping: a key id is hexadecimal, which open checked.
func header(kid, typ string) []byte {
	return []byte(`{"alg":"` + licensefile.LeaseAlgorithm + `","kid":"` + kid + `","typ":"` + typ + `"}`)
}

// compact writes a JWS in compact form (RFC 7515).
func compact(private ed25519.PrivateKey, header, payload []byte) string {
	b64 := base64.RawURLEncoding
	signed := b64.EncodeToString(header) + "." + b64.EncodeToString(payload)
	return signed + "." + b64.EncodeToString(ed25519.Sign(private, []byte(signed)))
}

func (s *Signer) private(key Key) (ed25519.PrivateKey, error) {
	halves := appendPart(appendPart(nil, string(key.Public)), string(key.SealedPrivate))
	slot := cacheKey{key.Product, key.KID, sha256.Sum256(halves)}
	s.mu.RLock()
	private, known := s.opened[slot]
	s.mu.RUnlock()
	if known {
		return private, nil
	}
	private, err := s.master.open(key)
	if err != nil {
		return nil, err
	}
	s.keep(slot, private)
	return private, nil
}

func (s *Signer) keep(slot cacheKey, private ed25519.PrivateKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.opened) >= maxOpened {
		clear(s.opened)
	}
	s.opened[slot] = private
}
