package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/mail/due"
	"github.com/keyward/keyward/internal/mailbox"
	"github.com/keyward/keyward/internal/server"
)

// Options say where a demo runs and who reads about it.
type Options struct {
	config.Demo
	Stdout io.Writer
	Log    *slog.Logger
	Now    func() time.Time // nil is the system's
	Large  int              // licenses of the large customer; 0 is LargeLicenses
}

// LargeLicenses is how many licenses the large customer of a demo owns.
const LargeLicenses = 10_000

// Run makes the demo, or finds the one it made before, and serves it until ctx
// ends.
func Run(ctx context.Context, o Options) error {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Large == 0 {
		o.Large = LargeLicenses
	}
	if err := o.Validate(); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	post, err := openPost(ctx, o)
	if err != nil {
		return err
	}
	d, err := open(ctx, o, post)
	if err != nil {
		return err
	}
	return d.run(ctx)
}

// running is a demo put together.
type running struct {
	Options
	record
	fresh    bool // made at this start
	server   *server.Server
	listener net.Listener
}

func open(ctx context.Context, o Options, post *post) (*running, error) {
	if err := os.MkdirAll(o.Data, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	ln, err := server.Listen(ctx, o.Listen)
	if err != nil {
		return nil, err
	}
	d := &running{Options: o, listener: ln}
	if err := d.assemble(ctx, post); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	return d, nil
}

// assemble opens the installation, fills it if it is new, and puts the server
// around it.
func (d *running) assemble(ctx context.Context, post *post) error {
	clock := &clock{system: d.Now}
	settings := d.settings(post)
	uses, err := server.Assemble(ctx, settings.Database, server.Options{BaseURL: settings.Address(), AppName: settings.AppName, Support: &settings.Support, Now: clock.Now, Log: d.Log})
	if err != nil {
		return err
	}
	if err := d.fill(ctx, uses, clock); err != nil {
		return errors.Join(err, uses.Close(context.WithoutCancel(ctx)))
	}
	d.Access.URL, d.Access.MailURL = settings.Address(), post.url
	d.server, err = server.New(settings, uses, clock.Now, d.Log, server.Extras{Banner: banner(post.url)})
	if err != nil {
		return errors.Join(err, uses.Close(context.WithoutCancel(ctx)))
	}
	return nil
}

func banner(mailbox string) *server.Banner {
	return &server.Banner{
		Label: "Demo", Text: "This is a demo with invented data. Mails it sends arrive in its own mailbox.",
		Links: []server.Link{{Label: "Open the mailbox", Href: mailbox}},
	}
}

// settings are those of the server that the demo runs.
func (d *running) settings(post *post) config.Server {
	return config.Server{
		Database: config.Database{Data: d.Data, Database: d.Database},
		Listen:   d.listener.Addr().String(), BaseURL: "http://" + d.listener.Addr().String(),
		SMTPURL: "smtp://" + post.smtp + "?tls=none", MailFrom: "licenses@cartograph.example",
		AppName: "Keyward", SupportEmail: "support@cartograph.example", SignInLinks: true,
		Support: config.Support{Tickets: true, TicketFiles: true, TicketReopen: true, SupportHours: "09:00-18:00", SupportZone: "Europe/Berlin"},
	}
}

// fill makes the demo's data, unless they are there from an earlier start.
func (d *running) fill(ctx context.Context, uses *server.Services, c *clock) error {
	found := false
	var err error
	if d.record, found, err = load(d.Data); err != nil {
		return err
	}
	empty, err := uses.Unused(ctx)
	switch {
	case err != nil:
		return err
	case found && !empty:
		return nil
	case !found && !empty:
		return fault.New(fault.Conflict, "no_demo", "These records are not those of a finished demo.").
			WithNext("Give the demo an empty database and a directory of its own, or delete what an interrupted start left in " + d.Data + ".")
	}
	if !d.JSON {
		fmt.Fprintln(d.Stdout, "Making the demo's data, which takes some seconds ...")
	}
	d.fresh = true
	if d.record, err = seed(ctx, uses, c, d.Now().UTC().Truncate(time.Microsecond), d.Large); err != nil {
		return err
	}
	if err := settle(ctx, uses, c); err != nil {
		return err
	}
	return d.record.save(d.Data)
}

// settle seals what the demo's past left behind, and has nobody mailed about it.
func settle(ctx context.Context, uses *server.Services, c *clock) error {
	if _, err := uses.Sealer.Seal(ctx); err != nil {
		return err
	}
	return due.New(uses.Store, c.Now, func() {}).Skip(ctx)
}

// run serves until ctx ends. How to get in is printed when the devices have
// had their first answers, so that whoever reads it finds everything at work.
func (d *running) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() { served <- d.server.Serve(ctx, d.listener) }()
	devices, err := d.arrive(ctx)
	if err == nil {
		err = d.announce()
	}
	if err != nil {
		asked := ctx.Err() != nil // to stop, which is no failure
		stop()
		if asked {
			err = nil
		}
		return errors.Join(err, <-served)
	}
	var patrol sync.WaitGroup
	patrol.Go(func() { d.patrol(ctx, devices) })
	err = <-served
	stop()
	patrol.Wait()
	return err
}

func (d *running) announce() error {
	if d.JSON {
		return d.Access.writeLine(d.Stdout)
	}
	return d.Access.write(d.Stdout)
}

// post is the demo's mailbox: where mails are sent, and where they are read.
type post struct{ smtp, url string }

// openPost serves the mailbox until ctx ends.
func openPost(ctx context.Context, o Options) (*post, error) {
	box := mailbox.New(o.Now)
	smtp, err := mailbox.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	web, err := mailbox.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, smtp.Close())
	}
	pages := &http.Server{Handler: box.Handler(), ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = pages.Close() })
	go func() { _ = box.ServeSMTP(ctx, smtp) }() // it ends with the demo
	go func() { _ = pages.Serve(web) }()         // likewise
	return &post{smtp: smtp.Addr().String(), url: "http://" + web.Addr().String() + "/"}, nil
}
