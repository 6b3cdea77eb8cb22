package account

import "github.com/keyward/keyward/internal/id"

// Notice is a mail that a person gets. It is also the kind of the job that
// sends it, which a use case leaves in its transaction.
type Notice string

// The notices.
const (
	InvitationNotice      Notice = "mail.invitation"
	ResetNotice           Notice = "mail.reset"
	PasswordChangedNotice Notice = "mail.password_changed"
)

// NoticeTo is the payload of a notice's job: an id and nothing personal.
type NoticeTo struct {
	PersonID id.ID `json:"person_id"`
}
