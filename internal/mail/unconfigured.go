package mail

import (
	"context"

	"github.com/keyward/keyward/internal/fault"
)

// Unconfigured is the Sender of a server that was given no mail server. It
// accepts nothing, so that mails wait instead of getting lost, and says what an
// operator has to do.
type Unconfigured struct{}

// Send refuses every mail with a fault that is not permanent.
func (Unconfigured) Send(context.Context, Message) error {
	return fault.New(fault.Unavailable, "mail_not_configured", "Keyward was given no mail server, so this mail waits.").
		WithNext("Start the server with --smtp-url smtp://USER:PASSWORD@HOST:587 (or KEYWARD_SMTP_URL); the mails that wait are sent then.")
}
