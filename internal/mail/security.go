package mail

import "time"

// SecurityChanged is the notice after something changed about how a person
// signs in besides the password.
type SecurityChanged struct {
	ID       string
	Name     string
	Email    string
	Change   string // a code of what changed, such as "passkey_added"
	Security string // where the person looks after it
	At       time.Time
	TZ       *time.Location
}

// securityChanges are what mails say about each code.
var securityChanges = map[string]string{
	"app_added":       "An authenticator app was set up. From now on signing in with the password also asks for a code of the app.",
	"app_removed":     "The authenticator app was switched off. Signing in with the password no longer asks for a code.",
	"codes_replaced":  "New recovery codes were made. Those from before no longer work.",
	"code_spent":      "A recovery code was used. It does not work again.",
	"passkey_added":   "A passkey was added. It signs in without the password.",
	"passkey_removed": "A passkey was removed. It no longer signs in.",
	"passkey_cloned":  "A passkey was refused because its counter went back: there may be a copy of it. Remove it and add a new one.",
	"factors_reset":   "Support removed the authenticator app, the recovery codes and all passkeys, and signed everybody out. Signing in asks for the password only.",
}

// SecurityChanged writes the mail for n.
func (c *Composer) SecurityChanged(n SecurityChanged) (Message, error) {
	link, err := c.link(n.Security)
	if err != nil {
		return Message{}, err
	}
	what, known := securityChanges[n.Change]
	if !known || n.At.IsZero() {
		return Message{}, invalid("The notice does not say what changed, or when.")
	}
	return c.compose("security_changed", n.ID, n.Name, view{
		Subject: "Signing in to " + c.brand.AppName + " was changed",
		Name:    greeting(n.Name),
		Email:   n.Email,
		Link:    link,
		SignIn:  c.brand.BaseURL + "/login",
		At:      moment(n.At, n.TZ),
		What:    what,
	})
}
