package api

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/catalog"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
)

const productsPath = "/api/v2/products"

// ProductRecord is a product as its vendor sees it.
type ProductRecord struct {
	ID               string          `json:"id"`
	Version          int64           `json:"version" doc:"Grows with every change of it or of its keys. It is the ETag."`
	Environment      string          `json:"environment" enum:"production,staging,development"`
	Name             string          `json:"name"`
	Slug             string          `json:"slug"`
	Active           bool            `json:"active" doc:"Off, nobody gets a new seat; those who have one keep working."`
	KilledAt         *time.Time      `json:"killed_at" doc:"Since when nothing of it validates, or null."`
	CreatedAt        time.Time       `json:"created_at"`
	HighSecurity     bool            `json:"high_security"`
	AcceptsHardware  bool            `json:"accepts_hardware"`
	AcceptsDomain    bool            `json:"accepts_domain"`
	DeviceRequired   bool            `json:"device_required"`
	SelfDeactivation bool            `json:"self_deactivation"`
	Swaps            SwapRules       `json:"swaps"`
	OfflineAllowed   bool            `json:"offline_allowed"`
	RenewalURL       string          `json:"renewal_url,omitempty"`
	HoldSeconds      int64           `json:"hold_seconds" doc:"How long a check-in keeps a floating seat of licenses issued from now on; 0: seats are fixed."`
	LeaseSeconds     int64           `json:"lease_seconds" doc:"How long a signed answer may be relied on."`
	MaxSkewSeconds   int64           `json:"max_skew_seconds" doc:"How far a device's clock may be off; 0: it is not looked at."`
	Features         []FeatureRecord `json:"features" nullable:"false"`
	Delivery         DeliveryRules   `json:"delivery"`
}

func (p ProductRecord) etag() int64 { return p.Version }

// SwapRules say how often customers may free seats themselves.
type SwapRules struct {
	Allowed         int   `json:"allowed,omitempty" minimum:"0" maximum:"1000000" doc:"Changes within the period; absent or 0 is any number."`
	PeriodSeconds   int64 `json:"period_seconds,omitempty" minimum:"0" maximum:"3153600000" doc:"What the changes are counted in."`
	CoolDownSeconds int64 `json:"cool_down_seconds,omitempty" minimum:"0" maximum:"3153600000" doc:"Between two changes; absent or 0 is none."`
}

func (r SwapRules) policy() license.SwapPolicy {
	return license.SwapPolicy{Allowed: r.Allowed, Period: seconds(r.PeriodSeconds), CoolDown: seconds(r.CoolDownSeconds)}
}

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }

// DeliveryRules say how releases reach customers.
type DeliveryRules struct {
	ActivationFirst bool `json:"activation_first" doc:"Downloads only once the license was activated."`
	AfterExpiry     bool `json:"after_expiry" doc:"What was released before a license's end stays available."`
	LatestOnly      bool `json:"latest_only" doc:"Only the newest version that a license includes."`
	Changelog       bool `json:"changelog" doc:"The product has a changelog."`
}

// FeatureRecord is something that licenses of a product may include.
type FeatureRecord struct {
	Key   string `json:"key" minLength:"1" maxLength:"255"`
	Label string `json:"label,omitempty" maxLength:"255"`
	Type  string `json:"type" enum:"boolean,number,string"`
	Value any    `json:"value" doc:"What a license has of it unless something else is said."`
}

func (f FeatureRecord) feature() license.Feature {
	return license.Feature{Key: f.Key, Label: f.Label, Type: license.FeatureType(f.Type), Value: f.Value}
}

func featureRecordOf(f license.Feature) FeatureRecord {
	return FeatureRecord{Key: f.Key, Label: f.Label, Type: string(f.Type), Value: f.Value}
}

// NewProduct is the wish for a product.
type NewProduct struct {
	Name             string          `json:"name" minLength:"1" maxLength:"255"`
	Slug             string          `json:"slug,omitempty" maxLength:"64" doc:"Without it, made from the name."`
	HighSecurity     bool            `json:"high_security,omitempty" doc:"Keys are sealed at rest and masked until revealed."`
	AcceptsHardware  bool            `json:"accepts_hardware,omitempty"`
	AcceptsDomain    bool            `json:"accepts_domain,omitempty"`
	DeviceRequired   bool            `json:"device_required,omitempty"`
	SelfDeactivation bool            `json:"self_deactivation,omitempty"`
	Swaps            SwapRules       `json:"swaps,omitempty"`
	OfflineAllowed   bool            `json:"offline_allowed,omitempty"`
	RenewalURL       string          `json:"renewal_url,omitempty" maxLength:"2048"`
	HoldSeconds      int64           `json:"hold_seconds,omitempty" minimum:"0" maximum:"2678400" doc:"How long a check-in keeps a floating seat, from 60 on. Without it, seats are fixed."`
	MaxSkewSeconds   int64           `json:"max_skew_seconds,omitempty" minimum:"0" maximum:"86400" doc:"How far a device's clock may be off. Without it, it is not looked at."`
	LeaseSeconds     int64           `json:"lease_seconds,omitempty" minimum:"3600" maximum:"31622400" doc:"How long a signed answer may be relied on. Without it, 14 days."`
	Features         []FeatureRecord `json:"features,omitempty" nullable:"false" maxItems:"100"`
	Plan             *NewPlan        `json:"plan,omitempty" doc:"Its first generator. Without it, Standard: one device, perpetual."`
}

func (in NewProduct) product(e license.Environment) catalog.NewProduct {
	out := catalog.NewProduct{
		Environment: e, Name: in.Name, Slug: in.Slug, HighSecurity: in.HighSecurity,
		AcceptsHardware: in.AcceptsHardware, AcceptsDomain: in.AcceptsDomain, DeviceRequired: in.DeviceRequired,
		SelfDeactivation: in.SelfDeactivation, Swaps: in.Swaps.policy(), OfflineAllowed: in.OfflineAllowed,
		RenewalURL: in.RenewalURL, HoldFor: seconds(in.HoldSeconds), LeaseFor: seconds(in.LeaseSeconds), MaxSkew: seconds(in.MaxSkewSeconds),
		Features: records(in.Features, FeatureRecord.feature), Plan: catalog.NewGenerator{Limit: 1},
	}
	if in.Plan != nil {
		out.Plan = in.Plan.generator()
	}
	return out
}

// Switch turns something on or off.
type Switch struct {
	Active bool `json:"active"`
}

// OfflineRules say whether and how files for devices that never connect are
// issued.
type OfflineRules struct {
	Allowed bool `json:"allowed"`
	Days    int  `json:"days" minimum:"1" maximum:"3660" doc:"How long a file may be used, never beyond its license's end."`
	Files   int  `json:"files" minimum:"1" maximum:"10000" doc:"How many of one license may be out at a time."`
}

// Killing stops everything of a product, or brings it back.
type Killing struct {
	Killed bool `json:"killed"`
}

// Slug is the name of a product in addresses.
type Slug struct {
	Slug string `json:"slug" minLength:"1" maxLength:"64"`
}

// Rotation is the wish for a new key.
type Rotation struct {
	From *time.Time `json:"from,omitempty" doc:"From when it signs. Without it, at once: software that does not know it yet refuses its answers." example:"2027-03-12T00:00:00Z"`
}

// KeySet is a JSON Web Key Set.
type KeySet struct {
	Keys []map[string]any `json:"keys" nullable:"false" doc:"Public keys, retired ones included."`
}

func productRecordOf(p license.Product) ProductRecord {
	return ProductRecord{
		ID: string(p.ID), Version: p.Version, Environment: string(p.Environment), Name: p.Name, Slug: p.Slug, Active: p.Active,
		KilledAt: orNull(p.KilledAt), CreatedAt: p.CreatedAt, HighSecurity: p.HighSecurity,
		AcceptsHardware: p.AcceptsHardware, AcceptsDomain: p.AcceptsDomain, DeviceRequired: p.DeviceRequired,
		SelfDeactivation: p.SelfDeactivation, OfflineAllowed: p.OfflineAllowed, RenewalURL: p.RenewalURL,
		HoldSeconds: int64(p.HoldFor / time.Second), LeaseSeconds: int64(p.LeaseFor / time.Second),
		MaxSkewSeconds: int64(p.MaxSkew / time.Second), Features: records(p.Features, featureRecordOf),
		Swaps: SwapRules{
			Allowed: p.Swaps.Allowed, PeriodSeconds: int64(p.Swaps.Period / time.Second), CoolDownSeconds: int64(p.Swaps.CoolDown / time.Second),
		},
		Delivery: DeliveryRules(p.Delivery),
	}
}

func productEndpoints() []endpoint {
	reads, writes := account.ProductsRead, account.ProductsWrite
	of := func(id, path string, needed account.Permission, summary, description string) endpoint {
		return endpoint{id: id, path: productsPath + path, tag: "products", permission: needed, summary: summary, description: description}
	}
	creating := of("create-product", "", writes, "Create a product", "Makes a product of the token's environment, with a signing key and its first plan.")
	creating.created = true
	rotating := of("rotate-key", "/{id}/keys/rotate", writes, "Give a product a new key",
		"Makes a key that signs for the product from an instant on. Until then the one before signs; both verify from now on. Ship software that knows both before.")
	rotating.versioned = true
	listing := of("list-products", "", reads, "List products", "Lists the products of the environment, oldest first.")
	listing.params = []param{
		{name: "active", doc: "Only those that are sold, or only those that are switched off.", enum: yesNo()},
		{name: "slug", doc: "Only the one with this slug."},
	}
	return []endpoint{
		change(creating, func(a *API, q *asked, in NewProduct) (id.ID, error) {
			p, err := a.Catalog.CreateProduct(q.ctx, q.actor, in.product(q.actor.Environment))
			return p.ID, sentAs(newProductNames(), err)
		}, madeProduct),
		list(listing,
			func(a *API, q *asked) ([]ProductRecord, error) {
				some := catalog.Selection{Slug: q.query["slug"], Active: q.yesNo("active")}
				rows, err := a.Catalog.SelectProducts(q.ctx, q.actor, some, q.after, q.limit+1)
				return records(rows, productRecordOf), err
			}, func(p ProductRecord) string { return p.ID }),
		fetch(of("get-product", "/{id}", reads, "Read a product", "Answers one product."), getProduct),
		productChange(patching(of("edit-product", "/{id}", writes, "Change a product", "Sets its name and rules. Absent fields stay; a list of features replaces the one before.")),
			func(a *API, q *asked, product id.ID, in EditProduct) (license.Product, error) {
				p, err := a.Catalog.Edit(q.ctx, q.actor, product, in.edit())
				return p, sentAs(productNames(), err)
			}),
		productChange(of("switch-product", "/{id}/active", writes, "Switch a product on or off", "Off, nobody gets a new seat; those who have one keep working."),
			func(a *API, q *asked, product id.ID, in Switch) (license.Product, error) {
				return a.Catalog.SetActive(q.ctx, q.actor, product, in.Active)
			}),
		productChange(of("set-swaps", "/{id}/swaps", writes, "Set how often customers may free seats", "It counts what they did before, too."),
			func(a *API, q *asked, product id.ID, in SwapRules) (license.Product, error) {
				p, err := a.Catalog.SetSwaps(q.ctx, q.actor, product, in.policy())
				return p, sentAs(swapNames(), err)
			}),
		productChange(of("set-delivery", "/{id}/delivery", writes, "Set how releases reach customers", "Replaces all four rules."),
			func(a *API, q *asked, product id.ID, in DeliveryRules) (license.Product, error) {
				return a.Catalog.SetDelivery(q.ctx, q.actor, product, func(d *license.Delivery) { *d = license.Delivery(in) })
			}),
		productChange(of("set-offline", "/{id}/offline", writes, "Set whether and how offline files are issued", "Files that are out stay good."),
			func(a *API, q *asked, product id.ID, in OfflineRules) (license.Product, error) {
				return a.Catalog.SetOffline(q.ctx, q.actor, product, in.Allowed, license.OfflinePolicy{
					ValidFor: time.Duration(in.Days) * 24 * time.Hour, Files: in.Files,
				})
			}),
		productChange(of("kill-product", "/{id}/killed", writes, "Stop everything of a product, or bring it back", "While killed, nothing of it validates; its licenses stay as they are."),
			func(a *API, q *asked, product id.ID, in Killing) (license.Product, error) {
				return a.Catalog.SetKilled(q.ctx, q.actor, product, in.Killed)
			}),
		productChange(of("set-slug", "/{id}/slug", writes, "Give a product another slug", "Public addresses with the one before go on leading to it."),
			func(a *API, q *asked, product id.ID, in Slug) (license.Product, error) {
				return a.Catalog.SetSlug(q.ctx, q.actor, product, in.Slug)
			}),
		fetch(of("product-keys", "/{id}/keys", reads, "Read the public keys of a product", "Answers the keys that verify its leases and offline files, as a JSON Web Key Set: the one that signs last comes first."), productKeys),
		change(rotating, func(a *API, q *asked, in Rotation) (id.ID, error) {
			product, err := q.id("id", "product")
			if err != nil {
				return "", err
			}
			var from time.Time
			if in.From != nil {
				from = *in.From
			}
			_, err = a.Catalog.RotateKey(q.ctx, q.actor, product, from)
			return product, err
		}, keysOf),
	}
}

// patching is e with a method that changes what is sent and leaves the rest.
func patching(e endpoint) endpoint {
	e.method = http.MethodPatch
	return e
}

// productChange is an endpoint that changes one side of a product.
func productChange[In any](e endpoint, do func(*API, *asked, id.ID, In) (license.Product, error)) endpoint {
	e.versioned = true
	return change(e, func(a *API, q *asked, in In) (id.ID, error) {
		product, err := q.id("id", "product")
		if err != nil {
			return "", err
		}
		p, err := do(a, q, product, in)
		return p.ID, err
	}, madeProduct)
}

func madeProduct(a *API, q *asked, made id.ID) (ProductRecord, error) {
	p, err := a.Catalog.Made(q.ctx, q.actor, made)
	return productRecordOf(p), err
}

func getProduct(a *API, q *asked) (ProductRecord, error) {
	wanted, err := q.id("id", "product")
	if err != nil {
		return ProductRecord{}, err
	}
	p, err := a.Catalog.Product(q.ctx, q.actor, wanted)
	return productRecordOf(p), err
}

func productKeys(a *API, q *asked) (KeySet, error) {
	wanted, err := q.id("id", "product")
	if err != nil {
		return KeySet{}, err
	}
	if _, err := a.Catalog.Product(q.ctx, q.actor, wanted); err != nil {
		return KeySet{}, err
	}
	return keysOf(a, q, wanted)
}

func keysOf(a *API, q *asked, product id.ID) (KeySet, error) {
	text, err := a.Catalog.JWKS(q.ctx, product)
	if err != nil {
		return KeySet{}, err
	}
	var set KeySet
	return set, json.Unmarshal(text, &set)
}
