// Package once does a request with an idempotency key a single time.
//
// It owns one promise: of two requests with the same key by the same token one
// changes something, and the other learns what that made; the same key with
// another request is a conflict. A refusal is not remembered, so that a retry
// after its cause is gone succeeds. Kept are ids, never answers or secrets.
package once
