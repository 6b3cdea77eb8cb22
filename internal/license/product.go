package license

import (
	"encoding/json"
	"math"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/verdict"
)

// Environment separates real licenses from those used to test. A product has
// one for life; everything below it inherits it (C-ENV-01).
type Environment string

// The environments.
const (
	Production  Environment = "production"
	Staging     Environment = "staging"
	Development Environment = "development"
)

// Environments lists them in the order in which they are offered.
func Environments() []Environment { return []Environment{Production, Staging, Development} }

// Known reports whether e is one of the environments.
func (e Environment) Known() bool {
	return e == Production || e == Staging || e == Development
}

// Kind is what a device identifies itself by.
type Kind string

// The kinds of device identifiers (C-PRD-05).
const (
	Hardware Kind = "hardware"
	Domain   Kind = "domain"
)

// Known reports whether k is one of the kinds.
func (k Kind) Known() bool { return k == Hardware || k == Domain }

// Product is what a license is for, and the rules its licenses inherit.
type Product struct {
	ID          id.ID
	Environment Environment
	Name        string
	Slug        string
	Active      bool      // off: no new devices, existing ones keep working
	KilledAt    time.Time // set: nothing validates; reversible (E-08)
	CreatedAt   time.Time
	Version     int64 // rises with every change of the product or of its signing keys

	HighSecurity     bool       // keys are sealed at rest and masked until copied (P-LICD-03)
	AcceptsHardware  bool       // device identifiers accepted
	AcceptsDomain    bool       //
	DeviceRequired   bool       // every call must name a device
	SelfDeactivation bool       // customers may free a seat themselves (P-ACT-25)
	Swaps            SwapPolicy // how often they may
	OfflineAllowed   bool       // signed offline files may be issued
	RenewalURL       string     // where customers renew; "" means contact the vendor

	HoldFor   time.Duration // of new licenses, see License.HoldFor
	LeaseFor  time.Duration // how long a signed answer may be relied on
	MaxSkew   time.Duration // allowed difference of a caller's clock; 0 is unchecked
	KeyFormat string        // generator pattern of new keys (C-GEN-06)
	Features  []Feature     // what its licenses may include, in order

	Delivery Delivery // how its releases reach customers
}

// Accepts reports whether devices of this kind may be activated.
func (p Product) Accepts(k Kind) bool {
	return k == Hardware && p.AcceptsHardware || k == Domain && p.AcceptsDomain
}

// AcceptedKinds lists the accepted kinds.
func (p Product) AcceptedKinds() []string {
	var kinds []string
	if p.AcceptsHardware {
		kinds = append(kinds, string(Hardware))
	}
	if p.AcceptsDomain {
		kinds = append(kinds, string(Domain))
	}
	return kinds
}

// Feature is something a license may include. A product's features are
// templates: a license keeps its own copy of the values (C-PRD-01).
type Feature struct {
	Key   string      `json:"key"`
	Label string      `json:"label"`
	Type  FeatureType `json:"type"`
	Value any         `json:"value"` // bool, float64 or string; "unlimited" where a number has no bound
}

// FeatureType is the type of a feature's value (C-PRD-02).
type FeatureType string

// The feature types.
const (
	Boolean FeatureType = "boolean"
	Numeric FeatureType = "number"
	Textual FeatureType = "string"
)

// UnlimitedValue is the value of a number feature without a bound (C-PRD-02).
const UnlimitedValue = "unlimited"

// Included reports whether the feature is granted: true, a positive or
// unlimited number, or a text that is not empty.
func (f Feature) Included() bool {
	switch v := f.Value.(type) {
	case bool:
		return v
	case float64:
		return v > 0
	case string:
		return v != ""
	}
	return false
}

// FindRelease returns the release of a version, nil when it is not on record,
// and the newest version on record that the license includes and that is out.
func FindRelease(releases []Release, l License, version string, now time.Time) (asked *Release, eligible string) {
	for _, r := range releases {
		if r.Version == version {
			asked = &r
		}
		if !r.Open(now) || !includes(l, r) {
			continue
		}
		if eligible == "" || verdict.CompareVersions(r.Version, eligible) > 0 {
			eligible = r.Version
		}
	}
	return asked, eligible
}

func includes(l License, r Release) bool {
	return verdict.VersionAllowed(l.MaxVersion, r.Version) &&
		(l.UpdatesUntil.IsZero() || r.ReleasedAt.Before(l.UpdatesUntil))
}

// MaxFeaturesSize bounds all features of a license together, in bytes of JSON:
// they travel in every lease.
const MaxFeaturesSize = 8 << 10

// FeaturesFit reports whether features are small enough to travel in a lease.
func FeaturesFit(features []Feature) bool {
	values := make(map[string]any, len(features))
	for _, f := range features {
		values[f.Key] = f.Value
	}
	b, err := json.Marshal(values)
	return err == nil && len(b) <= MaxFeaturesSize
}

// MaxFeatureText bounds the text of a feature, in bytes.
const MaxFeatureText = 255

// ValidValue reports whether the value fits the feature's type (C-PRD-02).
func (f Feature) ValidValue() bool {
	switch v := f.Value.(type) {
	case bool:
		return f.Type == Boolean
	case float64:
		return f.Type == Numeric && v >= 0 && !math.IsInf(v, 0)
	case string:
		return f.Type == Textual && len(v) <= MaxFeatureText || f.Type == Numeric && v == UnlimitedValue
	}
	return false
}
