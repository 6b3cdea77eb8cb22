package notice

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/job"
	"github.com/keyward/keyward/internal/mail"
)

// tells makes a handler of a function that writes a mail people can switch off
// (P-SET-04, P-SET-05). Their choice counts at the moment the mail is sent.
func (m *Mailer) tells(kind account.Notice, write func(context.Context, account.Person, account.NoticeAbout) (mail.Message, error)) job.Handler {
	return func(ctx context.Context, payload json.RawMessage) error {
		return m.sends(func(ctx context.Context, p account.Person) (letter, error) {
			if !m.Mandatory.Reaches(p, kind) {
				return letter{}, errNobody
			}
			var about account.NoticeAbout
			if err := json.Unmarshal(payload, &about); err != nil {
				return letter{}, job.Permanent(errors.New("the job does not say what to tell"))
			}
			message, err := write(ctx, p, about)
			return letter{message: message}, err
		})(ctx, payload)
	}
}

// newDevice tells of a sign-in with a browser that is new to the account. When
// the session has ended since, the mail says when it began and no more.
func (m *Mailer) newDevice(ctx context.Context, p account.Person, about account.NoticeAbout) (mail.Message, error) {
	n := mail.NewDevice{
		ID: messageID(ctx), Name: p.Name, Email: p.Email, TZ: zone(p),
		At: job.Current(ctx).CreatedAt, Settings: m.BaseURL + "/settings",
	}
	sessions, err := m.Store.Sessions(ctx, p.ID)
	if err != nil {
		return mail.Message{}, err
	}
	for _, s := range sessions {
		if s.ID == about.SessionID {
			n.Browser, n.Address, n.At = account.BrowserName(s.UserAgent), s.Address, s.CreatedAt
		}
	}
	return m.Composer.NewDevice(n)
}
