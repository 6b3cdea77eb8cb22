package attempt

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
)

const (
	// maxRefused bounds how many of those who were refused are remembered.
	maxRefused = 50_000
	// purgeBatch bounds what one transaction removes, since others wait for it.
	purgeBatch = 500
)

// Limit allows each of those who try a burst of attempts and then one per
// interval, whichever server they ask. Who tries is kept as a keyed hash. It is
// safe for concurrent use.
type Limit struct {
	store    *store.Store
	hash     func(who string) []byte
	interval time.Duration
	burst    int

	mu      sync.Mutex
	refused map[string]time.Time // until when there is none left, by hash
}

// Counter counts attempts in the database of an installation.
type Counter struct {
	store  *store.Store
	master *signing.Master
}

// NewCounter makes a counter.
func NewCounter(s *store.Store, master *signing.Master) *Counter { return &Counter{s, master} }

// Limit returns the limit of this name: two of one name count together. It
// panics unless interval and burst are positive.
func (c *Counter) Limit(name string, interval time.Duration, burst int) *Limit {
	if interval <= 0 || burst < 1 {
		panic("attempt: a limit needs a positive interval and burst")
	}
	return &Limit{
		store: c.store, interval: interval, burst: burst, refused: map[string]time.Time{},
		hash: func(who string) []byte { return c.master.AttemptHash(name, who) },
	}
}

// Take spends one attempt and returns 0, or how long to wait when there is none
// left. A refused attempt does not make the wait longer, and until its end
// others of this server cost no transaction.
func (l *Limit) Take(ctx context.Context, who string, now time.Time) (wait time.Duration, err error) {
	key := l.hash(who)
	if wait := l.remembered(key, now); wait > 0 {
		return wait, nil
	}
	err = l.store.InTx(ctx, func(tx *store.Tx) error {
		wait, err = tx.TakeAttempt(ctx, key, l.interval, l.burst, now)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("count an attempt: %w", err)
	}
	l.remember(key, now, wait)
	return wait, nil
}

// Wait returns how long it is until there is an attempt left, 0 when there is
// one. It spends none.
func (l *Limit) Wait(ctx context.Context, who string, now time.Time) (time.Duration, error) {
	key := l.hash(who)
	if wait := l.remembered(key, now); wait > 0 {
		return wait, nil
	}
	wait, err := l.store.AttemptWait(ctx, key, l.interval, l.burst, now)
	if err != nil {
		return 0, fmt.Errorf("look at attempts: %w", err)
	}
	return wait, nil
}

// Refused returns how long somebody has to wait whom this server refused
// before, without asking the database.
func (l *Limit) Refused(who string, now time.Time) time.Duration {
	if l.refusesNobody() { // the usual case, asked at each call of software
		return 0
	}
	return l.remembered(l.hash(who), now)
}

func (l *Limit) refusesNobody() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.refused) == 0
}

func (l *Limit) remembered(key []byte, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	wait := l.refused[string(key)].Sub(now)
	if wait <= 0 {
		delete(l.refused, string(key))
		return 0
	}
	return wait
}

// remember keeps a refusal. When too many are kept, those that are over go, and
// if that is not enough all: the database knows them.
func (l *Limit) remember(key []byte, now time.Time, wait time.Duration) {
	if wait == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.refused) >= maxRefused {
		for k, until := range l.refused {
			if !now.Before(until) {
				delete(l.refused, k)
			}
		}
	}
	if len(l.refused) >= maxRefused {
		clear(l.refused)
	}
	l.refused[string(key)] = now.Add(wait)
}

// Purge removes what says nothing any more, of all limits.
func (c *Counter) Purge(ctx context.Context, now time.Time) error {
	for {
		var gone int64
		err := c.store.InTx(ctx, func(tx *store.Tx) (err error) {
			gone, err = tx.ForgetAttempts(ctx, now, purgeBatch)
			return err
		})
		if err != nil || gone < purgeBatch {
			return err
		}
	}
}
