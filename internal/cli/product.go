package cli

import (
	"context"

	"github.com/keyward/keyward/internal/app/catalog"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/server"
)

type productCommands struct {
	Create productCreate `cmd:"" help:"Create a product with a signing key and its first plan."`
	Update productUpdate `cmd:"" help:"Change how often customers may replace devices of a product's licenses."`
	List   productList   `cmd:"" help:"List the products and their public keys."`
}

type productCreate struct {
	storage
	Name         string   `arg:"" help:"Name that customers read."`
	Slug         string   `name:"slug" help:"Short name for addresses and commands. It is made from the name."`
	Environment  string   `name:"environment" default:"production" enum:"production,staging,development" help:"production, staging or development; for good."`
	HighSecurity bool     `name:"high-security" help:"Keep keys sealed, and masked until the customer copies them."`
	RenewalURL   string   `name:"renewal-url" placeholder:"URL" help:"Where customers renew."`
	Accept       []string `name:"accept" default:"hardware" enum:"hardware,domain" help:"What devices are known by: hardware, domain, or both."`
	Managed      bool     `name:"no-self-deactivation" help:"Do not let customers deactivate their devices themselves."`
	swapFlags
	Offline  bool              `name:"offline" help:"Allow signed files for devices that never connect."`
	Features []featureTemplate `name:"feature" sep:"none" placeholder:"KEY:TYPE=DEFAULT" help:"A feature that licenses may include, such as projects:number=20. Repeat for more."`

	Plan         string      `name:"plan" placeholder:"NAME" help:"Name of the first plan."`
	KeyFormat    string      `name:"key-format" placeholder:"PATTERN" help:"Pattern of license keys, such as ACME-{X:4}-{X:4}-{X:4}-{X:4}."`
	Limit        *limitValue `name:"limit" placeholder:"N" help:"Devices of a license of the first plan, or unlimited, which it is without this."`
	ValidityDays int         `name:"validity-days" placeholder:"N" help:"Days that a license of the first plan lasts from its assignment; without this it never ends."`
}

func (c *productCreate) Run(on *call) error {
	in := catalog.NewProduct{
		Environment: license.Environment(c.Environment), Name: c.Name, Slug: c.Slug, HighSecurity: c.HighSecurity,
		SelfDeactivation: !c.Managed, Swaps: c.over(license.SwapPolicy{}), OfflineAllowed: c.Offline, RenewalURL: c.RenewalURL,
		Plan: catalog.NewGenerator{Name: c.Plan, Pattern: c.KeyFormat, Limit: c.Limit.orUnlimited(), ValidityDays: c.ValidityDays},
	}
	for _, kind := range c.Accept {
		in.AcceptsHardware = in.AcceptsHardware || kind == string(license.Hardware)
		in.AcceptsDomain = in.AcceptsDomain || kind == string(license.Domain)
	}
	for _, f := range c.Features {
		in.Features = append(in.Features, license.Feature(f))
	}
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		p, err := uses.Catalog.CreateProduct(ctx, operator(), in)
		if err != nil {
			return err
		}
		r, err := productResultOf(ctx, uses, p)
		if err != nil {
			return err
		}
		return c.show(on, r)
	})
}

type productResult struct {
	ID           string      `json:"id"`
	Name         string      `json:"name"`
	Slug         string      `json:"slug"`
	Environment  string      `json:"environment"`
	HighSecurity bool        `json:"high_security"`
	Active       bool        `json:"active"`
	Swaps        swapsResult `json:"swaps"`
	PublicKey    string      `json:"public_key"` // to pin in the software
}

// productResultOf adds the line that software pins.
func productResultOf(ctx context.Context, uses *server.Services, p license.Product) (productResult, error) {
	r := productResult{
		ID: string(p.ID), Name: p.Name, Slug: p.Slug, Environment: string(p.Environment),
		HighSecurity: p.HighSecurity, Active: p.Active && p.KilledAt.IsZero(),
		Swaps: swapsResultOf(p.Swaps),
	}
	key, err := uses.Catalog.CurrentKey(ctx, p.ID)
	if err != nil {
		return r, err
	}
	public, err := key.Pinned()
	r.PublicKey = public.String()
	return r, err
}

func (r productResult) text() string {
	return pairs([2]string{"Product", r.Name}, [2]string{"Id", r.ID}, [2]string{"Slug", r.Slug},
		[2]string{"Environment", r.Environment}, [2]string{"Device changes", r.Swaps.text()}, [2]string{"Public key", r.PublicKey})
}

type productList struct{ storage }

func (c *productList) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		list := products{}
		for after := id.ID(""); ; {
			page, err := uses.Catalog.Products(ctx, operator(), after, catalog.MaxPage)
			if err != nil {
				return err
			}
			for _, p := range page {
				r, err := productResultOf(ctx, uses, p)
				if err != nil {
					return err
				}
				list, after = append(list, r), p.ID
			}
			if len(page) < catalog.MaxPage {
				return c.show(on, list)
			}
		}
	})
}

type products []productResult

func (l products) text() string {
	if len(l) == 0 {
		return "There is no product yet. Create one with \"keyward product create NAME\".\n"
	}
	rows := [][]string{{"SLUG", "ENVIRONMENT", "NAME", "ID", "PUBLIC KEY"}}
	for _, p := range l {
		rows = append(rows, []string{p.Slug, p.Environment, p.Name, p.ID, p.PublicKey})
	}
	return table(rows)
}

type releaseCommands struct {
	Add releaseAdd `cmd:"" help:"Put a version of a product on record, which decides what licenses with an end of updates include."`
}

type releaseAdd struct {
	storage
	Product string    `arg:"" help:"Slug or id of the product."`
	Version string    `arg:"" help:"Version, such as 8.4.1."`
	Date    dateValue `name:"date" placeholder:"DATE" help:"When it was released; now without this."`
}

func (c *releaseAdd) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		p, err := productOf(ctx, uses, c.Product)
		if err != nil {
			return err
		}
		r, err := uses.Catalog.AddRelease(ctx, operator(), p.ID, c.Version, c.Date.Time)
		if err != nil {
			return err
		}
		return c.show(on, releaseResult{p.Name, r.Version, r.ReleasedAt.Format("2006-01-02T15:04:05Z")})
	})
}

type releaseResult struct {
	Product    string `json:"product"`
	Version    string `json:"version"`
	ReleasedAt string `json:"released_at"`
}

func (r releaseResult) text() string {
	return pairs([2]string{"Release", r.Product + " " + r.Version}, [2]string{"Released", r.ReleasedAt})
}
