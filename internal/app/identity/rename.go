package identity

import (
	"context"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/once"
	"github.com/keyward/keyward/internal/app/stale"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
)

// Rename calls a customer otherwise. Repeating it changes nothing.
func (s *Service) Rename(ctx context.Context, actor account.Actor, customer id.ID, called string) (account.Customer, error) {
	var problems fault.Problems
	called = name(&problems, "name", called, true)
	if err := problems.Err(); err != nil {
		return account.Customer{}, err
	}
	return s.changeCustomer(ctx, actor, customer, func(tx *store.Tx, c *account.Customer, e *event.Event) error {
		if c.Name == called {
			return nil
		}
		c.Name, e.Type = called, event.CustomerRenamed
		return tx.SetCustomerName(ctx, c.ID, called, e.At)
	})
}

// changeCustomer makes one change of a customer: apply says of which type the
// event of it is; without one nothing has changed and nothing is recorded.
func (s *Service) changeCustomer(ctx context.Context, actor account.Actor, customer id.ID, apply func(*store.Tx, *account.Customer, *event.Event) error) (account.Customer, error) {
	if err := actor.Require(account.CustomersWrite); err != nil {
		return account.Customer{}, err
	}
	now := s.clock()
	var c account.Customer
	err := once.InTx(ctx, s.Store, now, func(tx *store.Tx) (id.ID, error) {
		var err error
		if c, err = tx.LockCustomer(ctx, customer); err != nil {
			return "", missing(err, "customer")
		}
		if err := stale.Check(ctx, "customer", c.Version); err != nil {
			return "", err
		}
		e := event.New("", actor, now)
		e.CustomerID = c.ID
		if err := apply(tx, &c, &e); err != nil || e.Type == "" {
			return c.ID, err
		}
		c.Version++
		return c.ID, tx.AppendEvent(ctx, e)
	})
	return c, err
}
