package license

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/verdict"
)

// ActivationStatus is what an activation is at an instant.
type ActivationStatus string

// The states of an activation (E-09).
const (
	ActivationActive      ActivationStatus = "active"
	ActivationDeactivated ActivationStatus = "deactivated"
	ActivationSuspended   ActivationStatus = "suspended"
)

// ActivationStatuses lists them in the order in which they are offered.
func ActivationStatuses() []ActivationStatus {
	return []ActivationStatus{ActivationActive, ActivationSuspended, ActivationDeactivated}
}

// Known reports whether s is one of the states.
func (s ActivationStatus) Known() bool {
	return s == ActivationActive || s == ActivationDeactivated || s == ActivationSuspended
}

// Activation is one device on one license, from activation to its end. A
// device that comes back after deactivation gets a new one (A-ACT-03).
type Activation struct {
	ID         id.ID
	LicenseID  id.ID
	Kind       Kind
	Identifier string // as the device gave it
	Name       string // as the device calls itself
	Label      string // as its owner calls it; "" is the name (P-ACT-24)
	Platform   string
	AppVersion string // last version it reported

	ActivatedAt time.Time
	LastSeenAt  time.Time // zero: not heard of since activation
	HoldUntil   time.Time // zero: a fixed seat, held until deactivated
	EndedAt     time.Time
	EndReason   Reason
}

// HoldsSeat reports whether the activation takes a seat at now.
func (a Activation) HoldsSeat(now time.Time) bool {
	return a.EndedAt.IsZero() && !a.Lapsed(now)
}

// Lapsed reports whether a floating seat was not renewed in time.
func (a Activation) Lapsed(now time.Time) bool {
	return a.EndedAt.IsZero() && !a.HoldUntil.IsZero() && !now.Before(a.HoldUntil)
}

// LapsedKept is how long it is remembered that a seat lapsed. Afterwards its
// device is like one that was never activated, whether or not a sweep ran.
const LapsedKept = 7 * 24 * time.Hour

// Forgotten reports whether the seat lapsed so long ago that nothing of it is
// left but history.
func (a Activation) Forgotten(now time.Time) bool {
	return a.Lapsed(now) && !now.Before(a.HoldUntil.Add(LapsedKept))
}

// Renewed is the activation after its device was heard of at now: a floating
// seat is held for longer, never shorter; a fixed one stays as it is.
func (a Activation) Renewed(l License, now time.Time) Activation {
	if until := l.HoldUntil(now); !a.HoldUntil.IsZero() && until.After(a.HoldUntil) {
		a.HoldUntil = until
	}
	return a
}

// NextFree is when the first of the devices loses its floating seat unless it
// checks in, or zero where none holds one.
func NextFree(devices []Activation, now time.Time) time.Time {
	var next time.Time
	for _, a := range devices {
		if a.HoldsSeat(now) && !a.HoldUntil.IsZero() && (next.IsZero() || a.HoldUntil.Before(next)) {
			next = a.HoldUntil
		}
	}
	return next
}

// Over is the activation ended at now. One that has lapsed ended when it did,
// whatever the reason to end it now.
func (a Activation) Over(now time.Time, why Reason) Activation {
	if a.Lapsed(now) {
		now, why = a.HoldUntil, Lapse
	}
	a.EndedAt, a.EndReason = now, why
	return a
}

// Status is what the activation is at now, given its license's status then.
// Activations never outlive their license's validity (C-LCY-07).
func (a Activation) Status(of Status, now time.Time) ActivationStatus {
	switch {
	case !a.HoldsSeat(now), of == Revoked:
		return ActivationDeactivated
	case of == Suspended, of == Expired:
		return ActivationSuspended
	default:
		return ActivationActive
	}
}

// DisplayName is what to call the device before people.
func (a Activation) DisplayName() string {
	if a.Label != "" {
		return a.Label
	}
	if a.Name != "" {
		return a.Name
	}
	return a.Identifier
}

// Stale reports whether nothing was heard of the device for a long time.
func (a Activation) Stale(now time.Time) bool {
	last := a.LastSeenAt
	if last.IsZero() {
		last = a.ActivatedAt
	}
	return now.Sub(last) >= verdict.StaleAfter
}

// MaxLabel bounds what an owner calls a device, in characters.
const MaxLabel = 80

// CheckLabel returns what an owner calls a device, tidied, or what is wrong
// with it. Nothing at all goes back to the name that the device reports.
func CheckLabel(s string) (string, *fault.Error) {
	s = strings.TrimSpace(s)
	var problems fault.Problems
	if utf8.RuneCountInString(s) > MaxLabel {
		problems.Add("label", "Shorten it: a name has at most 80 characters.")
	} else {
		checkText(&problems, "label", s, MaxLabel*utf8.UTFMax)
	}
	return s, problems.Err()
}

// Limits of what a device may say about itself, in bytes.
const (
	MaxIdentifier = 255
	MaxName       = 128
	MaxPlatform   = 64
)

// Device is what a caller says about the device it runs on.
type Device struct {
	Identifier string
	Kind       Kind
	Name       string
	Platform   string
}

// Fold is the form in which identifiers are compared: the same device after a
// reinstall takes no second seat (U-02).
func (d Device) Fold() string {
	if d.Kind == Domain {
		return NormalizeDomain(d.Identifier)
	}
	return strings.ToLower(strings.TrimSpace(d.Identifier))
}

// Check returns d tidied (blanks trimmed, kind defaulted to hardware, domain
// normalized) or which of its fields is wrong and why.
func (d Device) Check() (Device, *fault.Error) {
	var problems fault.Problems
	if d.Kind == "" {
		d.Kind = Hardware
	}
	if !d.Kind.Known() {
		problems.Add("device.kind", "Use hardware or domain.")
	}
	d.Identifier = strings.TrimSpace(d.Identifier)
	if checkText(&problems, "device.id", d.Identifier, MaxIdentifier) {
		d.Identifier = checkIdentifier(&problems, d)
	}
	d.Name = strings.TrimSpace(d.Name)
	checkText(&problems, "device.name", d.Name, MaxName)
	d.Platform = strings.TrimSpace(d.Platform)
	checkText(&problems, "device.platform", d.Platform, MaxPlatform)
	return d, problems.Err()
}

// checkText reports whether s may be kept and shown, and what to do if not.
func checkText(p *fault.Problems, field, s string, maxBytes int) bool {
	switch {
	case len(s) > maxBytes:
		p.Add(field, "Shorten it: it is longer than allowed.")
	case !utf8.ValidString(s):
		p.Add(field, "Send valid UTF-8 text.")
	case strings.ContainsFunc(s, unprintable):
		p.Add(field, "Remove control and invisible characters.")
	default:
		return true
	}
	return false
}

// checkIdentifier returns the identifier to keep: a domain's host, and what
// the device gave otherwise.
func checkIdentifier(p *fault.Problems, d Device) string {
	if d.Kind != Domain {
		if d.Identifier == "" {
			p.Add("device.id", "Send an identifier that stays the same for this device.")
		}
		return d.Identifier
	}
	host := d.Fold()
	if !validHost(host) {
		p.Add("device.id", "Send a domain name such as example.com.")
	}
	return host
}

// unprintable refuses what could hide or reorder text on a page: control
// characters, formatting characters such as bidirectional overrides, and
// separators other than the plain space.
func unprintable(r rune) bool {
	return r != ' ' && !unicode.IsPrint(r)
}

// Attempt is an activation that was refused, kept so that the owner can see
// which device asked, when, and why it was refused.
type Attempt struct {
	ID         id.ID // "" of those that are from before they had one
	At         time.Time
	Kind       Kind
	Identifier string
	Name       string
	Code       verdict.Code
}

// DisplayName is what to call the device before people.
func (a Attempt) DisplayName() string {
	if a.Name != "" {
		return a.Name
	}
	return a.Identifier
}

// MayDeactivate reports why a customer cannot deactivate a device in this
// state, or nil when they can (P-ACT-10, P-ACT-25). used is how much of the
// product's policy its license has used up.
func MayDeactivate(p Product, s ActivationStatus, used Swaps) *fault.Error {
	switch {
	case s == ActivationDeactivated:
		return fault.New(fault.Conflict, "already_deactivated", "This device is deactivated already.")
	case s == ActivationSuspended:
		return fault.New(fault.Conflict, "activation_suspended", "This device is paused together with its license.").
			WithNext("It can be deactivated once the license works again.")
	case !p.SelfDeactivation:
		return fault.New(fault.Forbidden, "self_deactivation_off", "The vendor of this product deactivates devices itself.").
			WithNext("Write to support and name the device.")
	}
	return used.Refuse(1)
}
