package signing

import (
	"crypto/ed25519"

	"github.com/keyward/keyward/licensefile"
)

// headContext keeps a signature of an event head from ever passing as a
// signature of something else.
const headContext = "keyward event head v1\n"

// SignHead signs the head of the event chain with a key derived from the
// master key.
func (m *Master) SignHead(head []byte) []byte {
	return ed25519.Sign(m.head, headMessage(head))
}

// VerifyHead reports whether SignHead made this signature for this head.
func (m *Master) VerifyHead(head, signature []byte) bool {
	return VerifyHead(m.HeadKey(), head, signature)
}

// HeadKey is the public key an auditor needs to verify heads.
func (m *Master) HeadKey() licensefile.Key {
	public := m.head.Public().(ed25519.PublicKey)
	return licensefile.Key{ID: licensefile.KeyID(public), Public: public}
}

// VerifyHead reports whether key signed this head.
func VerifyHead(key licensefile.Key, head, signature []byte) bool {
	return len(key.Public) == ed25519.PublicKeySize && ed25519.Verify(key.Public, headMessage(head), signature)
}

func headMessage(head []byte) []byte { return append([]byte(headContext), head...) }
