package httpx

import (
	"context"
	"crypto/rand"
	"net/http"
)

type requestIDKey struct{}

// AssignRequestID gives each request a random id, which is also sent in the
// X-Request-Id header so that a person can quote it. An id from outside is
// ignored: it could be made to collide with another request's in the log.
func AssignRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := rand.Text()
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id)))
	})
}

// RequestID returns the id of the request that ctx belongs to, or "".
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}
