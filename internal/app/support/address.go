package support

import (
	"crypto/hmac"
	"encoding/hex"
	"strings"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/ticket"
)

const (
	// mailUser is the user part of the addresses that take mail.
	mailUser = "support"
	// tokenSize is how many hexadecimal digits of proof an address carries.
	tokenSize = 24
)

// ReplyAddress is where answers to mails about a ticket go: its name, and proof
// that we wrote the address. Staff and customers have different ones. "" means
// that answers by mail are not taken.
func (s *Service) ReplyAddress(t ticket.Ticket, staff bool) string {
	if s.MailDomain == "" {
		return ""
	}
	return mailUser + "+" + strings.ToLower(t.Name()) + "." + s.proof(t.ID, staff) + "@" + s.MailDomain
}

// proof cannot be made without the master key.
func (s *Service) proof(t id.ID, staff bool) string {
	side := string(ticket.CustomerSide)
	if staff {
		side = string(ticket.StaffSide)
	}
	return hex.EncodeToString(s.Master.TokenHash("ticket mail", side+" "+string(t)))[:tokenSize]
}

// addressed is what a recipient's address says.
type addressed struct {
	ours   bool  // it is one of ours
	number int64 // of a ticket; 0 is a new one
	proof  string
}

// readAddress reads a recipient. Letter case does not count.
func (s *Service) readAddress(to string) addressed {
	user, domain, ok := strings.Cut(strings.ToLower(strings.TrimSpace(to)), "@")
	if !ok || s.MailDomain == "" || domain != strings.ToLower(s.MailDomain) {
		return addressed{}
	}
	base, detail, tagged := strings.Cut(user, "+")
	if base != mailUser {
		return addressed{}
	}
	if !tagged {
		return addressed{ours: true}
	}
	name, proof, _ := strings.Cut(detail, ".")
	number, _ := ticket.ParseName(name) // what is none is a new ticket
	return addressed{ours: true, number: number, proof: proof}
}

// proves reports whether an address was written by us for this side of a ticket.
func (s *Service) proves(a addressed, t ticket.Ticket, staff bool) bool {
	return a.number == t.Number && hmac.Equal([]byte(a.proof), []byte(s.proof(t.ID, staff)))
}

// Takes reports whether mail for an address is taken here.
func (s *Service) Takes(to string) bool { return s.On() && s.readAddress(to).ours }
