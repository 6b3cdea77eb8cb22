package signing_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyward/keyward/internal/signing"
)

func master(t testing.TB, n byte) *signing.Master {
	t.Helper()
	m, err := signing.LoadMaster(hex.EncodeToString(bytes.Repeat([]byte{n}, 32)), "")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestLoadMasterReadsEverySpelling(t *testing.T) {
	secret := bytes.Repeat([]byte{0xfb}, 32)
	want := master(t, 0xfb).CheckValue()
	for name, text := range map[string]string{
		"hex":          hex.EncodeToString(secret),
		"upper hex":    strings.ToUpper(hex.EncodeToString(secret)),
		"base64":       base64.StdEncoding.EncodeToString(secret),
		"no padding":   base64.RawStdEncoding.EncodeToString(secret),
		"base64url":    base64.RawURLEncoding.EncodeToString(secret),
		"with newline": hex.EncodeToString(secret) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			m, err := signing.LoadMaster(text, "")
			if err != nil || m.CheckValue() != want {
				t.Errorf("LoadMaster: %v", err)
			}
		})
	}
}

func TestLoadMasterRefusesOtherText(t *testing.T) {
	for _, text := range []string{"x", strings.Repeat("a", 63), strings.Repeat("a", 66), base64.StdEncoding.EncodeToString(make([]byte, 31)), " "} {
		if m, err := signing.LoadMaster(text, ""); !errors.Is(err, signing.ErrMasterFormat) || m != nil {
			t.Errorf("LoadMaster(%q) = %v", text, err)
		} else if strings.Contains(err.Error(), text) && len(text) > 1 {
			t.Errorf("the error repeats the secret: %v", err)
		}
	}
}

func TestCreatedMasterIsLoadedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	if _, err := signing.LoadMaster("", path); !errors.Is(err, signing.ErrMasterMissing) || !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("before: %v", err)
	}
	made, err := signing.CreateMaster(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("file: %v, %v", info, err)
	}
	loaded, err := signing.LoadMaster("", path)
	if err != nil || loaded.CheckValue() != made.CheckValue() {
		t.Errorf("LoadMaster: %v", err)
	}
	before, _ := os.ReadFile(path)
	if _, err := signing.CreateMaster(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("second creation: %v", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the second creation changed the file")
	}
}

func TestLoadMasterRefusesAFileOthersCanRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	if _, err := signing.CreateMaster(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := signing.LoadMaster("", path); !errors.Is(err, signing.ErrMasterMode) {
		t.Errorf("LoadMaster: %v", err)
	}
}

// Stored check values, hashes and sealed columns depend on these bytes, which
// were computed by another implementation: they stay as they are for good.
func TestDerivedValuesNeverChange(t *testing.T) {
	m := master(t, 1)
	purpose := m.Derive("test")
	for _, c := range []struct{ name, got, want string }{
		{"derived key", hex.EncodeToString(purpose[:]), "28437374761013a56ec86db5abda4c1ae68a50d4dbb2244e16ce32cd0935f1f7"},
		{"check value", m.CheckValue(), "b68823ec4b19d62819f0ccd988187551"},
		{"key hash", hex.EncodeToString(m.KeyHash("production", "CART7H3KQRTW9K2M")), "88b1bf8c6b2a8c8e47dd5c65a419690438578e4099e68165fe7d4ed66743b298"},
		{"token hash", hex.EncodeToString(m.TokenHash("session", "abc")), "f3e27b9979f55af64381feb2824248e4548a25e35ee2ccc224e36564602ec710"},
		{"head key", m.HeadKey().String(), "keyward:ed25519:8cdb340bf23bc6c6:3pmUBS-tYoD41-JZ8B3Sfu04k9ovQxqZ1rVZdVRUugk"},
	} {
		if c.got != c.want {
			t.Errorf("%s is %s, was %s", c.name, c.got, c.want)
		}
	}
}

func TestSealedValuesStayReadable(t *testing.T) {
	sealed, _ := hex.DecodeString("013bd501213929e6f68e0b53419100ba79b0aaa267a50ff5f4875a9cf92444189725f540eb50")
	got, err := master(t, 1).Open(sealed, signing.Binding{Table: "license", Column: "key", Row: "42"})
	if err != nil || string(got) != "CART-7H3K" {
		t.Errorf("Open = %q, %v", got, err)
	}
}

func TestDerivedKeysDiffer(t *testing.T) {
	m := master(t, 1)
	if m.Derive("a") == m.Derive("b") {
		t.Error("two labels, one key")
	}
	if m.Derive("a") == master(t, 2).Derive("a") || m.CheckValue() == master(t, 2).CheckValue() {
		t.Error("two masters, one key")
	}
}

func TestMasterNeverPrints(t *testing.T) {
	m := master(t, 0x41)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		if got := fmt.Sprintf(verb, m); got != "(master key)" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
}
