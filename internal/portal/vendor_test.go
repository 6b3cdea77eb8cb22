package portal_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/catalog"
	"github.com/keyward/keyward/internal/app/delivery"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/app/licensing"
	desk "github.com/keyward/keyward/internal/app/support"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/ticket"
)

// P-ISO-04: what is the vendor's to do is refused to the owner of an account
// below every door, for what is their own too, so that no request can be
// crafted for it.
func TestCustomersDoNothingOfTheVendors(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	p := w.product("Editor")
	l := w.issue(ada.Customer.ID, p)
	asked := w.ask(ada)
	ctx, me := t.Context(), ada.actor()
	for name, try := range map[string]func() error{
		"make a product":      func() error { _, err := w.catalog.CreateProduct(ctx, me, catalog.NewProduct{Name: "Mine"}); return err },
		"see products":        func() error { _, err := w.catalog.Products(ctx, me, "", 10); return err },
		"see a product":       func() error { _, err := w.catalog.Product(ctx, me, p.ID); return err },
		"see generators":      func() error { _, err := w.catalog.Generators(ctx, me, p.ID); return err },
		"switch a product":    func() error { _, err := w.catalog.SetActive(ctx, me, p.ID, false); return err },
		"kill a product":      func() error { _, err := w.catalog.SetKilled(ctx, me, p.ID, true); return err },
		"allow swaps":         func() error { _, err := w.catalog.SetSwaps(ctx, me, p.ID, license.SwapPolicy{}); return err },
		"allow offline files": func() error { _, err := w.catalog.SetOffline(ctx, me, p.ID, true, license.OfflinePolicy{}); return err },
		"make a generator": func() error {
			_, err := w.catalog.CreateGenerator(ctx, me, p.ID, catalog.NewGenerator{Name: "Mine"})
			return err
		},
		"publish a release": func() error {
			_, err := w.delivery.Publish(ctx, me, delivery.NewRelease{Product: p.ID, Version: "1"})
			return err
		},

		"issue a license":     func() error { _, _, err := w.licensing.Issue(ctx, me, licensing.Issue{ProductID: p.ID}); return err },
		"assign a license":    func() error { _, err := w.licensing.Assign(ctx, me, l.ID, ada.Customer.ID); return err },
		"suspend a license":   func() error { _, err := w.licensing.Suspend(ctx, me, l.ID, license.Abuse, ""); return err },
		"reinstate a license": func() error { _, err := w.licensing.Reinstate(ctx, me, l.ID); return err },
		"renew a license":     func() error { _, err := w.licensing.Renew(ctx, me, l.ID, 30, time.Time{}); return err },
		"revoke a license":    func() error { _, err := w.licensing.Revoke(ctx, me, l.ID, license.Refund, ""); return err },
		"ask the vendor's why": func() error {
			_, err := w.licensing.Why(ctx, me, l.ID)
			return err
		},
		"activate as software": func() error { _, err := w.licensing.Activate(ctx, me, licensing.Call{Key: l.key}); return err },

		"make a customer": func() error {
			_, _, err := w.identity.CreateCustomer(ctx, me, identity.NewCustomer{Name: "Mine", Email: "x@example.com"})
			return err
		},
		"add a person": func() error {
			_, err := w.identity.AddPerson(ctx, me, identity.NewPerson{CustomerID: ada.Customer.ID, Email: "x@example.com", Role: account.Owner})
			return err
		},
		"switch a customer":     func() error { _, err := w.identity.SetStatus(ctx, me, ada.Customer.ID, account.Suspended); return err },
		"look somebody up":      func() error { _, err := w.identity.PersonByEmail(ctx, me, "ada@example.com"); return err },
		"have somebody invited": func() error { return w.identity.Invite(ctx, me, ada.person.ID) },
		"reset factors":         func() error { _, err := w.identity.ResetFactors(ctx, me, ada.person.ID); return err },
		"make a token": func() error {
			_, _, err := w.identity.CreateToken(ctx, me, identity.NewToken{Name: "Mine"})
			return err
		}, // P-AUTH-10
		"make an administrator": func() error {
			_, _, err := w.identity.CreateAdministrator(ctx, me, identity.NewAdministrator{Email: "x@example.com"})
			return err
		},

		"see the desk": func() error { _, err := w.support.StaffList(ctx, me, desk.ListQuery{}); return err },
		"see notes":    func() error { _, _, err := w.support.StaffThread(ctx, me, asked.Number); return err },
		"answer as support": func() error {
			_, err := w.support.Answer(ctx, me, asked.Number, desk.Message{Body: "x"}, ticket.Waiting)
			return err
		},
		"note":            func() error { _, err := w.support.AddNote(ctx, me, asked.Number, "x"); return err },
		"assign a ticket": func() error { _, err := w.support.Assign(ctx, me, asked.Number, "x@example.com"); return err },
		"merge tickets":   func() error { _, err := w.support.Merge(ctx, me, asked.Number, asked.Number); return err },
	} {
		if err := try(); err == nil || fault.From(err).Kind != fault.Forbidden {
			t.Errorf("%s: %v", name, err)
		}
	}
	after, err := w.licensing.Detail(ctx, me, l.ID)
	must(t, err)
	if after.License.Status(w.now) != license.Assigned || after.License.Limit != l.Limit {
		t.Errorf("the license is %+v now", after.License)
	}
}

// P-AUTH-10: a token of the API opens no page, as a bearer or as a cookie.
func TestTokensOpenNothing(t *testing.T) {
	w := newWorld(t)
	_, token, err := w.identity.CreateToken(t.Context(), vendor(), identity.NewToken{
		Kind: account.SecretToken, Name: "Shop", Environment: license.Production, Permissions: account.Permissions(),
	})
	must(t, err)
	b := w.browser()
	wantTo(t, b.with("Authorization", "Bearer "+token).get("/licenses"), "/login?next=%2Flicenses")
	wantProblem(t, b.script().with("Authorization", "Bearer "+token).post("/licenses/search"), 401, "signed_out")
	r := b.request("GET", "/licenses", "")
	r.Header.Set("Cookie", "keyward_session="+token)
	wantTo(t, b.do(r, ""), "/login?next=%2Flicenses")
}
