package notice

import (
	"context"
	"fmt"
	"slices"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/job"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/mail"
	"github.com/keyward/keyward/internal/store"
)

const (
	// maxProducts bounds the products an invitation names.
	maxProducts = 3
	// latestLicenses is among how many licenses they are looked for.
	latestLicenses = 50
)

// invitation writes the mail that leads to a first password. Who has chosen one
// meanwhile needs no invitation any more (P-AUTH-06).
func (m *Mailer) invitation(ctx context.Context, p account.Person) (letter, error) {
	if p.PasswordHash != "" {
		return letter{}, errNobody
	}
	products, err := m.products(ctx, p)
	if err != nil {
		return letter{}, fmt.Errorf("read the products of an invitation: %w", err)
	}
	link, token, ends, err := m.link(ctx, p, account.Invitation, "/invitation")
	if err != nil {
		return letter{}, err
	}
	message, err := m.Composer.Invitation(mail.Invitation{
		ID: messageID(ctx), Name: p.Name, Email: p.Email, TZ: zone(p),
		Link: link, ExpiresAt: ends, ProductNames: products,
	})
	return letter{message, token}, err
}

// passwordReset writes the mail that leads to a new password (P-AUTH-05).
func (m *Mailer) passwordReset(ctx context.Context, p account.Person) (letter, error) {
	link, token, ends, err := m.link(ctx, p, account.Reset, "/reset")
	if err != nil {
		return letter{}, err
	}
	message, err := m.Composer.PasswordReset(mail.PasswordReset{
		ID: messageID(ctx), Name: p.Name, Email: p.Email, TZ: zone(p), Link: link, ExpiresAt: ends,
	})
	return letter{message, token}, err
}

// passwordChanged writes the notice after a change. Its job was left in the
// transaction of the change, so it knows when that was.
func (m *Mailer) passwordChanged(ctx context.Context, p account.Person, _ account.NoticeAbout) (mail.Message, error) {
	return m.Composer.PasswordChanged(mail.PasswordChanged{
		ID: messageID(ctx), Name: p.Name, Email: p.Email, TZ: zone(p),
		ChangedAt: job.Current(ctx).CreatedAt,
	})
}

// messageID is the same at each attempt, so that a receiver can tell a copy.
func messageID(ctx context.Context) string { return string(job.Current(ctx).ID) }

// products names what the person has usable licenses for, latest first.
func (m *Mailer) products(ctx context.Context, p account.Person) ([]string, error) {
	memberships, err := m.Store.Memberships(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, membership := range memberships {
		owned, err := m.Store.OwnedLicenses(ctx, store.LicenseFilter{Customer: membership.Customer.ID, Now: m.Now()},
			license.ByAssigned, true, store.Page{Size: latestLicenses})
		if err != nil {
			return nil, err
		}
		names = m.addUsable(names, owned)
	}
	return names, nil
}

// addUsable adds the names that are new, as long as there is room.
func (m *Mailer) addUsable(names []string, owned []license.Owned) []string {
	for _, o := range owned {
		status := o.License.Status(m.Now())
		usable := status == license.Assigned || status == license.Active
		if usable && len(names) < maxProducts && !slices.Contains(names, o.ProductName) {
			names = append(names, o.ProductName)
		}
	}
	return names
}
