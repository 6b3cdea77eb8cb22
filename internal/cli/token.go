package cli

import (
	"context"
	"net/netip"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/server"
)

type tokenCommands struct {
	Create tokenCreate `cmd:"" help:"Create an API token and print it, once."`
}

type tokenCreate struct {
	storage
	Name        string         `arg:"" help:"What the token is for."`
	Kind        string         `name:"kind" required:"" enum:"client,secret" help:"client ships with the software of one product; secret acts for you and is never given away."`
	Product     string         `name:"product" placeholder:"SLUG" help:"Product of a client token."`
	Environment string         `name:"environment" placeholder:"NAME" help:"Environment of a secret token: production, staging or development."`
	Permissions []string       `name:"permission" placeholder:"NAME" enum:"products:read,products:write,licenses:read,licenses:write,licenses:control,keys:reveal,events:read,customers:read,customers:write,tickets:read,tickets:write,tokens:write,webhooks:write,staff:write" help:"Permission of a secret token: ${enum}. Repeat for more."`
	Networks    []netip.Prefix `name:"network" placeholder:"CIDR" help:"Network from which the token may be used; from anywhere without this."`
	Expires     dateValue      `name:"expires" placeholder:"DATE" help:"When the token ends; never without this."`
}

func (c *tokenCreate) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		in := identity.NewToken{
			Kind: account.TokenKind(c.Kind), Name: c.Name, Environment: license.Environment(c.Environment),
			Networks: c.Networks, ExpiresAt: c.Expires.Time,
		}
		for _, p := range c.Permissions {
			in.Permissions = append(in.Permissions, account.Permission(p))
		}
		if c.Product != "" {
			p, err := productOf(ctx, uses, c.Product)
			if err != nil {
				return err
			}
			in.ProductID = p.ID
		}
		t, text, err := uses.Identity.CreateToken(ctx, operator(), in)
		if err != nil {
			return err
		}
		return c.show(on, tokenResult{string(t.ID), string(t.Kind), t.Name, string(t.Environment), string(t.ProductID), orNull(t.ExpiresAt), text})
	})
}

type tokenResult struct {
	ID          string     `json:"id"`
	Kind        string     `json:"kind"`
	Name        string     `json:"name"`
	Environment string     `json:"environment"`
	ProductID   string     `json:"product_id,omitempty"`
	ExpiresAt   *time.Time `json:"expires_at"`
	Token       string     `json:"token"`
}

func (r tokenResult) text() string {
	expires := ""
	if r.ExpiresAt != nil {
		expires = instant(*r.ExpiresAt)
	}
	return pairs([2]string{"Token", r.Token}, [2]string{"Id", r.ID}, [2]string{"Kind", r.Kind},
		[2]string{"Environment", r.Environment}, [2]string{"Expires", expires}, [2]string{"", "The token is not shown again."})
}
