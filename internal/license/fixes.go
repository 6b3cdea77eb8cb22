package license

import (
	"net/url"
	"time"

	"github.com/keyward/keyward/verdict"
)

// fixes lists what would make a failing check pass, and by whom. Every
// refusal has at least one; where nobody can do anything it says so.
func fixes(f Facts, r Request, c verdict.Check) []verdict.Fix {
	b := fixer{check: c.Code}
	switch c.Code {
	case verdict.KeyUnknown:
		b.add(verdict.CheckKey, verdict.ByCustomer, "")
		b.add(verdict.ContactVendor, verdict.ByCustomer, "")
	case verdict.Blocked:
		b.add(verdict.Appeal, verdict.ByCustomer, "")
		b.add(verdict.Unblock, verdict.ByAdministrator, "")
	case verdict.EnvironmentMismatch:
		b.add(verdict.UseEnvironment, verdict.ByDeveloper, string(f.License.Environment))
	case verdict.ProductMismatch:
		b.productKey(r)
	case verdict.ProductInactive:
		b.add(verdict.ContactVendor, verdict.ByCustomer, "")
		b.add(verdict.ActivateProduct, verdict.ByAdministrator, "")
	case verdict.NotAssigned:
		b.add(verdict.Claim, verdict.ByCustomer, "")
		b.add(verdict.Assign, verdict.ByAdministrator, "")
	case verdict.Revoked:
		b.add(verdict.ReplaceLicense, verdict.ByAdministrator, "")
	case verdict.Expired:
		b.link(verdict.Renew, verdict.ByCustomer, renewalHref(f))
		b.add(verdict.Extend, verdict.ByAdministrator, "")
	case verdict.Suspended, verdict.ActivationPaused:
		b.suspension(f.License.SuspendReason)
	case verdict.NotStarted:
		b.wait(f.License.StartsAt)
		b.add(verdict.ChangeStart, verdict.ByAdministrator, "")
	default:
		b.deviceFixes(f, r, c)
	}
	return b.list
}

type fixer struct {
	check verdict.Code
	list  []verdict.Fix
}

func (b *fixer) add(a verdict.Action, by verdict.Actor, target string) {
	b.list = append(b.list, verdict.Fix{Check: b.check, Action: a, Actor: by, Target: target})
}

func (b *fixer) link(a verdict.Action, by verdict.Actor, href string) {
	b.list = append(b.list, verdict.Fix{Check: b.check, Action: a, Actor: by, Href: href})
}

func (b *fixer) wait(until time.Time) {
	from := until.UTC()
	b.list = append(b.list, verdict.Fix{Check: b.check, Action: verdict.Wait, Actor: verdict.ByNobody, AvailableFrom: &from})
}

func (b *fixer) suspension(r Reason) {
	if r == Payment {
		b.add(verdict.Settle, verdict.ByCustomer, "")
	} else {
		b.add(verdict.ContactVendor, verdict.ByCustomer, "")
	}
	b.add(verdict.Reinstate, verdict.ByAdministrator, "")
}

// productKey: the key must be one of the product that asks, whose name the
// facts do not hold. A request that contradicts its own token is the
// developer's to mend.
func (b *fixer) productKey(r Request) {
	by := verdict.ByCustomer
	if r.CallerProduct != "" && r.ProductID != "" && r.CallerProduct != r.ProductID {
		by = verdict.ByDeveloper
	}
	b.add(verdict.UseProductKey, by, "")
}

// seat: where the product does not let customers free a seat themselves, the
// vendor does it for them (P-ACT-25).
func (b *fixer) seat(f Facts) {
	if f.Product.SelfDeactivation {
		b.add(verdict.DeactivateDevice, verdict.ByCustomer, longest(f))
	} else {
		b.add(verdict.ContactVendor, verdict.ByCustomer, "")
		b.add(verdict.DeactivateDevice, verdict.ByAdministrator, longest(f))
	}
	b.add(verdict.RaiseLimit, verdict.ByAdministrator, "")
}

// deviceFixes covers the checks about a version, a device or a file.
func (b *fixer) deviceFixes(f Facts, r Request, c verdict.Check) {
	switch c.Code {
	case verdict.VersionNotEligible:
		b.add(verdict.UseVersion, verdict.ByCustomer, f.Eligible)
		b.add(verdict.RenewMaintenance, verdict.ByAdministrator, "")
	case verdict.FeatureMissing:
		for _, key := range c.Observed.List {
			b.add(verdict.Upgrade, verdict.ByCustomer, key)
			b.add(verdict.AddFeature, verdict.ByAdministrator, key)
		}
	case verdict.IdentifierRequired:
		b.add(verdict.SendDevice, verdict.ByDeveloper, "")
	case verdict.IdentifierKind:
		for _, k := range f.Product.AcceptedKinds() {
			b.add(verdict.UseKind, verdict.ByCustomer, k)
		}
		if len(f.Product.AcceptedKinds()) == 0 {
			b.add(verdict.ContactVendor, verdict.ByCustomer, "")
		}
	case verdict.NotActivated:
		b.add(verdict.ActivateDevice, verdict.ByCustomer, nearly(f))
	case verdict.SeatLapsed:
		b.add(verdict.CheckIn, verdict.BySoftware, "")
		b.add(verdict.ActivateDevice, verdict.BySoftware, "")
	case verdict.LimitReached:
		b.seat(f)
	case verdict.ClockSkew:
		b.add(verdict.SetClock, verdict.ByCustomer, "")
	case verdict.ReleaseNotAvailable:
		b.release(f, c)
	case verdict.OfflineNotAllowed:
		b.offline(f)
	}
}

// offline: returning a file helps only where files are allowed at all.
func (b *fixer) offline(f Facts) {
	if f.Product.OfflineAllowed {
		b.add(verdict.ReturnFile, verdict.ByCustomer, "")
	}
	b.add(verdict.AllowOffline, verdict.ByAdministrator, "")
}

// release: waiting helps where only the date stands in the way.
func (b *fixer) release(f Facts, c verdict.Check) {
	if f.Release != nil && !f.Release.Withdrawn && c.Reason == "" && f.Newer == "" {
		b.wait(f.Release.ReleasedAt)
	}
	choice := f.Eligible
	if f.Newer != "" {
		choice = f.Newer
	}
	b.add(verdict.ChooseRelease, verdict.ByCustomer, choice)
}

func nearly(f Facts) string {
	if f.Nearly == nil {
		return ""
	}
	return f.Nearly.DisplayName()
}

func longest(f Facts) string {
	if f.Longest == nil {
		return ""
	}
	return f.Longest.DisplayName()
}

// renewalHref is the product's shop page for this license, or "" where the
// vendor has none. It carries the license's id, never its key.
func renewalHref(f Facts) string {
	return RenewalURL(f.Product, *f.License)
}

// RenewalURL is where a license is renewed: the product's renewal page with
// the license's id, or "" where customers renew by writing to the vendor.
func RenewalURL(p Product, l License) string {
	u, err := url.Parse(p.RenewalURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	q := u.Query()
	q.Set("license", string(l.ID))
	u.RawQuery = q.Encode()
	return u.String()
}
