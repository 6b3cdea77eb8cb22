package licensefile_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/licensefile"
	"github.com/keyward/keyward/verdict"
)

func offlineHeader(t testing.TB, n byte) string {
	return `{"alg":"EdDSA","kid":"` + publicKey(t, n).ID + `","typ":"keyward-offline+jws"}`
}

func signOffline(t testing.TB, n byte, o licensefile.Offline) string {
	t.Helper()
	payload, err := o.Claims()
	if err != nil {
		t.Fatal(err)
	}
	return signRaw(n, offlineHeader(t, n), string(payload))
}

func offlineFile() licensefile.Offline {
	ends := issued.AddDate(1, 0, 0)
	return licensefile.Offline{
		ID: "01914d3e-5b6a-7c8d-9e0f-000000000005", Product: "01914d3e-5b6a-7c8d-9e0f-000000000002", Environment: "production",
		License: "01914d3e-5b6a-7c8d-9e0f-000000000003", Plan: "Team",
		Device:   licensefile.Device{ID: "HW-77-ÄÖ", Name: "Lab bench", Kind: "hardware", Platform: "linux/arm64"},
		Nonce:    "0123456789abcdef",
		IssuedAt: issued, ValidUntil: issued.Add(90 * 24 * time.Hour), EndsAt: &ends, MaxSkew: 24 * time.Hour,
		MaxVersion: "8.x", Limit: 5, Features: map[string]any{"export": true, "seats": 25.0, "cloud": false}, ReturnKey: []byte("0123456789abcdef"),
	}
}

func TestParseOfflineReturnsWhatWasSigned(t *testing.T) {
	plain := offlineFile()
	plain.EndsAt, plain.MaxSkew, plain.MaxVersion, plain.Limit, plain.Features, plain.Plan = nil, 0, "", 0, nil, ""
	for name, want := range map[string]licensefile.Offline{"with everything": offlineFile(), "with what is needed": plain} {
		for n := byte(1); n <= 2; n++ {
			got, err := licensefile.ParseOffline(signOffline(t, n, want), rotation(t))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	}
}

// P-LICD-18, C-OFF-03
func TestParseOfflineRefusesEveryFlippedByte(t *testing.T) {
	text, keys := signOffline(t, 1, offlineFile()), rotation(t)
	for i := range text {
		for _, bits := range []byte{0x01, 0x20, 0x80} {
			damaged := []byte(text)
			damaged[i] ^= bits
			if o, err := licensefile.ParseOffline(string(damaged), keys); err == nil || o != nil {
				t.Fatalf("byte %d flipped by %#x: %v, %v", i, bits, o, err)
			}
		}
	}
	for i := range text {
		if _, err := licensefile.ParseOffline(text[:i], keys); err == nil {
			t.Fatalf("cut at %d accepted", i)
		}
	}
}

func TestParseOfflineRefusesForeignTexts(t *testing.T) {
	payload, err := offlineFile().Claims()
	if err != nil {
		t.Fatal(err)
	}
	with := func(old, new string) string {
		return signRaw(1, offlineHeader(t, 1), strings.Replace(string(payload), old, new, 1))
	}
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"signed with a key outside the set": {signOffline(t, 3, offlineFile()), licensefile.ErrUnknownKey},
		"another key under a known id":      {signRaw(3, offlineHeader(t, 1), string(payload)), licensefile.ErrSignature},
		"a lease":                           {sign(t, 1, validLease()), licensefile.ErrMalformed},
		"a file with the header of a lease": {signRaw(1, header(t, 1), string(payload)), licensefile.ErrMalformed},
		"without a device":                  {with(`"device":{"id":"HW-77-ÄÖ",`, `"device":{`), licensefile.ErrMalformed},
		"without a nonce":                   {with(`"nonce":"0123456789abcdef",`, ``), licensefile.ErrMalformed},
		"without a license":                 {with(`"license":`, `"licence":`), licensefile.ErrMalformed},
		"a skew of a year":                  {with(`"max_skew":86400`, `"max_skew":31536000`), licensefile.ErrMalformed},
		"a negative limit":                  {with(`"activation_limit":5`, `"activation_limit":-5`), licensefile.ErrMalformed},
		"an end before the beginning":       {with(`"exp":`, `"exp":1,"old":`), licensefile.ErrMalformed},
		"an end after that of its license":  {with(`"ends_at":`, `"ends_at":1772884801,"old":`), licensefile.ErrMalformed},
		"a short return key":                {with(`"return_key":"MDEy`, `"return_key":"`), licensefile.ErrMalformed},
		"a repeated claim":                  {with(`{"jti"`, `{"jti":"x","jti"`), licensefile.ErrMalformed},
		"larger than a file may be":         {strings.Repeat("A", licensefile.MaxOfflineSize+1), licensefile.ErrMalformed},
		"with a line break behind it":       {signOffline(t, 1, offlineFile()) + "\n", licensefile.ErrMalformed},
	} {
		if o, err := licensefile.ParseOffline(c.text, rotation(t)); !errors.Is(err, c.want) || o != nil {
			t.Errorf("%s: got %v, %v", name, o, err)
		}
	}
	if _, err := licensefile.ParseLease(signOffline(t, 1, offlineFile()), rotation(t)); !errors.Is(err, licensefile.ErrMalformed) {
		t.Errorf("an offline file passes as a lease: %v", err)
	}
}

// C-OFF-03: product, end, version, features, device and clock, fail closed.
func TestVerify(t *testing.T) {
	o := offlineFile()
	here := licensefile.Situation{Product: o.Product, Device: o.Device.ID}
	with := func(change func(*licensefile.Situation)) licensefile.Situation {
		s := here
		change(&s)
		return s
	}
	for name, c := range map[string]struct {
		now  time.Time
		at   licensefile.Situation
		want verdict.Code
	}{
		"at its beginning":                 {issued, here, verdict.Valid},
		"a moment before its end":          {o.ValidUntil.Add(-1), here, verdict.Valid},
		"at its end":                       {o.ValidUntil, here, verdict.Expired},
		"long after":                       {o.ValidUntil.AddDate(9, 0, 0), here, verdict.Expired},
		"a clock behind by what may be":    {issued.Add(-24 * time.Hour), here, verdict.Valid},
		"a clock behind by more":           {issued.Add(-24*time.Hour - 1), here, verdict.ClockSkew},
		"another device":                   {issued, with(func(s *licensefile.Situation) { s.Device = "HW-78" }), verdict.NotActivated},
		"no device":                        {issued, with(func(s *licensefile.Situation) { s.Device = "" }), verdict.NotActivated},
		"another product":                  {issued, with(func(s *licensefile.Situation) { s.Product = "other" }), verdict.ProductMismatch},
		"no product":                       {issued, licensefile.Situation{Device: o.Device.ID}, verdict.ProductMismatch},
		"an included version":              {issued, with(func(s *licensefile.Situation) { s.Version = "8.4" }), verdict.Valid},
		"a version that is not":            {issued, with(func(s *licensefile.Situation) { s.Version = "9.0" }), verdict.VersionNotEligible},
		"included features":                {issued, with(func(s *licensefile.Situation) { s.Features = []string{"export", "seats"} }), verdict.Valid},
		"a feature that is off":            {issued, with(func(s *licensefile.Situation) { s.Features = []string{"export", "cloud"} }), verdict.FeatureMissing},
		"a feature that is not there":      {issued, with(func(s *licensefile.Situation) { s.Features = []string{"x"} }), verdict.FeatureMissing},
		"a clock that was set back":        {issued.Add(time.Hour), with(func(s *licensefile.Situation) { s.Latest = issued.AddDate(0, 0, 40) }), verdict.ClockSkew},
		"set back to escape the end":       {issued.Add(time.Hour), with(func(s *licensefile.Situation) { s.Latest = o.ValidUntil }), verdict.Expired},
		"everything wrong names the first": {o.ValidUntil, licensefile.Situation{}, verdict.ProductMismatch},
	} {
		v := o.Verify(c.now, c.at)
		if v.Code != c.want || v.Valid != (c.want == verdict.Valid) || v.Message != verdict.Describe(c.want).Customer {
			t.Errorf("%s: got %s (%v), want %s", name, v.Code, v.Valid, c.want)
		}
		if len(v.Checks) != 6 || len(v.Fixes) != len(v.Failing()) {
			t.Errorf("%s: %d checks, %d fixes", name, len(v.Checks), len(v.Fixes))
		}
	}
}

func TestReturnCode(t *testing.T) {
	o := offlineFile()
	code := o.ReturnCode()
	if len(code) != 14 || strings.Count(code, "-") != 2 {
		t.Errorf("got %q", code)
	}
	for _, typed := range []string{code, strings.ToLower(code), " " + strings.ReplaceAll(code, "-", "") + " ", strings.ReplaceAll(code, "0", "o")} {
		if !licensefile.SameReturnCode(typed, code) {
			t.Errorf("%q is not taken for %q", typed, code)
		}
	}
	other := offlineFile()
	other.ReturnKey = []byte("fedcba9876543210")
	if licensefile.SameReturnCode(other.ReturnCode(), code) || licensefile.SameReturnCode("", code) {
		t.Error("another code passes")
	}
}

func aRequest() licensefile.OfflineRequest {
	return licensefile.OfflineRequest{
		Product: "01914d3e-5b6a-7c8d-9e0f-000000000002", Version: "8.4.1", Nonce: "0123456789abcdef", MadeAt: issued,
		Device: licensefile.Device{ID: "HW-77", Name: "Lab bench", Kind: "hardware", Platform: "linux/arm64"},
	}
}

func TestOfflineRequest(t *testing.T) {
	want := aRequest()
	file, err := want.Encode()
	if err != nil {
		t.Fatal(err)
	}
	line, err := want.Line()
	if err != nil || strings.ContainsAny(line, " \n") {
		t.Fatalf("got %q (%v)", line, err)
	}
	for name, text := range map[string]string{
		"a file": string(file), "with blanks around": "\ufeff\n " + string(file) + " \r\n", "a line": line, "a broken line": line[:40] + "\r\n  " + line[40:],
	} {
		got, err := licensefile.ParseOfflineRequest(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	swap := func(old, new string) string { return strings.Replace(string(file), old, new, 1) }
	for name, text := range map[string]string{
		"nothing": "", "no JSON": "hello", "a lease": sign(t, 1, validLease()), "another type": swap("keyward-offline-request", "other"),
		"no device": swap(`"device"`, `"x"`), "a device without id": swap(`"id":"HW-77"`, `"id":""`), "no product": swap(`"product"`, `"p"`),
		"a short nonce": swap("0123456789abcdef", "0123"), "a nonce with blanks": swap("0123456789abcdef", "0123456789 abcdef"),
		"twice": string(file) + string(file), "repeated": swap(`{"type"`, `{"type":"x","type"`), "too long": line + strings.Repeat("A", 4<<10), "a damaged line": line[:len(line)-2] + "==",
	} {
		if got, err := licensefile.ParseOfflineRequest(text); !errors.Is(err, licensefile.ErrMalformed) || got != (licensefile.OfflineRequest{}) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func FuzzParseOffline(f *testing.F) {
	f.Add(signOffline(f, 1, offlineFile()))
	f.Add(sign(f, 1, validLease()))
	f.Add("")
	keys := rotation(f)
	genuine := signOffline(f, 1, offlineFile())
	f.Fuzz(func(t *testing.T, text string) {
		o, err := licensefile.ParseOffline(text, keys)
		if (err == nil) != (o != nil) || err == nil && text != genuine {
			t.Errorf("%q: %v, %v", text, o, err)
		}
	})
}

func FuzzParseOfflineRequest(f *testing.F) {
	line, err := aRequest().Line()
	if err != nil {
		f.Fatal(err)
	}
	file, _ := aRequest().Encode()
	f.Add(line)
	f.Add(string(file))
	f.Fuzz(func(t *testing.T, text string) {
		r, err := licensefile.ParseOfflineRequest(text)
		if err != nil {
			return
		}
		again, err := r.Encode()
		if err != nil {
			t.Fatalf("%q was read and cannot be written: %v", text, err)
		}
		if back, err := licensefile.ParseOfflineRequest(string(again)); err != nil || back != r {
			t.Errorf("%+v came back as %+v (%v)", r, back, err)
		}
	})
}

// offlineVector is one case that any implementation of the format has to agree
// with.
type offlineVector struct {
	Name       string `json:"name"`
	File       string `json:"file"`
	Error      string `json:"error,omitempty"` // empty: genuine
	Product    string `json:"verify_product,omitempty"`
	Device     string `json:"verify_device,omitempty"`
	At         int64  `json:"verify_at,omitempty"`
	Code       string `json:"verify_code,omitempty"`
	ReturnCode string `json:"return_code,omitempty"`
}

func makeOfflineVectors(t *testing.T) []offlineVector {
	o := offlineFile()
	file := signOffline(t, 1, o)
	tampered := []byte(file)
	tampered[200] ^= 1
	at := func(name string, now time.Time, device string, code verdict.Code) offlineVector {
		return offlineVector{Name: name, File: file, Product: o.Product, Device: device, At: now.Unix(), Code: string(code), ReturnCode: o.ReturnCode()}
	}
	return []offlineVector{
		at("valid", issued, o.Device.ID, verdict.Valid),
		at("at its end", o.ValidUntil, o.Device.ID, verdict.Expired),
		at("on another device", issued, "HW-78", verdict.NotActivated),
		at("clock behind by two days", issued.AddDate(0, 0, -2), o.Device.ID, verdict.ClockSkew),
		{Name: "one bit changed", File: string(tampered), Error: "signature"},
		{Name: "key outside the set", File: signOffline(t, 3, o), Error: "unknown_key"},
		{Name: "a lease", File: sign(t, 1, validLease()), Error: "malformed"},
	}
}

func TestOfflineVectors(t *testing.T) {
	if *update {
		data, err := json.MarshalIndent(makeOfflineVectors(t), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		write(t, "offline.json", append(data, '\n'))
	}
	var vectors []offlineVector
	if err := json.Unmarshal(read(t, "offline.json"), &vectors); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(makeOfflineVectors(t), vectors); diff != "" {
		t.Errorf("an offline file is written differently than before: %s", diff)
	}
	for _, v := range vectors {
		o, err := licensefile.ParseOffline(v.File, rotation(t))
		if !errors.Is(err, errorNames()[v.Error]) || (err == nil) != (v.Error == "") {
			t.Fatalf("%s: %v, want %q", v.Name, err, v.Error)
		}
		if err != nil {
			continue
		}
		if got := o.Verify(time.Unix(v.At, 0), licensefile.Situation{Product: v.Product, Device: v.Device}); string(got.Code) != v.Code {
			t.Errorf("%s: %s, want %s", v.Name, got.Code, v.Code)
		}
		if o.ReturnCode() != v.ReturnCode {
			t.Errorf("%s: return code %s", v.Name, o.ReturnCode())
		}
	}
}
