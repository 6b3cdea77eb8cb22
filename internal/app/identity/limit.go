package identity

import (
	"container/list"
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/keyward/keyward/internal/fault"
)

// Rate is how often something may be tried: a burst at once, then one more
// each interval.
type Rate struct {
	Burst int
	Every time.Duration
}

// Limits bound how often people may be guessed at and mailed (P-AUTH-13).
type Limits struct {
	SignInAddress Rate // sign-in attempts from one network address
	SignInAccount Rate // on one account, from browsers it has not signed in with
	SignInDevice  Rate // on one account, from one browser it has signed in with
	ResetAddress  Rate // reset requests from one network address
	ResetAccount  Rate // reset mails to one account
	Keys          int  // how many addresses and accounts are remembered, each
}

// DefaultLimits leave room for a forgetful person and an office behind one
// address, and none for a guesser.
func DefaultLimits() Limits {
	return Limits{
		SignInAddress: Rate{Burst: 30, Every: 20 * time.Second},
		SignInAccount: Rate{Burst: 10, Every: time.Minute},
		SignInDevice:  Rate{Burst: 10, Every: time.Minute},
		ResetAddress:  Rate{Burst: 10, Every: 2 * time.Minute},
		ResetAccount:  Rate{Burst: 3, Every: 10 * time.Minute},
		Keys:          50_000,
	}
}

// limiters count what Limits bound.
type limiters struct {
	signInAddress, signInAccount, signInDevice, resetAddress, resetAccount *limiter
}

func newLimiters(l Limits) limiters {
	return limiters{
		signInAddress: newLimiter(l.SignInAddress, l.Keys),
		signInAccount: newLimiter(l.SignInAccount, l.Keys),
		signInDevice:  newLimiter(l.SignInDevice, l.Keys),
		resetAddress:  newLimiter(l.ResetAddress, l.Keys),
		resetAccount:  newLimiter(l.ResetAccount, l.Keys),
	}
}

// limiter allows each key a rate. It remembers a bounded number of keys, as
// hashes, and forgets the one idle for longest first.
type limiter struct {
	rate Rate
	most int

	mu    sync.Mutex
	byKey map[[sha256.Size]byte]*list.Element
	used  *list.List // of *budget, latest used first
}

type budget struct {
	key [sha256.Size]byte
	*rate.Limiter
}

func newLimiter(r Rate, most int) *limiter {
	if r.Burst < 1 || r.Every <= 0 || most < 1 {
		panic("identity: a limit needs a burst, an interval and a number of keys")
	}
	return &limiter{rate: r, most: most, byKey: make(map[[sha256.Size]byte]*list.Element), used: list.New()}
}

// take spends one attempt of a key and returns 0, or how long to wait when
// there is none left. A refused attempt makes the wait no longer.
func (l *limiter) take(key string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.budget(sha256.Sum256([]byte(key))).ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

func (l *limiter) budget(key [sha256.Size]byte) *budget {
	if e, known := l.byKey[key]; known {
		l.used.MoveToFront(e)
		return e.Value.(*budget)
	}
	if l.used.Len() == l.most {
		// To refuse new keys instead would let one client lock out all.
		oldest := l.used.Remove(l.used.Back()).(*budget)
		delete(l.byKey, oldest.key)
	}
	b := &budget{key: key, Limiter: rate.NewLimiter(rate.Every(l.rate.Every), l.rate.Burst)}
	l.byKey[key] = l.used.PushFront(b)
	return b
}

// networkOf is what an address is counted as: somebody who has one IPv6
// address has the whole /64 around it.
func networkOf(a netip.Addr) string {
	const site = 64
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(site); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// limited is the answer to somebody who has to wait.
func limited(wait time.Duration, next string) error {
	return fault.New(fault.Limited, "too_many_attempts", "There were too many attempts. Please wait before you try again.").
		WithRetryAfter(wait).WithNext(next)
}
