package licensing

import (
	"context"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/once"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
)

// Outcome is what became of one of many. Err is why nothing did.
type Outcome struct {
	License license.License
	Key     string // whole, of a license that was issued
	Err     *fault.Error
}

// IssueMany makes licenses, each whole or not at all, and says what became of
// each, in order. A repeated key fails where it comes the second time.
func (s *Service) IssueMany(ctx context.Context, actor account.Actor, wishes []Issue) ([]Outcome, error) {
	if err := actor.Require(account.LicensesWrite); err != nil {
		return nil, err
	}
	seen := make(map[string]bool)
	return each(ctx, wishes, func(ctx context.Context, in Issue) (o Outcome, err error) {
		folded := id.Fold(in.Key)
		if in.Key != "" && seen[folded] {
			return o, fault.New(fault.Conflict, "key_exists", "This key comes twice in the request.").WithField("key", "Choose another key.")
		}
		seen[folded] = true
		o.License, o.Key, err = s.Issue(ctx, actor, in)
		if made, again := once.Result(err); again {
			o.License, o.Key, err = s.Issued(ctx, actor, made)
		}
		return o, err
	})
}

// ChangeMany makes one change of many licenses and says what became of each,
// in order.
func (s *Service) ChangeMany(ctx context.Context, actor account.Actor, wanted []id.ID, c license.Change) ([]Outcome, error) {
	needed := Needed(c.Trigger)
	if err := actor.Require(needed); err != nil {
		return nil, err
	}
	return each(ctx, wanted, func(ctx context.Context, one id.ID) (o Outcome, err error) {
		o.License, err = s.Change(ctx, actor, one, c)
		if made, again := once.Result(err); again {
			o.License, err = s.Changed(ctx, actor, made, needed)
		}
		return o, err
	})
}

// each does one thing after another until the time is over. What failed on our
// side fails the whole: a repetition with the same key goes on from there. So
// does a key that was used for another request.
func each[T any](ctx context.Context, all []T, do func(context.Context, T) (Outcome, error)) ([]Outcome, error) {
	outcomes := make([]Outcome, 0, len(all))
	for i, one := range all {
		o, err := do(once.Part(ctx, i), one)
		if err != nil {
			f := fault.From(err)
			if f.Kind == fault.Internal || f.Kind == fault.Unavailable || f.Code == "idempotency_conflict" {
				return nil, err
			}
			o = Outcome{Err: f}
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
}
