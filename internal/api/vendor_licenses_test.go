package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/api"
	"github.com/keyward/keyward/internal/license"
)

const licenses = "/api/v2/licenses"

func (v *vendor) issue(in body, header ...string) api.IssuedLicense {
	v.t.Helper()
	if in["product_id"] == nil {
		in["product_id"] = string(v.product.ID)
	}
	return read[api.IssuedLicense](v.t, v.call("POST", licenses, in, header...), 201)
}

func TestLicenseIsIssuedAndLivesItsLifeOverTheAPI(t *testing.T) {
	v := newVendor(t)
	made := v.issue(body{"limit": nil, "validity_days": 30, "max_version": "8.x", "features": body{"seats": 5}})
	if made.License.Limit != nil || made.License.Status != "available" || made.License.Features["seats"] != float64(5) || made.Key == "" {
		t.Fatalf("made %+v", made)
	}
	path := licenses + "/" + made.License.ID
	version := int64(1)
	step := func(method, action string, in body, status string) api.LicenseRecord {
		t.Helper()
		r := v.call(method, path+action, in, "If-Match", fmt.Sprintf(`"%d"`, version))
		l := read[api.LicenseRecord](t, r, 200)
		if l.Status != status || l.Version != version+1 || r.Header.Get("ETag") != fmt.Sprintf(`"%d"`, l.Version) {
			t.Fatalf("%s: got %+v with ETag %s", action, l, r.Header.Get("ETag"))
		}
		version = l.Version
		return l
	}
	l := step("POST", "/assign", body{"customer_id": string(v.customer.ID)}, "assigned")
	if want := v.Now().AddDate(0, 0, 30); l.ExpiresAt == nil || !l.ExpiresAt.Equal(want) {
		t.Errorf("it expires %v, want %v", l.ExpiresAt, want)
	}
	step("POST", "/suspend", body{"reason": "payment", "note": "Please pay."}, "suspended")
	step("POST", "/reinstate", body{}, "assigned")
	if l := step("POST", "/renew", body{"days": 10}, "assigned"); !l.ExpiresAt.Equal(v.Now().AddDate(0, 0, 40)) {
		t.Errorf("renewed until %v", l.ExpiresAt)
	}
	l = step("PATCH", "", body{"limit": 7, "expires_at": nil, "max_version": nil, "features": body{"export": false}}, "assigned")
	if *l.Limit != 7 || l.ExpiresAt != nil || l.MaxVersion != nil || l.Features["export"] != false || l.Features["seats"] != float64(5) {
		t.Errorf("edited: %+v", l)
	}
	step("POST", "/revoke", body{"reason": "refund"}, "revoked")

	var story []string
	for _, e := range read[api.Page[api.EventRecord]](t, v.call("GET", path+"/history", nil), 200).Items {
		story = append(story, e.Type)
	}
	want := []string{"license.created", "license.assigned", "license.suspended", "license.unsuspended", "license.renewed", "license.changed", "license.revoked"}
	if diff := cmp.Diff(want, story); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

func TestChangeOfALicenseThatChangedSinceIsRefused(t *testing.T) {
	v := newVendor(t)
	path := licenses + "/" + string(v.license.ID)
	etag := v.call("GET", path, nil).Header.Get("ETag")
	read[api.LicenseRecord](t, v.call("POST", path+"/suspend", body{"reason": "manual"}, "If-Match", etag), 200)
	for _, stale := range []string{etag, `"99"`, `W/"2"`, "2", `"x"`} {
		wantProblem(t, v.call("PATCH", path, body{"limit": 3}, "If-Match", stale), 412, "version_stale")
	}
	if l := read[api.LicenseRecord](t, v.call("GET", path, nil), 200); *l.Limit != 2 || l.Status != "suspended" {
		t.Errorf("changed: %+v", l)
	}
}

func TestBadInputOfTheVendorNamesTheField(t *testing.T) {
	v := newVendor(t)
	path := licenses + "/" + string(v.license.ID)
	product := string(v.product.ID)
	for name, c := range map[string]struct {
		method, path string
		in           body
		field        string
	}{
		"limit 0":               {"POST", licenses, body{"product_id": product, "limit": 0}, "limit"},
		"limit 0 on change":     {"PATCH", path, body{"limit": 0}, "limit"},
		"expiry in the past":    {"PATCH", path, body{"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"},
		"no version":            {"PATCH", path, body{"max_version": "latest"}, "max_version"},
		"wrong type of feature": {"PATCH", path, body{"features": body{"export": "yes"}}, "features"},
		"unknown feature":       {"PATCH", path, body{"features": body{"color": true}}, "features"},
		"unknown field":         {"PATCH", path, body{"seats": 4}, "seats"},
		"no product":            {"POST", licenses, body{}, "product_id"},
		"no id of a product":    {"POST", licenses, body{"product_id": "studio"}, "product_id"},
		"short key":             {"POST", licenses, body{"product_id": product, "key": "AB-1"}, "key"},
		"count 0":               {"POST", licenses + "/bulk/issue", body{"product_id": product, "count": 0}, "count"},
		"count 1001":            {"POST", licenses + "/bulk/issue", body{"product_id": product, "count": 1001}, "count"},
		"unknown field in list": {"POST", licenses + "/import", body{"product_id": product, "licenses": []body{{"key": "IMPORTED-1", "seats": 1}}}, "licenses[0].seats"},
		"no ids":                {"POST", licenses + "/bulk/renew", body{"ids": []string{}, "change": body{"days": 1}}, "ids"},
		"unknown reason":        {"POST", path + "/suspend", body{"reason": "mood"}, "reason"},
		"verdict of the past":   {"POST", path + "/verdict", body{"purpose": "use", "at": "2020-01-01T00:00:00Z"}, "at"},
		"unknown status":        {"GET", licenses + "?status=happy", nil, "status"},
		"limit of a list":       {"GET", licenses + "?limit=101", nil, "limit"},
		"cursor that is none":   {"GET", licenses + "?after=x", nil, "after"},
		"filter sent twice":     {"GET", licenses + "?limit=1&limit=2", nil, "limit"},
	} {
		t.Run(name, func(t *testing.T) {
			r := v.call(c.method, c.path, c.in, "If-Match", fmt.Sprintf(`"%d"`, v.license.Version))
			wantProblem(t, r, 400, "invalid_input")
			if got := fieldsOf(r.Problem); len(got) != 1 || got[0] != c.field {
				t.Errorf("names %v, want %s", got, c.field)
			}
		})
	}
}

func TestRepeatedWriteIsDoneOnce(t *testing.T) {
	v := newVendor(t)
	first := v.issue(body{"limit": 3}, "Idempotency-Key", "order-1")
	again := v.issue(body{"limit": 3}, "Idempotency-Key", "order-1")
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("(-first +again):\n%s", diff)
	}
	in := body{"limit": 4, "product_id": string(v.product.ID)}
	wantProblem(t, v.call("POST", licenses, in, "Idempotency-Key", "order-1"), 409, "idempotency_conflict")
	r := v.call("POST", licenses, in, "Idempotency-Key", strings.Repeat("x", 129))
	wantProblem(t, r, 400, "invalid_input")

	path := licenses + "/" + first.License.ID + "/assign"
	to := body{"customer_id": string(v.customer.ID)}
	one := v.call("POST", path, to, "If-Match", `"1"`, "Idempotency-Key", "a")
	two := v.call("POST", path, to, "If-Match", `"1"`, "Idempotency-Key", "a")
	if one.Status != 200 || one.Text != two.Text {
		t.Errorf("a repeated change answers\n%s\n%s", one.Text, two.Text)
	}
	page := read[api.Page[api.LicenseRecord]](t, v.call("GET", licenses, nil), 200)
	if len(page.Items) != 2 {
		t.Errorf("%d licenses, want the fixture's and the one issued", len(page.Items))
	}
}

func TestRefusalIsNotRemembered(t *testing.T) {
	v := newVendor(t)
	made := v.issue(body{"validity_days": 30})
	path := licenses + "/" + made.License.ID
	renew := func() reply {
		return v.call("POST", path+"/renew", body{"days": 1}, "If-Match", `"1"`, "Idempotency-Key", "r")
	}
	wantProblem(t, renew(), 409, "transition_refused")
	wantProblem(t, renew(), 409, "transition_refused")
	bulk := func() api.Results {
		return read[api.Results](t, v.call("POST", licenses+"/bulk/renew", body{"ids": []string{made.License.ID}, "change": body{"days": 1}}, "Idempotency-Key", "b"), 200)
	}
	if r := bulk(); r.Failed != 1 {
		t.Fatalf("%+v", r)
	}
	read[api.LicenseRecord](t, v.call("POST", path+"/assign", body{"customer_id": string(v.customer.ID)}, "If-Match", `"1"`), 200)
	first, again := bulk(), bulk()
	if first.Done != 1 || again.Done != 1 || again.Results[0].License.Version != first.Results[0].License.Version {
		t.Errorf("first %+v, again %+v", first, again)
	}
}

func TestManyAnswerEachForItself(t *testing.T) {
	v := newVendor(t)
	issued := read[api.Results](t, v.call("POST", licenses+"/bulk/issue", body{"product_id": string(v.product.ID), "count": 3}, "Idempotency-Key", "m"), 200)
	if issued.Done != 3 || issued.Results[0].Key == issued.Results[1].Key || issued.Results[2].Key == "" {
		t.Fatalf("%+v", issued)
	}
	ids := []string{issued.Results[0].ID, "no-id", issued.Results[1].ID}
	assigned := read[api.Results](t, v.call("POST", licenses+"/bulk/assign", body{"ids": ids, "change": body{"customer_id": string(v.customer.ID)}}), 200)
	if assigned.Done != 2 || assigned.Failed != 1 || assigned.Results[1].Problem.Code != "not_found" || assigned.Results[1].ID != "no-id" {
		t.Fatalf("%+v", assigned)
	}
	for _, c := range []struct {
		action string
		change body
		status string
	}{{"suspend", body{"reason": "manual"}, "suspended"}, {"reinstate", body{}, "assigned"}, {"revoke", body{"reason": "leak"}, "revoked"}} {
		r := read[api.Results](t, v.call("POST", licenses+"/bulk/"+c.action, body{"ids": ids[:1], "change": c.change}), 200)
		if r.Done != 1 || r.Results[0].License.Status != c.status {
			t.Errorf("%s: %+v", c.action, r)
		}
	}
}

func TestImportSaysWhatBecomesOfEachKey(t *testing.T) {
	v := newVendor(t)
	in := body{"product_id": string(v.product.ID), "dry_run": true, "licenses": []body{
		{"key": "LEGACY-0001-AAAA"}, {"key": v.key}, {"key": "legacy-0001-aaaa"}, {"key": "short"},
		{"key": "LEGACY-0002-BBBB", "customer_id": string(v.customer.ID), "limit": 9},
	}}
	check := func(r api.Results) {
		t.Helper()
		var codes []string
		for _, one := range r.Results {
			code := "done"
			if one.Problem != nil {
				code = one.Problem.Code
			}
			codes = append(codes, code)
		}
		if diff := cmp.Diff([]string{"done", "key_exists", "key_exists", "invalid_input", "done"}, codes); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	count := func() int {
		return len(read[api.Page[api.LicenseRecord]](t, v.call("GET", licenses, nil), 200).Items)
	}
	check(read[api.Results](t, v.call("POST", licenses+"/import", in, "Idempotency-Key", "i"), 200))
	if count() != 1 {
		t.Fatal("a dry run wrote something")
	}
	in["dry_run"] = false
	check(read[api.Results](t, v.call("POST", licenses+"/import", in, "Idempotency-Key", "i"), 200))
	check(read[api.Results](t, v.call("POST", licenses+"/import", in, "Idempotency-Key", "i"), 200)) // a retry after a broken line
	if count() != 3 {
		t.Errorf("%d licenses", count())
	}
	found := read[api.LicenseRecord](t, v.call("POST", licenses+"/find", body{"key": "legacy 0002 bbbb"}), 200)
	if *found.Limit != 9 || found.Status != "assigned" {
		t.Errorf("found %+v", found)
	}
}

func TestLicensesAreListedByPageAndFilter(t *testing.T) {
	v := newVendor(t)
	for range 4 {
		v.issue(body{"validity_days": 10, "customer_id": string(v.customer.ID)})
	}
	seen := map[string]bool{}
	after, pages := "", 0
	for {
		page := read[api.Page[api.LicenseRecord]](t, v.call("GET", licenses+"?limit=2"+after, nil), 200)
		for _, l := range page.Items {
			seen[l.ID] = true
		}
		if pages++; page.Next == "" {
			break
		}
		after = "&after=" + page.Next
	}
	if len(seen) != 5 || pages != 3 {
		t.Errorf("%d licenses on %d pages", len(seen), pages)
	}
	for query, want := range map[string]int{
		"?ends_within_days=10": 4, "?ends_within_days=9": 0, "?status=assigned": 5, "?status=revoked": 0,
		"?customer=" + string(v.customer.ID): 5, "?customer=" + string(v.license.ID): 0, "?product=" + string(v.product.ID) + "&status=assigned": 5,
	} {
		if got := len(read[api.Page[api.LicenseRecord]](t, v.call("GET", licenses+query, nil), 200).Items); got != want {
			t.Errorf("%s lists %d, want %d", query, got, want)
		}
	}
}

func TestVerdictIsToldForAnInstantToCome(t *testing.T) {
	v := newVendor(t)
	made := v.issue(body{"validity_days": 10, "customer_id": string(v.customer.ID)})
	path := licenses + "/" + made.License.ID + "/verdict"
	if now := read[api.Verdict](t, v.call("POST", path, body{"purpose": "add_device"}), 200); !now.Valid {
		t.Errorf("now: %+v", now)
	}
	later := read[api.Verdict](t, v.call("POST", path, body{"purpose": "add_device", "at": v.Now().Add(11 * 24 * time.Hour)}), 200)
	if later.Valid || later.Code != "expired" {
		t.Errorf("later: %s", later.Code)
	}
}

func TestDeviceIsTakenOffByTheVendor(t *testing.T) {
	v := newVendor(t)
	wantVerdict(t, v.ask(t, activate, v.about(v.key, "HW-1")), "valid")
	path := licenses + "/" + string(v.license.ID) + "/activations"
	page := read[api.Page[api.ActivationRecord]](t, v.call("GET", path, nil), 200)
	if len(page.Items) != 1 || page.Items[0].Status != "active" || page.Items[0].Device.ID != "HW-1" {
		t.Fatalf("%+v", page)
	}
	off := path + "/" + page.Items[0].ID + "/deactivate"
	for range 2 {
		read[api.Done](t, v.call("POST", off, body{}, "Idempotency-Key", "d"), 200)
	}
	page = read[api.Page[api.ActivationRecord]](t, v.call("GET", path, nil), 200)
	if page.Items[0].Status != "deactivated" || page.Items[0].EndedAt == nil {
		t.Errorf("%+v", page)
	}
	wantProblem(t, v.call("POST", path+"/"+string(v.customer.ID)+"/deactivate", body{}), 404, "not_found")
}

func TestWholeKeyIsShownOnlyWhereItIsAskedFor(t *testing.T) {
	v := newVendor(t)
	path := licenses + "/" + string(v.license.ID)
	for _, r := range []reply{v.call("GET", licenses, nil), v.call("GET", path, nil), v.call("GET", path+"/history", nil)} {
		if strings.Contains(r.Text, v.key) {
			t.Errorf("a whole key: %s", r.Text)
		}
	}
	without := v.as(v.AddSecret(license.Production, account.LicensesRead, account.LicensesWrite, account.LicensesControl))
	wantProblem(t, without.call("POST", path+"/reveal-key", body{}), 403, "permission_missing")
	if got := read[api.WholeKey](t, v.call("POST", path+"/reveal-key", body{}), 200); got.Key != v.key {
		t.Errorf("revealed %q", got.Key)
	}
	history := read[api.Page[api.EventRecord]](t, v.call("GET", path+"/history", nil), 200)
	if last := history.Items[len(history.Items)-1]; last.Type != "license.key_revealed" {
		t.Errorf("no event: %+v", last)
	}
	if strings.Contains(v.Log(), v.key) {
		t.Error("the key is in the log")
	}
}
