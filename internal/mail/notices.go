package mail

import "time"

// maxItems bounds the products an invitation names.
const maxItems = 10

// Invitation tells people that an account waits for them and lets them choose
// their first password.
type Invitation struct {
	ID           string // stable per notice; see Message.ID
	Name         string // may be empty
	Email        string
	Link         string // one-time, under the portal's address
	ProductNames []string
	ExpiresAt    time.Time      // when the link ends
	TZ           *time.Location // the person's; nil: UTC
}

// PasswordReset lets people choose a new password because someone asked for
// one in their name.
type PasswordReset struct {
	ID        string
	Name      string
	Email     string
	Link      string
	ExpiresAt time.Time
	TZ        *time.Location
}

// PasswordChanged is the security notice after a password was changed.
type PasswordChanged struct {
	ID        string
	Name      string
	Email     string
	SignIn    string // where the person signs in; empty: the portal's /login
	ChangedAt time.Time
	TZ        *time.Location
}

// NewDevice is the security notice after somebody signed in with a browser
// that had not been used for the account before.
type NewDevice struct {
	ID       string
	Name     string
	Email    string
	Browser  string // "Firefox on Windows"; empty: not known any more
	Address  string // the network address; empty likewise
	Settings string // where the person ends sessions
	At       time.Time
	TZ       *time.Location
}

// Invitation writes the mail for n.
func (c *Composer) Invitation(n Invitation) (Message, error) {
	link, err := c.oneTimeLink(n.Link, n.ExpiresAt)
	if err != nil {
		return Message{}, err
	}
	items, more := listed(n.ProductNames)
	return c.compose("invitation", n.ID, n.Name, view{
		Subject: "Your account for " + c.brand.AppName,
		Name:    greeting(n.Name),
		Email:   n.Email,
		Link:    link,
		Until:   moment(n.ExpiresAt, n.TZ),
		Items:   items,
		More:    more,
	})
}

// PasswordReset writes the mail for n.
func (c *Composer) PasswordReset(n PasswordReset) (Message, error) {
	link, err := c.oneTimeLink(n.Link, n.ExpiresAt)
	if err != nil {
		return Message{}, err
	}
	return c.compose("password_reset", n.ID, n.Name, view{
		Subject: "Choose a new password for " + c.brand.AppName,
		Name:    greeting(n.Name),
		Email:   n.Email,
		Link:    link,
		Until:   moment(n.ExpiresAt, n.TZ),
	})
}

// PasswordChanged writes the mail for n.
func (c *Composer) PasswordChanged(n PasswordChanged) (Message, error) {
	signIn := n.SignIn
	if signIn == "" {
		signIn = c.brand.BaseURL + "/login"
	}
	link, err := c.link(signIn)
	if err != nil {
		return Message{}, err
	}
	if n.ChangedAt.IsZero() {
		return Message{}, invalid("The notice does not say when the password was changed.")
	}
	return c.compose("password_changed", n.ID, n.Name, view{
		Subject: "Your password for " + c.brand.AppName + " was changed",
		Name:    greeting(n.Name),
		Email:   n.Email,
		SignIn:  link,
		At:      moment(n.ChangedAt, n.TZ),
	})
}

// NewDevice writes the mail for n.
func (c *Composer) NewDevice(n NewDevice) (Message, error) {
	link, err := c.link(n.Settings)
	if err != nil {
		return Message{}, err
	}
	if n.At.IsZero() {
		return Message{}, invalid("The notice does not say when somebody signed in.")
	}
	return c.compose("new_device", n.ID, n.Name, view{
		Subject: "New sign-in to " + c.brand.AppName,
		Name:    greeting(n.Name),
		Email:   n.Email,
		Link:    link,
		SignIn:  c.brand.BaseURL + "/login",
		At:      moment(n.At, n.TZ),
		Browser: clean(n.Browser, 120),
		Address: clean(n.Address, 64),
	})
}

// oneTimeLink checks a link that ends.
func (c *Composer) oneTimeLink(raw string, ends time.Time) (string, error) {
	if ends.IsZero() {
		return "", invalid("The link in the mail has no end.")
	}
	return c.link(raw)
}

// listed returns the names fit to be shown, and how many are left out.
func listed(names []string) (items []string, more int) {
	for _, name := range names {
		name = clean(name, 120)
		switch {
		case name == "":
		case len(items) == maxItems:
			more++
		default:
			items = append(items, name)
		}
	}
	return items, more
}
