package demo

import (
	"context"
	crypto "crypto/rand"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/intake"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/server"
)

// crowdBatch is how many licenses of a crowd one transaction takes over.
const crowdBatch = 500

// crowd makes many licenses, no two alike, with facts as they are spread among
// real ones. Keys are random; everything else comes from a fixed seed, so that
// two crowds compare.
type crowd struct {
	uses   *server.Services
	ware   []ware
	random *rand.Rand
	now    time.Time // that devices were heard of until
	made   int
}

// ware is a product and the pattern of its keys.
type ware struct {
	license.Product
	pattern *id.Pattern
}

func newCrowd(uses *server.Services, products []license.Product, now time.Time) (*crowd, error) {
	c := &crowd{uses: uses, random: rand.New(rand.NewPCG(1, 2)), now: now}
	for _, p := range products {
		pattern, err := id.Compile(id.Spec{Type: id.TypeCustom, Pattern: p.KeyFormat})
		if err != nil {
			return nil, fmt.Errorf("product %s: %w", p.Name, err)
		}
		c.ware = append(c.ware, ware{p, pattern})
	}
	return c, nil
}

// of is a crowd of the same products for customer i, which compares with that of
// another installation whoever else is served at the same time.
func (c *crowd) of(i int) *crowd {
	return &crowd{uses: c.uses, ware: c.ware, random: rand.New(rand.NewPCG(1, uint64(i)+2)), now: c.now}
}

// add makes n licenses of a customer, assigned between from and to.
func (c *crowd) add(ctx context.Context, owner id.ID, n int, from, to time.Time) error {
	batch := make([]intake.License, 0, n)
	for i := range n {
		l, err := c.license(owner, between(from, to, i, n))
		if err != nil {
			return err
		}
		batch = append(batch, l)
	}
	_, err := c.uses.Intake.Take(ctx, account.System(""), batch)
	return err
}

// between is the instant at i of n equal steps.
func between(from, to time.Time, i, n int) time.Time {
	return from.Add(time.Duration(float64(to.Sub(from)) * float64(i) / float64(n)))
}

// crowdSpan is how long ago the first license of a crowd was assigned.
const crowdSpan = 900 * day

// The plans of a crowd.
var crowdPlans = []struct {
	name  string
	limit int
}{{individual, 2}, {individual, 1}, {team, 5}, {team, 10}, {enterprise, license.Unlimited}}

func (c *crowd) license(owner id.ID, assigned time.Time) (intake.License, error) {
	w := c.ware[c.random.IntN(len(c.ware))]
	key, err := w.pattern.Generate(crypto.Reader, assigned, int64(c.made)+1)
	if err != nil {
		return intake.License{}, err
	}
	c.made++
	plan := crowdPlans[c.random.IntN(len(crowdPlans))]
	l := intake.License{
		ProductID: w.ID, CustomerID: owner, Plan: plan.name, Key: key.Text, Limit: plan.limit, AssignedAt: assigned,
	}
	if !c.one(12) {
		l.ExpiresAt = assigned.Add(time.Duration(1+c.random.IntN(2)) * 365 * day)
	}
	switch {
	case c.one(30):
		l.Suspended = license.Payment
	case c.one(40):
		l.Revoked = license.Refund
	}
	if !c.one(8) {
		c.seat(&l)
	}
	return l, nil
}

// one is true once in n times.
func (c *crowd) one(n int) bool { return c.random.IntN(n) == 0 }

// seat gives the license devices, some of which were not heard of for long.
func (c *crowd) seat(l *intake.License) {
	devices := 1 + c.random.IntN(2)
	if l.Limit != license.Unlimited {
		devices = min(devices, l.Limit)
	}
	until := c.now
	if !l.ExpiresAt.IsZero() && l.ExpiresAt.Before(until) {
		until = l.ExpiresAt
	}
	platforms := []string{mac, windows, win10, ubuntu, debian, fedora}
	for i := range devices {
		m := hardware(fmt.Sprintf("WS-%06d-%d", c.made, i+1), platforms[c.random.IntN(len(platforms))])
		l.Seats = append(l.Seats, intake.Seat{
			Device:      license.Device{Identifier: m.ID, Kind: m.Kind, Name: m.Name, Platform: m.Platform},
			ActivatedAt: l.AssignedAt, Version: "9.1.0",
			LastSeenAt: l.AssignedAt.Add(time.Duration(c.random.Int64N(max(1, int64(until.Sub(l.AssignedAt)))))),
		})
	}
}

// many gives a customer n licenses that came in the course of years.
func (a *author) many(ctx context.Context, clock *clock, n int) error {
	var products []license.Product
	for _, i := range []int{cartograph, cartographStaging, sonar, driftwood, quill} {
		products = append(products, a.products[i].Product)
	}
	c, err := newCrowd(a.uses, products, a.now)
	if err != nil {
		return err
	}
	first := a.now.Add(-crowdSpan)
	batches := (n + crowdBatch - 1) / crowdBatch
	for i := range batches {
		from, to := between(first, a.now, i, batches), between(first, a.now, i+1, batches)
		clock.set(to)
		if err := c.add(ctx, a.owner.CustomerID, min(crowdBatch, n-c.made), from, to); err != nil {
			return err
		}
	}
	return nil
}
