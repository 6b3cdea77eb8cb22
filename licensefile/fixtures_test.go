package licensefile_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"testing"
	"time"

	"github.com/keyward/keyward/licensefile"
	"github.com/keyward/keyward/verdict"
)

var issued = time.Date(2026, time.March, 7, 12, 0, 0, 0, time.UTC)

// privateKey is key n of a rotation, the same in every run.
func privateKey(n byte) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = n
	return ed25519.NewKeyFromSeed(seed)
}

func publicKey(t testing.TB, n byte) licensefile.Key {
	t.Helper()
	key, err := licensefile.NewKey(privateKey(n).Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// rotation is a set with the current key and the one before it.
func rotation(t testing.TB) licensefile.KeySet {
	t.Helper()
	set, err := licensefile.NewKeySet(publicKey(t, 1), publicKey(t, 2))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// signRaw signs exactly the given header and payload text.
func signRaw(n byte, header, payload string) string {
	signed := b64(header) + "." + b64(payload)
	return signed + "." + b64(string(ed25519.Sign(privateKey(n), []byte(signed))))
}

func header(t testing.TB, n byte) string {
	return `{"alg":"EdDSA","kid":"` + publicKey(t, n).ID + `","typ":"keyward-lease+jws"}`
}

func sign(t testing.TB, n byte, lease licensefile.Lease) string {
	t.Helper()
	payload, err := lease.Claims()
	if err != nil {
		t.Fatal(err)
	}
	return signRaw(n, header(t, n), string(payload))
}

func validLease() licensefile.Lease {
	ends := issued.AddDate(1, 0, 0)
	return licensefile.Lease{
		ID: "01914d3e-5b6a-7c8d-9e0f-000000000001", Product: "01914d3e-5b6a-7c8d-9e0f-000000000002",
		Environment: "production", License: "01914d3e-5b6a-7c8d-9e0f-000000000003",
		Device:   licensefile.Device{ID: "HW-77-ÄÖ", Name: "Anna's laptop", Kind: "hardware", Platform: "linux"},
		Nonce:    "n-0S6_WzA2Mj",
		IssuedAt: issued, ValidUntil: issued.Add(14 * 24 * time.Hour),
		Verdict:  licensefile.LeaseVerdict{Valid: true, Code: verdict.Valid, Message: "This license works."},
		Features: map[string]any{"export": true, "seats": 25.0, "edition": "pro <&>"},
		Version:  "8.4.1", EndsAt: &ends,
	}
}

func refusedLease() licensefile.Lease {
	return licensefile.Lease{
		ID: "01914d3e-5b6a-7c8d-9e0f-000000000004", Product: "01914d3e-5b6a-7c8d-9e0f-000000000002", Environment: "staging",
		IssuedAt: issued, ValidUntil: issued.Add(time.Hour),
		Verdict: licensefile.LeaseVerdict{Code: verdict.KeyUnknown, Message: "No license with this key was found."},
	}
}
