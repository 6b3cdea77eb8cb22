package api

import (
	"net/http"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
)

const keysPath = "/.well-known/jwks.json"

// keys publishes the public keys of a product, retired ones included.
func (a *API) keys(w http.ResponseWriter, r *http.Request) error {
	asked := r.URL.Query().Get("product")
	if asked == "" {
		return fault.New(fault.Invalid, "invalid_input", "Say whose keys you want.").
			WithField("product", "Send the id of a product in the query.")
	}
	product, err := id.Parse(asked)
	if err != nil {
		return fault.Missing("product")
	}
	set, err := a.Catalog.JWKS(r.Context(), product)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/jwk-set+json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(set)
	return nil
}
