package license

import (
	"slices"
	"time"

	"github.com/keyward/keyward/verdict"
)

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
