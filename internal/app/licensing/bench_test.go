package licensing_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/apptest"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
)

// BenchmarkValidate is what shipped software does most: facts, verdict and a
// signed lease, without a write.
func BenchmarkValidate(b *testing.B) {
	w := apptest.New(b)
	p := w.Product("editor")
	_, key := w.License(p, w.Customer("Ada"))
	w.Activate(p, key, "HW-1")
	client := apptest.Client(p)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if a, err := w.Licensing.Validate(b.Context(), client, apptest.Call(key, "HW-1")); err != nil || !a.Verdict.Valid {
				b.Errorf("%s (%v)", a.Verdict.Code, err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}

// BenchmarkActivate gives every caller's devices seats, durably.
func BenchmarkActivate(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			w := apptest.New(b)
			p := w.Product("editor")
			client := apptest.Client(p)
			_, key := w.License(p, w.Customer("Ada"), func(in *licensing.Issue) { none := license.Unlimited; in.Limit = &none })
			var n atomic.Int64
			var all sync.WaitGroup
			b.ResetTimer()
			for range callers {
				all.Go(func() {
					for i := n.Add(1); i <= int64(b.N); i = n.Add(1) {
						if a, err := w.Licensing.Activate(b.Context(), client, apptest.Call(key, fmt.Sprint("HW-", i))); err != nil || !a.Verdict.Valid {
							b.Errorf("%s (%v)", a.Verdict.Code, err)
							return
						}
					}
				})
			}
			all.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
		})
	}
}

// BenchmarkList reads My Licenses of a customer with few licenses, with many,
// and with many whose keys are sealed.
func BenchmarkList(b *testing.B) {
	for _, size := range []struct {
		name     string
		licenses int
		change   func(*license.Product, *license.Generator)
	}{
		{"20", 20, func(*license.Product, *license.Generator) {}},
		{"10000", 10_000, func(*license.Product, *license.Generator) {}},
		{"5000-sealed", 5_000, secure},
	} {
		w := apptest.New(b)
		p, c := w.Product("editor", size.change), w.Customer("Ada")
		fill(w, p, c, size.licenses)
		owner := apptest.Owner(c)
		for name, q := range map[string]licensing.ListQuery{
			"newest":  {Desc: true},
			"product": {Sort: license.ByProduct},
			"status":  {Sort: license.ByStatus},
			"search":  {Search: "KEY-00017", Desc: true},
			"name":    {Search: "product", Desc: true},
			"active":  {Status: license.Active, Desc: true},
		} {
			b.Run(size.name+"/"+name, func(b *testing.B) {
				for b.Loop() {
					if l, err := w.Licensing.List(b.Context(), owner, q); err != nil || l.Owned != size.licenses {
						b.Fatalf("%d of %d (%v)", l.Owned, size.licenses, err)
					}
				}
			})
		}
		b.Run(size.name+"/dashboard", func(b *testing.B) {
			for b.Loop() {
				if _, err := w.Licensing.Dashboard(b.Context(), owner); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(size.name+"/devices", func(b *testing.B) {
			for b.Loop() {
				if _, err := w.Licensing.Devices(b.Context(), owner, licensing.DeviceQuery{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// fill gives a customer licenses, every other one with a device, in one
// transaction.
func fill(w *apptest.World, p license.Product, c account.Customer, n int) {
	w.Helper()
	w.Tx(func(ctx context.Context, tx *store.Tx) error {
		for i := range n {
			l := license.License{
				ID: id.New(), ProductID: p.ID, CustomerID: c.ID, Environment: p.Environment, Plan: "Standard", Mask: "EDIT-•••••-•1234",
				Limit: 5, CreatedAt: apptest.Start, AssignedAt: apptest.Start.Add(-time.Duration(i) * time.Second),
				ExpiresAt: apptest.Start.Add(time.Duration(i%700-100) * apptest.Day), Version: 2,
			}
			text := fmt.Sprintf("KEY-%05d-ABCDE-FGHJK", i)
			key := store.LicenseKey{Hash: []byte(text), Text: text, Folded: id.Fold(text)}
			if p.HighSecurity {
				sealed, err := w.Master.Seal([]byte(text), signing.Binding{Table: "license", Column: "key_sealed", Row: string(l.ID)})
				if err != nil {
					return err
				}
				key = store.LicenseKey{Hash: []byte(text), Sealed: sealed}
			}
			if i%2 == 0 {
				l.FirstActivatedAt = l.AssignedAt
			}
			if err := tx.AddLicense(ctx, l, key, ""); err != nil {
				return err
			}
			if i%2 == 1 {
				continue
			}
			a := license.Activation{ID: id.New(), LicenseID: l.ID, Kind: license.Hardware, Identifier: fmt.Sprint("HW-", i), ActivatedAt: l.AssignedAt}
			if err := tx.AddActivation(ctx, a); err != nil {
				return err
			}
		}
		return nil
	})
}
