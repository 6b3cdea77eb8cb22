package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/metrics"
)

// Where probes ask.
const (
	healthPath = "/healthz"
	readyPath  = "/readyz"
)

// probeTime bounds how long a probe waits for the database.
const probeTime = 2 * time.Second

// alive says that the process answers.
func (s *Server) alive(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok\n") }

// ready says that this server can do its work, or the first reason why not.
// Anybody may ask, so that it says no more than that.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), probeTime)
	defer cancel()
	if reason := s.unready(ctx); reason != "" {
		plain(w, http.StatusServiceUnavailable, reason+"\n")
		return
	}
	plain(w, http.StatusOK, "ready\n")
}

func (s *Server) unready(ctx context.Context) string {
	switch {
	case s.stopping.Load():
		return "stopping"
	case s.Store.Ping(ctx) != nil:
		return "the database does not answer"
	case s.Store.CheckSchema(ctx) != nil:
		return "the database has another schema than this program"
	case !s.jobs.Alive():
		return "background work stands still"
	}
	return ""
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // a probe that went away needs no answer
}

// openMetrics begins to answer Prometheus, if that is wanted. Whoever calls
// close waits for nobody.
func openMetrics(ctx context.Context, c config.Server, log *slog.Logger) (m *metrics.Metrics, end func(), err error) {
	if c.Metrics == "" {
		return nil, func() {}, nil
	}
	ln, err := Listen(ctx, c.Metrics)
	if err != nil {
		return nil, nil, err
	}
	m = metrics.New()
	web := &http.Server{
		Handler: m.Handler(), ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go func() {
		if err := web.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			log.Error("metrics are no longer answered", "error", err)
		}
	}()
	log.Info("serving metrics", "address", ln.Addr().String())
	return m, func() { _ = web.Close() }, nil
}

// measure has what happens here counted, if anybody counts.
func (s *Server) measure() {
	if s.metrics == nil {
		return
	}
	s.jobs.Observe(s.metrics.Job)
	s.metrics.Levels(func(ctx context.Context) (map[string]int64, error) {
		lengths, err := s.Store.QueueLengths(ctx)
		if err == nil {
			lengths["writer"] = int64(s.Store.Queued())
		}
		return lengths, err
	})
}
