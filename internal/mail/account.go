package mail

import "time"

// SignInLink lets people sign in without a password because someone asked for
// it in their name.
type SignInLink struct {
	ID        string
	Name      string
	Email     string
	Link      string // one-time
	ExpiresAt time.Time
	TZ        *time.Location
}

// Test says that mails arrive, to somebody who asked.
type Test struct {
	ID      string
	Name    string
	Email   string
	AskedAt time.Time
	TZ      *time.Location
}

// SignInLink writes the mail for n.
func (c *Composer) SignInLink(n SignInLink) (Message, error) {
	link, err := c.oneTimeLink(n.Link, n.ExpiresAt)
	if err != nil {
		return Message{}, err
	}
	return c.compose("sign_in_link", n.ID, n.Name, view{
		Subject: "Sign in to " + c.brand.AppName, Name: greeting(n.Name), Email: n.Email, Link: link, Until: moment(n.ExpiresAt, n.TZ),
	})
}

// Test writes the mail for n.
func (c *Composer) Test(n Test) (Message, error) {
	if n.AskedAt.IsZero() {
		return Message{}, invalid("The test mail does not say when it was asked for.")
	}
	return c.compose("test", n.ID, n.Name, view{
		Subject: "A test mail from " + c.brand.AppName, Name: greeting(n.Name), Email: n.Email, At: moment(n.AskedAt, n.TZ),
	})
}
