package mailbox_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/mailbox"
)

// get asks the mailbox as a browser on this machine does.
func get(t *testing.T, box *mailbox.Box, path string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.RemoteAddr, r.Host = "127.0.0.1:50000", "127.0.0.1:8025"
	w := httptest.NewRecorder()
	box.Handler().ServeHTTP(w, r)
	return w.Result()
}

func page(t *testing.T, r *http.Response) *goquery.Document {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// filled returns a Box that received these mails.
func filled(t *testing.T, mails ...string) *mailbox.Box {
	t.Helper()
	box := mailbox.New(clock)
	said := "EHLO x\r\n"
	for _, m := range mails {
		said += "MAIL FROM:<shop@example.com>\r\nRCPT TO:<ada@example.com>\r\nDATA\r\n" + m + "\r\n.\r\n"
	}
	box.Converse(&talk{Reader: strings.NewReader(said)})
	if len(box.Messages()) != len(mails) {
		t.Fatalf("kept %d mails of %d", len(box.Messages()), len(mails))
	}
	return box
}

const inviting = "Subject: <b>Welcome</b>\r\n\r\nOpen (https://example.com/i?a=1&b=2). <script>alert(1)</script> javascript:alert(1)"

func TestPages(t *testing.T) {
	t.Run("an empty mailbox says what will arrive", func(t *testing.T) {
		doc := page(t, get(t, mailbox.New(clock), "/"))
		if got := doc.Find(".empty").Text(); !strings.Contains(got, "No mail yet") {
			t.Errorf("empty state = %q", got)
		}
	})
	t.Run("the list links each mail, newest first", func(t *testing.T) {
		doc := page(t, get(t, filled(t, plain, inviting), "/"))
		var got []string
		doc.Find("main li a").Each(func(_ int, a *goquery.Selection) { got = append(got, a.AttrOr("href", "")+" "+a.Text()) })
		if diff := cmp.Diff([]string{"/messages/2 <b>Welcome</b>", "/messages/1 Hello"}, got); diff != "" {
			t.Errorf("list (-want +got):\n%s", diff)
		}
	})
	t.Run("a mail shows its text with links to follow and nothing that runs", func(t *testing.T) {
		doc := page(t, get(t, filled(t, inviting), "/messages/1"))
		links := doc.Find(".text a")
		if links.Length() != 1 || links.AttrOr("href", "") != "https://example.com/i?a=1&b=2" || !strings.Contains(links.AttrOr("rel", ""), "noopener") {
			html, _ := doc.Find(".text").Html()
			t.Errorf("text = %s", html)
		}
		if doc.Find("script, iframe, [style], [onclick]").Length() != 0 {
			t.Error("the page holds active or inline content")
		}
		if got := doc.Find(".text").Text(); !strings.Contains(got, "<script>alert(1)</script>") {
			t.Errorf("text = %q, want the mail's words", got)
		}
	})
	for _, path := range []string{"/", "/messages/1", "/messages/99"} {
		t.Run(path+" has language, title, one heading and landmarks", func(t *testing.T) {
			r := get(t, filled(t, plain), path)
			doc := page(t, r)
			if doc.Find("html[lang=en]").Length() != 1 || doc.Find("title").Text() == "" || doc.Find("h1").Length() != 1 || doc.Find("main").Length() != 1 {
				t.Errorf("%s lacks a part of a readable page", path)
			}
			if got := r.Header.Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'none'; style-src 'self'") {
				t.Errorf("policy = %q", got)
			}
			if r.Header.Get("Referrer-Policy") != "no-referrer" || r.Header.Get("Cache-Control") != "no-store" {
				t.Error("links in mails could leave the page")
			}
		})
	}
	for _, path := range []string{"/messages/99", "/messages/0", "/messages/x", "/messages/", "/nothing"} {
		t.Run(path+" is not found", func(t *testing.T) {
			if r := get(t, filled(t, plain), path); r.StatusCode != http.StatusNotFound {
				t.Errorf("status = %d", r.StatusCode)
			}
		})
	}
	t.Run("the style sheet is served", func(t *testing.T) {
		r := get(t, mailbox.New(clock), "/mailbox.css")
		if r.StatusCode != http.StatusOK || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/css") {
			t.Errorf("status %d, type %q", r.StatusCode, r.Header.Get("Content-Type"))
		}
	})
}

func TestJSON(t *testing.T) {
	type entry struct {
		To         string    `json:"to"`
		Subject    string    `json:"subject"`
		Text       string    `json:"text"`
		ReceivedAt time.Time `json:"received_at"`
	}
	t.Run("lists mails newest first", func(t *testing.T) {
		r := get(t, filled(t, plain, inviting), "/messages.json")
		var got []entry
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Fatal(err)
		}
		want := []entry{
			{"ada@example.com", "<b>Welcome</b>", "Open (https://example.com/i?a=1&b=2). <script>alert(1)</script> javascript:alert(1)\n", at},
			{"ada@example.com", "Hello", "First line\n\n", at},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("messages.json (-want +got):\n%s", diff)
		}
	})
	t.Run("is an empty list when there is no mail", func(t *testing.T) {
		body, err := io.ReadAll(get(t, mailbox.New(clock), "/messages.json").Body)
		if err != nil || string(body) != "[]" {
			t.Errorf("messages.json = %q, %v", body, err)
		}
	})
}

func TestPagesLoopbackOnly(t *testing.T) {
	tests := []struct {
		name, client, host string
		listener           net.Addr
		status             int
	}{
		{"IPv4 is served", "127.0.0.1:1", "127.0.0.1:8025", nil, 200},
		{"IPv6 is served", "[::1]:1", "[::1]:8025", nil, 200},
		{"localhost is served", "127.0.0.1:1", "localhost:8025", nil, 200},
		{"a host without a port is served", "127.0.0.1:1", "localhost", nil, 200},
		{"a client from elsewhere is refused", "192.0.2.7:1", "127.0.0.1:8025", nil, 403},
		{"a foreign name that points here is refused", "127.0.0.1:1", "evil.example:8025", nil, 403},
		{"a connection over the network is refused", "127.0.0.1:1", "127.0.0.1:8025", &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}, 403},
		{"a client without an address is refused", "", "127.0.0.1:8025", nil, 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/messages.json", nil)
			r.RemoteAddr, r.Host = tt.client, tt.host
			if tt.listener != nil {
				r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, tt.listener))
			}
			w := httptest.NewRecorder()
			filled(t, plain).Handler().ServeHTTP(w, r)
			if w.Code != tt.status {
				t.Errorf("status = %d, want %d", w.Code, tt.status)
			}
			if tt.status != 200 && strings.Contains(w.Body.String(), "First line") {
				t.Error("the answer holds a mail")
			}
		})
	}
}
