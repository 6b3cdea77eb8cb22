package server

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/fault"
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

// Question is put to a server on this machine, by settings that it was started
// with.
type Question struct {
	Listen string
	HTTPS  bool
	Ready  bool // whether it can do its work; else whether it is alive
}

// Probe returns what the server says; an error is that it says no, or nothing.
func Probe(ctx context.Context, q Question) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*probeTime)
	defer cancel()
	address, err := q.address()
	if err != nil {
		return "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	// The certificate is for the name that customers use, and nothing secret
	// is asked or believed here.
	web := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	response, err := web.Do(r)
	if err != nil {
		return "", notServing("Nothing answers at "+q.Listen+".", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxProbe))
	said := strings.TrimSpace(string(text))
	if err != nil || response.StatusCode != http.StatusOK {
		return "", notServing("The server at "+q.Listen+" says: "+said+".", err)
	}
	return said, nil
}

const maxProbe = 1 << 10

func notServing(says string, err error) error {
	return fault.Wrap(fault.Unavailable, "not_serving", says, err).WithNext("See that it runs, and look into its log.")
}

// address is where this machine reaches a server that may listen on all
// of its addresses.
func (q Question) address() (string, error) {
	host, port, err := net.SplitHostPort(q.Listen)
	if err != nil {
		return "", fault.Wrap(fault.Invalid, "listen", "The address "+q.Listen+" is none.", err).WithNext("Give --listen as host:port, as the server has it.")
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip.Is6() {
			host = "localhost"
		}
	}
	address := url.URL{Scheme: "http", Host: net.JoinHostPort(host, port), Path: healthPath}
	if q.HTTPS {
		address.Scheme = "https"
	}
	if q.Ready {
		address.Path = readyPath
	}
	return address.String(), nil
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
	s.metrics.Leader(s.jobs.Leads)
	s.metrics.Levels(func(ctx context.Context) (map[string]int64, error) {
		lengths, err := s.Store.QueueLengths(ctx)
		if err == nil {
			lengths["writer"] = int64(s.Store.Queued())
		}
		return lengths, err
	})
}
