package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/textproto"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"github.com/keyward/keyward/internal/fault"
)

var errNoReply = errors.New("the connection ended without an answer")

// unreachable is the fault when the connection could not be made ready: nothing
// of the mail was said yet.
func (s *SMTP) unreachable(ctx context.Context, err error) error {
	f := fault.Wrap(fault.Unavailable, "mail_server_unavailable",
		fmt.Sprintf("The mail server %s could not be used; the mail waits.", s.server.address()), s.reason(ctx, err))
	return f.WithNext(s.advice(err))
}

// advice tells an operator what to look at.
func (s *SMTP) advice(err error) string {
	reply, answered := errors.AsType[*textproto.Error](err)
	_, distrusted := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case distrusted:
		return "Its certificate is not trusted for this name. Name the server in --smtp-url as its certificate does, or add its authority to this system."
	case answered && s.server.Username != "" && (reply.Code == 535 || reply.Code == 534):
		return "It did not accept user name and password. Check them in --smtp-url; special characters are written in percent form."
	case strings.Contains(err.Error(), "STARTTLS"):
		return "It does not offer an encrypted connection. Use smtps:// or another port in --smtp-url."
	}
	return "Check host, port and tls in --smtp-url, and that the server can be reached from here."
}

// reason is the cause for the log. While Keyward signs in, a server that does
// not understand may repeat the line that holds the password, so of such an
// answer only the code remains.
func (s *SMTP) reason(ctx context.Context, err error) error {
	reply, answered := errors.AsType[*textproto.Error](err)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case answered && s.server.Username != "":
		return fmt.Errorf("the server answered with code %d", reply.Code)
	case answered:
		return fmt.Errorf("the server answered: %s", clean(reply.Error(), 300))
	}
	return err
}

// undelivered is the fault when the server was reached and the mail was not
// accepted.
func (s *SMTP) undelivered(ctx context.Context, m Message, err error) error {
	refusal, ok := errors.AsType[*gomail.SendError](err)
	if !ok || ctx.Err() != nil || refusal.ErrorCode() == 0 {
		return s.unreachable(ctx, errors.Join(errNoReply, withoutRecipient(m, err)))
	}
	cause := withoutRecipient(m, refusal)
	if forGood(refusal) {
		return fault.Wrap(fault.Conflict, codeRefused,
			fmt.Sprintf("The mail server %s refused this mail for good (%d).", s.server.address(), refusal.ErrorCode()), cause).
			WithNext("Check the recipient's address; the log has the server's words.")
	}
	return fault.Wrap(fault.Unavailable, "mail_deferred",
		fmt.Sprintf("The mail server %s did not take this mail now (%d); the mail waits.", s.server.address(), refusal.ErrorCode()), cause).
		WithNext("Keyward tries again. If it goes on, check the sender address and the server's own log.")
}

// forGood reports whether the refusal is about this mail or its recipient. One
// that asks to sign in, or comes before the recipient was named, is about how
// the server is set up.
func forGood(refusal *gomail.SendError) bool {
	code := refusal.ErrorCode()
	switch refusal.Reason {
	case gomail.ErrSMTPRcptTo, gomail.ErrSMTPData, gomail.ErrSMTPDataClose:
		return code >= 500 && code != 530 && code != 535 && code != 538
	}
	return false
}

// withoutRecipient keeps a person's address out of logs and job records.
func withoutRecipient(m Message, err error) error {
	text, _, _ := strings.Cut(err.Error(), ", affected")
	return errors.New(replaceFold(clean(text, 300), m.To.Email, "<recipient>"))
}

// replaceFold replaces old in text whatever its case.
func replaceFold(text, old, with string) string {
	lower, old := strings.ToLower(text), strings.ToLower(old)
	if len(lower) != len(text) {
		// Lowering changed the length: positions would not fit, so show nothing.
		return "the server's words are left out"
	}
	var out strings.Builder
	for {
		i := strings.Index(lower, old)
		if i < 0 {
			return out.String() + text
		}
		out.WriteString(text[:i] + with)
		text, lower = text[i+len(old):], lower[i+len(old):]
	}
}
