package client

import (
	"fmt"
	"time"

	"github.com/keyward/keyward/licensefile"
	"github.com/keyward/keyward/verdict"
)

// Answer is what is known about a license now. It is always backed by a lease
// with a good signature for this product and device.
type Answer struct {
	// Verdict says whether the license is good, and if not why and what to do.
	// Offline it has no checks and no fixes.
	Verdict verdict.Verdict
	// License is nil offline, and where the token may not know of it.
	License *License
	// Activation is this device's seat; nil offline, and where it has none.
	Activation *Activation
	// Lease is the signed verdict: what is in it can be relied on until its end.
	Lease licensefile.Lease
	// Offline says that the server was away and that this is its last answer.
	Offline bool
	// CacheError says why the answer could not be kept; it is good all the same.
	CacheError error
}

// Valid reports whether the license is good for what was asked.
func (a *Answer) Valid() bool { return a.Verdict.Valid }

// Feature returns the value of a feature: a bool, float64 or string, or nil
// where the license has none of that name.
func (a *Answer) Feature(key string) any { return a.Lease.Features[key] }

// HelpLink is the page where a person of the customer can let this device in
// when no seat is free, or "". It asks to sign in and is good for a day: open
// it in a browser.
func (a *Answer) HelpLink() string {
	for _, f := range a.Verdict.FixesFor(verdict.LimitReached) {
		if f.Action == verdict.DeactivateDevice && f.Actor == verdict.ByCustomer {
			return f.Href
		}
	}
	return ""
}

// ClaimRefused reports whether the claim code that was presented was not
// accepted: it is wrong, spent or too old.
func (a *Answer) ClaimRefused() bool {
	c, _ := a.Verdict.Check(verdict.LimitReached)
	return c.Outcome == verdict.Fail && c.Reason == verdict.ClaimRefused
}

// License is what software may know of a license.
type License struct {
	ID           string         `json:"id"`
	Product      Product        `json:"product"`
	Environment  string         `json:"environment"`
	Status       string         `json:"status"`
	ExpiresAt    *time.Time     `json:"expires_at"` // nil: never
	EndsAt       *time.Time     `json:"ends_at"`    // expiry and grace; nil: never
	Features     map[string]any `json:"features"`
	MaxVersion   string         `json:"max_version"`   // "": all versions
	UpdatesUntil *time.Time     `json:"updates_until"` // nil: no limit
}

// Product is the product of a license.
type Product struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Activation is the seat of a device.
type Activation struct {
	ID          string     `json:"id"`
	Status      string     `json:"status"`
	ActivatedAt time.Time  `json:"activated_at"`
	LastSeenAt  *time.Time `json:"last_seen_at"`
	HoldUntil   *time.Time `json:"hold_until"` // a floating seat is lost then unless the device checks in; nil: a fixed seat
}

// rawAnswer is an answer that is not believed yet.
type rawAnswer struct {
	Verdict    *verdict.Verdict `json:"verdict"`
	License    *License         `json:"license"`
	Activation *Activation      `json:"activation"`
	Lease      string           `json:"lease"`
	Releases   []Release        `json:"releases"`
}

// believe checks that an answer was signed by a pinned key for this request,
// and that it says what was signed. The nonce proves that the lease is fresh,
// so the clock of this device has no say.
func (c *Client) believe(raw *rawAnswer, nonce string) (*Answer, error) {
	lease, err := licensefile.ParseLease(raw.Lease, c.keys)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUntrusted, err)
	}
	want := licensefile.Expect{Product: c.o.Product, Device: c.o.Device.ID, Nonce: nonce}
	if err := lease.Check(lease.IssuedAt, want); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUntrusted, err)
	}
	if lease.Verdict.Valid != raw.Verdict.Valid || lease.Verdict.Code != raw.Verdict.Code {
		return nil, fmt.Errorf("%w: the answer differs from what is signed", ErrUntrusted)
	}
	return &Answer{Verdict: *raw.Verdict, License: raw.License, Activation: raw.Activation, Lease: *lease}, nil
}
