package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
)

// secretWords is what an answer must not show of secretCause or of the program.
var secretWords = []string{"SELECT", "licenses", "sql:", "hunter2", "store.go", "panic", "goroutine"}

func secretCause() error {
	return errors.New("sql: SELECT key FROM licenses WHERE password = 'hunter2' at store.go:12")
}

func failing(err error) http.Handler {
	return httpx.Adapt(func(http.ResponseWriter, *http.Request) error { return err }, httpx.WriteProblem)
}

func TestAdaptAnswersFaults(t *testing.T) {
	for _, tt := range []struct {
		name   string
		err    error
		status int
		code   string
		level  string
	}{
		{"an unknown error is our own fault and loud", fmt.Errorf("list: %w", secretCause()), 500, "internal", "ERROR"},
		{"an internal fault keeps its code", fault.Wrap(fault.Internal, "unsealed", "We could not read this.", secretCause()), 500, "unsealed", "ERROR"},
		{"a deadline is unavailable", fmt.Errorf("query: %w", context.DeadlineExceeded), 503, "timed_out", "WARN"},
		{"invalid input is quiet", fault.New(fault.Invalid, "bad_date", "Enter a date."), 400, "bad_date", "DEBUG"},
		{"a wrapped fault is found", fmt.Errorf("assign: %w", fault.New(fault.Conflict, "taken", "Taken.")), 409, "taken", "DEBUG"},
		{"nobody is signed in", fault.New(fault.Unauthenticated, "sign_in", "Sign in."), 401, "sign_in", "DEBUG"},
		{"forbidden is on record", fault.New(fault.Forbidden, "no", "No."), 403, "no", "WARN"},
		{"an unknown id is quiet", fault.Missing("license"), 404, "not_found", "DEBUG"},
		{"another customer's id is on record", fault.Wrap(fault.NotFound, "not_found", "We could not find this license.", secretCause()), 404, "not_found", "WARN"}, // P-ISO-03
		{"too often is on record", fault.New(fault.Limited, "slow_down", "Wait."), 429, "slow_down", "WARN"},
		{"too large", fault.New(fault.TooLarge, "too_large", "Too large."), 413, "too_large", "DEBUG"},
		{"a body over its limit is the caller's fault", fmt.Errorf("read: %w", &http.MaxBytesError{Limit: 1024}), 413, "too_large", "DEBUG"},
		{"the wrong method has its own status", fault.New(fault.Invalid, httpx.CodeMethodNotAllowed, "No."), 405, "method_not_allowed", "DEBUG"},
		{"the wrong media type has its own status", fault.New(fault.Invalid, httpx.CodeUnsupportedMediaType, "No."), 415, "unsupported_media_type", "DEBUG"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var book logBook
			w := serve(logged(failing(tt.err), &book), get("/x"))

			p := problem(t, w)
			if w.Code != tt.status || p.Status != tt.status || p.Code != tt.code {
				t.Errorf("answered %d, document %d %q; want %d %q", w.Code, p.Status, p.Code, tt.status, tt.code)
			}
			line := book.line(t, "request failed")
			if line["level"] != tt.level || line["code"] != tt.code {
				t.Errorf("logged %v %v, want %v %v", line["level"], line["code"], tt.level, tt.code)
			}
			if access := book.line(t, "request"); access["status"] != float64(tt.status) {
				t.Errorf("access log has status %v, want %d", access["status"], tt.status)
			}
			for name, values := range w.Header() {
				mustNotContain(t, "header "+name, strings.Join(values, " "), secretWords...)
			}
			body := strings.ReplaceAll(w.Body.String(), "not_found", "")
			mustNotContain(t, "answer", body, secretWords...)
		})
	}
}

func TestAdaptLogsCauses(t *testing.T) {
	t.Run("of our own faults with the whole chain", func(t *testing.T) {
		var book logBook
		serve(logged(failing(fmt.Errorf("list: %w", secretCause())), &book), get("/x"))
		if got := fmt.Sprint(book.line(t, "request failed")["error"]); got != "list: "+secretCause().Error() {
			t.Errorf("error = %q", got)
		}
	})
	t.Run("of refusals, but not their sentences", func(t *testing.T) {
		var book logBook
		f := fault.Wrap(fault.NotFound, "not_found", "We could not find ABCDE-FGHJK.", errors.New("owned by another customer")).
			WithField("key", "ABCDE-FGHJK is unknown.")
		serve(logged(failing(fmt.Errorf("open: %w", f)), &book), get("/x"))
		if got := book.line(t, "request failed")["cause"]; got != "owned by another customer" {
			t.Errorf("cause = %v", got)
		}
		mustNotContain(t, "log", book.String(), "ABCDE-FGHJK")
	})
}

func TestAdaptLeavesSuccessAlone(t *testing.T) {
	t.Run("no error", func(t *testing.T) {
		h := httpx.Adapt(func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("ETag", `"1"`)
			_, err := io.WriteString(w, "fine")
			return err
		}, httpx.WriteProblem)
		w := serve(h, get("/x"))
		if w.Code != 200 || w.Body.String() != "fine" || w.Header().Get("ETag") != `"1"` {
			t.Errorf("answered %d %q %v", w.Code, w.Body, w.Header())
		}
	})
	t.Run("a nil fault inside an error", func(t *testing.T) {
		var none fault.Problems
		var book logBook
		h := httpx.Adapt(func(w http.ResponseWriter, r *http.Request) error { return none.Err() }, httpx.WriteProblem)
		if w := serve(logged(h, &book), get("/x")); w.Code != 200 || strings.Contains(book.String(), "request failed") {
			t.Errorf("answered %d; log:\n%s", w.Code, book.String())
		}
	})
	t.Run("a plain handler", func(t *testing.T) {
		h := httpx.Adapt(httpx.Plain(http.RedirectHandler("/there", http.StatusSeeOther)), httpx.WriteProblem)
		if w := serve(h, get("/x")); w.Code != 303 || w.Header().Get("Location") != "/there" {
			t.Errorf("answered %d %v", w.Code, w.Header())
		}
	})
}

func TestAdaptPartlyWritten(t *testing.T) {
	starts := map[string]func(w http.ResponseWriter){
		"body":   func(w http.ResponseWriter) { _, _ = io.WriteString(w, "half") },
		"header": func(w http.ResponseWriter) { w.WriteHeader(http.StatusAccepted) },
		"flush":  func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() },
	}
	for name, start := range starts {
		t.Run(name+" is out, so the error is only logged", func(t *testing.T) {
			var book logBook
			h := httpx.Adapt(func(w http.ResponseWriter, r *http.Request) error {
				start(w)
				return secretCause()
			}, func(http.ResponseWriter, *http.Request, *fault.Error) { t.Error("the error was answered") })
			w := serve(logged(h, &book), get("/x"))
			if w.Code >= 400 {
				t.Errorf("status = %d", w.Code)
			}
			mustNotContain(t, "answer", w.Body.String(), secretWords...)
			if line := book.line(t, "request failed"); line["partly_written"] != true || line["level"] != "ERROR" {
				t.Errorf("logged %v", line)
			}
		})
	}
	t.Run("early hints are not an answer", func(t *testing.T) {
		h := httpx.Adapt(func(w http.ResponseWriter, r *http.Request) error {
			w.WriteHeader(http.StatusEarlyHints)
			return fault.Missing("page")
		}, httpx.WriteProblem)
		server := httptest.NewServer(h)
		defer server.Close()
		resp, err := server.Client().Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != 404 {
			t.Errorf("status = %d, want 404", resp.StatusCode)
		}
	})
}

func TestAdaptClientGone(t *testing.T) {
	run := func(err error) (*httptest.ResponseRecorder, *logBook) {
		var book logBook
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		return serve(logged(failing(err), &book), get("/x").WithContext(ctx)), &book
	}
	for name, err := range map[string]error{
		"a cancelled query":              fmt.Errorf("query: %w", context.Canceled),
		"a driver's word for cancelling": errors.New("interrupted (9)"),
	} {
		t.Run(name+" is logged as 499 and is no alarm", func(t *testing.T) {
			w, book := run(err)
			if line := book.line(t, "request failed"); line["level"] != "INFO" || line["status"] != float64(499) {
				t.Errorf("logged %v", line)
			}
			if access := book.line(t, "request"); access["status"] != float64(499) {
				t.Errorf("access log has %v", access["status"])
			}
			if w.Code < 500 {
				t.Errorf("whoever still listens got %d, want 5xx", w.Code)
			}
		})
	}
	t.Run("a refusal stays what it is", func(t *testing.T) {
		w, book := run(fault.Missing("page"))
		if access := book.line(t, "request"); access["status"] != float64(404) || w.Code != 404 {
			t.Errorf("access log has %v, answered %d", access["status"], w.Code)
		}
	})
}

func TestAdaptTakesBackHeaders(t *testing.T) {
	h := httpx.Adapt(func(w http.ResponseWriter, r *http.Request) error {
		for _, name := range []string{"Content-Length", "Content-Disposition", "ETag", "Last-Modified", "Content-Encoding"} {
			w.Header().Set(name, "1")
		}
		w.Header().Set("Cache-Control", "public, max-age=31536000")
		w.Header().Set("Vary", "Cookie")
		return fault.Missing("page")
	}, func(w http.ResponseWriter, r *http.Request, f *fault.Error) { w.WriteHeader(httpx.StatusOf(f)) })
	got := serve(h, get("/x")).Header()
	want := http.Header{"Cache-Control": {"no-store"}, "Vary": {"Cookie"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func TestWriteProblem(t *testing.T) {
	t.Run("says everything that may be shown", func(t *testing.T) {
		f := fault.Wrap(fault.Limited, "slow_down", "Too many attempts.", secretCause()).
			WithField("email", "Wait.").WithNext("Try later.").WithRetryAfter(1500 * time.Millisecond)
		var id string
		h := httpx.AssignRequestID(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			id = httpx.RequestID(r.Context())
			httpx.WriteProblem(w, r, f)
		}))
		w := serve(h, get("/x"))
		want := httpx.Problem{
			Type: "about:blank", Title: "Too Many Requests", Status: 429, Detail: "Too many attempts.", Code: "slow_down",
			Errors: []httpx.ProblemField{{Field: "email", Message: "Wait."}}, Next: "Try later.", RequestID: id,
		}
		if diff := cmp.Diff(want, problem(t, w)); diff != "" {
			t.Errorf("document (-want +got):\n%s", diff)
		}
		if w.Code != 429 || w.Header().Get("Retry-After") != "2" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("answered %d %v", w.Code, w.Header())
		}
		mustNotContain(t, "answer", w.Body.String(), secretWords...)
	})
	t.Run("never comes without a code", func(t *testing.T) {
		w := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			httpx.WriteProblem(w, r, &fault.Error{Cause: secretCause()})
		}), get("/x"))
		if p := problem(t, w); p.Status != 500 || p.Code != "internal" {
			t.Errorf("document = %+v", p)
		}
		mustNotContain(t, "answer", w.Body.String(), secretWords...)
	})
	t.Run("markup in a sentence cannot be read as markup", func(t *testing.T) {
		w := serve(failing(fault.New(fault.Invalid, "bad", "<script>alert(1)</script>")), get("/x"))
		mustNotContain(t, "answer", w.Body.String(), "<script>")
	})
}

func TestStatusCoversEveryKind(t *testing.T) {
	seen := map[int]fault.Kind{}
	for k := fault.Internal; k <= fault.Unavailable; k++ {
		status := httpx.Status(k)
		if other, taken := seen[status]; taken {
			t.Errorf("%v and %v share status %d", k, other, status)
		}
		seen[status] = k
	}
	if got := httpx.Status(fault.Kind(99)); got != 500 {
		t.Errorf("unknown kind has status %d, want 500", got)
	}
}

func TestRecover(t *testing.T) {
	t.Run("a panic is answered as our own fault and logged with its stack", func(t *testing.T) {
		var book logBook
		h := logged(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { panic(secretCause()) }), &book)
		w := serve(h, get("/x"))
		if p := problem(t, w); w.Code != 500 || p.Code != "internal" {
			t.Errorf("answered %d %+v", w.Code, p)
		}
		mustNotContain(t, "answer", w.Body.String(), secretWords...)
		line := book.line(t, "request panicked")
		if line["level"] != "ERROR" || !strings.Contains(fmt.Sprint(line["stack"]), "handler_test.go") {
			t.Errorf("logged %v", line)
		}
		if access := book.line(t, "request"); access["status"] != float64(500) {
			t.Errorf("access log has %v", access["status"])
		}
	})
	t.Run("a long panic text is cut", func(t *testing.T) {
		var book logBook
		serve(logged(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(strings.Repeat("x", 1<<20)) }), &book), get("/x"))
		if got := len(fmt.Sprint(book.line(t, "request panicked")["panic"])); got > 500 {
			t.Errorf("%d bytes of panic text", got)
		}
	})
	t.Run("a half answer cuts the connection", func(t *testing.T) {
		h := logged(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic("late")
		}), &logBook{})
		server := httptest.NewUnstartedServer(h)
		server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
		server.Start()
		defer server.Close()
		resp, err := server.Client().Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, err := io.ReadAll(resp.Body); err == nil {
			t.Errorf("the client took %q for a whole answer", body)
		}
	})
	t.Run("an intended abort is not logged as a panic", func(t *testing.T) {
		var book logBook
		h := logged(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), &book)
		defer func() {
			if recover() != http.ErrAbortHandler {
				t.Error("the abort did not reach the server")
			}
			mustNotContain(t, "log", book.String(), "request panicked")
			book.line(t, "request")
		}()
		serve(h, get("/x"))
	})
}
