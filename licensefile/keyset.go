package licensefile

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
)

const (
	maxKeys       = 64
	maxKeySetSize = 64 << 10
	keyTextPrefix = "keyward:ed25519:"
)

// Key is the public half of a signing key.
type Key struct {
	ID     string
	Public ed25519.PublicKey
}

// NewKey names a public key. It returns ErrKey when public has the wrong size.
func NewKey(public ed25519.PublicKey) (Key, error) {
	if len(public) != ed25519.PublicKeySize {
		return Key{}, fmt.Errorf("%w: %d bytes", ErrKey, len(public))
	}
	return Key{ID: KeyID(public), Public: public}, nil
}

// KeyID is the id of a public key: the first 16 hexadecimal digits of its
// SHA-256. An id thus cannot be given to another key.
func KeyID(public []byte) string {
	sum := sha256.Sum256(public)
	return hex.EncodeToString(sum[:8])
}

// String returns the single line that software pins:
// keyward:ed25519:<key id>:<base64url of the public key>.
func (k Key) String() string {
	return keyTextPrefix + k.ID + ":" + base64.RawURLEncoding.EncodeToString(k.Public)
}

// KeySet is the keys that software accepts. The zero KeySet accepts none.
type KeySet struct{ keys map[string]ed25519.PublicKey }

// NewKeySet makes a set of keys.
func NewKeySet(keys ...Key) (KeySet, error) {
	if len(keys) > maxKeys {
		return KeySet{}, fmt.Errorf("%w: more than %d keys", ErrKey, maxKeys)
	}
	set := KeySet{keys: make(map[string]ed25519.PublicKey, len(keys))}
	for _, k := range keys {
		if len(k.Public) != ed25519.PublicKeySize {
			return KeySet{}, fmt.Errorf("%w: %d bytes", ErrKey, len(k.Public))
		}
		if k.ID != KeyID(k.Public) {
			return KeySet{}, ErrKeyID
		}
		set.keys[k.ID] = append(ed25519.PublicKey(nil), k.Public...)
	}
	return set, nil
}

// Len is the number of keys in the set.
func (s KeySet) Len() int { return len(s.keys) }

// ParseKeySet reads public keys in any of the three forms a server gives them
// out: a JSON Web Key Set, PEM blocks, or lines as Key.String writes them. It
// refuses a set without any key.
func ParseKeySet(data []byte) (KeySet, error) {
	if len(data) > maxKeySetSize {
		return KeySet{}, fmt.Errorf("%w: larger than %d bytes", ErrKey, maxKeySetSize)
	}
	text := strings.TrimSpace(string(data))
	keys, err := parseKeys(text)
	if err != nil {
		return KeySet{}, err
	}
	if len(keys) == 0 {
		return KeySet{}, fmt.Errorf("%w: no Ed25519 key found", ErrKey)
	}
	return NewKeySet(keys...)
}

func parseKeys(text string) ([]Key, error) {
	switch {
	case strings.HasPrefix(text, "{"):
		return parseJWKS([]byte(text))
	case strings.HasPrefix(text, "-----BEGIN"):
		return parsePEM([]byte(text))
	}
	return parseLines(text)
}

func parseLines(text string) ([]Key, error) {
	var keys []Key
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		key, err := parseLine(line)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func parseLine(line string) (Key, error) {
	rest, ok := strings.CutPrefix(line, keyTextPrefix)
	id, encoded, found := strings.Cut(rest, ":")
	if !ok || !found {
		return Key{}, fmt.Errorf("%w: expected %s<key id>:<key>", ErrKey, keyTextPrefix)
	}
	return decodeKey(id, encoded)
}

// decodeKey builds a key from its id and base64url text, and refuses an id
// that is not the key's own: it is there to catch a line pasted in part.
func decodeKey(id, encoded string) (Key, error) {
	public, err := decodeBase64(encoded)
	if err != nil {
		return Key{}, fmt.Errorf("%w: not base64url", ErrKey)
	}
	key, err := NewKey(public)
	if err != nil {
		return Key{}, err
	}
	if key.ID != id {
		return Key{}, ErrKeyID
	}
	return key, nil
}

// parsePEM reads PUBLIC KEY blocks and nothing else: a private key in a file
// that is shipped is a mistake to be loud about.
func parsePEM(data []byte) ([]Key, error) {
	var keys []Key
	for len(data) > 0 {
		block, rest := pem.Decode(data)
		if block == nil || block.Type != "PUBLIC KEY" || len(keys) == maxKeys {
			return nil, fmt.Errorf("%w: expected PUBLIC KEY blocks only", ErrKey)
		}
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrKey, err)
		}
		// Keys of other algorithms serve other doors of the same product.
		if public, ok := parsed.(ed25519.PublicKey); ok {
			keys = append(keys, Key{ID: KeyID(public), Public: public})
		}
		data = []byte(strings.TrimSpace(string(rest)))
	}
	return keys, nil
}

// parseJWKS reads the Ed25519 keys of a JSON Web Key Set (RFC 8037). Keys of
// other types are passed over, as RFC 7517 asks.
func parseJWKS(data []byte) ([]Key, error) {
	fields, err := readObject(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	var list []json.RawMessage
	if err := json.Unmarshal(fields["keys"], &list); err != nil || len(list) > maxKeys {
		return nil, fmt.Errorf("%w: no list of at most %d keys", ErrKey, maxKeys)
	}
	var keys []Key
	for _, raw := range list {
		key, used, err := parseJWK(raw)
		if err != nil {
			return nil, err
		}
		if used {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

func parseJWK(raw json.RawMessage) (key Key, used bool, err error) {
	fields, err := readObject(raw)
	if err != nil {
		return Key{}, false, fmt.Errorf("%w: %w", ErrKey, err)
	}
	in := reader{fields: fields}
	if in.optional("kty") != "OKP" || in.optional("crv") != "Ed25519" {
		return Key{}, false, in.err
	}
	if _, private := fields["d"]; private {
		return Key{}, false, fmt.Errorf("%w: the set holds a private key", ErrKey)
	}
	id, x := in.text("kid"), in.text("x")
	if in.err != nil {
		return Key{}, false, fmt.Errorf("%w: %w", ErrKey, in.err)
	}
	key, err = decodeKey(id, x)
	return key, true, err
}
