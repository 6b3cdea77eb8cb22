package licensing

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/verdict"
)

// gather reads the facts that Evaluate needs about a license and what is
// asked of it. Inside a transaction the license must be locked first. claim is
// the hash of the claim code that a device presents, if any.
func gather(ctx context.Context, r store.Reader, l license.License, req license.Request, claim []byte, now time.Time) (license.Facts, error) {
	p, err := r.Product(ctx, l.ProductID)
	if err != nil {
		return license.Facts{}, err
	}
	seats, err := r.Seats(ctx, l.ID, req.Device, now)
	if err != nil {
		return license.Facts{}, err
	}
	return complete(ctx, r, l, p, seats, req, claim, now)
}

// complete reads what is not always needed: the reservation that lets the
// device in, and the release it runs.
func complete(ctx context.Context, r store.Reader, l license.License, p license.Product, seats store.Seats, req license.Request, claim []byte, now time.Time) (license.Facts, error) {
	f := license.Facts{
		License: &l, Product: p,
		Used: seats.Used, Device: seats.Device, Nearly: seats.Nearly, Reserved: seats.Reserved,
	}
	var err error
	if f.Reserved > 0 && req.Purpose == verdict.AddDevice && req.Device != nil {
		if f.Reservation, err = r.ClaimableReservation(ctx, l.ID, *req.Device, claim, now); err != nil {
			return f, err
		}
	}
	return f, addRelease(ctx, r, &f, req, now)
}

// gatherWhole reads the facts for the question about the license as such.
func gatherWhole(ctx context.Context, r store.Reader, l license.License, now time.Time) (license.Facts, error) {
	f, err := gather(ctx, r, l, license.Request{}, nil, now)
	if err != nil {
		return f, err
	}
	f.Longest, err = r.LongestUnused(ctx, l.ID, now)
	return f, err
}

// addRelease looks the requested version up where its date can matter.
func addRelease(ctx context.Context, r store.Reader, f *license.Facts, req license.Request, now time.Time) error {
	l := f.License
	if req.Version == "" || l.UpdatesUntil.IsZero() && l.MaxVersion == "" {
		return nil
	}
	releases, err := r.Releases(ctx, l.ProductID)
	if err != nil {
		return err
	}
	f.Release, f.Eligible = license.FindRelease(releases, *l, req.Version, now)
	return nil
}
