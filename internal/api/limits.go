package api

import (
	"net/http"
	"sync"
	"time"

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
	requests *ratelimit.Limit
	unknown  *ratelimit.Limit

	mu     sync.Mutex
	paused map[string]time.Time // who has spent the budget for unknown keys, until when
}

func newLimiter(l Limits, now func() time.Time) *limiter {
	l = l.orUsual()
	return &limiter{
		now:      now,
		requests: ratelimit.New(l.Interval, l.Burst, maxCallers),
		unknown:  ratelimit.New(l.UnknownInterval, l.UnknownBurst, maxCallers),
		paused:   map[string]time.Time{},
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
// anything is looked up: otherwise a right guess would still get through.
func (l *limiter) mayGuess(r *http.Request, token id.ID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait := l.paused[caller(r, token)].Sub(l.now()); wait > 0 {
		return tooOften(wait)
	}
	return nil
}

// guessed counts a key that does not exist, and returns an error when there
// were too many.
func (l *limiter) guessed(r *http.Request, token id.ID) error {
	who, now := caller(r, token), l.now()
	wait := l.unknown.Take(who, now)
	if wait == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.paused) >= maxCallers {
		l.forget(now)
	}
	l.paused[who] = now.Add(wait)
	return tooOften(wait)
}

// forget drops the pauses that are over. When that is not enough, all are
// dropped: the next unknown key begins a new one.
func (l *limiter) forget(now time.Time) {
	for who, until := range l.paused {
		if !now.Before(until) {
			delete(l.paused, who)
		}
	}
	if len(l.paused) >= maxCallers {
		clear(l.paused)
	}
}

func tooOften(wait time.Duration) error {
	return fault.New(fault.Limited, "too_many_requests", "There were too many requests from this address with this token.").
		WithNext("Wait as long as Retry-After says, then try again.").WithRetryAfter(wait)
}
