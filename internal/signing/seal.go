package signing

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
)

// sealVersion is the first byte of every sealed value: AES-256-GCM, random
// nonce in front, bound to its place.
const sealVersion = 1

// ErrSealed is returned for a sealed value that does not open: damaged, moved
// to another place, or sealed under another master key.
var ErrSealed = errors.New("sealed value does not open")

// Binding is the place in the database where a sealed value lives. It opens
// there and nowhere else, so that rows cannot be swapped.
type Binding struct{ Table, Column, Row string }

// encode is unambiguous: each part is preceded by its length.
func (b Binding) encode() []byte {
	out := []byte{sealVersion}
	for _, part := range []string{b.Table, b.Column, b.Row} {
		out = appendPart(out, part)
	}
	return out
}

func appendPart(out []byte, part string) []byte {
	out = binary.BigEndian.AppendUint64(out, uint64(len(part)))
	return append(out, part...)
}

type sealer struct{ aead cipher.AEAD }

func newSealer(key [32]byte) (sealer, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return sealer{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return sealer{aead}, err
}

// Seal encrypts a value for one place. It refuses a binding without a table,
// column or row.
func (m *Master) Seal(plaintext []byte, bind Binding) ([]byte, error) {
	if bind.Table == "" || bind.Column == "" || bind.Row == "" {
		return nil, fmt.Errorf("seal: incomplete binding %+v", bind)
	}
	return m.seal.aead.Seal([]byte{sealVersion}, nil, plaintext, bind.encode()), nil
}

// Open decrypts what Seal made for the same place. It returns ErrSealed for
// anything else.
func (m *Master) Open(sealed []byte, bind Binding) ([]byte, error) {
	if len(sealed) == 0 || sealed[0] != sealVersion {
		return nil, ErrSealed
	}
	plaintext, err := m.seal.aead.Open(nil, nil, sealed[1:], bind.encode())
	if err != nil {
		return nil, ErrSealed
	}
	return plaintext, nil
}
