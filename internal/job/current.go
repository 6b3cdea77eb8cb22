package job

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
)

// Run is what a handler may know about the job it works on, besides its
// payload. The first two are the same at each attempt.
type Run struct {
	ID        id.ID
	CreatedAt time.Time
	Attempt   int // counts from 1
}

type runKey struct{}

func withRun(ctx context.Context, j store.Job) context.Context {
	return context.WithValue(ctx, runKey{}, Run{ID: j.ID, CreatedAt: j.CreatedAt, Attempt: j.Attempts})
}

// Current returns the job that ctx was handed out for; outside of a handler it
// is the zero Run.
func Current(ctx context.Context) Run {
	run, _ := ctx.Value(runKey{}).(Run)
	return run
}
