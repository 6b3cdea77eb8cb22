package licensefile

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/keyward/keyward/verdict"
)

// The fixed header values of a lease.
const (
	LeaseType      = "keyward-lease+jws"
	LeaseAlgorithm = "EdDSA"
)

// MaxLeaseSize is the most bytes a lease token may have.
const MaxLeaseSize = 16 << 10

// maxFeatures bounds how many features one lease can name.
const maxFeatures = 256

// Lease is a signed answer about one license: the verdict, for whom it was
// given and how long it may be relied on. Instants are whole seconds.
type Lease struct {
	ID          string
	Product     string
	Environment string
	License     string // empty when the key was not known
	Device      Device // zero when the request named none
	Nonce       string // the request's, empty when it had none
	IssuedAt    time.Time
	ValidUntil  time.Time
	Verdict     LeaseVerdict
	Features    map[string]any // bool, float64 or string
	Version     string         // the software version asked about, if any
	EndsAt      *time.Time     // when the license ends; nil for never or unknown
}

// Device is the device a lease was given to.
type Device struct {
	ID       string
	Name     string
	Kind     string
	Platform string
}

// LeaseVerdict is the outcome that was signed.
type LeaseVerdict struct {
	Valid   bool
	Code    verdict.Code // verdict.Valid exactly when Valid
	Message string
}

// ParseLease reads a lease and verifies its signature against the keys. It
// returns ErrMalformed, ErrUnknownKey or ErrSignature, and no lease with them.
// A lease it returns is genuine, but may have ended or be for another device:
// ask Check.
func ParseLease(token string, keys KeySet) (*Lease, error) {
	if len(token) > MaxLeaseSize {
		return nil, fmt.Errorf("lease: %w: larger than %d bytes", ErrMalformed, MaxLeaseSize)
	}
	payload, err := verify(token, LeaseType, keys)
	if err != nil {
		return nil, fmt.Errorf("lease: %w", err)
	}
	lease, err := parseClaims(payload)
	if err != nil {
		return nil, fmt.Errorf("lease: %w: %w", ErrMalformed, err)
	}
	return lease, nil
}

// verify returns the payload of a token once its signature is known to be good;
// nothing of the payload is looked at before.
func verify(token, typ string, keys KeySet) ([]byte, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, fmt.Errorf("%w: expected three parts", ErrMalformed)
	}
	var decoded [3][]byte
	for i, part := range parts {
		data, err := decodeBase64(part)
		if err != nil {
			return nil, fmt.Errorf("%w: part %d: %w", ErrMalformed, i+1, err)
		}
		decoded[i] = data
	}
	kid, err := parseHeader(decoded[0], typ)
	if err != nil {
		return nil, fmt.Errorf("%w: header: %w", ErrMalformed, err)
	}
	if len(decoded[2]) != ed25519.SignatureSize {
		return nil, fmt.Errorf("%w: signature of %d bytes", ErrMalformed, len(decoded[2]))
	}
	public, known := keys.keys[kid]
	if !known {
		return nil, ErrUnknownKey
	}
	signed := token[:len(parts[0])+1+len(parts[1])]
	if !ed25519.Verify(public, []byte(signed), decoded[2]) {
		return nil, ErrSignature
	}
	return decoded[1], nil
}

// parseHeader accepts exactly the three fields a server writes. A field that
// is not understood could change what the signature means.
func parseHeader(data []byte, want string) (kid string, err error) {
	fields, err := readObject(data)
	if err != nil {
		return "", err
	}
	in := reader{fields: fields}
	alg, typ, kid := in.text("alg"), in.text("typ"), in.text("kid")
	switch {
	case in.err != nil:
		return "", in.err
	case len(fields) != 3:
		return "", fmt.Errorf("%d fields instead of 3", len(fields))
	case alg != LeaseAlgorithm:
		return "", fmt.Errorf("algorithm is not %s", LeaseAlgorithm)
	case typ != want:
		return "", fmt.Errorf("type is not %s", want)
	}
	return kid, nil
}

// parseClaims reads the payload. Names it does not know are left alone, so
// that newer servers can add some.
func parseClaims(data []byte) (*Lease, error) {
	fields, err := readObject(data)
	if err != nil {
		return nil, err
	}
	in := &reader{fields: fields}
	lease := &Lease{
		ID: in.text("jti"), Product: in.text("product"), Environment: in.text("environment"),
		License: in.optional("license"), Nonce: in.optional("nonce"), Version: in.optional("version"),
		IssuedAt: in.instant("iat"), ValidUntil: in.instant("exp"),
		Features: in.features("features"),
	}
	if in.has("ends_at") {
		end := in.instant("ends_at")
		lease.EndsAt = &end
	}
	if in.has("device") {
		lease.Device = in.device()
	}
	lease.Verdict = in.verdict()
	if in.err != nil {
		return nil, in.err
	}
	return lease, lease.validate()
}

func (r *reader) device() Device {
	in := r.object("device")
	d := Device{ID: in.text("id"), Name: in.optional("name"), Kind: in.optional("kind"), Platform: in.optional("platform")}
	r.err = in.err
	return d
}

func (r *reader) verdict() LeaseVerdict {
	in := r.object("verdict")
	v := LeaseVerdict{Valid: in.flag("valid"), Code: verdict.Code(in.text("code")), Message: in.optional("message")}
	r.err = in.err
	return v
}

// validate holds the rules between fields, for reading and writing alike.
func (l *Lease) validate() error {
	switch {
	case l.ID == "" || l.Product == "" || l.Environment == "":
		return fmt.Errorf("id, product and environment are required")
	case l.Device.ID == "" && l.Device != (Device{}):
		return fmt.Errorf("device without id")
	case l.Verdict.Valid != (l.Verdict.Code == verdict.Valid) || l.Verdict.Code == "":
		return fmt.Errorf("verdict contradicts its code")
	case l.Verdict.Valid && l.License == "":
		return fmt.Errorf("valid without a license")
	case !l.IssuedAt.Before(l.ValidUntil):
		return fmt.Errorf("ends before it is issued")
	case l.Verdict.Valid && l.EndsAt != nil && l.ValidUntil.After(*l.EndsAt):
		return fmt.Errorf("outlives its license")
	case len(l.Features) > maxFeatures:
		return fmt.Errorf("more than %d features", maxFeatures)
	}
	return nil
}

// Expect is the situation of the software that holds a lease.
type Expect struct {
	Product string        // required
	Device  string        // the id of this device; empty accepts only a lease for no device
	Nonce   string        // of the request just made; empty for a lease kept from before
	MaxSkew time.Duration // how far this device's clock may be behind the server's
}

// Check reports whether a lease may be relied on here and now. It says nothing
// about the verdict in it. The skew applies to the beginning alone; a lease
// ends exactly at ValidUntil, as a license does at its end.
func (l *Lease) Check(now time.Time, want Expect) error {
	switch {
	case want.Product == "" || l.Product != want.Product:
		return fmt.Errorf("lease: %w", ErrProduct)
	case l.Device.ID != want.Device:
		return fmt.Errorf("lease: %w", ErrDevice)
	case want.Nonce != "" && l.Nonce != want.Nonce:
		return fmt.Errorf("lease: %w", ErrNonce)
	case now.Add(max(0, want.MaxSkew)).Before(l.IssuedAt):
		return fmt.Errorf("lease: %w", ErrNotYetValid)
	case !now.Before(l.ValidUntil):
		return fmt.Errorf("lease: %w", ErrExpired)
	}
	return nil
}

// Claims returns the payload that is signed for a lease. It refuses, with
// ErrMalformed, values that ParseLease would refuse. Parts of a second are cut
// off. Equal leases give equal bytes.
func (l Lease) Claims() ([]byte, error) {
	if l.EndsAt != nil {
		end := l.EndsAt.Truncate(time.Second)
		l.EndsAt = &end
	}
	l.IssuedAt, l.ValidUntil = l.IssuedAt.Truncate(time.Second), l.ValidUntil.Truncate(time.Second)
	if err := l.validate(); err != nil {
		return nil, fmt.Errorf("lease: %w: %w", ErrMalformed, err)
	}
	if err := l.readable(); err != nil {
		return nil, fmt.Errorf("lease: %w: %w", ErrMalformed, err)
	}
	data, err := json.Marshal(l.wire())
	if err != nil {
		return nil, fmt.Errorf("lease: %w: %w", ErrMalformed, err)
	}
	return data, nil
}

// readable refuses what the types allow and a reader would not. Reading back
// what was written would say the same and cost more than the signature.
func (l *Lease) readable() error {
	for _, s := range []string{l.Device.ID, l.Device.Name, l.Device.Kind, l.Device.Platform, l.Nonce} {
		if !utf8.ValidString(s) {
			return fmt.Errorf("device or nonce is not UTF-8")
		}
	}
	for _, t := range []*time.Time{&l.IssuedAt, &l.ValidUntil, l.EndsAt} {
		if t != nil && (t.Unix() < 0 || t.Unix() > maxInstant) {
			return fmt.Errorf("instant out of range")
		}
	}
	for key, value := range l.Features {
		switch value.(type) {
		case bool, string, float64, int:
		default:
			return fmt.Errorf("feature %q is neither true or false, a number nor text", key)
		}
		if !utf8.ValidString(key) {
			return fmt.Errorf("the name of a feature is not UTF-8")
		}
	}
	return nil
}

// claims is the written order and naming of a lease.
type claims struct {
	ID          string         `json:"jti"`
	Product     string         `json:"product"`
	Environment string         `json:"environment"`
	License     string         `json:"license,omitempty"`
	Device      *deviceClaims  `json:"device,omitempty"`
	Nonce       string         `json:"nonce,omitempty"`
	IssuedAt    int64          `json:"iat"`
	ValidUntil  int64          `json:"exp"`
	Verdict     verdictClaims  `json:"verdict"`
	Features    map[string]any `json:"features,omitempty"`
	Version     string         `json:"version,omitempty"`
	EndsAt      *int64         `json:"ends_at,omitempty"`
}

type deviceClaims struct {
	ID       string `json:"id"`
	Name     string `json:"name,omitempty"`
	Kind     string `json:"kind,omitempty"`
	Platform string `json:"platform,omitempty"`
}

type verdictClaims struct {
	Valid   bool   `json:"valid"`
	Code    string `json:"code"`
	Message string `json:"message,omitempty"`
}

func (l Lease) wire() claims {
	c := claims{
		ID: l.ID, Product: l.Product, Environment: l.Environment, License: l.License, Nonce: l.Nonce,
		IssuedAt: l.IssuedAt.Unix(), ValidUntil: l.ValidUntil.Unix(),
		Verdict:  verdictClaims{l.Verdict.Valid, string(l.Verdict.Code), l.Verdict.Message},
		Features: l.Features, Version: l.Version,
	}
	if l.Device != (Device{}) {
		d := deviceClaims(l.Device)
		c.Device = &d
	}
	if l.EndsAt != nil {
		end := l.EndsAt.Unix()
		c.EndsAt = &end
	}
	return c
}
