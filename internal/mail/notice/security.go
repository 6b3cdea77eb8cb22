package notice

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/job"
	"github.com/keyward/keyward/internal/mail"
)

// tellsSecurity sends the notice after a change of how somebody signs in,
// unless they switched such mails off.
func (m *Mailer) tellsSecurity(ctx context.Context, payload json.RawMessage) error {
	return m.sends(func(ctx context.Context, p account.Person) (letter, error) {
		if !m.Mandatory.Reaches(p, account.SecurityChangedNotice) {
			return letter{}, errNobody
		}
		var to account.SecurityNoticeTo
		if err := json.Unmarshal(payload, &to); err != nil {
			return letter{}, job.Permanent(errors.New("the job does not say what changed"))
		}
		message, err := m.Composer.SecurityChanged(mail.SecurityChanged{
			ID: messageID(ctx), Name: p.Name, Email: p.Email, TZ: zone(p),
			Change: string(to.Change), At: job.Current(ctx).CreatedAt, Security: m.BaseURL + "/security",
		})
		return letter{message: message}, err
	})(ctx, payload)
}
