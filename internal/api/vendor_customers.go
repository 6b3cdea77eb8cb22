package api

import (
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/id"
)

const customersPath = "/api/v2/customers"

// CustomerRecord is a customer as the vendor sees it.
type CustomerRecord struct {
	ID        string    `json:"id"`
	Version   int64     `json:"version" doc:"Grows with every change. It is the ETag."`
	Name      string    `json:"name"`
	Status    string    `json:"status" enum:"active,inactive,suspended"`
	CreatedAt time.Time `json:"created_at"`
}

func (c CustomerRecord) etag() int64 { return c.Version }

// NewCustomer is the wish for a customer and the person who owns the account.
type NewCustomer struct {
	Name       string `json:"name" minLength:"1" maxLength:"255"`
	Email      string `json:"email" minLength:"3" maxLength:"254" doc:"Of the owner, who signs in with it."`
	PersonName string `json:"person_name,omitempty" maxLength:"255" doc:"Of the owner."`
	Invite     bool   `json:"invite,omitempty" doc:"Mail the owner at once. Without it, with the first license."`
}

// EditCustomer is what becomes different about a customer.
type EditCustomer struct {
	Name string `json:"name" minLength:"1" maxLength:"255"`
}

// Standing is what a customer becomes.
type Standing struct {
	Status string `json:"status" enum:"active,inactive,suspended" doc:"Unless active, nobody signs in for it; its licenses are not touched."`
}

func customerRecordOf(c account.Customer) CustomerRecord {
	return CustomerRecord{ID: string(c.ID), Version: c.Version, Name: c.Name, Status: string(c.Status), CreatedAt: c.CreatedAt}
}

func customerEndpoints() []endpoint {
	reads, writes := account.CustomersRead, account.CustomersWrite
	of := func(id, path string, needed account.Permission, summary, description string) endpoint {
		return endpoint{id: id, path: customersPath + path, tag: "customers", permission: needed, summary: summary, description: description}
	}
	creating := of("create-customer", "", writes, "Create a customer", "Makes a customer and the person who owns the account. Customers belong to no environment.")
	creating.created = true
	listing := of("list-customers", "", reads, "List customers", "Lists customers, oldest first.")
	listing.params = []param{
		{name: "status", doc: "Only those of this status.", enum: []string{string(account.Active), string(account.Inactive), string(account.Suspended)}},
		{name: "email", doc: "Only those for which the person with this address signs in."},
	}
	renaming := patching(of("edit-customer", "/{id}", writes, "Change a customer", "Gives it another name."))
	switching := of("set-customer-status", "/{id}/status", writes, "Switch a customer on or off", "Sets the status. Repeating it changes nothing.")
	renaming.versioned, switching.versioned = true, true
	return []endpoint{
		change(creating, func(a *API, q *asked, in NewCustomer) (id.ID, error) {
			c, _, err := a.Identity.CreateCustomer(q.ctx, q.actor, identity.NewCustomer(in))
			return c.ID, err
		}, madeCustomer),
		list(listing, func(a *API, q *asked) ([]CustomerRecord, error) {
			rows, err := a.Identity.AllCustomers(q.ctx, q.actor, identity.SomeCustomers{Status: account.Status(q.query["status"]), Email: q.query["email"]}, q.after, q.limit+1)
			return records(rows, customerRecordOf), err
		}, func(c CustomerRecord) string { return c.ID }),
		fetch(of("get-customer", "/{id}", reads, "Read a customer", "Answers one customer."), func(a *API, q *asked) (CustomerRecord, error) {
			wanted, err := q.id("id", "customer")
			if err != nil {
				return CustomerRecord{}, err
			}
			return madeCustomer(a, q, wanted)
		}),
		change(renaming, func(a *API, q *asked, in EditCustomer) (id.ID, error) {
			wanted, err := q.id("id", "customer")
			if err != nil {
				return "", err
			}
			c, err := a.Identity.Rename(q.ctx, q.actor, wanted, in.Name)
			return c.ID, err
		}, madeCustomer),
		change(switching,
			func(a *API, q *asked, in Standing) (id.ID, error) {
				wanted, err := q.id("id", "customer")
				if err != nil {
					return "", err
				}
				c, err := a.Identity.SetStatus(q.ctx, q.actor, wanted, account.Status(in.Status))
				return c.ID, err
			}, madeCustomer),
	}
}

func madeCustomer(a *API, q *asked, made id.ID) (CustomerRecord, error) {
	c, err := a.Identity.Customer(q.ctx, q.actor, made)
	return customerRecordOf(c), err
}
