package api_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/api"
	"github.com/keyward/keyward/internal/api/apitest"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/license"
)

func TestEveryRouteDeclaresWhoMayUseIt(t *testing.T) {
	f := newFixture(t, apitest.Options{})
	got := map[string]httpx.Access{}
	devices := httpx.Permission("devices:use")
	for _, route := range f.API.Routes() {
		if route.Access == httpx.Public || route.Access == devices { // what anybody can reach who has the software
			got[route.Pattern] = route.Access
		}
	}
	want := map[string]httpx.Access{
		"GET /.well-known/jwks.json": httpx.Public, "GET /api/v2/openapi.json": httpx.Public,
		"POST /api/v2/licenses/validate": devices, "POST /api/v2/licenses/activate": devices,
		"POST /api/v2/licenses/deactivate": devices, "POST /api/v2/licenses/check-in": devices,
		"POST /api/v2/licenses/releases": devices,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Whatever is wrong with a token, the answer is the same.
func TestTokenThatIsNotGoodGetsOneAnswer(t *testing.T) { // C-SEC-05
	f := newFixture(t, apitest.Options{})
	p := f.product.Product
	_, elsewhere := f.AddToken(p, func(n *identity.NewToken) { n.Networks = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} })
	_, short := f.AddToken(p, func(n *identity.NewToken) { n.ExpiresAt = f.Now().Add(time.Minute) })
	endedID, ended := f.AddToken(p, nil)
	if err := f.Identity.RevokeToken(t.Context(), f.System(), endedID); err != nil {
		t.Fatal(err)
	}
	f.Advance(time.Minute)

	body := `{"key":"` + f.key + `"}`
	var first httpx.Problem
	for name, headers := range map[string][]string{
		"none":                  nil,
		"unknown":               {"Bearer kwc_nobody"},
		"not a token":           {"Bearer x"},
		"with a blank":          {"Bearer kwc_a b"},
		"endless":               {"Bearer kwc_" + strings.Repeat("a", 5000)},
		"another scheme":        {"Basic " + f.product.Token},
		"without a scheme":      {f.product.Token},
		"two tokens":            {"Bearer " + f.product.Token, "Bearer " + f.product.Token},
		"from another network":  {"Bearer " + elsewhere},
		"expired at the minute": {"Bearer " + short},
		"revoked":               {"Bearer " + ended},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.Server.URL+validate, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header["Authorization"] = headers
			got := f.do(t, r)
			wantProblem(t, got, http.StatusUnauthorized, "token_invalid")
			if !strings.HasPrefix(got.Header.Get("WWW-Authenticate"), "Bearer ") {
				t.Errorf("WWW-Authenticate is %q", got.Header.Get("WWW-Authenticate"))
			}
			got.Problem.RequestID = ""
			if first.Code == "" {
				first = got.Problem
			}
			if diff := cmp.Diff(first, got.Problem); diff != "" {
				t.Errorf("differs:\n%s", diff)
			}
		})
	}
	if log := f.Log(); strings.Contains(log, "kwc_") {
		t.Errorf("the log holds a token:\n%s", log)
	}
}

func TestTokenWorksFromItsNetwork(t *testing.T) {
	f := newFixture(t, apitest.Options{})
	_, token := f.AddToken(f.product.Product, func(n *identity.NewToken) {
		n.Networks = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	})
	r := f.send(t, validate, token, `{"key":"`+f.key+`"}`, "X-Forwarded-For", "192.0.2.7")
	wantVerdict(t, r, "valid")
}

func TestSecretTokenIsNotForDevices(t *testing.T) {
	f := newFixture(t, apitest.Options{})
	_, token := f.AddToken(f.product.Product, func(n *identity.NewToken) {
		*n = identity.NewToken{Kind: account.SecretToken, Name: "Shop", Environment: license.Production, Permissions: account.Permissions()}
	})
	wantProblem(t, f.send(t, validate, token, `{"key":"`+f.key+`"}`), http.StatusForbidden, "permission_missing")
}

func TestAddressesThatAreNotThere(t *testing.T) {
	f := newFixture(t, apitest.Options{})
	wantProblem(t, f.send(t, "/api/v2/steal", f.product.Token, `{}`), http.StatusNotFound, "not_found")
	wantProblem(t, f.send(t, "/api/v2/", f.product.Token, `{}`), http.StatusNotFound, "not_found")
	wantProblem(t, f.send(t, "/api/v2/docs", f.product.Token, `{}`), http.StatusNotFound, "not_found")
	r := f.get(t, "/api/v2/licenses/bulk/issue")
	wantProblem(t, r, http.StatusMethodNotAllowed, "method_not_allowed")
	if r.Header.Get("Allow") != "POST" {
		t.Errorf("Allow is %q", r.Header.Get("Allow"))
	}
}

func TestKeysOfAnUnknownProduct(t *testing.T) {
	f := newFixture(t, apitest.Options{})
	const keys = "/.well-known/jwks.json"
	wantProblem(t, f.get(t, keys), http.StatusBadRequest, "invalid_input")
	wantProblem(t, f.get(t, keys+"?product=studio"), http.StatusNotFound, "not_found")
	wantProblem(t, f.get(t, keys+"?product="+string(f.license.ID)), http.StatusNotFound, "not_found")
	wantProblem(t, f.send(t, keys, "", ""), http.StatusMethodNotAllowed, "method_not_allowed")
}

func TestUnknownKeysAreLimitedPerAddressAndToken(t *testing.T) {
	f := newFixture(t, apitest.Options{Limits: api.Limits{UnknownBurst: 3, UnknownInterval: 20 * time.Second}})
	_, second := f.AddToken(f.product.Product, nil)
	guess := func(token, address string) reply {
		return f.send(t, validate, token, `{"key":"KW-GUESS-GUESS-GUESS-GUESS"}`, "X-Forwarded-For", address)
	}
	const here = "203.0.113.5"
	for range 3 {
		wantVerdict(t, guess(f.product.Token, here), "key_unknown")
	}
	r := guess(f.product.Token, here)
	wantProblem(t, r, http.StatusTooManyRequests, "too_many_requests")
	if r.Header.Get("Retry-After") != "20" {
		t.Errorf("Retry-After is %q", r.Header.Get("Retry-After"))
	}
	good := `{"key":"` + f.key + `"}`
	t.Run("then a right guess does not get through either", func(t *testing.T) {
		r := f.send(t, validate, f.product.Token, good, "X-Forwarded-For", here)
		wantProblem(t, r, http.StatusTooManyRequests, "too_many_requests")
	})
	t.Run("another address and another token are not concerned", func(t *testing.T) {
		wantVerdict(t, f.send(t, validate, f.product.Token, good, "X-Forwarded-For", "203.0.113.6"), "valid")
		wantVerdict(t, f.send(t, validate, second, good, "X-Forwarded-For", here), "valid")
	})
	t.Run("after a while one more is answered", func(t *testing.T) {
		f.Advance(20 * time.Second)
		wantVerdict(t, guess(f.product.Token, here), "key_unknown")
		wantProblem(t, guess(f.product.Token, here), http.StatusTooManyRequests, "too_many_requests")
	})
}

func TestRequestsAreLimitedPerAddressAndToken(t *testing.T) {
	f := newFixture(t, apitest.Options{Limits: api.Limits{Burst: 2, Interval: time.Second}})
	good := `{"key":"` + f.key + `"}`
	for range 2 {
		wantVerdict(t, f.send(t, validate, f.product.Token, good), "valid")
	}
	r := f.send(t, validate, f.product.Token, good)
	wantProblem(t, r, http.StatusTooManyRequests, "too_many_requests")
	if r.Header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After is %q", r.Header.Get("Retry-After"))
	}
	for range 2 { // without a good token
		wantProblem(t, f.send(t, validate, "kwc_x", good), http.StatusUnauthorized, "token_invalid")
	}
	wantProblem(t, f.send(t, validate, "kwc_y", good), http.StatusTooManyRequests, "too_many_requests")
	f.Advance(time.Second)
	wantVerdict(t, f.send(t, validate, f.product.Token, good), "valid")
}
