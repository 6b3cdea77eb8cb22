package httpx

import (
	"fmt"
	"net/http"

	"github.com/keyward/keyward/internal/fault"
)

// CrossOrigin refuses requests that change something and that a browser sent
// from another site. Requests from our own origin pass; so do those from the
// trusted origins ("https://licenses.example.com"), which a server needs whose
// proxy rewrites the host.
func CrossOrigin(trusted []string, onError ErrorFunc) (Middleware, error) {
	protection := http.NewCrossOriginProtection()
	for _, origin := range trusted {
		if err := protection.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("trust origin %q: %w", origin, err)
		}
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := protection.Check(r); err != nil {
				answer(record(w), r, crossOrigin(err), onError)
				return
			}
			next.ServeHTTP(w, r)
		})
	}, nil
}

func crossOrigin(cause error) *fault.Error {
	return fault.Wrap(fault.Forbidden, "cross_origin", "This request came from another site and changed nothing.", cause).
		WithNext("Open the page here and try again.")
}
