package httpx

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"
)

// exchange is what the parts of one request tell the access log. It belongs to
// the goroutine that serves the request.
type exchange struct {
	log     *slog.Logger
	pattern string
	gone    bool
}

type exchangeKey struct{}

// Observer is told about a request that is over. Route is the pattern that
// matched and method one of a few words, whatever the client sent.
type Observer func(route, method string, status int, took time.Duration)

// AccessLog writes one line per request, when it is over: method, route
// pattern, status, duration, bytes, request id and address. Paths and queries
// are left out because they may carry what a person typed. It also gives the
// request its logger, see Log.
//
// Observers are told about each request as well.
func AccessLog(log *slog.Logger, now func() time.Time, observers ...Observer) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			start := now()
			rec := record(w)
			x := &exchange{log: log.With("request_id", RequestID(r.Context()))}
			r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
			// Deferred, so that a panic on its way to the server is on record too.
			defer func() {
				took := now().Sub(start)
				x.write(rec, r, took)
				for _, observe := range observers {
					observe(x.route(r), knownMethod(r.Method), x.status(rec), took)
				}
			}()
			next.ServeHTTP(rec, r)
		})
	}
}

// Log returns the logger of the request that ctx belongs to; its lines carry the
// request id. Without AccessLog it is the default logger.
func Log(ctx context.Context) *slog.Logger {
	if x := exchangeOf(ctx); x != nil {
		return x.log
	}
	return slog.Default()
}

func (x *exchange) write(rec *recorder, r *http.Request, took time.Duration) {
	x.log.LogAttrs(r.Context(), slog.LevelInfo, "request",
		slog.String("method", knownMethod(r.Method)),
		slog.String("route", x.route(r)),
		slog.Int("status", x.status(rec)),
		slog.Duration("duration", took),
		slog.Int64("bytes", rec.bytes),
		slog.String("address", addressText(Addr(r.Context()))),
	)
}

// route prefers what the innermost mux matched: a middleware between us and it
// copies the request, and the copy's Pattern does not come back.
func (x *exchange) route(r *http.Request) string {
	switch {
	case x.pattern != "":
		return x.pattern
	case r.Pattern != "":
		return r.Pattern
	}
	return "unmatched"
}

func (x *exchange) status(rec *recorder) int {
	switch {
	case x.gone:
		return StatusClientGone
	case rec.status == 0:
		return http.StatusOK
	}
	return rec.status
}

func addressText(addr netip.Addr) string {
	if !addr.IsValid() {
		return ""
	}
	return addr.String()
}

// knownMethod keeps words chosen by a client out of the log.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

func notePattern(r *http.Request) {
	if x := exchangeOf(r.Context()); x != nil && r.Pattern != "" {
		x.pattern = r.Pattern
	}
}

func noteGone(r *http.Request) {
	if x := exchangeOf(r.Context()); x != nil {
		x.gone = true
	}
}
