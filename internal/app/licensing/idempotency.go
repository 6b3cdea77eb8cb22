package licensing

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/verdict"
)

// idempotencyLife is how long a retry is recognized.
const idempotencyLife = 24 * time.Hour

// scope separates keys of different callers, calls, licenses and devices.
func (d *deedContext) scope(licenseID id.ID) string {
	return strings.Join([]string{string(d.actor.ID), string(d.req.Purpose), string(licenseID), string(d.req.Device.Kind), d.req.Device.Fold()}, "|")
}

// fingerprint tells whether two calls with one key ask the same. The license
// key is part of the scope by its license and is left out.
func (d *deedContext) fingerprint() ([]byte, error) {
	asked := []any{d.req.Device, d.call.Product, d.call.Environment, d.call.Version, d.call.Features}
	if d.call.Claim != "" {
		asked = append(asked, license.FoldClaim(d.call.Claim))
	}
	b, err := json.Marshal(asked)
	sum := sha256.Sum256(b)
	return sum[:], err
}

// replayed looks the call's idempotency key up inside the transaction. It
// returns the id of what the first call made, or "" for a first call.
func (s *Service) replayed(ctx context.Context, tx *store.Tx, licenseID id.ID, d *deedContext) (id.ID, error) {
	if d.call.Idempotency == "" {
		return "", nil
	}
	known, err := tx.Idempotent(ctx, d.scope(licenseID), d.call.Idempotency, d.now)
	if store.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	print, err := d.fingerprint()
	if err == nil && subtle.ConstantTimeCompare(print, known.RequestHash) == 0 {
		err = fault.New(fault.Conflict, "idempotency_conflict", "This Idempotency-Key was used for a different request.").
			WithNext("Use a new key for a new request, and the same key only to repeat the same one.")
	}
	return known.ResultID, err
}

// replay answers a repeated call from what the first one made, as it is now. A
// seat that was given back since is not there, so the answer is about using
// the license: that another one could be had is not what was asked, and a
// signed yes would let the device go on without a seat.
func (d *deedContext) replay(ctx context.Context, tx *store.Tx, made id.ID) error {
	a, err := tx.Activation(ctx, made)
	if store.IsNotFound(err) { // the key outlived a restore, what it made did not
		return fault.New(fault.Conflict, "idempotency_outlived", "This Idempotency-Key was used, and what it made is gone: the records were restored from a backup since.").
			WithNext("Use a new key to ask again.")
	}
	if err != nil {
		return err
	}
	d.result = &a
	if !a.HoldsSeat(d.now) {
		d.req.Purpose = verdict.Use
		d.decide()
	}
	return nil
}

// remember keeps the key of a call that changed something. Refusals are not
// kept: a retry after the cause is gone should succeed.
func (s *Service) remember(ctx context.Context, tx *store.Tx, licenseID id.ID, d *deedContext) error {
	if d.call.Idempotency == "" || d.result == nil {
		return nil
	}
	print, err := d.fingerprint()
	if err != nil {
		return err
	}
	return tx.AddIdempotent(ctx, store.Idempotent{
		Scope: d.scope(licenseID), Key: d.call.Idempotency, RequestHash: print,
		ResultID: d.result.ID, ExpiresAt: d.now.Add(idempotencyLife),
	})
}
