package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"time"

	gomail "github.com/wneessen/go-mail"
)

const (
	connectTime = 15 * time.Second // to open the connection
	answerTime  = 30 * time.Second // for the server's answers
	sendTime    = time.Minute      // for one mail altogether
)

// SMTP sends through a mail server, one connection per mail. It is safe for
// concurrent use.
type SMTP struct {
	server SMTPServer
	now    func() time.Time
	roots  *x509.CertPool
}

// NewSMTP returns a sender that dates mails with now and trusts the
// certificates this system trusts.
func NewSMTP(server SMTPServer, now func() time.Time) *SMTP {
	return &SMTP{server: server, now: now}
}

// WithRoots returns a copy that trusts the certificates in roots instead.
func (s *SMTP) WithRoots(roots *x509.CertPool) *SMTP {
	c := *s
	c.roots = roots
	return &c
}

// Send delivers m. Its errors are faults that name the mail server and tell an
// operator what to look at; they hold neither the password nor the recipient.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	if err := m.check(); err != nil {
		return err
	}
	mail := encode(m, s.now())
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	w := &wire{sender: s, ctx: ctx}
	defer w.close()
	client, err := gomail.NewClient(s.server.Host, s.options(w, m)...)
	if err != nil {
		return s.unreachable(ctx, err)
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return s.unreachable(ctx, err)
	}
	if err := client.SendWithSMTPClient(session, mail); err != nil && !mail.IsDelivered() {
		return s.undelivered(ctx, m, err)
	}
	// The server has the mail: a goodbye that fails is no reason to send it again.
	_ = client.CloseWithSMTPClient(session)
	return nil
}

// options sets the client up for one mail.
func (s *SMTP) options(w *wire, m Message) []gomail.Option {
	options := []gomail.Option{
		gomail.WithPort(s.server.Port),
		gomail.WithTimeout(answerTime),
		gomail.WithDialContextFunc(w.dial),
		gomail.WithTLSConfig(s.tlsConfig()),
		gomail.WithTLSPolicy(s.policy()),
		gomail.WithoutNoop(),
		gomail.WithoutRset(),
	}
	if s.server.TLS == TLSImplicit {
		options = append(options, gomail.WithSSL())
	}
	if isASCII(m.To.Email) && isASCII(m.From.Email) {
		// Asking for SMTPUTF8 without need makes servers further on bounce the mail.
		options = append(options, gomail.WithoutSMTPUTF8())
	}
	if s.server.Username != "" {
		options = append(options, gomail.WithUsername(s.server.Username), gomail.WithPassword(s.server.Password),
			gomail.WithOpportunisticSMTPAuth(s.mechanisms()...))
	}
	return options
}

func (s *SMTP) policy() gomail.TLSPolicy {
	switch s.server.TLS {
	case TLSRequired:
		return gomail.TLSMandatory
	case TLSNone:
		return gomail.NoTLS
	}
	return gomail.TLSOpportunistic
}

// mechanisms lists how to sign in, best first. Plain text on an open connection
// is for loopback only; everywhere else the connection is encrypted by then.
func (s *SMTP) mechanisms() []gomail.SMTPAuthType {
	if s.server.loopback() {
		return []gomail.SMTPAuthType{gomail.SMTPAuthPlainNoEnc, gomail.SMTPAuthLoginNoEnc, gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthCramMD5}
	}
	return []gomail.SMTPAuthType{gomail.SMTPAuthPlain, gomail.SMTPAuthLogin, gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthCramMD5}
}

func (s *SMTP) tlsConfig() *tls.Config {
	return &tls.Config{
		ServerName: s.server.Host,
		RootCAs:    s.roots,
		MinVersion: tls.VersionTLS12,
		// A relay on this machine offers STARTTLS with whatever certificate its
		// installer made. The connection does not leave loopback, which wire.dial
		// makes sure of, so there is nobody to tell apart.
		InsecureSkipVerify: s.server.loopback() && s.server.TLS == TLSOffered,
	}
}

// wire is one connection. It outlives the library's dial, which leaves the
// connection open when greeting, encryption or signing in fails.
type wire struct {
	sender *SMTP
	ctx    context.Context // ends the connection; the one dial is given ends earlier
	conn   net.Conn
	stop   func() bool
}

func (w *wire) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	server := w.sender.server
	dialer := &net.Dialer{Timeout: connectTime}
	conn, err := dialer.DialContext(ctx, network, server.address())
	if err != nil {
		return nil, err
	}
	w.conn = conn
	w.stop = context.AfterFunc(w.ctx, func() { conn.Close() })
	if server.loopback() && !onLoopback(conn) {
		return nil, fmt.Errorf("%s is not on this machine", server.Host)
	}
	if server.TLS != TLSImplicit {
		return conn, nil
	}
	secure := tls.Client(conn, w.sender.tlsConfig())
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return secure, nil
}

func (w *wire) close() {
	if w.conn != nil {
		w.stop()
		w.conn.Close()
	}
}

func onLoopback(conn net.Conn) bool {
	address, ok := conn.RemoteAddr().(*net.TCPAddr)
	return ok && address.IP.IsLoopback()
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}
