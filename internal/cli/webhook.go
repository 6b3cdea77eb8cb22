package cli

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/app/webhooks"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/server"
)

type webhookCommands struct {
	Add        webhookAdd        `cmd:"" help:"Have an address of yours told what happens, and print the secret its messages are signed with, once."`
	List       webhookList       `cmd:"" help:"List the webhooks in use."`
	Remove     webhookRemove     `cmd:"" help:"Take a webhook out of use."`
	Deliveries webhookDeliveries `cmd:"" help:"List what a webhook was sent lately."`
	Delivery   webhookDelivery   `cmd:"" help:"Show one delivery: what was sent and every answer."`
	Retry      webhookRetry      `cmd:"" help:"Have an event delivered again."`
}

type webhookAdd struct {
	storage
	URL         string   `arg:"" help:"Address to post to, such as https://example.com/keyward."`
	Events      []string `name:"event" placeholder:"TYPE" help:"Event to hear of, such as activation.deleted; all without this. Repeat for more."`
	Environment string   `name:"environment" default:"production" placeholder:"NAME" help:"Whose events: production, staging or development."`
}

func (c *webhookAdd) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		in := webhooks.NewWebhook{Environment: license.Environment(c.Environment), URL: c.URL}
		for _, t := range c.Events {
			in.Events = append(in.Events, event.Type(t))
		}
		h, secret, err := uses.Webhooks.Add(ctx, operator(), in)
		if err != nil {
			return err
		}
		r := webhookResultOf(h)
		r.Secret = secret
		return c.show(on, r)
	})
}

type webhookResult struct {
	ID          string    `json:"id"`
	Environment string    `json:"environment"`
	URL         string    `json:"url"`
	Events      []string  `json:"events"` // empty: all
	Delivered   int64     `json:"delivered"`
	Failed      int64     `json:"failed"`
	CreatedAt   time.Time `json:"created_at"`
	Secret      string    `json:"secret,omitempty"`
}

func webhookResultOf(h webhooks.Webhook) webhookResult {
	r := webhookResult{
		ID: string(h.ID), Environment: string(h.Environment), URL: h.URL, Events: []string{},
		Delivered: h.Delivered, Failed: h.Failed, CreatedAt: h.CreatedAt,
	}
	for _, t := range h.Events {
		r.Events = append(r.Events, string(t))
	}
	return r
}

func (r webhookResult) events() string {
	if len(r.Events) == 0 {
		return "all"
	}
	return strings.Join(r.Events, " ")
}

func (r webhookResult) text() string {
	return pairs([2]string{"Webhook", r.URL}, [2]string{"Id", r.ID}, [2]string{"Environment", r.Environment}, [2]string{"Events", r.events()},
		[2]string{"Secret", r.Secret}, [2]string{"", "The secret is not shown again."})
}

type webhookList struct{ storage }

func (c *webhookList) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		list, err := uses.Webhooks.List(ctx, operator())
		if err != nil {
			return err
		}
		r := webhookListResult{Webhooks: []webhookResult{}}
		for _, h := range list {
			r.Webhooks = append(r.Webhooks, webhookResultOf(h))
		}
		return c.show(on, r)
	})
}

type webhookListResult struct {
	Webhooks []webhookResult `json:"webhooks"`
}

func (r webhookListResult) text() string {
	if len(r.Webhooks) == 0 {
		return "There are no webhooks.\n"
	}
	rows := [][]string{{"ID", "ENVIRONMENT", "DELIVERED", "GIVEN UP", "EVENTS", "ADDRESS"}}
	for _, h := range r.Webhooks {
		rows = append(rows, []string{
			h.ID, h.Environment, strconv.FormatInt(h.Delivered, 10), strconv.FormatInt(h.Failed, 10), h.events(), h.URL,
		})
	}
	return table(rows)
}

type webhookRemove struct {
	storage
	Webhook id.ID `arg:"" help:"Id of the webhook."`
}

func (c *webhookRemove) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		if err := uses.Webhooks.Remove(ctx, operator(), c.Webhook); err != nil {
			return seeList(err, "webhook")
		}
		return c.show(on, removedResult{ID: string(c.Webhook)})
	})
}

type removedResult struct {
	ID string `json:"id"`
}

func (r removedResult) text() string { return pairs([2]string{"Removed", r.ID}) }

type webhookDeliveries struct {
	storage
	Webhook id.ID `arg:"" help:"Id of the webhook."`
	Limit   int   `name:"limit" default:"20" help:"At most this many, up to 200."`
}

func (c *webhookDeliveries) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		list, err := uses.Webhooks.Deliveries(ctx, operator(), c.Webhook, c.Limit)
		if err != nil {
			return seeList(err, "webhook")
		}
		r := deliveriesResult{Deliveries: []deliveryResult{}}
		for _, d := range list {
			r.Deliveries = append(r.Deliveries, deliveryResultOf(d, nil))
		}
		return c.show(on, r)
	})
}

type deliveriesResult struct {
	Deliveries []deliveryResult `json:"deliveries"`
}

func (r deliveriesResult) text() string {
	if len(r.Deliveries) == 0 {
		return "Nothing was delivered lately.\n"
	}
	rows := [][]string{{"ID", "EVENT", "STATE", "ATTEMPTS", "MADE", "NEXT"}}
	for _, d := range r.Deliveries {
		rows = append(rows, []string{d.ID, d.Event, d.State, strconv.Itoa(d.Attempts), instant(d.CreatedAt), maybe(d.NextAt)})
	}
	return table(rows)
}

func maybe(t *time.Time) string {
	if t == nil {
		return ""
	}
	return instant(*t)
}

type deliveryResult struct {
	ID         string          `json:"id"`
	WebhookID  string          `json:"webhook_id"`
	Event      string          `json:"event"`
	State      string          `json:"state"`
	Attempts   int             `json:"attempts"`
	CreatedAt  time.Time       `json:"created_at"`
	NextAt     *time.Time      `json:"next_at"`
	FinishedAt *time.Time      `json:"finished_at"`
	RetryOf    string          `json:"retry_of,omitempty"`
	Body       string          `json:"body,omitempty"`
	Tried      []attemptResult `json:"tried,omitempty"`
}

type attemptResult struct {
	At             time.Time         `json:"at"`
	Milliseconds   int64             `json:"milliseconds"`
	RequestHeaders map[string]string `json:"request_headers"`
	Status         int               `json:"status"`
	AnswerHeaders  map[string]string `json:"answer_headers"`
	Answer         string            `json:"answer"`
	Error          string            `json:"error,omitempty"`
}

func deliveryResultOf(d webhooks.Delivery, tried []webhooks.Attempt) deliveryResult {
	r := deliveryResult{
		ID: string(d.ID), WebhookID: string(d.WebhookID), Event: string(d.Type), State: string(d.State), Attempts: d.Attempts,
		CreatedAt: d.CreatedAt, NextAt: orNull(d.NextAt), FinishedAt: orNull(d.FinishedAt), RetryOf: string(d.RetryOf),
	}
	for _, a := range tried {
		r.Tried = append(r.Tried, attemptResult{
			a.At, a.Took.Milliseconds(), a.RequestHeaders, a.Status, a.AnswerHeaders, a.Answer, a.Error,
		})
	}
	return r
}

func (r deliveryResult) text() string {
	rows := [][2]string{
		{"Delivery", r.ID}, {"Event", r.Event}, {"State", r.State}, {"Made", instant(r.CreatedAt)}, {"Next", maybe(r.NextAt)},
		{"Ended", maybe(r.FinishedAt)}, {"Retry of", r.RetryOf}, {"Body", r.Body},
	}
	for i, a := range r.Tried {
		rows = append(rows, [2]string{"Attempt " + strconv.Itoa(i+1), a.summary()})
	}
	return pairs(rows...)
}

func (a attemptResult) summary() string {
	said := a.Error
	if said == "" {
		said = "accepted with " + strconv.Itoa(a.Status)
	}
	return instant(a.At) + ", " + strconv.FormatInt(a.Milliseconds, 10) + " ms: " + said
}

type webhookDelivery struct {
	storage
	Delivery id.ID `arg:"" help:"Id of the delivery."`
}

func (c *webhookDelivery) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		d, tried, err := uses.Webhooks.Delivery(ctx, operator(), c.Delivery)
		if err != nil {
			return err
		}
		r := deliveryResultOf(d, tried)
		r.Body = d.Body
		return c.show(on, r)
	})
}

type webhookRetry struct {
	storage
	Delivery id.ID `arg:"" help:"Id of the delivery."`
}

func (c *webhookRetry) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		d, err := uses.Webhooks.Retry(ctx, operator(), c.Delivery)
		if err != nil {
			return err
		}
		return c.show(on, deliveryResultOf(d, nil))
	})
}
