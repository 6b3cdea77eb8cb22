package delivery

import (
	"context"
	"slices"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/verdict"
)

// Reach is whether somebody may have a release, and through which license.
type Reach struct {
	Allowed bool
	License license.License // the one that includes it, or comes closest
	Verdict verdict.Verdict // about that license
}

// Locked reports whether everything is in order except that the version is not
// included: a renewed maintenance would include it (P-DL-18).
func (r Reach) Locked() bool { return !r.Allowed && r.Verdict.Code == verdict.VersionNotEligible }

// holder is one product's licenses of whoever asks.
type holder struct {
	product  license.Product
	licenses []held
	releases []license.Release // of the product, those on record
	now      time.Time
}

// held is a license and the newest version that it includes.
type held struct {
	license.License
	eligible string
}

// holding reads what a decision about a product's releases takes.
func holding(ctx context.Context, r store.Reader, p license.Product, licenses []license.License, now time.Time) (*holder, error) {
	h := &holder{product: p, now: now}
	var err error
	if h.releases, err = r.Releases(ctx, p.ID); err != nil {
		return nil, err
	}
	for _, l := range h.distinct(licenses) {
		_, eligible := license.FindRelease(h.releases, l, "", now)
		h.licenses = append(h.licenses, held{l, eligible})
	}
	return h, nil
}

// terms are what a license's answer about a release depends on.
type terms struct {
	status             license.Status
	started, activated bool
	maxVersion         string
	updates            time.Time
	ends, assigned     time.Time // where a rule asks for them
}

// distinct keeps one license of those for which every release comes out the
// same, so that thousands of equal licenses cost as much as one. What can still
// be used comes first.
func (h *holder) distinct(licenses []license.License) []license.License {
	byEnd := h.product.Delivery.AfterExpiry || slices.ContainsFunc(h.releases, func(r license.Release) bool { return !r.Access.ExpiresAfter.IsZero() })
	byAssignment := slices.ContainsFunc(h.releases, func(r license.Release) bool {
		return !r.Access.AssignedAfter.IsZero() || !r.Access.AssignedBefore.IsZero()
	})
	var list []license.License
	seen := map[terms]bool{}
	for _, l := range licenses {
		t := terms{
			status: l.Status(h.now), started: verdict.Started(l.StartsAt, h.now), activated: !l.FirstActivatedAt.IsZero(),
			maxVersion: l.MaxVersion, updates: l.UpdatesUntil,
		}
		if byEnd {
			t.ends = l.EndsAt()
		}
		if byAssignment {
			t.assigned = l.AssignedAt
		}
		if !seen[t] {
			seen[t] = true
			list = append(list, l)
		}
	}
	slices.SortStableFunc(list, func(a, b license.License) int { return rank(a, h.now) - rank(b, h.now) })
	return list
}

func rank(l license.License, now time.Time) int {
	return slices.Index([]license.Status{license.Active, license.Assigned, license.Expired, license.Suspended, license.Revoked}, l.Status(now))
}

// reach asks about a release for one license after the other: what any of them
// includes, the holder may have (P-DL-20).
func (h *holder) reach(release license.Release) Reach {
	var best Reach
	for i, l := range h.licenses {
		v := h.ask(l, release)
		if v.Valid {
			return Reach{true, l.License, v}
		}
		if i == 0 || v.Code == verdict.VersionNotEligible && best.Verdict.Code != verdict.VersionNotEligible {
			best = Reach{false, l.License, v}
		}
	}
	return best
}

func (h *holder) ask(l held, release license.Release) verdict.Verdict {
	f := license.Facts{License: &l.License, Product: h.product, Release: &release, Eligible: l.eligible}
	if h.product.Delivery.LatestOnly {
		f.Newer = license.Newer(h.releases, l.License, release, h.now)
	}
	return license.Evaluate(f, license.Request{Purpose: verdict.Download, Version: release.Version}, h.now).For(verdict.ForOwner)
}

// heldBy reads a customer's licenses of a product.
func heldBy(ctx context.Context, r store.Reader, customer id.ID, p license.Product, now time.Time) (*holder, error) {
	licenses, err := r.HeldLicenses(ctx, customer, p.ID)
	if err != nil {
		return nil, err
	}
	return holding(ctx, r, p, licenses, now)
}
