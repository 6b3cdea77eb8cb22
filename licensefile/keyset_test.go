package licensefile_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/keyward/keyward/licensefile"
)

func asPEM(t testing.TB, public any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// asJWKS renders the keys with an independent implementation.
func asJWKS(t testing.TB, keys ...licensefile.Key) string {
	t.Helper()
	var set jose.JSONWebKeySet
	for _, k := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.Public, KeyID: k.ID, Algorithm: "EdDSA", Use: "sig"})
	}
	data, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// otherKey is a public key of an algorithm that leases are not signed with.
func otherKey(t testing.TB) *ecdsa.PublicKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &key.PublicKey
}

func TestParseKeySetReadsEveryForm(t *testing.T) {
	one, two := publicKey(t, 1), publicKey(t, 2)
	for name, text := range map[string]string{
		"a line":             two.String(),
		"lines":              one.String() + "\r\n\n  " + two.String() + "\n",
		"PEM":                asPEM(t, one.Public) + asPEM(t, two.Public),
		"PEM beside others":  asPEM(t, otherKey(t)) + "\n" + asPEM(t, two.Public),
		"JWKS":               asJWKS(t, one, two),
		"JWKS beside others": strings.Replace(asJWKS(t, two), `[`, `[{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"OKP","crv":"X25519"},`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			set, err := licensefile.ParseKeySet([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := licensefile.ParseLease(sign(t, 2, validLease()), set); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestParseKeySetRefuses(t *testing.T) {
	one, two := publicKey(t, 1), publicKey(t, 2)
	privateDER, _ := x509.MarshalPKCS8PrivateKey(privateKey(1))
	private := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: privateDER}))
	jwk := asJWKS(t, one)
	for _, c := range []struct {
		name, text string
		want       error
	}{
		{"nothing", "", licensefile.ErrKey},
		{"other text", "hello", licensefile.ErrKey},
		{"other algorithm", "keyward:rsa:1:AAAA", licensefile.ErrKey},
		{"cut line", one.String()[:len(one.String())-2], licensefile.ErrKey},
		{"padded line", one.String() + "=", licensefile.ErrKey},
		{"comment after the key", one.String() + " # mine", licensefile.ErrKey},
		{"id of another key", strings.Replace(one.String(), one.ID, two.ID, 1), licensefile.ErrKeyID},
		{"id in upper case", strings.Replace(one.String(), one.ID, strings.ToUpper(one.ID), 1), licensefile.ErrKeyID},
		{"one bad line among good", one.String() + "\nx", licensefile.ErrKey},
		{"private PEM", private, licensefile.ErrKey},
		{"private PEM after public", asPEM(t, one.Public) + private, licensefile.ErrKey},
		{"text after PEM", asPEM(t, one.Public) + "x", licensefile.ErrKey},
		{"only other algorithms", asPEM(t, otherKey(t)), licensefile.ErrKey},
		{"broken DER", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", licensefile.ErrKey},
		{"private JWK", strings.Replace(jwk, `"x":`, `"d":"AAAA","x":`, 1), licensefile.ErrKey},
		{"JWK with another id", strings.Replace(jwk, one.ID, two.ID, 1), licensefile.ErrKeyID},
		{"JWK without id", strings.Replace(jwk, `"kid"`, `"kidd"`, 1), licensefile.ErrKey},
		{"JWKS without keys", `{"keys":[]}`, licensefile.ErrKey},
		{"JWKS of nothing", `{}`, licensefile.ErrKey},
		{"JWKS repeating a name", strings.Replace(jwk, `"x":`, `"kty":"OKP","x":`, 1), licensefile.ErrKey},
		{"JWKS and more", jwk + "{}", licensefile.ErrKey},
		{"JWKS of numbers", `{"keys":[1]}`, licensefile.ErrKey},
		{"too many", strings.Repeat(one.String()+"\n", 65), licensefile.ErrKey},
		{"too large", strings.Repeat(" ", 1<<20), licensefile.ErrKey},
	} {
		t.Run(c.name, func(t *testing.T) {
			if set, err := licensefile.ParseKeySet([]byte(c.text)); !errors.Is(err, c.want) || set.Len() != 0 {
				t.Errorf("ParseKeySet = %d keys, %v; want %v", set.Len(), err, c.want)
			}
		})
	}
}

func TestKeysOfWrongSizeAreRefused(t *testing.T) {
	if _, err := licensefile.NewKey(ed25519.PublicKey{1, 2, 3}); !errors.Is(err, licensefile.ErrKey) {
		t.Errorf("NewKey: %v", err)
	}
	if _, err := licensefile.NewKeySet(licensefile.Key{}); !errors.Is(err, licensefile.ErrKey) {
		t.Errorf("NewKeySet: %v", err)
	}
}

func TestKeySetKeepsItsOwnCopy(t *testing.T) {
	key := publicKey(t, 1)
	key.Public = bytes.Clone(key.Public)
	set, err := licensefile.NewKeySet(key)
	if err != nil {
		t.Fatal(err)
	}
	key.Public[0] ^= 1
	if _, err := licensefile.ParseLease(sign(t, 1, validLease()), set); err != nil {
		t.Error(err)
	}
}

func FuzzParseKeySet(f *testing.F) {
	f.Add([]byte(publicKey(f, 1).String()))
	f.Add([]byte(asPEM(f, publicKey(f, 1).Public)))
	f.Add([]byte(asJWKS(f, publicKey(f, 1), publicKey(f, 2))))
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := licensefile.ParseKeySet(data)
		if (err == nil) != (set.Len() > 0) {
			t.Errorf("%d keys, %v", set.Len(), err)
		}
	})
}
