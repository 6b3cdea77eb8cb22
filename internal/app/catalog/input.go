package catalog

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/license"
)

const (
	maxSlug     = 64
	maxURL      = 2048
	maxFeatures = 200

	minLease    = time.Hour
	maxLease    = 366 * 24 * time.Hour
	maxSkewTime = 24 * time.Hour
)

var (
	slugForm    = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	notSlug     = regexp.MustCompile(`[^a-z0-9]+`)
	featureForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,63}$`)
)

func name(problems *fault.Problems, field, s string) string {
	clean, ok := account.CleanName(s)
	if !ok || clean == "" {
		problems.Add(field, "Enter a name, at most 255 bytes and without control characters.")
	}
	return clean
}

// slug reads a slug, or makes one from the name.
func slug(problems *fault.Problems, s, name string) string {
	if s == "" {
		s = strings.Trim(notSlug.ReplaceAllString(strings.ToLower(name), "-"), "-")
		s = strings.TrimRight(s[:min(len(s), maxSlug)], "-")
	}
	if len(s) > maxSlug || !slugForm.MatchString(s) {
		problems.Add("slug", `Use up to 64 small letters, digits and single hyphens, such as "photo-studio".`)
	}
	return s
}

// renewalURL admits addresses on the web only: the portal links to it.
func renewalURL(problems *fault.Problems, s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || len(s) > maxURL || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil {
		problems.Add("renewal_url", `Enter a whole web address such as "https://example.com/renew", or leave it out.`)
	}
	return s
}

func leaseFor(problems *fault.Problems, d time.Duration) time.Duration {
	if d == 0 {
		return DefaultLease
	}
	if d < minLease || d > maxLease {
		problems.Add("lease_for", "Choose from one hour to 366 days.")
	}
	return d.Truncate(time.Microsecond)
}

func accepts(problems *fault.Problems, p license.Product) {
	if !p.AcceptsHardware && !p.AcceptsDomain {
		problems.Add("accepts_hardware", "Accept hardware identifiers, domains, or both: else nothing can be activated.")
	}
}

func maxSkew(problems *fault.Problems, d time.Duration) time.Duration {
	if d < 0 || d > maxSkewTime {
		problems.Add("max_skew", "Choose up to 24 hours, or 0 to leave it unchecked.")
	}
	return d.Truncate(time.Microsecond)
}

const (
	minHold = time.Minute
	maxHold = 31 * 24 * time.Hour
)

// holdFor reads how long a check-in keeps a floating seat.
func holdFor(problems *fault.Problems, d time.Duration) time.Duration {
	if d != 0 && (d < minHold || d > maxHold) {
		problems.Add("hold_for", "Hold a floating seat from one minute to 31 days, or 0 for fixed seats.")
	}
	return d.Truncate(time.Microsecond)
}

const (
	maxSwaps    = 1000
	maxSwapTime = 366 * 24 * time.Hour
)

// swaps reads how often customers may free seats themselves (P-ACT-25).
func swaps(problems *fault.Problems, p license.SwapPolicy) license.SwapPolicy {
	if p.Allowed < 0 || p.Allowed > maxSwaps {
		problems.Add("swaps", "Allow 1 to 1000 device changes, or any number.")
	}
	if p.Period == 0 {
		p.Period = license.DefaultSwapPeriod
	}
	if p.Period < time.Hour || p.Period > maxSwapTime {
		problems.Add("swap_period", "Choose from one hour to 366 days.")
	}
	if p.CoolDown < 0 || p.CoolDown > maxSwapTime {
		problems.Add("swap_cool_down", "Choose up to 366 days, or 0 for none.")
	}
	p.Period, p.CoolDown = p.Period.Truncate(time.Microsecond), p.CoolDown.Truncate(time.Microsecond)
	return p
}

// features reads features with their values (C-PRD-02).
func features(problems *fault.Problems, in []license.Feature) []license.Feature {
	if len(in) > maxFeatures {
		problems.Add("features", fmt.Sprintf("Use at most %d features.", maxFeatures))
		return nil
	}
	var all []license.Feature
	seen := map[string]bool{}
	for _, f := range in {
		f, wrong := feature(f)
		if wrong == "" && seen[f.Key] {
			wrong = "is there twice"
		}
		if wrong != "" {
			problems.Add("features", fmt.Sprintf("The feature %.64q %s.", f.Key, wrong))
		}
		seen[f.Key] = true
		all = append(all, f)
	}
	if !license.FeaturesFit(all) {
		problems.Add("features", "Shorten the values or use fewer features: together they are too large for a lease.")
	}
	return all
}

// feature brings one feature to the form in which it is kept and says what is
// wrong with it.
func feature(f license.Feature) (license.Feature, string) {
	label, ok := account.CleanName(f.Label)
	f.Label = label
	if label == "" {
		f.Label = f.Key
	}
	if n, isInt := f.Value.(int); isInt {
		f.Value = float64(n)
	}
	switch {
	case !featureForm.MatchString(f.Key):
		return f, "needs a key of up to 64 small letters, digits and _ . -"
	case !ok:
		return f, "needs a label of at most 255 bytes"
	case !f.ValidValue():
		return f, fmt.Sprintf("needs a value of type %s", f.Type)
	}
	return f, ""
}
