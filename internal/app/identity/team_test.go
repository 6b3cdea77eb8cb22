package identity_test

import (
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/store/storetest"
)

// Owners who leave or demote each other at once leave one owner behind.
func TestSomebodyStaysOwner(t *testing.T) {
	for name, options := range map[string]func(t *testing.T) store.Options{
		"SQLite":     func(t *testing.T) store.Options { return store.Options{Dir: storetest.Dir(t)} },
		"PostgreSQL": func(t *testing.T) store.Options { return store.Options{Database: storetest.Postgres(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			s := storetest.Open(t, options(t))
			master, err := signing.LoadMaster(strings.Repeat("5a", 32), "")
			ok(t, err)
			f := identity.New(identity.Deps{Store: s, Hasher: account.NewHasher(), Master: master, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
			for range 5 {
				ownersAtOnce(t, f, s)
			}
		})
	}
}

func ownersAtOnce(t *testing.T, f *identity.Service, s *store.Store) {
	t.Helper()
	c, first, err := f.CreateCustomer(t.Context(), system, identity.NewCustomer{Name: "Engines", Email: strings.ToLower(t.Name()[:8]) + signing.NewToken("")[:8] + "@example.com"})
	ok(t, err)
	owners := []account.Person{first}
	for range 5 {
		p, err := f.AddPerson(t.Context(), system, identity.NewPerson{CustomerID: c.ID, Email: signing.NewToken("")[:12] + "@example.com", Role: account.Owner})
		ok(t, err)
		owners = append(owners, p)
	}
	var wg sync.WaitGroup
	for i, p := range owners {
		actor := account.Actor{Kind: account.ActorPerson, ID: p.ID, CustomerID: c.ID, Role: account.Owner}
		other := owners[(i+1)%len(owners)].ID
		wg.Go(func() {
			err := errors.Join(f.SetRole(t.Context(), actor, other, account.Viewer), f.RemoveMember(t.Context(), actor, actor.ID))
			if err != nil && !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Forbidden) && !fault.Is(err, fault.NotFound) {
				t.Errorf("unexpected: %v", err)
			}
		})
	}
	wg.Wait()
	members, err := s.Members(t.Context(), c.ID)
	ok(t, err)
	left := 0
	for _, m := range members {
		if m.Role == account.Owner {
			left++
		}
	}
	if left < 1 {
		t.Errorf("nobody owns the account: %d people are left", len(members))
	}
}
