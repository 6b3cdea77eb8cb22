package httpx_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
)

func TestRequestID(t *testing.T) {
	var seen []string
	h := httpx.AssignRequestID(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, httpx.RequestID(r.Context()))
	}))
	for range 2 {
		r := get("/x")
		r.Header.Set("X-Request-Id", "from-outside")
		w := serve(h, r)
		if got := w.Header().Get("X-Request-Id"); got != seen[len(seen)-1] {
			t.Errorf("header has %q, context %q", got, seen[len(seen)-1])
		}
	}
	if len(seen[0]) < 20 || seen[0] == seen[1] || seen[0] == "from-outside" {
		t.Errorf("ids = %q", seen)
	}
	if got := httpx.RequestID(t.Context()); got != "" {
		t.Errorf("RequestID without a request = %q", got)
	}
}

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func TestClientAddr(t *testing.T) {
	proxies := prefixes("10.0.0.0/8", "fd00::/8")
	for _, tt := range []struct {
		name      string
		trusted   []netip.Prefix
		remote    string
		forwarded []string
		want      string
	}{
		{"without proxies it is the peer", nil, "203.0.113.7:1234", nil, "203.0.113.7"},
		{"without proxies the header is ignored", nil, "203.0.113.7:1234", []string{"198.51.100.1"}, "203.0.113.7"},
		{"an untrusted peer cannot speak for others", proxies, "203.0.113.7:1234", []string{"198.51.100.1"}, "203.0.113.7"},
		{"a trusted peer names the client", proxies, "10.0.0.1:1234", []string{"198.51.100.1"}, "198.51.100.1"},
		{"the rightmost untrusted hop is the client", proxies, "10.0.0.1:1234", []string{"1.1.1.1, 198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		{"repeated headers are one list", proxies, "10.0.0.1:1234", []string{"1.1.1.1", "198.51.100.1", "10.0.0.2"}, "198.51.100.1"},
		{"if all are trusted it is the first", proxies, "10.0.0.1:1234", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"a trusted peer without a header is the client", proxies, "10.0.0.1:1234", nil, "10.0.0.1"},
		{"nonsense ends the walk", proxies, "10.0.0.1:1234", []string{"198.51.100.1, unknown, 10.0.0.2"}, "10.0.0.2"},
		{"an empty hop ends the walk", proxies, "10.0.0.1:1234", []string{"198.51.100.1,"}, "10.0.0.1"},
		{"hops may have ports", proxies, "[fd00::1]:1234", []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		{"hops may have brackets", proxies, "[fd00::1]:1234", []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"mapped addresses are plain", proxies, "[::ffff:10.0.0.1]:1234", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"mapped proxies are plain", prefixes("::ffff:10.0.0.0/104"), "10.0.0.1:1234", []string{"198.51.100.1"}, "198.51.100.1"},
		{"zones are dropped", nil, "[fe80::1%eth0]:1234", nil, "fe80::1"},
		{"a local socket has none", proxies, "@", []string{"198.51.100.1"}, "invalid IP"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got netip.Addr
			h := httpx.ClientAddr(tt.trusted)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got = httpx.Addr(r.Context())
			}))
			r := get("/x")
			r.RemoteAddr = tt.remote
			r.Header["X-Forwarded-For"] = tt.forwarded
			serve(h, r)
			if got.String() != tt.want {
				t.Errorf("Addr = %v, want %s", got, tt.want)
			}
		})
	}
	t.Run("without a request there is none", func(t *testing.T) {
		if got := httpx.Addr(context.Background()); got.IsValid() {
			t.Errorf("Addr = %v", got)
		}
	})
}

// What observers are told holds nothing that a client chose.
func TestObserversHearOfEachRequest(t *testing.T) {
	var heard []string
	observe := func(route, method string, status int, took time.Duration) {
		heard = append(heard, fmt.Sprintf("%s %s %d %s", route, method, status, took))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /licenses/{id}", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) })
	h := httpx.Chain(mux, httpx.AccessLog(slog.New(slog.DiscardHandler), ticking(time.Millisecond), observe))
	serve(h, get("/licenses/ABCDE"))
	r := get("/secret")
	r.Method = "SECRET"
	serve(h, r)
	if diff := cmp.Diff([]string{"GET /licenses/{id} GET 418 1ms", "unmatched other 404 1ms"}, heard); diff != "" {
		t.Error(diff)
	}
}

func TestAccessLog(t *testing.T) {
	door := func() http.Handler {
		mux := http.NewServeMux()
		routes := httpx.Routes{
			{Pattern: "GET /licenses/{id}", Access: httpx.Public, Handler: func(w http.ResponseWriter, r *http.Request) error {
				_, err := io.WriteString(w, "hello")
				return err
			}},
			{Pattern: "GET /refused/{id}", Access: httpx.SignedIn, Handler: func(http.ResponseWriter, *http.Request) error { return nil }},
		}
		httpx.Mount(mux, routes, func(route httpx.Route) http.Handler {
			if route.Access == httpx.SignedIn {
				return failing(fault.New(fault.Unauthenticated, "sign_in", "Sign in."))
			}
			return httpx.Adapt(route.Handler, httpx.WriteProblem)
		})
		return httpx.Unmatched(mux, httpx.WriteProblem)
	}

	t.Run("one line says what happened, with the pattern and never the path", func(t *testing.T) {
		var book logBook
		r := get("/licenses/ABCDE-FGHJK?q=SECRET")
		r.RemoteAddr = "203.0.113.7:99"
		// The mux sees a copy of the request, as behind a session middleware.
		h := logged(httpx.NoStore(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			door().ServeHTTP(w, r.Clone(r.Context()))
		})), &book)
		w := serve(h, r)
		line := book.line(t, "request")
		for name, want := range map[string]any{
			"method": "GET", "route": "GET /licenses/{id}", "status": 200.0, "duration": 1e6, "bytes": 5.0,
			"address": "203.0.113.7", "request_id": w.Header().Get("X-Request-Id"),
		} {
			if line[name] != want {
				t.Errorf("%s = %v, want %v", name, line[name], want)
			}
		}
		mustNotContain(t, "log", book.String(), "ABCDE", "SECRET", "?q")
	})
	t.Run("a refused route is named too", func(t *testing.T) {
		var book logBook
		serve(logged(door(), &book), get("/refused/1"))
		if line := book.line(t, "request"); line["route"] != "GET /refused/{id}" || line["status"] != 401.0 {
			t.Errorf("logged %v", line)
		}
	})
	t.Run("an unknown path stays out of the log", func(t *testing.T) {
		var book logBook
		serve(logged(door(), &book), get("/ABCDE-FGHJK"))
		if line := book.line(t, "request"); line["route"] != "unmatched" || line["status"] != 404.0 {
			t.Errorf("logged %v", line)
		}
		mustNotContain(t, "log", book.String(), "ABCDE")
	})
	t.Run("an invented method stays out of the log", func(t *testing.T) {
		var book logBook
		serve(logged(door(), &book), httptest.NewRequest("ABCDE-FGHJK", "/", nil))
		if line := book.line(t, "request"); line["method"] != "other" {
			t.Errorf("logged %v", line)
		}
		mustNotContain(t, "log", book.String(), "ABCDE")
	})
	t.Run("lines of the handler carry the request id", func(t *testing.T) {
		var book logBook
		w := serve(logged(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			httpx.Log(r.Context()).Info("working")
		}), &book), get("/x"))
		if line := book.line(t, "working"); line["request_id"] != w.Header().Get("X-Request-Id") {
			t.Errorf("logged %v", line)
		}
	})
}

func TestChainPutsTheFirstOutermost(t *testing.T) {
	var order []string
	named := func(name string) httpx.Middleware {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				order = append(order, name)
				next.ServeHTTP(w, r)
			})
		}
	}
	serve(httpx.Chain(http.NotFoundHandler(), named("a"), named("b")), get("/x"))
	if got := fmt.Sprint(order); got != "[a b]" {
		t.Errorf("order = %s", got)
	}
}
