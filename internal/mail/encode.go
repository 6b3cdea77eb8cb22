package mail

import (
	netmail "net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// encode writes m as a multipart/alternative mail with quoted-printable parts.
func encode(m Message, now time.Time) *gomail.Msg {
	out := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	out.FromMailAddress(header(m.From))
	out.ToMailAddress(header(m.To))
	if m.ReplyTo != "" {
		out.ReplyToMailAddress(header(Address{Email: m.ReplyTo}))
	}
	_, domain, _ := strings.Cut(m.From.Email, "@")
	out.SetMessageIDWithValue(m.ID + "@" + domain)
	if m.Thread != "" {
		out.SetGenHeader(gomail.HeaderInReplyTo, "<"+m.Thread+"@"+domain+">")
		out.SetGenHeader(gomail.HeaderReferences, "<"+m.Thread+"@"+domain+">")
	}
	out.SetDateWithValue(now)
	out.Subject(clean(m.Subject, 200))
	// Out-of-office replies to a notice help nobody.
	out.SetGenHeader("Auto-Submitted", "auto-generated")
	out.SetGenHeader(gomail.HeaderXAutoResponseSuppress, "All")
	out.SetBodyString(gomail.TypeTextPlain, m.Text)
	out.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	return out
}

// header returns an address fit for a header line.
func header(a Address) *netmail.Address {
	return &netmail.Address{Name: clean(a.Name, 64), Address: a.Email}
}
