package license_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/verdict"
)

// Which action, by whom, is offered for each refusal (P-LICD-12).
func TestFixes(t *testing.T) {
	fix := func(a verdict.Action, by verdict.Actor, target string) verdict.Fix {
		return verdict.Fix{Action: a, Actor: by, Target: target}
	}
	customer, administrator, developer, software := verdict.ByCustomer, verdict.ByAdministrator, verdict.ByDeveloper, verdict.BySoftware
	contact := fix(verdict.ContactVendor, customer, "")
	reinstate := fix(verdict.Reinstate, administrator, "")
	suspendedFor := func(r license.Reason) change {
		return onLicense(func(l *license.License) { l.SuspendedAt, l.SuspendReason = now, r })
	}
	full := func(f *license.Facts, _ *license.Request) {
		f.Used, f.Longest = 5, &license.Activation{Name: "Old tower", ActivatedAt: now}
	}
	products := func(caller, asked id.ID) change {
		return func(_ *license.Facts, r *license.Request) { r.CallerProduct, r.ProductID = caller, asked }
	}
	for _, tc := range []struct {
		name    string
		purpose verdict.Purpose
		change  change
		code    verdict.Code
		want    []verdict.Fix
	}{
		{"unknown key", verdict.Use, func(f *license.Facts, _ *license.Request) { f.License = nil }, verdict.KeyUnknown,
			[]verdict.Fix{fix(verdict.CheckKey, customer, ""), contact}},
		{"blocked", verdict.Use, func(f *license.Facts, _ *license.Request) { f.BlockedSince = now }, verdict.Blocked,
			[]verdict.Fix{fix(verdict.Appeal, customer, ""), fix(verdict.Unblock, administrator, "")}},
		{"environment", verdict.Use, func(_ *license.Facts, r *license.Request) { r.Environment = license.Staging }, verdict.EnvironmentMismatch,
			[]verdict.Fix{fix(verdict.UseEnvironment, developer, "production")}},
		{"product of the token", verdict.Use, products(otherProduct, ""), verdict.ProductMismatch,
			[]verdict.Fix{fix(verdict.UseProductKey, customer, "")}},
		{"product named against the token", verdict.Use, products(ourProduct, otherProduct), verdict.ProductMismatch,
			[]verdict.Fix{fix(verdict.UseProductKey, developer, "")}},
		{"product killed", verdict.Use, onProduct(func(p *license.Product) { p.KilledAt = now }), verdict.ProductInactive,
			[]verdict.Fix{contact, fix(verdict.ActivateProduct, administrator, "")}},
		{"not assigned", verdict.Use, onLicense(func(l *license.License) { l.CustomerID = "" }), verdict.NotAssigned,
			[]verdict.Fix{fix(verdict.Claim, customer, ""), fix(verdict.Assign, administrator, "")}},
		{"revoked", verdict.Use, onLicense(func(l *license.License) { l.RevokedAt = now }), verdict.Revoked,
			[]verdict.Fix{fix(verdict.ReplaceLicense, administrator, "")}},
		{"expired", verdict.Use, onLicense(func(l *license.License) { l.ExpiresAt = now }), verdict.Expired, // P-LICD-17
			[]verdict.Fix{{Action: verdict.Renew, Actor: customer, Href: "https://shop.example/renew?license=" + string(ourLicense)},
				fix(verdict.Extend, administrator, "")}},
		{"expired, and the vendor has no shop", verdict.Use, both(onLicense(func(l *license.License) { l.ExpiresAt = now }),
			onProduct(func(p *license.Product) { p.RenewalURL = "" })), verdict.Expired,
			[]verdict.Fix{fix(verdict.Renew, customer, ""), fix(verdict.Extend, administrator, "")}},
		{"suspended for payment", verdict.Use, suspendedFor(license.Payment), verdict.Suspended,
			[]verdict.Fix{fix(verdict.Settle, customer, ""), reinstate}},
		{"suspended by hand", verdict.Use, suspendedFor(license.Manual), verdict.Suspended, []verdict.Fix{contact, reinstate}},
		{"suspended for abuse", verdict.Use, suspendedFor(license.Abuse), verdict.Suspended, []verdict.Fix{contact, reinstate}},
		{"suspended with its contract", verdict.Use, suspendedFor(license.Contract), verdict.Suspended, []verdict.Fix{contact, reinstate}},
		{"activations paused for payment", verdict.AddDevice, suspendedFor(license.Payment), verdict.ActivationPaused,
			[]verdict.Fix{fix(verdict.Settle, customer, ""), reinstate}},
		{"not started", verdict.Use, onLicense(func(l *license.License) { l.StartsAt = now.Add(day) }), verdict.NotStarted,
			[]verdict.Fix{{Action: verdict.Wait, Actor: verdict.ByNobody, AvailableFrom: at(now.Add(day))}, fix(verdict.ChangeStart, administrator, "")}},
		{"version", verdict.Use, both(onLicense(func(l *license.License) { l.MaxVersion = "7.x" }),
			func(f *license.Facts, _ *license.Request) { f.Eligible = "7.9.2" }), verdict.VersionNotEligible,
			[]verdict.Fix{fix(verdict.UseVersion, customer, "7.9.2"), fix(verdict.RenewMaintenance, administrator, "")}},
		{"features", verdict.Use, func(_ *license.Facts, r *license.Request) { r.Features = []string{"sso", "audit"} }, verdict.FeatureMissing,
			[]verdict.Fix{fix(verdict.Upgrade, customer, "sso"), fix(verdict.AddFeature, administrator, "sso"),
				fix(verdict.Upgrade, customer, "audit"), fix(verdict.AddFeature, administrator, "audit")}},
		{"no device", verdict.AddDevice, unnamed, verdict.IdentifierRequired, []verdict.Fix{fix(verdict.SendDevice, developer, "")}},
		{"wrong kind", verdict.AddDevice, onProduct(func(p *license.Product) { p.AcceptsHardware, p.AcceptsDomain = false, true }),
			verdict.IdentifierKind, []verdict.Fix{fix(verdict.UseKind, customer, "domain")}},
		{"no kind is right", verdict.AddDevice, onProduct(func(p *license.Product) { p.AcceptsHardware = false }),
			verdict.IdentifierKind, []verdict.Fix{contact}},
		{"not activated", verdict.Use, func(f *license.Facts, _ *license.Request) { f.Device = nil }, verdict.NotActivated,
			[]verdict.Fix{fix(verdict.ActivateDevice, customer, "")}},
		{"not activated, but a near match is", verdict.Use, func(f *license.Facts, _ *license.Request) {
			f.Device, f.Nearly = nil, &license.Activation{Identifier: "hw-11"}
		}, verdict.NotActivated, []verdict.Fix{fix(verdict.ActivateDevice, customer, "hw-11")}},
		{"lapsed", verdict.Use, heldUntil(now), verdict.SeatLapsed,
			[]verdict.Fix{fix(verdict.CheckIn, software, ""), fix(verdict.ActivateDevice, software, "")}},
		{"limit", verdict.AddDevice, full, verdict.LimitReached,
			[]verdict.Fix{fix(verdict.DeactivateDevice, customer, "Old tower"), fix(verdict.RaiseLimit, administrator, "")}},
		{"limit where customers may not free seats", verdict.AddDevice, // P-ACT-25
			both(full, onProduct(func(p *license.Product) { p.SelfDeactivation = false })), verdict.LimitReached,
			[]verdict.Fix{contact, fix(verdict.DeactivateDevice, administrator, "Old tower"), fix(verdict.RaiseLimit, administrator, "")}},
		{"clock", verdict.Use, func(_ *license.Facts, r *license.Request) { r.ClientTime = now.Add(day) }, verdict.ClockSkew,
			[]verdict.Fix{fix(verdict.SetClock, customer, "")}},
		{"release to come", verdict.Download, func(f *license.Facts, _ *license.Request) { f.Release.ReleasedAt = now.Add(day) }, verdict.ReleaseNotAvailable,
			[]verdict.Fix{{Action: verdict.Wait, Actor: verdict.ByNobody, AvailableFrom: at(now.Add(day))}, fix(verdict.ChooseRelease, customer, "8.4.1")}},
		{"no such release", verdict.Download, func(f *license.Facts, _ *license.Request) { f.Release = nil }, verdict.ReleaseNotAvailable,
			[]verdict.Fix{fix(verdict.ChooseRelease, customer, "8.4.1")}},
		{"offline files used up", verdict.Offline, func(f *license.Facts, _ *license.Request) { f.OfflineFiles, f.OfflineLimit = 1, 1 }, verdict.OfflineNotAllowed,
			[]verdict.Fix{fix(verdict.ReturnFile, customer, ""), fix(verdict.AllowOffline, administrator, "")}},
		{"offline not allowed: returning a file would not help", verdict.Offline,
			onProduct(func(p *license.Product) { p.OfflineAllowed = false }), verdict.OfflineNotAllowed,
			[]verdict.Fix{fix(verdict.AllowOffline, administrator, "")}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := evaluated(tc.purpose, tc.change)
			for i := range tc.want {
				tc.want[i].Check = tc.code
			}
			if diff := cmp.Diff(tc.want, v.FixesFor(tc.code)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
