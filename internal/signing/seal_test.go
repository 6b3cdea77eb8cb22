package signing_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/keyward/keyward/internal/signing"
)

func TestSealOpensInItsPlaceOnly(t *testing.T) {
	m := master(t, 1)
	here := signing.Binding{Table: "license", Column: "key", Row: "42"}
	sealed, err := m.Seal([]byte("CART-7H3K"), here)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := m.Open(sealed, here); err != nil || string(got) != "CART-7H3K" {
		t.Fatalf("Open = %q, %v", got, err)
	}
	for name, there := range map[string]signing.Binding{
		"another row":    {Table: "license", Column: "key", Row: "43"},
		"another column": {Table: "license", Column: "note", Row: "42"},
		"another table":  {Table: "product", Column: "key", Row: "42"},
		"shifted border": {Table: "licensek", Column: "ey", Row: "42"},
		"nowhere":        {},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := m.Open(sealed, there); !errors.Is(err, signing.ErrSealed) || got != nil {
				t.Errorf("Open = %q, %v", got, err)
			}
		})
	}
	if _, err := master(t, 2).Open(sealed, here); !errors.Is(err, signing.ErrSealed) {
		t.Errorf("another master key: %v", err)
	}
}

func TestOpenRefusesEveryChange(t *testing.T) {
	m := master(t, 1)
	here := signing.Binding{Table: "t", Column: "c", Row: "r"}
	sealed, _ := m.Seal([]byte("secret"), here)
	for i := range sealed {
		damaged := bytes.Clone(sealed)
		damaged[i] ^= 1
		if _, err := m.Open(damaged, here); !errors.Is(err, signing.ErrSealed) {
			t.Errorf("byte %d flipped: %v", i, err)
		}
		if _, err := m.Open(sealed[:i], here); !errors.Is(err, signing.ErrSealed) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
}

func TestSealNeverRepeatsItself(t *testing.T) {
	m := master(t, 1)
	here := signing.Binding{Table: "t", Column: "c", Row: "r"}
	one, _ := m.Seal([]byte("secret"), here)
	two, _ := m.Seal([]byte("secret"), here)
	if bytes.Equal(one, two) {
		t.Error("equal")
	}
}

func TestSealRefusesAnIncompleteBinding(t *testing.T) {
	if _, err := master(t, 1).Seal([]byte("x"), signing.Binding{Table: "t", Column: "c"}); err == nil {
		t.Error("no error")
	}
}

func TestHashesAreScoped(t *testing.T) {
	m := master(t, 1)
	hash := m.KeyHash("production", "ABC")
	if len(hash) != 32 || !bytes.Equal(hash, m.KeyHash("production", "ABC")) {
		t.Fatal("not a stable 256-bit hash")
	}
	for name, other := range map[string][]byte{
		"another environment": m.KeyHash("staging", "ABC"),
		"shifted border":      m.KeyHash("productionA", "BC"),
		"a token":             m.TokenHash("production", "ABC"),
		"another master key":  master(t, 2).KeyHash("production", "ABC"),
	} {
		if bytes.Equal(hash, other) {
			t.Errorf("%s has the same hash", name)
		}
	}
}

func TestNewTokenIsLongAndFresh(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		token := signing.NewToken("kwc_")
		if !strings.HasPrefix(token, "kwc_") || len(token) != 4+43 || seen[token] {
			t.Fatalf("token %q", token)
		}
		if strings.ContainsAny(token, "+/= ") {
			t.Fatalf("token %q is not safe in a URL", token)
		}
		seen[token] = true
	}
}

func TestSignHead(t *testing.T) {
	m := master(t, 1)
	signature := m.SignHead([]byte("head"))
	if !m.VerifyHead([]byte("head"), signature) || !signing.VerifyHead(m.HeadKey(), []byte("head"), signature) {
		t.Error("own signature is refused")
	}
	if m.VerifyHead([]byte("heads"), signature) || master(t, 2).VerifyHead([]byte("head"), signature) || m.VerifyHead([]byte("head"), nil) {
		t.Error("a wrong signature is accepted")
	}
}
