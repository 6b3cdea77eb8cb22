package httpx_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
)

// C-SEC-10
func TestSecurityHeaders(t *testing.T) {
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	t.Run("are all there", func(t *testing.T) {
		got := serve(httpx.Chain(ok, httpx.SecurityHeaders(httpx.Policy, true), httpx.NoStore), get("/x")).Header()
		want := http.Header{
			"Content-Security-Policy":      {httpx.Policy},
			"X-Content-Type-Options":       {"nosniff"},
			"Referrer-Policy":              {"same-origin"},
			"X-Frame-Options":              {"DENY"},
			"Cross-Origin-Opener-Policy":   {"same-origin"},
			"Cross-Origin-Resource-Policy": {"same-origin"},
			"Permissions-Policy":           {"camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
			"Strict-Transport-Security":    {"max-age=31536000"},
			"Cache-Control":                {"no-store"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("headers (-want +got):\n%s", diff)
		}
	})
	t.Run("plain http is not promised to be https", func(t *testing.T) {
		got := serve(httpx.SecurityHeaders(httpx.Policy, false)(ok), get("/x")).Header()
		if got.Get("Strict-Transport-Security") != "" {
			t.Error("HSTS was sent")
		}
	})
	t.Run("errors have them too", func(t *testing.T) {
		h := httpx.SecurityHeaders(httpx.Policy, false)(failing(fault.Missing("page")))
		if got := serve(h, get("/x")).Header().Get("Content-Security-Policy"); got != httpx.Policy {
			t.Errorf("policy = %q", got)
		}
	})
	t.Run("the policy allows nothing inline", func(t *testing.T) {
		mustNotContain(t, "policy", httpx.Policy, "unsafe", "*", "http:", "https:")
		for _, directive := range []string{
			"default-src 'none'", "script-src 'self'", "style-src 'self'", "form-action 'self'", "base-uri 'none'",
			"frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
		} {
			if !strings.Contains("; "+httpx.Policy+";", "; "+directive+";") {
				t.Errorf("policy lacks %q", directive)
			}
		}
	})
}

// C-SEC-10
func TestCrossOrigin(t *testing.T) {
	protect, err := httpx.CrossOrigin([]string{"https://licenses.example.com"}, httpx.WriteProblem)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, method, site, origin string
		status                     int
	}{
		{"a link from another site passes", "GET", "cross-site", "", 200},
		{"a post from our page passes", "POST", "same-origin", "", 200},
		{"a post from another site is refused", "POST", "cross-site", "https://evil.example", 403},
		{"a post from a sibling site is refused", "POST", "same-site", "https://blog.example.com", 403},
		{"an old browser's post from another site is refused", "POST", "", "https://evil.example", 403},
		{"an old browser's post from nowhere is refused", "POST", "", "null", 403},
		{"an old browser's post from our page passes", "POST", "", "http://example.com", 200},
		{"a post from our public address behind a proxy passes", "POST", "", "https://licenses.example.com", 200},
		{"a program's post passes", "POST", "", "", 200},
		{"a delete from another site is refused", "DELETE", "cross-site", "", 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			reached := false
			var book logBook
			h := logged(protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true })), &book)
			r := httptest.NewRequest(tt.method, "http://example.com/x", nil)
			for name, value := range map[string]string{"Sec-Fetch-Site": tt.site, "Origin": tt.origin} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			w := serve(h, r)
			if w.Code != tt.status || reached != (tt.status == 200) {
				t.Errorf("answered %d, reached = %v, want %d", w.Code, reached, tt.status)
			}
			if tt.status == 403 {
				if p := problem(t, w); p.Code != "cross_origin" {
					t.Errorf("code = %q", p.Code)
				}
				book.line(t, "request failed")
			}
		})
	}
	t.Run("a trusted origin that is none is refused at start", func(t *testing.T) {
		if _, err := httpx.CrossOrigin([]string{"licenses.example.com/path"}, httpx.WriteProblem); err == nil {
			t.Error("no error")
		}
	})
}

func TestLimitBody(t *testing.T) {
	read := httpx.Adapt(func(w http.ResponseWriter, r *http.Request) error {
		_, err := io.ReadAll(r.Body)
		return err
	}, httpx.WriteProblem)
	h := httpx.LimitBody(1024, httpx.WriteProblem)(read)
	for name, tt := range map[string]struct {
		size   int
		length int64
		status int
	}{
		"at the limit":                        {1024, 1024, 200},
		"over the limit by its own word":      {1025, 1025, 413},
		"over the limit without saying so":    {1025, -1, 413},
		"within the limit without saying so":  {1024, -1, 200},
		"one megabyte where a key is awaited": {1 << 20, -1, 413},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/x", strings.NewReader(strings.Repeat("x", tt.size)))
			r.ContentLength = tt.length
			w := serve(h, r)
			if w.Code != tt.status {
				t.Errorf("answered %d, want %d", w.Code, tt.status)
			}
			if tt.status == 413 {
				if p := problem(t, w); p.Detail != "The request is larger than 1 KB." || p.Next == "" {
					t.Errorf("document = %+v", p)
				}
			}
		})
	}
}

func TestReadBody(t *testing.T) {
	t.Run("reads up to the limit", func(t *testing.T) {
		body, err := httpx.ReadBody(httptest.NewRequest("POST", "/x", strings.NewReader("12345")), 5)
		if err != nil || string(body) != "12345" {
			t.Errorf("body = %q, %v", body, err)
		}
	})
	t.Run("refuses more", func(t *testing.T) {
		if _, err := httpx.ReadBody(httptest.NewRequest("POST", "/x", strings.NewReader("123456")), 5); !fault.Is(err, fault.TooLarge) {
			t.Errorf("err = %v", err)
		}
	})
	t.Run("a client that asks before it sends is answered, not cut off", func(t *testing.T) {
		server := httptest.NewServer(httpx.Adapt(func(_ http.ResponseWriter, r *http.Request) error {
			_, err := httpx.ReadBody(r, 1<<10)
			return err
		}, httpx.WriteProblem))
		defer server.Close()
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", 1<<20)
		status, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || status != "HTTP/1.1 413 Request Entity Too Large\r\n" {
			t.Errorf("answered %q, %v", status, err)
		}
	})
	t.Run("a body that breaks off is the caller's", func(t *testing.T) {
		broken := io.MultiReader(strings.NewReader("12"), readerFunc(func([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }))
		if _, err := httpx.ReadBody(httptest.NewRequest("POST", "/x", broken), 5); !fault.Is(err, fault.Invalid) {
			t.Errorf("err = %v", err)
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestParseForm(t *testing.T) {
	form := func(body, contentType string) *http.Request {
		r := httptest.NewRequest("POST", "/x?from=query", strings.NewReader(body))
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
		return r
	}
	const urlencoded = "application/x-www-form-urlencoded"

	t.Run("reads an ordinary form", func(t *testing.T) {
		r := form("email=ada%40example.com&tag=a&tag=b", urlencoded+"; charset=utf-8")
		if err := httpx.ParseForm(r, 1024); err != nil {
			t.Fatal(err)
		}
		want := url.Values{"email": {"ada@example.com"}, "tag": {"a", "b"}}
		if diff := cmp.Diff(want, r.PostForm); diff != "" {
			t.Errorf("PostForm (-want +got):\n%s", diff)
		}
	})
	for _, tt := range []struct {
		name, body, contentType string
		kind                    fault.Kind
		code                    string
	}{
		{"another media type", `{"email":"x"}`, "application/json", fault.Invalid, httpx.CodeUnsupportedMediaType},
		{"a file upload", "--b--", "multipart/form-data; boundary=b", fault.Invalid, httpx.CodeUnsupportedMediaType},
		{"no media type", "a=b", "", fault.Invalid, httpx.CodeUnsupportedMediaType},
		{"too long", "a=" + strings.Repeat("x", 2048), urlencoded, fault.TooLarge, "too_large"},
		{"broken escapes", "key=ABCDE%zzFGHJK", urlencoded, fault.Invalid, "malformed_form"},
		{"semicolons", "a=b;c=d", urlencoded, fault.Invalid, "malformed_form"},
		{"a zero byte", "a=b%00c", urlencoded, fault.Invalid, "malformed_form"},
		{"bytes that are no text", "a=%ff%fe", urlencoded, fault.Invalid, "malformed_form"},
		{"a name that is no text", "%ff=a", urlencoded, fault.Invalid, "malformed_form"},
	} {
		t.Run("refuses "+tt.name, func(t *testing.T) {
			err := httpx.ParseForm(form(tt.body, tt.contentType), 1024)
			f := fault.From(err)
			if f == nil || f.Kind != tt.kind || f.Code != tt.code {
				t.Fatalf("err = %v, want %v %q", err, tt.kind, tt.code)
			}
			mustNotContain(t, "log text", err.Error(), "zzF")
		})
	}
	t.Run("too many fields are the caller's fault", func(t *testing.T) {
		err := httpx.ParseForm(form(strings.Repeat("a=&", 20000), urlencoded), 1<<20)
		if err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("err = %v", err)
		}
	})
}

func TestValidURL(t *testing.T) {
	h := httpx.ValidURL(httpx.WriteProblem)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for target, status := range map[string]int{
		"/licenses?q=%C3%A4": 200,
		"/%C3%A4":            200,
		"/licenses?q=%00":    400,
		"/licenses?q=%ff":    400,
		"/licenses?%ff=1":    400,
		"/licenses/%00":      400,
		"/licenses/%ff":      400,
	} {
		if w := serve(h, get(target)); w.Code != status {
			t.Errorf("%s answered %d, want %d", target, w.Code, status)
		}
	}
}

func TestRoutes(t *testing.T) {
	say := func(word string) httpx.Handler {
		return func(w http.ResponseWriter, r *http.Request) error {
			_, err := fmt.Fprint(w, word, " ", r.PathValue("id"))
			return err
		}
	}
	allow := map[httpx.Access]bool{httpx.Public: true, httpx.Permission("license.read"): true}
	wrap := func(route httpx.Route) http.Handler {
		return httpx.Adapt(func(w http.ResponseWriter, r *http.Request) error {
			if !allow[route.Access] {
				return fault.New(fault.Forbidden, "forbidden", "You may not do this.")
			}
			return route.Handler(w, r)
		}, httpx.WriteProblem)
	}
	routes := httpx.Routes{
		{Pattern: "GET /open/{id}", Access: httpx.Public, Handler: say("open")},
		{Pattern: "GET /mine", Access: httpx.SignedIn, Handler: say("mine")},
		{Pattern: "GET /licenses", Access: httpx.Permission("license.read"), Handler: say("list")},
		{Pattern: "POST /licenses", Access: httpx.Permission("license.issue"), Handler: say("issued")},
	}
	mux := http.NewServeMux()
	httpx.Mount(mux, routes, wrap)
	h := logged(httpx.Unmatched(mux, httpx.WriteProblem), &logBook{})

	for _, tt := range []struct {
		name, method, target string
		status               int
		body                 string
	}{
		{"public", "GET", "/open/7", 200, "open 7"},
		{"signed in", "GET", "/mine", 403, ""},
		{"a permission one has", "GET", "/licenses", 200, "list "},
		{"a permission one has not", "POST", "/licenses", 403, ""},
		{"an unknown page", "GET", "/nowhere", 404, ""},
		{"the wrong method", "DELETE", "/licenses", 405, ""},
		{"another spelling of the path", "GET", "/open/../open/7", 307, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := serve(h, httptest.NewRequest(tt.method, tt.target, nil))
			if w.Code != tt.status || tt.body != "" && w.Body.String() != tt.body {
				t.Errorf("answered %d %q, want %d %q", w.Code, w.Body, tt.status, tt.body)
			}
			if w.Code >= 400 {
				if p := problem(t, w); p.Status != tt.status {
					t.Errorf("document = %+v", p)
				}
			}
			if w.Code == 405 && w.Header().Get("Allow") != "GET, HEAD, POST" {
				t.Errorf("Allow = %q", w.Header().Get("Allow"))
			}
		})
	}

	for name, route := range map[string]httpx.Route{
		"does not declare who may use it": {Pattern: "GET /forgotten", Handler: say("x")},
		"has no handler":                  {Pattern: "GET /forgotten", Access: httpx.Public},
	} {
		t.Run("a route that "+name+" stops the program", func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, name) || !strings.Contains(got, "GET /forgotten") {
					t.Errorf("panic = %q", got)
				}
			}()
			httpx.Mount(http.NewServeMux(), httpx.Routes{route}, wrap)
		})
	}
	for _, access := range []httpx.Access{"", "anyone", httpx.Permission("")} {
		t.Run(fmt.Sprintf("access %q is none", access), func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("mounted")
				}
			}()
			httpx.Mount(http.NewServeMux(), httpx.Routes{{Pattern: "GET /x", Access: access, Handler: say("x")}}, wrap)
		})
	}
	t.Run("permissions can be read back", func(t *testing.T) {
		if name, ok := routes[3].Access.Permission(); !ok || name != "license.issue" {
			t.Errorf("Permission = %q, %v", name, ok)
		}
		if _, ok := httpx.SignedIn.Permission(); ok {
			t.Error("signed in is no permission")
		}
	})
}

func TestDoorsRenderTheirOwnErrors(t *testing.T) {
	page := func(w http.ResponseWriter, r *http.Request, f *fault.Error) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(httpx.StatusOf(f))
		_, _ = fmt.Fprintf(w, "<p>%s</p>", f.Message)
	}
	h := httpx.Adapt(func(http.ResponseWriter, *http.Request) error { return errors.New("sql: no rows") }, page)
	w := serve(logged(h, &logBook{}), get("/x"))
	if w.Code != 500 || !strings.Contains(w.Body.String(), "<p>Something went wrong on our side.") {
		t.Errorf("answered %d %q", w.Code, w.Body)
	}
	mustNotContain(t, "page", w.Body.String(), "sql")
}
