package httpx

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/keyward/keyward/internal/fault"
)

// maxPanicText bounds what a panic may put into the log.
const maxPanicText = 500

var errPanicked = errors.New("the handler panicked")

// Recover answers a panic as our own fault and logs it with its stack. When
// part of an answer is out, the connection is cut instead, so that the client
// does not take the part for the whole.
func Recover(onError ErrorFunc) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := record(w)
			defer func() {
				if v := recover(); v != nil {
					recovered(rec, r, v, onError)
				}
			}()
			next.ServeHTTP(rec, r)
		})
	}
}

func recovered(rec *recorder, r *http.Request, v any, onError ErrorFunc) {
	if v == http.ErrAbortHandler {
		panic(v)
	}
	text := fmt.Sprint(v)
	Log(r.Context()).LogAttrs(r.Context(), slog.LevelError, "request panicked",
		slog.String("panic", text[:min(len(text), maxPanicText)]),
		slog.String("stack", string(debug.Stack())))
	if rec.started() {
		panic(http.ErrAbortHandler)
	}
	f := fault.From(errPanicked)
	errorHeaders(rec.Header(), f)
	onError(rec, r, f)
}
