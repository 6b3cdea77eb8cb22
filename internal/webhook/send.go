package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
)

const (
	sendTime   = 10 * time.Second
	maxAnswer  = 10 << 10
	maxHeaders = 16 << 10
	maxError   = 500
)

// sender posts messages. It follows no redirects, uses no proxy and keeps no
// connections.
type sender struct{ client *http.Client }

func newSender(allow []netip.Prefix) *sender {
	return &sender{&http.Client{
		Timeout:       sendTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: guard{allow}.dialer(sendTime).DialContext, DisableKeepAlives: true, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: sendTime, ResponseHeaderTimeout: sendTime, MaxResponseHeaderBytes: maxHeaders,
		},
	}}
}

// send posts a delivery and describes what came of it. Its own error is about
// the message, which then was not sent.
func (s *sender) send(ctx context.Context, h store.Webhook, d store.Delivery, secret string, now func() time.Time) (store.DeliveryAttempt, error) {
	start := now().UTC().Truncate(time.Microsecond)
	tried := store.DeliveryAttempt{At: start, RequestHeaders: headers(h, d, start)}
	request, err := s.request(ctx, h, d, secret, tried)
	if err != nil {
		return tried, fmt.Errorf("message to webhook %s: %w", h.ID, err)
	}
	answer, err := s.client.Do(request)
	if err == nil {
		defer answer.Body.Close()
		tried.Status, tried.AnswerHeaders = answer.StatusCode, flat(answer.Header)
		tried.Answer, err = beginning(answer.Body)
	}
	tried.Took = max(now().Sub(start), 0).Truncate(time.Microsecond)
	tried.Error = problem(tried.Status, err)
	return tried, nil
}

// headers are those of the message that may be kept: all but the signatures.
func headers(h store.Webhook, d store.Delivery, at time.Time) map[string]string {
	unix := strconv.FormatInt(at.Unix(), 10)
	return map[string]string{
		"Content-Type": "application/json", "User-Agent": "Keyward-Webhook",
		"Webhook-Id": string(d.ID), "Webhook-Timestamp": unix,
		"X-Webhook-Event": string(d.Type), "X-Webhook-Id": string(h.ID), "X-Webhook-Delivery": string(d.ID), "X-Webhook-Timestamp": unix,
	}
}

func (s *sender) request(ctx context.Context, h store.Webhook, d store.Delivery, secret string, tried store.DeliveryAttempt) (*http.Request, error) {
	signature, err := signing.SignWebhook(secret, string(d.ID), tried.At, []byte(d.Body))
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, strings.NewReader(d.Body))
	if err != nil {
		return nil, err
	}
	for name, value := range tried.RequestHeaders {
		request.Header.Set(name, value)
	}
	request.Header.Set("Webhook-Signature", signature)
	request.Header.Set("X-Webhook-Signature", signing.SignWebhookBody(secret, []byte(d.Body)))
	return request, nil
}

func flat(h http.Header) map[string]string {
	all := map[string]string{}
	for name := range maps.Keys(h) {
		all[name] = clean(strings.Join(h[name], ", "))
	}
	return all
}

// beginning reads as much of an answer as is kept.
func beginning(body io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(body, maxAnswer))
	return clean(string(b)), err
}

// clean is text that both databases keep.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

// problem says what went wrong, in words that do not repeat the address: it may
// hold a secret. "" is an answer that accepts.
func problem(status int, err error) string {
	if status >= 200 && status < 300 {
		return "" // whatever became of the rest of the answer
	}
	if err == nil {
		return fmt.Sprintf("It answered %d %s; any 2xx accepts.", status, http.StatusText(status))
	}
	var refused *refused
	if errors.As(err, &refused) {
		return refused.Error()
	}
	if timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err); ok && timeout.Timeout() {
		return "It did not answer within 10 seconds."
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	text := clean(err.Error())
	for len(text) > maxError {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}
