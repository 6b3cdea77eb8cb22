package licensing

import (
	"context"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/verdict"
)

// Why is both verdicts about a license for staff, with everything in them.
type Why struct {
	License   license.License
	Product   license.Product
	Used      int
	Use       verdict.Verdict
	AddDevice verdict.Verdict
	Attempts  []license.Attempt
}

// Why explains whether a license works and whether it takes another device.
func (s *Service) Why(ctx context.Context, actor account.Actor, wanted id.ID) (Why, error) {
	if err := actor.Require(account.LicensesRead); err != nil {
		return Why{}, err
	}
	var w Why
	now := s.clock()
	err := s.Store.Snapshot(ctx, func(r store.Reader) error {
		l, err := visible(ctx, r, actor, wanted)
		if err != nil {
			return err
		}
		facts, err := gatherWhole(ctx, r, l, now)
		if err != nil {
			return err
		}
		w.License, w.Product, w.Used = l, facts.Product, facts.Used
		w.Use = evaluateWhole(facts, verdict.Use, now).For(verdict.ForAdministrator)
		w.AddDevice = evaluateWhole(facts, verdict.AddDevice, now).For(verdict.ForAdministrator)
		w.Attempts, err = r.Attempts(ctx, l.ID, detailAttempts)
		return err
	})
	return w, err
}

// visible returns the license if the actor's environment includes it.
func visible(ctx context.Context, r store.Reader, actor account.Actor, wanted id.ID) (license.License, error) {
	l, err := r.License(ctx, wanted)
	if store.IsNotFound(err) || err == nil && !sees(actor, l.Environment) {
		return license.License{}, fault.Missing("license")
	}
	return l, err
}

// sees reports whether the actor's environment is this one, or all.
func sees(actor account.Actor, env license.Environment) bool {
	return actor.Environment == "" || actor.Environment == env
}

// Find returns the id of the license with this key, or whose id it is, in any
// environment that the actor sees. Staff only: an unknown one is NotFound.
func (s *Service) Find(ctx context.Context, actor account.Actor, keyOrID string) (id.ID, error) {
	if err := actor.Require(account.LicensesRead); err != nil {
		return "", err
	}
	if wanted, err := id.Parse(keyOrID); err == nil {
		if l, err := visible(ctx, s.Store.Reader, actor, wanted); !store.IsNotFound(err) {
			return l.ID, err
		}
	}
	for _, env := range license.Environments() {
		if !sees(actor, env) {
			continue
		}
		l, err := s.Store.LicenseByKey(ctx, env, s.keyHash(env, keyOrID))
		if !store.IsNotFound(err) {
			return l.ID, err
		}
	}
	return "", fault.Missing("license")
}
