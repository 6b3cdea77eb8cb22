package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/api"
	"github.com/keyward/keyward/internal/api/apitest"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/licensefile"
)

const (
	validate   = "/api/v2/licenses/validate"
	activate   = "/api/v2/licenses/activate"
	deactivate = "/api/v2/licenses/deactivate"
	checkIn    = "/api/v2/licenses/check-in"
	releases   = "/api/v2/licenses/releases"
)

// fixture is a world with a product, its customer and a license for 2 devices.
type fixture struct {
	*apitest.World
	product  apitest.Product
	customer account.Customer
	license  license.License
	key      string
}

func newFixture(t *testing.T, o apitest.Options) *fixture {
	t.Helper()
	f := &fixture{World: apitest.New(t, o)}
	f.product = f.AddProduct("Studio", nil)
	f.customer = f.AddCustomer("Very Secret Owner GmbH")
	f.license, f.key = f.Issue(f.product, licensing.Issue{CustomerID: f.customer.ID})
	return f
}

// reply is what came back, read as both forms an answer can have.
type reply struct {
	Status  int
	Header  http.Header
	Text    string
	Answer  api.Answer
	Problem httpx.Problem
}

// send posts text as it is.
func (f *fixture) send(t *testing.T, path, token, text string, header ...string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.Server.URL+path, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return f.do(t, r)
}

func (f *fixture) get(t *testing.T, path string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.Server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f.do(t, r)
}

func (f *fixture) do(t *testing.T, r *http.Request) reply {
	t.Helper()
	response, err := f.Server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := reply{Status: response.StatusCode, Header: response.Header, Text: string(body)}
	into := any(&out.Answer)
	if response.Header.Get("Content-Type") == "application/problem+json" {
		into = &out.Problem
	} else if !strings.HasPrefix(out.Text, `{"verdict":`) {
		return out
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return out
}

// ask posts a question with the product's token.
func (f *fixture) ask(t *testing.T, path string, q question, header ...string) reply {
	t.Helper()
	text, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	return f.send(t, path, f.product.Token, string(text), header...)
}

// question is the body of a call.
type question map[string]any

func (f *fixture) about(key, device string) question {
	q := question{"key": key}
	if device != "" {
		q["device"] = map[string]any{"id": device, "name": "Device " + device}
	}
	return q
}

// wantVerdict fails the test unless the answer is a verdict with this code.
func wantVerdict(t *testing.T, r reply, code string) {
	t.Helper()
	if r.Status != http.StatusOK || r.Answer.Verdict.Code != code || r.Answer.Verdict.Valid != (code == "valid") {
		t.Fatalf("got %d %s, want verdict %s", r.Status, r.Text, code)
	}
}

// wantProblem fails the test unless the answer is a problem document that is
// whole and has this status and code.
func wantProblem(t *testing.T, r reply, status int, code string) {
	t.Helper()
	p := r.Problem
	if r.Status != status || p.Status != status || p.Code != code {
		t.Fatalf("got %d %s, want %d %s", r.Status, r.Text, status, code)
	}
	if p.Detail == "" || p.Title == "" || p.RequestID == "" || p.RequestID != r.Header.Get("X-Request-Id") {
		t.Errorf("the problem document lacks something: %s", r.Text)
	}
	if r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control is %q", r.Header.Get("Cache-Control"))
	}
}

func fieldsOf(p httpx.Problem) []string {
	var names []string
	for _, f := range p.Errors {
		names = append(names, f.Field)
	}
	return names
}

// lease reads the answer's lease with the key that the product's software pins.
func (f *fixture) lease(t *testing.T, r reply) *licensefile.Lease {
	t.Helper()
	keys, err := licensefile.ParseKeySet([]byte(f.product.Pinned))
	if err != nil {
		t.Fatal(err)
	}
	lease, err := licensefile.ParseLease(r.Answer.Lease, keys)
	if err != nil {
		t.Fatal(err)
	}
	return lease
}
