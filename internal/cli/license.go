package cli

import (
	"context"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/server"
)

type licenseCommands struct {
	Downloads licenseDownloads `cmd:"" help:"List the releases that a license includes, as the customer finds them."`
	Issue     licenseIssue     `cmd:"" help:"Issue a license and print its key, once."`
	Assign    licenseAssign    `cmd:"" help:"Make a customer the owner of a license."`
	Suspend   licenseSuspend   `cmd:"" help:"Pause a license."`
	Reinstate licenseReinstate `cmd:"" help:"End the suspension of a license."`
	Renew     licenseRenew     `cmd:"" help:"Extend a license."`
	Revoke    licenseRevoke    `cmd:"" help:"End a license for good."`
	Why       licenseWhy       `cmd:"" help:"Explain whether a license works and whether it takes another device."`
	List      licenseList      `cmd:"" help:"List the licenses of a customer."`
}

type licenseIssue struct {
	storage
	Product      string         `name:"product" required:"" placeholder:"SLUG" help:"Slug or id of the product."`
	Customer     string         `name:"customer" placeholder:"ADDRESS" help:"Email address or id of the customer; nobody owns the license without this."`
	Plan         string         `name:"plan" placeholder:"NAME" help:"Plan of the product; its first one without this."`
	Limit        *limitValue    `name:"limit" placeholder:"N" help:"Devices, or unlimited, in place of the plan's."`
	Days         *int           `name:"days" placeholder:"N" help:"Days of validity in place of the plan's; 0 never ends."`
	Starts       dateValue      `name:"starts" placeholder:"DATE" help:"When the license begins; at its assignment without this."`
	GraceDays    int            `name:"grace-days" placeholder:"N" help:"Days that it works on after its period."`
	Key          string         `name:"key" placeholder:"KEY" help:"Your own key; - reads it from standard input. One is generated without this."`
	MaxVersion   *string        `name:"max-version" placeholder:"VERSION" help:"Highest version included, such as 8.x."`
	UpdatesUntil dateValue      `name:"updates-until" placeholder:"DATE" help:"Only versions released before are included."`
	Features     []featureValue `name:"feature" sep:"none" placeholder:"KEY=VALUE" help:"Value of a feature in place of the plan's. Repeat for more."`
}

func (c *licenseIssue) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		p, err := productOf(ctx, uses, c.Product)
		if err != nil {
			return err
		}
		in, err := c.issue(ctx, on, uses, p)
		if err != nil {
			return err
		}
		l, key, err := uses.Licensing.Issue(ctx, operator(), in)
		if err != nil {
			return err
		}
		r := licenseResultOf(l, p, time.Now())
		r.Key = key
		return c.show(on, r)
	})
}

func (c *licenseIssue) issue(ctx context.Context, on *call, uses *server.Services, p license.Product) (licensing.Issue, error) {
	in := licensing.Issue{
		ProductID: p.ID, Generator: c.Plan, Limit: c.Limit.pointer(), ValidityDays: c.Days, StartsAt: c.Starts.Time,
		Grace: time.Duration(c.GraceDays) * 24 * time.Hour, MaxVersion: c.MaxVersion, UpdatesUntil: c.UpdatesUntil.Time,
	}
	var err error
	if c.Customer != "" {
		if in.CustomerID, err = customerOf(ctx, uses, c.Customer); err != nil {
			return in, err
		}
	}
	if in.Key, err = secretOf(on, c.Key); err != nil {
		return in, err
	}
	in.Features, err = valuesFor(p, c.Features)
	return in, err
}

// licenseResult is a license as commands print it. The key is there when it was
// just issued, and never again.
type licenseResult struct {
	ID          string     `json:"id"`
	Key         string     `json:"key,omitempty"`
	Mask        string     `json:"mask"`
	Status      string     `json:"status"`
	ProductID   string     `json:"product_id"`
	Product     string     `json:"product"`
	Environment string     `json:"environment"`
	Plan        string     `json:"plan"`
	CustomerID  string     `json:"customer_id,omitempty"`
	Limit       *int       `json:"limit"`      // null: unlimited
	StartsAt    *time.Time `json:"starts_at"`  // null: with its assignment
	ExpiresAt   *time.Time `json:"expires_at"` // null: never, or not assigned yet
	Used        *int       `json:"used,omitempty"`

	license license.License
}

func licenseResultOf(l license.License, p license.Product, now time.Time) licenseResult {
	return licenseResult{
		ID: string(l.ID), Mask: l.Mask, Status: string(l.Status(now)), ProductID: string(p.ID), Product: p.Name,
		Environment: string(l.Environment), Plan: l.Plan, CustomerID: string(l.CustomerID), Limit: limitOrNull(l.Limit),
		StartsAt: orNull(l.StartsAt), ExpiresAt: orNull(l.ExpiresAt), license: l,
	}
}

func (r licenseResult) text() string {
	key, note := r.Key, "The key is shown to its owner in the portal, and not again here."
	if key == "" {
		key, note = r.Mask, ""
	}
	return pairs(
		[2]string{"License", key}, [2]string{"Id", r.ID}, [2]string{"Product", r.Product + ", " + r.Plan + ", " + r.Environment},
		[2]string{"Status", r.Status}, [2]string{"Customer", r.CustomerID}, [2]string{"Devices", devices(r.license.Limit)},
		[2]string{"Starts", instant(r.license.StartsAt)}, [2]string{"Expires", expiry(r.license)}, [2]string{"", note},
	)
}

func expiry(l license.License) string {
	switch {
	case !l.ExpiresAt.IsZero():
		return instant(l.ExpiresAt)
	case l.ValidityDays > 0:
		return "counted from its assignment"
	}
	return "never"
}

// changed runs one change of a license and prints what it is then.
func (s storage) changed(on *call, typed string, change func(context.Context, *server.Services, id.ID) (license.License, error)) error {
	return s.with(on, func(ctx context.Context, uses *server.Services) error {
		wanted, err := licenseOf(ctx, on, uses, typed)
		if err != nil {
			return err
		}
		l, err := change(ctx, uses, wanted)
		if err != nil {
			return err
		}
		p, err := uses.Catalog.Product(ctx, operator(), l.ProductID)
		if err != nil {
			return err
		}
		return s.show(on, licenseResultOf(l, p, time.Now()))
	})
}

// one names the license that a command is about.
type one struct {
	License string `arg:"" help:"Key or id of the license; - reads it from standard input."`
}

type licenseAssign struct {
	storage
	one
	Customer string `arg:"" help:"Email address or id of the customer."`
}

func (c *licenseAssign) Run(on *call) error {
	return c.changed(on, c.License, func(ctx context.Context, uses *server.Services, l id.ID) (license.License, error) {
		customer, err := customerOf(ctx, uses, c.Customer)
		if err != nil {
			return license.License{}, err
		}
		changed, err := uses.Licensing.Assign(ctx, operator(), l, customer)
		return changed, seeList(err, "customer")
	})
}

type licenseSuspend struct {
	storage
	one
	Reason string `name:"reason" default:"manual" enum:"manual,payment,abuse,contract" help:"manual, payment, abuse or contract."`
	Note   string `name:"note" help:"Words for the customer to read."`
}

func (c *licenseSuspend) Run(on *call) error {
	return c.changed(on, c.License, func(ctx context.Context, uses *server.Services, l id.ID) (license.License, error) {
		return uses.Licensing.Suspend(ctx, operator(), l, license.Reason(c.Reason), c.Note)
	})
}

type licenseReinstate struct {
	storage
	one
}

func (c *licenseReinstate) Run(on *call) error {
	return c.changed(on, c.License, func(ctx context.Context, uses *server.Services, l id.ID) (license.License, error) {
		return uses.Licensing.Reinstate(ctx, operator(), l)
	})
}

type licenseRenew struct {
	storage
	one
	Days  int       `name:"days" xor:"end" placeholder:"N" help:"Extend by so many days."`
	Until dateValue `name:"until" xor:"end" placeholder:"DATE" help:"Extend to this date."`
}

func (c *licenseRenew) Run(on *call) error {
	if c.Days == 0 && c.Until.IsZero() {
		return fault.New(fault.Invalid, "end_required", "Say how far to extend the license.").WithNext("Use --days N or --until DATE.")
	}
	return c.changed(on, c.License, func(ctx context.Context, uses *server.Services, l id.ID) (license.License, error) {
		return uses.Licensing.Renew(ctx, operator(), l, c.Days, c.Until.Time)
	})
}

type licenseRevoke struct {
	storage
	one
	Reason string `name:"reason" required:"" enum:"manual,refund,abuse,leak,contract,replaced" help:"manual, refund, abuse, leak, contract or replaced."`
	Note   string `name:"note" help:"Words for the customer to read."`
}

func (c *licenseRevoke) Run(on *call) error {
	return c.changed(on, c.License, func(ctx context.Context, uses *server.Services, l id.ID) (license.License, error) {
		return uses.Licensing.Revoke(ctx, operator(), l, license.Reason(c.Reason), c.Note)
	})
}

type licenseList struct {
	storage
	Customer string `name:"customer" required:"" placeholder:"ADDRESS" help:"Email address or id of the customer."`
	Status   string `name:"status" enum:",active,assigned,suspended,expired,revoked" default:"" placeholder:"STATUS" help:"Only those that are active, assigned, suspended, expired or revoked."`
	Search   string `name:"search" placeholder:"TEXT" help:"Only those with this in their key or in the name of their product."`
	After    string `name:"after" placeholder:"ID" help:"Begin after this license."`
}

// Run lists what the customer sees: the same licenses in the same order.
func (c *licenseList) Run(on *call) error {
	return c.with(on, func(ctx context.Context, uses *server.Services) error {
		customer, err := customerOf(ctx, uses, c.Customer)
		if err != nil {
			return err
		}
		owner := account.Actor{Kind: account.ActorPerson, CustomerID: customer}
		found, err := uses.Licensing.List(ctx, owner, licensing.ListQuery{
			Search: c.Search, Status: license.Status(c.Status), Desc: true, After: id.ID(c.After),
		})
		if err != nil {
			return err
		}
		return c.show(on, licensesOf(found))
	})
}

type licenses struct {
	Licenses []licenseResult `json:"licenses"`
	Total    int             `json:"total"`
	After    string          `json:"after,omitempty"` // where the next page begins
}

func licensesOf(found licensing.List) licenses {
	list := licenses{Licenses: []licenseResult{}, Total: found.Total}
	for _, row := range found.Rows {
		p := license.Product{ID: row.License.ProductID, Name: row.ProductName}
		r := licenseResultOf(row.License, p, found.At)
		r.Used = &row.Used
		list.Licenses = append(list.Licenses, r)
	}
	if n := len(list.Licenses); found.HasNext && n > 0 {
		list.After = list.Licenses[n-1].ID
	}
	return list
}

func (l licenses) text() string {
	if len(l.Licenses) == 0 {
		return "No license.\n"
	}
	rows := [][]string{{"LICENSE", "PRODUCT", "PLAN", "STATUS", "DEVICES", "EXPIRES", "ID"}}
	for _, r := range l.Licenses {
		rows = append(rows, []string{r.Mask, r.Product, r.Plan, r.Status, seats(r), expiry(r.license), r.ID})
	}
	text := table(rows)
	if l.After != "" {
		text += "There are more: continue with --after " + l.After + "\n"
	}
	return text
}
