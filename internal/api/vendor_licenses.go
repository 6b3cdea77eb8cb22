package api

import (
	"slices"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
)

const licensesPath = "/api/v2/licenses"

// Nothing is the body of a request that says all it has to in its address.
type Nothing struct{}

// IssueTerms is what a license is issued with. What is absent comes from the
// plan, and what that leaves open from the product.
type IssueTerms struct {
	Plan         string           `json:"plan,omitempty" maxLength:"255" doc:"Name of the generator, which is the plan. Without it, the product's first."`
	CustomerID   string           `json:"customer_id,omitempty" format:"uuid" doc:"The owner. Without it, the license is available."`
	Limit        Optional[int]    `json:"limit,omitempty" minimum:"1" maximum:"10000" doc:"Devices, or null for unlimited."`
	ValidityDays Optional[int]    `json:"validity_days,omitempty" minimum:"1" maximum:"36500" doc:"Days from assignment on, or null for perpetual."`
	StartsAt     *time.Time       `json:"starts_at,omitempty" doc:"It does not validate before."`
	GraceSeconds int64            `json:"grace_seconds,omitempty" minimum:"0" maximum:"31622400" doc:"How long it still validates after its expiry date."`
	MaxVersion   Optional[string] `json:"max_version,omitempty" maxLength:"64" doc:"The highest version included, or null for all." example:"8.x"`
	UpdatesUntil *time.Time       `json:"updates_until,omitempty" doc:"Versions released before are included."`
	Features     map[string]any   `json:"features,omitempty" doc:"Values by key, over those of the plan."`
}

func (t IssueTerms) wish(product, key string) licensing.Issue {
	return licensing.Issue{
		ProductID: id.ID(product), Key: key, Generator: t.Plan, CustomerID: id.ID(t.CustomerID),
		Limit: t.Limit.or(license.Unlimited), ValidityDays: t.ValidityDays.or(0), StartsAt: instant(t.StartsAt),
		Grace: time.Duration(t.GraceSeconds) * time.Second, MaxVersion: t.MaxVersion.or(""),
		UpdatesUntil: instant(t.UpdatesUntil), Features: t.Features,
	}
}

// instant is the instant, or the zero one for none.
func instant(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// IssueOne is the wish for a license.
type IssueOne struct {
	ProductID string `json:"product_id" format:"uuid"`
	Key       string `json:"key,omitempty" maxLength:"255" doc:"Your own key. Without it, one is generated."`
	IssueTerms
}

// IssueMany is the wish for several licenses that are alike.
type IssueMany struct {
	ProductID string `json:"product_id" format:"uuid"`
	Count     int    `json:"count" minimum:"1" maximum:"1000" doc:"How many."`
	IssueTerms
}

// Import is the wish for licenses with keys of your own.
type Import struct {
	ProductID string       `json:"product_id" format:"uuid"`
	DryRun    bool         `json:"dry_run,omitempty" doc:"Say what would become of each, and write nothing."`
	Licenses  []ImportItem `json:"licenses" nullable:"false" minItems:"1" maxItems:"1000"`
}

// ImportItem is one license of an import.
type ImportItem struct {
	Key string `json:"key" minLength:"1" maxLength:"255"`
	IssueTerms
}

// AssignTo names the new owner.
type AssignTo struct {
	CustomerID string `json:"customer_id" format:"uuid"`
}

// SuspendFor says why a license is suspended.
type SuspendFor struct {
	Reason string `json:"reason" enum:"manual,payment,abuse,contract"`
	Note   string `json:"note,omitempty" maxLength:"500" doc:"Your words for the customer."`
}

// RevokeFor says why a license is revoked.
type RevokeFor struct {
	Reason string `json:"reason" enum:"manual,refund,abuse,leak,contract,replaced"`
	Note   string `json:"note,omitempty" maxLength:"500" doc:"Your words for the customer."`
}

// RenewBy says how far a license is renewed: by days, or until an instant.
type RenewBy struct {
	Days  int        `json:"days,omitempty" minimum:"1" maximum:"36500" doc:"Counted from the present end, or from now when it is over."`
	Until *time.Time `json:"until,omitempty" doc:"Or the new end."`
}

// EditTerms is what becomes different. What is absent stays.
type EditTerms struct {
	Limit        Optional[int]       `json:"limit,omitempty" minimum:"1" maximum:"10000" doc:"Devices, or null for unlimited."`
	ExpiresAt    Optional[time.Time] `json:"expires_at,omitempty" doc:"The expiry date, or null for never."`
	MaxVersion   Optional[string]    `json:"max_version,omitempty" minLength:"1" maxLength:"64" doc:"The highest version included, or null for all." example:"8.x"`
	UpdatesUntil Optional[time.Time] `json:"updates_until,omitempty" doc:"Versions released before are included, or null for all."`
	Features     map[string]any      `json:"features,omitempty" doc:"Values by key; the others stay."`
}

// Each kind of change says what it asks of a license.
func (in AssignTo) change() license.Change {
	return license.Change{Trigger: license.Assign, CustomerID: id.ID(in.CustomerID)}
}

func (in SuspendFor) change() license.Change {
	return license.Change{Trigger: license.Suspend, Reason: license.Reason(in.Reason), Note: in.Note}
}

func (in RevokeFor) change() license.Change {
	return license.Change{Trigger: license.Revoke, Reason: license.Reason(in.Reason), Note: in.Note}
}

func (in RenewBy) change() license.Change {
	return license.Change{Trigger: license.RenewTrigger, Days: in.Days, Until: instant(in.Until)}
}

func (Reinstating) change() license.Change { return license.Change{Trigger: license.Reinstate} }

func (in EditTerms) change() license.Change {
	return license.Change{Trigger: license.Edit, Terms: license.Terms{
		Limit: in.Limit.or(license.Unlimited), ExpiresAt: in.ExpiresAt.or(time.Time{}),
		MaxVersion: in.MaxVersion.or(""), UpdatesUntil: in.UpdatesUntil.or(time.Time{}), Features: in.Features,
	}}
}

// Reinstating is the body of the end of a suspension, which says nothing more.
type Reinstating struct{}

type changing interface{ change() license.Change }

// Many is one change of many licenses.
type Many[In changing] struct {
	IDs    []string `json:"ids" nullable:"false" minItems:"1" maxItems:"500" doc:"Ids of licenses."`
	Change In       `json:"change" doc:"What to do with each."`
}

func licenseEndpoints() []endpoint {
	return slices.Concat(issueEndpoints(), readLicenseEndpoints(), deviceEndpoints(),
		changes[AssignTo]("assign", "Make a customer the owner of", "Its validity starts now."),
		changes[SuspendFor]("suspend", "Suspend", "It validates no longer until it is reinstated."),
		changes[Reinstating]("reinstate", "End the suspension of", "Everything is as it was."),
		changes[RenewBy]("renew", "Renew", "Early renewal adds to the present end, late renewal counts from now. Without days and until it is refused."),
		changes[RevokeFor]("revoke", "Revoke", "It is ended for good, and so are its activations."),
		[]endpoint{change(endpoint{
			id: "edit-license", method: "PATCH", path: licensesPath + "/{id}", tag: "vendor licenses", versioned: true,
			permission: account.LicensesWrite, summary: "Change the terms of a license",
			description: "Sets the device limit, the expiry date, the versions included and values of features. Null is unlimited, absent stays as it is. Fewer devices than there are end none.",
		}, changeOne[EditTerms], changedLicense(account.LicensesWrite))},
	)
}

// changes is one kind of change: of one license, and of many.
func changes[In changing](name, verb, description string) []endpoint {
	var kind In
	needed := licensing.Needed(kind.change().Trigger)
	one := change(endpoint{
		id: name + "-license", path: licensesPath + "/{id}/" + name, tag: "vendor licenses", versioned: true,
		permission: needed, summary: verb + " a license", description: description + " Repeating it changes nothing.",
	}, changeOne[In], changedLicense(needed))
	many := call(endpoint{
		id: name + "-licenses", path: licensesPath + "/bulk/" + name, tag: "vendor licenses", permission: needed,
		summary: verb + " many licenses", description: description + " Each is done or not for itself, and the answer says what became of each.",
	}, changeMany[In])
	return []endpoint{one, many}
}

func changeOne[In changing](a *API, q *asked, in In) (id.ID, error) {
	wanted, err := q.id("id", "license")
	if err != nil {
		return "", err
	}
	c := in.change()
	c.Version = q.version
	l, err := a.Licensing.Change(q.ctx, q.actor, wanted, c)
	return l.ID, err
}

func changeMany[In changing](a *API, q *asked, in Many[In]) (Results, error) {
	ids := make([]id.ID, len(in.IDs))
	for i, text := range in.IDs {
		ids[i] = id.ID(text)
	}
	outcomes, err := a.Licensing.ChangeMany(q.ctx, q.actor, ids, in.Change.change())
	for i, one := range ids[:len(outcomes)] {
		outcomes[i].License.ID = one
	}
	return resultsOf(outcomes, a.Now()), err
}

func changedLicense(needed account.Permission) func(*API, *asked, id.ID) (LicenseRecord, error) {
	return func(a *API, q *asked, made id.ID) (LicenseRecord, error) {
		l, err := a.Licensing.Changed(q.ctx, q.actor, made, needed)
		return recordOf(l, a.Now()), err
	}
}

func issueEndpoints() []endpoint {
	tag, needed := "vendor licenses", account.LicensesWrite
	return []endpoint{
		change(endpoint{
			id: "issue-license", path: licensesPath, tag: tag, permission: needed, created: true, summary: "Issue a license",
			description: "Makes a license of a product and, if a customer is named, assigns it. The answer has the whole key.",
		}, func(a *API, q *asked, in IssueOne) (id.ID, error) {
			l, _, err := a.Licensing.Issue(q.ctx, q.actor, in.wish(in.ProductID, in.Key))
			return l.ID, err
		}, func(a *API, q *asked, made id.ID) (IssuedLicense, error) {
			l, key, err := a.Licensing.Issued(q.ctx, q.actor, made)
			return IssuedLicense{recordOf(l, a.Now()), key}, err
		}),
		call(endpoint{
			id: "issue-licenses", path: licensesPath + "/bulk/issue", tag: tag, permission: needed, summary: "Issue many licenses",
			description: "Makes up to 1000 licenses that are alike and answers their whole keys, with a result for each.",
		}, func(a *API, q *asked, in IssueMany) (Results, error) {
			return a.issueMany(q, slices.Repeat([]licensing.Issue{in.wish(in.ProductID, "")}, in.Count))
		}),
		call(endpoint{
			id: "import-licenses", path: licensesPath + "/import", tag: tag, permission: needed, summary: "Import licenses with keys of your own",
			description: "Makes a license for each key, with a result for each: one that fails leaves nothing behind and stops no other. With dry_run nothing is written, and the results say what would be.",
		}, func(a *API, q *asked, in Import) (Results, error) {
			wishes := make([]licensing.Issue, len(in.Licenses))
			for i, one := range in.Licenses {
				wishes[i] = one.wish(in.ProductID, one.Key)
				wishes[i].DryRun = in.DryRun
			}
			return a.issueMany(q, wishes)
		}),
	}
}

func (a *API) issueMany(q *asked, wishes []licensing.Issue) (Results, error) {
	outcomes, err := a.Licensing.IssueMany(q.ctx, q.actor, wishes)
	return resultsOf(outcomes, a.Now()), err
}
