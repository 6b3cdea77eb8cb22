package signing_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/licensefile"
	"github.com/keyward/keyward/verdict"
)

const product = "01914d3e-5b6a-7c8d-9e0f-000000000002"

func newKey(t testing.TB, m *signing.Master) signing.Key {
	t.Helper()
	key, err := m.NewKey(rand.Reader, product)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func lease() licensefile.Lease {
	issued := time.Date(2026, time.March, 7, 12, 0, 0, 0, time.UTC)
	return licensefile.Lease{
		ID: "lease", Product: product, Environment: "production", License: "license", Nonce: "nonce",
		Device: licensefile.Device{ID: "HW-1"}, IssuedAt: issued, ValidUntil: issued.Add(time.Hour),
		Verdict: licensefile.LeaseVerdict{Valid: true, Code: verdict.Valid},
	}
}

func signLease(t testing.TB, m *signing.Master, key signing.Key) string {
	t.Helper()
	token, err := signing.NewSigner(m).SignLease(key, lease())
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// C-PRD-04
func TestLeasesVerifyThroughARotation(t *testing.T) {
	m := master(t, 1)
	old := newKey(t, m)
	before := signLease(t, m, old)
	old.Retired = true
	ring := signing.Ring{old, newKey(t, m)}
	current, ok := ring.Current(signing.Ed25519, time.Now())
	if !ok || current.KID == old.KID {
		t.Fatalf("current key %v", current.KID)
	}
	keys, err := ring.KeySet()
	if err != nil {
		t.Fatal(err)
	}
	want := lease()
	for name, token := range map[string]string{"before": before, "after": signLease(t, m, current)} {
		got, err := licensefile.ParseLease(token, keys)
		if err != nil {
			t.Fatalf("signed %s: %v", name, err)
		}
		if diff := cmp.Diff(&want, got); diff != "" {
			t.Errorf("signed %s: %s", name, diff)
		}
	}
	if _, ok := (signing.Ring{old}).Current(signing.Ed25519, time.Now()); ok {
		t.Error("a retired key is current")
	}
}

func TestLeasesVerifyWithAnotherImplementation(t *testing.T) {
	m := master(t, 1)
	key := newKey(t, m)
	object, err := jose.ParseSigned(signLease(t, m, key), []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		t.Fatal(err)
	}
	if typ := object.Signatures[0].Protected.ExtraHeaders["typ"]; typ != licensefile.LeaseType {
		t.Errorf("type %v", typ)
	}
	payload, err := object.Verify(joseKey(t, key))
	if err != nil {
		t.Fatal(err)
	}
	if want, _ := lease().Claims(); !bytes.Equal(payload, want) {
		t.Errorf("payload %s", payload)
	}
}

// joseKey takes the key from the published set, by its id.
func joseKey(t *testing.T, key signing.Key) *jose.JSONWebKey {
	t.Helper()
	data, err := signing.JWKS([]signing.Key{key})
	if err != nil {
		t.Fatal(err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(data, &set); err != nil {
		t.Fatal(err)
	}
	found := set.Key(key.KID)
	if len(found) != 1 || !found[0].Valid() || !found[0].IsPublic() {
		t.Fatalf("published set %s", data)
	}
	return &found[0]
}

func TestPublishedFormsAreReadBack(t *testing.T) {
	m := master(t, 1)
	ring := signing.Ring{newKey(t, m), newKey(t, m)}
	want, _ := ring.KeySet()
	data, err := signing.JWKS(ring)
	if err != nil {
		t.Fatal(err)
	}
	one, _ := ring[0].Pinned()
	two, _ := ring[1].Pinned()
	for name, text := range map[string]string{"JWKS": string(data), "lines": one.String() + "\n" + two.String()} {
		got, err := licensefile.ParseKeySet([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(licensefile.KeySet{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if data, _ := signing.JWKS(nil); string(data) != `{"keys":[]}` {
		t.Errorf("empty set is %s", data)
	}
}

func TestKeysOfOtherAlgorithmsAreLeftOut(t *testing.T) {
	other := signing.Key{Product: product, KID: "x", Algorithm: "rsa-4096", Public: []byte{1}}
	if data, err := signing.JWKS([]signing.Key{other}); err != nil || string(data) != `{"keys":[]}` {
		t.Errorf("JWKS = %s, %v", data, err)
	}
	if set, err := (signing.Ring{other}).KeySet(); err != nil || set.Len() != 0 {
		t.Errorf("KeySet = %v, %v", set.Len(), err)
	}
	if _, err := other.Pinned(); err == nil {
		t.Error("pinned")
	}
}

func TestSignLeaseRefuses(t *testing.T) {
	m := master(t, 1)
	for name, change := range map[string]func(*signing.Key, *licensefile.Lease){
		"a retired key":             func(k *signing.Key, _ *licensefile.Lease) { k.Retired = true },
		"a key of another product":  func(k *signing.Key, _ *licensefile.Lease) { k.Product = "other" },
		"a lease for another":       func(_ *signing.Key, l *licensefile.Lease) { l.Product = "other" },
		"a row moved to a product":  func(k *signing.Key, l *licensefile.Lease) { k.Product, l.Product = "other", "other" },
		"another key id":            func(k *signing.Key, _ *licensefile.Lease) { k.KID = `x"` },
		"another public half":       func(k *signing.Key, _ *licensefile.Lease) { k.Public = newKey(t, m).Public },
		"a damaged private half":    func(k *signing.Key, _ *licensefile.Lease) { k.SealedPrivate = k.SealedPrivate[1:] },
		"an unknown algorithm":      func(k *signing.Key, _ *licensefile.Lease) { k.Algorithm = "rsa-4096" },
		"a lease without end":       func(_ *signing.Key, l *licensefile.Lease) { l.ValidUntil = time.Time{} },
		"a lease too large to read": func(_ *signing.Key, l *licensefile.Lease) { l.Device.Name = strings.Repeat("x", 1<<14) },
	} {
		t.Run(name, func(t *testing.T) {
			key, claims := newKey(t, m), lease()
			change(&key, &claims)
			if token, err := signing.NewSigner(m).SignLease(key, claims); err == nil || token != "" {
				t.Errorf("SignLease = %q, %v", token, err)
			}
		})
	}
	if _, err := signing.NewSigner(master(t, 2)).SignLease(newKey(t, m), lease()); !errors.Is(err, signing.ErrSealed) {
		t.Errorf("under another master key: %v", err)
	}
}

// A key that opened once must not go on signing in the place of a changed row.
func TestSignerLooksAgainWhenTheRowChanges(t *testing.T) {
	m := master(t, 1)
	signer := signing.NewSigner(m)
	key := newKey(t, m)
	if _, err := signer.SignLease(key, lease()); err != nil {
		t.Fatal(err)
	}
	swapped := key
	swapped.Public = newKey(t, m).Public
	if _, err := signer.SignLease(swapped, lease()); err == nil {
		t.Error("signed for another public half")
	}
	key.SealedPrivate = bytes.Clone(key.SealedPrivate)
	key.SealedPrivate[5] ^= 1
	if _, err := signer.SignLease(key, lease()); !errors.Is(err, signing.ErrSealed) {
		t.Errorf("SignLease: %v", err)
	}
}

func TestSignerServesManyAtOnce(t *testing.T) {
	m := master(t, 1)
	signer := signing.NewSigner(m)
	keys := []signing.Key{newKey(t, m), newKey(t, m)}
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			if _, err := signer.SignLease(keys[i%2], lease()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestNewKeyRefuses(t *testing.T) {
	m := master(t, 1)
	if _, err := m.NewKey(bytes.NewReader(nil), product); err == nil {
		t.Error("no randomness, but a key")
	}
	if _, err := m.NewKey(rand.Reader, ""); err == nil {
		t.Error("no product, but a key")
	}
}

func BenchmarkSignLease(b *testing.B) {
	m := master(b, 1)
	signer, key, claims := signing.NewSigner(m), newKey(b, m), lease()
	for b.Loop() {
		if _, err := signer.SignLease(key, claims); err != nil {
			b.Fatal(err)
		}
	}
}
