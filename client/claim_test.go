package client_test

import (
	"strings"
	"testing"

	"github.com/keyward/keyward/client"
	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/verdict"
)

// A refusal has a link for the customer, and a claim code opens the seat that
// is kept.
func TestClaims(t *testing.T) {
	d := newDevice(t)
	one := 1
	l, key := d.Issue(d.product, licensing.Issue{CustomerID: d.license.CustomerID, Limit: &one})
	wantCode(t, verdict.Valid, false)(d.Activate(t.Context(), key))
	owner := account.Actor{Kind: account.ActorPerson, ID: id.New(), CustomerID: l.CustomerID, Role: account.Owner}
	detail, err := d.Licensing.Detail(t.Context(), owner, l.ID)
	if err != nil {
		t.Fatal(err)
	}
	other := d.options
	other.Device.ID = "HW-2"
	d.start(t, other)
	refused, err := d.Activate(t.Context(), key)
	if err != nil || !strings.Contains(refused.HelpLink(), "/help/") || refused.ClaimRefused() {
		t.Fatalf("got %+v (%v)", refused, err)
	}

	made, err := d.Licensing.Replace(t.Context(), owner, licensing.Replacement{LicenseID: l.ID, Retire: detail.Devices[0].ID})
	if err != nil {
		t.Fatal(err)
	}
	swap, err := d.Licensing.Swap(t.Context(), owner, made.ID)
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := d.Activate(t.Context(), key, client.Claim("AAAA-AAAA"))
	if err != nil || !wrong.ClaimRefused() {
		t.Fatalf("got %+v (%v)", wrong, err)
	}
	good, err := d.Activate(t.Context(), key, client.Claim(swap.Code))
	if err != nil || !good.Valid() || good.HelpLink() != "" || good.ClaimRefused() {
		t.Errorf("got %+v (%v)", good, err)
	}
}
