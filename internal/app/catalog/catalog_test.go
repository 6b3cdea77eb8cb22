package catalog_test

import (
	"encoding/json"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/catalog"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/store/storetest"
	"github.com/keyward/keyward/licensefile"
	"github.com/keyward/keyward/verdict"
)

var system = account.System("req-1")

// fixture is the use cases over an empty database, at a time that the test
// moves.
type fixture struct {
	*catalog.Service
	store  *store.Store
	master *signing.Master
	now    time.Time
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	s := storetest.Open(t, store.Options{Dir: storetest.Dir(t)})
	master, err := signing.LoadMaster(strings.Repeat("5a", 32), "")
	ok(t, err)
	f := &fixture{store: s, master: master, now: time.Date(2026, 3, 12, 12, 0, 0, 0, time.UTC)}
	f.Service = catalog.New(catalog.Deps{Store: s, Master: master, Now: func() time.Time { return f.now }, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	return f
}

func editor() catalog.NewProduct {
	return catalog.NewProduct{
		Environment: license.Production, Name: " Acme  Editor 8! ", AcceptsHardware: true, SelfDeactivation: true,
		RenewalURL: "https://example.com/renew",
		Features: []license.Feature{
			{Key: "sso", Label: "Single sign-on", Type: license.Boolean, Value: false},
			{Key: "projects", Type: license.Numeric, Value: 10},
			{Key: "tier", Label: "Tier", Type: license.Textual, Value: "basic"},
		},
		Plan: catalog.NewGenerator{Name: "Team", Pattern: "ACME-{X:5}-{X:5}-{X:5}", Limit: 5, ValidityDays: 365},
	}
}

func (f *fixture) product(t *testing.T, change func(*catalog.NewProduct)) license.Product {
	t.Helper()
	in := editor()
	if change != nil {
		change(&in)
	}
	p, err := f.CreateProduct(t.Context(), system, in)
	ok(t, err)
	return p
}

func (f *fixture) eventTypes(t *testing.T) []event.Type {
	t.Helper()
	all, err := f.store.Unsealed(t.Context(), 100)
	ok(t, err)
	var types []event.Type
	for _, u := range all {
		types = append(types, u.Event.Type)
	}
	return types
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if err == nil || fault.From(err).Code != code {
		t.Errorf("got %v, want code %s", err, code)
	}
}

// wantField fails the test unless err blames the input called name, and
// returns what it says.
func wantField(t *testing.T, err error, name string) string {
	t.Helper()
	if err != nil {
		for _, f := range fault.From(err).Fields {
			if f.Name == name {
				return f.Message
			}
		}
	}
	t.Errorf("got %v, want a problem with %s", err, name)
	return ""
}

func TestCreateProduct(t *testing.T) {
	t.Run("it comes with a slug, a plan and a key that signs", func(t *testing.T) {
		f := newFixture(t)
		p := f.product(t, nil)
		if p.Name != "Acme Editor 8!" || p.Slug != "acme-editor-8" || p.LeaseFor != catalog.DefaultLease || !p.Active {
			t.Errorf("made %+v", p)
		}
		found, err := f.Product(t.Context(), system, p.ID)
		ok(t, err)
		same(t, p, found)
		found, err = f.ProductBySlug(t.Context(), system, license.Production, "acme-editor-8")
		ok(t, err)
		same(t, p.ID, found.ID)

		plans, err := f.Generators(t.Context(), system, p.ID)
		ok(t, err)
		if len(plans) != 1 || plans[0].Name != "Team" || plans[0].Limit != 5 || plans[0].ValidityDays != 365 || plans[0].Pattern != p.KeyFormat {
			t.Errorf("plans %+v", plans)
		}
		same(t, []event.Type{event.ProductCreated}, f.eventTypes(t))

		key, err := f.CurrentKey(t.Context(), p.ID)
		ok(t, err)
		lease := licensefile.Lease{
			ID: "lease", Product: string(p.ID), Environment: string(p.Environment), License: "license", IssuedAt: f.now, ValidUntil: f.now.Add(p.LeaseFor),
			Verdict: licensefile.LeaseVerdict{Valid: true, Code: verdict.Valid, Message: "Valid."},
		}
		signed, err := signing.NewSigner(f.master).SignLease(key, lease)
		ok(t, err)
		pinned, err := key.Pinned()
		ok(t, err)
		keys, err := licensefile.NewKeySet(pinned)
		ok(t, err)
		_, err = licensefile.ParseLease(signed, keys)
		ok(t, err)
	})
	t.Run("without a plan it has a standard one", func(t *testing.T) {
		f := newFixture(t)
		p := f.product(t, func(in *catalog.NewProduct) { in.Plan = catalog.NewGenerator{} })
		plans, err := f.Generators(t.Context(), system, p.ID)
		ok(t, err)
		if len(plans) != 1 || plans[0].Name != catalog.DefaultPlan || plans[0].Pattern != catalog.DefaultPattern || plans[0].Limit != license.Unlimited {
			t.Errorf("plans %+v", plans)
		}
	})
	t.Run("each wrong input is named", func(t *testing.T) {
		f := newFixture(t)
		for field, change := range map[string]func(*catalog.NewProduct){
			"name":             func(in *catalog.NewProduct) { in.Name = " " },
			"slug":             func(in *catalog.NewProduct) { in.Slug = "Not A Slug" },
			"environment":      func(in *catalog.NewProduct) { in.Environment = "moon" },
			"accepts_hardware": func(in *catalog.NewProduct) { in.AcceptsHardware = false },
			"renewal_url":      func(in *catalog.NewProduct) { in.RenewalURL = "javascript:alert(1)" },
			"lease_for":        func(in *catalog.NewProduct) { in.LeaseFor = time.Minute },
			"max_skew":         func(in *catalog.NewProduct) { in.MaxSkew = -time.Second },
			"pattern":          func(in *catalog.NewProduct) { in.Plan.Pattern = "{X:5" },
			"limit":            func(in *catalog.NewProduct) { in.Plan.Limit = -1 },
			"validity_days":    func(in *catalog.NewProduct) { in.Plan.ValidityDays = -1 },
			"max_version":      func(in *catalog.NewProduct) { in.Plan.MaxVersion = "latest" },
			"plan":             func(in *catalog.NewProduct) { in.Plan.Name = "a\x00b" },
		} {
			in := editor()
			change(&in)
			_, err := f.CreateProduct(t.Context(), system, in)
			wantField(t, err, field)
		}
		list, err := f.Products(t.Context(), system, "", 10)
		ok(t, err)
		same(t, 0, len(list))
	})
	t.Run("a feature's value is of its type", func(t *testing.T) { // C-PRD-02
		f := newFixture(t)
		for name, feature := range map[string]license.Feature{
			"no key":          {Type: license.Boolean, Value: true},
			"no type":         {Key: "a", Value: true},
			"no value":        {Key: "a", Type: license.Boolean},
			"text for a flag": {Key: "a", Type: license.Boolean, Value: "yes"},
			"negative":        {Key: "a", Type: license.Numeric, Value: -1.0},
			"infinite":        {Key: "a", Type: license.Numeric, Value: math.Inf(1)},
			"no number":       {Key: "a", Type: license.Numeric, Value: math.NaN()},
			"key again":       {Key: "sso", Type: license.Boolean, Value: true},
			"key with blanks": {Key: "a b", Type: license.Boolean, Value: true},
			"structured":      {Key: "a", Type: license.Textual, Value: []string{"x"}},
		} {
			in := editor()
			in.Features = append(in.Features, feature)
			_, err := f.CreateProduct(t.Context(), system, in)
			if wantField(t, err, "features") == "" {
				t.Errorf("%s passes", name)
			}
		}
		p := f.product(t, func(in *catalog.NewProduct) {
			in.Features = []license.Feature{{Key: "projects", Type: license.Numeric, Value: license.UnlimitedValue}}
		})
		same(t, []license.Feature{{Key: "projects", Label: "projects", Type: license.Numeric, Value: "unlimited"}}, p.Features)
	})
	t.Run("a slug is used once in an environment", func(t *testing.T) { // C-ENV-01
		f := newFixture(t)
		f.product(t, nil)
		f.product(t, func(in *catalog.NewProduct) { in.Environment = license.Staging })
		_, err := f.CreateProduct(t.Context(), system, editor())
		wantCode(t, err, "slug_taken")
		wantField(t, err, "slug")
	})
}

func TestActorsAndEnvironments(t *testing.T) {
	f := newFixture(t)
	staging := f.product(t, func(in *catalog.NewProduct) { in.Environment = license.Staging })
	production := f.product(t, nil)
	token := account.Actor{
		Kind: account.ActorToken, Environment: license.Staging,
		Permissions: []account.Permission{account.ProductsRead, account.ProductsWrite},
	}

	t.Run("a token sees its own environment", func(t *testing.T) {
		list, err := f.Products(t.Context(), token, "", 10)
		ok(t, err)
		same(t, []license.Product{staging}, list)
		list, err = f.Products(t.Context(), system, "", 10)
		ok(t, err)
		same(t, []license.Product{staging, production}, list)
		_, err = f.Product(t.Context(), token, production.ID)
		wantCode(t, err, "not_found")
		_, err = f.ProductBySlug(t.Context(), token, license.Production, production.Slug)
		wantCode(t, err, "not_found")
		_, err = f.Generators(t.Context(), token, production.ID)
		wantCode(t, err, "not_found")
	})
	t.Run("and changes nothing in another", func(t *testing.T) {
		_, err := f.CreateProduct(t.Context(), token, editor())
		wantField(t, err, "environment")
		_, err = f.CreateGenerator(t.Context(), token, production.ID, catalog.NewGenerator{Name: "x", Pattern: catalog.DefaultPattern})
		wantCode(t, err, "not_found")
		_, err = f.AddRelease(t.Context(), token, production.ID, "1", time.Time{})
		wantCode(t, err, "not_found")
		_, err = f.SetKilled(t.Context(), token, production.ID, true)
		wantCode(t, err, "not_found")
	})
	t.Run("without the permission there is nothing", func(t *testing.T) {
		nobody := account.Actor{Kind: account.ActorAdministrator}
		_, err := f.CreateProduct(t.Context(), nobody, editor())
		wantCode(t, err, "permission_missing")
		_, err = f.Products(t.Context(), nobody, "", 10)
		wantCode(t, err, "permission_missing")
		_, err = f.CreateGenerator(t.Context(), nobody, production.ID, catalog.NewGenerator{})
		wantCode(t, err, "permission_missing")
		_, err = f.AddRelease(t.Context(), nobody, production.ID, "1", time.Time{})
		wantCode(t, err, "permission_missing")
		_, err = f.SetActive(t.Context(), nobody, production.ID, false)
		wantCode(t, err, "permission_missing")
	})
}

func TestCreateGenerator(t *testing.T) {
	f := newFixture(t)
	p := f.product(t, nil)
	create := func(change func(*catalog.NewGenerator)) (license.Generator, error) {
		in := catalog.NewGenerator{Name: "Solo", Pattern: "SOLO-{X:20}", Limit: 1, MaxVersion: "8.x"}
		change(&in)
		return f.CreateGenerator(t.Context(), system, p.ID, in)
	}

	t.Run("it overrides features of its product", func(t *testing.T) { // C-PRD-01
		g, err := create(func(in *catalog.NewGenerator) {
			in.Features = []license.Feature{{Key: "sso", Type: license.Boolean, Value: true}}
		})
		ok(t, err)
		same(t, []license.Feature{{Key: "sso", Label: "Single sign-on", Type: license.Boolean, Value: true}}, g.Features)
		for _, feature := range []license.Feature{{Key: "other", Type: license.Boolean, Value: true}, {Key: "sso", Type: license.Numeric, Value: 1.0}} {
			_, err := create(func(in *catalog.NewGenerator) { in.Name, in.Features = "Other", []license.Feature{feature} })
			wantField(t, err, "features")
		}
	})
	t.Run("keys that could be guessed are refused", func(t *testing.T) { // C-GEN-02
		for pattern, hint := range map[string]string{
			"XXXX-XXXX": "at least 60 are needed. Add random", "{SEQ:9}": "at least 60", "": "pattern has from 1", "{Z:3}": "unknown element",
		} {
			_, err := create(func(in *catalog.NewGenerator) { in.Name, in.Pattern = "Weak", pattern })
			if text := wantField(t, err, "pattern"); !strings.Contains(text, hint) {
				t.Errorf("%q: %s", pattern, text)
			}
		}
	})
	t.Run("a name is used once", func(t *testing.T) {
		_, err := create(func(*catalog.NewGenerator) {})
		wantCode(t, err, "name_taken")
		_, err = create(func(in *catalog.NewGenerator) { in.Name = "" })
		wantField(t, err, "name")
	})
	t.Run("an unknown product has none", func(t *testing.T) {
		_, err := f.CreateGenerator(t.Context(), system, "none", catalog.NewGenerator{})
		wantCode(t, err, "not_found")
	})
}

func TestReleases(t *testing.T) {
	f := newFixture(t)
	p := f.product(t, nil)
	before := f.now.Add(-time.Hour)
	_, err := f.AddRelease(t.Context(), system, p.ID, " 8.0.0 ", before)
	ok(t, err)
	_, err = f.AddRelease(t.Context(), system, p.ID, "8.1.0", time.Time{})
	ok(t, err)
	list, err := f.Releases(t.Context(), system, p.ID)
	ok(t, err)
	same(t, []license.Release{{Version: "8.1.0", ReleasedAt: f.now, Channel: license.Stable}, {Version: "8.0.0", ReleasedAt: before, Channel: license.Stable}}, list)
	same(t, []event.Type{event.ProductCreated, event.ReleaseCreated, event.ReleaseCreated}, f.eventTypes(t))

	_, err = f.AddRelease(t.Context(), system, p.ID, "8.1.0", time.Time{})
	wantCode(t, err, "version_taken")
	for _, version := range []string{"", "latest", "8 1", strings.Repeat("1.", 100)} {
		_, err = f.AddRelease(t.Context(), system, p.ID, version, time.Time{})
		wantField(t, err, "version")
	}
}

func TestSwitches(t *testing.T) {
	f := newFixture(t)
	p := f.product(t, nil)
	for range 2 { // the second time changes nothing and leaves no event
		killed, err := f.SetKilled(t.Context(), system, p.ID, true)
		ok(t, err)
		same(t, f.now, killed.KilledAt)
		_, err = f.SetActive(t.Context(), system, p.ID, false)
		ok(t, err)
	}
	stored, err := f.Product(t.Context(), system, p.ID)
	ok(t, err)
	if stored.Active || stored.KilledAt.IsZero() {
		t.Errorf("stored %+v", stored)
	}
	_, err = f.SetKilled(t.Context(), system, p.ID, false) // E-08
	ok(t, err)
	back, err := f.SetActive(t.Context(), system, p.ID, true)
	ok(t, err)
	if back.Version != p.Version+4 {
		t.Errorf("version %d after %d and four changes", back.Version, p.Version)
	}
	back.Version = p.Version
	same(t, p, back)
	same(t, []event.Type{event.ProductCreated, "product.killed", "product.disabled", "product.restored", "product.enabled"}, f.eventTypes(t))
	_, err = f.SetActive(t.Context(), system, "none", true)
	wantCode(t, err, "not_found")
}

func TestJWKS(t *testing.T) { // C-PRD-04
	f := newFixture(t)
	p := f.product(t, nil)
	key, err := f.CurrentKey(t.Context(), p.ID)
	ok(t, err)
	doc, err := f.JWKS(t.Context(), p.ID)
	ok(t, err)
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	ok(t, json.Unmarshal(doc, &set))
	if len(set.Keys) != 1 || set.Keys[0]["kid"] != key.KID || set.Keys[0]["d"] != "" {
		t.Errorf("set %s", doc)
	}
	_, err = f.JWKS(t.Context(), "none")
	wantCode(t, err, "not_found")
	_, err = f.CurrentKey(t.Context(), "none")
	wantCode(t, err, "not_found")
}

// C-PRD-04
func TestRotateKey(t *testing.T) {
	f := newFixture(t)
	p := f.product(t, nil)
	before, err := f.CurrentKey(t.Context(), p.ID)
	ok(t, err)
	day := 24 * time.Hour
	next, err := f.RotateKey(t.Context(), system, p.ID, f.now.Add(day))
	ok(t, err)

	t.Run("both keys verify from now on, and the one before signs", func(t *testing.T) {
		current, err := f.CurrentKey(t.Context(), p.ID)
		ok(t, err)
		same(t, before.KID, current.KID)
		set, err := f.JWKS(t.Context(), p.ID)
		ok(t, err)
		if !strings.Contains(string(set), before.KID) || !strings.Contains(string(set), next.KID) {
			t.Errorf("keys %s", set)
		}
	})
	t.Run("a second rotation waits for the first", func(t *testing.T) {
		_, err := f.RotateKey(t.Context(), system, p.ID, f.now.Add(2*day))
		wantCode(t, err, "rotation_waits")
	})
	t.Run("the new one signs from its instant on", func(t *testing.T) {
		f.now = f.now.Add(day - time.Microsecond)
		current, err := f.CurrentKey(t.Context(), p.ID)
		ok(t, err)
		same(t, before.KID, current.KID)
		f.now = f.now.Add(time.Microsecond)
		current, err = f.CurrentKey(t.Context(), p.ID)
		ok(t, err)
		same(t, next.KID, current.KID)
	})
	t.Run("without an instant it signs at once", func(t *testing.T) {
		f.now = f.now.Add(day)
		at, err := f.RotateKey(t.Context(), system, p.ID, time.Time{})
		ok(t, err)
		current, err := f.CurrentKey(t.Context(), p.ID)
		ok(t, err)
		same(t, at.KID, current.KID)
	})
	t.Run("wrong instants and strangers are refused", func(t *testing.T) {
		_, err := f.RotateKey(t.Context(), system, p.ID, f.now.Add(-time.Second))
		wantField(t, err, "from")
		_, err = f.RotateKey(t.Context(), system, p.ID, license.Forever)
		wantField(t, err, "from")
		_, err = f.RotateKey(t.Context(), account.Actor{}, p.ID, time.Time{})
		wantCode(t, err, "permission_missing")
		_, err = f.RotateKey(t.Context(), system, "none", time.Time{})
		wantCode(t, err, "not_found")
	})
	same(t, []event.Type{event.ProductCreated, event.ProductKeyRotated, event.ProductKeyRotated}, f.eventTypes(t))
}
