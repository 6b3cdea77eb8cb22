package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/server"
)

// seed fills an empty installation and says how to get in.
func seed(ctx context.Context, uses *server.Services, c *clock, now time.Time, large int) (record, error) {
	defer c.release()
	products, err := vendor(ctx, uses, c, now)
	if err != nil {
		return record{}, fmt.Errorf("demo products: %w", err)
	}
	r := record{Access: accessTo(products)}
	if r.Access.Tokens.Secret, err = staff(ctx, uses); err != nil {
		return record{}, fmt.Errorf("demo staff: %w", err)
	}
	stories, err := customers(ctx, uses, c, products, now, large)
	if err != nil {
		return record{}, fmt.Errorf("demo customers: %w", err)
	}
	for _, s := range stories {
		r.add(s)
	}
	return r, uses.Licensing.Tally().Flush(ctx)
}

// customers tells what happened to all of them.
func customers(ctx context.Context, uses *server.Services, c *clock, products []*product, now time.Time, large int) ([]*story, error) {
	owners := map[string]account.Actor{}
	for _, p := range []party{mainParty, otherParty, largeParty, emptyParty} {
		owner, err := p.settle(ctx, uses)
		if err != nil {
			return nil, err
		}
		owners[p.Email] = owner
	}
	write := func(p party) *author {
		return &author{uses: uses, products: products, owner: owners[p.Email], now: now}
	}
	main, other := write(mainParty), write(otherParty)
	main.main()
	other.few()
	if err := tell(ctx, c, append(main.stories, other.stories...)); err != nil {
		return nil, err
	}
	if err := askSupport(ctx, uses, c, main); err != nil {
		return nil, fmt.Errorf("demo tickets: %w", err)
	}
	if err := write(largeParty).many(ctx, c, large); err != nil {
		return nil, err
	}
	c.set(now)
	return main.stories, colleague(ctx, uses, main.owner)
}

func accessTo(products []*product) Access {
	a := Access{
		Customer: mainParty.SignIn, OtherCustomer: otherParty.SignIn, LargeCustomer: largeParty.SignIn, EmptyCustomer: emptyParty.SignIn,
		Admin: administrator, Licenses: map[string]License{},
		Tokens: Tokens{Client: products[0].token, ByProduct: map[string]string{}},
	}
	for _, p := range products {
		a.Products = append(a.Products, Product{string(p.ID), p.Name, string(p.Environment)})
		a.Tokens.ByProduct[string(p.ID)] = p.token
	}
	return a
}

// cases are the names of the licenses that scripts rely on.
var cases = []string{
	"active", "limit_reached", "expiring", "expired", "suspended", "revoked", "assigned",
	"high_security", "staging", "perpetual", "version_limited",
}

// add remembers what a story leaves behind.
func (r *record) add(s *story) {
	for _, name := range cases {
		if s.case_ == name {
			r.Access.Licenses[name] = License{string(s.license.ID), s.key, string(s.product.ID)}
		}
	}
	for _, m := range s.seats {
		r.Devices = append(r.Devices, device{machine: m, Key: s.key, Version: s.version, Token: s.product.token, Product: string(s.product.ID), Seated: true})
	}
	for _, m := range s.callers {
		r.Devices = append(r.Devices, device{machine: m, Key: s.key, Version: s.version, Token: s.product.token, Product: string(s.product.ID)})
	}
}

// device is a machine that keeps asking while the demo runs.
type device struct {
	machine
	Key     string `json:"key"`
	Version string `json:"version"`
	Token   string `json:"token"`
	Product string `json:"product"`
	Seated  bool   `json:"seated"` // false: it asks for a seat that is not free
}
