package httpx

import (
	"container/list"
	"crypto/sha256"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// RateLimit allows each key a burst of attempts and then one per interval. It
// remembers a bounded number of keys and forgets the one idle for longest
// first. Keys are kept as hashes: they may be long, and they may be somebody's
// address. It is safe for concurrent use.
type RateLimit struct {
	limit   rate.Limit
	burst   int
	maxKeys int

	mu    sync.Mutex
	byKey map[[sha256.Size]byte]*list.Element
	used  *list.List // of *bucket, latest used first
}

type bucket struct {
	key     [sha256.Size]byte
	limiter *rate.Limiter
}

// NewRateLimit returns a limit of burst attempts at once and one more per
// interval, for at most maxKeys keys. All three must be positive.
func NewRateLimit(interval time.Duration, burst, maxKeys int) *RateLimit {
	if interval <= 0 || burst < 1 || maxKeys < 1 {
		panic("httpx: a rate limit needs a positive interval, burst and number of keys")
	}
	return &RateLimit{
		limit:   rate.Every(interval),
		burst:   burst,
		maxKeys: maxKeys,
		byKey:   make(map[[sha256.Size]byte]*list.Element),
		used:    list.New(),
	}
}

// Allow reports whether key may try now. If not, retryAfter is how long to wait;
// a refused attempt does not make the wait longer.
func (l *RateLimit) Allow(key string, now time.Time) (ok bool, retryAfter time.Duration) {
	hash := sha256.Sum256([]byte(key))
	l.mu.Lock()
	defer l.mu.Unlock()
	reservation := l.bucket(hash).limiter.ReserveN(now, 1)
	if wait := reservation.DelayFrom(now); wait > 0 {
		reservation.CancelAt(now)
		return false, wait
	}
	return true, 0
}

func (l *RateLimit) bucket(key [sha256.Size]byte) *bucket {
	if e, known := l.byKey[key]; known {
		l.used.MoveToFront(e)
		return e.Value.(*bucket)
	}
	if l.used.Len() == l.maxKeys {
		// The longest idle has most likely refilled. If not, one client gets a
		// second burst; refusing new keys instead would let one lock out all.
		oldest := l.used.Remove(l.used.Back()).(*bucket)
		delete(l.byKey, oldest.key)
	}
	b := &bucket{key: key, limiter: rate.NewLimiter(l.limit, l.burst)}
	l.byKey[key] = l.used.PushFront(b)
	return b
}
