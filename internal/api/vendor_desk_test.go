package api_test

import (
	"fmt"
	"testing"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/api"
	"github.com/keyward/keyward/internal/app/support"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/ticket"
)

func TestReleasesArePublishedAndWithdrawn(t *testing.T) {
	v := newVendor(t)
	path := products + "/" + string(v.product.ID) + "/releases"
	in := body{"version": "8.4", "channel": "beta", "summary": "Faster maps", "draft": true}
	made := read[api.ReleaseRecord](t, v.call("POST", path, in, "Idempotency-Key", "r"), 201)
	again := read[api.ReleaseRecord](t, v.call("POST", path, in, "Idempotency-Key", "r"), 201)
	if made.State != "draft" || made.Channel != "beta" || again.ID != made.ID {
		t.Fatalf("made %+v, again %+v", made, again)
	}
	wantProblem(t, v.call("POST", path, in), 409, "version_taken")
	for _, c := range []struct{ action, state string }{{"publish", "published"}, {"withdraw", "withdrawn"}, {"publish", "published"}} {
		for range 2 {
			r := read[api.ReleaseRecord](t, v.call("POST", path+"/8.4/"+c.action, body{}, "Idempotency-Key", c.state+c.action), 200)
			if c.action == "withdraw" && r.State != c.state {
				t.Errorf("%s: %+v", c.action, r)
			}
		}
	}
	read[api.ReleaseRecord](t, v.call("POST", path, body{"version": "8.5"}), 201)
	page := read[api.Page[api.ReleaseRecord]](t, v.call("GET", path+"?limit=1", nil), 200)
	rest := read[api.Page[api.ReleaseRecord]](t, v.call("GET", path+"?limit=1&after="+page.Next, nil), 200)
	if len(page.Items) != 1 || len(rest.Items) != 1 || page.Items[0].Version == rest.Items[0].Version || rest.Next != "" {
		t.Errorf("first %+v, then %+v", page, rest)
	}
	wantProblem(t, v.call("POST", path+"/9.9/withdraw", body{}), 404, "not_found")
	r := v.call("POST", path, body{"version": "latest"})
	if wantProblem(t, r, 400, "invalid_input"); fieldsOf(r.Problem)[0] != "version" {
		t.Errorf("names %v", fieldsOf(r.Problem))
	}
	staging := v.as(v.AddSecret(license.Staging, account.Permissions()...))
	wantProblem(t, staging.call("GET", path, nil), 404, "not_found")
	wantProblem(t, staging.call("POST", path, body{"version": "9.0"}), 404, "not_found")
	wantProblem(t, staging.call("POST", path+"/8.4/withdraw", body{}), 404, "not_found")
}

func TestTicketsAreReadAndAnswered(t *testing.T) {
	v := newVendor(t)
	c := read[api.CustomerRecord](t, v.call("POST", customers, body{"name": "Ada GmbH", "email": "ada@example.com"}), 201)
	ada := read[api.Page[api.PersonRecord]](t, v.call("GET", customers+"/"+c.ID+"/people", nil), 200).Items[0]
	asker := account.Actor{Kind: account.ActorPerson, ID: id.ID(ada.ID), CustomerID: id.ID(c.ID), Role: account.Owner}
	asked, err := v.Support.Create(t.Context(), asker, support.Question{
		Subject: "It does not start", Category: v.Support.Categories[0].Code, Priority: ticket.Normal, Description: "It says no.",
	})
	if err != nil {
		t.Fatal(err)
	}
	path := fmt.Sprintf("/api/v2/tickets/%d", asked.Number)
	page := read[api.Page[api.TicketRecord]](t, v.call("GET", "/api/v2/tickets?status=open", nil), 200)
	if len(page.Items) != 1 || page.Items[0].Subject != "It does not start" || page.Items[0].CustomerID != c.ID {
		t.Errorf("listed %+v", page)
	}
	for range 2 { // a retry says it once
		answered := read[api.TicketRecord](t, v.call("POST", path+"/answer", body{"body": "Please try 8.4."}, "Idempotency-Key", "a"), 200)
		if answered.Status != "waiting" {
			t.Errorf("answered %+v", answered)
		}
	}
	thread := read[api.TicketThread](t, v.call("GET", path, nil), 200)
	if len(thread.Messages) != 2 || thread.Messages[1].Body != "Please try 8.4." || thread.Messages[1].Side != "staff" {
		t.Errorf("thread %+v", thread)
	}
	r := v.call("POST", path+"/answer", body{"body": ""})
	if wantProblem(t, r, 400, "invalid_input"); fieldsOf(r.Problem)[0] != "body" {
		t.Errorf("names %v", fieldsOf(r.Problem))
	}
	staging := v.as(v.AddSecret(license.Staging, account.Permissions()...))
	wantProblem(t, staging.call("GET", path, nil), 404, "not_found")
	wantProblem(t, staging.call("POST", path+"/answer", body{"body": "Hello"}), 404, "not_found")
	wantProblem(t, v.call("GET", "/api/v2/tickets/none", nil), 404, "not_found")
	if page := read[api.Page[api.TicketRecord]](t, staging.call("GET", "/api/v2/tickets", nil), 200); len(page.Items) != 0 {
		t.Errorf("listed %+v", page)
	}
}
