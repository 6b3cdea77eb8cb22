package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

// The generated columns are the same rules as license.License.Phase and EndsAt,
// for every combination of facts, licenses that nobody owns included.
func TestPhaseAndEndAreWhatGoSays(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { phases(t, openSQLite(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { phases(t, openPostgres(t)) })
}

func phases(t *testing.T, s *store.Store) {
	now := time.Date(2026, 3, 12, 12, 0, 0, 1000, time.UTC)
	customer := account.Customer{ID: id.New(), Name: "Owner", Status: account.Active, CreatedAt: now}
	product := license.Product{ID: id.New(), Environment: license.Production, Name: "Editor", Slug: "editor", CreatedAt: now}
	var want []string
	err := s.InTx(t.Context(), func(tx *store.Tx) error {
		if err := addBoth(t.Context(), tx, customer, product); err != nil {
			return err
		}
		want = nil
		for facts := range 32 {
			l := license.License{ID: id.New(), ProductID: product.ID, Environment: product.Environment, CreatedAt: now, Grace: time.Hour}
			if facts&1 != 0 {
				l.CustomerID, l.AssignedAt = customer.ID, now
			}
			for bit, at := range []*time.Time{&l.FirstActivatedAt, &l.SuspendedAt, &l.RevokedAt, &l.ExpiresAt} {
				if facts&(2<<bit) != 0 {
					*at = now.Add(time.Duration(facts) * time.Minute)
				}
			}
			if err := tx.AddLicense(t.Context(), l, store.LicenseKey{Hash: []byte{byte(facts)}}, ""); err != nil {
				return err
			}
			want = append(want, fmt.Sprintf("%s %s %d", l.ID, l.Phase(), l.EndsAt().UnixMicro()))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := store.Texts(s.Reader, t.Context(), `SELECT id || ' ' || phase || ' ' || ends_at FROM license ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("licenses (-Go +SQL):\n%s", diff)
	}
}

func addBoth(ctx context.Context, tx *store.Tx, c account.Customer, p license.Product) error {
	if err := tx.AddCustomer(ctx, c); err != nil {
		return err
	}
	return tx.AddProduct(ctx, p)
}
