package api

import (
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
)

const customersPath = "/api/v2/customers"

// CustomerRecord is a customer as the vendor sees it.
type CustomerRecord struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Status    string    `json:"status" enum:"active,inactive,suspended"`
	CreatedAt time.Time `json:"created_at"`
}

// PersonRecord is somebody who signs in for a customer.
type PersonRecord struct {
	ID    string `json:"id"`
	Email string `json:"email"`
	Name  string `json:"name,omitempty"`
	Role  string `json:"role" enum:"owner,manager,viewer"`
}

// People is everybody who signs in for a customer.
type People struct {
	Items []PersonRecord `json:"items" nullable:"false"`
}

// NewCustomer is the wish for a customer and the person who owns the account.
type NewCustomer struct {
	Name       string `json:"name" minLength:"1" maxLength:"255"`
	Email      string `json:"email" minLength:"3" maxLength:"254" doc:"Of the owner, who signs in with it."`
	PersonName string `json:"person_name,omitempty" maxLength:"255" doc:"Of the owner."`
	Invite     bool   `json:"invite,omitempty" doc:"Mail the owner at once. Without it, with the first license."`
}

// NewPerson is the wish to let another person act for a customer.
type NewPerson struct {
	Email      string `json:"email" minLength:"3" maxLength:"254"`
	PersonName string `json:"person_name,omitempty" maxLength:"255"`
	Role       string `json:"role" enum:"owner,manager,viewer"`
	Invite     bool   `json:"invite,omitempty" doc:"Mail them at once."`
}

// Standing is what a customer becomes.
type Standing struct {
	Status string `json:"status" enum:"active,inactive,suspended" doc:"Unless active, nobody signs in for it; its licenses are not touched."`
}

func customerRecordOf(c account.Customer) CustomerRecord {
	return CustomerRecord{ID: string(c.ID), Name: c.Name, Status: string(c.Status), CreatedAt: c.CreatedAt}
}

func personRecordOf(m account.Member) PersonRecord {
	return PersonRecord{ID: string(m.Person.ID), Email: m.Person.Email, Name: m.Person.Name, Role: string(m.Role)}
}

func customerEndpoints() []endpoint {
	reads, writes := account.CustomersRead, account.CustomersWrite
	of := func(id, path string, needed account.Permission, summary, description string) endpoint {
		return endpoint{id: id, path: customersPath + path, tag: "customers", permission: needed, summary: summary, description: description}
	}
	creating := of("create-customer", "", writes, "Create a customer", "Makes a customer and the person who owns the account. Customers belong to no environment.")
	creating.created = true
	adding := of("add-person", "/{id}/people", writes, "Add a person", "Lets another person sign in for the customer.")
	adding.created = true
	return []endpoint{
		change(creating, func(a *API, q *asked, in NewCustomer) (id.ID, error) {
			c, _, err := a.Identity.CreateCustomer(q.ctx, q.actor, identity.NewCustomer(in))
			return c.ID, err
		}, madeCustomer),
		list(of("list-customers", "", reads, "List customers", "Lists customers, oldest first."), func(a *API, q *asked) ([]CustomerRecord, error) {
			rows, err := a.Identity.AllCustomers(q.ctx, q.actor, q.after, q.limit+1)
			return records(rows, customerRecordOf), err
		}, func(c CustomerRecord) string { return c.ID }),
		fetch(of("get-customer", "/{id}", reads, "Read a customer", "Answers one customer."), func(a *API, q *asked) (CustomerRecord, error) {
			wanted, err := q.id("id", "customer")
			if err != nil {
				return CustomerRecord{}, err
			}
			return madeCustomer(a, q, wanted)
		}),
		change(of("set-customer-status", "/{id}/status", writes, "Switch a customer on or off", "Sets the status. Repeating it changes nothing."),
			func(a *API, q *asked, in Standing) (id.ID, error) {
				wanted, err := q.id("id", "customer")
				if err != nil {
					return "", err
				}
				c, err := a.Identity.SetStatus(q.ctx, q.actor, wanted, account.Status(in.Status))
				return c.ID, err
			}, madeCustomer),
		fetch(of("list-people", "/{id}/people", reads, "List the people of a customer", "Lists everybody who signs in for it."), func(a *API, q *asked) (People, error) {
			all, err := a.people(q)
			return People{records(all, personRecordOf)}, err
		}),
		change(adding, addPerson, madePerson),
	}
}

func madeCustomer(a *API, q *asked, made id.ID) (CustomerRecord, error) {
	c, err := a.Identity.Customer(q.ctx, q.actor, made)
	return customerRecordOf(c), err
}

func (a *API) people(q *asked) ([]account.Member, error) {
	wanted, err := q.id("id", "customer")
	if err != nil {
		return nil, err
	}
	return a.Identity.People(q.ctx, q.actor, wanted)
}

func addPerson(a *API, q *asked, in NewPerson) (id.ID, error) {
	customer, err := q.id("id", "customer")
	if err != nil {
		return "", err
	}
	p, err := a.Identity.AddPerson(q.ctx, q.actor, identity.NewPerson{
		CustomerID: customer, Email: in.Email, Name: in.PersonName, Role: account.Role(in.Role), Invite: in.Invite,
	})
	return p.ID, err
}

func madePerson(a *API, q *asked, made id.ID) (PersonRecord, error) {
	all, err := a.people(q)
	for _, m := range all {
		if m.Person.ID == made {
			return personRecordOf(m), nil
		}
	}
	if err == nil {
		err = fault.Missing("person")
	}
	return PersonRecord{}, err
}
