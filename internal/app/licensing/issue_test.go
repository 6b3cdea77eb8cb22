package licensing_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/apptest"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

func features(sso bool, projects any, theme string) []license.Feature {
	return []license.Feature{
		{Key: "sso", Label: "Single sign-on", Type: license.Boolean, Value: sso},
		{Key: "projects", Label: "Projects", Type: license.Numeric, Value: projects},
		{Key: "theme", Label: "Theme", Type: license.Textual, Value: theme},
	}
}

func TestIssue(t *testing.T) {
	w := apptest.New(t)
	p := w.Product("editor", func(p *license.Product, g *license.Generator) {
		p.Features = features(false, 25.0, "plain")
		g.Features, g.MaxVersion = features(true, 50.0, "plain")[:2], "8.x"
	})
	c := w.Customer("Ada")
	issue := func(in licensing.Issue) (license.License, string, error) {
		in.ProductID = p.ID
		return w.Licensing.Issue(t.Context(), apptest.Staff(), in)
	}

	t.Run("a license has what its plan says", func(t *testing.T) { // C-PRD-01
		l, key, err := issue(licensing.Issue{})
		w.In(t).Must(err)
		equal(t, license.License{
			ID: l.ID, ProductID: p.ID, Environment: license.Production, Plan: "Standard", Mask: l.Mask, Limit: 5,
			ValidityDays: 365, CreatedAt: apptest.Start, MaxVersion: "8.x", Features: features(true, 50.0, "plain"), Version: 1,
		}, l)
		equal(t, l, w.Reread(l))
		equal(t, license.Available, l.Status(apptest.Start))
		equal(t, types(event.LicenseCreated), w.EventTypes(l))
		if !strings.HasPrefix(key, "EDIT-") || len(key) != len("EDIT-12345-12345-12345") || l.Mask == key || !strings.HasSuffix(l.Mask, key[len(key)-4:]) {
			t.Errorf("key %q, mask %q", key, l.Mask)
		}
	})
	t.Run("one for a customer is theirs at once and its validity starts", func(t *testing.T) { // C-LCY-05
		l, _, err := issue(licensing.Issue{CustomerID: c.ID})
		w.In(t).Must(err)
		equal(t, c.ID, l.CustomerID)
		equal(t, apptest.Start, l.AssignedAt)
		equal(t, apptest.Start.Add(365*apptest.Day), l.ExpiresAt)
		equal(t, types(event.LicenseCreated, event.LicenseAssigned), w.EventTypes(l))
		equal(t, l, w.Reread(l))
	})
	t.Run("the wish comes before the plan, and its instants are kept as they are answered", func(t *testing.T) {
		limit, days, version := 7, 10, "9"
		start := apptest.Start.Add(3*apptest.Day + 999*time.Nanosecond).In(time.FixedZone("east", 3600))
		l, _, err := issue(licensing.Issue{
			CustomerID: c.ID, Limit: &limit, ValidityDays: &days, MaxVersion: &version, StartsAt: start, Grace: time.Hour + time.Nanosecond,
			UpdatesUntil: start, Plan: " Site  license ", Features: map[string]any{"projects": "unlimited", "theme": "dark"},
		})
		w.In(t).Must(err)
		equal(t, l, w.Reread(l))
		equal(t, "Site license", l.Plan)
		equal(t, features(true, "unlimited", "dark"), l.Features)
		equal(t, apptest.Start.Add(13*apptest.Day), l.ExpiresAt)
		equal(t, 7, l.Limit)
	})
	t.Run("unlimited and perpetual are wishes too", func(t *testing.T) { // E-05
		none, forever := license.Unlimited, 0
		l, _, err := issue(licensing.Issue{CustomerID: c.ID, Limit: &none, ValidityDays: &forever})
		w.In(t).Must(err)
		equal(t, l, w.Reread(l))
		if l.Limit != license.Unlimited || !l.Perpetual() {
			t.Errorf("limit %d, ends %s", l.Limit, l.EndsAt())
		}
	})
	t.Run("an own key is kept as it is and exists once, however it is written", func(t *testing.T) { // C-GEN-01
		l, key, err := issue(licensing.Issue{Key: "Own-Key-0001", CustomerID: c.ID})
		w.In(t).Must(err)
		equal(t, "Own-Key-0001", key)
		revealed, err := w.Licensing.Reveal(t.Context(), apptest.Owner(c), l.ID)
		w.In(t).Must(err)
		equal(t, key, revealed)
		for _, again := range []string{"Own-Key-0001", "own.key.OOOI"} {
			made, key, err := issue(licensing.Issue{Key: again})
			refusedAs(t, err, fault.Conflict, "key_exists")
			if made.ID != "" || key != "" {
				t.Error("a refused license was returned")
			}
		}
		staging := w.Product("editor", func(p *license.Product, _ *license.Generator) { p.Environment = license.Staging })
		if _, _, err := w.Licensing.Issue(t.Context(), apptest.Staff(), licensing.Issue{ProductID: staging.ID, Key: "Own-Key-0001"}); err != nil {
			t.Errorf("in another environment: %v", err)
		}
	})
	t.Run("people who never signed in are invited once", func(t *testing.T) { // P-AUTH-06
		d := w.Customer("Invited")
		w.Person(d, "new@example.com")
		for range 2 {
			_, _, err := issue(licensing.Issue{CustomerID: d.ID})
			w.In(t).Must(err)
		}
		var job store.Job
		w.Tx(func(ctx context.Context, tx *store.Tx) (err error) {
			if job, err = tx.ClaimJob(ctx, w.Clock.Now()); err != nil {
				return err
			}
			if _, err := tx.ClaimJob(ctx, w.Clock.Now()); !store.IsNotFound(err) {
				t.Errorf("a second job waits (%v)", err)
			}
			return nil
		})
		if job.Kind != string(account.InvitationNotice) {
			t.Errorf("job %q waits", job.Kind)
		}
	})
}

func TestIssueRefuses(t *testing.T) {
	w := apptest.New(t)
	p := w.Product("editor", func(p *license.Product, _ *license.Generator) { p.Features = features(false, 25.0, "plain") })
	off := w.Product("off", func(p *license.Product, _ *license.Generator) { p.Active = false })
	killed := w.Product("killed", func(p *license.Product, _ *license.Generator) { p.KilledAt = apptest.Start })
	idle := w.Product("idle", func(_ *license.Product, g *license.Generator) { g.Active = false })
	inactive := w.Customer("Inactive")
	w.Tx(func(ctx context.Context, tx *store.Tx) error {
		return tx.SetCustomerStatus(ctx, inactive.ID, account.Suspended, w.Clock.Now())
	})
	negative, huge := -1, 1_000_000_000
	version := "not a version"

	for name, c := range map[string]struct {
		actor account.Actor
		in    licensing.Issue
		kind  fault.Kind
		code  string
		field string
	}{
		"without permission":           {apptest.Client(p), licensing.Issue{}, fault.Forbidden, "permission_missing", ""},
		"a product of nowhere":         {apptest.Staff(), licensing.Issue{ProductID: id.New()}, fault.NotFound, "not_found", ""},
		"another environment":          {apptest.Secret(license.Staging), licensing.Issue{}, fault.NotFound, "not_found", ""},
		"a product switched off":       {apptest.Staff(), licensing.Issue{ProductID: off.ID}, fault.Conflict, "product_inactive", ""},
		"a killed product":             {apptest.Staff(), licensing.Issue{ProductID: killed.ID}, fault.Conflict, "product_inactive", ""},
		"an unknown plan":              {apptest.Staff(), licensing.Issue{Generator: "Gold"}, fault.NotFound, "not_found", ""},
		"a plan switched off":          {apptest.Staff(), licensing.Issue{ProductID: idle.ID}, fault.Conflict, "generator_inactive", ""},
		"an unknown customer":          {apptest.Staff(), licensing.Issue{CustomerID: id.New()}, fault.NotFound, "not_found", ""},
		"a customer switched off":      {apptest.Staff(), licensing.Issue{CustomerID: inactive.ID}, fault.Conflict, "customer_inactive", ""},
		"a negative limit":             {apptest.Staff(), licensing.Issue{Limit: &negative}, fault.Invalid, "invalid_input", "limit"},
		"a huge limit":                 {apptest.Staff(), licensing.Issue{Limit: &huge}, fault.Invalid, "invalid_input", "limit"},
		"a negative validity":          {apptest.Staff(), licensing.Issue{ValidityDays: &negative}, fault.Invalid, "invalid_input", "validity_days"},
		"a huge validity":              {apptest.Staff(), licensing.Issue{ValidityDays: &huge}, fault.Invalid, "invalid_input", "validity_days"},
		"a negative grace":             {apptest.Staff(), licensing.Issue{Grace: -time.Hour}, fault.Invalid, "invalid_input", "grace"},
		"a version that is none":       {apptest.Staff(), licensing.Issue{MaxVersion: &version}, fault.Invalid, "invalid_input", "max_version"},
		"a plan named with bytes":      {apptest.Staff(), licensing.Issue{Plan: "\xff"}, fault.Invalid, "invalid_input", "plan"},
		"a start that outlives all":    {apptest.Staff(), licensing.Issue{StartsAt: license.Forever.Add(-apptest.Day)}, fault.Invalid, "invalid_input", "starts_at"},
		"updates that outlive all":     {apptest.Staff(), licensing.Issue{UpdatesUntil: license.Forever}, fault.Invalid, "invalid_input", "updates_until"},
		"a short key":                  {apptest.Staff(), licensing.Issue{Key: "ABC-DEF-1"}, fault.Invalid, "invalid_input", "key"},
		"a key with blanks":            {apptest.Staff(), licensing.Issue{Key: "ABCD EFGH IJKL"}, fault.Invalid, "invalid_input", "key"},
		"a long key":                   {apptest.Staff(), licensing.Issue{Key: strings.Repeat("A", 256)}, fault.Invalid, "invalid_input", "key"},
		"a feature of the wrong type":  {apptest.Staff(), licensing.Issue{Features: map[string]any{"sso": "yes"}}, fault.Invalid, "invalid_input", "features"},
		"a number that is not one":     {apptest.Staff(), licensing.Issue{Features: map[string]any{"projects": "many"}}, fault.Invalid, "invalid_input", "features"},
		"a feature that is not there":  {apptest.Staff(), licensing.Issue{Features: map[string]any{"gold": true}}, fault.Invalid, "invalid_input", "features"},
		"a feature that is too long":   {apptest.Staff(), licensing.Issue{Features: map[string]any{"theme": strings.Repeat("x", 256)}}, fault.Invalid, "invalid_input", "features"},
		"a feature that is structured": {apptest.Staff(), licensing.Issue{Features: map[string]any{"theme": []any{"x"}}}, fault.Invalid, "invalid_input", "features"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.in.ProductID == "" {
				c.in.ProductID = p.ID
			}
			made, key, err := w.Licensing.Issue(t.Context(), c.actor, c.in)
			refusedAs(t, err, c.kind, c.code)
			if f := fault.From(err); c.field != "" && (len(f.Fields) != 1 || f.Fields[0].Name != c.field) {
				t.Errorf("blames %v, want %s", f.Fields, c.field)
			}
			if made.ID != "" || key != "" {
				t.Error("a refused license was returned")
			}
		})
	}
	t.Run("and nothing was made", func(t *testing.T) {
		waiting, err := w.Store.Unsealed(t.Context(), 10)
		w.In(t).Must(err)
		if len(waiting) != 0 {
			t.Errorf("%d events were left", len(waiting))
		}
	})
}

// stuck is randomness that says the same again and again for a while.
type stuck struct{ again int }

func (r *stuck) Read(p []byte) (int, error) {
	if r.again == 0 {
		return 0, errors.New("no more randomness")
	}
	return copy(p, bytes.Repeat([]byte{7}, len(p))), nil
}

func TestIssueGivesUpOnAPatternWithoutUnusedKeys(t *testing.T) { // C-GEN-01
	w := apptest.New(t)
	p := w.Product("editor")
	s := licensing.New(licensing.Deps{Store: w.Store, Master: w.Master, Now: w.Clock.Now, Random: &stuck{1}})
	first, _, err := s.Issue(t.Context(), apptest.Staff(), licensing.Issue{ProductID: p.ID})
	w.Must(err)
	_, _, err = s.Issue(t.Context(), apptest.Staff(), licensing.Issue{ProductID: p.ID})
	refusedAs(t, err, fault.Conflict, "keys_exhausted")
	equal(t, types(event.LicenseCreated), w.EventTypes(first))
}
