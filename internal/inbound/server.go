package inbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/keyward/keyward/internal/app/support"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/ratelimit"
)

// Limits of what strangers may send.
const (
	maxMail     = 25 << 20 // bytes of one mail
	maxReceived = 10       // recipients of one mail
	maxLine     = 2000
	maxClients  = 8 // connections at the same time
	ioTime      = time.Minute
	mailTime    = 30 * time.Second // for what comes of a mail

	// How much of one sender is taken: loops that nothing else recognizes end here.
	senderBurst = 20
	senderEvery = 3 * time.Minute
	maxSenders  = 10_000
)

// Deps is what a Server works with.
type Deps struct {
	Desk   *support.Service
	Domain string
	TLS    *tls.Config // nil: no encryption, for a mail server on the same machine
	Now    func() time.Time
	Log    *slog.Logger
}

// Server takes mail by SMTP.
type Server struct {
	Deps
	senders *ratelimit.Limit
}

// New makes a server.
func New(d Deps) *Server {
	return &Server{Deps: d, senders: ratelimit.New(senderEvery, senderBurst, maxSenders)}
}

// Serve takes mail on ln until ctx ends, then closes ln and returns nil. What is
// being received at that moment is not acknowledged; its sender tries again.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{server: s, ctx: ctx}, nil }))
	server.Domain, server.TLSConfig = s.Domain, s.TLS
	server.MaxMessageBytes, server.MaxRecipients, server.MaxLineLength = maxMail, maxReceived, maxLine
	server.ReadTimeout, server.WriteTimeout = ioTime, ioTime
	server.ErrorLog = quiet{}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	err := server.Serve(&bounded{Listener: ln, free: make(chan struct{}, maxClients)})
	if ctx.Err() != nil || errors.Is(err, smtp.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("take mail: %w", err)
}

// quiet keeps what strangers type out of the log.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// session is one connection.
type session struct {
	server *Server
	ctx    context.Context
	from   string
	to     []string
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

// Rcpt takes our own addresses only: this is nobody's relay.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if !s.server.Desk.Takes(to) {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such address here"}
	}
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m, err := read(data)
	if err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "The mail could not be read"}
	}
	m.To = s.to
	m.Auto = m.Auto || s.from == "" // a bounce
	if s.server.senders.Take(m.From, s.server.Now()) > 0 {
		return &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "Too many mails; try again later"}
	}
	return s.server.take(s.ctx, m)
}

// take hands a mail over and answers when it is safe.
func (s *Server) take(ctx context.Context, m support.Mail) error {
	ctx, cancel := context.WithTimeout(ctx, mailTime)
	defer cancel()
	m.RequestID = "mail-" + string(id.New())
	err := s.Desk.Receive(ctx, m)
	if err == nil {
		return nil
	}
	s.Log.ErrorContext(ctx, "a mail could not be taken", "request", m.RequestID, "code", fault.From(err).Code, "error", err)
	return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "Not now; try again later"}
}

func (s *session) Reset()        { s.from, s.to = "", nil }
func (s *session) Logout() error { return nil }

// bounded lets only so many connections be open.
type bounded struct {
	net.Listener
	free chan struct{}
}

func (b *bounded) Accept() (net.Conn, error) {
	b.free <- struct{}{}
	conn, err := b.Listener.Accept()
	if err != nil {
		<-b.free
		return nil, err
	}
	return &counted{Conn: conn, free: b.free}, nil
}

// counted gives its place back once.
type counted struct {
	net.Conn
	free chan struct{}
	once sync.Once
}

func (c *counted) Close() error {
	c.once.Do(func() { <-c.free })
	return c.Conn.Close()
}
