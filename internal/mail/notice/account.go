package notice

import (
	"context"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/job"
	"github.com/keyward/keyward/internal/mail"
)

// signInLink writes the mail with a link to sign in (P-AUTH-04).
func (m *Mailer) signInLink(ctx context.Context, p account.Person) (letter, error) {
	link, token, ends, err := m.link(ctx, p, account.SignInLink, "/enter")
	if err != nil {
		return letter{}, err
	}
	message, err := m.Composer.SignInLink(mail.SignInLink{
		ID: messageID(ctx), Name: p.Name, Email: p.Email, TZ: zone(p), Link: link, ExpiresAt: ends,
	})
	return letter{message, token}, err
}

// test writes the mail that somebody asked for to see whether mails arrive
// (P-SET-10).
func (m *Mailer) test(ctx context.Context, p account.Person) (letter, error) {
	message, err := m.Composer.Test(mail.Test{
		ID: messageID(ctx), Name: p.Name, Email: p.Email, TZ: zone(p), AskedAt: job.Current(ctx).CreatedAt,
	})
	return letter{message: message}, err
}
