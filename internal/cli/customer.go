package cli

import (
	"context"
	"strings"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/server"
)

type customerCommands struct {
	Create customerCreate `cmd:"" help:"Create a customer and the person who owns the account."`
	List   customerList   `cmd:"" help:"List the customers and who signs in for them."`
	Invite customerInvite `cmd:"" help:"Mail somebody the link to their first password, again if need be."`
	Reset  customerReset  `cmd:"" name:"reset-factor" help:"Remove somebody's authenticator app, recovery codes and passkeys, after you have made sure who asks for it."`
	Status customerStatus `cmd:"" help:"Switch a customer on or off: while off nobody can sign in for it."`
}

type customerCreate struct {
	storage
	Name   string `arg:"" help:"Name of the customer."`
	Email  string `name:"email" required:"" placeholder:"ADDRESS" help:"E-mail address that the owner signs in with."`
	Person string `name:"person" placeholder:"NAME" help:"Name of the owner."`
	Invite bool   `name:"invite" help:"Mail the invitation now; without this it goes out with the first license."`
}

func (c *customerCreate) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		customer, person, err := uses.Identity.CreateCustomer(ctx, operator(), identity.NewCustomer{
			Name: c.Name, Email: c.Email, PersonName: c.Person, Invite: c.Invite,
		})
		if err != nil {
			return err
		}
		return c.show(on, customerResultOf(customer, []account.Person{person}))
	})
}

type customerResult struct {
	ID     string         `json:"id"`
	Name   string         `json:"name"`
	Status string         `json:"status"`
	People []personResult `json:"people"`
}

type personResult struct {
	ID    string `json:"id"`
	Email string `json:"email"`
	Name  string `json:"name,omitempty"`
}

func customerResultOf(c account.Customer, people []account.Person) customerResult {
	r := customerResult{ID: string(c.ID), Name: c.Name, Status: string(c.Status), People: []personResult{}}
	for _, p := range people {
		r.People = append(r.People, personResult{string(p.ID), p.Email, p.Name})
	}
	return r
}

func (r customerResult) emails() string {
	var list []string
	for _, p := range r.People {
		list = append(list, p.Email)
	}
	return strings.Join(list, ", ")
}

func (r customerResult) text() string {
	return pairs([2]string{"Customer", r.Name}, [2]string{"Id", r.ID}, [2]string{"Signs in", r.emails()})
}

type customerList struct {
	storage
	After string `name:"after" placeholder:"ID" help:"Begin after this customer."`
	Limit int    `name:"limit" default:"100" help:"At most this many, up to 1000."`
}

type customerInvite struct {
	storage
	Person   string `arg:"" help:"E-mail address that the person signs in with."`
	Customer string `name:"customer" placeholder:"CUSTOMER" help:"Invite them into the team of this customer: its id, or the address of somebody who acts for it."`
	Role     string `name:"role" enum:"owner,manager,viewer" default:"viewer" help:"What they may do there: owner, manager or viewer."`
}

func (c *customerInvite) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		if c.Customer != "" {
			return c.intoTeam(ctx, on, uses)
		}
		p, err := uses.Identity.PersonByEmail(ctx, operator(), c.Person)
		if err != nil {
			return seeList(err, "customer")
		}
		if err := uses.Identity.Invite(ctx, operator(), p.ID); err != nil {
			return err
		}
		return c.show(on, invitedResult{Email: p.Email})
	})
}

// intoTeam asks somebody, known or not, to act for a customer.
func (c *customerInvite) intoTeam(ctx context.Context, on *call, uses *server.Services) error {
	customer, err := customerOf(ctx, uses, c.Customer)
	if err != nil {
		return err
	}
	i, err := uses.Identity.InviteMember(ctx, operator(), identity.NewMember{CustomerID: customer, Email: c.Person, Role: account.Role(c.Role)})
	if err != nil {
		return seeList(err, "customer")
	}
	return c.show(on, invitedResult{Email: i.Email})
}

type invitedResult struct {
	Email string `json:"email"`
}

func (r invitedResult) text() string {
	return pairs([2]string{"Invited", r.Email}, [2]string{"", "The running server mails the invitation."})
}

type customerReset struct {
	storage
	Person string `arg:"" help:"E-mail address that the person signs in with."`
}

func (c *customerReset) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		p, err := uses.Identity.PersonByEmail(ctx, operator(), c.Person)
		if err != nil {
			return seeList(err, "customer")
		}
		removed, err := uses.Identity.ResetFactors(ctx, operator(), p.ID)
		if err != nil {
			return err
		}
		return c.show(on, resetResult{Email: p.Email, Removed: removed})
	})
}

type resetResult struct {
	Email   string `json:"email"`
	Removed bool   `json:"removed"`
}

func (r resetResult) text() string {
	if !r.Removed {
		return pairs([2]string{"Person", r.Email}, [2]string{"", "Has neither an authenticator app nor a passkey. Nothing was changed."})
	}
	return pairs([2]string{"Reset", r.Email}, [2]string{"", "Signs in with the password alone, and is signed out everywhere. The running server mails them."})
}

type customerStatus struct {
	storage
	Customer string `arg:"" help:"Id of the customer, or e-mail address of somebody who acts for it."`
	To       string `arg:"" enum:"active,inactive,suspended" help:"active, inactive or suspended."`
}

func (c *customerStatus) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		customer, err := customerOf(ctx, uses, c.Customer)
		if err != nil {
			return err
		}
		changed, err := uses.Identity.SetStatus(ctx, operator(), customer, account.Status(c.To))
		if err != nil {
			return seeList(err, "customer")
		}
		return c.show(on, statusResult{ID: string(changed.ID), Name: changed.Name, Status: string(changed.Status)})
	})
}

type statusResult struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Status string `json:"status"`
}

func (r statusResult) text() string {
	return pairs([2]string{"Customer", r.Name}, [2]string{"Id", r.ID}, [2]string{"Status", r.Status})
}

// mostListed bounds one page of a list.
const mostListed = 1000

func (c *customerList) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		entries, err := uses.Customers(ctx, id.ID(c.After), min(max(c.Limit, 1), mostListed))
		if err != nil {
			return err
		}
		list := customers{}
		for _, e := range entries {
			list = append(list, customerResultOf(e.Customer, e.People))
		}
		return c.show(on, list)
	})
}

type customers []customerResult

func (l customers) text() string {
	if len(l) == 0 {
		return "There is no customer here. Create one with \"keyward customer create NAME --email ADDRESS\".\n"
	}
	rows := [][]string{{"NAME", "SIGNS IN", "STATUS", "ID"}}
	for _, c := range l {
		rows = append(rows, []string{c.Name, c.emails(), c.Status, c.ID})
	}
	return table(rows)
}
