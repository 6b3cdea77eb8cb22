package cli

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/server"
)

// swapFlags say how often customers may free seats themselves.
type swapFlags struct {
	Swaps    *swapsValue `name:"swaps" placeholder:"N" help:"How often customers may deactivate or replace a device of a license in a period, or unlimited, which it is without this."`
	Period   *spanValue  `name:"swap-period" placeholder:"TIME" help:"The period that --swaps counts in, such as 30d, which it is without this."`
	CoolDown *spanValue  `name:"swap-cool-down" placeholder:"TIME" help:"Time between two of them, such as 24h."`
}

// over is the policy with what the flags change about it.
func (f swapFlags) over(p license.SwapPolicy) license.SwapPolicy {
	if f.Swaps != nil {
		p.Allowed = int(*f.Swaps)
	}
	if f.Period != nil {
		p.Period = time.Duration(*f.Period)
	}
	if f.CoolDown != nil {
		p.CoolDown = time.Duration(*f.CoolDown)
	}
	return p
}

// swapsValue is a number of device changes, or "unlimited", which is 0.
type swapsValue int

func (v *swapsValue) UnmarshalText(text []byte) error {
	if string(text) == "unlimited" {
		*v = 0
		return nil
	}
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 {
		return errors.New("use a number from 1, or unlimited")
	}
	*v = swapsValue(n)
	return nil
}

// spanValue is a span of time: days, or what time.ParseDuration reads.
type spanValue time.Duration

func (v *spanValue) UnmarshalText(text []byte) error {
	s := string(text)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err == nil && n >= 0 && n <= 3660 {
			*v = spanValue(time.Duration(n) * 24 * time.Hour)
			return nil
		}
	} else if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		*v = spanValue(d)
		return nil
	}
	return errors.New("use a time such as 30d, 24h or 90m")
}

type productUpdate struct {
	storage
	Product string `arg:"" help:"Slug or id of the product."`
	swapFlags
	Floating *holdValue `name:"floating" placeholder:"TIME" help:"Licenses issued from now on have floating seats that a check-in keeps for this time, such as 15m, or fixed ones with \"off\"."`
}

func (c *productUpdate) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		p, err := productOf(ctx, uses, c.Product)
		if err != nil {
			return err
		}
		if p, err = uses.Catalog.SetSwaps(ctx, operator(), p.ID, c.over(p.Swaps)); err != nil {
			return err
		}
		if p, err = uses.Catalog.SetHold(ctx, operator(), p.ID, c.Floating.or(p.HoldFor)); err != nil {
			return err
		}
		r, err := productResultOf(ctx, uses, p)
		if err != nil {
			return err
		}
		return c.show(on, r)
	})
}

// swapsResult is a policy as it is shown; a null number is any.
type swapsResult struct {
	Allowed  *int   `json:"allowed"`
	Period   string `json:"period"`
	CoolDown string `json:"cool_down"`
}

func swapsResultOf(p license.SwapPolicy) swapsResult {
	r := swapsResult{Period: p.Period.String(), CoolDown: p.CoolDown.String()}
	if p.Allowed > 0 {
		r.Allowed = &p.Allowed
	}
	return r
}

func (r swapsResult) text() string {
	text := "any number"
	if r.Allowed != nil {
		text = strconv.Itoa(*r.Allowed) + " in " + r.Period
	}
	if r.CoolDown != "0s" {
		text += ", " + r.CoolDown + " apart"
	}
	return text
}
