package identity

import (
	"context"
	"slices"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/isolation"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
)

// foreign is the answer for a record that is not there for this actor. When it
// exists for somebody else, that is logged (P-ISO-03), and the answer is the
// same. It reads with the Reader at hand: another connection may not be free
// while this one waits for it.
func (s *Service) foreign(ctx context.Context, r store.Reader, actor account.Actor, kind store.Record, what string, wanted id.ID) error {
	if exists, err := r.Exists(ctx, kind, wanted); err == nil && exists {
		isolation.Note(ctx, s.Log, actor, what, wanted)
	}
	return fault.Missing(what)
}

// remembered is among how many events of a kind a repetition is looked for.
const remembered = 100

// repeated reports whether what is gone was ended for the actor's customer not
// long ago: a second click is no mistake.
func repeated(ctx context.Context, r store.Reader, actor account.Actor, t event.Type, is func(event.Event) bool) (bool, error) {
	recent, err := r.LatestEvents(ctx, actor.CustomerID, t, remembered)
	return slices.ContainsFunc(recent, is), err
}

// goneOrForeign answers for a record that could not be ended: nil when an event
// of those types shows that it was the actor's, else as foreign does.
func (s *Service) goneOrForeign(ctx context.Context, r store.Reader, actor account.Actor, kind store.Record, what string, wanted id.ID, shown ...event.Type) error {
	for _, t := range shown {
		was, err := repeated(ctx, r, actor, t, func(e event.Event) bool { return e.PersonID == actor.ID && e.Data.Subject == wanted })
		if err != nil || was {
			return err
		}
	}
	return s.foreign(ctx, r, actor, kind, what, wanted)
}
