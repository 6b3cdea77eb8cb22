package catalog

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

// SetOffline says whether a product's licenses can be used in files by devices
// that never connect, and how such files are issued. Files that are out stay
// good.
func (s *Service) SetOffline(ctx context.Context, actor account.Actor, product id.ID, allowed bool, policy license.OfflinePolicy) (license.Product, error) {
	if err := actor.Require(account.ProductsWrite); err != nil {
		return license.Product{}, err
	}
	var problems fault.Problems
	if policy.ValidFor < license.MinOfflineFor || policy.ValidFor > license.MaxOfflineFor {
		problems.Add("days", "Choose 1 to 3660 days.")
	}
	if policy.Files < 1 || policy.Files > license.MaxOfflineFiles {
		problems.Add("files", "Choose 1 to 10000 files.")
	}
	if err := problems.Err(); err != nil {
		return license.Product{}, err
	}
	return s.change(ctx, actor, product, func(tx *store.Tx, p *license.Product, now time.Time) (event.Type, error) {
		before, err := tx.OfflinePolicy(ctx, p.ID)
		if err != nil && !store.IsNotFound(err) || err == nil && before == policy && p.OfflineAllowed == allowed {
			return "", err
		}
		p.OfflineAllowed = allowed
		return event.ProductOffline, tx.SetOffline(ctx, p.ID, allowed, policy, now)
	})
}
