package audit

import (
	"context"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/store"
)

// MaxEvents is the most events that one call returns.
const MaxEvents = 100

// Events returns sealed events behind a number, in their order, as far as the
// actor's environment includes them, and the number up to which was read:
// whoever goes on from there meets every event, and meets one again after a
// break before the number was kept. Without events, the number is as far as
// there are any.
func (s *Sealer) Events(ctx context.Context, actor account.Actor, after int64, limit int) ([]store.Sealed, int64, error) {
	if err := actor.Require(account.EventsRead); err != nil {
		return nil, after, err
	}
	limit = min(max(limit, 1), MaxEvents)
	rows, err := s.store.SealedAfter(ctx, max(after, 0), limit)
	if err != nil {
		return nil, after, err
	}
	var seen []store.Sealed
	for _, row := range rows {
		after = row.Number
		if hears(actor, row.Event) {
			seen = append(seen, row)
		}
	}
	return seen, after, nil
}

// hears reports whether an event is for the actor: of its environment, or
// about a customer, who is of none, if it may read them.
func hears(actor account.Actor, e event.Event) bool {
	switch e.Environment {
	case actor.Environment:
		return true
	case "":
		return e.CustomerID != "" && actor.Can(account.CustomersRead)
	}
	return actor.Environment == ""
}
