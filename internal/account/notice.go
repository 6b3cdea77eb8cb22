package account

import (
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/id"
)

// Notice is a mail that a person gets. It is also the kind of the job that
// sends it, which a use case leaves in its transaction.
type Notice string

// The notices.
const (
	InvitationNotice      Notice = "mail.invitation"
	ResetNotice           Notice = "mail.reset"
	PasswordChangedNotice Notice = "mail.password_changed"
	TeamInvitationNotice  Notice = "mail.team_invitation"
	SignInLinkNotice      Notice = "mail.sign_in_link"
	TestNotice            Notice = "mail.test"             // somebody asks whether mails arrive
	NewDeviceNotice       Notice = "mail.new_device"       // somebody signed in with another browser
	SecurityChangedNotice Notice = "mail.security_changed" // of passkeys and second factors

	LicenseAssignedNotice   Notice = "mail.license_assigned"
	DevicesChangedNotice    Notice = "mail.devices_changed"
	LicenseExpiringNotice   Notice = "mail.license_expiring"
	LicenseExpiredNotice    Notice = "mail.license_expired"
	LicenseSuspendedNotice  Notice = "mail.license_suspended"
	LicenseReinstatedNotice Notice = "mail.license_reinstated"
	LicenseRenewedNotice    Notice = "mail.license_renewed"
	LicenseRevokedNotice    Notice = "mail.license_revoked"
)

// NoticeClass is which of a person's switches a notice obeys.
type NoticeClass string

// The classes (P-SET-04, P-SET-05, P-SET-07).
const (
	AlwaysSent      NoticeClass = "always"
	SecurityNotices NoticeClass = "security"
	LicenseNotices  NoticeClass = "licenses"
)

// Class is the class of a notice. Suspensions and revocations always come:
// software stops working because of them.
func (n Notice) Class() NoticeClass {
	switch n {
	case PasswordChangedNotice, NewDeviceNotice, SecurityChangedNotice:
		return SecurityNotices
	case LicenseAssignedNotice, DevicesChangedNotice, LicenseExpiringNotice, LicenseExpiredNotice,
		LicenseReinstatedNotice, LicenseRenewedNotice:
		return LicenseNotices
	}
	return AlwaysSent
}

// Name is what the notice is called in settings.
func (n Notice) Name() string { return strings.TrimPrefix(string(n), "mail.") }

// OptionalNotices lists the notices that people can switch off, unless they
// are made mandatory (P-SET-06).
func OptionalNotices() []Notice {
	return []Notice{
		PasswordChangedNotice, NewDeviceNotice, SecurityChangedNotice, LicenseAssignedNotice, DevicesChangedNotice,
		LicenseExpiringNotice, LicenseExpiredNotice, LicenseReinstatedNotice, LicenseRenewedNotice,
	}
}

// Wants reports whether the person has left the mails of a class on.
func (p Person) Wants(c NoticeClass) bool {
	switch c {
	case SecurityNotices:
		return !p.NoSecurityMail
	case LicenseNotices:
		return !p.NoLicenseMail
	}
	return true
}

// Mandatory is which notices are sent whatever people chose (P-SET-06).
type Mandatory []Notice

// Reaches reports whether a person gets a notice.
func (m Mandatory) Reaches(p Person, n Notice) bool {
	return p.Wants(n.Class()) || slices.Contains(m, n)
}

// NoticeTo is the payload of a notice's job: ids and nothing personal.
type NoticeTo struct {
	PersonID  id.ID `json:"person_id"`
	SessionID id.ID `json:"session_id,omitempty"` // NewDeviceNotice: the new one

	InvitationID id.ID `json:"invitation_id,omitempty"` // TeamInvitationNotice
}

// NoticeAbout is the payload of a notice about licenses of a customer: either
// what happened to some of them, or those that end between two instants.
type NoticeAbout struct {
	NoticeTo
	CustomerID id.ID        `json:"customer_id"`
	Items      []NoticeItem `json:"items,omitempty"` // at most MaxNoticeItems
	More       int          `json:"more,omitempty"`  // how many beyond those
	From       *time.Time   `json:"from,omitempty"`  // ends from then on
	Until      *time.Time   `json:"until,omitempty"` // and before then
}

// MaxNoticeItems bounds what one notice tells about; what is beyond is counted.
const MaxNoticeItems = 20

// NoticeItem is one thing that happened to a license, or to a device on it.
type NoticeItem struct {
	LicenseID    id.ID     `json:"license_id"`
	ActivationID id.ID     `json:"activation_id,omitempty"`
	Ended        bool      `json:"ended,omitempty"` // the device was deactivated
	Reason       string    `json:"reason,omitempty"`
	At           time.Time `json:"at"`
}

// Add adds an item, or counts it where there is no room.
func (n *NoticeAbout) Add(item NoticeItem) {
	if len(n.Items) >= MaxNoticeItems {
		n.More++
		return
	}
	n.Items = append(n.Items, item)
}
