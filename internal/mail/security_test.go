package mail_test

import (
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/mail"
)

// C.7: every change of how somebody signs in is told in words.
func TestSecurityChanged(t *testing.T) {
	c, err := mail.NewComposer(mail.Brand{AppName: "Example Licenses", BaseURL: "https://licenses.example.com", FromEmail: "licenses@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	n := mail.SecurityChanged{
		ID: "security.1", Name: "Ada", Email: "ada@example.com", At: time.Date(2026, 3, 12, 12, 0, 0, 0, time.UTC),
		Security: "https://licenses.example.com/security",
	}
	said := map[string]bool{}
	for _, change := range []account.SecurityChange{
		account.AppAdded, account.AppRemoved, account.CodesReplaced, account.CodeSpent,
		account.PasskeyAdded, account.PasskeyGone, account.PasskeyCloned, account.FactorsReset,
	} {
		n.Change = string(change)
		m, err := c.SecurityChanged(n)
		if err != nil {
			t.Fatalf("%s: %v", change, err)
		}
		if said[m.Text] || m.Subject != "Signing in to Example Licenses was changed" {
			t.Errorf("%s: the mail is like another: %s", change, m.Text)
		}
		said[m.Text] = true
		for _, want := range []string{"12 Mar 2026, 12:00 UTC", "ada@example.com", "https://licenses.example.com/security"} {
			if !strings.Contains(m.Text, want) || !strings.Contains(m.HTML, want) {
				t.Errorf("%s: the mail lacks %q:\n%s", change, want, m.Text)
			}
		}
	}
	n.Change = "else"
	if _, err := c.SecurityChanged(n); !mail.Permanent(err) {
		t.Errorf("an unknown change gives %v", err)
	}
}
