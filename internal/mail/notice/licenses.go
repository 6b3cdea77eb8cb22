package notice

import (
	"context"
	"errors"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/job"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/mail"
	"github.com/keyward/keyward/internal/store"
)

// teller writes a mail that people can switch off.
type teller = func(context.Context, account.Person, account.NoticeAbout) (mail.Message, error)

// aboutLicenses is who writes the mails about licenses.
func (m *Mailer) aboutLicenses() map[account.Notice]teller {
	c := m.Composer
	return map[account.Notice]teller{
		account.LicenseAssignedNotice:   m.happened(c.LicensesAssigned),
		account.LicenseSuspendedNotice:  m.happened(c.LicensesSuspended),
		account.LicenseReinstatedNotice: m.happened(c.LicensesReinstated),
		account.LicenseRenewedNotice:    m.happened(c.LicensesRenewed),
		account.LicenseRevokedNotice:    m.happened(c.LicensesRevoked),
		account.LicenseExpiringNotice:   m.expiring,
		account.LicenseExpiredNotice:    m.expired,
		account.DevicesChangedNotice:    m.devicesChanged,
	}
}

// happened makes a teller of what happened to licenses. What is not the
// customer's any more is left out.
func (m *Mailer) happened(write func(mail.AboutLicenses) (mail.Message, error)) teller {
	return func(ctx context.Context, p account.Person, about account.NoticeAbout) (mail.Message, error) {
		n, err := m.start(ctx, p, about)
		if err != nil {
			return mail.Message{}, err
		}
		for _, item := range about.Items {
			l, ok, err := m.named(ctx, about.CustomerID, item.LicenseID)
			if err != nil {
				return mail.Message{}, err
			}
			if ok {
				n.Licenses = append(n.Licenses, m.withReason(l, item))
			}
		}
		if len(n.Licenses) == 0 {
			return mail.Message{}, errNobody
		}
		n.More = about.More
		return write(n)
	}
}

// start is the head of a mail to somebody who may still manage the licenses.
func (m *Mailer) start(ctx context.Context, p account.Person, about account.NoticeAbout) (mail.AboutLicenses, error) {
	memberships, err := m.Store.Memberships(ctx, p.ID)
	if err != nil {
		return mail.AboutLicenses{}, err
	}
	for _, membership := range memberships {
		if membership.Customer.ID == about.CustomerID && membership.Role.MayManage() && account.MaySignIn(p, membership) {
			return mail.AboutLicenses{ID: messageID(ctx), Name: p.Name, Email: p.Email, TZ: zone(p)}, nil
		}
	}
	return mail.AboutLicenses{}, errNobody
}

// titled is a license with the name of its product.
type titled struct {
	license.License
	product string
}

// named reads a license if it is the customer's.
func (m *Mailer) named(ctx context.Context, customer, licenseID id.ID) (titled, bool, error) {
	l, err := m.Store.OwnedLicense(ctx, customer, licenseID)
	if store.IsNotFound(err) {
		return titled{}, false, nil
	}
	if err != nil {
		return titled{}, false, err
	}
	p, err := m.Store.Product(ctx, l.ProductID)
	return titled{l, p.Name}, true, err
}

// shown is the license as a mail names it.
func (m *Mailer) shown(l titled) mail.License {
	s := mail.License{Product: l.product, Plan: l.Plan, Mask: id.Brief(l.Mask), Link: m.BaseURL + "/licenses/" + string(l.ID)}
	if !l.Perpetual() && l.Phase() != license.Revoked {
		s.Ends = l.EndsAt()
	}
	return s
}

// withReason adds what customers are told about why. The vendor's words belong
// to what the license is now.
func (m *Mailer) withReason(l titled, item account.NoticeItem) mail.License {
	s := m.shown(l)
	s.Reason = reasonWords(license.Reason(item.Reason))
	if r := license.Reason(item.Reason); r != "" && (r == l.SuspendReason || r == l.RevokeReason) {
		s.Note = l.Note
	}
	return s
}

func reasonWords(r license.Reason) string {
	switch r {
	case license.Payment:
		return "a payment is outstanding"
	case license.Abuse:
		return "unusual use"
	case license.Contract:
		return "the contract"
	case license.Refund:
		return "the purchase was refunded"
	case license.Leak:
		return "others know the key"
	case license.Replaced:
		return "another license replaces it"
	}
	return ""
}

func (m *Mailer) expiring(ctx context.Context, p account.Person, about account.NoticeAbout) (mail.Message, error) {
	n, first, err := m.ending(ctx, p, about, func(s license.Status) bool {
		return s == license.Assigned || s == license.Active || s == license.Suspended
	})
	if err != nil {
		return mail.Message{}, err
	}
	return m.Composer.LicensesExpiring(n, license.DaysLeft(first.EndsAt(), m.Now()))
}

// expired tells of the licenses that end on a day, if one of them has ended.
func (m *Mailer) expired(ctx context.Context, p account.Person, about account.NoticeAbout) (mail.Message, error) {
	n, first, err := m.ending(ctx, p, about, func(license.Status) bool { return true })
	if err != nil {
		return mail.Message{}, err
	}
	if first.Status(m.Now()) != license.Expired {
		return mail.Message{}, errNobody // what ended was renewed meanwhile
	}
	return m.Composer.LicensesExpired(n)
}

// maxEnding bounds the licenses of a day that are counted.
const maxEnding = 1000

// ending is a mail about the licenses of a status that end on a day, and the
// first of them.
func (m *Mailer) ending(ctx context.Context, p account.Person, about account.NoticeAbout, wanted func(license.Status) bool) (mail.AboutLicenses, license.License, error) {
	if about.From == nil || about.Until == nil {
		return mail.AboutLicenses{}, license.License{}, job.Permanent(errors.New("the job does not say of which day"))
	}
	n, err := m.start(ctx, p, about)
	if err != nil {
		return n, license.License{}, err
	}
	owned, err := m.Store.OwnedEnding(ctx, about.CustomerID, *about.From, *about.Until, maxEnding)
	if err != nil {
		return n, license.License{}, err
	}
	var first license.License
	for _, o := range owned {
		switch {
		case !wanted(o.License.Status(m.Now())):
		case len(n.Licenses) == account.MaxNoticeItems:
			n.More++
		default:
			if len(n.Licenses) == 0 {
				first = o.License
			}
			n.Licenses = append(n.Licenses, m.shown(titled{o.License, o.ProductName}))
		}
	}
	if len(n.Licenses) == 0 {
		return n, first, errNobody
	}
	return n, first, nil
}

// devicesChanged tells what was activated and deactivated on a license
// (P-ACT-26).
func (m *Mailer) devicesChanged(ctx context.Context, p account.Person, about account.NoticeAbout) (mail.Message, error) {
	n, err := m.start(ctx, p, about)
	if err != nil || len(about.Items) == 0 {
		return mail.Message{}, firstOf(err, errNobody)
	}
	l, ok, err := m.named(ctx, about.CustomerID, about.Items[0].LicenseID)
	if err != nil || !ok {
		return mail.Message{}, firstOf(err, errNobody)
	}
	n.Licenses, n.More = []mail.License{m.shown(l)}, about.More
	changed := mail.DevicesChanged{AboutLicenses: n, Manage: m.BaseURL + "/activations?license=" + string(l.ID)}
	for _, item := range about.Items {
		d, err := m.device(ctx, item)
		if err != nil {
			return mail.Message{}, err
		}
		changed.Devices = append(changed.Devices, d)
	}
	return m.Composer.DevicesChanged(changed)
}

func (m *Mailer) device(ctx context.Context, item account.NoticeItem) (mail.Device, error) {
	d := mail.Device{Ended: item.Ended, By: byWords(license.Reason(item.Reason)), At: item.At}
	a, err := m.Store.Activation(ctx, item.ActivationID)
	if store.IsNotFound(err) {
		return d, nil
	}
	d.Name, d.Platform = a.DisplayName(), a.Platform
	return d, err
}

func byWords(r license.Reason) string {
	switch r {
	case license.ByOwner:
		return "in the portal"
	case license.BySoftware:
		return "by the software"
	case license.Manual:
		return "by your vendor"
	}
	return ""
}

// firstOf returns the first error there is.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
