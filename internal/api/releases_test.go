package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/api"
	"github.com/keyward/keyward/internal/api/apitest"
	"github.com/keyward/keyward/internal/app/delivery"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/license"
)

// releases asks which there are for a key.
func (f *fixture) releases(t *testing.T, key string) api.ReleaseList {
	t.Helper()
	r := f.ask(t, releases, question{"key": key})
	if r.Status != http.StatusOK {
		t.Fatalf("got %d %s", r.Status, r.Text)
	}
	var list api.ReleaseList
	if err := json.Unmarshal([]byte(r.Text), &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// told is what software is told of releases, and found what their owner finds
// in the portal: versions, those locked with their check.
func (f *fixture) told(t *testing.T, key string) (list []string) {
	t.Helper()
	for _, r := range f.releases(t, key).Releases {
		list = append(list, r.Version+" "+r.Code)
		if r.Allowed != (r.Code == "valid") || r.Allowed != (len(r.Files) == 1) {
			t.Errorf("%s is allowed: %t, %s, with %d files", r.Version, r.Allowed, r.Code, len(r.Files))
		}
	}
	return list
}

func (f *fixture) found(t *testing.T) (list []string) {
	t.Helper()
	owner := account.Actor{Kind: account.ActorPerson, CustomerID: f.customer.ID, Role: account.Owner}
	d, err := f.Delivery.Downloads(t.Context(), owner, delivery.Query{ProductID: f.product.ID})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range d.Groups {
		for _, i := range g.Items {
			list = append(list, i.Version+" "+string(i.Verdict.Code))
		}
	}
	return list
}

func (f *fixture) publish(t *testing.T, version string) {
	t.Helper()
	_, err := f.Delivery.Publish(t.Context(), account.System("test"), delivery.NewRelease{
		Product: f.product.ID, Version: version, At: f.Now().Add(-time.Hour), Summary: "What is new in " + version,
		Files: []delivery.Upload{{FileName: "studio.zip", Platform: "Linux", Size: -1, Content: strings.NewReader("content of " + version)}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// P-DL-23: through its life a license gives software the answer that its owner
// gets in the portal.
func TestReleasesAreThoseOfThePortal(t *testing.T) {
	f := newFixture(t, apitest.Options{})
	limit := "8.x"
	l, key := f.license, f.key
	f.publish(t, "8.4")
	change := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	wantBoth := func(want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, f.told(t, key)); diff != "" {
			t.Errorf("software is told (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, f.found(t)); diff != "" {
			t.Errorf("the owner finds (-want +got):\n%s", diff)
		}
	}
	wantBoth("8.4 valid")
	ctx, vendor := t.Context(), account.System("test")
	_, err := f.Licensing.Suspend(ctx, vendor, l.ID, license.Payment, "")
	change(err)
	wantBoth()
	_, err = f.Licensing.Reinstate(ctx, vendor, l.ID)
	change(err)
	f.publish(t, "9.0")
	wantBoth("9.0 valid", "8.4 valid")
	_, err = f.Delivery.SetState(ctx, vendor, f.product.ID, "8.4", license.Withdrawn, time.Time{})
	change(err)
	wantBoth("9.0 valid")
	_, err = f.Licensing.Revoke(ctx, vendor, l.ID, license.Refund, "")
	change(err)
	wantBoth()

	f.publish(t, "8.5")
	l, key = f.Issue(f.product, licensing.Issue{CustomerID: f.customer.ID, MaxVersion: &limit})
	wantBoth("8.5 valid", "9.0 version_not_eligible")
}

func TestReleasesName(t *testing.T) {
	f := newFixture(t, apitest.Options{})
	f.publish(t, "8.4")
	list := f.releases(t, f.key)
	if len(list.Releases) != 1 || list.License == nil || list.License.ID != string(f.license.ID) {
		t.Fatalf("got %+v", list)
	}
	got := list.Releases[0]
	if got.Channel != "stable" || got.Summary != "What is new in 8.4" || !got.ReleasedAt.Equal(f.Now().Add(-time.Hour)) {
		t.Errorf("got %+v", got)
	}
	file := got.Files[0]
	if file.Name != "studio.zip" || file.Platform != "linux" || file.Size != int64(len("content of 8.4")) || len(file.SHA256) != 64 {
		t.Errorf("got %+v", file)
	}
}

// What another product's token asks for does not exist for it.
func TestReleasesOfOthers(t *testing.T) {
	f := newFixture(t, apitest.Options{})
	f.publish(t, "8.4")
	other := f.AddProduct("Other", nil)
	for name, ask := range map[string]question{
		"unknown key": {"key": "ACME-7K2M-9QRT-4WXY-P3DF"}, "another product's key": {"key": f.key},
	} {
		f.product.Token = other.Token
		r := f.ask(t, releases, ask)
		var list api.ReleaseList
		if err := json.Unmarshal([]byte(r.Text), &list); err != nil {
			t.Fatal(err)
		}
		if list.License != nil || len(list.Releases) != 0 || list.Verdict.Valid || strings.Contains(r.Text, "8.4") {
			t.Errorf("%s: got %s", name, r.Text)
		}
	}
}
