package export

import (
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

type person struct {
	ID         string     `json:"id"`
	Email      string     `json:"email"`
	Name       string     `json:"name"`
	Phone      string     `json:"phone"`
	Company    string     `json:"company"`
	TimeZone   string     `json:"time_zone"`
	Theme      string     `json:"theme"`
	CreatedAt  time.Time  `json:"created_at"`
	VerifiedAt *time.Time `json:"email_verified_at"`
	LastSignIn *time.Time `json:"last_sign_in_at"`
	Mail       mailWishes `json:"mails"`
}

// mailWishes are the mails that somebody has left on.
type mailWishes struct {
	Licenses bool `json:"licenses"`
	Security bool `json:"security"`
}

func personOf(p account.Person) person {
	return person{
		string(p.ID), p.Email, p.Name, p.Phone, p.Company, p.Zone(), string(p.Theme),
		p.CreatedAt, orNull(p.EmailVerifiedAt), orNull(p.LastSignInAt), mailWishes{!p.NoLicenseMail, !p.NoSecurityMail},
	}
}

// factors is what somebody signs in with: that there is something and since
// when, never what it is.
type factors struct {
	Password  bool       `json:"password"`
	AppSince  *time.Time `json:"authenticator_app_since"`
	CodesLeft int        `json:"recovery_codes_left"`
	Passkeys  []passkey  `json:"passkeys"`
}

type passkey struct {
	Name     string     `json:"name"`
	AddedAt  time.Time  `json:"added_at"`
	LastUsed *time.Time `json:"last_used_at"`
}

// view is a list that somebody keeps under a name.
type view struct {
	List  string    `json:"list"`
	Name  string    `json:"name"`
	Query string    `json:"query"`
	Since time.Time `json:"since"`
}

// asked is a ticket in which somebody wrote, with what they wrote themselves.
type asked struct {
	Number   string    `json:"number"`
	Subject  string    `json:"subject,omitempty"` // of those they opened
	Category string    `json:"category"`
	Status   string    `json:"status"`
	OpenedAt time.Time `json:"opened_at"`
	Messages []written `json:"your_messages"`
}

type written struct {
	At     time.Time `json:"at"`
	Text   string    `json:"text"`
	ByMail bool      `json:"by_mail"`
	Files  []string  `json:"attachments"` // their names
}

type customer struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Role      string    `json:"role"`
	CreatedAt time.Time `json:"created_at"`
}

func customerOf(m account.Membership) customer {
	return customer{string(m.Customer.ID), m.Customer.Name, string(m.Role), m.Customer.CreatedAt}
}

type session struct {
	Since    time.Time `json:"since"`
	LastUsed time.Time `json:"last_used"`
	Address  string    `json:"address"`
	Browser  string    `json:"browser"`
}

type signIn struct {
	At      time.Time `json:"at"`
	Refused bool      `json:"refused"`
	Way     string    `json:"way"`
	Address string    `json:"address"`
	Browser string    `json:"browser"`
}

type ownedLicense struct {
	ID          string     `json:"id"`
	Product     string     `json:"product"`
	Plan        string     `json:"plan"`
	Environment string     `json:"environment"`
	Key         string     `json:"key_masked"`
	Status      string     `json:"status"`
	Used        int        `json:"activations"`
	Limit       *int       `json:"limit"` // null: unlimited
	AssignedAt  *time.Time `json:"assigned_at"`
	ExpiresAt   *time.Time `json:"expires_at"` // null: never
}

func licenseOf(o license.Owned, now time.Time) ownedLicense {
	l := o.License
	out := ownedLicense{
		ID: string(l.ID), Product: o.ProductName, Plan: l.Plan, Environment: string(l.Environment), Key: l.Mask,
		Status: string(l.Status(now)), Used: o.Used, AssignedAt: orNull(l.AssignedAt), ExpiresAt: orNull(l.ExpiresAt),
	}
	if l.Limit != license.Unlimited {
		out.Limit = &l.Limit
	}
	return out
}

type device struct {
	ID          string     `json:"id"`
	LicenseID   string     `json:"license_id"`
	Kind        string     `json:"kind"`
	Identifier  string     `json:"identifier"`
	Name        string     `json:"name"`
	Platform    string     `json:"platform"`
	Version     string     `json:"version"`
	Status      string     `json:"status"`
	ActivatedAt time.Time  `json:"activated_at"`
	LastSeenAt  *time.Time `json:"last_seen_at"`
	EndedAt     *time.Time `json:"ended_at"`
}

func deviceOf(o store.OwnedActivation, now time.Time) device {
	a := o.Activation
	return device{
		string(a.ID), string(a.LicenseID), string(a.Kind), a.Identifier, a.Name, a.Platform, a.AppVersion,
		string(a.Status(o.License.Status(now), now)), a.ActivatedAt, orNull(a.LastSeenAt), orNull(a.EndedAt),
	}
}

// happened is an event without where it came from and the vendor's reasons.
type happened struct {
	At        time.Time `json:"at"`
	Type      string    `json:"type"`
	By        string    `json:"by"` // "you", or what kind of somebody
	LicenseID string    `json:"license_id,omitempty"`
	DeviceID  string    `json:"device_id,omitempty"`
}

func eventOf(e event.Event, actor account.Actor) happened {
	return happened{e.At, string(e.Type), byWhom(e, actor), string(e.LicenseID), string(e.ActivationID)}
}

func byWhom(e event.Event, actor account.Actor) string {
	switch {
	case e.Actor.ID == actor.ID:
		return "you"
	case e.Actor.Kind == account.ActorAdministrator:
		return "your vendor"
	case e.Actor.Kind == account.ActorToken:
		return "software"
	}
	return string(e.Actor.Kind)
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
