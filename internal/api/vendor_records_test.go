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

const (
	products  = "/api/v2/products"
	customers = "/api/v2/customers"
)

// Somebody who has only the API sells a license: product, plan, customer, license.
func TestVendorSellsFromNothing(t *testing.T) {
	v := newVendor(t)
	p := read[api.ProductRecord](t, v.call("POST", products, body{
		"name": "Cartograph", "accepts_hardware": true, "self_deactivation": true,
		"features": []body{{"key": "layers", "type": "number", "value": 3}},
	}, "Idempotency-Key", "p"), 201)
	again := read[api.ProductRecord](t, v.call("POST", products, body{
		"name": "Cartograph", "accepts_hardware": true, "self_deactivation": true,
		"features": []body{{"key": "layers", "type": "number", "value": 3}},
	}, "Idempotency-Key", "p"), 201)
	if diff := cmp.Diff(p, again); diff != "" || p.Environment != "production" || !p.Active || p.Slug != "cartograph" {
		t.Fatalf("made %+v (-first +again):\n%s", p, diff)
	}
	plan := read[api.PlanRecord](t, v.call("POST", products+"/"+p.ID+"/generators", body{
		"name": "Team", "pattern": "CART-{X:5}-{X:5}-{X:5}-{X:5}", "limit": nil, "validity_days": 365,
		"features": []body{{"key": "layers", "type": "number", "value": "unlimited"}},
	}), 201)
	if plan.Limit != nil || *plan.ValidityDays != 365 {
		t.Errorf("plan %+v", plan)
	}
	plans := read[api.Page[api.PlanRecord]](t, v.call("GET", products+"/"+p.ID+"/generators", nil), 200)
	if len(plans.Items) != 2 || plans.Items[1].Name != "Team" || *plans.Items[0].Limit != 1 {
		t.Errorf("plans %+v", plans)
	}
	if keys := read[api.KeySet](t, v.call("GET", products+"/"+p.ID+"/keys", nil), 200); len(keys.Keys) != 1 || keys.Keys[0]["d"] != nil {
		t.Errorf("keys %+v", keys)
	}
	c := read[api.CustomerRecord](t, v.call("POST", customers, body{"name": "Ada GmbH", "email": "ada@example.com"}), 201)
	l := v.issue(body{"product_id": p.ID, "plan": "team", "customer_id": c.ID})
	if !strings.HasPrefix(l.Key, "CART-") || l.License.Status != "assigned" || l.License.Features["layers"] != "unlimited" || l.License.Limit != nil {
		t.Errorf("license %+v", l)
	}
}

func TestProductChanges(t *testing.T) {
	v := newVendor(t)
	path := products + "/" + string(v.product.ID)
	off := read[api.ProductRecord](t, v.edit("POST", path, "/active", body{"active": false}), 200)
	swaps := read[api.ProductRecord](t, v.edit("POST", path, "/swaps", body{"allowed": 3, "period_seconds": 86400}), 200)
	delivery := read[api.ProductRecord](t, v.edit("POST", path, "/delivery", body{"activation_first": true, "after_expiry": false, "latest_only": true, "changelog": false}), 200)
	if off.Active || swaps.Swaps.Allowed != 3 || swaps.Swaps.PeriodSeconds != 86400 || !delivery.Delivery.LatestOnly {
		t.Errorf("%+v", delivery)
	}
	offline := read[api.ProductRecord](t, v.edit("POST", path, "/offline", body{"allowed": true, "days": 30, "files": 2}), 200)
	slug := read[api.ProductRecord](t, v.edit("POST", path, "/slug", body{"slug": "atelier"}), 200)
	killed := read[api.ProductRecord](t, v.edit("POST", path, "/killed", body{"killed": true}), 200)
	back := read[api.ProductRecord](t, v.edit("POST", path, "/killed", body{"killed": false}), 200)
	if !offline.OfflineAllowed || slug.Slug != "atelier" || killed.KilledAt == nil || back.KilledAt != nil {
		t.Errorf("offline %+v, slug %q, killed %v and back %v", offline, slug.Slug, killed.KilledAt, back.KilledAt)
	}
	read[api.ProductRecord](t, v.call("GET", path, nil), 200)
	if page := read[api.Page[api.ProductRecord]](t, v.call("GET", products, nil), 200); len(page.Items) != 1 || page.Items[0].Active {
		t.Errorf("listed %+v", page)
	}
	for field, in := range map[string]body{
		"accepts_hardware": {"name": "Nothing fits"},
		"slug":             {"name": "X", "slug": "A B", "accepts_domain": true},
		"features":         {"name": "X", "accepts_domain": true, "features": []body{{"key": "a", "type": "boolean", "value": 4}}},
	} {
		r := v.call("POST", products, in)
		if wantProblem(t, r, 400, "invalid_input"); !strings.HasPrefix(fieldsOf(r.Problem)[0], field) {
			t.Errorf("names %v, want %s", fieldsOf(r.Problem), field)
		}
	}
}

func TestCustomersAndTheirPeople(t *testing.T) {
	v := newVendor(t)
	in := body{"name": "Ada GmbH", "email": "ada@example.com", "person_name": "Ada"}
	c := read[api.CustomerRecord](t, v.call("POST", customers, in, "Idempotency-Key", "c"), 201)
	if again := read[api.CustomerRecord](t, v.call("POST", customers, in, "Idempotency-Key", "c"), 201); again != c {
		t.Errorf("again %+v, first %+v", again, c)
	}
	r := v.call("POST", customers, in)
	if wantProblem(t, r, 409, "email_taken"); fieldsOf(r.Problem)[0] != "email" {
		t.Errorf("names %v", fieldsOf(r.Problem))
	}
	path := customers + "/" + c.ID
	read[api.PersonRecord](t, v.call("POST", path+"/people", body{"email": "bob@example.com", "role": "viewer"}), 201)
	people := read[api.Page[api.PersonRecord]](t, v.call("GET", path+"/people", nil), 200)
	if len(people.Items) != 2 || people.Items[0].Role != "owner" || people.Items[1].Email != "bob@example.com" {
		t.Errorf("people %+v", people)
	}
	if off := read[api.CustomerRecord](t, v.edit("POST", path, "/status", body{"status": "inactive"}), 200); off.Status != "inactive" {
		t.Errorf("status %+v", off)
	}
	if got := read[api.CustomerRecord](t, v.call("GET", path, nil), 200); got.Status != "inactive" {
		t.Errorf("read %+v", got)
	}
	if page := read[api.Page[api.CustomerRecord]](t, v.call("GET", customers+"?limit=1", nil), 200); len(page.Items) != 1 || page.Next == "" {
		t.Errorf("listed %+v", page)
	}
	wantProblem(t, v.call("GET", customers+"/"+string(v.license.ID), nil), 404, "not_found")
	for field, in := range map[string]body{"email": {"name": "X", "email": "nobody"}, "name": {"email": "x@example.com"}} {
		r := v.call("POST", customers, in)
		if wantProblem(t, r, 400, "invalid_input"); fieldsOf(r.Problem)[0] != field {
			t.Errorf("names %v, want %s", fieldsOf(r.Problem), field)
		}
	}
}

func TestProductsAndPlansAreEdited(t *testing.T) {
	v := newVendor(t)
	path := products + "/" + string(v.product.ID)
	before := read[api.ProductRecord](t, v.call("GET", path, nil), 200)

	edited := read[api.ProductRecord](t, v.edit("PATCH", path, "", body{"name": "Atelier", "lease_seconds": 7200, "hold_seconds": 900, "renewal_url": ""}), 200)
	if edited.Name != "Atelier" || edited.LeaseSeconds != 7200 || edited.HoldSeconds != 900 || edited.Version != before.Version+1 || edited.Slug != before.Slug {
		t.Errorf("edited %+v", edited)
	}
	if same := read[api.ProductRecord](t, v.edit("PATCH", path, "", body{"name": "Atelier"}), 200); same.Version != edited.Version {
		t.Errorf("saying it again makes version %d of %d", same.Version, edited.Version)
	}
	old := fmt.Sprintf(`"%d"`, before.Version)
	wantProblem(t, v.call("PATCH", path, body{"name": "Late"}, "If-Match", old), 412, "version_stale")
	wantProblem(t, v.call("PATCH", path, body{"name": "Blind"}), 428, "precondition_required")
	r := v.edit("PATCH", path, "", body{"hold_seconds": 5})
	if wantProblem(t, r, 400, "invalid_input"); fieldsOf(r.Problem)[0] != "hold_seconds" {
		t.Errorf("names %v", fieldsOf(r.Problem))
	}
	if got := read[api.ProductRecord](t, v.call("GET", path, nil), 200); got.Name != "Atelier" || got.HoldSeconds != 900 {
		t.Errorf("refusals changed it: %+v", got)
	}

	plans := path + "/generators"
	made := read[api.PlanRecord](t, v.call("POST", plans, body{"name": "Team", "pattern": "CART-{X:5}-{X:5}-{X:5}-{X:5}"}), 201)
	plan := read[api.PlanRecord](t, v.edit("PATCH", plans+"/"+made.ID, "", body{"name": "Crew", "limit": 7, "active": false}), 200)
	if plan.Name != "Crew" || *plan.Limit != 7 || plan.Active || plan.Version != made.Version+1 {
		t.Errorf("plan %+v", plan)
	}
	wantProblem(t, v.call("POST", licenses, body{"product_id": string(v.product.ID), "plan": "Crew"}), 409, "generator_inactive")
	on := read[api.Page[api.PlanRecord]](t, v.call("GET", plans+"?active=true", nil), 200)
	off := read[api.Page[api.PlanRecord]](t, v.call("GET", plans+"?active=false", nil), 200)
	if len(on.Items) != 1 || len(off.Items) != 1 || off.Items[0].ID != made.ID {
		t.Errorf("on %+v, off %+v", on, off)
	}
	first := read[api.Page[api.PlanRecord]](t, v.call("GET", plans+"?limit=1", nil), 200)
	next := read[api.Page[api.PlanRecord]](t, v.call("GET", plans+"?limit=1&after="+first.Next, nil), 200)
	if first.Next == "" || len(next.Items) != 1 || next.Items[0].ID != made.ID || next.Next != "" {
		t.Errorf("pages %+v and %+v", first, next)
	}
	staging := v.as(v.AddSecret(license.Staging, account.Permissions()...))
	wantProblem(t, staging.call("PATCH", path, body{"name": "Mine"}, "If-Match", old), 404, "not_found")
	wantProblem(t, staging.call("PATCH", plans+"/"+made.ID, body{"name": "Mine"}, "If-Match", old), 404, "not_found")
	wantProblem(t, staging.call("GET", plans+"/"+made.ID, nil), 404, "not_found")
}

func TestKeysAreRotated(t *testing.T) { // C-PRD-04
	v := newVendor(t)
	path := products + "/" + string(v.product.ID)
	before := read[api.KeySet](t, v.call("GET", path+"/keys", nil), 200)
	at := func() string {
		return fmt.Sprintf(`"%d"`, read[api.ProductRecord](t, v.call("GET", path, nil), 200).Version)
	}
	version := at()
	from := body{"from": v.Now().Add(24 * time.Hour)}
	for range 2 { // a retry makes no second key
		after := read[api.KeySet](t, v.call("POST", path+"/keys/rotate", from, "If-Match", version, "Idempotency-Key", "r"), 200)
		if len(after.Keys) != 2 || after.Keys[1]["kid"] != before.Keys[0]["kid"] {
			t.Errorf("keys %v after %v", after, before)
		}
	}
	wantProblem(t, v.call("POST", path+"/keys/rotate", body{}, "If-Match", version), 412, "version_stale")
	wantProblem(t, v.call("POST", path+"/keys/rotate", body{}, "If-Match", at()), 409, "rotation_waits")
	r := v.call("POST", path+"/keys/rotate", body{"from": "2020-01-01T00:00:00Z"}, "If-Match", at())
	if wantProblem(t, r, 400, "invalid_input"); fieldsOf(r.Problem)[0] != "from" {
		t.Errorf("names %v", fieldsOf(r.Problem))
	}
	staging := v.as(v.AddSecret(license.Staging, account.Permissions()...))
	wantProblem(t, staging.call("POST", path+"/keys/rotate", body{}, "If-Match", `"1"`), 404, "not_found")
}

func TestProductsAreFiltered(t *testing.T) {
	v := newVendor(t)
	other := read[api.ProductRecord](t, v.call("POST", products, body{"name": "Other", "accepts_domain": true}), 201)
	read[api.ProductRecord](t, v.edit("POST", products+"/"+other.ID, "/active", body{"active": false}), 200)
	for query, want := range map[string]string{"?active=false": other.ID, "?active=true": string(v.product.ID), "?slug=other": other.ID} {
		if page := read[api.Page[api.ProductRecord]](t, v.call("GET", products+query, nil), 200); len(page.Items) != 1 || page.Items[0].ID != want {
			t.Errorf("%s lists %+v", query, page.Items)
		}
	}
	wantProblem(t, v.call("GET", products+"?active=maybe", nil), 400, "invalid_input")
}

func TestCustomersAndPeopleAreEdited(t *testing.T) {
	v := newVendor(t)
	c := read[api.CustomerRecord](t, v.call("POST", customers, body{"name": "Ada GmbH", "email": "ada@example.com"}), 201)
	path := customers + "/" + c.ID
	renamed := read[api.CustomerRecord](t, v.edit("PATCH", path, "", body{"name": "Ada SE"}), 200)
	if renamed.Name != "Ada SE" || renamed.Version != c.Version+1 {
		t.Errorf("renamed %+v", renamed)
	}
	wantProblem(t, v.call("PATCH", path, body{"name": "Late"}, "If-Match", fmt.Sprintf(`"%d"`, c.Version)), 412, "version_stale")

	read[api.CustomerRecord](t, v.edit("POST", path, "/status", body{"status": "suspended"}), 200)
	for query, want := range map[string]int{"?status=suspended": 1, "?email=Ada@example.com": 1, "?email=eve@example.com": 0} {
		if page := read[api.Page[api.CustomerRecord]](t, v.call("GET", customers+query, nil), 200); len(page.Items) != want || want == 1 && page.Items[0].ID != c.ID {
			t.Errorf("%s lists %+v", query, page.Items)
		}
	}

	people := path + "/people"
	bob := read[api.PersonRecord](t, v.call("POST", people, body{"email": "bob@example.com", "role": "viewer"}), 201)
	changed := read[api.PersonRecord](t, v.edit("PATCH", people+"/"+bob.ID, "", body{"role": "manager"}), 200)
	if changed.Role != "manager" || changed.Version != bob.Version+1 {
		t.Errorf("changed %+v", changed)
	}
	if page := read[api.Page[api.PersonRecord]](t, v.call("GET", people+"?role=manager", nil), 200); len(page.Items) != 1 || page.Items[0].ID != bob.ID {
		t.Errorf("managers %+v", page.Items)
	}
	owner := read[api.Page[api.PersonRecord]](t, v.call("GET", people+"?role=owner", nil), 200).Items[0]
	wantProblem(t, v.edit("DELETE", people+"/"+owner.ID, "", nil), 409, "last_owner")
	at := fmt.Sprintf(`"%d"`, changed.Version)
	wantProblem(t, v.call("DELETE", people+"/"+bob.ID, nil), 428, "precondition_required")
	for range 2 { // a retry is told the same
		read[api.Done](t, v.call("DELETE", people+"/"+bob.ID, nil, "If-Match", at, "Idempotency-Key", "d"), 200)
	}
	wantProblem(t, v.call("GET", people+"/"+bob.ID, nil), 404, "not_found")
}

func TestAnotherEnvironmentsProductIsNotFound(t *testing.T) {
	v := newVendor(t)
	staging := v.as(v.AddSecret(license.Staging, account.Permissions()...))
	path := products + "/" + string(v.product.ID)
	for _, at := range []string{"", "/keys", "/generators"} {
		wantProblem(t, staging.call("GET", path+at, nil), 404, "not_found")
	}
	for at, in := range map[string]body{
		"/active": {"active": false}, "/swaps": {}, "/offline": {"allowed": true, "days": 1, "files": 1}, "/slug": {"slug": "x"}, "/killed": {"killed": true}, "/generators": {"name": "A", "pattern": "A-{X:5}-{X:5}-{X:5}-{X:5}"},
		"/delivery": {"activation_first": true, "after_expiry": false, "latest_only": true, "changelog": false},
	} {
		wantProblem(t, staging.call("POST", path+at, in, "If-Match", `"1"`), 404, "not_found")
	}
	if page := read[api.Page[api.ProductRecord]](t, staging.call("GET", products, nil), 200); len(page.Items) != 0 {
		t.Errorf("listed %+v", page)
	}
}

func TestEventsAreReadInOrderFromAPlace(t *testing.T) {
	v := newVendor(t)
	v.issue(body{"customer_id": string(v.customer.ID)})
	if _, err := v.Sealer.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := func(v *vendor) (types []string) {
		after, last := "", int64(0)
		for {
			part := read[api.Events](t, v.call("GET", "/api/v2/events?limit=2"+after, nil), 200)
			for _, e := range part.Items {
				if e.Number <= last {
					t.Errorf("event %d after %d", e.Number, last)
				}
				last, types = e.Number, append(types, e.Type)
			}
			if !part.More {
				return types
			}
			after = "&after=" + part.Next
		}
	}
	got := strings.Join(all(v), " ")
	if !strings.HasSuffix(got, "license.created license.assigned") || strings.Count(got, "license.created") != 2 {
		t.Errorf("got %s", got)
	}
	if other := all(v.as(v.AddSecret(license.Staging, account.EventsRead))); len(other) != 0 {
		t.Errorf("another environment hears %v", other)
	}
	wantProblem(t, v.call("GET", "/api/v2/events?after=-1", nil), 400, "invalid_input")
}
