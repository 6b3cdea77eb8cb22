package notice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/job"
	"github.com/keyward/keyward/internal/mail"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/ticket"
)

// Links makes one-time links: the token of a new one, and when it ends. A
// NotFound fault means that the person gets none, because they are gone or
// switched off.
type Links interface {
	MintLink(ctx context.Context, person id.ID, purpose account.LinkPurpose) (token string, expires time.Time, err error)
	// MintTeamLink does so for an invitation into a customer's team.
	MintTeamLink(ctx context.Context, invitation id.ID) (account.Joining, string, error)
}

// Deps is what a Mailer works with.
type Deps struct {
	Store    *store.Store
	Links    Links
	Composer *mail.Composer
	Sender   mail.Sender
	Now      func() time.Time
	BaseURL  string // of the portal, the same as the Composer's

	// TicketReply is where answers to a mail about a ticket go; "" is to support.
	TicketReply func(t ticket.Ticket, staff bool) string

	Mandatory account.Mandatory // sent whatever people chose
}

// Mailer sends the mails that jobs ask for.
type Mailer struct{ Deps }

// New makes a mailer.
func New(d Deps) *Mailer {
	d.BaseURL = strings.TrimRight(d.BaseURL, "/")
	return &Mailer{d}
}

// Register makes the mailer the handler of its kinds of jobs.
func (m *Mailer) Register(r *job.Runner) {
	r.Handle(string(account.InvitationNotice), m.sends(m.invitation))
	r.Handle(ticket.NoticeJob, m.aboutTicket)
	r.Handle(string(account.ResetNotice), m.sends(m.passwordReset))
	r.Handle(string(account.TeamInvitationNotice), m.teamInvitation)
	r.Handle(string(account.SignInLinkNotice), m.sends(m.signInLink))
	r.Handle(string(account.TestNotice), m.sends(m.test))
	r.Handle(string(account.PasswordChangedNotice), m.tells(account.PasswordChangedNotice, m.passwordChanged))
	r.Handle(string(account.NewDeviceNotice), m.tells(account.NewDeviceNotice, m.newDevice))
	r.Handle(string(account.SecurityChangedNotice), m.tellsSecurity)
	for kind, write := range m.aboutLicenses() {
		r.Handle(string(kind), m.tells(kind, write))
	}
}

// errNobody says that the mail is no longer for anybody: the job is done.
var errNobody = errors.New("nobody to mail")

// letter is a mail ready to be sent, and the token that must not be seen
// anywhere but in it; empty when it has none.
type letter struct {
	message mail.Message
	token   string
}

// sends makes a handler of a function that writes the mail to a person.
//
// A job whose end could not be noted is done again. The mail then goes out
// twice under one Message-ID, with two links that both work.
func (m *Mailer) sends(write func(context.Context, account.Person) (letter, error)) job.Handler {
	return func(ctx context.Context, payload json.RawMessage) error {
		person, err := m.recipient(ctx, payload)
		if errors.Is(err, errNobody) {
			return nil
		}
		if err != nil {
			return err
		}
		l, err := write(ctx, person)
		if errors.Is(err, errNobody) {
			return nil
		}
		if err == nil {
			err = m.Sender.Send(ctx, l.message)
		}
		return judge(withoutToken(err, l.token))
	}
}

// judge gives up what the mail package says no retry repairs.
func judge(err error) error {
	if mail.Permanent(err) {
		return job.Permanent(err)
	}
	return err
}

func (m *Mailer) recipient(ctx context.Context, payload json.RawMessage) (account.Person, error) {
	var p account.NoticeTo
	if err := json.Unmarshal(payload, &p); err != nil || p.PersonID == "" {
		return account.Person{}, job.Permanent(errors.New("the job does not say whom to mail"))
	}
	person, err := m.Store.Person(ctx, p.PersonID)
	switch {
	case store.IsNotFound(err):
		return account.Person{}, errNobody
	case err != nil:
		return account.Person{}, fmt.Errorf("read whom to mail: %w", err)
	case person.Status != account.Active:
		return account.Person{}, errNobody
	}
	return person, nil
}

// link mints a one-time link under the portal's address.
func (m *Mailer) link(ctx context.Context, person account.Person, purpose account.LinkPurpose, path string) (link, token string, ends time.Time, err error) {
	token, ends, err = m.Links.MintLink(ctx, person.ID, purpose)
	if fault.Is(err, fault.NotFound) {
		return "", "", time.Time{}, errNobody
	}
	if err != nil {
		return "", "", time.Time{}, fmt.Errorf("make a one-time link: %w", err)
	}
	return m.BaseURL + path + "?token=" + url.QueryEscape(token), token, ends, nil
}

// zone is the person's time zone; nil when they chose none or one that this
// system does not know.
func zone(p account.Person) *time.Location {
	if p.Zone() == "" {
		return nil
	}
	loc, err := time.LoadLocation(p.Zone())
	if err != nil {
		return nil
	}
	return loc
}
