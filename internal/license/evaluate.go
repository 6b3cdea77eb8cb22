package license

import (
	"slices"
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
	e := &evaluation{facts: f, req: r, now: now, verdict: verdict.Verdict{
		Purpose: r.Purpose, Valid: true, Code: verdict.Valid, At: now.UTC(),
		Fixes: []verdict.Fix{},
	}}
	for _, check := range evaluationOrder() {
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

func (e *evaluation) keyKnown(c verdict.Check) verdict.Check {
	if e.facts.License == nil {
		return fail(c)
	}
	c.Observed = verdict.Time(e.facts.License.CreatedAt)
	return c
}

func (e *evaluation) notBlocked(c verdict.Check) verdict.Check {
	c.Source = verdict.FromServer
	if e.facts.BlockedSince.IsZero() {
		return c
	}
	c.Reason = string(e.facts.BlockReason)
	return failIf(true, c, e.facts.BlockedSince)
}

func (e *evaluation) environment(c verdict.Check) verdict.Check {
	l := e.facts.License
	c.Source = verdict.FromLicense
	c.Required = verdict.Text(string(l.Environment))
	asked := e.req.Environment
	if asked == "" {
		asked = e.req.CallerEnvironment
	}
	if asked == "" {
		return skip(c, verdict.SkipNotAsked)
	}
	c.Observed = verdict.Text(string(asked))
	mismatch := asked != l.Environment ||
		e.req.CallerEnvironment != "" && e.req.CallerEnvironment != asked
	return failIf(mismatch, c, time.Time{})
}

// product: the request and the token must both be about the license's product;
// naming a product does not open it to the token of another.
func (e *evaluation) product(c verdict.Check) verdict.Check {
	l := e.facts.License
	c.Source = verdict.FromLicense
	c.Required = verdict.Text(e.facts.Product.Name)
	c.Internal = "license " + string(l.ProductID)
	asked := e.req.ProductID
	if asked == "" {
		asked = e.req.CallerProduct
	}
	if asked == "" {
		return skip(c, verdict.SkipNotAsked)
	}
	c.Internal += ", asked " + string(asked)
	mismatch := asked != l.ProductID ||
		e.req.CallerProduct != "" && e.req.CallerProduct != asked
	return failIf(mismatch, c, time.Time{})
}

// productActive: a killed product stops everything, one that is switched off
// takes no new devices while existing ones keep working, after a reinstall too.
func (e *evaluation) productActive(c verdict.Check) verdict.Check {
	c.Source = verdict.FromProduct
	p := e.facts.Product
	if !p.KilledAt.IsZero() {
		c.Reason = "killed"
		return failIf(true, c, p.KilledAt)
	}
	newDevice := e.req.Purpose == verdict.AddDevice && !e.holdsSeat()
	return failIf(!p.Active && newDevice, c, time.Time{})
}

func (e *evaluation) assigned(c verdict.Check) verdict.Check {
	l := e.facts.License
	c.Source = verdict.FromLicense
	c.Observed = verdict.Time(l.AssignedAt)
	return failIf(l.CustomerID == "", c, l.CreatedAt)
}

func (e *evaluation) notRevoked(c verdict.Check) verdict.Check {
	l := e.facts.License
	c.Source = verdict.FromLicense
	if l.RevokedAt.IsZero() {
		return c
	}
	c.Reason, c.Note = string(l.RevokeReason), l.Note
	return failIf(true, c, l.RevokedAt)
}

func (e *evaluation) notExpired(c verdict.Check) verdict.Check {
	l := e.facts.License
	c.Source = verdict.FromLicense
	if l.Perpetual() {
		c.Observed = verdict.Text("never")
		return c
	}
	c.Observed = verdict.Time(l.EndsAt())
	return failIf(l.Ended(e.now) && !e.keptAfterEnd(), c, l.EndsAt())
}

// keptAfterEnd: where the product says so, what was released while a license
// was good stays available for download (E-13, U-07).
func (e *evaluation) keptAfterEnd() bool {
	return e.req.Purpose == verdict.Download && e.facts.Product.Delivery.AfterExpiry &&
		e.facts.Release != nil && e.facts.Release.ReleasedAt.Before(e.facts.License.EndsAt())
}

func (e *evaluation) notSuspended(c verdict.Check) verdict.Check {
	l := e.facts.License
	c.Source = verdict.FromLicense
	if l.SuspendedAt.IsZero() {
		return c
	}
	c.Reason = string(l.SuspendReason)
	if l.RevokedAt.IsZero() {
		c.Note = l.Note
	}
	return failIf(true, c, l.SuspendedAt)
}

func (e *evaluation) started(c verdict.Check) verdict.Check {
	l := e.facts.License
	c.Source = verdict.FromLicense
	if l.StartsAt.IsZero() {
		return skip(c, verdict.SkipNoRule)
	}
	c.Required = verdict.Time(l.StartsAt)
	return failIf(!verdict.Started(l.StartsAt, e.now), c, time.Time{})
}

// version: the maximum decides by number; the end of updates by release date,
// where the release is on record.
func (e *evaluation) version(c verdict.Check) verdict.Check {
	l := e.facts.License
	c.Source = verdict.FromLicense
	c.Required = versionRequirement(*l)
	if e.req.Version == "" {
		return skip(c, verdict.SkipNotAsked)
	}
	c.Observed = verdict.Text(e.req.Version)
	if !verdict.VersionAllowed(l.MaxVersion, e.req.Version) {
		return fail(c)
	}
	if l.UpdatesUntil.IsZero() {
		return c
	}
	if e.facts.Release == nil {
		return e.unrecordedRelease(c)
	}
	return e.releasedInTime(c)
}

// releasedInTime: updates include what was released before they ended; the end
// instant itself is past it, as everywhere.
func (e *evaluation) releasedInTime(c verdict.Check) verdict.Check {
	released, until := e.facts.Release.ReleasedAt, e.facts.License.UpdatesUntil
	if released.Before(until) {
		return c
	}
	c.Required = verdict.Time(until)
	return failIf(true, c, released)
}

// unrecordedRelease: a version that exists now was released before now, so
// while updates run every version is eligible; afterwards nothing is known,
// and a verdict never says more than the facts.
func (e *evaluation) unrecordedRelease(c verdict.Check) verdict.Check {
	if e.now.Before(e.facts.License.UpdatesUntil) {
		return c
	}
	return skip(c, verdict.SkipUnknownDate)
}

func versionRequirement(l License) verdict.Value {
	if l.MaxVersion != "" {
		return verdict.Text(l.MaxVersion)
	}
	return verdict.Time(l.UpdatesUntil)
}

func (e *evaluation) features(c verdict.Check) verdict.Check {
	c.Source = verdict.FromLicense
	if len(e.req.Features) == 0 {
		return skip(c, verdict.SkipNotAsked)
	}
	c.Required = verdict.List(e.req.Features)
	missing := missingFeatures(*e.facts.License, e.req.Features)
	if len(missing) == 0 {
		return c
	}
	c.Observed = verdict.List(missing)
	return fail(c)
}

func missingFeatures(l License, asked []string) []string {
	var missing []string
	for _, key := range asked {
		f, ok := l.Feature(key)
		if (!ok || !f.Included()) && !slices.Contains(missing, key) {
			missing = append(missing, key)
		}
	}
	return missing
}

// named returns the device that the request is about. There is none when the
// license is asked about as a whole, nor when the device gave no identifier.
func (e *evaluation) named() *Device {
	if e.req.Whole || e.req.Device == nil || e.req.Device.Fold() == "" {
		return nil
	}
	return e.req.Device
}

// seat returns the named device's activation, lapsed or not.
func (e *evaluation) seat() *Activation {
	if e.named() == nil || e.facts.Device == nil || !e.facts.Device.EndedAt.IsZero() {
		return nil
	}
	return e.facts.Device
}

// holdsSeat reports whether the named device has its seat now.
func (e *evaluation) holdsSeat() bool {
	a := e.seat()
	return a != nil && a.HoldsSeat(e.now)
}

func (e *evaluation) identifier(c verdict.Check) verdict.Check {
	c.Source = verdict.FromProduct
	switch {
	case e.req.Whole:
		return skip(c, verdict.SkipNoDevice)
	case e.named() != nil:
		return c
	case e.req.Purpose == verdict.Download:
		return skip(c, verdict.SkipOtherPurpose)
	case e.facts.Product.DeviceRequired, e.req.Purpose == verdict.AddDevice, e.req.Purpose == verdict.Offline:
		return fail(c)
	}
	return skip(c, verdict.SkipNoDevice)
}

func (e *evaluation) kind(c verdict.Check) verdict.Check {
	c.Source = verdict.FromProduct
	c.Required = verdict.List(e.facts.Product.AcceptedKinds())
	device := e.named()
	if device == nil {
		return skip(c, verdict.SkipNoDevice)
	}
	c.Observed = verdict.Text(string(device.Kind))
	return failIf(!e.facts.Product.Accepts(device.Kind), c, time.Time{})
}

// activated: a named device must hold a seat to use the license. Asked about
// the license as a whole, at least one device must. A download asks only
// whether any ever was, where the product says so (E-12).
func (e *evaluation) activated(c verdict.Check) verdict.Check {
	c.Source = verdict.FromLicense
	if e.req.Purpose == verdict.Download && e.facts.Product.Delivery.ActivationFirst {
		c.Observed = verdict.Time(e.facts.License.FirstActivatedAt)
		return failIf(e.facts.License.FirstActivatedAt.IsZero(), c, e.facts.License.AssignedAt)
	}
	if e.req.Purpose != verdict.Use {
		return skip(c, verdict.SkipOtherPurpose)
	}
	if e.req.Whole {
		c.Observed, c.Required = verdict.Number(e.facts.Used), verdict.Number(1)
		return failIf(e.facts.Used == 0, c, e.facts.License.AssignedAt)
	}
	if e.named() == nil {
		return skip(c, verdict.SkipNoDevice)
	}
	if a := e.seat(); a != nil {
		c.Observed = verdict.Time(a.ActivatedAt)
		return c
	}
	if e.facts.Nearly != nil {
		c.Observed = verdict.Text(e.facts.Nearly.DisplayName())
	}
	return fail(c)
}

func (e *evaluation) seatHeld(c verdict.Check) verdict.Check {
	c.Source = verdict.FromLicense
	if e.req.Purpose != verdict.Use {
		return skip(c, verdict.SkipOtherPurpose)
	}
	a := e.seat()
	if a == nil {
		return skip(c, verdict.SkipNoDevice)
	}
	c.Required = verdict.Time(a.HoldUntil)
	return failIf(a.Lapsed(e.now), c, a.HoldUntil)
}

// seatFree: a device that already holds a seat needs no other (C-LCY-04). A
// reserved seat is taken for everybody but the device that it is kept for.
func (e *evaluation) seatFree(c verdict.Check) verdict.Check {
	c.Source = verdict.FromLicense
	if e.req.Purpose != verdict.AddDevice {
		return skip(c, verdict.SkipOtherPurpose)
	}
	taken := e.facts.Used + e.facts.Reserved
	c.Observed = verdict.Number(taken)
	if e.facts.License.Limit == Unlimited {
		c.Required = verdict.Text("unlimited")
		return c
	}
	c.Required = verdict.Number(e.facts.License.Limit)
	if e.facts.Reservation != nil {
		taken--
	}
	full := taken >= e.facts.License.Limit && !e.holdsSeat()
	if full && e.req.Claim != "" && e.facts.Reservation == nil {
		c.Reason = verdict.ClaimRefused
	}
	return failIf(full, c, time.Time{})
}

// notPaused: activations pause with their license; check suspended says why.
func (e *evaluation) notPaused(c verdict.Check) verdict.Check {
	c.Source = verdict.FromLicense
	if e.req.Purpose != verdict.AddDevice {
		return skip(c, verdict.SkipOtherPurpose)
	}
	l := e.facts.License
	paused := !l.SuspendedAt.IsZero() && l.RevokedAt.IsZero()
	if paused {
		c.Reason = string(l.SuspendReason)
	}
	return failIf(paused, c, l.SuspendedAt)
}

func (e *evaluation) clock(c verdict.Check) verdict.Check {
	c.Source = verdict.FromProduct
	if e.req.ClientTime.IsZero() {
		return skip(c, verdict.SkipNotAsked)
	}
	if e.facts.Product.MaxSkew == 0 {
		return skip(c, verdict.SkipNoRule)
	}
	c.Observed, c.Required = verdict.Time(e.req.ClientTime), verdict.Time(e.now)
	return failIf(verdict.Skewed(e.req.ClientTime, e.now, e.facts.Product.MaxSkew), c, time.Time{})
}

func (e *evaluation) release(c verdict.Check) verdict.Check {
	c.Source = verdict.FromProduct
	if e.req.Purpose != verdict.Download {
		return skip(c, verdict.SkipOtherPurpose)
	}
	r := e.facts.Release
	if r == nil || r.Withdrawn {
		return fail(c)
	}
	c.Observed = verdict.Time(r.ReleasedAt)
	switch {
	case r.ReleasedAt.After(e.now):
		return fail(c)
	case !r.Access.Admits(*e.facts.License, e.now):
		c.Reason = "access"
		return fail(c)
	case e.facts.Product.Delivery.LatestOnly && e.facts.Newer != "":
		c.Required = verdict.Text(e.facts.Newer)
		return fail(c)
	}
	return c
}

func (e *evaluation) offline(c verdict.Check) verdict.Check {
	c.Source = verdict.FromProduct
	if e.req.Purpose != verdict.Offline {
		return skip(c, verdict.SkipOtherPurpose)
	}
	if !e.facts.Product.OfflineAllowed {
		return fail(c)
	}
	if e.facts.OfflineLimit == 0 {
		return c
	}
	c.Observed, c.Required = verdict.Number(e.facts.OfflineFiles), verdict.Number(e.facts.OfflineLimit)
	return failIf(e.facts.OfflineFiles >= e.facts.OfflineLimit, c, time.Time{})
}
