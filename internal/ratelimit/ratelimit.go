package ratelimit

import (
	"container/list"
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limit allows each key a burst of attempts and then one per interval. It
// remembers a bounded number of keys and forgets the one idle for longest
// first. Keys are kept as hashes: they may be long, and they may be somebody's
// address. It is safe for concurrent use.
type Limit struct {
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

// New returns a limit of burst attempts at once and one more per
// interval, for at most maxKeys keys. All three must be positive.
func New(interval time.Duration, burst, maxKeys int) *Limit {
	if interval <= 0 || burst < 1 || maxKeys < 1 {
		panic("ratelimit: a limit needs a positive interval, burst and number of keys")
	}
	return &Limit{
		limit:   rate.Every(interval),
		burst:   burst,
		maxKeys: maxKeys,
		byKey:   make(map[[sha256.Size]byte]*list.Element),
		used:    list.New(),
	}
}

// Take spends one attempt of a key and returns 0, or how long to wait when there
// is none left. A refused attempt does not make the wait longer.
func (l *Limit) Take(key string, now time.Time) time.Duration {
	hash := sha256.Sum256([]byte(key))
	l.mu.Lock()
	defer l.mu.Unlock()
	reservation := l.bucket(hash).limiter.ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now)
	}
	return wait
}

// Wait returns how long it is until a key has an attempt left, 0 when it has
// one. It spends none.
func (l *Limit) Wait(key string, now time.Time) time.Duration {
	hash := sha256.Sum256([]byte(key))
	l.mu.Lock()
	defer l.mu.Unlock()
	reservation := l.bucket(hash).limiter.ReserveN(now, 1)
	defer reservation.CancelAt(now)
	return reservation.DelayFrom(now)
}

func (l *Limit) bucket(key [sha256.Size]byte) *bucket {
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

// Bucket returns the network that counts as one client when attempts are
// limited: one IPv4 address, or an IPv6 /64, since whoever has one address of
// it has them all. The zero Addr gives the zero Prefix.
func Bucket(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}
