package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"runtime"

	"golang.org/x/crypto/argon2"
)

// MaxPasswordBytes is the longest password that is accepted.
const MaxPasswordBytes = 1024

const (
	passwordSaltSize = 16
	passwordHashSize = 32
)

// Cost is how much work one guess at a password takes (Argon2id).
type Cost struct {
	Memory  uint32 // KiB
	Passes  uint32
	Threads uint8
}

// PersonCost is the cost for people: 19 MiB, two passes.
func PersonCost() Cost { return Cost{Memory: 19 << 10, Passes: 2, Threads: 1} }

// AdministratorCost is the cost for administrators: 64 MiB, three passes.
func AdministratorCost() Cost { return Cost{Memory: 64 << 10, Passes: 3, Threads: 1} }

// Hasher computes password hashes, at most one per core at a time, so that a
// flood of sign-ins waits in line instead of taking memory and time from
// everything else. It is safe for concurrent use.
type Hasher struct{ slots chan struct{} }

// NewHasher makes a hasher with one slot per core.
func NewHasher() *Hasher {
	return &Hasher{slots: make(chan struct{}, runtime.GOMAXPROCS(0))}
}

// Hash returns the hash of a password in PHC format, salt and cost included.
// It refuses a password over MaxPasswordBytes and a cost that Verify would not
// accept, and returns the context's error when that ends while waiting.
func (h *Hasher) Hash(ctx context.Context, password string, cost Cost) (string, error) {
	if len(password) > MaxPasswordBytes {
		return "", fmt.Errorf("hash password: longer than %d bytes", MaxPasswordBytes)
	}
	if err := cost.check(); err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	phc := passwordPHC{cost: cost, salt: make([]byte, passwordSaltSize)}
	if _, err := rand.Read(phc.salt); err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	hash, err := h.compute(ctx, password, phc.salt, cost, passwordHashSize)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	phc.hash = hash
	return phc.String(), nil
}

// Verify reports whether password is the one that was hashed, and whether it
// should be hashed again because the stored cost is not want. It takes as long
// for a wrong password as for the right one. An unreadable hash or an absurd
// cost in it is ErrPasswordHash.
func (h *Hasher) Verify(ctx context.Context, stored, password string, want Cost) (ok, needsRehash bool, err error) {
	phc, err := parsePasswordPHC(stored)
	if err != nil {
		return false, false, fmt.Errorf("verify password: %w", err)
	}
	hash, err := h.compute(ctx, truncate(password), phc.salt, phc.cost, uint32(len(phc.hash)))
	if err != nil {
		return false, false, fmt.Errorf("verify password: %w", err)
	}
	ok = subtle.ConstantTimeCompare(hash, phc.hash) == 1 && len(password) <= MaxPasswordBytes
	return ok, ok && phc.outdated(want), nil
}

// VerifyNone takes the time of Verify and verifies nothing: for an account
// that does not exist or has no password, so that the answer does not tell.
func (h *Hasher) VerifyNone(ctx context.Context, cost Cost) error {
	if err := cost.check(); err != nil {
		return fmt.Errorf("verify password: %w", err)
	}
	salt := make([]byte, passwordSaltSize)
	if _, err := h.compute(ctx, "no password", salt, cost, passwordHashSize); err != nil {
		return fmt.Errorf("verify password: %w", err)
	}
	return nil
}

func (h *Hasher) compute(ctx context.Context, password string, salt []byte, cost Cost, size uint32) ([]byte, error) {
	// Select picks at random among what is ready; a caller that has already
	// gone must not cost a hash.
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(password), salt, cost.Passes, cost.Memory, cost.Threads, size), nil
}

// truncate bounds the work for a password that cannot be right.
func truncate(password string) string {
	if len(password) > MaxPasswordBytes {
		return password[:MaxPasswordBytes]
	}
	return password
}
