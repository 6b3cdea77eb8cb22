package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/keyward/keyward/internal/api"
	"github.com/keyward/keyward/internal/app/delivery"
	"github.com/keyward/keyward/internal/app/export"
	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/docs"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/job"
	"github.com/keyward/keyward/internal/mail"
	"github.com/keyward/keyward/internal/mail/due"
	"github.com/keyward/keyward/internal/mail/notice"
	"github.com/keyward/keyward/internal/metrics"
	"github.com/keyward/keyward/internal/portal"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/ui"
	"github.com/keyward/keyward/internal/webhook"
)

// Server serves an installation until it is stopped.
type Server struct {
	*Services
	config  config.Server
	log     *slog.Logger
	handler http.Handler
	jobs    *job.Runner
	now     func() time.Time
	metrics *metrics.Metrics // nil: nothing is counted

	stopping atomic.Bool
}

// Extras are what only some servers have.
type Extras struct {
	Banner  *Banner          // above every page of the portal
	Metrics *metrics.Metrics // those that the services were opened with
}

// Banner and Link are the parts of a line above every page.
type (
	Banner = ui.Banner
	Link   = ui.Link
)

// New puts a server together around open services.
func New(c config.Server, s *Services, now func() time.Time, log *slog.Logger, extras Extras) (*Server, error) {
	srv := &Server{Services: s, config: c, log: log, now: now, jobs: job.New(s.Store, now, log), metrics: extras.Metrics}
	srv.measure()
	if err := srv.addJobs(); err != nil {
		return nil, err
	}
	handler, err := srv.routes(extras)
	srv.handler = handler
	return srv, err
}

// Handler is everything the server answers.
func (s *Server) Handler() http.Handler { return s.handler }

// addJobs lists the background work.
func (s *Server) addJobs() error {
	composer, err := mail.NewComposer(mail.Brand{
		AppName: s.config.AppName, SupportEmail: s.config.SupportEmail, BaseURL: s.config.Address(), FromEmail: s.config.MailFrom,
	})
	if err != nil {
		return err
	}
	sender, err := s.sender()
	if err != nil {
		return err
	}
	mandatory, err := mandatoryNotices(s.config.Mandatory)
	if err != nil {
		return err
	}
	notice.New(notice.Deps{
		Mandatory: mandatory, Store: s.Store, Links: s.Identity, Composer: composer, Sender: sender, Now: s.now, BaseURL: s.config.Address(),
		TicketReply: s.Support.ReplyAddress,
	}).Register(s.jobs)
	desk := due.New(s.Store, s.now, s.jobs.Wake)
	s.jobs.Every("mails.collect", time.Second, desk.Collect)
	s.jobs.Every("mails.sweep", time.Hour, desk.Sweep)
	s.jobs.Everywhere("tally.flush", time.Second, s.Licensing.Tally().Flush)
	s.jobs.Every("seats.tidy", time.Hour, s.Licensing.TidySeats)
	s.jobs.Every("events.seal", time.Second, func(ctx context.Context) error {
		_, err := s.Sealer.Seal(ctx)
		return err
	})
	webhook.New(webhook.Deps{
		Store: s.Store, Master: s.Master, Now: s.now, Log: s.log, Allow: s.config.WebhookNetworks(), Observe: s.metrics.Delivery,
	}).Register(s.jobs)
	s.jobs.Every("sessions.purge", time.Hour, s.Identity.PurgeSessions)
	s.jobs.Every("files.sweep", time.Hour, s.Delivery.Sweep)
	s.jobs.Every("sign_ins.purge", time.Hour, s.Identity.PurgeSignIns)
	s.jobs.Every("tickets.close", 10*time.Minute, s.Support.CloseResolved)
	s.jobs.Every("attempts.purge", time.Minute, func(ctx context.Context) error { return s.Attempts.Purge(ctx, s.now()) })
	s.jobs.Every("idempotency.purge", time.Hour, s.forgetIdempotent)
	return nil
}

// purgeBatch bounds what one transaction removes, since others wait for it.
const purgeBatch = 500

func (s *Server) forgetIdempotent(ctx context.Context) error {
	for {
		var gone int64
		err := s.Store.InTx(ctx, func(tx *store.Tx) error {
			var err error
			gone, err = tx.ForgetIdempotent(ctx, s.now(), purgeBatch)
			return err
		})
		if err != nil || gone < purgeBatch {
			return err
		}
	}
}

func (s *Server) sender() (mail.Sender, error) {
	if s.config.SMTPURL == "" {
		return mail.Unconfigured{}, nil
	}
	server, err := mail.ParseSMTPURL(s.config.SMTPURL)
	if err != nil {
		return nil, err
	}
	return mail.NewSMTP(server, s.now), nil
}

// routes mounts the doors. Browser routes and API routes have different
// defenses and share only the outermost chain.
func (s *Server) routes(extras Extras) (http.Handler, error) {
	mandatory, err := mandatoryNotices(s.config.Mandatory)
	if err != nil {
		return nil, err
	}
	door, err := portal.New(portal.Deps{
		Licensing: s.Licensing, Calendar: s.Calendar, Mandatory: mandatory, Identity: s.Identity, Export: export.New(s.Store, s.now), Support: s.Support, Delivery: s.Delivery, Now: s.now, Log: s.log,
		AppName: s.config.AppName, BaseURL: s.config.Address(),
		SupportEmail: s.config.SupportEmail, SupportURL: s.config.SupportURL, Banner: extras.Banner,
		SignInLinks: s.config.SignInLinks, Landing: s.config.Landing,
	})
	if err != nil {
		return nil, err
	}
	pages, err := door.Handler()
	if err != nil {
		return nil, err
	}
	if pages, err = httpx.CompressPages(pages); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+ui.AssetsPath, ui.NewAssets().Handler())
	native := api.New(api.Deps{Licensing: s.Licensing, Identity: s.Identity, Catalog: s.Catalog, Delivery: s.Delivery, Trail: s.Sealer, Support: s.Support, Attempts: s.Attempts, Now: s.now})
	native.Mount(mux)
	manual, err := docs.New(docs.Deps{
		OpenAPI: native.OpenAPI(), API: native.Routes(), Now: s.now, AppName: s.config.AppName, BaseURL: s.config.Address(),
		SupportEmail: s.config.SupportEmail, SupportURL: s.config.SupportURL, Banner: extras.Banner,
	})
	if err != nil {
		return nil, err
	}
	manual.Mount(mux)
	mux.HandleFunc("GET "+healthPath, s.alive)
	mux.HandleFunc("GET "+readyPath, s.ready)
	mux.Handle("/", pages)
	return httpx.Chain(mux,
		httpx.AssignRequestID, httpx.ClientAddr(s.config.Proxies()), httpx.AccessLog(s.log, s.now, s.metrics.Request), httpx.Recover(httpx.WriteProblem)), nil
}

// Limits of connections.
const (
	headerTime  = 10 * time.Second
	readTime    = 30 * time.Second
	writeTime   = 60 * time.Second
	idleTime    = 2 * time.Minute
	maxHeader   = 32 << 10
	stopTime    = 20 * time.Second
	flushOnStop = 5 * time.Second
)

// Listen opens an address, such as that of the configuration.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "listen_failed", "Keyward cannot listen on "+address+".", err).
			WithNext("Stop what uses that address, or choose another with --listen HOST:PORT.")
	}
	return ln, nil
}

// Run serves an installation until ctx ends. ready is called once it answers.
func Run(ctx context.Context, c config.Server, log *slog.Logger, ready func(net.Addr)) error {
	ln, err := Listen(ctx, c.Listen)
	if err != nil {
		return err
	}
	if c.BaseURL == "" {
		c.Listen = ln.Addr().String() // with the port that :0 became
	}
	counted, closeMetrics, err := openMetrics(ctx, c, log)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	defer closeMetrics()
	services, err := Assemble(ctx, c.Database, Options{
		Metrics: counted,
		BaseURL: c.Address(), AppName: c.AppName, Support: &c.Support, NoMigrate: c.NoMigrate, Log: log,
		Changelogs: delivery.Changelogs{Audience: delivery.Audience(c.Changelog), Entries: c.ChangelogPage},
	})
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	s, err := New(c, services, time.Now, log, Extras{Metrics: counted})
	if err != nil {
		return errors.Join(err, services.Close(context.WithoutCancel(ctx)), ln.Close())
	}
	ready(ln.Addr())
	return s.Serve(ctx, ln)
}

// Serve answers on ln and does the background work until ctx ends; then it
// finishes what it has begun, in order: requests, background work, what is
// held in memory, the database.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	web := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: writeTime,
		IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	taking, stopTaking := context.WithCancel(ctx)
	defer stopTaking()
	taken, err := s.takeMail(taking)
	if err != nil {
		return errors.Join(err, ln.Close(), s.stop(web))
	}
	s.jobs.Start(context.WithoutCancel(ctx))
	failed := make(chan error, 1)
	go func() { failed <- s.serveOn(web, ln) }()
	select {
	case <-ctx.Done():
		s.drain(failed)
	case err = <-failed:
	}
	stopTaking()
	taken()
	return errors.Join(err, s.stop(web))
}

// drain goes on answering for a while, so that whoever asks /readyz can turn
// away first.
func (s *Server) drain(failed <-chan error) {
	s.stopping.Store(true)
	if s.config.Drain == 0 {
		return
	}
	s.log.Info("stopping", "drain", s.config.Drain)
	select {
	case <-time.After(s.config.Drain):
	case <-failed:
	}
}

func (s *Server) serveOn(web *http.Server, ln net.Listener) error {
	err := error(nil)
	if s.config.TLSCert != "" {
		err = web.ServeTLS(ln, s.config.TLSCert, s.config.TLSKey)
	} else {
		err = web.Serve(ln)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func (s *Server) stop(web *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	err := web.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, web.Close()) // who is not done by now is cut off
	}
	s.jobs.Stop()
	flush, done := context.WithTimeout(context.Background(), flushOnStop)
	defer done()
	return errors.Join(err, s.Services.Close(flush))
}
