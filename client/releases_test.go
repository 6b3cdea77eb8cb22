package client_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/client"
	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/delivery"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/verdict"
)

func (d *device) publish(t *testing.T, version string, channel license.Channel) {
	t.Helper()
	_, err := d.Delivery.Publish(t.Context(), account.System("test"), delivery.NewRelease{
		Product: d.product.ID, Version: version, Channel: channel, At: d.Now().Add(-time.Hour), Summary: "What is new in " + version,
		Files: []delivery.Upload{{FileName: "studio.zip", Platform: "linux", Architecture: "arm64", Size: -1, Content: strings.NewReader(version)}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// P-DL-23: software finds the releases that its owner finds in the portal.
func TestReleases(t *testing.T) {
	d := newDevice(t)
	limit := "8.x"
	_, key := d.Issue(d.product, licensing.Issue{CustomerID: d.AddCustomer("Sparse").ID, MaxVersion: &limit})
	for version, channel := range map[string]license.Channel{"8.4": license.Stable, "8.10": license.Hotfix, "8.11": license.Beta, "9.0": license.Stable} {
		d.publish(t, version, channel)
	}
	list, err := d.Releases(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]verdict.Code{}
	for _, r := range list.Releases {
		got[r.Version] = r.Code
		if r.Allowed != (len(r.Files) == 1) || r.ReleasedAt.IsZero() || r.Summary != "What is new in "+r.Version {
			t.Errorf("got %+v", r)
		}
	}
	want := map[string]verdict.Code{"8.4": verdict.Valid, "8.10": verdict.Valid, "8.11": verdict.Valid, "9.0": verdict.VersionNotEligible}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	newest := list.Newest()
	if newest == nil || newest.Version != "8.10" || newest.Files[0].Architecture != "arm64" || len(newest.Files[0].SHA256) != 64 || list.License == nil {
		t.Errorf("newest %+v of %+v", newest, list.License)
	}
	if beta := list.Newest("beta"); beta == nil || beta.Version != "8.11" {
		t.Errorf("newest beta %+v", beta)
	}

	unknown, err := d.Releases(t.Context(), "KW-NOPE1-NOPE2-NOPE3-NOPE4")
	if err != nil || unknown.License != nil || unknown.Verdict.Code != verdict.KeyUnknown || unknown.Newest() != nil {
		t.Errorf("got %+v, %v", unknown, err)
	}
	d.line.cut()
	if list, err := d.Releases(t.Context(), key); list != nil || !errors.Is(err, client.ErrAway) {
		t.Errorf("got %+v, %v", list, err)
	}
}
