package httpx

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/keyward/keyward/internal/fault"
)

// Handler answers a request or returns why it could not. Having returned an
// error it must not have written anything; if it has, the error is only logged.
type Handler func(w http.ResponseWriter, r *http.Request) error

// ErrorFunc answers a request with a fault in the way of one door. It sees
// nothing it must not show except Cause.
type ErrorFunc func(w http.ResponseWriter, r *http.Request, f *fault.Error)

// Middleware adds one concern to a handler.
type Middleware func(http.Handler) http.Handler

// Chain puts h inside the middlewares; the first is the outermost.
func Chain(h http.Handler, middlewares ...Middleware) http.Handler {
	for i := len(middlewares) - 1; i >= 0; i-- {
		h = middlewares[i](h)
	}
	return h
}

// Plain makes a Handler of an http.Handler that answers its own errors, such as
// a file server.
func Plain(h http.Handler) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		h.ServeHTTP(w, r)
		return nil
	}
}

// Adapt makes an http.Handler of h. An error is logged once and answered with
// onError, unless part of an answer has already gone out.
func Adapt(h Handler, onError ErrorFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		notePattern(r)
		rec := record(w)
		if err := h(rec, r); err != nil {
			answer(rec, r, err, onError)
		}
	})
}

// answer logs err and, when nothing has been written yet, answers with it.
func answer(rec *recorder, r *http.Request, err error, onError ErrorFunc) {
	f := classify(err)
	if f == nil {
		return
	}
	gone := clientGone(r, f)
	if gone {
		noteGone(r)
	}
	logFault(r, err, f, rec.started(), gone)
	if rec.started() {
		return
	}
	// Also a client that seems gone gets an answer: when it was the server that
	// gave up, silence would reach it as an empty success.
	errorHeaders(rec.Header(), f)
	onError(rec, r, f)
}

// classify turns any error into a fault. A body that exceeded its limit is the
// one error of net/http that is the caller's fault; a nil *fault.Error inside
// err is no fault and gives nil.
func classify(err error) *fault.Error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return fault.From(err)
	}
	if tooLong, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(tooLong.Limit)
	}
	return fault.From(err)
}

// logFault writes the one log line of a fault. Our own faults appear with the
// whole error; refusals by kind and code, because their sentences may repeat
// what a person typed, and with their cause if they have one.
func logFault(r *http.Request, err error, f *fault.Error, started, gone bool) {
	attrs := []slog.Attr{slog.String("kind", f.Kind.String()), slog.String("code", f.Code), slog.String("route", r.Pattern)}
	switch {
	case ours(f):
		attrs = append(attrs, slog.String("error", err.Error()))
	case f.Cause != nil:
		attrs = append(attrs, slog.String("cause", f.Cause.Error()))
	}
	if gone {
		attrs = append(attrs, slog.Int("status", StatusClientGone))
	}
	if started {
		attrs = append(attrs, slog.Bool("partly_written", true))
	}
	Log(r.Context()).LogAttrs(r.Context(), logLevel(f, gone), "request failed", attrs...)
}

// logLevel is loud for our own faults and quiet for what people get wrong every
// day. A refusal with a cause is one that somebody found worth explaining.
func logLevel(f *fault.Error, gone bool) slog.Level {
	switch {
	case gone:
		return slog.LevelInfo
	case f.Kind == fault.Internal:
		return slog.LevelError
	case f.Kind == fault.Unavailable, f.Kind == fault.Forbidden, f.Kind == fault.Limited, f.Cause != nil:
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

func ours(f *fault.Error) bool {
	return f.Kind == fault.Internal || f.Kind == fault.Unavailable
}

// clientGone reports whether f is only the echo of a client that hung up, which
// makes our own queries fail.
func clientGone(r *http.Request, f *fault.Error) bool {
	return ours(f) && errors.Is(r.Context().Err(), context.Canceled)
}
