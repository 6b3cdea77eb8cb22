package api

import (
	"errors"
	"time"

	"github.com/keyward/keyward/internal/app/catalog"
	"github.com/keyward/keyward/internal/fault"
)

// EditProduct is what becomes different about a product. What is absent stays.
type EditProduct struct {
	Name             *string         `json:"name,omitempty" minLength:"1" maxLength:"255"`
	AcceptsHardware  *bool           `json:"accepts_hardware,omitempty"`
	AcceptsDomain    *bool           `json:"accepts_domain,omitempty"`
	DeviceRequired   *bool           `json:"device_required,omitempty"`
	SelfDeactivation *bool           `json:"self_deactivation,omitempty"`
	HoldSeconds      *int64          `json:"hold_seconds,omitempty" minimum:"0" maximum:"2678400" doc:"How long a check-in keeps a floating seat of licenses issued from now on, from 60 on; 0: seats are fixed."`
	RenewalURL       *string         `json:"renewal_url,omitempty" maxLength:"2048" doc:"Or an empty text for none."`
	LeaseSeconds     *int64          `json:"lease_seconds,omitempty" minimum:"3600" maximum:"31622400" doc:"How long answers signed from now on may be relied on."`
	MaxSkewSeconds   *int64          `json:"max_skew_seconds,omitempty" minimum:"0" maximum:"86400" doc:"How far a device's clock may be off; 0: it is not looked at."`
	Features         []FeatureRecord `json:"features,omitempty" nullable:"false" maxItems:"100" doc:"Replaces all that were. Licenses keep the values they were issued with."`
}

func (in EditProduct) edit() catalog.ProductEdit {
	return catalog.ProductEdit{
		Name: in.Name, AcceptsHardware: in.AcceptsHardware, AcceptsDomain: in.AcceptsDomain, DeviceRequired: in.DeviceRequired,
		SelfDeactivation: in.SelfDeactivation, HoldFor: span(in.HoldSeconds), RenewalURL: in.RenewalURL,
		LeaseFor: span(in.LeaseSeconds), MaxSkew: span(in.MaxSkewSeconds), Features: templates(in.Features),
	}
}

// productNames are names of the use cases and of this door.
func productNames() map[string]string {
	return map[string]string{"lease_for": "lease_seconds", "hold_for": "hold_seconds", "max_skew": "max_skew_seconds"}
}

// newProductNames are those of a product with its first plan.
func newProductNames() map[string]string {
	names := productNames()
	for was, is := range swapNames() {
		names[was] = "swaps." + is
	}
	for _, of := range []string{"pattern", "limit", "validity_days", "max_version"} {
		names[of] = "plan." + of
	}
	names["plan"] = "plan.name"
	return names
}

func swapNames() map[string]string {
	return map[string]string{"swaps": "allowed", "swap_period": "period_seconds", "swap_cool_down": "cool_down_seconds"}
}

func span(n *int64) *time.Duration {
	if n == nil {
		return nil
	}
	d := seconds(*n)
	return &d
}

// sentAs renames the fields that err blames to what this door calls them.
func sentAs(names map[string]string, err error) error {
	f, is := errors.AsType[*fault.Error](err)
	if !is || len(f.Fields) == 0 {
		return err
	}
	renamed := *f
	renamed.Fields = nil
	for _, field := range f.Fields {
		if name, known := names[field.Name]; known {
			field.Name = name
		}
		renamed.Fields = append(renamed.Fields, field)
	}
	return &renamed
}
