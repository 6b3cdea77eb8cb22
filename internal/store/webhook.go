package store

import (
	"context"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
)

// Webhook is an address of the vendor's that hears of events.
type Webhook struct {
	ID          id.ID
	Environment license.Environment
	URL         string
	Events      []event.Type // empty: all that are offered
	Delivered   int64        // how many deliveries ended well, ever
	Failed      int64        // and how many were given up
	CreatedAt   time.Time
	RemovedAt   time.Time // zero: it is in use
}

const webhookColumns = `h.id, h.environment, h.url, h.events, h.delivered, h.failed, h.created_at, h.removed_at`

func scanWebhook(s scanner) (Webhook, error) {
	var h Webhook
	var types string
	err := s.Scan(&h.ID, &h.Environment, &h.URL, &types, &h.Delivered, &h.Failed, scanAt(&h.CreatedAt), scanAt(&h.RemovedAt))
	for t := range strings.FieldsSeq(types) {
		h.Events = append(h.Events, event.Type(t))
	}
	return h, err
}

// AddWebhook keeps a new webhook with its sealed secret.
func (tx *Tx) AddWebhook(ctx context.Context, h Webhook, sealed []byte) error {
	types := make([]string, len(h.Events))
	for i, t := range h.Events {
		types[i] = string(t)
	}
	return tx.change(ctx, `INSERT INTO webhook (id, environment, url, events, secret_sealed, delivered, failed, created_at)
		VALUES ($1, $2, $3, $4, $5, 0, 0, $6)`, h.ID, h.Environment, h.URL, strings.Join(types, " "), sealed, at(h.CreatedAt))
}

// LockWebhook returns a webhook and keeps others from changing it.
func (tx *Tx) LockWebhook(ctx context.Context, hook id.ID) (Webhook, error) {
	return first(tx.queryRow(ctx, `SELECT `+webhookColumns+` FROM webhook h WHERE h.id = $1`+tx.d.lockRow(), hook), scanWebhook)
}

// Webhook returns a webhook, removed or not.
func (r Reader) Webhook(ctx context.Context, hook id.ID) (Webhook, error) {
	return first(r.queryRow(ctx, `SELECT `+webhookColumns+` FROM webhook h WHERE h.id = $1`, hook), scanWebhook)
}

// WebhookSecret returns the sealed secret of a webhook.
func (r Reader) WebhookSecret(ctx context.Context, hook id.ID) ([]byte, error) {
	return first(r.queryRow(ctx, `SELECT secret_sealed FROM webhook WHERE id = $1`, hook), value[[]byte])
}

// Webhooks lists the webhooks in use, of one environment or with "" of all,
// oldest first.
func (r Reader) Webhooks(ctx context.Context, e license.Environment, limit int) ([]Webhook, error) {
	rs, err := r.query(ctx, `SELECT `+webhookColumns+` FROM webhook h
		WHERE h.removed_at IS NULL AND ($1 = '' OR h.environment = $1) ORDER BY h.seq LIMIT $2`, e, limit)
	return collect(rs, err, scanWebhook)
}

// RemoveWebhook takes a webhook out of use and gives up what waits for it.
func (tx *Tx) RemoveWebhook(ctx context.Context, hook id.ID, now time.Time) error {
	if err := tx.change(ctx, `UPDATE webhook SET removed_at = $2 WHERE id = $1`, hook, at(now)); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `UPDATE webhook_delivery SET state = 'failed', next_at = NULL, finished_at = $2
		WHERE webhook_seq = (SELECT seq FROM webhook WHERE id = $1) AND state = 'waiting'`, hook, at(now))
	return err
}

// DeliveryState is what became of a delivery.
type DeliveryState string

// The states of deliveries.
const (
	DeliveryWaiting   DeliveryState = "waiting"
	DeliveryDelivered DeliveryState = "delivered"
	DeliveryFailed    DeliveryState = "failed" // given up
)

// Delivery is one event on its way to one webhook.
type Delivery struct {
	ID         id.ID
	WebhookID  id.ID
	Type       event.Type
	Body       string // as it is sent, each time
	State      DeliveryState
	Attempts   int
	NextAt     time.Time // waiting: when it is tried
	RetryOf    id.ID     // "": not a retry by hand
	CreatedAt  time.Time
	FinishedAt time.Time
}

const deliveryColumns = `d.id, h.id, d.event_type, d.body, d.state, d.attempts, d.next_at, d.retry_of, d.created_at, d.finished_at`

const deliveryTables = `webhook_delivery d JOIN webhook h ON h.seq = d.webhook_seq`

func scanDelivery(s scanner) (Delivery, error) {
	var d Delivery
	err := s.Scan(&d.ID, &d.WebhookID, &d.Type, &d.Body, &d.State, &d.Attempts, scanAt(&d.NextAt), &d.RetryOf,
		scanAt(&d.CreatedAt), scanAt(&d.FinishedAt))
	return d, err
}

// AddDelivery keeps a delivery that waits for its time. ErrNotFound means that
// its webhook does not exist.
func (tx *Tx) AddDelivery(ctx context.Context, d Delivery) error {
	return tx.change(ctx, `INSERT INTO webhook_delivery (id, webhook_seq, event_type, body, state, attempts, next_at, retry_of, created_at)
		SELECT $1, seq, $3, $4, 'waiting', 0, $5, $6, $7 FROM webhook WHERE id = $2`,
		d.ID, d.WebhookID, d.Type, d.Body, at(d.NextAt), d.RetryOf, at(d.CreatedAt))
}

// Delivery returns a delivery.
func (r Reader) Delivery(ctx context.Context, delivery id.ID) (Delivery, error) {
	return first(r.queryRow(ctx, `SELECT `+deliveryColumns+` FROM `+deliveryTables+` WHERE d.id = $1`, delivery), scanDelivery)
}

// Deliveries lists the latest deliveries to a webhook, newest first.
func (r Reader) Deliveries(ctx context.Context, hook id.ID, limit int) ([]Delivery, error) {
	rs, err := r.query(ctx, `SELECT `+deliveryColumns+` FROM `+deliveryTables+`
		WHERE d.webhook_seq = (SELECT seq FROM webhook WHERE id = $1) ORDER BY d.seq DESC LIMIT $2`, hook, limit)
	return collect(rs, err, scanDelivery)
}

// NextDeliveryAt returns when the next delivery to a webhook is to be tried,
// or ErrNotFound when none waits.
func (r Reader) NextDeliveryAt(ctx context.Context, hook id.ID) (time.Time, error) {
	var due time.Time
	err := r.queryRow(ctx, `SELECT next_at FROM webhook_delivery
		WHERE webhook_seq = (SELECT seq FROM webhook WHERE id = $1) AND state = 'waiting' ORDER BY next_at, seq LIMIT 1`,
		hook).Scan(scanAt(&due))
	return due, err
}

// ClaimDelivery takes the delivery to a webhook that has been due for longest
// and counts the attempt. Nobody else gets it until again, when it is due once
// more if nothing came of the attempt. ErrNotFound means that none is due.
func (tx *Tx) ClaimDelivery(ctx context.Context, hook id.ID, now, again time.Time) (Delivery, error) {
	found, err := first(tx.queryRow(ctx, `SELECT id FROM webhook_delivery
		WHERE webhook_seq = (SELECT seq FROM webhook WHERE id = $1) AND state = 'waiting' AND next_at <= $2
		ORDER BY next_at, seq LIMIT 1`+tx.d.claim(), hook, at(now)), value[id.ID])
	if err != nil {
		return Delivery{}, err
	}
	if err := tx.change(ctx, `UPDATE webhook_delivery SET attempts = attempts + 1, next_at = $2 WHERE id = $1`, found, at(again)); err != nil {
		return Delivery{}, err
	}
	return tx.Delivery(ctx, found)
}

// RetryDelivery has a claimed delivery tried again then. ErrNotFound means that
// the claim is no longer good.
func (tx *Tx) RetryDelivery(ctx context.Context, d Delivery, next time.Time) error {
	return tx.change(ctx, `UPDATE webhook_delivery SET next_at = $3
		WHERE id = $1 AND attempts = $2 AND state = 'waiting'`, d.ID, d.Attempts, at(next))
}

// EndDelivery notes what became of a claimed delivery and counts it.
// ErrNotFound means that the claim is no longer good.
func (tx *Tx) EndDelivery(ctx context.Context, d Delivery, state DeliveryState, now time.Time) error {
	err := tx.change(ctx, `UPDATE webhook_delivery SET state = $3, next_at = NULL, finished_at = $4
		WHERE id = $1 AND attempts = $2 AND state = 'waiting'`, d.ID, d.Attempts, state, at(now))
	if err != nil {
		return err
	}
	counter := `delivered`
	if state == DeliveryFailed {
		counter = `failed`
	}
	return tx.change(ctx, `UPDATE webhook SET `+counter+` = `+counter+` + 1 WHERE id = $1`, d.WebhookID)
}

// PurgeDeliveries removes up to limit deliveries that were made before then,
// with their attempts, and says how many.
func (tx *Tx) PurgeDeliveries(ctx context.Context, before time.Time, limit int) (int64, error) {
	return tx.exec(ctx, `DELETE FROM webhook_delivery WHERE seq IN (SELECT seq FROM webhook_delivery
		WHERE created_at < $1 ORDER BY created_at LIMIT $2)`, at(before), limit)
}

// DeliveryAttempt is one try of a delivery and what came back.
type DeliveryAttempt struct {
	At             time.Time
	Took           time.Duration
	RequestHeaders map[string]string
	Status         int // 0: there was no answer
	AnswerHeaders  map[string]string
	Answer         string // its beginning
	Error          string
}

// AddDeliveryAttempt keeps an attempt. ErrNotFound means that its delivery does
// not exist.
func (tx *Tx) AddDeliveryAttempt(ctx context.Context, delivery id.ID, a DeliveryAttempt) error {
	sent, err := jsonText(a.RequestHeaders)
	if err != nil {
		return err
	}
	answered, err := jsonText(a.AnswerHeaders)
	if err != nil {
		return err
	}
	return tx.change(ctx, `INSERT INTO webhook_attempt (delivery_seq, at, took, request_headers, status, answer_headers, answer, error)
		SELECT seq, $2, $3, $4, $5, $6, $7, $8 FROM webhook_delivery WHERE id = $1`,
		delivery, at(a.At), a.Took.Microseconds(), sent, a.Status, answered, a.Answer, a.Error)
}

// DeliveryAttempts lists the attempts of a delivery, the first one first.
func (r Reader) DeliveryAttempts(ctx context.Context, delivery id.ID) ([]DeliveryAttempt, error) {
	rs, err := r.query(ctx, `SELECT at, took, request_headers, status, answer_headers, answer, error FROM webhook_attempt
		WHERE delivery_seq = (SELECT seq FROM webhook_delivery WHERE id = $1) ORDER BY seq`, delivery)
	return collect(rs, err, func(s scanner) (DeliveryAttempt, error) {
		var a DeliveryAttempt
		var micros int64
		err := s.Scan(scanAt(&a.At), &micros, scanJSON(&a.RequestHeaders), &a.Status, scanJSON(&a.AnswerHeaders), &a.Answer, &a.Error)
		a.Took = time.Duration(micros) * time.Microsecond
		return a, err
	})
}
