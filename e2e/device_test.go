package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/keyward/keyward/client"
	"github.com/keyward/keyward/verdict"
)

// Device is a machine on which the vendor's software runs. It asks the server
// as that software does.
type Device struct {
	t      *testing.T
	client *client.Client
	key    string // of the license
}

// Device is a machine with a license of the demo. Its id is made from its name.
func (d *Demo) Device(t *testing.T, l License, name string) Device {
	t.Helper()
	return d.Machine(t, l, client.Device{ID: "id-of-" + name, Name: name, Platform: "Windows 11 x86_64"})
}

// Machine is a device that describes itself in its own way.
func (d *Demo) Machine(t *testing.T, l License, device client.Device) Device {
	t.Helper()
	return newDevice(t, l.Key, client.Options{
		BaseURL: d.URL, Token: d.Tokens.ByProduct[l.ProductID], Product: l.ProductID, ProductKey: d.publicKey(t, l.ProductID),
		Device: device,
	})
}

func newDevice(t *testing.T, key string, o client.Options) Device {
	t.Helper()
	c, err := client.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return Device{t, c, key}
}

// publicKey is the key that the vendor builds into the software of a product.
func (d *Demo) publicKey(t *testing.T, product string) string {
	t.Helper()
	if d.publicKeys == nil {
		d.publicKeys = map[string]string{}
		for _, p := range query[[]productOutput](t, append([]string{"product", "list"}, d.storage()...)...) {
			d.publicKeys[p.ID] = p.PublicKey
		}
	}
	return d.publicKeys[product]
}

type productOutput struct {
	ID        string `json:"id"`
	PublicKey string `json:"public_key"`
}

// Activate takes a seat, or fails the test.
func (v Device) Activate() {
	v.t.Helper()
	v.expect(verdict.Valid)(v.client.Activate(v.t.Context(), v.key))
}

// Refused asks for a seat and must not get one, for that reason.
func (v Device) Refused(code verdict.Code) {
	v.t.Helper()
	v.expect(code)(v.client.Activate(v.t.Context(), v.key))
}

// CheckIn reports, and must be answered with that code.
func (v Device) CheckIn(code verdict.Code) {
	v.t.Helper()
	v.expect(code)(v.client.CheckIn(v.t.Context(), v.key))
}

// Deactivate gives the seat back.
func (v Device) Deactivate() {
	v.t.Helper()
	v.expect(verdict.NotActivated)(v.client.Deactivate(v.t.Context(), v.key))
}

func (v Device) expect(code verdict.Code) func(*client.Answer, error) {
	v.t.Helper()
	return func(a *client.Answer, err error) {
		v.t.Helper()
		if err != nil {
			v.t.Fatal(err)
		}
		if a.Verdict.Code != code || a.Valid() != (code == verdict.Valid) || a.Offline {
			v.t.Fatalf("the device is answered %q (offline: %v), want %q", a.Verdict.Code, a.Offline, code)
		}
	}
}

// Section 5: calls that are wrong get a specific answer and change nothing.
func badCallsAreAnswered(t *testing.T, d *Demo) {
	l := d.Licenses.Active
	body := func(key, device string) string {
		return fmt.Sprintf(`{"key":%q,"device":{"id":%q,"kind":"hardware"}}`, key, device)
	}
	for _, tt := range []struct {
		name, token, body string
		status            int
		code              string // of the problem, or of the verdict
	}{
		{"no token", "", body(l.Key, "a"), http.StatusUnauthorized, "token_invalid"},
		{"unknown token", "kwc_unknown", body(l.Key, "a"), http.StatusUnauthorized, "token_invalid"},
		{"token of another product", d.Tokens.ByProduct[d.Licenses.HighSecurity.ProductID], body(l.Key, "a"), http.StatusOK, "product_mismatch"},
		{"no JSON", d.Tokens.Client, "key=" + l.Key, http.StatusBadRequest, "malformed_json"},
		{"a key twice", d.Tokens.Client, `{"key":"x",` + body(l.Key, "a")[1:], http.StatusBadRequest, "duplicate_key"},
		{"control characters", d.Tokens.Client, strings.Replace(body(l.Key, "#"), "#", `a\u0000\u001bb`, 1), http.StatusBadRequest, "invalid_input"},
		{"a key of 1 MB", d.Tokens.Client, body(strings.Repeat("A", 1<<20), "a"), http.StatusRequestEntityTooLarge, "too_large"},
		{"unknown key", d.Tokens.Client, body("CART-0000-0000-0000-0000", "a"), http.StatusOK, "key_unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, code := call(t, d.URL+"/api/v2/licenses/activate", tt.token, tt.body)
			if status != tt.status || code != tt.code {
				t.Errorf("answered %d %s, want %d %s", status, code, tt.status, tt.code)
			}
		})
	}
	used := d.Session(t, d.Customer).Get(t, l.path()).Page.Find(".strip .usage-n").First().Text()
	if !strings.HasPrefix(strings.Join(strings.Fields(used), " "), "2 / 5") {
		t.Errorf("afterwards %s activations are used", used)
	}
}

// call posts to the API and returns the code of the problem or of the verdict.
func call(t *testing.T, address, token, body string) (status int, code string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Code    string
		Verdict struct{ Code string }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatalf("%s: %v", response.Status, err)
	}
	return response.StatusCode, answer.Code + answer.Verdict.Code
}
