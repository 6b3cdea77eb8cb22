package mail_test

import "github.com/keyward/keyward/internal/mail"

// licenseMails are the mails about licenses and security, in both forms.
func licenseMails(c, plain *mail.Composer) []goldenMail {
	return []goldenMail{
		{"new_device", func() (mail.Message, error) {
			return c.NewDevice(mail.NewDevice{
				ID: "device.1", Name: "Ada Lovelace", Email: "ada@example.org", Browser: "Firefox on Windows", Address: "192.0.2.7",
				Settings: "https://licenses.example.com/settings", At: at,
			})
		}},
		{"new_device_bare", func() (mail.Message, error) {
			return plain.NewDevice(mail.NewDevice{ID: "device.2", Email: "ada@example.org", Settings: "https://licenses.example.com/settings", At: at})
		}},
	}
}
