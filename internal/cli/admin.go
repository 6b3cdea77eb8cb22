package cli

import (
	"context"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/server"
)

type adminCommands struct {
	Create adminCreate `cmd:"" help:"Create an administrator. The password is made and printed once, unless --password-stdin is given."`
}

type adminCreate struct {
	storage
	Email         string `arg:"" help:"Email address to sign in with."`
	Name          string `name:"name" help:"Name of the person."`
	Role          string `name:"role" default:"super_admin" enum:"super_admin,admin,operator,viewer,support_agent" help:"super_admin, admin, operator, viewer or support_agent."`
	PasswordStdin bool   `name:"password-stdin" help:"Read the password from standard input."`
}

func (c *adminCreate) Run(on *call) error {
	in := identity.NewAdministrator{Email: c.Email, Name: c.Name, Role: account.StaffRole(c.Role)}
	if c.PasswordStdin {
		var err error
		if in.Password, err = secretOf(on, "-"); err != nil {
			return err
		}
	}
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		a, made, err := uses.Identity.CreateAdministrator(ctx, operator(), in)
		if err != nil {
			return err
		}
		return c.show(on, adminResult{string(a.ID), a.Email, string(a.Role), made})
	})
}

type adminResult struct {
	ID       string `json:"id"`
	Email    string `json:"email"`
	Role     string `json:"role"`
	Password string `json:"password,omitempty"`
}

func (r adminResult) text() string {
	return pairs([2]string{"Administrator", r.Email}, [2]string{"Id", r.ID}, [2]string{"Role", r.Role},
		[2]string{"Password", r.Password}, [2]string{"", noteIf(r.Password != "", "The password is not shown again.")})
}

func noteIf(yes bool, note string) string {
	if yes {
		return note
	}
	return ""
}
