package identity

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/once"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
)

// NewCustomer describes a customer and its first person, the owner.
type NewCustomer struct {
	Name       string
	Email      string // of the owner
	PersonName string // of the owner; may be empty
	Invite     bool   // mail the owner at once; else with the first license
}

// CreateCustomer makes a customer with its owner, who has no password until
// they follow an invitation or a reset link.
func (s *Service) CreateCustomer(ctx context.Context, actor account.Actor, in NewCustomer) (account.Customer, account.Person, error) {
	if err := actor.Require(account.CustomersWrite); err != nil {
		return account.Customer{}, account.Person{}, err
	}
	now := s.clock()
	var problems fault.Problems
	c := account.Customer{ID: id.New(), Name: name(&problems, "name", in.Name, true), Status: account.Active, CreatedAt: now, Version: 1}
	p := newPerson(&problems, in.Email, in.PersonName, now)
	if err := problems.Err(); err != nil {
		return account.Customer{}, account.Person{}, err
	}
	e := event.New(event.CustomerCreated, actor, now)
	e.CustomerID = c.ID
	err := once.InTx(ctx, s.Store, now, func(tx *store.Tx) (id.ID, error) {
		if err := tx.AddCustomer(ctx, c); err != nil {
			return "", err
		}
		if err := tx.AppendEvent(ctx, e); err != nil {
			return "", err
		}
		return c.ID, addPerson(ctx, tx, actor, c.ID, p, account.Owner, in.Invite)
	})
	if err != nil {
		return account.Customer{}, account.Person{}, err
	}
	return c, p, nil
}

// NewPerson describes another person of a customer.
type NewPerson struct {
	CustomerID id.ID
	Email      string
	Name       string // may be empty
	Role       account.Role
	Invite     bool
}

// AddPerson lets another person act for a customer.
func (s *Service) AddPerson(ctx context.Context, actor account.Actor, in NewPerson) (account.Person, error) {
	if err := actor.Require(account.CustomersWrite); err != nil {
		return account.Person{}, err
	}
	var problems fault.Problems
	p := newPerson(&problems, in.Email, in.Name, s.clock())
	if in.Role != account.Owner && in.Role != account.Manager && in.Role != account.Viewer {
		problems.Add("role", "Choose owner, manager or viewer.")
	}
	if err := problems.Err(); err != nil {
		return account.Person{}, err
	}
	err := once.InTx(ctx, s.Store, p.CreatedAt, func(tx *store.Tx) (id.ID, error) {
		if _, err := tx.Customer(ctx, in.CustomerID); err != nil {
			return "", missing(err, "customer")
		}
		return p.ID, addPerson(ctx, tx, actor, in.CustomerID, p, in.Role, in.Invite)
	})
	if err != nil {
		return account.Person{}, err
	}
	return p, nil
}

func newPerson(problems *fault.Problems, address, called string, now time.Time) account.Person {
	return account.Person{
		ID: id.New(), Email: email(problems, address), Name: name(problems, "person_name", called, false),
		Status: account.Active, Theme: account.SystemTheme, CreatedAt: now,
	}
}

func addPerson(ctx context.Context, tx *store.Tx, actor account.Actor, customer id.ID, p account.Person, role account.Role, invited bool) error {
	if err := tx.AddPerson(ctx, p); err != nil {
		return taken(err, "person.email")
	}
	if err := tx.AddMembership(ctx, p.ID, customer, role, p.CreatedAt); err != nil {
		return err
	}
	e := event.New(event.PersonAdded, actor, p.CreatedAt)
	e.CustomerID, e.PersonID, e.Data.Role = customer, p.ID, string(role)
	if err := tx.AppendEvent(ctx, e); err != nil || !invited {
		return err
	}
	return invite(ctx, tx, actor, p.ID, p.CreatedAt)
}

// email reads an address as it is stored (A-CUS-14).
func email(problems *fault.Problems, s string) string {
	address, ok := account.NormalizeEmail(s)
	if !ok {
		problems.Add("email", `Enter an e-mail address such as "ada@example.com".`)
	}
	return address
}

// name reads a name.
func name(problems *fault.Problems, field, s string, needed bool) string {
	clean, ok := account.CleanName(s)
	switch {
	case !ok:
		problems.Add(field, "Use at most 255 characters, and no control characters.")
	case needed && clean == "":
		problems.Add(field, "Enter a name.")
	}
	return clean
}

// taken turns the conflict over an address into one about the input.
func taken(err error, column string) error {
	if !store.IsUnique(err, column) {
		return err
	}
	return fault.Wrap(fault.Conflict, "email_taken", "This e-mail address is in use already.", err).
		WithField("email", "Use another address, or the account that has it.")
}

// SetStatus switches a customer on or off. While it is off nobody can sign in
// for it, and open sessions count no longer from the next request on
// (P-AUTH-09); its licenses are not touched. Repeating it changes nothing.
func (s *Service) SetStatus(ctx context.Context, actor account.Actor, customer id.ID, to account.Status) (account.Customer, error) {
	if !to.Known() {
		return account.Customer{}, fault.New(fault.Invalid, "invalid_input", "This is no status of a customer.").
			WithField("status", "Use active, inactive or suspended.")
	}
	return s.changeCustomer(ctx, actor, customer, func(tx *store.Tx, c *account.Customer, e *event.Event) error {
		if c.Status == to {
			return nil
		}
		c.Status = to
		e.Type, e.Reason = event.CustomerStatus, string(to)
		return tx.SetCustomerStatus(ctx, c.ID, to, e.At)
	})
}

// PersonByEmail returns the person with an address, without the password hash.
func (s *Service) PersonByEmail(ctx context.Context, actor account.Actor, address string) (account.Person, error) {
	if err := actor.Require(account.CustomersRead); err != nil {
		return account.Person{}, err
	}
	address, _ = account.NormalizeEmail(address)
	p, err := s.Store.PersonByEmail(ctx, address)
	return withoutHash(p), missing(err, "person")
}

// Person returns a person, without the password hash.
func (s *Service) Person(ctx context.Context, actor account.Actor, person id.ID) (account.Person, error) {
	if err := actor.Require(account.CustomersRead); err != nil {
		return account.Person{}, err
	}
	p, err := s.Store.Person(ctx, person)
	return withoutHash(p), missing(err, "person")
}

// CustomerByEmail returns the first customer for which the person with an
// address acts.
func (s *Service) CustomerByEmail(ctx context.Context, actor account.Actor, address string) (account.Customer, error) {
	if err := actor.Require(account.CustomersRead); err != nil {
		return account.Customer{}, err
	}
	address, _ = account.NormalizeEmail(address)
	p, err := s.Store.PersonByEmail(ctx, address)
	if err != nil {
		return account.Customer{}, missing(err, "customer")
	}
	all, err := s.Store.Memberships(ctx, p.ID)
	if err != nil || len(all) == 0 {
		return account.Customer{}, firstOf(err, fault.Missing("customer"))
	}
	return all[0].Customer, nil
}

// MaxCustomers is the most customers that one call returns.
const MaxCustomers = 101

// SomeCustomers says which customers are wanted; the zero value is all.
type SomeCustomers struct {
	Status account.Status
	Email  string // of somebody who signs in for it
}

// AllCustomers returns the next customers after one of them, oldest first; after
// "" it begins with the first. Customers are of no environment.
func (s *Service) AllCustomers(ctx context.Context, actor account.Actor, some SomeCustomers, after id.ID, limit int) ([]account.Customer, error) {
	if err := actor.Require(account.CustomersRead); err != nil {
		return nil, err
	}
	f := store.CustomerFilter{Status: some.Status}
	if some.Email != "" {
		address, ok := account.NormalizeEmail(some.Email)
		if !ok {
			return nil, nil
		}
		f.Email = address
	}
	return s.Store.Customers(ctx, f, after, min(max(limit, 1), MaxCustomers))
}

// Customer returns a customer to whoever may read or write them.
func (s *Service) Customer(ctx context.Context, actor account.Actor, customer id.ID) (account.Customer, error) {
	if !actor.Can(account.CustomersWrite) {
		if err := actor.Require(account.CustomersRead); err != nil {
			return account.Customer{}, err
		}
	}
	c, err := s.Store.Customer(ctx, customer)
	return c, missing(err, "customer")
}

// People lists who can sign in for a customer, without password hashes.
func (s *Service) People(ctx context.Context, actor account.Actor, customer id.ID) ([]account.Member, error) {
	if _, err := s.Customer(ctx, actor, customer); err != nil {
		return nil, err
	}
	members, err := s.Store.Members(ctx, customer)
	for i := range members {
		members[i].Person = withoutHash(members[i].Person)
	}
	return members, err
}
