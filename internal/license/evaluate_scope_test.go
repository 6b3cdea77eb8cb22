package license_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/verdict"
)

// The checks about what the license includes: versions, features (P-LICD-13, P-LICD-14).

// C-PRD-03
func TestVersion(t *testing.T) {
	window := func(maximum string, until time.Time) change {
		return onLicense(func(l *license.License) { l.MaxVersion, l.UpdatesUntil = maximum, until })
	}
	asks := func(version string, release *license.Release) change {
		return func(f *license.Facts, r *license.Request) { r.Version, f.Release = version, release }
	}
	released := func(v string, when time.Time) *license.Release {
		return &license.Release{Version: v, ReleasedAt: when}
	}
	pass := func(required verdict.Value, v string) verdict.Check {
		return verdict.Check{Outcome: verdict.Pass, Source: verdict.FromLicense, Required: required, Observed: verdict.Text(v)}
	}
	fail := func(required verdict.Value, v string, since *time.Time) verdict.Check {
		return verdict.Check{Outcome: verdict.Fail, Source: verdict.FromLicense, Required: required, Observed: verdict.Text(v), Since: since}
	}
	none, eight := verdict.Value{}, verdict.Text("8.x")
	ended, running := now.Add(-5*day), now.Add(5*day)
	download := []verdict.Code{verdict.ReleaseNotAvailable}
	runChecks(t, verdict.VersionNotEligible, []checkCase{
		{name: "no version named", change: asks("", goodFacts().Release),
			want: verdict.Check{Outcome: verdict.Skipped, Skip: verdict.SkipNotAsked, Source: verdict.FromLicense}},
		{name: "no version named, the rule is still told", change: both(window("8.x", zero), asks("", goodFacts().Release)),
			want: verdict.Check{Outcome: verdict.Skipped, Skip: verdict.SkipNotAsked, Source: verdict.FromLicense, Required: eight}},
		{name: "all versions", want: pass(none, "8.2.0")},
		{name: "all versions, even ones not on record", change: asks("99", nil), want: pass(none, "99"), also: download},
		{name: "at the maximum", change: window("8.x", zero), want: pass(eight, "8.2.0")},
		{name: "below the maximum", change: both(window("8.x", zero), asks("7.9", goodFacts().Release)), want: pass(eight, "7.9")},
		{name: "above the maximum", change: both(window("8.x", zero), asks("9.0", goodFacts().Release)), want: fail(eight, "9.0", nil)},
		{name: "above a maximum of two parts", change: window("8.1", zero), want: fail(verdict.Text("8.1"), "8.2.0", nil)},
		{name: "not a version, under a maximum", change: both(window("8.x", zero), asks("latest", goodFacts().Release)), want: fail(eight, "latest", nil)},
		{name: "released while updates ran", change: window("", running), want: pass(verdict.Time(running), "8.2.0")},
		{name: "released one microsecond before updates ended", change: both(window("", ended), asks("8.2.0", released("8.2.0", ended.Add(-tick)))),
			want: pass(verdict.Time(ended), "8.2.0"), also: download},
		{name: "released at the instant updates ended", change: both(window("", ended), asks("8.2.0", released("8.2.0", ended))),
			want: fail(verdict.Time(ended), "8.2.0", at(ended)), also: download},
		{name: "released after updates ended", change: both(window("", ended), asks("8.2.0", released("8.2.0", now.Add(-day)))),
			want: fail(verdict.Time(ended), "8.2.0", at(now.Add(-day))), also: download},
		{name: "not on record while updates run", change: both(window("", running), asks("8.9", nil)), want: pass(verdict.Time(running), "8.9"), also: download},
		{name: "not on record after updates ended", change: both(window("", ended), asks("8.9", nil)),
			want: verdict.Check{Outcome: verdict.Skipped, Skip: verdict.SkipUnknownDate, Source: verdict.FromLicense,
				Required: verdict.Time(ended), Observed: verdict.Text("8.9")}, also: download},
		{name: "not on record at the instant updates end", change: both(window("", now), asks("8.9", nil)),
			want: verdict.Check{Outcome: verdict.Skipped, Skip: verdict.SkipUnknownDate, Source: verdict.FromLicense,
				Required: verdict.Time(now), Observed: verdict.Text("8.9")}, also: download},
		{name: "above the maximum, whatever its date", change: both(window("8.x", running), asks("9.0", released("9.0", now.Add(-day)))),
			want: fail(eight, "9.0", nil), also: download},
		{name: "below the maximum but released too late names the date", change: both(window("8.x", ended), asks("8.9", released("8.9", now.Add(-day)))),
			want: fail(verdict.Time(ended), "8.9", at(now.Add(-day))), also: download},
		{name: "both rules met", change: window("8.x", running), want: pass(eight, "8.2.0")},
	})
}

func TestFeatures(t *testing.T) {
	asks := func(keys ...string) change {
		return func(_ *license.Facts, r *license.Request) { r.Features = keys }
	}
	grants := func(kind license.FeatureType, value any) change {
		return onLicense(func(l *license.License) {
			l.Features = []license.Feature{{Key: "export", Type: kind, Value: value}}
		})
	}
	pass := verdict.Check{Outcome: verdict.Pass, Source: verdict.FromLicense, Required: verdict.List([]string{"export"})}
	fail := func(asked, missing []string) verdict.Check {
		return verdict.Check{Outcome: verdict.Fail, Source: verdict.FromLicense, Required: verdict.List(asked), Observed: verdict.List(missing)}
	}
	export := []string{"export"}
	runChecks(t, verdict.FeatureMissing, []checkCase{
		{name: "none asked for", change: asks(), want: verdict.Check{Outcome: verdict.Skipped, Skip: verdict.SkipNotAsked, Source: verdict.FromLicense}},
		{name: "included", want: pass},
		{name: "a number above zero", in: onlyUse, change: grants(license.Numeric, 3.0), want: pass},
		{name: "an unlimited number", in: onlyUse, change: grants(license.Numeric, license.UnlimitedValue), want: pass}, // C-PRD-02
		{name: "a text", in: onlyUse, change: grants(license.Textual, "gold"), want: pass},
		{name: "switched off", in: onlyUse, change: grants(license.Boolean, false), want: fail(export, export)},
		{name: "the number zero", in: onlyUse, change: grants(license.Numeric, 0.0), want: fail(export, export)},
		{name: "an empty text", in: onlyUse, change: grants(license.Textual, ""), want: fail(export, export)},
		{name: "no value", in: onlyUse, change: grants(license.Textual, nil), want: fail(export, export)},
		{name: "no such feature", change: asks("import"), want: fail([]string{"import"}, []string{"import"})},
		{name: "spelled otherwise", in: onlyUse, change: asks("Export"), want: fail([]string{"Export"}, []string{"Export"})},
		{name: "each missing one is named, in the order asked", change: asks("sso", "export", "audit"),
			want: fail([]string{"sso", "export", "audit"}, []string{"sso", "audit"})},
		{name: "one asked for twice is missing once", change: asks("sso", "sso"), want: fail([]string{"sso", "sso"}, []string{"sso"})},
	})
}
