package httpx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/keyward/keyward/internal/fault"
)

const (
	maxJSONDepth = 32
	// maxShownKey is shorter than any license key, which a confused client may
	// have put in the place of a name.
	maxShownKey = 12
)

// StrictJSON reads what JSON parsers agree about. It refuses an object with the
// same name twice, text that is not UTF-8, anything after the value, and nesting
// deeper than 32, and numbers beyond float64. Names are compared as decoded, in
// their exact case. The value is what json.Unmarshal makes of it. The caller
// bounds the size.
func StrictJSON(body []byte) (any, error) {
	if !utf8.Valid(body) {
		return nil, malformedJSON("The JSON is not valid UTF-8.")
	}
	// The decoder stops at the end of the first value, and says less about where
	// one breaks off.
	if !json.Valid(body) {
		var whole json.RawMessage
		return nil, syntaxFault(json.Unmarshal(body, &whole))
	}
	return walkValue(json.NewDecoder(bytes.NewReader(body)), 0)
}

// walkValue reads one value; the syntax is known to be right.
func walkValue(dec *json.Decoder, depth int) (any, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, syntaxFault(err)
	}
	open, nested := token.(json.Delim)
	if !nested {
		return token, nil
	}
	if depth == maxJSONDepth {
		return nil, fault.New(fault.Invalid, "json_too_deep", fmt.Sprintf("The JSON is nested deeper than %d levels.", maxJSONDepth))
	}
	var value any
	if open == '{' {
		value, err = walkMembers(dec, depth+1)
	} else {
		value, err = walkElements(dec, depth+1)
	}
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != nil { // the closing bracket
		return nil, syntaxFault(err)
	}
	return value, nil
}

func walkMembers(dec *json.Decoder, depth int) (any, error) {
	members := map[string]any{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, syntaxFault(err)
		}
		name, _ := token.(string)
		if _, twice := members[name]; twice {
			return nil, duplicateKey(name)
		}
		if members[name], err = walkValue(dec, depth); err != nil {
			return nil, err
		}
	}
	return members, nil
}

func walkElements(dec *json.Decoder, depth int) (any, error) {
	elements := []any{}
	for dec.More() {
		value, err := walkValue(dec, depth)
		if err != nil {
			return nil, err
		}
		elements = append(elements, value)
	}
	return elements, nil
}

func duplicateKey(name string) *fault.Error {
	shown := shownKey(name)
	return fault.New(fault.Invalid, "duplicate_key", fmt.Sprintf("The JSON has the name %q twice in one object.", shown)).
		WithField(shown, "Send this name once.")
}

// shownKey shortens a name from outside and keeps its plain characters.
func shownKey(name string) string {
	runes := []rune(name)
	if len(runes) > maxShownKey {
		runes = append(runes[:maxShownKey], '…')
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, string(runes))
}

func syntaxFault(err error) *fault.Error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return malformedJSON(fmt.Sprintf("The JSON is malformed near byte %d.", syntax.Offset))
	}
	return malformedJSON("The JSON is malformed.")
}

func malformedJSON(message string) *fault.Error {
	return fault.New(fault.Invalid, "malformed_json", message)
}
