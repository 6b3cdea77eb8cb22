package license

import (
	"time"

	"github.com/keyward/keyward/verdict"
)

// named returns the device that the request is about. There is none when the
// license is asked about as a whole, nor when the device gave no identifier.
func (e *evaluation) named() *Device {
	if e.req.Whole || e.req.Device == nil || e.req.Device.Fold() == "" {
		return nil
	}
	return e.req.Device
}

// seat returns the named device's activation, lapsed or not, unless it lapsed
// too long ago.
func (e *evaluation) seat() *Activation {
	if e.named() == nil || e.facts.Device == nil || !e.facts.Device.EndedAt.IsZero() || e.facts.Device.Forgotten(e.now) {
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
