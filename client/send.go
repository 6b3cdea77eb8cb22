package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"net/http"
	"strconv"
	"time"
)

const (
	attempts    = 4
	firstPause  = 250 * time.Millisecond
	longestWait = 30 * time.Second // longer is as good as away
	maxAnswer   = 1 << 20
)

// send asks until there is an answer. Every attempt carries the same
// idempotency key, so that a call whose answer was lost is not done twice.
func (c *Client) send(ctx context.Context, call string, q question) (*rawAnswer, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return nil, fmt.Errorf("keyward: %w", err)
	}
	once := rand.Text()
	for attempt := 1; ; attempt++ {
		answer, wait, err := c.try(ctx, call, once, body)
		if err == nil || !errors.Is(err, ErrAway) {
			return answer, err
		}
		wait = max(wait, pause(attempt))
		if attempt == attempts || wait > longestWait || tooLate(ctx, wait) {
			return nil, err
		}
		if c.wait(ctx, wait) != nil {
			return nil, err
		}
	}
}

// pause doubles from attempt to attempt and varies by half, so that many
// devices do not come back at once.
func pause(attempt int) time.Duration {
	longest := firstPause << attempt
	random, err := rand.Int(rand.Reader, big.NewInt(int64(longest/2)))
	if err != nil {
		return longest
	}
	return longest/2 + time.Duration(random.Int64())
}

// tooLate reports whether ctx ends before the wait is over.
func tooLate(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && time.Until(deadline) < wait
}

// try asks once. An error that is ErrAway is worth another attempt, after the
// wait that the server asks for.
func (c *Client) try(ctx context.Context, call, once string, body []byte) (*rawAnswer, time.Duration, error) {
	address := c.base.JoinPath("api/v2/licenses", call).String()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, 0, fmt.Errorf("keyward: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+c.o.Token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, application/problem+json")
	r.Header.Set("Idempotency-Key", once)
	response, err := c.http.Do(r)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrAway, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrAway, err)
	}
	answer, err := read(response, text)
	return answer, c.retryAfter(response), err
}

// read tells apart what a Keyward server says from everything else that may
// answer in its place, such as the sign-in page of a network: that is as good
// as no answer.
func read(response *http.Response, text []byte) (*rawAnswer, error) {
	media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	status := response.StatusCode
	switch {
	case status == http.StatusOK && media == "application/json":
		var a rawAnswer
		if json.Unmarshal(text, &a) == nil && a.Verdict != nil {
			return &a, nil
		}
	case status == http.StatusTooManyRequests || status >= 500:
	case status >= 400 && media == "application/problem+json":
		var p Problem
		if json.Unmarshal(text, &p) == nil && p.Code != "" {
			p.Status = status
			return nil, &p
		}
	}
	return nil, fmt.Errorf("%w: it answered %d", ErrAway, status)
}

// retryAfter is how long the server asks to wait: in seconds, or until a time.
func (c *Client) retryAfter(response *http.Response) time.Duration {
	text := response.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(max(seconds, 0), 1<<20)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(c.o.Now()))
	}
	return 0
}
