package httpx_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/httpx"
)

// logBook collects log lines as JSON objects.
type logBook struct{ bytes.Buffer }

func (b *logBook) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(&b.Buffer, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// line returns the only line with this message.
func (b *logBook) line(t *testing.T, message string) map[string]any {
	t.Helper()
	var found []map[string]any
	for line := range strings.Lines(b.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		if entry["msg"] == message {
			found = append(found, entry)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d lines say %q, want one; log:\n%s", len(found), message, b.String())
	}
	return found[0]
}

// ticking is a clock that moves by step at each reading.
func ticking(step time.Duration) func() time.Time {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return func() time.Time {
		at = at.Add(step)
		return at
	}
}

// logged puts h inside what a server puts around every door.
func logged(h http.Handler, b *logBook) http.Handler {
	return httpx.Chain(h,
		httpx.AssignRequestID,
		httpx.ClientAddr(nil),
		httpx.AccessLog(b.logger(), ticking(time.Millisecond)),
		httpx.Recover(httpx.WriteProblem),
	)
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func get(target string) *http.Request { return httptest.NewRequest(http.MethodGet, target, nil) }

func problem(t *testing.T, w *httptest.ResponseRecorder) httpx.Problem {
	t.Helper()
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("Content-Type = %q, want a problem document; body %s", got, w.Body)
	}
	var p httpx.Problem
	dec := json.NewDecoder(bytes.NewReader(w.Body.Bytes()))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		t.Fatalf("problem document: %v", err)
	}
	return p
}

// mustNotContain fails for each word that text must not carry.
func mustNotContain(t *testing.T, where, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if strings.Contains(text, word) {
			t.Errorf("%s contains %q:\n%s", where, word, text)
		}
	}
}
