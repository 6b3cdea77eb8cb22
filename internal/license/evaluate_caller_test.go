package license_test

import (
	"testing"

	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/verdict"
)

// The checks about who asks, and about which license: key, block list,
// environment, product, owner (C-LCY-08, P-LICD-12).

func TestKeyKnown(t *testing.T) {
	runChecks(t, verdict.KeyUnknown, []checkCase{
		{name: "known", want: verdict.Check{Outcome: verdict.Pass, Observed: verdict.Time(now.Add(-40 * day))}},
	})
}

func TestKeyUnknownSkipsAllButTheBlockList(t *testing.T) {
	for _, p := range purposes() {
		t.Run(string(p), func(t *testing.T) {
			v := evaluated(p, func(f *license.Facts, _ *license.Request) { f.License = nil })
			consistent(t, v)
			if v.Code != verdict.KeyUnknown || v.Valid {
				t.Errorf("code %q, valid %t", v.Code, v.Valid)
			}
			for _, c := range v.Checks {
				switch {
				case c.Code == verdict.KeyUnknown:
					if c.Outcome != verdict.Fail {
						t.Errorf("key_unknown is %s", c.Outcome)
					}
				case c.Code == verdict.Blocked:
					if c.Outcome != verdict.Pass {
						t.Errorf("blocked is %s", c.Outcome)
					}
				case c.Skip != verdict.SkipKeyUnknown:
					t.Errorf("%s is %s (%s)", c.Code, c.Outcome, c.Skip)
				}
			}
		})
	}
}

func TestBlocked(t *testing.T) {
	runChecks(t, verdict.Blocked, []checkCase{
		{name: "not on the list", want: verdict.Check{Outcome: verdict.Pass, Source: verdict.FromServer}},
		{name: "a reason alone blocks nobody",
			change: func(f *license.Facts, _ *license.Request) { f.BlockReason = license.Abuse },
			want:   verdict.Check{Outcome: verdict.Pass, Source: verdict.FromServer}},
		{name: "on the list since yesterday, for abuse",
			change: func(f *license.Facts, _ *license.Request) {
				f.BlockedSince, f.BlockReason = now.Add(-day), license.Abuse
			},
			want: verdict.Check{Outcome: verdict.Fail, Source: verdict.FromServer, Since: at(now.Add(-day)), Reason: "abuse"}},
		{name: "on the list for no recorded reason",
			change: func(f *license.Facts, _ *license.Request) { f.BlockedSince = now.Add(-day) },
			want:   verdict.Check{Outcome: verdict.Fail, Source: verdict.FromServer, Since: at(now.Add(-day))}},
	})
}

// P-LICD-10, C-ENV-03
func TestEnvironment(t *testing.T) {
	production, staging := verdict.Text("production"), verdict.Text("staging")
	ask := func(caller, asked license.Environment) change {
		return func(_ *license.Facts, r *license.Request) { r.CallerEnvironment, r.Environment = caller, asked }
	}
	pass := verdict.Check{Outcome: verdict.Pass, Source: verdict.FromLicense, Required: production, Observed: production}
	fail := verdict.Check{Outcome: verdict.Fail, Source: verdict.FromLicense, Required: production, Observed: staging}
	runChecks(t, verdict.EnvironmentMismatch, []checkCase{
		{name: "token and request agree with the license", want: pass},
		{name: "only the token says which", change: ask(license.Production, ""), want: pass},
		{name: "only the request says which", change: ask("", license.Production), want: pass},
		{name: "nobody says which", change: ask("", ""),
			want: verdict.Check{Outcome: verdict.Skipped, Skip: verdict.SkipNotAsked, Source: verdict.FromLicense, Required: production}},
		{name: "the request names another than the token's", change: ask(license.Production, license.Staging), want: fail},
		{name: "the token is of another", change: ask(license.Staging, ""), want: fail},
		{name: "the request alone names another", change: ask("", license.Staging), want: fail},
		{name: "token and request agree on another", change: ask(license.Staging, license.Staging), want: fail},
		{name: "naming the license's does not open it to another token", change: ask(license.Staging, license.Production),
			want: verdict.Check{Outcome: verdict.Fail, Source: verdict.FromLicense, Required: production, Observed: production}},
	})
}

func TestProduct(t *testing.T) {
	ask := func(caller, asked string) change {
		return func(_ *license.Facts, r *license.Request) {
			r.CallerProduct, r.ProductID = idOf(caller), idOf(asked)
		}
	}
	check := func(o verdict.Outcome, asked string) verdict.Check {
		return verdict.Check{Outcome: o, Source: verdict.FromLicense, Required: verdict.Text("Lumen"),
			Internal: "license " + string(ourProduct) + ", asked " + string(idOf(asked))}
	}
	runChecks(t, verdict.ProductMismatch, []checkCase{
		{name: "token and request agree with the license", want: check(verdict.Pass, "ours")},
		{name: "only the token says which", change: ask("ours", ""), want: check(verdict.Pass, "ours")},
		{name: "only the request says which", change: ask("", "ours"), want: check(verdict.Pass, "ours")},
		{name: "nobody says which", change: ask("", ""),
			want: verdict.Check{Outcome: verdict.Skipped, Skip: verdict.SkipNotAsked, Source: verdict.FromLicense,
				Required: verdict.Text("Lumen"), Internal: "license " + string(ourProduct)}},
		{name: "the request names another", change: ask("", "other"), want: check(verdict.Fail, "other")},
		{name: "the token is of another", change: ask("other", ""), want: check(verdict.Fail, "other")},
		{name: "both are about another", change: ask("other", "other"), want: check(verdict.Fail, "other")},
		{name: "the request names another than the token's", change: ask("ours", "other"), want: check(verdict.Fail, "other")},
		{name: "naming the license's does not open it to another token", change: ask("other", "ours"), want: check(verdict.Fail, "ours")},
	})
}

// P-LICD-11, E-08
func TestProductActive(t *testing.T) {
	pass := verdict.Check{Outcome: verdict.Pass, Source: verdict.FromProduct}
	off := func(f *license.Facts, _ *license.Request) { f.Product.Active = false }
	killed := func(f *license.Facts, _ *license.Request) { f.Product.KilledAt = now.Add(-day) }
	dead := verdict.Check{Outcome: verdict.Fail, Source: verdict.FromProduct, Since: at(now.Add(-day)), Reason: "killed"}
	runChecks(t, verdict.ProductInactive, []checkCase{
		{name: "on", want: pass},
		{name: "killed stops everything", change: killed, want: dead},
		{name: "killed and off reads as killed", change: both(off, killed), want: dead},
		{name: "off leaves existing devices alone", in: except(verdict.AddDevice), change: off, want: pass},
		{name: "off takes no new device", in: onlyAdd, change: off,
			want: verdict.Check{Outcome: verdict.Fail, Source: verdict.FromProduct}},
		{name: "off lets a device return that holds its seat", in: onlyAdd, change: both(off, returning), want: pass},
		{name: "off takes no device whose seat lapsed", in: onlyAdd, change: both(off, returning, heldUntil(now)),
			want: verdict.Check{Outcome: verdict.Fail, Source: verdict.FromProduct}},
	})
}

// P-LIC-01
func TestAssigned(t *testing.T) {
	assigned := verdict.Time(now.Add(-30 * day))
	runChecks(t, verdict.NotAssigned, []checkCase{
		{name: "has an owner", want: verdict.Check{Outcome: verdict.Pass, Source: verdict.FromLicense, Observed: assigned}},
		{name: "nobody owns it", change: func(f *license.Facts, _ *license.Request) {
			f.License.CustomerID, f.License.AssignedAt = "", zero
		}, want: verdict.Check{Outcome: verdict.Fail, Source: verdict.FromLicense, Since: at(now.Add(-40 * day))}},
	})
}
