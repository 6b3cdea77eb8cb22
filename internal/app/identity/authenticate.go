package identity

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/store"
)

const (
	// tokenCachedFor is how long a revoked token may still pass on a server
	// that has just seen it.
	tokenCachedFor = 500 * time.Millisecond
	tokensCached   = 4096
	// tokenTouchEvery is how precisely a token's last use is known.
	tokenTouchEvery = time.Minute
)

// errToken is the answer for every token that is not accepted: unknown,
// revoked, expired, or used from elsewhere.
var errToken error = fault.New(fault.Unauthenticated, "token_not_accepted", "This API token is not accepted.").
	WithNext("Check that it is complete, not expired or revoked, and allowed from this address.")

// AuthenticateToken returns the API token with this text, if it may be used
// now from this address (C-SEC-05). The text is looked up by its keyed hash,
// so that nothing is compared character by character.
func (s *Service) AuthenticateToken(ctx context.Context, text string, from netip.Addr) (account.Token, error) {
	if !plausible(text) || !strings.HasPrefix(text, clientPrefix) && !strings.HasPrefix(text, secretPrefix) {
		return account.Token{}, errToken
	}
	now := s.clock()
	hash := tokenHash(s.Master.TokenHash(tokenPurpose, text))
	t, ok := s.tokens.get(hash, now)
	if !ok {
		var err error
		if t, err = s.Store.TokenByHash(ctx, hash[:]); err != nil {
			return account.Token{}, firstOf(notMissing(err), errToken)
		}
		s.tokens.put(hash, t, now)
	}
	if !t.Accepts(now, from) {
		return account.Token{}, errToken
	}
	s.touchToken(ctx, hash, t, now)
	return t, nil
}

// touchToken notes that a token is in use, now and then. Software must get its
// answer even when this cannot be written.
func (s *Service) touchToken(ctx context.Context, hash tokenHash, t account.Token, now time.Time) {
	if now.Sub(t.LastUsedAt) < tokenTouchEvery || !s.tokens.touch(hash, t.LastUsedAt, now) {
		return
	}
	err := s.Store.InTx(ctx, func(tx *store.Tx) error { return tx.TouchToken(ctx, t.ID, now) })
	if err != nil {
		s.Log.WarnContext(ctx, "the use of an API token was not noted", "token", t.ID, "error", err)
	}
}

type tokenHash [32]byte

// tokenCache remembers for a moment the tokens that were found, never those
// that were not: guesses must not push them out.
type tokenCache struct {
	mu    sync.Mutex
	found map[tokenHash]cachedToken
}

type cachedToken struct {
	token account.Token
	until time.Time
}

func newTokenCache() *tokenCache { return &tokenCache{found: make(map[tokenHash]cachedToken)} }

func (c *tokenCache) get(hash tokenHash, now time.Time) (account.Token, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.found[hash]
	return e.token, ok && now.Before(e.until)
}

func (c *tokenCache) put(hash tokenHash, t account.Token, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.found) >= tokensCached {
		clear(c.found) // they come back with their next use
	}
	c.found[hash] = cachedToken{token: t, until: now.Add(tokenCachedFor)}
}

// touch sets the last use of a remembered token and reports whether the caller
// is the one to write it down.
func (c *tokenCache) touch(hash tokenHash, seen, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.found[hash]
	if !ok || !e.token.LastUsedAt.Equal(seen) {
		return false
	}
	e.token.LastUsedAt = now
	c.found[hash] = e
	return true
}

// forget makes every token be looked up again.
func (c *tokenCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.found)
}
