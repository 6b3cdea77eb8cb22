package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/api"
	"github.com/keyward/keyward/internal/api/apitest"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
)

// vendor is the vendor's program in a world: it holds every permission in
// production.
type vendor struct {
	*fixture
	t     *testing.T
	token string
}

func newVendor(t *testing.T) *vendor {
	t.Helper()
	f := newFixture(t, apitest.Options{})
	return &vendor{fixture: f, t: t, token: f.AddSecret(license.Production, account.Permissions()...)}
}

// as is the same program with another token.
func (v *vendor) as(token string) *vendor {
	other := *v
	other.token = token
	return &other
}

// call sends a request; body is sent as JSON unless it is nil.
func (v *vendor) call(method, path string, body any, header ...string) reply {
	v.t.Helper()
	text := ""
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			v.t.Fatal(err)
		}
		text = string(b)
	}
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.Server.URL+path, strings.NewReader(text))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+v.token)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return v.fixture.do(v.t, r)
}

// edit sends a change of the record at an address as it is now; method and path
// behind that address say which change.
func (v *vendor) edit(method, at, path string, body any) reply {
	v.t.Helper()
	now := read[struct{ Version int64 }](v.t, v.call("GET", at, nil), 200)
	return v.call(method, at+path, body, "If-Match", fmt.Sprintf(`"%d"`, now.Version))
}

// read decodes an answer of this status.
func read[T any](t *testing.T, r reply, status int) T {
	t.Helper()
	var out T
	if r.Status != status {
		t.Fatalf("got %d %s, want %d", r.Status, r.Text, status)
	}
	if err := json.Unmarshal([]byte(r.Text), &out); err != nil {
		t.Fatalf("%v in %s", err, r.Text)
	}
	return out
}

type body map[string]any

// operations reads the published document.
func (v *vendor) operations() map[string]map[string]describedOperation {
	v.t.Helper()
	type document struct {
		Paths map[string]map[string]describedOperation `json:"paths"`
	}
	return read[document](v.t, v.get(v.t, "/api/v2/openapi.json"), 200).Paths
}

type describedOperation struct {
	Security   []map[string][]string `json:"security"`
	Parameters []struct {
		Name     string `json:"name"`
		In       string `json:"in"`
		Required bool   `json:"required"`
	} `json:"parameters"`
	Responses map[string]any `json:"responses"`
}

func (o describedOperation) takes(name string) bool {
	for _, p := range o.Parameters {
		if p.Name == name {
			return true
		}
	}
	return false
}

// Every route for secret tokens keeps what all of them promise (C-SEC-05).
func TestEverySecretRouteKeepsThePromisesOfAll(t *testing.T) {
	v := newVendor(t)
	described := v.operations()
	refused := v.refusedTokens()
	walked := 0
	for _, route := range v.API.Routes() {
		permission, is := route.Access.Permission()
		if !is || permission == string(account.DevicesUse) {
			continue
		}
		walked++
		method, path, _ := strings.Cut(route.Pattern, " ")
		op := described[path][strings.ToLower(method)]
		address := path
		for _, name := range []string{"{id}", "{activation}", "{generator}", "{person}"} {
			address = strings.ReplaceAll(address, name, string(v.license.ID))
		}
		address = strings.NewReplacer("{number}", "1001", "{version}", "8.4").Replace(address)
		t.Run(route.Pattern, func(t *testing.T) {
			in := *v
			in.t = t
			for _, token := range refused {
				wantProblem(t, in.as(token).call(method, address, body{}), 401, "token_invalid")
			}
			wantProblem(t, in.as(v.product.Token).call(method, address, body{}), 403, "permission_missing")
			wantProblem(t, in.as(v.AddSecret(license.Production, others(permission)...)).call(method, address, body{}), 403, "permission_missing")
			if len(op.Security) != 1 || op.Security[0]["secret_token"] == nil {
				t.Errorf("the document does not say that it needs a secret token: %v", op.Security)
			}
			if op.takes("If-Match") {
				wantProblem(t, in.call(method, address, body{}), 428, "precondition_required")
			}
			if method == http.MethodGet && (op.takes("Idempotency-Key") || op.takes("If-Match")) {
				t.Error("reading takes what only changes need")
			}
			if method == http.MethodGet {
				wantProblem(t, in.call(method, address+"?color=red", nil), 400, "invalid_input")
			}
			if op.takes("Idempotency-Key") && !op.takes("If-Match") {
				r := in.call(method, address, body{"color": "red"})
				wantProblem(t, r, 400, "invalid_input")
			}
		})
	}
	if walked < 54 {
		t.Errorf("only %d routes were walked", walked)
	}
}

// refusedTokens may do everything, and nobody may use them: unknown, ended,
// revoked, and for another network (C-SEC-05).
func (v *vendor) refusedTokens() []string {
	v.t.Helper()
	made := func(change func(*identity.NewToken)) (id.ID, string) {
		in := identity.NewToken{Kind: account.SecretToken, Name: "Refused", Environment: license.Production, Permissions: account.Permissions()}
		change(&in)
		token, text, err := v.Identity.CreateToken(v.t.Context(), v.System(), in)
		if err != nil {
			v.t.Fatal(err)
		}
		return token.ID, text
	}
	revoked, revokedText := made(func(*identity.NewToken) {})
	if err := v.Identity.RevokeToken(v.t.Context(), v.System(), revoked); err != nil {
		v.t.Fatal(err)
	}
	_, elsewhere := made(func(in *identity.NewToken) { in.Networks = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")} })
	_, ended := made(func(in *identity.NewToken) { in.ExpiresAt = v.Now().Add(time.Minute) })
	v.Advance(time.Minute)
	return []string{"kws_unknown", ended, revokedText, elsewhere}
}

func others(permission string) []account.Permission {
	var all []account.Permission
	for _, p := range account.Permissions() {
		if string(p) != permission {
			all = append(all, p)
		}
	}
	return all
}

// What belongs to another environment is not found, on every address with an id.
func TestAnotherEnvironmentIsNotFound(t *testing.T) {
	v := newVendor(t)
	staging := v.as(v.AddSecret(license.Staging, account.Permissions()...))
	base := "/api/v2/licenses/" + string(v.license.ID)
	for path, in := range map[string]body{
		"/assign": {"customer_id": string(v.customer.ID)}, "/suspend": {"reason": "manual"}, "/reinstate": {}, "/renew": {"days": 1},
		"/revoke": {"reason": "manual"}, "/verdict": {"purpose": "use"}, "/reveal-key": {},
		"/activations/" + string(v.license.ID) + "/deactivate": {},
	} {
		wantProblem(t, staging.call("POST", base+path, in, "If-Match", `"1"`), 404, "not_found")
	}
	for _, path := range []string{"", "/history", "/activations"} {
		wantProblem(t, staging.call("GET", base+path, nil), 404, "not_found")
	}
	wantProblem(t, staging.call("PATCH", base, body{"limit": 3}, "If-Match", `"1"`), 404, "not_found")
	wantProblem(t, staging.call("POST", "/api/v2/licenses/find", body{"key": v.key}), 404, "not_found")
	wantProblem(t, staging.call("POST", "/api/v2/licenses", body{"product_id": string(v.product.ID)}), 404, "not_found")
	if page := read[api.Page[api.LicenseRecord]](t, staging.call("GET", "/api/v2/licenses", nil), 200); len(page.Items) > 0 {
		t.Errorf("listed: %v", page.Items)
	}
}
