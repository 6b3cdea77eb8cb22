package licensefile_test

import (
	"encoding/base64"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/licensefile"
	"github.com/keyward/keyward/verdict"
)

func TestParseLeaseReturnsWhatWasSigned(t *testing.T) {
	for name, want := range map[string]licensefile.Lease{"valid": validLease(), "refused": refusedLease()} {
		for n := byte(1); n <= 2; n++ {
			t.Run(name, func(t *testing.T) {
				got, err := licensefile.ParseLease(sign(t, n, want), rotation(t))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(&want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestParseLeaseRefusesEveryFlippedByte(t *testing.T) {
	token := sign(t, 1, validLease())
	keys := rotation(t)
	for i := range token {
		for _, bits := range []byte{0x01, 0x20, 0x80} {
			damaged := []byte(token)
			damaged[i] ^= bits
			if lease, err := licensefile.ParseLease(string(damaged), keys); err == nil || lease != nil {
				t.Fatalf("byte %d flipped by %#x: %v, %v", i, bits, lease, err)
			}
		}
	}
}

func TestParseLeaseRefusesEveryShorterAndLongerText(t *testing.T) {
	token := sign(t, 1, validLease())
	keys := rotation(t)
	for i := range token {
		if _, err := licensefile.ParseLease(token[:i], keys); err == nil {
			t.Fatalf("cut at %d accepted", i)
		}
	}
	for _, extra := range []string{" ", "\n", "\r\n", "=", ".", "A", "\x00"} {
		for _, text := range []string{token + extra, extra + token, strings.Replace(token, ".", extra+".", 1)} {
			if _, err := licensefile.ParseLease(text, keys); !errors.Is(err, licensefile.ErrMalformed) && !errors.Is(err, licensefile.ErrSignature) {
				t.Errorf("with %q: %v", extra, err)
			}
		}
	}
}

func TestParseLeaseRefusesForeignKeys(t *testing.T) {
	token := sign(t, 3, validLease())
	if _, err := licensefile.ParseLease(token, rotation(t)); !errors.Is(err, licensefile.ErrUnknownKey) {
		t.Errorf("signed with a key outside the set: %v", err)
	}
	if _, err := licensefile.ParseLease(sign(t, 1, validLease()), licensefile.KeySet{}); !errors.Is(err, licensefile.ErrUnknownKey) {
		t.Errorf("no keys at all: %v", err)
	}
	payload, _ := validLease().Claims()
	forged := signRaw(3, header(t, 1), string(payload))
	if _, err := licensefile.ParseLease(forged, rotation(t)); !errors.Is(err, licensefile.ErrSignature) {
		t.Errorf("another key under a known id: %v", err)
	}
}

func TestParseLeaseRefusesUnexpectedHeaders(t *testing.T) {
	payload, _ := validLease().Claims()
	kid := publicKey(t, 1).ID
	for name, h := range map[string]string{
		"no algorithm":       `{"alg":"none","kid":"` + kid + `","typ":"keyward-lease+jws"}`,
		"other algorithm":    `{"alg":"HS256","kid":"` + kid + `","typ":"keyward-lease+jws"}`,
		"algorithm in lower": `{"alg":"eddsa","kid":"` + kid + `","typ":"keyward-lease+jws"}`,
		"other type":         `{"alg":"EdDSA","kid":"` + kid + `","typ":"JWT"}`,
		"type missing":       `{"alg":"EdDSA","kid":"` + kid + `"}`,
		"key id missing":     `{"alg":"EdDSA","typ":"keyward-lease+jws"}`,
		"key id null":        `{"alg":"EdDSA","kid":null,"typ":"keyward-lease+jws"}`,
		"key id a number":    `{"alg":"EdDSA","kid":1,"typ":"keyward-lease+jws"}`,
		"extra field":        `{"alg":"EdDSA","kid":"` + kid + `","typ":"keyward-lease+jws","crit":[]}`,
		"embedded key":       `{"alg":"EdDSA","kid":"` + kid + `","typ":"keyward-lease+jws","jwk":{}}`,
		"repeated":           `{"alg":"EdDSA","kid":"` + kid + `","typ":"keyward-lease+jws","alg":"EdDSA"}`,
		"repeated, escaped":  `{"alg":"EdDSA","kid":"` + kid + `","typ":"keyward-lease+jws","\u0061lg":"EdDSA"}`,
		"other case":         `{"ALG":"EdDSA","kid":"` + kid + `","typ":"keyward-lease+jws"}`,
		"two values":         header(t, 1) + `{}`,
		"array":              `[]`,
		"null":               `null`,
		"empty":              ``,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := licensefile.ParseLease(signRaw(1, h, string(payload)), rotation(t)); !errors.Is(err, licensefile.ErrMalformed) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestParseLeaseRefusesUnexpectedClaims(t *testing.T) {
	good := `{"jti":"a","product":"p","environment":"e","license":"l","iat":100,"exp":200,"verdict":{"valid":true,"code":"valid"}}`
	swap := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	add := func(field string) string { return strings.TrimSuffix(good, "}") + "," + field + "}" }
	parse := func(payload string) error {
		_, err := licensefile.ParseLease(signRaw(1, header(t, 1), payload), rotation(t))
		return err
	}
	for name, payload := range map[string]string{"as written": good, "with a newer claim": add(`"later":{"x":[1]}`), "with spaces": swap(",", " ,\n")} {
		if err := parse(payload); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, payload := range map[string]string{
		"repeated claim":        add(`"exp":900`),
		"repeated inside":       swap(`"valid":true`, `"valid":false,"valid":true`),
		"repeated in unknown":   add(`"later":{"a":1,"a":2}`),
		"claim in other case":   swap(`"exp"`, `"EXP"`),
		"no end":                swap(`"exp":200,`, ``),
		"end is text":           swap(`200`, `"200"`),
		"end is a fraction":     swap(`200`, `200.5`),
		"end has an exponent":   swap(`200`, `2e2`),
		"end is negative":       swap(`200`, `-200`),
		"end is beyond dates":   swap(`200`, `99999999999999`),
		"end is null":           swap(`200`, `null`),
		"ends as it begins":     swap(`200`, `100`),
		"outlives its license":  add(`"ends_at":150`),
		"no product":            swap(`"product":"p",`, ``),
		"empty product":         swap(`"p"`, `""`),
		"valid without license": swap(`"license":"l",`, ``),
		"no verdict":            swap(`,"verdict":{"valid":true,"code":"valid"}`, ``),
		"verdict is text":       swap(`{"valid":true,"code":"valid"}`, `"valid"`),
		"verdict without valid": swap(`"valid":true,`, ``),
		"verdict contradicts":   swap(`"valid":true`, `"valid":false`),
		"refusal called valid":  swap(`"code":"valid"`, `"code":"expired"`),
		"device without id":     add(`"device":{"name":"x"}`),
		"device is null":        add(`"device":null`),
		"feature is a list":     add(`"features":{"a":[1]}`),
		"feature is null":       add(`"features":{"a":null}`),
		"feature is too large":  add(`"features":{"a":1e999}`),
		"features are a list":   add(`"features":["a"]`),
		"nested too deeply":     add(`"later":` + strings.Repeat("[", 9) + strings.Repeat("]", 9)),
		"two values":            good + "{}",
		"trailing text":         good + "x",
		"broken text":           swap(`"jti":"a"`, "\"jti\":\"\xff\""),
		"cut off":               good[:len(good)-1],
		"empty":                 ``,
		"not an object":         `"lease"`,
	} {
		t.Run(name, func(t *testing.T) {
			if err := parse(payload); !errors.Is(err, licensefile.ErrMalformed) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestParseLeaseRefusesOtherSpellingsOfBase64(t *testing.T) {
	token := sign(t, 1, validLease())
	last := strings.LastIndex(token, ".") + 1
	signature, _ := base64.RawURLEncoding.DecodeString(token[last:])
	for name, text := range map[string]string{
		"padding":     token + "==",
		"standard":    token[:last] + base64.StdEncoding.EncodeToString(signature),
		"line break":  token[:last+4] + "\n" + token[last+4:],
		"spare bits":  token[:len(token)-1] + string(token[len(token)-1]+1),
		"fourth part": token + ".",
		"huge":        token + strings.Repeat("A", licensefile.MaxLeaseSize),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := licensefile.ParseLease(text, rotation(t)); !errors.Is(err, licensefile.ErrMalformed) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	lease := validLease()
	want := licensefile.Expect{Product: lease.Product, Device: lease.Device.ID, Nonce: lease.Nonce}
	with := func(change func(*licensefile.Expect)) licensefile.Expect {
		e := want
		change(&e)
		return e
	}
	for _, c := range []struct {
		name string
		now  time.Time
		want licensefile.Expect
		err  error
	}{
		{"at its beginning", lease.IssuedAt, want, nil},
		{"a moment before", lease.IssuedAt.Add(-1), want, licensefile.ErrNotYetValid},
		{"within the skew", lease.IssuedAt.Add(-time.Minute), with(func(e *licensefile.Expect) { e.MaxSkew = time.Minute }), nil},
		{"beyond the skew", lease.IssuedAt.Add(-time.Minute - 1), with(func(e *licensefile.Expect) { e.MaxSkew = time.Minute }), licensefile.ErrNotYetValid},
		{"negative skew means none", lease.IssuedAt, with(func(e *licensefile.Expect) { e.MaxSkew = -time.Hour }), nil},
		{"a moment before its end", lease.ValidUntil.Add(-1), want, nil},
		{"at its end", lease.ValidUntil, want, licensefile.ErrExpired},
		{"skew does not move the end", lease.ValidUntil, with(func(e *licensefile.Expect) { e.MaxSkew = time.Hour }), licensefile.ErrExpired},
		{"kept from before", lease.IssuedAt, with(func(e *licensefile.Expect) { e.Nonce = "" }), nil},
		{"another request", lease.IssuedAt, with(func(e *licensefile.Expect) { e.Nonce = "x" }), licensefile.ErrNonce},
		{"another device", lease.IssuedAt, with(func(e *licensefile.Expect) { e.Device = "x" }), licensefile.ErrDevice},
		{"no device", lease.IssuedAt, with(func(e *licensefile.Expect) { e.Device = "" }), licensefile.ErrDevice},
		{"another product", lease.IssuedAt, with(func(e *licensefile.Expect) { e.Product = "x" }), licensefile.ErrProduct},
		{"no product", lease.IssuedAt, with(func(e *licensefile.Expect) { e.Product = "" }), licensefile.ErrProduct},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := lease.Check(c.now, c.want); !errors.Is(err, c.err) || (c.err == nil) != (err == nil) {
				t.Errorf("Check = %v, want %v", err, c.err)
			}
		})
	}
}

func TestClaimsRefusesWhatNobodyCouldRead(t *testing.T) {
	for name, change := range map[string]func(*licensefile.Lease){
		"no id":                func(l *licensefile.Lease) { l.ID = "" },
		"no environment":       func(l *licensefile.Lease) { l.Environment = "" },
		"no duration":          func(l *licensefile.Lease) { l.ValidUntil = l.IssuedAt.Add(time.Millisecond) },
		"outlives its license": func(l *licensefile.Lease) { l.EndsAt = &l.IssuedAt },
		"contradiction":        func(l *licensefile.Lease) { l.Verdict.Code = verdict.Expired },
		"no code":              func(l *licensefile.Lease) { l.Verdict = licensefile.LeaseVerdict{} },
		"list as a feature":    func(l *licensefile.Lease) { l.Features = map[string]any{"a": []int{1}} },
		"not a number":         func(l *licensefile.Lease) { l.Features = map[string]any{"a": math.NaN()} },
		"broken device id":     func(l *licensefile.Lease) { l.Device.ID = "\xff" },
		"broken device name":   func(l *licensefile.Lease) { l.Device.Name = "\xff" },
		"broken nonce":         func(l *licensefile.Lease) { l.Nonce = "\xff" },
		"names that look alike": func(l *licensefile.Lease) {
			l.Features = map[string]any{"\xff": true, "\xfe": true}
		},
		"before all time":     func(l *licensefile.Lease) { l.IssuedAt = time.Unix(-1, 0) },
		"name without device": func(l *licensefile.Lease) { l.Device.ID = "" },
		"far future": func(l *licensefile.Lease) {
			l.EndsAt = nil
			l.ValidUntil = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
		},
	} {
		t.Run(name, func(t *testing.T) {
			lease := validLease()
			change(&lease)
			if data, err := lease.Claims(); !errors.Is(err, licensefile.ErrMalformed) || data != nil {
				t.Errorf("Claims = %s, %v", data, err)
			}
		})
	}
}

func TestClaimsCutsPartsOfASecond(t *testing.T) {
	lease := validLease()
	want, _ := lease.Claims()
	ends := lease.EndsAt.Add(999 * time.Millisecond)
	lease.EndsAt = &ends
	lease.IssuedAt = lease.IssuedAt.Add(time.Microsecond)
	got, err := lease.Claims()
	if err != nil || string(got) != string(want) {
		t.Errorf("Claims = %s, %v; want %s", got, err, want)
	}
}

func TestLeaseFromAnotherImplementationIsRead(t *testing.T) {
	opts := (&jose.SignerOptions{}).WithType(licensefile.LeaseType)
	key := jose.JSONWebKey{Key: privateKey(1), KeyID: publicKey(t, 1).ID}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: key}, opts)
	if err != nil {
		t.Fatal(err)
	}
	payload, _ := validLease().Claims()
	object, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := object.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := licensefile.ParseLease(token, rotation(t)); err != nil {
		t.Error(err)
	}
}

func FuzzParseLease(f *testing.F) {
	keys := rotation(f)
	f.Add(sign(f, 1, validLease()))
	f.Add(sign(f, 2, refusedLease()))
	f.Add(signRaw(1, `{}`, `{}`))
	f.Add("..")
	genuine := map[string]bool{sign(f, 1, validLease()): true, sign(f, 2, refusedLease()): true}
	f.Fuzz(func(t *testing.T, token string) {
		lease, err := licensefile.ParseLease(token, keys)
		if (err == nil) != (lease != nil) || (err == nil) != genuine[token] {
			t.Errorf("ParseLease(%q) = %v, %v", token, lease, err)
		}
	})
}

// FuzzWrittenClaims puts any text into a lease: what is written can be read, and
// says the same.
func FuzzWrittenClaims(f *testing.F) {
	keys := rotation(f)
	f.Add("HW-1", "Studio PC", "n-1", "export", "text", "8.4.1", int64(1_790_000_000), int64(60), int64(120))
	f.Add("\xff", "\u2028", "\x00", "", "\xfe", "</script>", int64(-1), int64(0), int64(1)<<40)
	f.Fuzz(func(t *testing.T, device, name, nonce, key, value, version string, issued, until, ends int64) {
		lease := validLease()
		lease.Device = licensefile.Device{ID: device, Name: name}
		lease.Nonce, lease.Version = nonce, version
		lease.Features = map[string]any{key: value, key + "!": 1.5, key + "?": true}
		end := time.Unix(ends, 0).UTC()
		lease.IssuedAt, lease.ValidUntil, lease.EndsAt = time.Unix(issued, 0).UTC(), time.Unix(until, 0).UTC(), &end
		data, err := lease.Claims()
		if err != nil {
			return
		}
		read, err := licensefile.ParseLease(signRaw(1, header(t, 1), string(data)), keys)
		if err != nil {
			t.Fatalf("%s was written but cannot be read: %v", data, err)
		}
		if read.Device != lease.Device || read.Nonce != nonce || !read.ValidUntil.Equal(lease.ValidUntil) || !read.EndsAt.Equal(end) {
			t.Errorf("%+v became %+v", lease, read)
		}
	})
}

// FuzzClaims signs whatever comes, so that the reader behind the signature is
// reached as well.
func FuzzClaims(f *testing.F) {
	keys := rotation(f)
	for _, l := range []licensefile.Lease{validLease(), refusedLease()} {
		payload, _ := l.Claims()
		f.Add(string(payload))
	}
	f.Fuzz(func(t *testing.T, payload string) {
		lease, err := licensefile.ParseLease(signRaw(1, header(t, 1), payload), keys)
		if err != nil {
			return
		}
		again, err := lease.Claims()
		if err != nil {
			t.Fatalf("%q was read but cannot be written: %v", payload, err)
		}
		second, err := licensefile.ParseLease(signRaw(1, header(t, 1), string(again)), keys)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(lease, second); diff != "" {
			t.Error(diff)
		}
	})
}
