package signing

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// KeyHash is what a license key is found by: a keyed hash of its folded form,
// different in each environment. Without the master key it cannot be tried
// against guessed keys.
func (m *Master) KeyHash(environment, folded string) []byte {
	return keyedHash(m.keys, environment, folded)
}

// TokenHash is what a token is found by. A token for one purpose has another
// hash for every other purpose.
func (m *Master) TokenHash(purpose, token string) []byte {
	return keyedHash(m.tokens, purpose, token)
}

// AttemptHash is what somebody's attempts at a limit are counted under. Without
// the master key nobody can try addresses against it.
func (m *Master) AttemptHash(limit, who string) []byte {
	return keyedHash(m.tokens, "attempts "+limit, who)
}

func keyedHash(key []byte, scope, value string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(appendPart(nil, scope))
	mac.Write([]byte(value))
	return mac.Sum(nil)
}

// NewToken makes a token of 256 random bits, safe in URLs and headers, after a
// prefix that tells people and secret scanners what it is.
func NewToken(prefix string) string {
	var secret [32]byte
	// Never fails: the runtime stops the program when there is no randomness.
	_, _ = rand.Read(secret[:])
	return prefix + base64.RawURLEncoding.EncodeToString(secret[:])
}
