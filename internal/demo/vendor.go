package demo

import (
	"context"
	"net/netip"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/catalog"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/server"
)

// product is one that the vendor sells, with the token its software ships
// with.
type product struct {
	license.Product
	token   string
	actor   account.Actor // of the token
	version string        // that its devices run
}

// The plans that licenses are issued as.
const (
	individual = "Individual"
	team       = "Team"
	enterprise = "Enterprise"
)

// plan is a generator beside the first.
type plan = catalog.NewGenerator

// listing is a product as the vendor sets it up.
type listing struct {
	catalog.NewProduct
	plans    []plan
	releases []release
}

type release struct {
	version string
	ago     time.Duration
}

// vendor sets up the products, oldest first. They went on sale long before the
// first license.
func vendor(ctx context.Context, uses *server.Services, c *clock, now time.Time) ([]*product, error) {
	c.set(now.Add(-1200 * day))
	var products []*product
	for _, l := range listings() {
		p, err := l.publish(ctx, uses, now)
		if err != nil {
			return nil, err
		}
		products = append(products, p)
	}
	return products, nil
}

func (l listing) publish(ctx context.Context, uses *server.Services, now time.Time) (*product, error) {
	by := account.System("")
	made, err := uses.Catalog.CreateProduct(ctx, by, l.NewProduct)
	if err != nil {
		return nil, err
	}
	for _, g := range l.plans {
		g.Pattern = l.Plan.Pattern
		if _, err := uses.Catalog.CreateGenerator(ctx, by, made.ID, g); err != nil {
			return nil, err
		}
	}
	if err := l.issueReleases(ctx, uses, made, now); err != nil {
		return nil, err
	}
	t, text, err := uses.Identity.CreateToken(ctx, by, identity.NewToken{
		Kind: account.ClientToken, Name: made.Name + " software", ProductID: made.ID,
	})
	if err != nil {
		return nil, err
	}
	p := &product{Product: made, token: text, actor: t.Actor("", netip.Addr{})}
	if n := len(l.releases); n > 0 {
		p.version = l.releases[n-1].version
	}
	return p, nil
}

// Places of the products in the list below.
const (
	cartograph = iota
	cartographStaging
	cartographDevelopment
	tessera
	sonar
	driftwood
	quill
	longNamed
	relief
)

func listings() []listing {
	return []listing{
		cartographIn(license.Production, "CART"), cartographIn(license.Staging, "CSTG"), cartographIn(license.Development, "CDEV"),
		{
			NewProduct: catalog.NewProduct{
				Environment: license.Production, Name: "Tessera SDK", HighSecurity: true, AcceptsHardware: true,
				SelfDeactivation: true, OfflineAllowed: true, RenewalURL: "https://shop.tessera.example/renew",
				Features: []license.Feature{
					{Key: "redistribution", Label: "Redistribution", Type: license.Boolean, Value: true},
					{Key: "build_agents", Label: "Build agents", Type: license.Numeric, Value: 10},
					{Key: "support_level", Label: "Support", Type: license.Textual, Value: "Business hours"},
				},
				Plan: plan{Name: "Business", Pattern: "TESS-{X:5}-{X:5}-{X:5}-{X:5}-{X:5}", Limit: 10, ValidityDays: 365},
			},
			plans:    []plan{{Name: enterprise, ValidityDays: 365}},
			releases: []release{{"3.0.0", 700 * day}, {"3.4.1", 200 * day}, {"4.0.0", 40 * day}},
		},
		{
			NewProduct: catalog.NewProduct{
				Environment: license.Production, Name: "Sonar CLI", AcceptsHardware: true,
				Features: []license.Feature{
					{Key: "parallel_scans", Label: "Parallel scans", Type: license.Numeric, Value: 4},
					{Key: "sarif_export", Label: "SARIF export", Type: license.Boolean, Value: false},
				},
				Plan: plan{Name: individual, Pattern: "SNR-{X:4}-{X:4}-{X:4}-{X:4}", Limit: 2, ValidityDays: 365},
			},
			plans:    []plan{{Name: "Trial", Limit: 1, ValidityDays: 30}, {Name: team, Limit: 10, ValidityDays: 365}},
			releases: []release{{"1.9.0", 300 * day}, {"2.0.3", 60 * day}},
		},
		{
			NewProduct: catalog.NewProduct{
				Environment: license.Production, Name: "Driftwood Backup", AcceptsHardware: true, SelfDeactivation: true,
				RenewalURL: "https://driftwood.example/account/renew",
				Features: []license.Feature{
					{Key: "storage_gb", Label: "Storage in GB", Type: license.Numeric, Value: 500},
					{Key: "encryption", Label: "Client-side encryption", Type: license.Boolean, Value: true},
					{Key: "region", Label: "Storage region", Type: license.Textual, Value: "EU (Frankfurt)"},
				},
				Plan: plan{Name: individual, Pattern: "DRIFT-{X:5}-{X:5}-{X:5}", Limit: 3, ValidityDays: 365},
			},
			plans: []plan{
				{Name: team, Limit: 10, ValidityDays: 365, Features: []license.Feature{{Key: "storage_gb", Type: license.Numeric, Value: 5000}}},
				{Name: enterprise, ValidityDays: 365, Features: []license.Feature{{Key: "storage_gb", Type: license.Numeric, Value: license.UnlimitedValue}}},
			},
			releases: []release{{"11.2.0", 150 * day}, {"11.3.0", 30 * day}},
		},
		{
			NewProduct: catalog.NewProduct{
				Environment: license.Production, Name: "Quill Editor", AcceptsHardware: true, AcceptsDomain: true, SelfDeactivation: true,
				Swaps: license.SwapPolicy{Allowed: 3, Period: 30 * day, CoolDown: day},
				Features: []license.Feature{
					{Key: "spell_checker", Label: "Spell checker", Type: license.Boolean, Value: true},
					{Key: "languages", Label: "Languages", Type: license.Numeric, Value: 12},
				},
				Plan: plan{Name: individual, Pattern: "{X:5}-{X:5}-{X:5}-{X:5}", Limit: 2, ValidityDays: 365},
			},
			plans:    []plan{{Name: "Website", Limit: 5, ValidityDays: 365}, {Name: "Lifetime", Limit: 2}},
			releases: []release{{"6.0.0", 400 * day}, {"6.5.2", 20 * day}},
		},
		{
			NewProduct: catalog.NewProduct{
				Environment: license.Production, Slug: "cartograph-server-lts", AcceptsHardware: true, SelfDeactivation: true,
				Name:       "Cartograph Server for Municipal Surveying Offices and Regional Planning Authorities (Long-Term Support Edition)",
				RenewalURL: "https://shop.cartograph.example/renew",
				Features: []license.Feature{
					{Key: "parcel_layers", Label: "Parcel layers from land registers, cadastres and municipal archives", Type: license.Boolean, Value: true},
					{Key: "seats_note", Label: "Terms", Type: license.Textual, Value: "Named users of one authority and of the offices that it supervises, including external surveyors under contract"},
				},
				Plan: plan{Name: "Public sector framework agreement, all districts, with extended support until the end of the term", Pattern: "CARTSRV-{X:5}-{X:5}-{X:5}-{X:5}", Limit: 25, ValidityDays: 730},
			},
			releases: []release{{"7.4.0", 500 * day}, {"7.9.12", 25 * day}},
		},
		{
			NewProduct: catalog.NewProduct{
				Environment: license.Production, Name: "Relief Renderer", AcceptsHardware: true, SelfDeactivation: true,
				HoldFor: 30 * time.Minute, RenewalURL: "https://shop.relief.example/renew",
				Features: []license.Feature{
					{Key: "gpu_rendering", Label: "GPU rendering", Type: license.Boolean, Value: true},
					{Key: "tiles_per_job", Label: "Tiles per job", Type: license.Numeric, Value: 64},
				},
				Plan: plan{Name: "Render pool", Pattern: "RELF-{X:5}-{X:5}-{X:5}-{X:5}", Limit: 4, ValidityDays: 365},
			},
			releases: []release{{"2.1.0", 320 * day}, {"2.3.0", 45 * day}},
		},
	}
}

// cartographIn is the main product in one environment: three siblings.
func cartographIn(env license.Environment, prefix string) listing {
	return listing{
		NewProduct: catalog.NewProduct{
			Environment: env, Name: "Cartograph Pro", AcceptsHardware: true, SelfDeactivation: true, OfflineAllowed: true,
			RenewalURL: "https://shop.cartograph.example/renew",
			Features: []license.Feature{
				{Key: "export_pdf", Label: "PDF export", Type: license.Boolean, Value: true},
				{Key: "terrain_3d", Label: "3D terrain", Type: license.Boolean, Value: false},
				{Key: "projects", Label: "Projects", Type: license.Numeric, Value: 20},
				{Key: "support_level", Label: "Support", Type: license.Textual, Value: "Community"},
			},
			Plan: plan{Name: team, Pattern: prefix + "-{X:4}-{X:4}-{X:4}-{X:4}", Limit: 5, ValidityDays: 365},
		},
		plans: []plan{
			{Name: individual, Limit: 2, ValidityDays: 365},
			{Name: enterprise, ValidityDays: 365, Features: []license.Feature{
				{Key: "terrain_3d", Type: license.Boolean, Value: true},
				{Key: "projects", Type: license.Numeric, Value: license.UnlimitedValue},
				{Key: "support_level", Type: license.Textual, Value: "Priority, 24/7"},
			}},
			{Name: "Lifetime", Limit: 3},
		},
		releases: []release{
			{"7.6.0", 900 * day}, {"8.0.0", 600 * day}, {"8.4.1", 240 * day}, {"9.0.0", 110 * day}, {"9.1.0", 12 * day},
		},
	}
}
