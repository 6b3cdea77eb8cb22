package mail

import (
	"bytes"
	"embed"
	"fmt"
	htmltemplate "html/template"
	"net/url"
	"strings"
	texttemplate "text/template"
	"time"

	"github.com/keyward/keyward/internal/fault"
)

//go:embed templates
var files embed.FS

var (
	texts = texttemplate.Must(texttemplate.ParseFS(files, "templates/*.txt"))
	pages = htmltemplate.Must(htmltemplate.ParseFS(files, "templates/*.html"))
)

const lineWidth = 72

// Brand is the face of this installation in its mails.
type Brand struct {
	AppName      string // what people know the portal as
	SupportEmail string // where they find help; may be empty
	BaseURL      string // the portal's address; every link leads there
	FromName     string // empty: AppName
	FromEmail    string
}

// Composer writes mails for one Brand. It is safe for concurrent use.
type Composer struct {
	brand Brand
	base  *url.URL
}

// NewComposer checks the brand and reports everything that is wrong with it at
// once.
func NewComposer(brand Brand) (*Composer, error) {
	brand.AppName = clean(brand.AppName, 64)
	brand.FromName = clean(brand.FromName, 64)
	if brand.FromName == "" {
		brand.FromName = brand.AppName
	}
	brand.BaseURL = strings.TrimRight(brand.BaseURL, "/")
	base, err := url.Parse(brand.BaseURL)
	var problems fault.Problems
	if brand.AppName == "" {
		problems.Add("app_name", "Give the application a name; mails are signed with it.")
	}
	if brand.SupportEmail != "" && !validEmail(brand.SupportEmail) {
		problems.Add("support_email", "Enter an address such as support@example.com, or none.")
	}
	if !validEmail(brand.FromEmail) {
		problems.Add("from_email", "Enter the address mails come from, such as licenses@example.com.")
	}
	if err != nil || !isWeb(base) {
		problems.Add("base_url", "Enter the portal's address, such as https://licenses.example.com.")
	}
	if found := problems.Err(); found != nil {
		return nil, found
	}
	return &Composer{brand: brand, base: base}, nil
}

func isWeb(u *url.URL) bool {
	return (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

// view is what every template may use besides its own notice.
type view struct {
	Brand
	Name     string // how to greet; may be empty
	Email    string // the account
	Subject  string
	Link     string
	Until    string // when the link ends
	SignIn   string // where to sign in
	At       string // when it happened
	Customer string // that invites
	Role     string // that is offered
	Browser  string // it happened with
	Address  string // it came from
	What     string // happened, as a sentence
	Lead     string // what happened to a ticket
	Quote    string // what somebody wrote in it
	Hint     string // what to do next
	Items    []string
	More     int // items left out

	Licenses []licenseLine
	Devices  []deviceLine
	One      bool   // it is about one thing
	All      string // where all licenses are listed
	Settings string // where mails are switched off
}

// compose renders the templates called name into a message to v's person.
func (c *Composer) compose(name, id, to string, v view) (Message, error) {
	v.Brand = c.brand
	var text, page bytes.Buffer
	if err := texts.ExecuteTemplate(&text, name+".txt", v); err != nil {
		return Message{}, fmt.Errorf("write text of mail %s: %w", name, err)
	}
	if err := pages.ExecuteTemplate(&page, name+".html", v); err != nil {
		return Message{}, fmt.Errorf("write HTML of mail %s: %w", name, err)
	}
	m := Message{
		ID:      id,
		From:    Address{c.brand.FromName, c.brand.FromEmail},
		ReplyTo: c.brand.SupportEmail,
		To:      Address{clean(to, 64), v.Email},
		Subject: v.Subject,
		Text:    wrap(text.String(), lineWidth),
		HTML:    page.String(),
	}
	if err := m.check(); err != nil {
		return Message{}, err
	}
	return m, nil
}

// link accepts an address of this portal only: a mail with our name on it must
// not lead anywhere else.
func (c *Composer) link(raw string) (string, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || len(raw) > 2000 || raw != clean(raw, 2000):
		return "", invalid("The link in the mail is not a web address.")
	case !isWeb(u) || u.Scheme != c.base.Scheme || !strings.EqualFold(u.Host, c.base.Host):
		return "", invalid("The link in the mail does not lead to this portal's address.")
	}
	return u.String(), nil
}

// moment writes an instant for a person, with the zone it is meant in.
func moment(t time.Time, zone *time.Location) string {
	if zone == nil {
		zone = time.UTC
	}
	t = t.In(zone)
	name := t.Format("MST")
	if strings.HasPrefix(name, "+") || strings.HasPrefix(name, "-") {
		name = "UTC" + name
	}
	return t.Format("2 Jan 2006, 15:04 ") + name
}

// Support is where the brand's support desk reads mail; it may be empty.
func (c *Composer) Support() string { return c.brand.SupportEmail }
