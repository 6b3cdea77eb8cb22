package license_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/verdict"
)

// applyFix does to facts, request and clock what a fix asks somebody to do.
// The set of actions is closed: one that is not known here fails the test.
func applyFix(t *testing.T, fix verdict.Fix, f *license.Facts, r *license.Request, now time.Time) time.Time {
	t.Helper()
	switch fix.Action {
	case verdict.Wait:
		if fix.AvailableFrom == nil {
			t.Fatalf("%s: wait, but until when?", fix.Check)
		}
		return *fix.AvailableFrom
	case verdict.ContactVendor:
		vendorHelps(t, fix.Check, f, r, now)
	case verdict.CheckKey, verdict.UseEnvironment, verdict.UseProductKey, verdict.UseVersion, verdict.SendDevice,
		verdict.UseKind, verdict.SetClock, verdict.ChooseRelease:
		askOtherwise(fix, f, r, now)
	case verdict.ActivateDevice, verdict.CheckIn, verdict.DeactivateDevice, verdict.ReturnFile:
		onDevices(fix, f, r, now)
	case verdict.Appeal, verdict.Unblock:
		f.BlockedSince = zero
	case verdict.ActivateProduct:
		f.Product.Active, f.Product.KilledAt = true, zero
	case verdict.AllowOffline:
		f.Product.OfflineAllowed, f.OfflineLimit = true, 0
	default:
		alterLicense(t, fix, f, now)
	}
	return now
}

// vendorHelps: writing to the vendor helps because the vendor then does what
// is the vendor's to do.
func vendorHelps(t *testing.T, check verdict.Code, f *license.Facts, r *license.Request, now time.Time) {
	t.Helper()
	switch check {
	case verdict.KeyUnknown:
		f.License = goodLicense()
	case verdict.ProductInactive:
		f.Product.Active, f.Product.KilledAt = true, zero
	case verdict.Suspended, verdict.ActivationPaused:
		f.License.SuspendedAt = zero
	case verdict.IdentifierKind:
		f.Product.AcceptsHardware, f.Product.AcceptsDomain = r.Device.Kind == license.Hardware, r.Device.Kind == license.Domain
	case verdict.LimitReached:
		f.Used--
	default:
		t.Fatalf("what would the vendor do about %s?", check)
	}
}

// askOtherwise changes what is asked, not what is known.
func askOtherwise(fix verdict.Fix, f *license.Facts, r *license.Request, now time.Time) {
	switch fix.Action {
	case verdict.CheckKey:
		f.License = goodLicense()
	case verdict.UseEnvironment:
		r.Environment, r.CallerEnvironment = license.Environment(fix.Target), license.Environment(fix.Target)
	case verdict.UseProductKey:
		if r.CallerProduct != "" {
			r.ProductID = r.CallerProduct
		}
		f.License.ProductID, f.Product.ID = r.ProductID, r.ProductID
	case verdict.UseVersion:
		r.Version = fix.Target
		if fix.Target == "" { // none is on record: any within the maximum that is old enough
			r.Version = "0.1"
		}
		f.Release = &license.Release{Version: r.Version, ReleasedAt: now.Add(-10_000 * day)}
	case verdict.SendDevice:
		r.Device = &license.Device{Identifier: "hw-1", Kind: license.Hardware}
	case verdict.UseKind:
		r.Device = &license.Device{Identifier: "example.com", Kind: license.Kind(fix.Target)}
	case verdict.SetClock:
		r.ClientTime = now
	case verdict.ChooseRelease:
		f.Release = &license.Release{Version: fix.Target, ReleasedAt: now.Add(-day)}
	}
}

// onDevices changes one device, or the file of one.
func onDevices(fix verdict.Fix, f *license.Facts, r *license.Request, now time.Time) {
	switch fix.Action {
	case verdict.ActivateDevice:
		f.Used = max(f.Used, 1)
		f.Device = &license.Activation{ActivatedAt: now, LastSeenAt: now}
	case verdict.CheckIn:
		f.Device.HoldUntil = now.Add(time.Hour)
	case verdict.DeactivateDevice:
		f.Used--
	case verdict.ReturnFile:
		f.OfflineFiles--
	}
}

func alterLicense(t *testing.T, fix verdict.Fix, f *license.Facts, now time.Time) {
	t.Helper()
	l := f.License
	switch fix.Action {
	case verdict.Assign, verdict.Claim:
		l.CustomerID, l.AssignedAt = ourCustomer, now
	case verdict.ReplaceLicense:
		l.RevokedAt = zero
	case verdict.Renew, verdict.Extend:
		l.ExpiresAt = now.Add(365 * day)
	case verdict.Settle, verdict.Reinstate:
		l.SuspendedAt = zero
	case verdict.ChangeStart:
		l.StartsAt = now
	case verdict.RenewMaintenance:
		l.MaxVersion, l.UpdatesUntil = "", zero
	case verdict.Upgrade, verdict.AddFeature:
		l.Features = append([]license.Feature{{Key: fix.Target, Type: license.Boolean, Value: true}}, l.Features...)
	case verdict.RaiseLimit:
		l.Limit = f.Used + 1
	default:
		t.Fatalf("%s: no test knows how to %q", fix.Check, fix.Action)
	}
}
