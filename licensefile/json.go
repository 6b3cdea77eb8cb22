package licensefile

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"
)

// maxDepth bounds the nesting of anything read here.
const maxDepth = 6

// maxInstant is the end of the year 9999, past which times have no common
// text form.
const maxInstant = 253402300799

var errJSON = errors.New("not strict JSON")

// decodeBase64 reads base64url in its one canonical spelling: no padding, no
// stray bits, no line breaks.
func decodeBase64(s string) ([]byte, error) {
	data, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || base64.RawURLEncoding.EncodeToString(data) != s {
		return nil, errors.New("not canonical base64url")
	}
	return data, nil
}

// readObject reads one JSON object, field by exact field name. Everywhere in
// it a repeated name is refused, because two readers could see two meanings.
func readObject(data []byte) (map[string]json.RawMessage, error) {
	if err := checkStrict(data); err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil || fields == nil {
		return nil, fmt.Errorf("%w: not an object", errJSON)
	}
	return fields, nil
}

func checkStrict(data []byte) error {
	if !utf8.Valid(data) {
		return fmt.Errorf("%w: not UTF-8", errJSON)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := checkValue(dec, maxDepth); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("%w: more than one value", errJSON)
	}
	return nil
}

func checkValue(dec *json.Decoder, depth int) error {
	token, err := dec.Token()
	if err != nil {
		return fmt.Errorf("%w: %w", errJSON, err)
	}
	delim, nested := token.(json.Delim)
	if !nested {
		return nil
	}
	if depth == 0 {
		return fmt.Errorf("%w: nested too deeply", errJSON)
	}
	return checkNested(dec, delim == '{', depth-1)
}

func checkNested(dec *json.Decoder, object bool, depth int) error {
	names := map[string]bool{}
	for dec.More() {
		if object {
			token, err := dec.Token()
			if err != nil {
				return fmt.Errorf("%w: %w", errJSON, err)
			}
			name := token.(string)
			if names[name] {
				return fmt.Errorf("%w: %q is repeated", errJSON, name)
			}
			names[name] = true
		}
		if err := checkValue(dec, depth); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("%w: %w", errJSON, err)
	}
	return nil
}

// reader takes typed fields from an object and keeps the first error, so that
// a caller reads all of them and asks once.
type reader struct {
	fields map[string]json.RawMessage
	err    error
}

func (r *reader) decode(name string, into any) {
	raw, ok := r.fields[name]
	if !ok || string(raw) == "null" {
		r.fail(name, "missing")
		return
	}
	if err := json.Unmarshal(raw, into); err != nil {
		r.fail(name, "of the wrong type")
	}
}

func (r *reader) fail(name, what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %q is %s", errJSON, name, what)
	}
}

func (r *reader) has(name string) bool { _, ok := r.fields[name]; return ok }

// text reads a required, non-empty string.
func (r *reader) text(name string) (s string) {
	if r.decode(name, &s); s == "" {
		r.fail(name, "empty")
	}
	return s
}

// optional reads a string that may be absent.
func (r *reader) optional(name string) (s string) {
	if r.has(name) {
		r.decode(name, &s)
	}
	return s
}

func (r *reader) flag(name string) (b bool) {
	r.decode(name, &b)
	return b
}

// instant reads whole seconds since 1970.
func (r *reader) instant(name string) time.Time {
	var seconds int64
	if r.decode(name, &seconds); seconds < 0 || seconds > maxInstant {
		r.fail(name, "out of range")
	}
	return time.Unix(seconds, 0).UTC()
}

func (r *reader) object(name string) *reader {
	var fields map[string]json.RawMessage
	r.decode(name, &fields)
	return &reader{fields: fields, err: r.err}
}

// features reads values that are true or false, numbers or text. None are nil,
// however they are written.
func (r *reader) features(name string) map[string]any {
	if !r.has(name) {
		return nil
	}
	var values map[string]any
	r.decode(name, &values)
	for key, value := range values {
		switch value.(type) {
		case bool, float64, string:
		default:
			r.fail(name+"."+key, "of the wrong type")
		}
	}
	if len(values) == 0 {
		return nil
	}
	return values
}
