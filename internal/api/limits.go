package api

import (
	"net/http"
	"time"

	"github.com/keyward/keyward/internal/app/attempt"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/ratelimit"
)

// Limits say how often one address may ask with one token. Neither counts
// alone: an abuser does not lock out every other installation with the same
// token, nor a token its neighbors behind the same address. License keys are
// never counted, so that nobody can lock out a license's owner.
type Limits struct {
	Burst    int           // requests at once
	Interval time.Duration // and one more per interval

	UnknownBurst    int           // keys that do not exist, at once
	UnknownInterval time.Duration // and one more per interval
}

// usual allows an office of a thousand devices behind one address to start in
// the morning, and a person to mistype a key for a while.
func usual() Limits {
	return Limits{Burst: 1000, Interval: 20 * time.Millisecond, UnknownBurst: 20, UnknownInterval: 6 * time.Second}
}

func (l Limits) orUsual() Limits {
	u := usual()
	if l.Burst > 0 && l.Interval > 0 {
		u.Burst, u.Interval = l.Burst, l.Interval
	}
	if l.UnknownBurst > 0 && l.UnknownInterval > 0 {
		u.UnknownBurst, u.UnknownInterval = l.UnknownBurst, l.UnknownInterval
	}
	return u
}

// maxCallers bounds how many callers are remembered.
const maxCallers = 50_000

type limiter struct {
	now      func() time.Time
	requests *ratelimit.Limit // of this server: it is what is protected
	unknown  *attempt.Limit   // of all servers together
}

func newLimiter(c *attempt.Counter, l Limits, now func() time.Time) *limiter {
	l = l.orUsual()
	return &limiter{
		now:      now,
		requests: ratelimit.New(l.Interval, l.Burst, maxCallers),
		unknown:  c.Limit("keys", l.UnknownInterval, l.UnknownBurst),
	}
}

// caller is an address and a token together; without a token it is whoever
// comes from the address without a good one.
func caller(r *http.Request, token id.ID) string {
	return ratelimit.Bucket(httpx.Addr(r.Context())).String() + " " + string(token)
}

// admit counts one request.
func (l *limiter) admit(r *http.Request, token id.ID) error {
	if wait := l.requests.Take(caller(r, token), l.now()); wait > 0 {
		return tooOften(wait)
	}
	return nil
}

// mayGuess refuses whoever has spent the budget for unknown keys, before
// anything is looked up: otherwise a right guess would still get through. What
// the other servers have refused is not asked for, so that a call with a good
// key costs nothing; a guesser gets one more guess from each.
func (l *limiter) mayGuess(r *http.Request, token id.ID) error {
	if wait := l.unknown.Refused(caller(r, token), l.now()); wait > 0 {
		return tooOften(wait)
	}
	return nil
}

// guessed counts a key that does not exist, and returns an error when there
// were too many.
func (l *limiter) guessed(r *http.Request, token id.ID) error {
	wait, err := l.unknown.Take(r.Context(), caller(r, token), l.now())
	if err == nil && wait > 0 {
		err = tooOften(wait)
	}
	return err
}

func tooOften(wait time.Duration) error {
	return fault.New(fault.Limited, "too_many_requests", "There were too many requests from this address with this token.").
		WithNext("Wait as long as Retry-After says, then try again.").WithRetryAfter(wait)
}
