package api_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/api/apitest"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/store/storetest"
	"github.com/keyward/keyward/licensefile"
)

func TestActivateValidateDeactivate(t *testing.T) {
	f := newFixture(t, apitest.Options{})

	t.Run("a device without a seat is refused", func(t *testing.T) {
		r := f.ask(t, validate, f.about(f.key, "HW-1"))
		wantVerdict(t, r, "not_activated")
		if r.Answer.License == nil || r.Answer.License.Status != "assigned" || r.Answer.Activation != nil {
			t.Errorf("got %s", r.Text)
		}
	})
	var first string
	t.Run("activation takes a seat and makes the license active", func(t *testing.T) {
		r := f.ask(t, activate, f.about(f.key, "HW-1"))
		wantVerdict(t, r, "valid")
		a := r.Answer.Activation
		if a == nil || a.Status != "active" || a.Device.ID != "HW-1" || a.Device.Kind != "hardware" || r.Answer.License.Status != "active" {
			t.Fatalf("got %s", r.Text)
		}
		first = a.ID
	})
	t.Run("the same device again takes no second seat", func(t *testing.T) { // C-LCY-04
		r := f.ask(t, activate, f.about(strings.ToLower(f.key), " hw-1 "))
		wantVerdict(t, r, "valid")
		if r.Answer.Activation.ID != first {
			t.Errorf("got another activation: %s", r.Text)
		}
	})
	t.Run("validate and check in are good then", func(t *testing.T) {
		wantVerdict(t, f.ask(t, validate, f.about(f.key, "HW-1")), "valid")
		wantVerdict(t, f.ask(t, checkIn, f.about(f.key, "HW-1")), "valid")
	})
	t.Run("the limit is reached with the third device, and a fix says where to free a seat", func(t *testing.T) {
		wantVerdict(t, f.ask(t, activate, f.about(f.key, "HW-2")), "valid")
		r := f.ask(t, activate, f.about(f.key, "HW-3"))
		wantVerdict(t, r, "limit_reached")
		href := r.Answer.Verdict.Fixes[0].Href
		if !strings.HasPrefix(href, "https://licenses.example.com/help/") || strings.Contains(href, string(f.license.ID)) || strings.Contains(href, f.key) {
			t.Errorf("got fixes %+v", r.Answer.Verdict.Fixes)
		}
	})
	t.Run("deactivation frees the seat at once and can be repeated", func(t *testing.T) {
		r := f.ask(t, deactivate, f.about(f.key, "HW-1"))
		wantVerdict(t, r, "not_activated")
		if r.Answer.Activation == nil || r.Answer.Activation.Status != "deactivated" || r.Answer.Activation.ID != first {
			t.Errorf("got %s", r.Text)
		}
		wantVerdict(t, f.ask(t, deactivate, f.about(f.key, "HW-1")), "not_activated")
		wantVerdict(t, f.ask(t, activate, f.about(f.key, "HW-3")), "valid")
	})
}

func TestFloatingSeat(t *testing.T) {
	f := newFixture(t, apitest.Options{})
	f.product = f.AddProduct("Pool", func(p *license.Product) { p.HoldFor = 15 * time.Minute })
	_, key := f.Issue(f.product, licensing.Issue{CustomerID: f.customer.ID})
	seat := func(path string) reply { return f.ask(t, path, f.about(key, "HW-1")) }
	until := seat(activate).Answer.Activation.HoldUntil
	if until == nil || !until.Equal(f.Now().Add(15*time.Minute)) {
		t.Fatalf("held until %v", until)
	}
	f.Advance(10 * time.Minute)
	r := seat(checkIn)
	if moved := r.Answer.Activation.HoldUntil; !moved.Equal(until.Add(10 * time.Minute)) {
		t.Errorf("a check-in moved the hold to %v", moved)
	}
	if lease := f.lease(t, r); lease.ValidUntil.After(*r.Answer.Activation.HoldUntil) {
		t.Errorf("the lease is good until %s", lease.ValidUntil)
	}
	f.Advance(15 * time.Minute)
	wantVerdict(t, seat(validate), "seat_lapsed")
	wantVerdict(t, seat(checkIn), "valid")
	wantVerdict(t, seat(deactivate), "not_activated")
}

func TestEveryRefusalIsAnAnswer(t *testing.T) {
	f := newFixture(t, apitest.Options{})
	ctx, owner := t.Context(), f.customer.ID
	other := f.AddProduct("Other", nil)
	issue := func(p apitest.Product, in licensing.Issue) (license.License, string) {
		if in.CustomerID == "" {
			in.CustomerID = owner
		}
		return f.Issue(p, in)
	}
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	days := 10
	for _, c := range []struct {
		name, path, code string
		ask              func(t *testing.T) question
	}{
		{"a key that does not exist", validate, "key_unknown", func(*testing.T) question { return f.about("KW-NOPE1-NOPE2-NOPE3-NOPE4", "") }},
		{"another environment than the token's", validate, "environment_mismatch", func(*testing.T) question {
			return question{"key": f.key, "environment": "staging"}
		}},
		{"another product's key", validate, "product_mismatch", func(*testing.T) question {
			_, key := issue(other, licensing.Issue{})
			return f.about(key, "")
		}},
		{"naming another product", validate, "product_mismatch", func(*testing.T) question { return question{"key": f.key, "product": "other"} }},
		{"a license that nobody owns", validate, "not_assigned", func(*testing.T) question {
			_, key := f.Issue(f.product, licensing.Issue{})
			return f.about(key, "")
		}},
		{"a revoked license", validate, "revoked", func(t *testing.T) question {
			l, key := issue(f.product, licensing.Issue{})
			_, err := f.Licensing.Revoke(ctx, f.System(), l.ID, license.Refund, "")
			must(t, err)
			return f.about(key, "")
		}},
		{"an expired license", activate, "expired", func(t *testing.T) question {
			l, key := issue(f.product, licensing.Issue{ValidityDays: &days})
			change(t, f.Store, l.ID, func(l *license.License) { l.ExpiresAt = f.Now() })
			return f.about(key, "HW-1")
		}},
		{"a suspended license", validate, "suspended", func(t *testing.T) question {
			l, key := issue(f.product, licensing.Issue{})
			_, err := f.Licensing.Suspend(ctx, f.System(), l.ID, license.Payment, "The bill of March is open.")
			must(t, err)
			return f.about(key, "")
		}},
		{"a license that begins later", validate, "not_started", func(*testing.T) question {
			_, key := issue(f.product, licensing.Issue{StartsAt: f.Now().Add(time.Hour)})
			return f.about(key, "")
		}},
		{"a version above the maximum", validate, "version_not_eligible", func(*testing.T) question {
			highest := "8.x"
			_, key := issue(f.product, licensing.Issue{MaxVersion: &highest})
			return question{"key": key, "version": "9.0"}
		}},
		{"a feature that is not included", validate, "feature_missing", func(*testing.T) question {
			return question{"key": f.key, "features": []string{"export", "seats"}}
		}},
		{"a domain where hardware is wanted", activate, "identifier_kind", func(*testing.T) question {
			return question{"key": f.key, "device": map[string]string{"id": "shop.example.com", "kind": "domain"}}
		}},
		{"a device without a seat", checkIn, "not_activated", func(*testing.T) question { return f.about(f.key, "HW-9") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := f.ask(t, c.path, c.ask(t))
			wantVerdict(t, r, c.code)
			lease := f.lease(t, r)
			if lease.Verdict.Valid || string(lease.Verdict.Code) != c.code || len(r.Answer.Verdict.Checks) != 21 {
				t.Errorf("lease %+v in %s", lease, r.Text)
			}
			if strings.Contains(r.Text, "bill of March") || strings.Contains(r.Text, "Secret Owner") {
				t.Errorf("software is told what is for the owner alone: %s", r.Text)
			}
		})
	}
}

func TestProductsDecideToo(t *testing.T) {
	f := newFixture(t, apitest.Options{})
	strict := f.AddProduct("Strict", func(p *license.Product) { p.DeviceRequired, p.MaxSkew = true, time.Minute })
	_, key := f.Issue(strict, licensing.Issue{CustomerID: f.customer.ID})
	f.product = strict

	wantVerdict(t, f.ask(t, validate, f.about(key, "")), "identifier_required")
	wantVerdict(t, f.ask(t, activate, f.about(key, "HW-1")), "valid")
	late := f.about(key, "HW-1")
	late["client_time"] = f.Now().Add(-time.Hour)
	wantVerdict(t, f.ask(t, validate, late), "clock_skew")

	write(t, f.Store, func(ctx context.Context, tx *store.Tx) error {
		return tx.SetProductActive(ctx, strict.ID, false, f.Now())
	})
	wantVerdict(t, f.ask(t, validate, f.about(key, "HW-1")), "valid")
	wantVerdict(t, f.ask(t, activate, f.about(key, "HW-2")), "product_inactive")
	write(t, f.Store, func(ctx context.Context, tx *store.Tx) error {
		return tx.SetProductKilled(ctx, strict.ID, f.Now(), f.Now())
	})
	wantVerdict(t, f.ask(t, validate, f.about(key, "HW-1")), "product_inactive")
}

func TestTokenSeesNothingOfAnotherProduct(t *testing.T) { // C-ENV, S-ISO
	f := newFixture(t, apitest.Options{})
	staging := f.AddProduct("Hidden", func(p *license.Product) { p.Environment = license.Staging })
	_, stagingKey := f.Issue(staging, licensing.Issue{CustomerID: f.customer.ID})
	other := f.AddProduct("Hidden2", nil)
	l, otherKey := f.Issue(other, licensing.Issue{CustomerID: f.customer.ID})

	wantVerdict(t, f.ask(t, validate, f.about(stagingKey, "")), "key_unknown")
	for _, path := range []string{validate, activate, deactivate, checkIn} {
		r := f.ask(t, path, f.about(otherKey, "HW-1"))
		if r.Answer.Verdict.Valid || r.Answer.License != nil || r.Answer.Activation != nil {
			t.Errorf("%s answers %s", path, r.Text)
		}
		for _, secret := range []string{"Hidden", string(l.ID), string(other.ID), "Secret Owner"} {
			if strings.Contains(r.Text, secret) {
				t.Errorf("%s tells %q: %s", path, secret, r.Text)
			}
		}
	}
}

func TestSoftwareLearnsNothingBeyondItsOwnDevice(t *testing.T) {
	f := newFixture(t, apitest.Options{})
	wantVerdict(t, f.ask(t, activate, f.about(f.key, "HW-OTHER-1")), "valid")
	wantVerdict(t, f.ask(t, activate, f.about(f.key, "HW-OTHER-2")), "valid")
	for _, path := range []string{validate, activate, deactivate, checkIn} {
		r := f.ask(t, path, f.about(f.key, "HW-MINE"))
		for _, secret := range []string{"HW-OTHER", "Secret Owner", string(f.customer.ID), f.key, "limit\":", "\"used\"", "SELECT", ".go:", "\"plan\""} {
			if strings.Contains(r.Text, secret) {
				t.Errorf("%s tells %q: %s", path, secret, r.Text)
			}
		}
		if c := r.Answer.Verdict.Checks[16]; c.Code != "limit_reached" || !c.Observed.IsZero() || !c.Required.IsZero() {
			t.Errorf("%s counts seats: %+v", path, c)
		}
	}
	if log := f.Log(); strings.Contains(log, f.key) || strings.Contains(log, f.product.Token) || strings.Contains(log, "HW-MINE") {
		t.Errorf("the log holds a key, a token or a device:\n%s", log)
	}
}

func TestLease(t *testing.T) {
	f := newFixture(t, apitest.Options{})
	days := 5
	_, key := f.Issue(f.product, licensing.Issue{CustomerID: f.customer.ID, ValidityDays: &days})
	ask := func(device string) reply {
		q := f.about(key, device)
		q["nonce"], q["version"] = "n-42", "8.1"
		return f.ask(t, activate, q)
	}
	r := ask("HW-1")
	wantVerdict(t, r, "valid")
	lease := f.lease(t, r)

	t.Run("it answers this request, for this device and product", func(t *testing.T) {
		if err := lease.Check(f.Now(), licensefile.Expect{Product: string(f.product.ID), Device: "HW-1", Nonce: "n-42"}); err != nil {
			t.Error(err)
		}
		if !lease.Verdict.Valid || lease.Features["export"] != true || lease.Version != "8.1" {
			t.Errorf("got %+v", lease)
		}
	})
	t.Run("it never outlives the license", func(t *testing.T) {
		end := apitest.Start.Add(5 * 24 * time.Hour)
		if !lease.ValidUntil.Equal(end) || lease.EndsAt == nil || !lease.EndsAt.Equal(end) {
			t.Errorf("valid until %v, ends at %v", lease.ValidUntil, lease.EndsAt)
		}
	})
	t.Run("without an end it lives as long as the product says", func(t *testing.T) {
		lease := f.lease(t, f.ask(t, activate, f.about(f.key, "HW-1")))
		if want := f.Now().Add(f.product.LeaseFor); !lease.ValidUntil.Equal(want) || lease.EndsAt != nil {
			t.Errorf("got %+v", lease)
		}
	})
	t.Run("the published keys verify it", func(t *testing.T) {
		got := f.get(t, "/.well-known/jwks.json?product="+string(f.product.ID))
		if got.Status != http.StatusOK || got.Header.Get("Cache-Control") != "public, max-age=300" || got.Header.Get("Content-Type") != "application/jwk-set+json" {
			t.Fatalf("got %d %v", got.Status, got.Header)
		}
		keys, err := licensefile.ParseKeySet([]byte(got.Text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := licensefile.ParseLease(ask("HW-1").Answer.Lease, keys); err != nil {
			t.Error(err)
		}
	})
}

func TestIdempotencyKey(t *testing.T) {
	f := newFixture(t, apitest.Options{})
	q := f.about(f.key, "HW-1")
	first := f.ask(t, activate, q, "Idempotency-Key", "k-1")
	wantVerdict(t, first, "valid")

	t.Run("a retry gets what the first request made", func(t *testing.T) {
		again := f.ask(t, activate, q, "Idempotency-Key", "k-1")
		wantVerdict(t, again, "valid")
		if again.Answer.Activation.ID != first.Answer.Activation.ID {
			t.Errorf("got %s", again.Text)
		}
	})
	t.Run("a late retry does not bring a deactivated device back", func(t *testing.T) {
		wantVerdict(t, f.ask(t, deactivate, q), "not_activated")
		late := f.ask(t, activate, q, "Idempotency-Key", "k-1")
		if late.Answer.Activation == nil || late.Answer.Activation.Status != "deactivated" {
			t.Errorf("got %s", late.Text)
		}
		wantVerdict(t, f.ask(t, validate, q), "not_activated")
	})
	t.Run("another request with the same key is a conflict", func(t *testing.T) {
		other := f.about(f.key, "HW-1")
		other["version"] = "9"
		wantProblem(t, f.ask(t, activate, other, "Idempotency-Key", "k-1"), http.StatusConflict, "idempotency_conflict")
	})
	t.Run("a key that is no word is refused", func(t *testing.T) {
		r := f.ask(t, activate, q, "Idempotency-Key", strings.Repeat("x", 129))
		wantProblem(t, r, http.StatusBadRequest, "invalid_input")
		if got := fieldsOf(r.Problem); got[0] != "idempotency_key" {
			t.Errorf("blames %v", got)
		}
	})
}

// Many devices ask for the last seats at once. SQLite hides the bug that this
// looks for, so PostgreSQL is asked too.
func TestSeatsAreNotOversold(t *testing.T) { // C-LCY-06
	for name, open := range map[string]func(t *testing.T) apitest.Options{
		"sqlite":   func(*testing.T) apitest.Options { return apitest.Options{} },
		"postgres": func(t *testing.T) apitest.Options { return apitest.Options{Database: storetest.Postgres(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, open(t))
			limit := 5
			l, key := f.Issue(f.product, licensing.Issue{CustomerID: f.customer.ID, Limit: &limit})
			counts := race(t, f, key)
			if counts["valid"] != limit || counts["limit_reached"] != devices-limit {
				t.Errorf("got %v", counts)
			}
			seats, err := f.Store.Seats(t.Context(), l.ID, nil, f.Now())
			if err != nil || seats.Used != limit {
				t.Errorf("%d seats are held (%v)", seats.Used, err)
			}
		})
	}
}

const devices = 32

func race(t *testing.T, f *fixture, key string) map[string]int {
	var mu sync.Mutex
	var all sync.WaitGroup
	counts := map[string]int{}
	for n := range devices {
		all.Go(func() {
			r := f.ask(t, activate, f.about(key, fmt.Sprintf("HW-%d", n)))
			mu.Lock()
			defer mu.Unlock()
			counts[r.Answer.Verdict.Code]++
		})
	}
	all.Wait()
	return counts
}

func write(t *testing.T, s *store.Store, fn func(context.Context, *store.Tx) error) {
	t.Helper()
	if err := s.InTx(t.Context(), func(tx *store.Tx) error { return fn(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

// change writes a fact of a license that would otherwise come with time.
func change(t *testing.T, s *store.Store, wanted id.ID, fn func(*license.License)) {
	t.Helper()
	write(t, s, func(ctx context.Context, tx *store.Tx) error {
		l, err := tx.LockLicense(ctx, wanted)
		if err != nil {
			return err
		}
		fn(&l)
		return tx.SaveLicense(ctx, l)
	})
}
