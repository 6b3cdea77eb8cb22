package webhook_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/apptest"
	"github.com/keyward/keyward/internal/app/audit"
	"github.com/keyward/keyward/internal/app/webhooks"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/webhook"
)

// message is what a receiver got.
type message struct {
	header http.Header
	body   []byte
}

// receiver is a system of the vendor's.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []message
	answer http.HandlerFunc
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }}
	r.Server = httptest.NewServer(http.HandlerFunc(r.take))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) take(w http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	r.mu.Lock()
	r.got = append(r.got, message{request.Header, body})
	answer := r.answer
	r.mu.Unlock()
	answer(w, request)
}

func (r *receiver) answerWith(status int, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

func (r *receiver) messages() []message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.got
}

// hooked is a world with webhooks.
type hooked struct {
	*apptest.World
	Webhooks *webhooks.Service
	Sender   *webhook.Service
	sealer   *audit.Sealer
}

func newHooked(w *apptest.World, allow ...netip.Prefix) *hooked {
	return &hooked{
		World:    w,
		Webhooks: webhooks.New(webhooks.Deps{Store: w.Store, Master: w.Master, Now: w.Clock.Now}),
		Sender:   webhook.New(webhook.Deps{Store: w.Store, Master: w.Master, Now: w.Clock.Now, Log: slog.New(slog.NewTextHandler(w.Logged, nil)), Allow: allow}),
		sealer:   audit.NewSealer(w.Store, w.Master, w.Clock.Now),
	}
}

var loopback = netip.MustParsePrefix("127.0.0.0/8")

func (h *hooked) add(url string, types ...event.Type) (webhooks.Webhook, string) {
	h.Helper()
	hook, secret, err := h.Webhooks.Add(h.Context(), apptest.Staff(), webhooks.NewWebhook{Environment: license.Production, URL: url, Events: types})
	h.Must(err)
	return hook, secret
}

// round is what the background work does each second.
func (h *hooked) round() {
	h.Helper()
	_, err := h.sealer.Seal(h.Context())
	h.Must(err)
	h.Must(h.Sender.Collect(h.Context()))
	h.Must(h.Sender.Deliver(h.Context()))
}

func (h *hooked) deliveries(hook webhooks.Webhook) []webhooks.Delivery {
	h.Helper()
	list, err := h.Webhooks.Deliveries(h.Context(), apptest.Staff(), hook.ID, 100)
	h.Must(err)
	return list
}

// happen makes events of a license: it is issued, a device activates, and the
// owner frees it in the portal.
func (h *hooked) happen() (license.License, license.Activation) {
	h.Helper()
	p, c := h.Product("editor"), h.Customer("Acme")
	l, key := h.License(p, c)
	a := h.Activate(p, key, "HW-1")[0]
	_, err := h.Licensing.Free(h.Context(), apptest.Owner(c), a.ID)
	h.Must(err)
	return l, a
}

// onEach runs a test on both databases.
func onEach(t *testing.T, test func(t *testing.T, w *apptest.World)) {
	t.Run("SQLite", func(t *testing.T) { test(t, apptest.New(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, apptest.NewPostgres(t)) })
}

// verify checks a message as the libraries of the Standard Webhooks scheme do.
func verify(t *testing.T, m message, secret string) {
	t.Helper()
	unix, err := strconv.ParseInt(m.header.Get("webhook-timestamp"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	want, err := signing.SignWebhook(secret, m.header.Get("webhook-id"), time.Unix(unix, 0), m.body)
	if err != nil || m.header.Get("webhook-signature") != want {
		t.Errorf("signed %q, want %q (%v)", m.header.Get("webhook-signature"), want, err)
	}
	if got := m.header.Get("X-Webhook-Signature"); got != signing.SignWebhookBody(secret, m.body) {
		t.Errorf("the body is signed %q", got)
	}
}

// body is what a receiver reads of a message.
type body struct {
	Event       string    `json:"event"`
	WebhookID   string    `json:"webhook_id"`
	DeliveryID  string    `json:"delivery_id"`
	Timestamp   time.Time `json:"timestamp"`
	Environment string    `json:"environment"`
	Payload     struct {
		EventID    string `json:"event_id"`
		Number     int    `json:"number"`
		Actor      string `json:"actor"`
		Reason     string `json:"reason"`
		License    struct{ ID, Key, Status string }
		Activation struct {
			ID         string     `json:"id"`
			Identifier string     `json:"identifier"`
			EndedAt    *time.Time `json:"ended_at"`
			EndReason  string     `json:"end_reason"`
		} `json:"activation"`
		Data struct {
			Used *int `json:"used"`
		} `json:"data"`
	} `json:"payload"`
}

// P-ACT-19: freeing a device in the portal tells the vendor.
func TestFreeingADeviceTellsTheVendor(t *testing.T) {
	onEach(t, func(t *testing.T, w *apptest.World) {
		r, h := newReceiver(t), newHooked(w, loopback)
		hook, secret := h.add(r.URL+"/keyward", event.ActivationDeactivated)
		l, a := h.happen()
		h.round()
		h.round()

		got := r.messages()
		if len(got) != 1 {
			t.Fatalf("%d messages, want 1", len(got))
		}
		verify(t, got[0], secret) // C-WHK-03
		var b body
		if err := json.Unmarshal(got[0].body, &b); err != nil {
			t.Fatal(err)
		}
		d := h.deliveries(hook)[0]
		if b.Event != "activation.deleted" || b.WebhookID != string(hook.ID) || b.DeliveryID != string(d.ID) ||
			b.Environment != "production" || !b.Timestamp.Equal(apptest.Start) { // C-WHK-02
			t.Errorf("got %+v", b)
		}
		p := b.Payload
		if p.License.ID != string(l.ID) || p.License.Key != l.Mask || p.License.Status != "active" || p.Activation.ID != string(a.ID) ||
			p.Activation.Identifier != "HW-1" || p.Activation.EndedAt == nil || p.Activation.EndReason != "owner" || p.Actor != "person" || *p.Data.Used != 0 {
			t.Errorf("got %s", got[0].body)
		}
		if got[0].header.Get("webhook-id") != b.DeliveryID || got[0].header.Get("X-Webhook-Event") != b.Event {
			t.Errorf("got %v", got[0].header)
		}
		if d.State != store.DeliveryDelivered || d.Attempts != 1 || d.FinishedAt.IsZero() {
			t.Errorf("got %+v", d)
		}
		if after, err := h.Store.Webhook(t.Context(), hook.ID); err != nil || after.Delivered != 1 {
			t.Errorf("%d counted (%v)", after.Delivered, err)
		}
	})
}

// C-WHK-01, C-WHK-04
func TestWhatAWebhookHearsOf(t *testing.T) {
	w := apptest.New(t)
	r, h := newReceiver(t), newHooked(w, loopback)
	early := w.Product("early")
	h.License(early, h.Customer("Early"))
	w.Clock.Add(time.Second)
	all, _ := h.add(r.URL)
	other, _, err := h.Webhooks.Add(t.Context(), apptest.Staff(), webhooks.NewWebhook{Environment: license.Staging, URL: r.URL})
	w.Must(err)
	removed, _ := h.add(r.URL)
	w.Must(h.Webhooks.Remove(t.Context(), apptest.Staff(), removed.ID))
	w.Must(h.Webhooks.Remove(t.Context(), apptest.Staff(), removed.ID))
	h.happen()
	h.round()

	var types []string
	for _, d := range h.deliveries(all) {
		types = append(types, string(d.Type))
	}
	if got, want := strings.Join(types, " "), "activation.deleted activation.created license.activated license.assigned license.created"; got != want {
		t.Errorf("it heard of %s, want %s", got, want)
	}
	for _, h2 := range []webhooks.Webhook{other, removed} {
		if n := len(h.deliveries(h2)); n != 0 {
			t.Errorf("%d deliveries to %s", n, h2.Environment)
		}
	}
}

// C-WHK-05: at 0, 1, 5, 15 and 60 minutes, then given up until somebody asks.
func TestRetries(t *testing.T) {
	w := apptest.New(t)
	r, h := newReceiver(t), newHooked(w, loopback)
	hook, secret := h.add(r.URL, event.ActivationDeactivated)
	r.answerWith(http.StatusInternalServerError, strings.Repeat("é", 10<<10))
	h.happen()
	h.round()
	for i, pause := range []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour} {
		w.Clock.Add(pause - time.Second)
		h.round()
		if n := len(r.messages()); n != i+1 {
			t.Fatalf("%d messages just before attempt %d", n, i+2)
		}
		w.Clock.Add(time.Second)
		h.round()
		if n := len(r.messages()); n != i+2 {
			t.Fatalf("%d messages at attempt %d", n, i+2)
		}
	}
	w.Clock.Add(48 * time.Hour)
	h.round()
	got := r.messages()
	if len(got) != 5 {
		t.Fatalf("%d messages, want 5", len(got))
	}
	for _, m := range got { // C-WHK-07: a receiver tells repetitions by the id
		verify(t, m, secret)
		if m.header.Get("webhook-id") != got[0].header.Get("webhook-id") || string(m.body) != string(got[0].body) {
			t.Error("a repetition is another message")
		}
	}
	d := h.deliveries(hook)[0]
	if d.State != store.DeliveryFailed || d.Attempts != 5 {
		t.Errorf("got %+v", d)
	}

	t.Run("the log keeps what was sent and answered", func(t *testing.T) { // C-WHK-06
		_, tried, err := h.Webhooks.Delivery(t.Context(), apptest.Staff(), d.ID)
		if err != nil || len(tried) != 5 {
			t.Fatalf("%d attempts (%v)", len(tried), err)
		}
		a := tried[0]
		if a.Status != 500 || len(a.Answer) > 10<<10+3 || len(a.Answer) < 10<<10-3 || a.Error != "It answered 500 Internal Server Error; any 2xx accepts." ||
			a.AnswerHeaders["Content-Type"] == "" || a.RequestHeaders["Webhook-Id"] != string(d.ID) {
			t.Errorf("got %+v", a)
		}
		if _, there := a.RequestHeaders["Webhook-Signature"]; there {
			t.Error("the signature is kept")
		}
	})
	t.Run("a retry by hand is a delivery of its own", func(t *testing.T) {
		r.answerWith(http.StatusAccepted, "thanks")
		again, err := h.Webhooks.Retry(t.Context(), apptest.Staff(), d.ID)
		if err != nil || again.RetryOf != d.ID {
			t.Fatalf("got %+v (%v)", again, err)
		}
		h.round()
		var first, last body
		messages := r.messages()
		if json.Unmarshal(messages[0].body, &first) != nil || json.Unmarshal(messages[5].body, &last) != nil {
			t.Fatal("a body is no JSON")
		}
		if last.DeliveryID != string(again.ID) || last.Payload.EventID != first.Payload.EventID {
			t.Errorf("got %+v", last)
		}
		if list := h.deliveries(hook); len(list) != 2 || list[0].State != store.DeliveryDelivered {
			t.Errorf("got %+v", list)
		}
	})
	t.Run("old deliveries go, the totals stay", func(t *testing.T) { // C-WHK-06
		w.Clock.Add(29 * 24 * time.Hour)
		w.Must(h.Sender.Purge(t.Context()))
		if n := len(h.deliveries(hook)); n == 0 {
			t.Error("purged too early")
		}
		w.Clock.Add(2 * 24 * time.Hour)
		w.Must(h.Sender.Purge(t.Context()))
		after, err := h.Store.Webhook(t.Context(), hook.ID)
		if n := len(h.deliveries(hook)); n != 0 || err != nil || after.Delivered != 1 || after.Failed != 1 {
			t.Errorf("%d left, %+v (%v)", n, after, err)
		}
	})
}

// C-WHK-04
func TestRedirectsAreNotFollowed(t *testing.T) {
	w := apptest.New(t)
	elsewhere, r, h := newReceiver(t), newReceiver(t), newHooked(w, loopback)
	r.mu.Lock()
	r.answer = func(w http.ResponseWriter, request *http.Request) {
		http.Redirect(w, request, elsewhere.URL, http.StatusTemporaryRedirect)
	}
	r.mu.Unlock()
	hook, _ := h.add(r.URL, event.LicenseCreated)
	h.happen()
	h.round()
	if n := len(elsewhere.messages()); n != 0 {
		t.Errorf("%d messages went elsewhere", n)
	}
	if d := h.deliveries(hook)[0]; d.State != store.DeliveryWaiting {
		t.Errorf("a redirect accepts: %+v", d)
	}
}

// C-SEC-09: an address inside is refused when it is dialed.
func TestInternalAddressesAreNotDialed(t *testing.T) {
	w := apptest.New(t)
	r, h := newReceiver(t), newHooked(w)
	hook, _ := h.add(r.URL+"/?token=sesame", event.LicenseCreated)
	h.happen()
	h.round()
	if n := len(r.messages()); n != 0 {
		t.Fatalf("%d messages", n)
	}
	_, tried, err := h.Webhooks.Delivery(t.Context(), apptest.Staff(), h.deliveries(hook)[0].ID)
	if err != nil || !strings.Contains(tried[0].Error, "internal") || tried[0].Status != 0 {
		t.Errorf("got %+v (%v)", tried, err)
	}
	if strings.Contains(w.Logged.String(), "sesame") {
		t.Error("the log holds the address")
	}
}

// One webhook that fails holds up no other, and is not sent the rest in vain.
func TestEachWebhookHasItsOwnTurn(t *testing.T) {
	w := apptest.New(t)
	bad, good, h := newReceiver(t), newReceiver(t), newHooked(w, loopback)
	bad.answerWith(http.StatusBadGateway, "")
	h.add(bad.URL)
	h.add(good.URL)
	h.happen()
	h.round()
	if b, g := len(bad.messages()), len(good.messages()); b != 1 || g != 5 {
		t.Errorf("the bad one got %d, the good one %d messages", b, g)
	}
}

func TestWebhooksAreTheVendors(t *testing.T) {
	w := apptest.New(t)
	h := newHooked(w, loopback)
	hook, secret := h.add("https://example.com/keyward")

	t.Run("what is no webhook is refused by name", func(t *testing.T) {
		for _, in := range []struct {
			webhooks.NewWebhook
			field string
		}{
			{webhooks.NewWebhook{Environment: "nowhere", URL: "https://example.com"}, "environment"},
			{webhooks.NewWebhook{Environment: license.Production, URL: "http://example.com"}, "url"},
			{webhooks.NewWebhook{Environment: license.Production, URL: "https://user:word@example.com"}, "url"},
			{webhooks.NewWebhook{Environment: license.Production, URL: "ftp://example.com"}, "url"},
			{webhooks.NewWebhook{Environment: license.Production, URL: "https://"}, "url"},
			{webhooks.NewWebhook{Environment: license.Production, URL: "https://example.com", Events: []event.Type{"person.signed_in"}}, "events"},
		} {
			_, _, err := h.Webhooks.Add(t.Context(), apptest.Staff(), in.NewWebhook)
			if f := fault.From(err); f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Name != in.field {
				t.Errorf("%+v: got %v", in.NewWebhook, err)
			}
		}
	})
	t.Run("a secret is sealed in the records", func(t *testing.T) {
		sealed, err := h.Store.WebhookSecret(t.Context(), hook.ID)
		if err != nil || strings.Contains(string(sealed), strings.TrimPrefix(secret, "whsec_")) {
			t.Errorf("it lies open (%v)", err)
		}
	})
	t.Run("only who may", func(t *testing.T) {
		for _, actor := range []account.Actor{apptest.Owner(h.Customer("Acme")), apptest.Client(h.Product("editor"))} {
			_, err := h.Webhooks.List(t.Context(), actor)
			if !fault.Is(err, fault.Forbidden) || !fault.Is(h.Webhooks.Remove(t.Context(), actor, hook.ID), fault.Forbidden) {
				t.Errorf("%s: got %v", actor.Kind, err)
			}
		}
	})
	t.Run("a token of another environment finds none", func(t *testing.T) {
		stranger := account.Actor{Kind: account.ActorToken, ID: id.New(), Environment: license.Staging, Permissions: account.Permissions()}
		if list, err := h.Webhooks.List(t.Context(), stranger); err != nil || len(list) != 0 {
			t.Errorf("got %v (%v)", list, err)
		}
		_, err := h.Webhooks.Deliveries(t.Context(), stranger, hook.ID, 1)
		if !fault.Is(err, fault.NotFound) || !fault.Is(h.Webhooks.Remove(t.Context(), stranger, hook.ID), fault.NotFound) {
			t.Errorf("got %v", err)
		}
	})
}
