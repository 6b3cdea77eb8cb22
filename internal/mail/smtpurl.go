package mail

import (
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/keyward/keyward/internal/fault"
)

// TLSMode says when the connection to the mail server is encrypted.
type TLSMode string

const (
	// TLSOffered encrypts with STARTTLS when the server offers it.
	TLSOffered TLSMode = "starttls"
	// TLSRequired encrypts with STARTTLS and sends nothing without it.
	TLSRequired TLSMode = "required"
	// TLSImplicit encrypts from the first byte: smtps.
	TLSImplicit TLSMode = "implicit"
	// TLSNone never encrypts.
	TLSNone TLSMode = "none"
)

// SMTPServer says how to reach a mail server. It hides its password when it is
// printed or logged.
type SMTPServer struct {
	Host     string
	Port     int
	Username string // empty: do not sign in
	Password string
	TLS      TLSMode
}

// ParseSMTPURL reads
//
//	smtp://USER:PASSWORD@HOST:587
//	smtps://USER:PASSWORD@HOST:465
//	smtp://HOST:25?tls=none|starttls|required
//
// Without tls, STARTTLS is used when offered; with a user name it is required,
// because credentials travel in plain text on loopback only. Without a port it
// is 465 for smtps, 587 with a user name and 25 without. Faults say what to
// change and never repeat the address, which holds a password.
func ParseSMTPURL(raw string) (SMTPServer, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Opaque != "" || u.Fragment != "" || u.Path != "" && u.Path != "/" {
		// The parser's own error quotes what it could not read.
		return SMTPServer{}, badURL("It is not in the form smtp://USER:PASSWORD@HOST:587. Write special characters of user name and password in percent form, such as %40 for @, %2F for / and %23 for #.")
	}
	server := SMTPServer{Host: u.Hostname(), Username: u.User.Username()}
	server.Password, _ = u.User.Password()
	if server.TLS, err = tlsMode(u); err != nil {
		return SMTPServer{}, err
	}
	if server.Port, err = port(u, server); err != nil {
		return SMTPServer{}, err
	}
	return server.protectCredentials(u.Query().Has("tls"))
}

func tlsMode(u *url.URL) (TLSMode, error) {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil || len(query) > 1 || len(query) == 1 && len(query["tls"]) != 1 {
		return "", badURL("After the question mark only tls=none, tls=starttls or tls=required may stand.")
	}
	mode := TLSMode(query.Get("tls"))
	switch {
	case u.Scheme == "smtps" && len(query) > 0:
		return "", badURL("With smtps the connection is always encrypted; leave tls out.")
	case u.Scheme == "smtps":
		return TLSImplicit, nil
	case u.Scheme != "smtp":
		return "", badURL("It starts with smtp:// or smtps://.")
	case len(query) == 0:
		return TLSOffered, nil
	case mode != TLSNone && mode != TLSOffered && mode != TLSRequired:
		return "", badURL("tls is none, starttls or required.")
	}
	return mode, nil
}

func port(u *url.URL, server SMTPServer) (int, error) {
	if u.Port() != "" {
		n, err := strconv.Atoi(u.Port())
		if err != nil || n < 1 || n > 65535 {
			return 0, badURL("The port is a number from 1 to 65535.")
		}
		return n, nil
	}
	switch {
	case server.TLS == TLSImplicit:
		return 465, nil
	case server.Username != "":
		return 587, nil
	}
	return 25, nil
}

// protectCredentials checks what belongs together, and requires encryption
// where a password would travel over a network.
func (s SMTPServer) protectCredentials(chosen bool) (SMTPServer, error) {
	switch {
	case s.Host == "" || s.Host != clean(s.Host, 253) || strings.ContainsAny(s.Host, " /@"):
		return SMTPServer{}, badURL("It names no mail server, such as smtp://mail.example.com:587.")
	case (s.Username == "") != (s.Password == ""):
		return SMTPServer{}, badURL("A user name and a password belong together: give both or none.")
	case strings.ContainsAny(s.Username+s.Password, "\x00\r\n"):
		return SMTPServer{}, badURL("User name and password may not hold control characters.")
	case s.Username == "" || s.loopback() || s.TLS == TLSImplicit || s.TLS == TLSRequired:
		return s, nil
	case chosen:
		return SMTPServer{}, badURL("A password is sent over an encrypted connection only: use tls=required or smtps://, or leave user name and password out.")
	}
	s.TLS = TLSRequired
	return s, nil
}

func badURL(message string) error {
	return fault.New(fault.Invalid, "invalid_smtp_url", "The address of the mail server (--smtp-url) cannot be used. "+message)
}

// loopback reports whether the server is on this machine.
func (s SMTPServer) loopback() bool {
	return s.Host == "localhost" || net.ParseIP(s.Host).IsLoopback()
}

func (s SMTPServer) address() string {
	return net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
}

// String describes the server without its password.
func (s SMTPServer) String() string {
	account := ""
	if s.Username != "" {
		account = url.User(s.Username).String() + ":***@"
	}
	return fmt.Sprintf("smtp://%s%s?tls=%s", account, s.address(), s.TLS)
}

// GoString is String, so that %#v shows no password either.
func (s SMTPServer) GoString() string { return s.String() }

// LogValue is String for structured logs.
func (s SMTPServer) LogValue() slog.Value { return slog.StringValue(s.String()) }
