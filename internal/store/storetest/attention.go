package storetest

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/verdict"
)

// needs proves that SQL orders by the attention that Go finds in the same
// facts, seats included, and that every page of that order is found from
// either end.
func needs(t *testing.T, s *store.Store) {
	x := aShelf(t, s, 300, 5)
	r := newRandom(6)
	for i := range x.mine[:200] {
		var seats []license.Activation
		for range r.IntN(8) {
			seats = append(seats, r.activation(x.mine[i]))
		}
		activate(t, s, seats...)
	}
	f := store.LicenseFilter{Customer: x.owner.ID}
	read := func() []license.Owned { // what is held depends on the instant
		all, err := s.OwnedLicenses(t.Context(), f, license.ByAssigned, false, store.Page{Size: 500})
		same(t, len(x.mine), len(all), err)
		return all
	}
	found := map[license.Attention]bool{}
	for _, now := range []time.Time{noon, noon.Add(license.RecentlyEnded), noon.Add(-verdict.SoonWindow)} {
		f.Now = now
		all := read()
		for _, o := range all {
			found[o.Attention(now)] = true
		}
		visits(t, byNeed(all, now), func(page store.Page) ([]id.ID, error) {
			list, err := s.OwnedLicenses(t.Context(), f, license.ByNeed, false, page)
			return owned(list), err
		})
	}
	same(t, int(license.AttentionNone)+1, len(found), nil) // every need is among them
	f.Now = noon
	living := slices.DeleteFunc(read(), func(o license.Owned) bool { return o.License.Status(noon).Ended() })
	f.Living = true
	list, err := s.OwnedLicenses(t.Context(), f, license.ByNeed, false, store.Page{Size: 500})
	same(t, byNeed(living, noon), owned(list), err)
}

// byNeed is the order of the list, told by Go; ids grow with creation.
func byNeed(list []license.Owned, now time.Time) []id.ID {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b license.Owned) int {
		if by := a.Attention(now) - b.Attention(now); by != 0 {
			return int(by)
		}
		if by := a.License.EndsAt().Compare(b.License.EndsAt()); by != 0 {
			return by
		}
		return cmp.Compare(a.License.ID, b.License.ID)
	})
	return owned(list)
}
