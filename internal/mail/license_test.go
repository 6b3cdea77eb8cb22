package mail_test

import (
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/mail"
)

const settings = "https://licenses.example.com/settings"

func studio() mail.License {
	return mail.License{
		Product: "Studio Pro", Plan: "Team", Mask: "STUD-••••-7F3K", Link: "https://licenses.example.com/licenses/1", Ends: at.AddDate(0, 1, 0),
	}
}

func about(licenses ...mail.License) mail.AboutLicenses {
	return mail.AboutLicenses{ID: "license.1", Name: "Ada Lovelace", Email: "ada@example.org", Licenses: licenses}
}

// several are two licenses and five more.
func several(t *testing.T) mail.AboutLicenses {
	other := mail.License{Product: "R&D <Tools>", Mask: "RD-••••-11AA", Link: "https://licenses.example.com/licenses/2", Ends: at.AddDate(0, 1, 1)}
	n := about(studio(), other)
	n.More, n.TZ = 5, zone(t, "Europe/Berlin")
	return n
}

func because(l mail.License) mail.License {
	l.Reason, l.Note = "a payment is outstanding", "Invoice 2027-11 is open.\nPlease settle it."
	return l
}

// licenseMails are the mails about licenses and devices, in both forms (C.7).
func licenseMails(t *testing.T, c, plain *mail.Composer) []goldenMail {
	device := mail.Device{Name: "Ada's laptop", Platform: "macOS 15", By: "by the software", At: at}
	gone := mail.Device{Name: "Win at https://evil.example", Ended: true, By: "in the portal", At: at.Add(time.Hour)}
	const manage = "https://licenses.example.com/activations?license=1"
	return []goldenMail{
		{"new_device", func() (mail.Message, error) {
			return c.NewDevice(mail.NewDevice{
				ID: "device.1", Name: "Ada Lovelace", Email: "ada@example.org", Browser: "Firefox on Windows", Address: "192.0.2.7",
				Settings: settings, At: at,
			})
		}},
		{"new_device_bare", func() (mail.Message, error) {
			return plain.NewDevice(mail.NewDevice{ID: "device.2", Email: "ada@example.org", Settings: settings, At: at})
		}},
		{"license_assigned", func() (mail.Message, error) { return c.LicensesAssigned(about(studio())) }},
		{"license_assigned_several", func() (mail.Message, error) { return plain.LicensesAssigned(several(t)) }},
		{"license_suspended", func() (mail.Message, error) { return c.LicensesSuspended(about(because(studio()))) }},
		{"license_suspended_several", func() (mail.Message, error) { return plain.LicensesSuspended(several(t)) }},
		{"license_reinstated", func() (mail.Message, error) { return c.LicensesReinstated(about(studio())) }},
		{"license_renewed", func() (mail.Message, error) { return c.LicensesRenewed(about(studio())) }},
		{"license_revoked", func() (mail.Message, error) { return c.LicensesRevoked(about(because(studio()))) }},
		{"license_expiring", func() (mail.Message, error) { return c.LicensesExpiring(about(studio()), 7) }},
		{"license_expiring_several", func() (mail.Message, error) { return plain.LicensesExpiring(several(t), 1) }},
		{"license_expired", func() (mail.Message, error) { return c.LicensesExpired(about(studio())) }},
		{"license_expired_several", func() (mail.Message, error) { return plain.LicensesExpired(several(t)) }},
		{"devices_changed", func() (mail.Message, error) {
			return c.DevicesChanged(mail.DevicesChanged{AboutLicenses: about(studio()), Devices: []mail.Device{device}, Manage: manage})
		}},
		{"devices_changed_several", func() (mail.Message, error) {
			n := mail.DevicesChanged{AboutLicenses: about(studio()), Devices: []mail.Device{device, gone}, Manage: manage}
			n.More = 3
			return plain.DevicesChanged(n)
		}},
	}
}

func TestLicenseMailsThatCannotBeMeant(t *testing.T) {
	c := composer(t, brand)
	foreign := studio()
	foreign.Link = "https://evil.example/licenses/1"
	for name, write := range map[string]func() (mail.Message, error){
		"about no license": func() (mail.Message, error) { return c.LicensesExpired(about()) },
		"about no device": func() (mail.Message, error) {
			return c.DevicesChanged(mail.DevicesChanged{AboutLicenses: about(studio()), Manage: settings})
		},
		"to another site": func() (mail.Message, error) { return c.LicensesRevoked(about(foreign)) },
		"at no time": func() (mail.Message, error) {
			return c.NewDevice(mail.NewDevice{ID: "x", Email: "ada@example.org", Settings: settings})
		},
		"devices of elsewhere": func() (mail.Message, error) {
			return c.DevicesChanged(mail.DevicesChanged{AboutLicenses: about(studio()), Devices: []mail.Device{{At: at}}, Manage: "https://evil.example/"})
		},
	} {
		if _, err := write(); !mail.Permanent(err) {
			t.Errorf("%s: %v, want a mail that no retry repairs", name, err)
		}
	}
}

// A device names itself: whoever has a key must not send links under our name.
func TestDevicesSendNoLinks(t *testing.T) {
	for _, d := range []mail.Device{{Name: "https://evil.example", At: at}, {Name: "PC", Platform: "www.evil.example", At: at}} {
		m, err := composer(t, brand).DevicesChanged(mail.DevicesChanged{AboutLicenses: about(studio()), Devices: []mail.Device{d}, Manage: settings})
		if err != nil || strings.Contains(m.Text+m.HTML+m.Subject, "evil") {
			t.Errorf("%v\n%s", err, m.Text)
		}
	}
}
