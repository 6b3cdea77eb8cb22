package event

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
)

// Type names what happened: subject, dot, past participle.
type Type string

// The types of events.
const (
	ProductCreated      Type = "product.created"
	ProductEnabled      Type = "product.enabled"
	ProductDisabled     Type = "product.disabled"
	ProductKilled       Type = "product.killed"
	ProductRestored     Type = "product.restored"
	ProductSwapsChanged Type = "product.swaps_changed"
	ProductChanged      Type = "product.changed"
	ProductKeyRotated   Type = "product.key_rotated"
	GeneratorCreated    Type = "generator.created"
	GeneratorChanged    Type = "generator.changed"
	ReleaseCreated      Type = "release.created"
	ReleasePublished    Type = "release.published"
	ReleaseWithdrawn    Type = "release.withdrawn"
	ReleaseDownloaded   Type = "release.downloaded"
	ProductOffline      Type = "product.offline_changed"

	CustomerCreated Type = "customer.created"
	CustomerStatus  Type = "customer.status_changed"
	CustomerRenamed Type = "customer.renamed"
	PersonAdded     Type = "person.added"
	PersonInvited   Type = "person.invited"
	PasswordSet     Type = "person.password_set"
	PersonSignedIn  Type = "person.signed_in"
	PersonSignedOut Type = "person.signed_out"
	ResetRequested  Type = "person.reset_requested"
	CalendarMade    Type = "person.calendar_created"
	CalendarRemoved Type = "person.calendar_removed"
	LinkRequested   Type = "person.sign_in_link_requested"
	ProfileChanged  Type = "person.profile_changed"
	SettingsChanged Type = "person.settings_changed"

	AppAdded          Type = "person.authenticator_added"
	AppRemoved        Type = "person.authenticator_removed"
	CodesReplaced     Type = "person.recovery_codes_replaced"
	CodeSpent         Type = "person.recovery_code_used"
	PasskeyAdded      Type = "person.passkey_added"
	PasskeyRenamed    Type = "person.passkey_renamed"
	PasskeyRemoved    Type = "person.passkey_removed"
	PasskeyRefused    Type = "person.passkey_refused"
	SecondStepRefused Type = "person.second_step_refused"
	FactorsReset      Type = "person.second_factors_reset"
	PersonProved      Type = "person.identity_confirmed"

	TeamInvited     Type = "team.invited"
	TeamWithdrawn   Type = "team.invitation_withdrawn"
	TeamJoined      Type = "team.joined"
	TeamRoleChanged Type = "team.role_changed"
	TeamLeft        Type = "team.left"
	CustomerEntered Type = "person.customer_switched"

	AdministratorCreated Type = "administrator.created"
	TokenCreated         Type = "token.created"
	TokenRevoked         Type = "token.revoked"
	WebhookCreated       Type = "webhook.created"
	WebhookRemoved       Type = "webhook.removed"

	LicenseCreated    Type = "license.created"
	LicenseAssigned   Type = "license.assigned"
	LicenseActivated  Type = "license.activated"
	LicenseSuspended  Type = "license.suspended"
	LicenseReinstated Type = "license.unsuspended"
	LicenseRenewed    Type = "license.renewed"
	LicenseRevoked    Type = "license.revoked"
	LicenseChanged    Type = "license.changed" // other terms: seats, dates, versions, features
	LicenseExpired    Type = "license.expired"
	KeyRevealed       Type = "license.key_revealed"
	KeysExported      Type = "license.keys_exported" // of many, in one file
	ChangeRefused     Type = "license.change_refused"

	TicketCreated  Type = "ticket.created"
	TicketAnswered Type = "ticket.answered" // a message of either side
	TicketNoted    Type = "ticket.noted"
	TicketStatus   Type = "ticket.status_changed"
	TicketAssigned Type = "ticket.assigned"
	TicketMerged   Type = "ticket.merged"
	TicketRated    Type = "ticket.rated"

	ActivationCreated     Type = "activation.created"
	ActivationDeactivated Type = "activation.deleted"
	DeactivationRefused   Type = "activation.deactivation_refused"
	ActivationRenamed     Type = "activation.renamed"
	SeatReserved          Type = "activation.seat_reserved"
	SeatReleased          Type = "activation.seat_released"

	OfflineIssued   Type = "offline.issued"
	OfflineReturned Type = "offline.returned"

	RecordsRestored Type = "records.restored" // from a backup
)

// Actor is who did it, as it is kept: a kind and an id.
type Actor struct {
	Kind account.ActorKind
	ID   id.ID
}

// Event is one thing that happened.
type Event struct {
	ID             id.ID
	At             time.Time
	Type           Type
	Actor          Actor
	RequestID      string
	Environment    license.Environment
	ProductID      id.ID
	LicenseID      id.ID
	LicenseVersion int64 // orders the events of one license
	CustomerID     id.ID
	ActivationID   id.ID
	PersonID       id.ID
	Reason         string // reason code
	Data           Data   // facts before and after, by type

	// Address is where it came from, if it came over the network (C-AUD-01). It
	// is personal: kept apart, erasable, and no part of the chain.
	Address string
}

// Data is what an event says beyond its ids. Every field is a fact or a code;
// none is personal. Which are set depends on the type.
type Data struct {
	Before  *LicenseFacts `json:"before,omitempty"`
	After   *LicenseFacts `json:"after,omitempty"`
	Used    *int          `json:"used,omitempty"`    // seats held after an activation change
	Limit   *int          `json:"limit,omitempty"`   // absent: unlimited
	Trigger string        `json:"trigger,omitempty"` // a refused change
	Purpose string        `json:"purpose,omitempty"` // of a one-time link
	Version string        `json:"version,omitempty"` // of a release
	File    string        `json:"file,omitempty"`    // of a release: its name
	Role    string        `json:"role,omitempty"`
	Subject id.ID         `json:"subject,omitempty"` // administrator, token, webhook, generator, ticket, offline file, passkey, session or invitation it is about
	Count   *int          `json:"count,omitempty"`   // licenses in an export
	Filter  string        `json:"filter,omitempty"`  // which they are, as codes
	Epoch   int64         `json:"epoch,omitempty"`   // that a restore began
}

// LicenseFacts are the facts of a license that its transitions change.
type LicenseFacts struct {
	Status    license.Status `json:"status"`
	ExpiresAt *time.Time     `json:"expires_at,omitempty"`
	Limit     *int           `json:"limit,omitempty"`

	MaxVersion   string     `json:"max_version,omitempty"`
	UpdatesUntil *time.Time `json:"updates_until,omitempty"`
}

// FactsOf returns a license's facts as they are at now.
func FactsOf(l license.License, now time.Time) *LicenseFacts {
	f := &LicenseFacts{Status: l.Status(now), MaxVersion: l.MaxVersion}
	if !l.ExpiresAt.IsZero() {
		f.ExpiresAt = &l.ExpiresAt
	}
	if l.Limit != license.Unlimited {
		f.Limit = &l.Limit
	}
	if !l.UpdatesUntil.IsZero() {
		f.UpdatesUntil = &l.UpdatesUntil
	}
	return f
}

// New starts an event of an actor.
func New(t Type, by account.Actor, now time.Time) Event {
	return Event{
		ID: id.New(), At: now, Type: t,
		Actor: Actor{Kind: by.Kind, ID: by.ID}, RequestID: by.RequestID, Address: addressOf(by),
	}
}

func addressOf(by account.Actor) string {
	if !by.Address.IsValid() {
		return ""
	}
	return by.Address.String()
}

// About says which license the event is about.
func (e Event) About(l license.License) Event {
	e.Environment, e.ProductID, e.CustomerID = l.Environment, l.ProductID, l.CustomerID
	e.LicenseID, e.LicenseVersion = l.ID, l.Version
	return e
}

// Because gives the reason code.
func (e Event) Because(reason string) Event {
	e.Reason = reason
	return e
}

// EncodeData is the stored form of Data.
func EncodeData(d Data) (string, error) {
	b, err := json.Marshal(d)
	if err != nil {
		return "", fmt.Errorf("encode event data: %w", err)
	}
	return string(b), nil
}

// DecodeData reads the stored form of Data.
func DecodeData(s string) (Data, error) {
	var d Data
	if err := json.Unmarshal([]byte(s), &d); err != nil {
		return Data{}, fmt.Errorf("decode event data: %w", err)
	}
	return d, nil
}

// OfTransition is the type of the event that a license's transition leaves.
func OfTransition(t license.Trigger) Type {
	switch t {
	case license.Assign:
		return LicenseAssigned
	case license.FirstActivate:
		return LicenseActivated
	case license.Suspend:
		return LicenseSuspended
	case license.Reinstate:
		return LicenseReinstated
	case license.RenewTrigger:
		return LicenseRenewed
	case license.Revoke:
		return LicenseRevoked
	case license.Edit:
		return LicenseChanged
	}
	return ChangeRefused
}

// Historic is an event with what its license is called, for a customer's
// recent activity. Device is empty when it is about none.
type Historic struct {
	Event       Event
	ProductName string
	Mask        string
	Device      string
}
