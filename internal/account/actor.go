package account

import (
	"net/netip"
	"slices"
	"time"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
)

// ActorKind is what kind of somebody does something.
type ActorKind string

// The kinds of actors.
const (
	ActorPerson        ActorKind = "person"
	ActorAdministrator ActorKind = "administrator"
	ActorToken         ActorKind = "token"
	ActorSystem        ActorKind = "system"
)

// Actor is who does something, and how far that reaches. Every use case takes
// one and asks it for permission first.
type Actor struct {
	Kind        ActorKind
	ID          id.ID
	CustomerID  id.ID               // person: the customer signed in for
	Role        Role                // person: role there
	ProductID   id.ID               // client token: its product
	Environment license.Environment // token: its environment
	Permissions []Permission        // administrator, secret and client token
	RequestID   string
	Address     netip.Addr
	ProvedAt    time.Time // person: when they last proved who they are
}

// System is the program itself, or its operator at the command line.
func System(requestID string) Actor {
	return Actor{Kind: ActorSystem, RequestID: requestID}
}

// Can reports whether the actor holds the permission. The system holds all.
func (a Actor) Can(p Permission) bool {
	return a.Kind == ActorSystem || slices.Contains(a.Permissions, p)
}

// Require returns a Forbidden fault unless the actor holds the permission.
func (a Actor) Require(p Permission) *fault.Error {
	if a.Can(p) {
		return nil
	}
	return fault.New(fault.Forbidden, "permission_missing", "This needs the permission "+string(p)+".")
}

// Reaches reports whether a record of the environment and the product exists
// for the actor: a token sees those of its own only.
func (a Actor) Reaches(e license.Environment, product id.ID) bool {
	return (a.Environment == "" || a.Environment == e) && (a.ProductID == "" || a.ProductID == product)
}

// Permission is one thing an administrator or a token may do. Roles are sets
// of permissions (C.2).
type Permission string

// The permissions.
const (
	DevicesUse      Permission = "devices:use"      // validate, activate, deactivate, check in
	ProductsRead    Permission = "products:read"    //
	ProductsWrite   Permission = "products:write"   //
	LicensesRead    Permission = "licenses:read"    //
	LicensesWrite   Permission = "licenses:write"   // issue, assign, renew
	LicensesControl Permission = "licenses:control" // suspend, reinstate, revoke
	KeysReveal      Permission = "keys:reveal"      // whole keys of licenses that exist
	EventsRead      Permission = "events:read"      // everything that happens in the environment
	CustomersRead   Permission = "customers:read"   //
	CustomersWrite  Permission = "customers:write"  //
	TicketsRead     Permission = "tickets:read"     //
	TicketsWrite    Permission = "tickets:write"    // answer, note, assign, close, merge
	TokensWrite     Permission = "tokens:write"     //
	WebhooksWrite   Permission = "webhooks:write"   // and see what they were sent
	StaffWrite      Permission = "staff:write"      // administrators
)

// Permissions lists every permission that can be granted to a secret token.
func Permissions() []Permission {
	return []Permission{
		ProductsRead, ProductsWrite, LicensesRead, LicensesWrite, LicensesControl, KeysReveal, EventsRead,
		CustomersRead, CustomersWrite, TicketsRead, TicketsWrite, TokensWrite, WebhooksWrite, StaffWrite,
	}
}

// Role is what a person is for a customer.
type Role string

// The roles of people.
const (
	Owner   Role = "owner"
	Manager Role = "manager"
	Viewer  Role = "viewer"
)

// MayManage reports whether people of this role may free seats and reveal
// keys; viewers only look.
func (r Role) MayManage() bool { return r == Owner || r == Manager }

// StaffRole is what an administrator may do (C.2).
type StaffRole string

// The roles of administrators.
const (
	SuperAdmin   StaffRole = "super_admin"
	Admin        StaffRole = "admin"
	Operator     StaffRole = "operator"
	StaffViewer  StaffRole = "viewer"
	SupportAgent StaffRole = "support_agent"
)

// StaffRoles lists the roles.
func StaffRoles() []StaffRole {
	return []StaffRole{SuperAdmin, Admin, Operator, StaffViewer, SupportAgent}
}

// Permissions returns the set a role stands for; an unknown role has none.
func (r StaffRole) Permissions() []Permission {
	switch r {
	case SuperAdmin:
		return Permissions()
	case Admin:
		return slices.DeleteFunc(Permissions(), func(p Permission) bool { return p == StaffWrite })
	case Operator:
		return []Permission{ProductsRead, LicensesRead, LicensesWrite, LicensesControl, CustomersRead, TicketsRead, TicketsWrite}
	case SupportAgent:
		return []Permission{ProductsRead, LicensesRead, CustomersRead, TicketsRead, TicketsWrite}
	case StaffViewer:
		return []Permission{ProductsRead, LicensesRead, CustomersRead, TicketsRead}
	}
	return nil
}
