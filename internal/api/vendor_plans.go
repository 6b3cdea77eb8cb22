package api

import (
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/catalog"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
)

// NewPlan is the wish for a generator, which is a plan that licenses are issued as.
type NewPlan struct {
	Name         string          `json:"name" minLength:"1" maxLength:"255"`
	Pattern      string          `json:"pattern" minLength:"1" maxLength:"255" doc:"What its keys look like." example:"ACME-{X:5}-{X:5}-{X:5}-{X:5}"`
	Limit        Optional[int]   `json:"limit,omitempty" minimum:"1" maximum:"10000" doc:"Devices, or null for unlimited. Without it, 1."`
	ValidityDays int             `json:"validity_days,omitempty" minimum:"1" maximum:"36500" doc:"Without it, perpetual."`
	MaxVersion   string          `json:"max_version,omitempty" maxLength:"64"`
	Features     []FeatureRecord `json:"features,omitempty" nullable:"false" maxItems:"100" doc:"Values over those of the product."`
}

func (in NewPlan) generator() catalog.NewGenerator {
	limit := 1
	if asked := in.Limit.or(license.Unlimited); asked != nil {
		limit = *asked
	}
	return catalog.NewGenerator{
		Name: in.Name, Pattern: in.Pattern, Limit: limit, ValidityDays: in.ValidityDays, MaxVersion: in.MaxVersion,
		Features: records(in.Features, FeatureRecord.feature),
	}
}

// PlanRecord is a generator.
type PlanRecord struct {
	ID           string          `json:"id"`
	Version      int64           `json:"version" doc:"Grows with every change. It is the ETag."`
	Name         string          `json:"name"`
	Pattern      string          `json:"pattern"`
	Limit        *int            `json:"limit" doc:"Devices, or null for unlimited."`
	ValidityDays *int            `json:"validity_days" doc:"Or null for perpetual."`
	MaxVersion   *string         `json:"max_version" doc:"Or null for all."`
	Features     []FeatureRecord `json:"features" nullable:"false"`
	Active       bool            `json:"active" doc:"Off, no further licenses are issued as it."`
	CreatedAt    time.Time       `json:"created_at"`
}

func (p PlanRecord) etag() int64 { return p.Version }

func planRecordOf(g license.Generator) PlanRecord {
	return PlanRecord{
		ID: string(g.ID), Version: g.Version, Name: g.Name, Pattern: g.Pattern, Limit: unlessZero(g.Limit), ValidityDays: unlessZero(g.ValidityDays),
		MaxVersion: unlessZero(g.MaxVersion), Features: records(g.Features, featureRecordOf), Active: g.Active, CreatedAt: g.CreatedAt,
	}
}

// EditPlan is what becomes different about a generator. What is absent stays.
type EditPlan struct {
	Name         *string          `json:"name,omitempty" minLength:"1" maxLength:"255"`
	Pattern      *string          `json:"pattern,omitempty" minLength:"1" maxLength:"255" doc:"What new keys look like." example:"ACME-{X:5}-{X:5}-{X:5}-{X:5}"`
	Limit        Optional[int]    `json:"limit,omitempty" minimum:"1" maximum:"10000" doc:"Devices, or null for unlimited."`
	ValidityDays Optional[int]    `json:"validity_days,omitempty" minimum:"1" maximum:"36500" doc:"Or null for perpetual."`
	MaxVersion   Optional[string] `json:"max_version,omitempty" minLength:"1" maxLength:"64" doc:"Or null for all." example:"8.x"`
	Features     []FeatureRecord  `json:"features,omitempty" nullable:"false" maxItems:"100" doc:"Values over those of the product; replaces all that were."`
	Active       *bool            `json:"active,omitempty" doc:"Off, no further licenses are issued as it; those there are stay."`
}

func (in EditPlan) edit() catalog.GeneratorEdit {
	return catalog.GeneratorEdit{
		Name: in.Name, Pattern: in.Pattern, Limit: in.Limit.or(license.Unlimited), ValidityDays: in.ValidityDays.or(0),
		MaxVersion: in.MaxVersion.or(""), Features: templates(in.Features), Active: in.Active,
	}
}

// templates are features to replace others with; none were sent where there is
// no list, and an empty one removes them.
func templates(sent []FeatureRecord) *[]license.Feature {
	if sent == nil {
		return nil
	}
	all := records(sent, FeatureRecord.feature)
	return &all
}

func planEndpoints() []endpoint {
	of := func(id, path string, needed account.Permission, summary, description string) endpoint {
		return endpoint{id: id, path: productsPath + "/{id}/generators" + path, tag: "products", permission: needed, summary: summary, description: description}
	}
	planning := of("create-generator", "", account.ProductsWrite, "Add a plan", "Adds a generator, which is a plan that licenses are issued as.")
	planning.created = true
	listing := of("list-generators", "", account.ProductsRead, "List the plans of a product", "Lists its generators, the one it was made with first.")
	listing.params = []param{{name: "active", doc: "Only those that licenses are issued as, or only those that are switched off.", enum: yesNo()}}
	editing := of("edit-generator", "/{generator}", account.ProductsWrite, "Change a plan",
		"Changes a generator, or switches it off. Licenses that were issued as it stay as they are.")
	editing = patching(editing)
	editing.versioned = true
	return []endpoint{
		list(listing, listPlans, func(p PlanRecord) string { return p.ID }),
		change(planning, func(a *API, q *asked, in NewPlan) (id.ID, error) {
			product, err := q.id("id", "product")
			if err != nil {
				return "", err
			}
			g, err := a.Catalog.CreateGenerator(q.ctx, q.actor, product, in.generator())
			return g.ID, err
		}, madePlan),
		fetch(of("get-generator", "/{generator}", account.ProductsRead, "Read a plan", "Answers one generator."), func(a *API, q *asked) (PlanRecord, error) {
			_, generator, err := q.generator()
			if err != nil {
				return PlanRecord{}, err
			}
			return madePlan(a, q, generator)
		}),
		change(editing, func(a *API, q *asked, in EditPlan) (id.ID, error) {
			product, generator, err := q.generator()
			if err != nil {
				return "", err
			}
			g, err := a.Catalog.EditGenerator(q.ctx, q.actor, product, generator, in.edit())
			return g.ID, err
		}, madePlan),
	}
}

// generator returns the ids of a product and of one of its generators.
func (q *asked) generator() (product, generator id.ID, err error) {
	if product, err = q.id("id", "product"); err != nil {
		return "", "", err
	}
	generator, err = q.id("generator", "generator")
	return product, generator, err
}

func listPlans(a *API, q *asked) ([]PlanRecord, error) {
	wanted, err := q.id("id", "product")
	if err != nil {
		return nil, err
	}
	all, err := a.Catalog.Generators(q.ctx, q.actor, wanted)
	return part(q, records(all, planRecordOf), func(p PlanRecord) string { return p.ID }, func(p PlanRecord) bool { return q.wants("active", p.Active) }), err
}

func madePlan(a *API, q *asked, made id.ID) (PlanRecord, error) {
	product, err := q.id("id", "product")
	if err != nil {
		return PlanRecord{}, err
	}
	g, err := a.Catalog.Generator(q.ctx, q.actor, product, made)
	return planRecordOf(g), err
}
