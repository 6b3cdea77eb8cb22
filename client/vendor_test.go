package client_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/keyward/keyward/licensefile"
	"github.com/keyward/keyward/verdict"
)

const exampleProduct = "0198c5a0-0000-7000-8000-000000000001"

// vendor answers every question with yes. The other tests ask a real server;
// an example has no test to start one for.
type vendor struct {
	*httptest.Server
	Pinned string
}

func startVendor() *vendor {
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	key, err := licensefile.NewKey(private.Public().(ed25519.PublicKey))
	if err != nil {
		panic(err)
	}
	return &vendor{Pinned: key.String(), Server: httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Nonce  string
			Device struct{ ID string }
		}
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		claims, err := licensefile.Lease{
			ID: "1", Product: exampleProduct, Environment: "production", License: "2", Nonce: q.Nonce,
			Device:   licensefile.Device{ID: q.Device.ID},
			IssuedAt: time.Unix(0, 0), ValidUntil: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
			Verdict:  licensefile.LeaseVerdict{Valid: true, Code: verdict.Valid},
			Features: map[string]any{"export": true},
		}.Claims()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		b64 := base64.RawURLEncoding.EncodeToString
		signed := b64([]byte(`{"alg":"EdDSA","kid":"`+key.ID+`","typ":"`+licensefile.LeaseType+`"}`)) + "." + b64(claims)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"verdict": map[string]any{"valid": true, "code": "valid"},
			"lease":   signed + "." + b64(ed25519.Sign(private, []byte(signed))),
		})
	}))}
}
