package notice

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/job"
	"github.com/keyward/keyward/internal/mail"
)

// teamInvitation mails an invitation into a customer's team. One that was
// withdrawn meanwhile is not mailed.
func (m *Mailer) teamInvitation(ctx context.Context, payload json.RawMessage) error {
	return m.sends(func(ctx context.Context, p account.Person) (letter, error) {
		var to account.NoticeTo
		if err := json.Unmarshal(payload, &to); err != nil || to.InvitationID == "" {
			return letter{}, job.Permanent(errors.New("the job does not say which invitation to mail"))
		}
		j, token, err := m.Links.MintTeamLink(ctx, to.InvitationID)
		if fault.Is(err, fault.NotFound) {
			return letter{}, errNobody
		}
		if err != nil {
			return letter{}, err
		}
		message, err := m.Composer.TeamInvitation(mail.TeamInvitation{
			ID: messageID(ctx), Name: p.Name, Email: p.Email, TZ: zone(p), Customer: j.Customer.Name, Role: string(j.Invitation.Role),
			Link: m.BaseURL + "/join?token=" + url.QueryEscape(token), ExpiresAt: j.Invitation.ExpiresAt,
		})
		return letter{message, token}, err
	})(ctx, payload)
}
