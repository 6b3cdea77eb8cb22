package license

import (
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/verdict"
)

// Facts is everything that is known about the license a caller asks for.
type Facts struct {
	License *License // nil: there is no such license for this caller
	Product Product  // the license's product
	Used    int      // seats held at the instant of the request

	Reserved    int          // seats kept for devices that replace others
	Reservation *Reservation // the one of them that the request may take

	Device   *Activation // the named device's latest activation on this license that has not ended
	Nearly   *Activation // a device that nearly matches the named one
	Longest  *Activation // the device that was not heard of for the longest time
	Release  *Release    // the requested version, where it is on record
	Eligible string      // newest version on record that the license includes
	Newer    string      // version that takes the requested one's place, where only the latest is offered

	BlockedSince time.Time // set: caller, device or account is on the block list
	BlockReason  Reason
	OfflineFiles int // files issued and not returned
	OfflineLimit int // files allowed; 0 is no bound
}

// Request is what is asked of the license.
type Request struct {
	Purpose verdict.Purpose

	// What the caller may see: the environment of its token, and its product.
	// Both are empty for a signed-in person.
	CallerEnvironment Environment
	CallerProduct     id.ID

	// What the request names. Empty means that it does not ask.
	Environment Environment
	ProductID   id.ID
	Device      *Device
	Version     string
	Features    []string
	ClientTime  time.Time
	Claim       string // code of a reserved seat

	// Whole asks about the license as such rather than for one device: the
	// portal's Validation Status. Checks of a named device are replaced by
	// the question whether any device is activated.
	Whole bool
}

// Evaluate decides whether a license is good for the request's purpose. It
// runs every check in its fixed order and records each; the verdict's code is
// the first failing one's. The same input gives the same bytes, always.
// It is the only place in Keyward that decides (spec/verdict.md).
func Evaluate(f Facts, r Request, now time.Time) verdict.Verdict {
	order := evaluationOrder()
	e := &evaluation{facts: f, req: r, now: now, verdict: verdict.Verdict{
		Purpose: r.Purpose, Valid: true, Code: verdict.Valid, At: now.UTC(),
		Checks: make([]verdict.Check, 0, len(order)), Fixes: []verdict.Fix{},
	}}
	for _, check := range order {
		e.run(check)
	}
	if e.verdict.Valid {
		e.verdict.Warnings = warnings(f, now)
	}
	e.verdict.Message = verdict.Describe(e.verdict.Code).Customer
	return e.verdict
}

// step is one check: its code and how it comes out.
type step struct {
	code verdict.Code
	run  func(*evaluation, verdict.Check) verdict.Check
}

func evaluationOrder() []step {
	return []step{
		{verdict.KeyUnknown, (*evaluation).keyKnown},
		{verdict.Blocked, (*evaluation).notBlocked},
		{verdict.EnvironmentMismatch, (*evaluation).environment},
		{verdict.ProductMismatch, (*evaluation).product},
		{verdict.ProductInactive, (*evaluation).productActive},
		{verdict.NotAssigned, (*evaluation).assigned},
		{verdict.Revoked, (*evaluation).notRevoked},
		{verdict.Expired, (*evaluation).notExpired},
		{verdict.Suspended, (*evaluation).notSuspended},
		{verdict.NotStarted, (*evaluation).started},
		{verdict.VersionNotEligible, (*evaluation).version},
		{verdict.FeatureMissing, (*evaluation).features},
		{verdict.IdentifierRequired, (*evaluation).identifier},
		{verdict.IdentifierKind, (*evaluation).kind},
		{verdict.NotActivated, (*evaluation).activated},
		{verdict.SeatLapsed, (*evaluation).seatHeld},
		{verdict.LimitReached, (*evaluation).seatFree},
		{verdict.ActivationPaused, (*evaluation).notPaused},
		{verdict.ClockSkew, (*evaluation).clock},
		{verdict.ReleaseNotAvailable, (*evaluation).release},
		{verdict.OfflineNotAllowed, (*evaluation).offline},
	}
}

type evaluation struct {
	facts   Facts
	req     Request
	now     time.Time
	verdict verdict.Verdict
}

func (e *evaluation) run(s step) {
	c := verdict.Check{Code: s.code, Outcome: verdict.Pass}
	if e.facts.License == nil && s.code != verdict.KeyUnknown && s.code != verdict.Blocked {
		c = skip(c, verdict.SkipKeyUnknown)
	} else {
		c = s.run(e, c)
	}
	e.verdict.Checks = append(e.verdict.Checks, c)
	if c.Outcome != verdict.Fail {
		return
	}
	if e.verdict.Valid {
		e.verdict.Valid, e.verdict.Code = false, c.Code
	}
	e.verdict.Fixes = append(e.verdict.Fixes, fixes(e.facts, e.req, c)...)
}

func skip(c verdict.Check, why verdict.SkipReason) verdict.Check {
	c.Outcome, c.Skip = verdict.Skipped, why
	return c
}

func fail(c verdict.Check) verdict.Check {
	c.Outcome = verdict.Fail
	return c
}

// failIf fails c when bad holds and records since when.
func failIf(bad bool, c verdict.Check, since time.Time) verdict.Check {
	if !bad {
		return c
	}
	c = fail(c)
	c.Since = verdict.Time(since).Time
	return c
}
