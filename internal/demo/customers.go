package demo

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/server"
)

// party is a customer as the demo invents it.
type party struct {
	name, person string
	SignIn
}

// The customers, and who works for the vendor.
var (
	mainParty  = party{"Halden Surveying", "Mara Lindqvist", SignIn{"mara@halden.example", "harbor-maps-at-noon"}}
	otherParty = party{"Brightwater Labs", "Tobias Okafor", SignIn{"tobias@brightwater.example", "seven-quiet-beakers"}}
	largeParty = party{"Orrery Group", "Ines Carvalho", SignIn{"ines@orrery.example", "ten-thousand-orbits"}}
	emptyParty = party{"Fennel & Finch Studio", "June Abara", SignIn{"june@fennelfinch.example", "an-empty-sketchbook"}}

	administrator = SignIn{"ada@keyward.example", "lanterns-on-the-pier"}
)

// settle makes a customer whose owner has chosen a password, and returns the
// owner as the one who acts.
func (p party) settle(ctx context.Context, uses *server.Services) (account.Actor, error) {
	c, person, err := uses.Identity.CreateCustomer(ctx, account.System(""), identity.NewCustomer{
		Name: p.name, Email: p.Email, PersonName: p.person,
	})
	if err != nil {
		return account.Actor{}, err
	}
	token, _, err := uses.Identity.MintLink(ctx, person.ID, account.Invitation)
	if err != nil {
		return account.Actor{}, err
	}
	_, err = uses.Identity.SetPassword(ctx, token, account.Invitation, p.Password, identity.Origin{})
	return account.Actor{Kind: account.ActorPerson, ID: person.ID, CustomerID: c.ID, Role: account.Owner}, err
}

// colleague is somebody of the main customer who has not followed their
// invitation yet, so that the mailbox has a mail.
func colleague(ctx context.Context, uses *server.Services, of account.Actor) error {
	_, err := uses.Identity.AddPerson(ctx, account.System(""), identity.NewPerson{
		CustomerID: of.CustomerID, Email: "pavel@halden.example", Name: "Pavel Hruby", Role: account.Viewer, Invite: true,
	})
	return err
}

// staff makes the administrator and the secret token, and returns its text.
func staff(ctx context.Context, uses *server.Services) (string, error) {
	by := account.System("")
	_, _, err := uses.Identity.CreateAdministrator(ctx, by, identity.NewAdministrator{
		Email: administrator.Email, Name: "Ada Brandt", Role: account.SuperAdmin, Password: administrator.Password,
	})
	if err != nil {
		return "", err
	}
	_, secret, err := uses.Identity.CreateToken(ctx, by, identity.NewToken{
		Kind: account.SecretToken, Name: "Shop", Environment: "production", Permissions: account.Permissions(),
		ExpiresAt: time.Time{},
	})
	return secret, err
}
