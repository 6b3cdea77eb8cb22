package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/keyward/keyward/internal/app/webhooks"
	"github.com/keyward/keyward/internal/job"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
)

const (
	// atOnce bounds the webhooks that are sent to at the same time.
	atOnce = 8
	// turn bounds what one webhook is sent in one round.
	turn = 50
	// claimFor is when a delivery is due again whose process is gone.
	claimFor = time.Minute
	// keepFor is how long deliveries can be looked up.
	keepFor    = 30 * 24 * time.Hour
	purgeBatch = 200
)

// pauses returns how long to wait after each attempt that failed; after the
// last one a delivery is given up (E-20).
func pauses() []time.Duration {
	return []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}
}

// Deps is what deliveries are made and sent with.
type Deps struct {
	Store  *store.Store
	Master *signing.Master
	Now    func() time.Time
	Log    *slog.Logger
	Allow  []netip.Prefix // internal networks that may be reached
	// Observe, if there, is told about each attempt: "accepted" or "refused".
	Observe func(outcome string)
}

// Service makes deliveries and sends them.
type Service struct {
	Deps
	sender *sender
}

// New makes the service.
func New(d Deps) *Service { return &Service{Deps: d, sender: newSender(d.Allow)} }

// Register has the work done in the background.
func (s *Service) Register(r *job.Runner) {
	r.Every("webhooks.collect", time.Second, s.Collect)
	r.Every("webhooks.deliver", time.Second, s.Deliver)
	r.Every("webhooks.purge", time.Hour, s.Purge)
}

// clock is the time as precise as the store keeps it.
func (s *Service) clock() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// Deliver sends what is due. The webhooks have a turn each, and what failed at
// one of them does not keep the others from theirs.
func (s *Service) Deliver(ctx context.Context) error {
	hooks, err := s.Store.Webhooks(ctx, "", webhooks.MaxWebhooks)
	if err != nil {
		return err
	}
	failures := make([]error, len(hooks))
	places := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i, h := range hooks {
		places <- struct{}{}
		all.Go(func() {
			failures[i] = s.turn(ctx, h)
			<-places
		})
	}
	all.Wait()
	return errors.Join(failures...)
}

// turn sends one webhook what is due, until something fails: what follows would
// most likely fail too, and would have wasted an attempt.
func (s *Service) turn(ctx context.Context, h store.Webhook) error {
	for range turn {
		d, err := s.claim(ctx, h)
		if store.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("claim a delivery: %w", err)
		}
		good, err := s.attempt(ctx, h, d)
		if err != nil || !good {
			return err
		}
	}
	return nil
}

// claim looks before it takes.
func (s *Service) claim(ctx context.Context, h store.Webhook) (store.Delivery, error) {
	now := s.clock()
	due, err := s.Store.NextDeliveryAt(ctx, h.ID)
	if err != nil {
		return store.Delivery{}, err
	}
	if due.After(now) || ctx.Err() != nil {
		return store.Delivery{}, store.ErrNotFound
	}
	var d store.Delivery
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		d, err = tx.ClaimDelivery(ctx, h.ID, now, now.Add(claimFor))
		return err
	})
	return d, err
}

// attempt sends a claimed delivery, keeps what came back and reports whether it
// was accepted.
func (s *Service) attempt(ctx context.Context, h store.Webhook, d store.Delivery) (bool, error) {
	secret, err := s.secret(ctx, h)
	if err != nil {
		return false, err
	}
	tried, err := s.sender.send(ctx, h, d, secret, s.Now)
	if err != nil {
		return false, err
	}
	// What was sent is written down even when the server is stopping.
	ctx = context.WithoutCancel(ctx)
	s.observe(tried)
	now := s.clock()
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.AddDeliveryAttempt(ctx, d.ID, tried); err != nil {
			return err
		}
		return settle(ctx, tx, d, tried, now)
	})
	if store.IsNotFound(err) {
		return false, nil // the webhook was removed meanwhile, or the claim ran out
	}
	if err == nil && tried.Error != "" {
		s.Log.WarnContext(ctx, "a webhook did not accept a delivery",
			"webhook", h.ID, "delivery", d.ID, "attempt", d.Attempts, "status", tried.Status, "error", tried.Error)
	}
	return tried.Error == "", err
}

func (s *Service) observe(tried store.DeliveryAttempt) {
	switch {
	case s.Observe == nil:
	case tried.Error == "":
		s.Observe("accepted")
	default:
		s.Observe("refused")
	}
}

// settle notes what comes after an attempt.
func settle(ctx context.Context, tx *store.Tx, d store.Delivery, tried store.DeliveryAttempt, now time.Time) error {
	if tried.Error == "" {
		return tx.EndDelivery(ctx, d, store.DeliveryDelivered, now)
	}
	if waits := pauses(); d.Attempts <= len(waits) {
		return tx.RetryDelivery(ctx, d, now.Add(waits[d.Attempts-1]))
	}
	return tx.EndDelivery(ctx, d, store.DeliveryFailed, now)
}

func (s *Service) secret(ctx context.Context, h store.Webhook) (string, error) {
	sealed, err := s.Store.WebhookSecret(ctx, h.ID)
	if err != nil {
		return "", err
	}
	secret, err := s.Master.Open(sealed, webhooks.Binding(h.ID))
	return string(secret), err
}

// Purge removes deliveries that are old, in pieces that hold up nobody.
func (s *Service) Purge(ctx context.Context) error {
	before := s.clock().Add(-keepFor)
	for {
		var gone int64
		err := s.Store.InTx(ctx, func(tx *store.Tx) error {
			var err error
			gone, err = tx.PurgeDeliveries(ctx, before, purgeBatch)
			return err
		})
		if err != nil || gone < purgeBatch {
			return err
		}
	}
}
