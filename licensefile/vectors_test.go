package licensefile_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/licensefile"
)

var update = flag.Bool("update", false, "write the vectors in testdata anew")

// vector is one case that any implementation of the format has to agree with.
type vector struct {
	Name    string `json:"name"`
	Token   string `json:"token"`
	Error   string `json:"error,omitempty"` // empty: genuine
	Product string `json:"check_product,omitempty"`
	Device  string `json:"check_device,omitempty"`
	At      int64  `json:"check_at,omitempty"`
	Outcome string `json:"check_outcome,omitempty"`
}

// errorNames are the names of refusals in the vectors.
func errorNames() map[string]error {
	return map[string]error{
		"malformed": licensefile.ErrMalformed, "unknown_key": licensefile.ErrUnknownKey, "signature": licensefile.ErrSignature,
		"expired": licensefile.ErrExpired, "not_yet_valid": licensefile.ErrNotYetValid, "product": licensefile.ErrProduct,
		"device": licensefile.ErrDevice, "good": nil, "": nil,
	}
}

func makeVectors(t *testing.T) []vector {
	valid, refused := validLease(), refusedLease()
	payload, err := valid.Claims()
	if err != nil {
		t.Fatal(err)
	}
	checked := func(name string, n byte, product, device string, at time.Time, outcome string) vector {
		return vector{Name: name, Token: sign(t, n, valid), Product: product, Device: device, At: at.Unix(), Outcome: outcome}
	}
	tampered := []byte(sign(t, 1, valid))
	tampered[200] ^= 1
	return []vector{
		checked("valid, previous key", 1, valid.Product, valid.Device.ID, issued, "good"),
		checked("valid, current key", 2, valid.Product, valid.Device.ID, valid.ValidUntil.Add(-time.Second), "good"),
		checked("at its end", 2, valid.Product, valid.Device.ID, valid.ValidUntil, "expired"),
		checked("before its beginning", 2, valid.Product, valid.Device.ID, issued.Add(-time.Second), "not_yet_valid"),
		checked("on another device", 2, valid.Product, "HW-78", issued, "device"),
		checked("in another product", 2, valid.License, valid.Device.ID, issued, "product"),
		{Name: "refusal", Token: sign(t, 2, refused), Product: refused.Product, At: issued.Unix(), Outcome: "good"},
		{Name: "key outside the set", Token: sign(t, 3, valid), Error: "unknown_key"},
		{Name: "another key under a known id", Token: signRaw(3, header(t, 1), string(payload)), Error: "signature"},
		{Name: "one bit changed", Token: string(tampered), Error: "signature"},
		{Name: "algorithm none", Token: signRaw(1, `{"alg":"none","kid":"`+publicKey(t, 1).ID+`","typ":"keyward-lease+jws"}`, string(payload)), Error: "malformed"},
		{Name: "unknown header field", Token: signRaw(1, header(t, 1)[:len(header(t, 1))-1]+`,"crit":["x"]}`, string(payload)), Error: "malformed"},
		{Name: "repeated claim", Token: signRaw(1, header(t, 1), string(payload[:len(payload)-1])+`,"exp":4102444800}`), Error: "malformed"},
		{Name: "padded", Token: sign(t, 1, valid) + "==", Error: "malformed"},
	}
}

func TestVectors(t *testing.T) {
	if *update {
		writeVectors(t)
	}
	set, err := licensefile.ParseKeySet(read(t, "keys.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(read(t, "leases.json"), &vectors); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(makeVectors(t), vectors); diff != "" {
		t.Errorf("a lease is written differently than before: %s", diff)
	}
	names := errorNames()
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			lease, err := licensefile.ParseLease(v.Token, set)
			if !errors.Is(err, names[v.Error]) || (err == nil) != (v.Error == "") {
				t.Fatalf("ParseLease: %v, want %q", err, v.Error)
			}
			if err != nil {
				return
			}
			err = lease.Check(time.Unix(v.At, 0), licensefile.Expect{Product: v.Product, Device: v.Device})
			if !errors.Is(err, names[v.Outcome]) || (err == nil) != (v.Outcome == "good") {
				t.Errorf("Check: %v, want %q", err, v.Outcome)
			}
		})
	}
}

func TestPublishedKeyFormsAgree(t *testing.T) {
	for _, file := range []string{"keys.txt", "keys.pem", "keys.jwks.json"} {
		set, err := licensefile.ParseKeySet(read(t, file))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if diff := cmp.Diff(rotation(t), set, cmp.AllowUnexported(licensefile.KeySet{})); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}

func writeVectors(t *testing.T) {
	one, two := publicKey(t, 1), publicKey(t, 2)
	write(t, "keys.txt", []byte(one.String()+"\n"+two.String()+"\n"))
	write(t, "keys.pem", []byte(asPEM(t, one.Public)+asPEM(t, two.Public)))
	write(t, "keys.jwks.json", []byte(asJWKS(t, one, two)+"\n"))
	data, err := json.MarshalIndent(makeVectors(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	write(t, "leases.json", append(data, '\n'))
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join("testdata", name), data, 0o644); err != nil {
		t.Fatal(err)
	}
}
