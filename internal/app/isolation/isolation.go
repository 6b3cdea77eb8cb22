package isolation

import (
	"context"
	"log/slog"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
)

// Missing is the answer for a record that was not found for this actor. When it
// exists for somebody else, that is logged, and the answer is the same. Other
// errors come back as they are. exists should read with the Reader at hand:
// another connection may not be free while this one waits for it.
func Missing(ctx context.Context, log *slog.Logger, err error, actor account.Actor, what string, wanted id.ID, exists func() error) error {
	if !store.IsNotFound(err) {
		return err
	}
	if exists() == nil {
		Note(ctx, log, actor, what, wanted)
	}
	return fault.Missing(what)
}

// Note logs that the actor asked for what is another customer's.
func Note(ctx context.Context, log *slog.Logger, actor account.Actor, what string, wanted id.ID) {
	log.WarnContext(ctx, "another customer's record was asked for",
		"what", what, "id", wanted, "customer", actor.CustomerID, "person", actor.ID, "request", actor.RequestID)
}
