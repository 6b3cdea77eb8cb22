package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

func aWebhook(t *testing.T, s *store.Store, e license.Environment, types ...event.Type) store.Webhook {
	t.Helper()
	h := store.Webhook{ID: id.New(), Environment: e, URL: "https://example.com/hook", Events: types, CreatedAt: noon}
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddWebhook(ctx, h, []byte("sealed "+h.ID)) })
	return h
}

func aDelivery(t *testing.T, s *store.Store, h store.Webhook, due time.Time) store.Delivery {
	t.Helper()
	d := store.Delivery{
		ID: id.New(), WebhookID: h.ID, Type: event.LicenseRenewed, Body: `{"a":1}`, State: store.DeliveryWaiting, NextAt: due, CreatedAt: noon,
	}
	must(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AddDelivery(ctx, d) })
	return d
}

func webhooks(t *testing.T, s *store.Store) {
	ctx := t.Context()
	live := aWebhook(t, s, license.Production, event.LicenseRenewed, event.LicenseRevoked)
	staged := aWebhook(t, s, license.Staging)
	gone := aWebhook(t, s, license.Production)
	waiting := aDelivery(t, s, gone, noon)
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		got, err := tx.LockWebhook(ctx, gone.ID)
		same(t, gone, got, err)
		return tx.RemoveWebhook(ctx, gone.ID, noon)
	})
	gone.RemovedAt = noon

	t.Run("those in use are listed by environment", func(t *testing.T) {
		got, err := s.Webhooks(ctx, "", 10)
		same(t, []store.Webhook{live, staged}, got, err)
		got, err = s.Webhooks(ctx, license.Production, 10)
		same(t, []store.Webhook{live}, got, err)
		got, err = s.Webhooks(ctx, "", 1)
		same(t, 1, len(got), err)
	})
	t.Run("one that is removed can still be looked up, and nothing waits for it", func(t *testing.T) {
		got, err := s.Webhook(ctx, gone.ID)
		same(t, gone, got, err)
		d, err := s.Delivery(ctx, waiting.ID)
		waiting.State, waiting.NextAt, waiting.FinishedAt = store.DeliveryFailed, time.Time{}, noon
		same(t, waiting, d, err)
	})
	t.Run("a secret is kept sealed", func(t *testing.T) {
		got, err := s.WebhookSecret(ctx, live.ID)
		same(t, "sealed "+string(live.ID), string(got), err)
	})
	t.Run("one that is not there", func(t *testing.T) {
		_, err := s.Webhook(ctx, id.New())
		absent(t, err)
		absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.RemoveWebhook(ctx, id.New(), noon) }))
		absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.AddDelivery(ctx, store.Delivery{ID: id.New(), WebhookID: id.New(), NextAt: noon, CreatedAt: noon})
		}))
	})
}

// deliveries proves that a delivery is claimed by one at a time, ends once and
// is counted.
func deliveries(t *testing.T, s *store.Store) {
	ctx := t.Context()
	h, other := aWebhook(t, s, license.Production), aWebhook(t, s, license.Production)
	later, now := aDelivery(t, s, h, noon.Add(time.Hour)), aDelivery(t, s, h, noon)
	claim := func(hook id.ID, at time.Time) (d store.Delivery, err error) {
		err = try(t, s, func(ctx context.Context, tx *store.Tx) error {
			d, err = tx.ClaimDelivery(ctx, hook, at, at.Add(time.Minute))
			return err
		})
		return d, err
	}

	due, err := s.NextDeliveryAt(ctx, h.ID)
	same(t, noon, due, err)
	_, err = s.NextDeliveryAt(ctx, other.ID)
	absent(t, err)
	d, err := claim(h.ID, noon)
	now.Attempts, now.NextAt = 1, noon.Add(time.Minute)
	same(t, now, d, err)
	_, err = claim(h.ID, noon)
	absent(t, err)
	_, err = claim(other.ID, noon)
	absent(t, err)

	// The one who claimed it never came back.
	again, err := claim(h.ID, noon.Add(time.Minute))
	same(t, 2, again.Attempts, err)
	absent(t, try(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.EndDelivery(ctx, d, store.DeliveryDelivered, noon)
	}))
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.RetryDelivery(ctx, again, noon.Add(5*time.Minute))
	})
	_, err = claim(h.ID, noon.Add(4*time.Minute))
	absent(t, err)
	last, err := claim(h.ID, noon.Add(5*time.Minute))
	same(t, now.ID, last.ID, err)
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.EndDelivery(ctx, last, store.DeliveryDelivered, noon)
	})
	lost, err := claim(h.ID, noon.Add(time.Hour))
	same(t, later.ID, lost.ID, err)
	must(t, s, func(ctx context.Context, tx *store.Tx) error {
		return tx.EndDelivery(ctx, lost, store.DeliveryFailed, noon)
	})

	t.Run("what became of them is kept and counted", func(t *testing.T) {
		got, err := s.Webhook(ctx, h.ID)
		h.Delivered, h.Failed = 1, 1
		same(t, h, got, err)
		list, err := s.Deliveries(ctx, h.ID, 10)
		same(t, 2, len(list), err)
		same(t, store.DeliveryDelivered, list[0].State, nil)
		same(t, store.DeliveryFailed, list[1].State, nil)
		list, err = s.Deliveries(ctx, h.ID, 1)
		same(t, 1, len(list), err)
	})
	t.Run("attempts come back as they were, and go with their delivery", func(t *testing.T) {
		a := store.DeliveryAttempt{
			At: noon, Took: time.Second, RequestHeaders: map[string]string{"A": "b"}, Status: 500,
			AnswerHeaders: map[string]string{"C": "d"}, Answer: "no", Error: "it answered 500",
		}
		must(t, s, func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(tx.AddDeliveryAttempt(ctx, now.ID, a), tx.AddDeliveryAttempt(ctx, later.ID, a), tx.AddDeliveryAttempt(ctx, now.ID, a))
		})
		got, err := s.DeliveryAttempts(ctx, now.ID)
		same(t, []store.DeliveryAttempt{a, a}, got, err)
		purge := func(before time.Time) (n int64) {
			must(t, s, func(ctx context.Context, tx *store.Tx) error {
				var err error
				n, err = tx.PurgeDeliveries(ctx, before, 10)
				return err
			})
			return n
		}
		same(t, 0, purge(noon), nil)
		same(t, 2, purge(noon.Add(time.Microsecond)), nil)
		got, err = s.DeliveryAttempts(ctx, now.ID)
		same(t, nil, got, err)
	})
}
