package licensing

import (
	"context"

	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/verdict"
)

// Refused is a refused activation and what has become of its device.
type Refused struct {
	license.Attempt
	Kept bool // a seat waits for it
	Out  bool // it has none, at the limit: another device can go for it
}

// fillRefused reads the latest refused activations of a license, and which
// device would go for one of them.
func fillRefused(ctx context.Context, r store.Reader, d *Detail) error {
	list, err := r.Attempts(ctx, d.License.ID, detailAttempts)
	if err != nil {
		return err
	}
	out := false
	asked := map[license.Device]bool{}
	for _, a := range list {
		device := license.Device{Kind: a.Kind, Identifier: a.Identifier}
		folded := license.Device{Kind: a.Kind, Identifier: device.Fold()}
		refused := Refused{Attempt: a}
		if a.ID != "" && a.Code == verdict.LimitReached && d.AddDevice.Code == verdict.LimitReached && !asked[folded] {
			if refused.Kept, refused.Out, err = whereabouts(ctx, r, d, device); err != nil {
				return err
			}
			asked[folded] = true
		}
		out = out || refused.Out
		d.Attempts = append(d.Attempts, refused)
	}
	if !out {
		return nil
	}
	d.Retire, err = retirable(ctx, r, d)
	return err
}

// whereabouts tells whether a seat waits for a device, or whether it has none
// at all.
func whereabouts(ctx context.Context, r store.Reader, d *Detail, device license.Device) (kept, out bool, err error) {
	seats, err := r.Seats(ctx, d.License.ID, &device, d.At)
	if err != nil || seats.Device != nil && seats.Device.HoldsSeat(d.At) {
		return false, false, err
	}
	reserved, err := r.ClaimableReservation(ctx, d.License.ID, device, nil, d.At)
	return reserved != nil, err == nil && reserved == nil, err
}

// retirable is the device that was unused the longest, if its owner may replace
// it now.
func retirable(ctx context.Context, r store.Reader, d *Detail) (*license.Activation, error) {
	a, err := r.LongestUnused(ctx, d.License.ID, d.At)
	if err != nil || a == nil {
		return nil, err
	}
	status := a.Status(d.License.Status(d.At), d.At)
	if license.MayDeactivate(d.Product, status, d.Swaps) != nil || license.MayReserve(d.License, d.Taken) != nil {
		return nil, nil
	}
	return a, nil
}
