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
	for name, want := range map[string]licensefile.Offline{"with everything": offlineFile(), "with what is needed": plainOffline()} {
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

// plainOffline is a file with what is needed and no more.
func plainOffline() licensefile.Offline {
	o := offlineFile()
	o.EndsAt, o.MaxSkew, o.MaxVersion, o.Limit, o.Features, o.Plan = nil, 0, "", 0, nil, ""
	o.Device = licensefile.Device{ID: o.Device.ID}
	return o
}

// Nothing but the very texts that were signed passes.
func FuzzParseOffline(f *testing.F) {
	keys := rotation(f)
	genuine := map[string]bool{}
	for n := byte(1); n <= 2; n++ {
		for _, o := range []licensefile.Offline{offlineFile(), plainOffline()} {
			genuine[signOffline(f, n, o)] = true
		}
	}
	for text := range genuine {
		f.Add(text)
		f.Add(text + "\n")
	}
	f.Add(signOffline(f, 3, offlineFile()))
	f.Add(sign(f, 1, validLease()))
	f.Add(signRaw(1, `{"alg":"none"}`, `{}`))
	f.Add("..")
	f.Fuzz(func(t *testing.T, text string) {
		o, err := licensefile.ParseOffline(text, keys)
		if (err == nil) != (o != nil) || (err == nil) != genuine[text] {
			t.Errorf("%q: %v, %v", text, o, err)
		}
	})
}

// FuzzOfflineClaims signs whatever comes, so that the reader behind the
// signature is reached as well. What it takes can be written again, is the same
// then, and is valid at most from its beginning to its end, on its own device.
func FuzzOfflineClaims(f *testing.F) {
	keys := rotation(f)
	for _, o := range []licensefile.Offline{offlineFile(), plainOffline()} {
		payload, err := o.Claims()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(payload))
		f.Add(strings.Replace(string(payload), `{"jti"`, `{"later":[{"a":null}],"jti"`, 1))
		f.Add(strings.Replace(string(payload), `"product"`, `"exp":null,"product"`, 1))
	}
	f.Fuzz(func(t *testing.T, payload string) {
		o, err := licensefile.ParseOffline(signRaw(1, offlineHeader(t, 1), payload), keys)
		if err != nil {
			return
		}
		again, err := o.Claims()
		if err != nil {
			t.Fatalf("%q was read and cannot be written: %v", payload, err)
		}
		back, err := licensefile.ParseOffline(signRaw(1, offlineHeader(t, 1), string(again)), keys)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(o, back); diff != "" {
			t.Error(diff)
		}
		here := licensefile.Situation{Product: o.Product, Device: o.Device.ID, Features: []string{"export", "x"}, Version: "8.4"}
		o.Verify(issued, here)
		here.Features, here.Version = nil, ""
		if v := o.Verify(o.IssuedAt, here); !v.Valid {
			t.Errorf("%q: at its beginning %s", payload, v.Code)
		}
		for _, v := range []verdict.Verdict{o.Verify(o.ValidUntil, here), o.Verify(o.IssuedAt, licensefile.Situation{Product: o.Product, Device: o.Device.ID + "x"})} {
			if v.Valid {
				t.Errorf("%q: valid at its end or elsewhere", payload)
			}
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
	Name       string   `json:"name"`
	File       string   `json:"file"`
	Error      string   `json:"error,omitempty"` // empty: genuine
	Product    string   `json:"verify_product,omitempty"`
	Device     string   `json:"verify_device,omitempty"`
	Version    string   `json:"verify_version,omitempty"`
	Features   []string `json:"verify_features,omitempty"`
	At         int64    `json:"verify_at,omitempty"`
	Latest     int64    `json:"verify_latest,omitempty"` // what the device knew before
	Code       string   `json:"verify_code,omitempty"`
	ReturnCode string   `json:"return_code,omitempty"`
}

func makeOfflineVectors(t *testing.T) []offlineVector {
	o := offlineFile()
	file := signOffline(t, 1, o)
	tampered := []byte(file)
	tampered[200] ^= 1
	payload, err := o.Claims()
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string, now time.Time, code verdict.Code, changes ...func(*offlineVector)) offlineVector {
		v := offlineVector{Name: name, File: file, Product: o.Product, Device: o.Device.ID, At: now.Unix(), Code: string(code), ReturnCode: o.ReturnCode()}
		for _, change := range changes {
			change(&v)
		}
		return v
	}
	raw := func(header, payload string) string { return signRaw(1, header, payload) }
	return []offlineVector{
		at("valid", issued, verdict.Valid),
		at("signed with the current key", issued, verdict.Valid, func(v *offlineVector) { v.File = signOffline(t, 2, o) }),
		at("with nothing that can be left out", issued, verdict.Valid, func(v *offlineVector) { v.File = signOffline(t, 1, plainOffline()) }),
		at("a second before its end", o.ValidUntil.Add(-time.Second), verdict.Valid),
		at("at its end", o.ValidUntil, verdict.Expired),
		at("in another product", issued, verdict.ProductMismatch, func(v *offlineVector) { v.Product = o.License }),
		at("on another device", issued, verdict.NotActivated, func(v *offlineVector) { v.Device = "HW-78" }),
		at("with an included version and features", issued, verdict.Valid, func(v *offlineVector) { v.Version, v.Features = "8.4.1", []string{"export", "seats"} }),
		at("with a version that is not included", issued, verdict.VersionNotEligible, func(v *offlineVector) { v.Version = "9.0" }),
		at("with a feature that is off", issued, verdict.FeatureMissing, func(v *offlineVector) { v.Features = []string{"cloud"} }),
		at("clock behind by a day", issued.AddDate(0, 0, -1), verdict.Valid),
		at("clock behind by two days", issued.AddDate(0, 0, -2), verdict.ClockSkew),
		at("clock set back after the end was seen", issued, verdict.Expired, func(v *offlineVector) { v.Latest = o.ValidUntil.Unix() }),
		at("clock set back by a month", issued, verdict.ClockSkew, func(v *offlineVector) { v.Latest = issued.AddDate(0, 1, 0).Unix() }),
		{Name: "one bit changed", File: string(tampered), Error: "signature"},
		{Name: "key outside the set", File: signOffline(t, 3, o), Error: "unknown_key"},
		{Name: "another key under a known id", File: signRaw(3, offlineHeader(t, 1), string(payload)), Error: "signature"},
		{Name: "a lease", File: sign(t, 1, validLease()), Error: "malformed"},
		{Name: "with the header of a lease", File: raw(header(t, 1), string(payload)), Error: "malformed"},
		{Name: "algorithm none", File: raw(strings.Replace(offlineHeader(t, 1), "EdDSA", "none", 1), string(payload)), Error: "malformed"},
		{Name: "repeated claim", File: raw(offlineHeader(t, 1), string(payload[:len(payload)-1])+`,"exp":4102444800}`), Error: "malformed"},
		{Name: "outlives its license", File: raw(offlineHeader(t, 1), strings.Replace(string(payload), `"ends_at":`, `"ends_at":1772884801,"old":`, 1)), Error: "malformed"},
		{Name: "padded", File: file + "==", Error: "malformed"},
		{Name: "with a line break behind it", File: file + "\n", Error: "malformed"},
	}
}

func (v offlineVector) situation() licensefile.Situation {
	s := licensefile.Situation{Product: v.Product, Device: v.Device, Version: v.Version, Features: v.Features}
	if v.Latest != 0 {
		s.Latest = time.Unix(v.Latest, 0)
	}
	return s
}

type vectorDevice struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Kind     string `json:"kind"`
	Platform string `json:"platform"`
}

// requestVector is a request as its device writes it, and what is read from it.
type requestVector struct {
	Name    string        `json:"name"`
	Text    string        `json:"text"`
	Error   string        `json:"error,omitempty"`
	Product string        `json:"product,omitempty"`
	Device  *vectorDevice `json:"device,omitempty"`
	Version string        `json:"version,omitempty"`
	Nonce   string        `json:"nonce,omitempty"`
	MadeAt  int64         `json:"made_at,omitempty"`
}

func makeRequestVectors(t *testing.T) []requestVector {
	r := aRequest()
	file, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	line, err := r.Line()
	if err != nil {
		t.Fatal(err)
	}
	good := func(name, text string) requestVector {
		device := vectorDevice(r.Device)
		return requestVector{Name: name, Text: text, Product: r.Product, Device: &device, Version: r.Version, Nonce: r.Nonce, MadeAt: r.MadeAt.Unix()}
	}
	bad := func(name, old, new string) requestVector {
		return requestVector{Name: name, Text: strings.Replace(string(file), old, new, 1), Error: "malformed"}
	}
	return []requestVector{
		good("a file", string(file)), good("a line", line), good("a line that was wrapped", line[:70]+"\r\n "+line[70:]),
		bad("another type", licensefile.RequestType, "other"), bad("a short nonce", r.Nonce, "0123"), bad("without a device", `"device"`, `"x"`),
		bad("repeated", `{"type"`, `{"type":"x","type"`), {Name: "a damaged line", Text: line[:len(line)-2], Error: "malformed"},
	}
}

// vectorsOf reads vectors, after writing them anew where that was asked for,
// and compares them with what the code makes of them.
func vectorsOf[T any](t *testing.T, file string, want []T) []T {
	t.Helper()
	if *update {
		data, err := json.MarshalIndent(want, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		write(t, file, append(data, '\n'))
	}
	var kept []T
	if err := json.Unmarshal(read(t, file), &kept); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, kept); diff != "" {
		t.Errorf("%s is written differently than before: %s", file, diff)
	}
	return kept
}

func TestOfflineVectors(t *testing.T) {
	for _, v := range vectorsOf(t, "offline.json", makeOfflineVectors(t)) {
		o, err := licensefile.ParseOffline(v.File, rotation(t))
		if !errors.Is(err, errorNames()[v.Error]) || (err == nil) != (v.Error == "") {
			t.Fatalf("%s: %v, want %q", v.Name, err, v.Error)
		}
		if err != nil {
			continue
		}
		if got := o.Verify(time.Unix(v.At, 0), v.situation()); string(got.Code) != v.Code {
			t.Errorf("%s: %s, want %s", v.Name, got.Code, v.Code)
		}
		if o.ReturnCode() != v.ReturnCode {
			t.Errorf("%s: return code %s", v.Name, o.ReturnCode())
		}
	}
}

func TestRequestVectors(t *testing.T) {
	for _, v := range vectorsOf(t, "requests.json", makeRequestVectors(t)) {
		r, err := licensefile.ParseOfflineRequest(v.Text)
		if !errors.Is(err, errorNames()[v.Error]) || (err == nil) != (v.Error == "") {
			t.Fatalf("%s: %v, want %q", v.Name, err, v.Error)
		}
		if err != nil {
			continue
		}
		want := licensefile.OfflineRequest{Product: v.Product, Device: licensefile.Device(*v.Device), Version: v.Version, Nonce: v.Nonce, MadeAt: time.Unix(v.MadeAt, 0).UTC()}
		if diff := cmp.Diff(want, r); diff != "" {
			t.Errorf("%s: %s", v.Name, diff)
		}
	}
}
