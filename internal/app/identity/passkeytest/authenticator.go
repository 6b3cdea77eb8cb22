package passkeytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"testing"
)

// Flags of what an authenticator says about itself.
const (
	present, verified, attested = 0x01, 0x04, 0x40
)

// Authenticator holds one passkey, whose owner always agrees.
type Authenticator struct {
	Count uint32 // the signatures it has made; setting it back makes it a copy

	origin     string
	credential []byte
	owner      []byte
	key        *ecdsa.PrivateKey
}

// New returns an authenticator without a passkey, in a browser that shows
// origin.
func New(origin string) *Authenticator { return &Authenticator{origin: origin} }

// asked is the part of what a portal asks that matters here.
type asked struct {
	PublicKey struct {
		Challenge string
		RPID      string `json:"rpId"`
		RP        struct{ ID string }
		User      struct{ ID string }
	}
}

func read(t testing.TB, options []byte) asked {
	t.Helper()
	var a asked
	if err := json.Unmarshal(options, &a); err != nil || a.PublicKey.Challenge == "" {
		t.Fatalf("nothing is asked in %s: %v", options, err)
	}
	return a
}

// Create makes a passkey as options ask, and returns the browser's answer.
func (a *Authenticator) Create(t testing.TB, options []byte) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a.owner, err = base64.RawURLEncoding.DecodeString(read(t, options).PublicKey.User.ID)
	if err != nil {
		t.Fatal(err)
	}
	a.key, a.credential = key, make([]byte, 32)
	_, _ = rand.Read(a.credential) // never fails
	return a.Again(t, options)
}

// Again answers options with the passkey that was made before, as if it were
// new.
func (a *Authenticator) Again(t testing.TB, options []byte) []byte {
	t.Helper()
	ask := read(t, options)
	data := a.data(ask.PublicKey.RP.ID, present|verified|attested)
	data = append(data, make([]byte, 16)...) // no model
	data = binary.BigEndian.AppendUint16(data, uint16(len(a.credential)))
	data = append(append(data, a.credential...), a.publicKey(t)...)
	return a.answer(t, map[string]any{
		"clientDataJSON":    a.clientData(t, "webauthn.create", ask),
		"attestationObject": encode(attestation(data)),
		"transports":        []string{"internal"},
	})
}

// Get signs as options ask, and returns the browser's answer.
func (a *Authenticator) Get(t testing.TB, options []byte) []byte {
	t.Helper()
	ask := read(t, options)
	a.Count++
	data, client := a.data(ask.PublicKey.RPID, present|verified), a.clientData(t, "webauthn.get", ask)
	text, err := base64.RawURLEncoding.DecodeString(client)
	if err != nil {
		t.Fatal(err)
	}
	inner := sha256.Sum256(text)
	digest := sha256.Sum256(append(data[:len(data):len(data)], inner[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return a.answer(t, map[string]any{
		"clientDataJSON": client, "authenticatorData": encode(data), "signature": encode(signature), "userHandle": encode(a.owner),
	})
}

func (a *Authenticator) data(party string, flags byte) []byte {
	hash := sha256.Sum256([]byte(party))
	return binary.BigEndian.AppendUint32(append(hash[:], flags), a.Count)
}

func (a *Authenticator) clientData(t testing.TB, kind string, ask asked) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"type": kind, "challenge": ask.PublicKey.Challenge, "origin": a.origin, "crossOrigin": false})
	if err != nil {
		t.Fatal(err)
	}
	return encode(text)
}

func (a *Authenticator) answer(t testing.TB, response map[string]any) []byte {
	t.Helper()
	name := encode(a.credential)
	text, err := json.Marshal(map[string]any{"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": map[string]any{}})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// publicKey is the key in COSE, for ES256.
func (a *Authenticator) publicKey(t testing.TB) []byte {
	t.Helper()
	point, err := a.key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	x, y := point[1:33], point[33:]
	return fmt.Appendf(nil, "\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20%s\x22\x58\x20%s", x, y)
}

// attestation wraps authenticator data in CBOR, without a statement about the
// model.
func attestation(data []byte) []byte {
	head := append([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"), byte(len(data)))
	return append(head, data...)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
