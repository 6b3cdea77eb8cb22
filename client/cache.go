package client

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/keyward/keyward/licensefile"
	"github.com/keyward/keyward/verdict"
)

const (
	maxCache = 64 << 10
	// clockTolerance lets clocks be corrected a little.
	clockTolerance = 5 * time.Minute
)

// entry is the file at CachePath: the last lease, the key it answers, and the
// latest time that this device has known.
type entry struct {
	Key   string    `json:"key"` // a hash
	Lease string    `json:"lease"`
	Seen  time.Time `json:"seen"`
}

// keep keeps a lease that was just received. A refusal replaces what was kept
// for the same key, so that what is revoked stays revoked offline.
func (c *Client) keep(key string, features []string, token string, lease licensefile.Lease) error {
	if c.o.CachePath == "" {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	next := entry{Key: c.fingerprint(key), Lease: token, Seen: lease.IssuedAt}
	last, err := c.load()
	if err == nil && c.outlasts(last, next, features, lease.Verdict.Code) {
		next.Key, next.Lease = last.Key, last.Lease
	}
	return c.save(next)
}

// outlasts reports whether the kept entry stays in spite of a new one: of a
// refusal that is about another key, about the clock, or about features that
// the kept lease does not grant either.
func (c *Client) outlasts(last, next entry, features []string, code verdict.Code) bool {
	kept, err := licensefile.ParseLease(last.Lease, c.keys)
	if err != nil || code == verdict.Valid {
		return false
	}
	if last.Key != next.Key {
		return true
	}
	same := offline(*kept, features, next.Seen).Verdict.Code == code
	return code == verdict.ClockSkew || code == verdict.FeatureMissing && same
}

// recall answers from what is kept.
func (c *Client) recall(key string, features []string) (*Answer, error) {
	if c.o.CachePath == "" {
		return nil, ErrNothingKept
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e, err := c.load()
	if err != nil {
		return nil, err
	}
	if e.Key != c.fingerprint(key) {
		return nil, fmt.Errorf("%w for this license key", ErrNothingKept)
	}
	lease, err := licensefile.ParseLease(e.Lease, c.keys)
	if err != nil {
		return nil, fmt.Errorf("keyward: the kept answer cannot be used: %w", err)
	}
	now := c.o.Now().UTC()
	if err := c.checkKept(lease, e, now); err != nil {
		return nil, err
	}
	a := offline(*lease, features, now)
	if now.After(e.Seen) {
		e.Seen = now
		a.CacheError = c.save(e)
	}
	return a, nil
}

// checkKept holds a kept lease against this device and its clock. A refusal
// has no end: nothing but the server can take it back.
func (c *Client) checkKept(lease *licensefile.Lease, e entry, now time.Time) error {
	want := licensefile.Expect{Product: c.o.Product, Device: c.o.Device.ID, MaxSkew: clockTolerance}
	if !lease.Verdict.Valid {
		now = lease.IssuedAt
	} else if now.Add(clockTolerance).Before(e.Seen) || now.Add(clockTolerance).Before(lease.IssuedAt) {
		return ErrClock
	}
	if err := lease.Check(now, want); err != nil {
		return fmt.Errorf("keyward: the kept answer cannot be used: %w", err)
	}
	return nil
}

// offline is the answer that a lease gives by itself.
func offline(lease licensefile.Lease, features []string, now time.Time) *Answer {
	v := verdict.Verdict{
		Purpose: verdict.Use, Valid: lease.Verdict.Valid, Code: lease.Verdict.Code, Message: lease.Verdict.Message, At: now,
	}
	missing := func(key string) bool { return !included(lease.Features[key]) }
	if v.Valid && slices.ContainsFunc(features, missing) {
		v.Valid, v.Code = false, verdict.FeatureMissing
		v.Message = verdict.Describe(verdict.FeatureMissing).Developer
	}
	return &Answer{Verdict: v, Lease: lease, Offline: true}
}

// included reports whether a feature's value grants it, as the server reads it.
func included(value any) bool {
	switch v := value.(type) {
	case bool:
		return v
	case float64:
		return v > 0
	case string:
		return v != ""
	}
	return false
}

// fingerprint names a license key without telling it, the same however it is
// typed.
func (c *Client) fingerprint(key string) string {
	sum := sha256.Sum256([]byte("keyward license key\x00" + c.o.Product + "\x00" + strings.Map(foldRune, key)))
	return hex.EncodeToString(sum[:16])
}

// foldRune reads keys as the server does: letters that pass for digits are
// those digits, and what is neither letter nor digit does not count.
func foldRune(r rune) rune {
	switch r = unicode.ToUpper(r); {
	case r == 'O':
		return '0'
	case r == 'I', r == 'L':
		return '1'
	case unicode.IsLetter(r), unicode.IsDigit(r):
		return r
	}
	return -1
}

func (c *Client) load() (entry, error) {
	var e entry
	file, err := os.Open(c.o.CachePath)
	if errors.Is(err, os.ErrNotExist) {
		return e, ErrNothingKept
	}
	if err != nil {
		return e, fmt.Errorf("keyward: read the kept answer: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxCache))
	if err != nil {
		return e, fmt.Errorf("keyward: read the kept answer: %w", err)
	}
	if err := json.Unmarshal(text, &e); err != nil {
		return entry{}, fmt.Errorf("%w: the file is damaged", ErrNothingKept)
	}
	return e, nil
}

// save replaces the file as a whole: whoever reads it sees the old or the new
// one. Only this user may read it.
func (c *Client) save(e entry) error {
	text, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("keyward: keep the answer: %w", err)
	}
	dir, name := filepath.Split(c.o.CachePath)
	if dir == "" {
		dir = "."
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keyward: keep the answer: %w", err)
	}
	file, err := os.CreateTemp(dir, "."+name+"-*") // made with mode 0600
	if err != nil {
		return fmt.Errorf("keyward: keep the answer: %w", err)
	}
	_, err = file.Write(text)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), c.o.CachePath)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("keyward: keep the answer: %w", err), os.Remove(file.Name()))
	}
	return nil
}
