package stale

import (
	"context"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/license"
)

type versionKey struct{}

// With says on which version of its record the change of ctx was decided.
func With(ctx context.Context, version int64) context.Context {
	return context.WithValue(ctx, versionKey{}, version)
}

// Check returns a Conflict with code license.CodeStale unless the change of
// ctx was decided on this version, or on none. what names the record.
func Check(ctx context.Context, what string, version int64) error {
	if on, is := ctx.Value(versionKey{}).(int64); !is || on == version {
		return nil
	}
	return fault.New(fault.Conflict, license.CodeStale, "The "+what+" has changed since you read it.").
		WithNext("Read it again, decide again, and send its new version.")
}
