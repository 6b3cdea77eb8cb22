package licensefile

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/verdict"
)

// OfflineType is the header type of an offline file. It is not that of a
// lease, so that neither passes as the other.
const OfflineType = "keyward-offline+jws"

// MaxOfflineSize is the most bytes an offline file may have.
const MaxOfflineSize = 16 << 10

// ReturnKeySize is the length of a file's return key in bytes.
const ReturnKeySize = 16

// Offline is a license in a file, for one device that never connects. Instants
// are whole seconds.
type Offline struct {
	ID          string
	Product     string
	Environment string
	License     string
	Plan        string // name of the tier, for people
	Device      Device // the one device it is for
	Nonce       string // the request's
	IssuedAt    time.Time
	ValidUntil  time.Time
	EndsAt      *time.Time    // when the license ends; nil for never
	MaxSkew     time.Duration // how far the device's clock may be behind
	MaxVersion  string        // newest version included; "" for all
	Limit       int           // devices the license is for; 0 for any number
	Features    map[string]any
	ReturnKey   []byte // what ReturnCode is made with
}

// ParseOffline reads an offline file and verifies its signature against the
// keys. It returns ErrMalformed, ErrUnknownKey or ErrSignature, and no file with
// them. A file it returns is genuine, but may have ended or be for another
// device: ask Verify.
func ParseOffline(text string, keys KeySet) (*Offline, error) {
	if len(text) > MaxOfflineSize {
		return nil, fmt.Errorf("offline file: %w: larger than %d bytes", ErrMalformed, MaxOfflineSize)
	}
	payload, err := verify(text, OfflineType, keys)
	if err != nil {
		return nil, fmt.Errorf("offline file: %w", err)
	}
	o, err := parseOfflineClaims(payload)
	if err != nil {
		return nil, fmt.Errorf("offline file: %w: %w", ErrMalformed, err)
	}
	return o, nil
}

// parseOfflineClaims reads the payload. Names it does not know are left alone,
// so that newer servers can add some.
func parseOfflineClaims(data []byte) (*Offline, error) {
	fields, err := readObject(data)
	if err != nil {
		return nil, err
	}
	in := &reader{fields: fields}
	o := &Offline{
		ID: in.text("jti"), Product: in.text("product"), Environment: in.text("environment"), License: in.text("license"),
		Plan: in.optional("plan"), Nonce: in.text("nonce"), IssuedAt: in.instant("iat"), ValidUntil: in.instant("exp"),
		MaxVersion: in.optional("max_version"), Limit: in.number("activation_limit"),
		MaxSkew: time.Duration(in.number("max_skew")) * time.Second, Features: in.features("features"),
	}
	if in.has("ends_at") {
		end := in.instant("ends_at")
		o.EndsAt = &end
	}
	o.Device = in.device()
	key, err := decodeBase64(in.text("return_key"))
	if in.err != nil {
		return nil, in.err
	}
	if err != nil {
		return nil, fmt.Errorf("return key: %w", err)
	}
	o.ReturnKey = key
	return o, o.validate()
}

// maxNumber bounds the numbers of an offline file: above all a skew of ten days.
const maxNumber = 864_000

// number reads a whole number that may be absent.
func (r *reader) number(name string) (n int) {
	if !r.has(name) {
		return 0
	}
	if r.decode(name, &n); n < 0 || n > maxNumber {
		r.fail(name, "out of range")
	}
	return n
}

// validate holds the rules between fields, for reading and writing alike.
func (o *Offline) validate() error {
	switch {
	case o.ID == "" || o.Product == "" || o.Environment == "" || o.License == "" || o.Device.ID == "" || o.Nonce == "":
		return fmt.Errorf("id, product, environment, license, device and nonce are required")
	case !o.IssuedAt.Before(o.ValidUntil):
		return fmt.Errorf("ends before it is issued")
	case o.EndsAt != nil && o.ValidUntil.After(*o.EndsAt):
		return fmt.Errorf("outlives its license")
	case len(o.Features) > maxFeatures:
		return fmt.Errorf("more than %d features", maxFeatures)
	case len(o.ReturnKey) != ReturnKeySize:
		return fmt.Errorf("return key of %d bytes", len(o.ReturnKey))
	}
	return nil
}

// offlineClaims is the written order and naming of an offline file.
type offlineClaims struct {
	ID          string         `json:"jti"`
	Product     string         `json:"product"`
	Environment string         `json:"environment"`
	License     string         `json:"license"`
	Plan        string         `json:"plan,omitempty"`
	Device      deviceClaims   `json:"device"`
	Nonce       string         `json:"nonce"`
	IssuedAt    int64          `json:"iat"`
	ValidUntil  int64          `json:"exp"`
	EndsAt      *int64         `json:"ends_at,omitempty"`
	MaxSkew     int64          `json:"max_skew,omitempty"` // seconds
	MaxVersion  string         `json:"max_version,omitempty"`
	Limit       int            `json:"activation_limit,omitempty"`
	Features    map[string]any `json:"features,omitempty"`
	ReturnKey   string         `json:"return_key"`
}

// Claims returns the payload that is signed for an offline file. It refuses,
// with ErrMalformed, values that ParseOffline would refuse. Parts of a second
// are cut off. Equal files give equal bytes.
func (o Offline) Claims() ([]byte, error) {
	if o.EndsAt != nil {
		end := o.EndsAt.Truncate(time.Second)
		o.EndsAt = &end
	}
	o.IssuedAt, o.ValidUntil = o.IssuedAt.Truncate(time.Second), o.ValidUntil.Truncate(time.Second)
	data, err := json.Marshal(o.wire())
	if err != nil {
		return nil, fmt.Errorf("offline file: %w: %w", ErrMalformed, err)
	}
	// Reading it back catches what the types allow and a reader would not.
	read, err := parseOfflineClaims(data)
	if err != nil {
		return nil, fmt.Errorf("offline file: %w: %w", ErrMalformed, err)
	}
	if read.Device != o.Device || read.Nonce != o.Nonce {
		return nil, fmt.Errorf("offline file: %w: device or nonce is not UTF-8", ErrMalformed)
	}
	return data, nil
}

func (o Offline) wire() offlineClaims {
	c := offlineClaims{
		ID: o.ID, Product: o.Product, Environment: o.Environment, License: o.License, Plan: o.Plan, Device: deviceClaims(o.Device),
		Nonce: o.Nonce, IssuedAt: o.IssuedAt.Unix(), ValidUntil: o.ValidUntil.Unix(), MaxSkew: int64(o.MaxSkew / time.Second),
		MaxVersion: o.MaxVersion, Limit: o.Limit, Features: o.Features, ReturnKey: base64.RawURLEncoding.EncodeToString(o.ReturnKey),
	}
	if o.EndsAt != nil {
		end := o.EndsAt.Unix()
		c.EndsAt = &end
	}
	return c
}

// Situation is where an offline file is used.
type Situation struct {
	Product  string   // required: the software's own product
	Device   string   // required: the id of this device, as in its request
	Version  string   // of the software; "" is not asked
	Features []string // that must be included

	// Latest is the latest instant that this device ever knew, for instance
	// when the software last ran. A clock that was set back is noticed by it.
	Latest time.Time
}

// Verify decides whether the license in a genuine file is good to use here and
// now. It makes those of a server's checks that need no server, in their order,
// with the same codes. A file ends exactly at ValidUntil; the skew applies to
// clocks that are behind.
func (o *Offline) Verify(now time.Time, s Situation) verdict.Verdict {
	v := verdict.Verdict{Purpose: verdict.Use, Valid: true, Code: verdict.Valid, At: now.UTC(), Fixes: []verdict.Fix{}}
	latest := now
	if s.Latest.After(now) {
		latest = s.Latest
	}
	for _, c := range []verdict.Check{
		check(verdict.ProductMismatch, s.Product == "" || o.Product != s.Product, verdict.Text(s.Product), verdict.Text(o.Product)),
		check(verdict.Expired, verdict.Ended(o.ValidUntil, latest), verdict.Time(o.ValidUntil), verdict.Time(latest)),
		o.checkVersion(s.Version),
		o.checkFeatures(s.Features),
		check(verdict.NotActivated, s.Device == "" || o.Device.ID != s.Device, verdict.Text(s.Device), verdict.Text(o.Device.ID)),
		o.checkClock(now, s.Latest),
	} {
		v.Checks = append(v.Checks, c)
		if c.Outcome != verdict.Fail {
			continue
		}
		if v.Valid {
			v.Valid, v.Code = false, c.Code
		}
		v.Fixes = append(v.Fixes, fixOf(c.Code))
	}
	v.Message = verdict.Describe(v.Code).Customer
	return v
}

func check(code verdict.Code, bad bool, observed, required verdict.Value) verdict.Check {
	c := verdict.Check{Code: code, Outcome: verdict.Pass, Observed: observed, Required: required, Source: verdict.FromLicense}
	if bad {
		c.Outcome = verdict.Fail
	}
	return c
}

func (o *Offline) checkVersion(version string) verdict.Check {
	c := check(verdict.VersionNotEligible, !verdict.VersionAllowed(o.MaxVersion, version), verdict.Text(version), verdict.Text(o.MaxVersion))
	if version == "" {
		c.Outcome, c.Skip = verdict.Skipped, verdict.SkipNotAsked
	}
	return c
}

func (o *Offline) checkFeatures(asked []string) verdict.Check {
	var missing []string
	for _, name := range asked {
		if !included(o.Features[name]) {
			missing = append(missing, name)
		}
	}
	c := check(verdict.FeatureMissing, len(missing) > 0, verdict.List(missing), verdict.List(asked))
	if len(asked) == 0 {
		c.Outcome, c.Skip = verdict.Skipped, verdict.SkipNotAsked
	}
	return c
}

// included reports whether a value grants its feature.
func included(value any) bool {
	switch v := value.(type) {
	case bool:
		return v
	case float64:
		return v > 0
	case string:
		return v != ""
	}
	return false
}

// checkClock: the clock is behind the instant of issue, or behind what this
// device knew before.
func (o *Offline) checkClock(now, latest time.Time) verdict.Check {
	from := o.IssuedAt
	if latest.After(from) {
		from = latest
	}
	behind := now.Add(max(0, o.MaxSkew)).Before(from)
	return check(verdict.ClockSkew, behind, verdict.Time(now), verdict.Time(from))
}

func fixOf(code verdict.Code) verdict.Fix {
	actions := map[verdict.Code]verdict.Action{
		verdict.ProductMismatch: verdict.UseProductKey, verdict.Expired: verdict.Renew, verdict.VersionNotEligible: verdict.UseVersion,
		verdict.FeatureMissing: verdict.AddFeature, verdict.NotActivated: verdict.ActivateDevice, verdict.ClockSkew: verdict.SetClock,
	}
	return verdict.Fix{Check: code, Action: actions[code], Actor: verdict.ByCustomer}
}

// ReturnCode is what the device shows when it gives its file back. Software
// shows it after it has removed the file: with the code the owner of the
// license has the file taken off the list in the portal.
func (o *Offline) ReturnCode() string { return ReturnCode(o.ReturnKey, o.ID) }

// codeAlphabet has no letters that are taken for digits.
var codeAlphabet = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// ReturnCode is the return code of the file with this key and id: three groups
// of four.
func ReturnCode(key []byte, file string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("keyward offline return v1\n" + file))
	code := codeAlphabet.EncodeToString(mac.Sum(nil)[:8])[:12]
	return strings.Join(slices.Collect(groups(code)), "-")
}

func groups(code string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for i := 0; i < len(code); i += 4 {
			if !yield(code[i : i+4]) {
				return
			}
		}
	}
}

// SameReturnCode compares a code that somebody typed, without regard to case,
// blanks and hyphens, in constant time.
func SameReturnCode(typed, code string) bool {
	return hmac.Equal([]byte(foldCode(typed)), []byte(foldCode(code)))
}

func foldCode(s string) string {
	return strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(strings.TrimSpace(s)))
}
