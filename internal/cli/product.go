package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/keyward/keyward/internal/app/catalog"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/server"
)

type productCommands struct {
	Create  productCreate  `cmd:"" help:"Create a product with a signing key and its first plan."`
	Update  productUpdate  `cmd:"" help:"Change how often customers may replace devices of a product's licenses, and whether the seats of new licenses are floating."`
	Offline productOffline `cmd:"" help:"Switch signed files for devices that never connect on or off."`
	List    productList    `cmd:"" help:"List the products and their public keys."`
	Set     productSet     `cmd:"" help:"Change the slug of a product, and how its releases reach customers."`
	Rotate  productRotate  `cmd:"" name:"rotate-key" help:"Make a new key that signs for a product, from a date on. Ship software that knows both keys before."`
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
	Floating *holdValue        `name:"floating" placeholder:"TIME" help:"Seats are floating: free again unless their device checks in within this time, such as 15m. Without this they are fixed."`
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
		SelfDeactivation: !c.Managed, Swaps: c.over(license.SwapPolicy{}), HoldFor: c.Floating.or(0), OfflineAllowed: c.Offline, RenewalURL: c.RenewalURL,
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
	Floating     string      `json:"floating"`   // how long a check-in keeps a seat; "" is that seats are fixed
	PublicKey    string      `json:"public_key"` // to pin in the software
}

// productResultOf adds the line that software pins.
func productResultOf(ctx context.Context, uses *server.Services, p license.Product) (productResult, error) {
	r := productResult{
		ID: string(p.ID), Name: p.Name, Slug: p.Slug, Environment: string(p.Environment),
		HighSecurity: p.HighSecurity, Active: p.Active && p.KilledAt.IsZero(),
		Swaps: swapsResultOf(p.Swaps), Floating: holdText(p.HoldFor),
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
	seats := "fixed"
	if r.Floating != "" {
		seats = "floating, held for " + r.Floating
	}
	return pairs([2]string{"Product", r.Name}, [2]string{"Id", r.ID}, [2]string{"Slug", r.Slug},
		[2]string{"Environment", r.Environment}, [2]string{"Seats", seats}, [2]string{"Device changes", r.Swaps.text()}, [2]string{"Public key", r.PublicKey})
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

type productSet struct {
	storage
	Product         string `arg:"" help:"Slug or id of the product."`
	Slug            string `name:"slug" help:"Another slug. Public addresses with the one before go on working."`
	ActivationFirst *bool  `name:"activation-first" placeholder:"yes" help:"Downloads begin with the first activation of a license instead of its assignment: yes or no."`
	AfterExpiry     *bool  `name:"after-expiry" placeholder:"yes" help:"What was released before a license ended stays available: yes or no."`
	LatestOnly      *bool  `name:"latest-only" placeholder:"yes" help:"Offer only the newest version that a license includes: yes or no."`
	Changelog       *bool  `name:"changelog" placeholder:"yes" help:"Show a changelog of the product: yes or no."`
}

func (c *productSet) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		p, err := productOf(ctx, uses, c.Product)
		if err != nil {
			return err
		}
		if p, err = uses.Catalog.SetDelivery(ctx, operator(), p.ID, c.change); err != nil {
			return err
		}
		if c.Slug != "" {
			if p, err = uses.Catalog.SetSlug(ctx, operator(), p.ID, c.Slug); err != nil {
				return err
			}
		}
		return c.show(on, productSetResult{p.Name, p.Slug, p.Delivery.ActivationFirst, p.Delivery.AfterExpiry, p.Delivery.LatestOnly, p.Delivery.Changelog})
	})
}

func (c *productSet) change(d *license.Delivery) {
	for _, s := range []struct {
		to   *bool
		what *bool
	}{{c.ActivationFirst, &d.ActivationFirst}, {c.AfterExpiry, &d.AfterExpiry}, {c.LatestOnly, &d.LatestOnly}, {c.Changelog, &d.Changelog}} {
		if s.to != nil {
			*s.what = *s.to
		}
	}
}

type productRotate struct {
	storage
	Product string     `arg:"" help:"Slug or id of the product."`
	From    *dateValue `name:"from" placeholder:"DATE" help:"From when the new key signs, such as 2027-03-12, midnight UTC. Without it, at once: software that does not know the new key yet refuses its answers."`
}

func (c *productRotate) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		p, err := productOf(ctx, uses, c.Product)
		if err != nil {
			return err
		}
		var from time.Time
		if c.From != nil {
			from = c.From.Time
		}
		key, err := uses.Catalog.RotateKey(ctx, operator(), p.ID, from)
		if err != nil {
			return err
		}
		pinned, err := key.Pinned()
		if err != nil {
			return err
		}
		return c.show(on, rotated{p.Name, key.KID, pinned.String(), key.SignsFrom})
	})
}

type rotated struct {
	Product   string    `json:"product"`
	KeyID     string    `json:"key_id"`
	PublicKey string    `json:"public_key"`
	SignsFrom time.Time `json:"signs_from"`
}

func (r rotated) text() string {
	return fmt.Sprintf("From %s on a new key signs for %s. Its public half, which software has to know by then besides the one before:\n%s\n",
		r.SignsFrom.Format(time.RFC3339), r.Product, r.PublicKey)
}

type productSetResult struct {
	Product         string `json:"product"`
	Slug            string `json:"slug"`
	ActivationFirst bool   `json:"activation_first"`
	AfterExpiry     bool   `json:"after_expiry"`
	LatestOnly      bool   `json:"latest_only"`
	Changelog       bool   `json:"changelog"`
}

func (r productSetResult) text() string {
	return pairs([2]string{"Product", r.Product}, [2]string{"Slug", r.Slug}, [2]string{"Activation first", yesNo(r.ActivationFirst)},
		[2]string{"After expiry", yesNo(r.AfterExpiry)}, [2]string{"Latest only", yesNo(r.LatestOnly)}, [2]string{"Changelog", yesNo(r.Changelog)})
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
