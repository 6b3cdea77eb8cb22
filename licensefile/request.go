package licensefile

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// MaxRequestSize is the most bytes an offline request may have.
const MaxRequestSize = 4 << 10

const (
	// RequestType names a request in its text.
	RequestType = "keyward-offline-request"
	// requestPrefix begins the one line form, which fits a QR code.
	requestPrefix = "keyward-request:"
)

// OfflineRequest is what a device that never connects asks for: a file for
// itself. It is not signed, and holds nothing secret.
type OfflineRequest struct {
	Product string // id of the software's product
	Device  Device // with an id that stays the same on this device
	Version string // of the software
	Nonce   string // random; the file repeats it
	MadeAt  time.Time
}

type requestFields struct {
	Type    string       `json:"type"`
	Product string       `json:"product"`
	Device  deviceClaims `json:"device"`
	Version string       `json:"version,omitempty"`
	Nonce   string       `json:"nonce"`
	MadeAt  int64        `json:"made_at"`
}

// Encode writes the request as JSON, for a file. It refuses, with
// ErrMalformed, what ParseOfflineRequest would refuse.
func (r OfflineRequest) Encode() ([]byte, error) {
	data, err := json.Marshal(requestFields{
		Type: RequestType, Product: r.Product, Device: deviceClaims(r.Device), Version: r.Version, Nonce: r.Nonce, MadeAt: r.MadeAt.Unix(),
	})
	if err != nil {
		return nil, fmt.Errorf("offline request: %w: %w", ErrMalformed, err)
	}
	if _, err := ParseOfflineRequest(string(data)); err != nil {
		return nil, err
	}
	return data, nil
}

// Line writes the request as one line of text, for a QR code or to be pasted.
func (r OfflineRequest) Line() (string, error) {
	data, err := r.Encode()
	if err != nil {
		return "", err
	}
	return requestPrefix + base64.RawURLEncoding.EncodeToString(data), nil
}

// ParseOfflineRequest reads a request in either form. It returns ErrMalformed,
// which says what is wrong, and no request with it.
func ParseOfflineRequest(text string) (OfflineRequest, error) {
	r, err := parseRequest(text)
	if err != nil {
		return OfflineRequest{}, fmt.Errorf("offline request: %w: %w", ErrMalformed, err)
	}
	return r, nil
}

func parseRequest(text string) (OfflineRequest, error) {
	if len(text) > MaxRequestSize {
		return OfflineRequest{}, fmt.Errorf("larger than %d bytes", MaxRequestSize)
	}
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	data := []byte(text)
	if line, ok := strings.CutPrefix(text, requestPrefix); ok {
		var err error
		// Mails and terminals break long lines.
		if data, err = decodeBase64(strings.Join(strings.FieldsFunc(line, unicode.IsSpace), "")); err != nil {
			return OfflineRequest{}, err
		}
	}
	fields, err := readObject(data)
	if err != nil {
		return OfflineRequest{}, err
	}
	in := &reader{fields: fields}
	if kind := in.text("type"); in.err == nil && kind != RequestType {
		return OfflineRequest{}, fmt.Errorf("type is not %s", RequestType)
	}
	r := OfflineRequest{
		Product: in.text("product"), Version: in.optional("version"), Nonce: in.text("nonce"), MadeAt: in.instant("made_at"), Device: in.device(),
	}
	if in.err != nil {
		return OfflineRequest{}, in.err
	}
	return r, r.validate()
}

// maxNonce bounds a nonce, in bytes.
const maxNonce = 128

func (r OfflineRequest) validate() error {
	if len(r.Nonce) < 16 || len(r.Nonce) > maxNonce {
		return fmt.Errorf("nonce has %d bytes instead of 16 to %d", len(r.Nonce), maxNonce)
	}
	if strings.ContainsFunc(r.Nonce, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return fmt.Errorf("nonce is not printable ASCII")
	}
	return nil
}
