package mail

import (
	"context"
	"errors"
	netmail "net/mail"
	"regexp"

	"github.com/keyward/keyward/internal/fault"
)

// Codes of the faults that no retry repairs.
const (
	codeInvalid = "invalid_mail"
	codeRefused = "mail_refused"
)

// Address is a mail address with the name shown beside it, which may be empty.
type Address struct{ Name, Email string }

// Message is a mail ready to be sent.
type Message struct {
	// ID is the local part of the Message-ID. It stays the same when a notice is
	// sent again, so that a receiver can recognize the copy.
	ID      string
	From    Address
	ReplyTo string // where answers go; empty: to From
	Thread  string // local part of the Message-ID that a conversation refers to; may be empty
	To      Address
	Subject string
	Text    string
	HTML    string
}

// Sender delivers one mail. A nil error means that a mail server took
// responsibility for it.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// Permanent reports whether sending the same mail again must fail too: it is
// not in proper form, or the server refused this mail or its recipient for good.
// A server that is away, does not let Keyward sign in or does not accept its
// sender address is no permanent failure, because an operator can repair that
// while the mail waits.
func Permanent(err error) bool {
	f, ok := errors.AsType[*fault.Error](err)
	return ok && (f.Code == codeRefused || f.Code == codeInvalid)
}

func invalid(message string) *fault.Error {
	return fault.New(fault.Invalid, codeInvalid, message)
}

var messageID = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

// check refuses a message that could not be sent as it is meant.
func (m Message) check() error {
	switch {
	case len(m.ID) > 100 || !messageID.MatchString(m.ID):
		return invalid("The mail's id may hold letters, digits, dots, hyphens and underscores, at most 100.")
	case m.Thread != "" && (len(m.Thread) > 100 || !messageID.MatchString(m.Thread)):
		return invalid("The mail's thread may hold letters, digits, dots, hyphens and underscores, at most 100.")
	case !validEmail(m.To.Email):
		return invalid("The recipient's mail address is not valid.")
	case !validEmail(m.From.Email):
		return invalid("The sender's mail address is not valid.")
	case m.ReplyTo != "" && !validEmail(m.ReplyTo):
		return invalid("The mail address for answers is not valid.")
	case m.Subject == "" || m.Text == "" || m.HTML == "":
		return invalid("A mail has a subject, a text part and an HTML part.")
	}
	return nil
}

// validEmail accepts a bare address, the way it is written on the envelope.
func validEmail(email string) bool {
	if len(email) > 254 || email != clean(email, 254) {
		return false
	}
	parsed, err := netmail.ParseAddress(email)
	return err == nil && parsed.Name == "" && parsed.Address == email
}
