package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/verdict"
)

func validations(t *testing.T, s *store.Store) {
	ctx := t.Context()
	p, q := aProduct(t, s, "editor"), aProduct(t, s, "viewer")
	hour := noon.Truncate(time.Hour)
	count := func(product id.ID, hours int, code verdict.Code, n int64) store.Validations {
		return store.Validations{ProductID: product, Hour: hour.Add(time.Duration(hours) * time.Hour), Code: code, Total: n}
	}
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.AddValidations(ctx, []store.Validations{
			count(p.ID, 0, verdict.Valid, 2), count(p.ID, 0, verdict.Expired, 1), count(p.ID, 1, verdict.Valid, 5),
			count(q.ID, 0, verdict.Valid, 7), count(id.New(), 0, verdict.Valid, 9), count("", 0, verdict.KeyUnknown, 9),
		})
	})
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.AddValidations(ctx, []store.Validations{count(p.ID, 0, verdict.Valid, 40)})
	})
	got, err := s.ValidationsSince(ctx, p.ID, hour)
	same(t, []store.Validations{
		count(p.ID, 0, verdict.Expired, 1), count(p.ID, 0, verdict.Valid, 42), count(p.ID, 1, verdict.Valid, 5),
	}, got, err)
	got, err = s.ValidationsSince(ctx, p.ID, hour.Add(time.Hour))
	same(t, []store.Validations{count(p.ID, 1, verdict.Valid, 5)}, got, err)
	got, err = s.ValidationsSince(ctx, id.New(), hour)
	same(t, nil, got, err)
}

func idempotency(t *testing.T, s *store.Store) {
	ctx := t.Context()
	first := store.Idempotent{Scope: "token|use", Key: "k", RequestHash: []byte{1}, ResultID: id.New(), ExpiresAt: noon}
	keep := func(i store.Idempotent) {
		t.Helper()
		must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddIdempotent(ctx, i) })
	}
	keep(first)

	got, err := s.Idempotent(ctx, first.Scope, first.Key, noon.Add(-time.Microsecond))
	same(t, first, got, err)
	_, err = s.Idempotent(ctx, first.Scope, first.Key, noon)
	absent(t, err)
	_, err = s.Idempotent(ctx, "other", first.Key, noon.Add(-time.Hour))
	absent(t, err)
	_, err = s.Idempotent(ctx, first.Scope, "other", noon.Add(-time.Hour))
	absent(t, err)

	second := store.Idempotent{Scope: first.Scope, Key: first.Key, RequestHash: []byte{2}, ResultID: id.New(), ExpiresAt: noon.Add(time.Hour)}
	lasting := store.Idempotent{Scope: first.Scope, Key: "lasting", RequestHash: []byte{3}, ResultID: id.New(), ExpiresAt: noon.Add(2 * time.Hour)}
	keep(second)
	keep(lasting)
	got, err = s.Idempotent(ctx, first.Scope, first.Key, noon)
	same(t, second, got, err)

	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		n, err := tx.ForgetIdempotent(ctx, noon.Add(time.Hour), 10)
		same(t, int64(1), n, err)
		return nil
	})
	got, err = s.Idempotent(ctx, lasting.Scope, lasting.Key, noon)
	same(t, lasting, got, err)
}
