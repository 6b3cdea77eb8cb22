package api

import (
	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
)

// PersonRecord is somebody who signs in for a customer.
type PersonRecord struct {
	ID      string `json:"id"`
	Version int64  `json:"version" doc:"Grows with every change of the role. It is the ETag."`
	Email   string `json:"email"`
	Name    string `json:"name,omitempty"`
	Role    string `json:"role" enum:"owner,manager,viewer" doc:"Owners say who else signs in, managers free seats and reveal keys, viewers look."`
}

func (p PersonRecord) etag() int64 { return p.Version }

// NewPerson is the wish to let another person act for a customer.
type NewPerson struct {
	Email      string `json:"email" minLength:"3" maxLength:"254"`
	PersonName string `json:"person_name,omitempty" maxLength:"255"`
	Role       string `json:"role" enum:"owner,manager,viewer"`
	Invite     bool   `json:"invite,omitempty" doc:"Mail them at once."`
}

// EditPerson is what becomes different about somebody who signs in for a
// customer.
type EditPerson struct {
	Role string `json:"role" enum:"owner,manager,viewer"`
}

func personRecordOf(m account.Member) PersonRecord {
	return PersonRecord{ID: string(m.Person.ID), Version: m.Version, Email: m.Person.Email, Name: m.Person.Name, Role: string(m.Role)}
}

func peopleEndpoints() []endpoint {
	of := func(id, path string, needed account.Permission, summary, description string) endpoint {
		return endpoint{id: id, path: customersPath + "/{id}/people" + path, tag: "customers", permission: needed, summary: summary, description: description}
	}
	adding := of("add-person", "", account.CustomersWrite, "Add a person", "Lets another person sign in for the customer.")
	adding.created = true
	listing := of("list-people", "", account.CustomersRead, "List the people of a customer", "Lists everybody who signs in for it, earliest first.")
	listing.params = []param{{name: "role", doc: "Only those of this role.", enum: []string{string(account.Owner), string(account.Manager), string(account.Viewer)}}}
	editing := patching(of("edit-person", "/{person}", account.CustomersWrite, "Change a person's role", "Somebody stays the customer's owner."))
	removing := of("remove-person", "/{person}", account.CustomersWrite, "Remove a person", "Ends at once that they sign in for the customer. The last owner stays. Removing again changes nothing.")
	editing.versioned, removing.versioned = true, true
	return []endpoint{
		list(listing, listPeople, func(p PersonRecord) string { return p.ID }),
		change(adding, addPerson, madePerson),
		fetch(of("get-person", "/{person}", account.CustomersRead, "Read a person", "Answers one person as somebody who signs in for the customer."), func(a *API, q *asked) (PersonRecord, error) {
			_, person, err := q.person()
			if err != nil {
				return PersonRecord{}, err
			}
			return madePerson(a, q, person)
		}),
		change(editing, func(a *API, q *asked, in EditPerson) (id.ID, error) {
			customer, person, err := q.person()
			if err != nil {
				return "", err
			}
			return person, a.Identity.SetPersonRole(q.ctx, q.actor, customer, person, account.Role(in.Role))
		}, madePerson),
		remove(removing, func(a *API, q *asked) (id.ID, error) {
			customer, person, err := q.person()
			if err != nil {
				return "", err
			}
			return person, a.Identity.RemovePerson(q.ctx, q.actor, customer, person)
		}),
	}
}

// person returns the ids of a customer and of somebody who signs in for it.
func (q *asked) person() (customer, person id.ID, err error) {
	if customer, err = q.id("id", "customer"); err != nil {
		return "", "", err
	}
	person, err = q.id("person", "person")
	return customer, person, err
}

func listPeople(a *API, q *asked) ([]PersonRecord, error) {
	all, err := a.people(q)
	return part(q, records(all, personRecordOf), func(p PersonRecord) string { return p.ID },
		func(p PersonRecord) bool { return q.query["role"] == "" || q.query["role"] == p.Role }), err
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
