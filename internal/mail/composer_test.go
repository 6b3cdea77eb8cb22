package mail_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/mail"
)

var update = flag.Bool("update", false, "write the golden files in testdata")

var brand = mail.Brand{
	AppName:      "Example Licenses",
	SupportEmail: "support@example.com",
	BaseURL:      "https://licenses.example.com/",
	FromName:     "Example Software",
	FromEmail:    "licenses@example.com",
}

var at = time.Date(2027, 3, 12, 14, 5, 0, 0, time.UTC)

func clock() time.Time { return at }

func composer(t *testing.T, b mail.Brand) *mail.Composer {
	t.Helper()
	c, err := mail.NewComposer(b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

const link = "https://licenses.example.com/invitation/abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

func invitation() mail.Invitation {
	return mail.Invitation{
		ID: "invite.1", Name: "Ada Lovelace", Email: "ada@example.org", Link: link,
		ProductNames: []string{"Studio Pro", "R&D <Tools>"}, ExpiresAt: at,
	}
}

// goldenMail is a mail whose words are kept in testdata.
type goldenMail struct {
	name  string
	write func() (mail.Message, error)
}

// P-AUTH-05, P-AUTH-06: the words of each mail, in both forms.
func TestGolden(t *testing.T) {
	c := composer(t, brand)
	bare := brand
	bare.SupportEmail, bare.FromName = "", ""
	plain := composer(t, bare)
	tests := []goldenMail{
		{"invitation", func() (mail.Message, error) {
			n := invitation()
			n.TZ = zone(t, "Europe/Berlin")
			return c.Invitation(n)
		}},
		{"invitation_bare", func() (mail.Message, error) {
			return plain.Invitation(mail.Invitation{ID: "invite.2", Email: "ada@example.org", Link: link, ExpiresAt: at})
		}},
		{"password_reset", func() (mail.Message, error) {
			return c.PasswordReset(mail.PasswordReset{
				ID: "reset.1", Name: "Ada Lovelace", Email: "ada@example.org", Link: link, ExpiresAt: at, TZ: zone(t, "America/Sao_Paulo"),
			})
		}},
		{"sign_in_link", func() (mail.Message, error) {
			return c.SignInLink(mail.SignInLink{ID: "link.1", Name: "Ada Lovelace", Email: "ada@example.org", Link: link, ExpiresAt: at})
		}},
		{"team_invitation", func() (mail.Message, error) {
			return c.TeamInvitation(mail.TeamInvitation{
				ID: "team.1", Email: "ada@example.org", Customer: "Analytical Engines", Role: "manager", Link: link, ExpiresAt: at,
			})
		}},
		{"test", func() (mail.Message, error) {
			return c.Test(mail.Test{ID: "test.1", Name: "Ada Lovelace", Email: "ada@example.org", AskedAt: at, TZ: zone(t, "Asia/Tokyo")})
		}},
		{"password_changed", func() (mail.Message, error) {
			return c.PasswordChanged(mail.PasswordChanged{ID: "changed.1", Name: "Ada Lovelace", Email: "ada@example.org", ChangedAt: at})
		}},
		{"password_changed_bare", func() (mail.Message, error) {
			return plain.PasswordChanged(mail.PasswordChanged{
				ID: "changed.2", Email: "bob@example.com", SignIn: "https://licenses.example.com/admin/login", ChangedAt: at,
			})
		}},
	}
	for _, tt := range append(tests, licenseMails(t, c, plain)...) {
		t.Run(tt.name, func(t *testing.T) {
			m, err := tt.write()
			if err != nil {
				t.Fatal(err)
			}
			golden(t, tt.name+".txt", "Subject: "+m.Subject+"\n\n"+m.Text)
			golden(t, tt.name+".html", m.HTML)
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs; run the test with -update when this is meant (-want +got):\n%s", name, diff)
	}
}

func TestCompose(t *testing.T) {
	c := composer(t, brand)

	t.Run("the link stands in both parts, also as text", func(t *testing.T) {
		m, err := c.Invitation(invitation())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(m.Text, "\n"+link+"\n") {
			t.Errorf("text part lacks the link on its own line:\n%s", m.Text)
		}
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(m.HTML))
		if err != nil {
			t.Fatal(err)
		}
		asText := doc.Find(`a[href="` + link + `"]`).FilterFunction(func(_ int, a *goquery.Selection) bool { return a.Text() == link })
		if asText.Length() != 1 {
			t.Error("HTML part lacks the link as text")
		}
		if doc.Find("html[lang=en] title").Length() != 1 || doc.Find("h1").Length() != 1 || doc.Find("table:not([role=presentation])").Length() != 0 {
			t.Error("HTML part lacks a part of a readable page")
		}
		if doc.Find("script, link, img, style").Length() != 0 {
			t.Error("HTML part loads or runs something")
		}
	})
	t.Run("sender, recipient and answers are set", func(t *testing.T) {
		m, err := c.Invitation(invitation())
		if err != nil {
			t.Fatal(err)
		}
		m.Text, m.HTML = "", ""
		want := mail.Message{
			ID: "invite.1", From: mail.Address{Name: "Example Software", Email: "licenses@example.com"},
			ReplyTo: "support@example.com", To: mail.Address{Name: "Ada Lovelace", Email: "ada@example.org"},
			Subject: "Your account for Example Licenses",
		}
		if diff := cmp.Diff(want, m); diff != "" {
			t.Errorf("Message (-want +got):\n%s", diff)
		}
	})
	t.Run("a long list of products is cut and counted", func(t *testing.T) {
		n := invitation()
		n.ProductNames = append(strings.Split(strings.Repeat("Product,", 12), ","), "\x00")
		m, err := c.Invitation(n)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(m.Text, "- Product\n") != 10 || !strings.Contains(m.Text, "- and 2 more\n") {
			t.Errorf("text:\n%s", m.Text)
		}
	})
	t.Run("lines of the text part stay short", func(t *testing.T) {
		m, err := c.Invitation(invitation())
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(m.Text) {
			if len([]rune(line)) > 73 && strings.Contains(line, " ") {
				t.Errorf("line of %d characters: %q", len(line), line)
			}
		}
	})
}

func TestUntrustedNames(t *testing.T) {
	c := composer(t, brand)
	tests := []struct{ name, given, greeting string }{
		{"a header line", "Ada\r\nBcc: all@example.com", "Hello,"},
		{"a line break", "Ada\r\nLovelace", "Hello Ada Lovelace,"},
		{"Unicode line breaks", "Ada\u2028\u0085Lovelace", "Hello Ada Lovelace,"},
		{"control characters", "A\x00d\x1b[0ma\x7f", "Hello Ad[0ma,"},
		{"characters that turn text around or hide", "\u202eAda\u200b", "Hello Ada,"},
		{"an encoded word", "=?utf-8?q?Bcc=3A?=", "Hello = ?utf-8?q?Bcc=3A?=,"},
		{"a web address", "Win at https://evil.example", "Hello,"},
		{"a bare web address", "WWW.evil.example", "Hello,"},
		{"bytes that are no text", "Ad\xffa", "Hello Ada,"},
		{"a name without end", strings.Repeat("a", 10_000), "Hello " + strings.Repeat("a", 63) + "…,"},
		{"nothing", " \t ", "Hello,"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := invitation()
			n.Name = tt.given
			m, err := c.Invitation(n)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(m.Text, tt.greeting+"\n\n") {
				t.Errorf("text begins %.80q, want %q", m.Text, tt.greeting)
			}
			if strings.ContainsAny(m.To.Name+m.Subject, "\r\n\x00") || len([]rune(m.To.Name)) > 64 {
				t.Errorf("To name = %q", m.To.Name)
			}
		})
	}
	t.Run("HTML in names is text", func(t *testing.T) {
		n := invitation()
		n.Name = `<img src=x onerror="alert(1)">`
		n.ProductNames = []string{`</li><script>alert(1)</script>`}
		m, err := c.Invitation(n)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(m.HTML, "<img") || strings.Contains(m.HTML, "<script") {
			t.Errorf("HTML part:\n%s", m.HTML)
		}
	})
}

func TestComposeRefuses(t *testing.T) {
	c := composer(t, brand)
	tests := []struct {
		name   string
		change func(*mail.Invitation)
	}{
		{"an address with a header line", func(n *mail.Invitation) { n.Email = "ada@example.org\r\nBcc: all@example.com" }},
		{"two addresses", func(n *mail.Invitation) { n.Email = "ada@example.org, bob@example.org" }},
		{"an address with a name", func(n *mail.Invitation) { n.Email = "Ada <ada@example.org>" }},
		{"no address", func(n *mail.Invitation) { n.Email = "" }},
		{"a link to another site", func(n *mail.Invitation) { n.Link = "https://evil.example/i/1" }},
		{"a link that only looks like ours", func(n *mail.Invitation) { n.Link = "https://licenses.example.com@evil.example/" }},
		{"a link that is less safe than ours", func(n *mail.Invitation) { n.Link = "http://licenses.example.com/i/1" }},
		{"a script as a link", func(n *mail.Invitation) { n.Link = "javascript:alert(1)" }},
		{"a link with a line break", func(n *mail.Invitation) { n.Link = link + "\r\nx" }},
		{"a link with a space", func(n *mail.Invitation) { n.Link = link + "  x" }},
		{"no link", func(n *mail.Invitation) { n.Link = "" }},
		{"a link without an end", func(n *mail.Invitation) { n.ExpiresAt = time.Time{} }},
		{"no id", func(n *mail.Invitation) { n.ID = "" }},
		{"an id that breaks the header", func(n *mail.Invitation) { n.ID = "a>\r\nBcc: x" }},
		{"an id with an at sign", func(n *mail.Invitation) { n.ID = "a@b" }},
		{"an id without end", func(n *mail.Invitation) { n.ID = strings.Repeat("a", 101) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := invitation()
			tt.change(&n)
			_, err := c.Invitation(n)
			if !fault.Is(err, fault.Invalid) || !mail.Permanent(err) {
				t.Errorf("Invitation = %v, want an invalid mail that no retry repairs", err)
			}
			if err != nil && strings.Contains(err.Error(), "abcdefghijkl") {
				t.Errorf("the fault shows the link: %v", err)
			}
		})
	}
	t.Run("a change that never happened", func(t *testing.T) {
		if _, err := c.PasswordChanged(mail.PasswordChanged{ID: "x", Email: "ada@example.org"}); !mail.Permanent(err) {
			t.Errorf("PasswordChanged = %v", err)
		}
	})
}

func TestNewComposer(t *testing.T) {
	t.Run("everything wrong with a brand is reported at once", func(t *testing.T) {
		_, err := mail.NewComposer(mail.Brand{AppName: "\r\n", SupportEmail: "x", BaseURL: "licenses.example.com", FromEmail: "a\r\n@b"})
		var names []string
		for _, f := range fault.From(err).Fields {
			names = append(names, f.Name)
		}
		if diff := cmp.Diff([]string{"app_name", "support_email", "from_email", "base_url"}, names); diff != "" {
			t.Errorf("fields (-want +got):\n%s", diff)
		}
	})
	t.Run("the application's name signs when no other does", func(t *testing.T) {
		b := brand
		b.FromName = ""
		m, err := composer(t, b).Invitation(invitation())
		if err != nil || m.From.Name != "Example Licenses" {
			t.Errorf("From = %+v, %v", m.From, err)
		}
	})
}
