package mail

import "time"

// TeamInvitation asks somebody to act for a customer.
type TeamInvitation struct {
	ID        string
	Name      string // may be empty
	Email     string
	Customer  string
	Role      string // in words
	Link      string // one-time
	ExpiresAt time.Time
	TZ        *time.Location
}

// TeamInvitation writes the mail for n.
func (c *Composer) TeamInvitation(n TeamInvitation) (Message, error) {
	link, err := c.oneTimeLink(n.Link, n.ExpiresAt)
	if err != nil {
		return Message{}, err
	}
	customer := clean(n.Customer, 120)
	return c.compose("team_invitation", n.ID, n.Name, view{
		Subject: customer + " invites you to " + c.brand.AppName, Name: greeting(n.Name), Email: n.Email,
		Customer: customer, Role: n.Role, Link: link, Until: moment(n.ExpiresAt, n.TZ),
	})
}
