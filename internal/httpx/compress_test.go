package httpx_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/keyward/keyward/internal/httpx"
)

func TestCompressPages(t *testing.T) {
	page := strings.Repeat("<p>My Licenses</p>", 500)
	for _, tt := range []struct {
		name, method, accepts, kind, body string
		secret, want                      bool
	}{
		{"a page", "GET", "gzip, deflate, br, zstd", "text/html; charset=utf-8", page, false, true},
		{"a page for whoever takes none", "GET", "", "text/html; charset=utf-8", page, false, false},
		{"a page with a secret", "GET", "gzip", "text/html; charset=utf-8", page, true, false},
		{"the answer to a form", "POST", "gzip", "text/html; charset=utf-8", page, false, false},
		{"a short page", "GET", "gzip", "text/html; charset=utf-8", "<p>Gone</p>", false, false},
		{"a file", "GET", "gzip", "application/octet-stream", page, false, false},
		{"a document", "GET", "gzip", "application/json", page, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, err := httpx.CompressPages(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", tt.kind)
				if tt.secret {
					httpx.Incompressible(w)
				}
				_, _ = io.WriteString(w, tt.body)
			}))
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequestWithContext(t.Context(), tt.method, "/licenses", nil)
			if tt.accepts != "" {
				r.Header.Set("Accept-Encoding", tt.accepts)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			got := w.Body.String()
			if compressed := w.Header().Get("Content-Encoding") == "gzip"; compressed != tt.want {
				t.Fatalf("headers %v", w.Header())
			}
			if tt.want {
				got = unzip(t, w.Body)
				if !strings.Contains(w.Header().Get("Vary"), "Accept-Encoding") {
					t.Errorf("a cache could give it to others: %v", w.Header())
				}
			}
			if got != tt.body || w.Header().Get("No-Gzip-Compression") != "" {
				t.Errorf("%d bytes instead of %d, headers %v", len(got), len(tt.body), w.Header())
			}
		})
	}
}

func unzip(t *testing.T, from io.Reader) string {
	t.Helper()
	z, err := gzip.NewReader(from)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
