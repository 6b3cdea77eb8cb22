package client

import (
	"context"
	"time"

	"github.com/keyward/keyward/verdict"
)

const (
	// fixedPause is between two check-ins of a fixed seat.
	fixedPause = time.Hour
	// retryPause is until the next check-in after one that did not keep a seat.
	retryPause = 15 * time.Second
	// releaseTime bounds how long giving a seat back may hold up the software.
	releaseTime = 5 * time.Second
)

// Keep checks in while the software runs, each time when half of what was left
// of its floating seat has passed, and gives the seat back when ctx ends: run it
// in a goroutine of its own after Activate, and wait for it before the software
// exits. Everything that is heard goes to tell, so that the software learns when
// it lost its seat; Keep goes on asking and takes one again when one is free. A
// fixed seat is checked in every hour and not given back. The error is that the
// seat could not be given back; it is free by itself once it lapses.
func (c *Client) Keep(ctx context.Context, key string, tell func(*Answer, error)) error {
	floating := false
	for pause := time.Duration(0); c.wait(ctx, pause) == nil; {
		a, err := c.CheckIn(ctx, key)
		if ctx.Err() != nil {
			break
		}
		tell(a, err)
		if err == nil && a.Activation != nil {
			floating = a.Activation.HoldUntil != nil
		}
		pause = pauseAfter(a, err)
	}
	if !floating {
		return nil
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	_, err := c.Deactivate(last, key)
	return err
}

// pauseAfter is how long after an answer the device checks in again. It counts
// from the server's clock to the server's clock.
func pauseAfter(a *Answer, err error) time.Duration {
	if err != nil || a.Activation == nil || a.Verdict.Code == verdict.SeatLapsed {
		return retryPause
	}
	until := a.Activation.HoldUntil
	if until == nil {
		return fixedPause
	}
	return max(until.Sub(a.Verdict.At)/2, retryPause)
}
