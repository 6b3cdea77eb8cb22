package api_test

import (
	"strings"
	"testing"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/api/apitest"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/id"
)

// A device that presents the claim code gets the seat that is kept, and no
// other one does.
func TestClaim(t *testing.T) {
	f := newFixture(t, apitest.Options{})
	wantVerdict(t, f.ask(t, activate, f.about(f.key, "HW-1")), "valid")
	wantVerdict(t, f.ask(t, activate, f.about(f.key, "HW-2")), "valid")
	owner := account.Actor{Kind: account.ActorPerson, ID: id.New(), CustomerID: f.customer.ID, Role: account.Owner}
	detail, err := f.Licensing.Detail(t.Context(), owner, f.license.ID)
	if err != nil {
		t.Fatal(err)
	}
	made, err := f.Licensing.Replace(t.Context(), owner, licensing.Replacement{LicenseID: f.license.ID, Retire: detail.Devices[0].ID})
	if err != nil {
		t.Fatal(err)
	}
	swap, err := f.Licensing.Swap(t.Context(), owner, made.ID)
	if err != nil {
		t.Fatal(err)
	}
	claim := func(device, code string) reply {
		q := f.about(f.key, device)
		q["claim"] = code
		return f.ask(t, activate, q)
	}
	wrong := claim("HW-4", "AAAA-AAAA")
	wantVerdict(t, wrong, "limit_reached")
	if !strings.Contains(wrong.Text, `"reason":"claim_refused"`) {
		t.Errorf("got %s", wrong.Text)
	}
	wantVerdict(t, f.ask(t, activate, f.about(f.key, "HW-5")), "limit_reached")
	wantVerdict(t, claim("HW-3", " "+strings.ToLower(strings.ReplaceAll(swap.Code, "-", " "))), "valid")
	wantVerdict(t, claim("HW-4", swap.Code), "limit_reached")
	if r := claim("HW-6", strings.Repeat("A", 33)); r.Status != 400 {
		t.Errorf("a long code is answered %d", r.Status)
	}
}
