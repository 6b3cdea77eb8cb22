package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/webhooks"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

const (
	cursor = "webhook"
	// batch bounds the events of one transaction, which others wait for on
	// SQLite.
	batch = 50
)

// Collect makes a delivery of every sealed event for each webhook that wants to
// hear of it. It may be called in any number of processes.
func (s *Service) Collect(ctx context.Context) error {
	for {
		behind, err := s.behind(ctx)
		if err != nil || !behind {
			return err
		}
		err = s.Store.InTx(ctx, func(tx *store.Tx) error { return s.collect(ctx, tx) })
		if err != nil {
			return fmt.Errorf("collect events for webhooks: %w", err)
		}
	}
}

// behind looks before it takes: most rounds find nothing, and those should not
// disturb the ones who write.
func (s *Service) behind(ctx context.Context) (bool, error) {
	head, err := s.Store.Head(ctx)
	if store.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	at, err := s.Store.EventCursor(ctx, cursor)
	if store.IsNotFound(err) {
		return head.Number > 0, nil
	}
	return at < head.Number, err
}

func (s *Service) collect(ctx context.Context, tx *store.Tx) error {
	at, err := tx.LockEventCursor(ctx, cursor)
	if err != nil {
		return err
	}
	hooks, err := tx.Webhooks(ctx, "", webhooks.MaxWebhooks)
	if err != nil {
		return err
	}
	if len(hooks) == 0 {
		head, err := tx.Head(ctx)
		if err != nil {
			return err
		}
		return tx.SetEventCursor(ctx, cursor, head.Number)
	}
	list, err := tx.SealedAfter(ctx, at, batch)
	if err != nil || len(list) == 0 {
		return err // another process was here first
	}
	for _, e := range list {
		if err := s.deliverTo(ctx, tx, e, hooks); err != nil {
			return err
		}
	}
	return tx.SetEventCursor(ctx, cursor, list[len(list)-1].Number)
}

// deliverTo makes the deliveries of one event.
func (s *Service) deliverTo(ctx context.Context, tx *store.Tx, e store.Sealed, hooks []store.Webhook) error {
	var payload json.RawMessage
	for _, h := range hooks {
		if !wants(h, e.Event) {
			continue
		}
		if payload == nil {
			var err error
			if payload, err = s.payload(ctx, tx.Reader, e); err != nil {
				return err
			}
		}
		d := store.Delivery{ID: id.New(), WebhookID: h.ID, Type: e.Event.Type, CreatedAt: s.clock()}
		d.NextAt = d.CreatedAt
		body, err := json.Marshal(webhooks.Body{
			Event: e.Event.Type, WebhookID: h.ID, DeliveryID: d.ID, Timestamp: e.Event.At, Environment: h.Environment, Payload: payload,
		})
		if err != nil {
			return err
		}
		d.Body = string(body)
		if err := tx.AddDelivery(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// wants reports whether a webhook is to hear of an event: one of its own
// environment, of a type that it asked for, and not from before its time.
func wants(h store.Webhook, e event.Event) bool {
	types := h.Events
	if len(types) == 0 {
		types = event.Offered()
	}
	return h.Environment == e.Environment && slices.Contains(types, e.Type) && !e.At.Before(h.CreatedAt)
}

// payload is what a message says about its event: ids, facts and codes.
type payload struct {
	EventID    id.ID             `json:"event_id"`
	Number     int64             `json:"number"` // orders events
	Actor      account.ActorKind `json:"actor"`
	Reason     string            `json:"reason,omitempty"`
	ProductID  id.ID             `json:"product_id,omitempty"`
	CustomerID id.ID             `json:"customer_id,omitempty"`
	License    *aboutLicense     `json:"license,omitempty"`
	Activation *aboutActivation  `json:"activation,omitempty"`
	Data       event.Data        `json:"data"`
}

// aboutLicense is a license as it is when the message is made.
type aboutLicense struct {
	ID        id.ID          `json:"id"`
	Version   int64          `json:"version"` // after the event
	Key       string         `json:"key"`     // masked
	Plan      string         `json:"plan"`
	Status    license.Status `json:"status"`
	ExpiresAt *time.Time     `json:"expires_at"`
	Limit     *int           `json:"activation_limit"` // null: unlimited
}

// aboutActivation is a device on a license as it is when the message is made.
type aboutActivation struct {
	ID          id.ID          `json:"id"`
	Kind        license.Kind   `json:"kind"`
	Identifier  string         `json:"identifier"`
	ActivatedAt time.Time      `json:"activated_at"`
	EndedAt     *time.Time     `json:"ended_at"`
	EndReason   license.Reason `json:"end_reason,omitempty"`
}

func (s *Service) payload(ctx context.Context, r store.Reader, e store.Sealed) (json.RawMessage, error) {
	p := payload{
		EventID: e.Event.ID, Number: e.Number, Actor: e.Event.Actor.Kind, Reason: e.Event.Reason,
		ProductID: e.Event.ProductID, CustomerID: e.Event.CustomerID, Data: e.Event.Data,
	}
	if !e.Event.LicenseID.IsZero() {
		l, err := r.License(ctx, e.Event.LicenseID)
		if err != nil {
			return nil, err
		}
		p.License = s.aboutLicense(l, e.Event)
	}
	if !e.Event.ActivationID.IsZero() {
		a, err := r.Activation(ctx, e.Event.ActivationID)
		if err != nil && !store.IsNotFound(err) {
			return nil, err
		}
		if err == nil {
			p.Activation = &aboutActivation{a.ID, a.Kind, a.Identifier, a.ActivatedAt, orNull(a.EndedAt), a.EndReason}
		}
	}
	return json.Marshal(p)
}

func (s *Service) aboutLicense(l license.License, e event.Event) *aboutLicense {
	about := &aboutLicense{ID: l.ID, Version: e.LicenseVersion, Key: l.Mask, Plan: l.Plan, Status: l.Status(s.clock()), ExpiresAt: orNull(l.ExpiresAt)}
	if l.Limit != license.Unlimited {
		about.Limit = &l.Limit
	}
	return about
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
