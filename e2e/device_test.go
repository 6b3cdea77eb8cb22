package e2e

import (
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
