package demo

import (
	"sync"
	"time"
)

// clock tells the time to the whole installation. While the past is told it
// stands where it was set, and from release on it is the system's.
type clock struct {
	mu     sync.Mutex
	past   time.Time // zero: the system's time
	system func() time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.past.IsZero() {
		return c.system()
	}
	return c.past
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.past = t
}

func (c *clock) release() { c.set(time.Time{}) }
