package storetest

import (
	"math/rand/v2"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
)

// random makes facts that are the same in every run.
type random struct{ *rand.Rand }

func newRandom(seed uint64) random { return random{rand.New(rand.NewPCG(seed, 0))} }

func pick[T any](r random, list []T) T { return list[r.IntN(len(list))] }

// chance is true n times in a hundred.
func (r random) chance(n int) bool { return r.IntN(100) < n }

// instant is one of few, around noon: what matters is which of two is first,
// and whether they are the same.
func (r random) instant() time.Time {
	return noon.Add(time.Duration(r.IntN(13)-6)*12*time.Hour + time.Duration(r.IntN(3)-1)*time.Microsecond)
}

// maybe is an instant or none.
func (r random) maybe(chance int) time.Time {
	if !r.chance(chance) {
		return time.Time{}
	}
	return r.instant()
}

// license has any facts at all, likely or not.
func (r random) license(p license.Product, customer id.ID) license.License {
	l := aLicense(p, customer)
	l.AssignedAt = r.instant()
	l.FirstActivatedAt, l.ExpiresAt = r.maybe(60), r.maybe(70)
	l.SuspendedAt, l.RevokedAt = r.maybe(25), r.maybe(20)
	l.Grace = pick(r, []time.Duration{0, 0, time.Microsecond, 12 * time.Hour, 36 * time.Hour})
	return l
}

// activation is one of a license, in any state.
func (r random) activation(l license.License) license.Activation {
	a := anActivation(l, string(id.New()))
	a.Kind = pick(r, []license.Kind{license.Hardware, license.Domain})
	a.ActivatedAt, a.LastSeenAt = r.instant(), r.maybe(50)
	a.HoldUntil, a.EndedAt = r.maybe(30), r.maybe(30)
	return a
}
