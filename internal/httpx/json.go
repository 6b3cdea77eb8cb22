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

// StrictJSON refuses what JSON parsers disagree about: an object with the same
// name twice, text that is not UTF-8, anything after the value, and nesting
// deeper than 32. Names are compared as decoded, in their exact case. The
// caller bounds the size.
func StrictJSON(body []byte) error {
	if !utf8.Valid(body) {
		return malformedJSON("The JSON is not valid UTF-8.")
	}
	var whole json.RawMessage
	if err := json.Unmarshal(body, &whole); err != nil {
		return syntaxFault(err)
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	return walkValue(dec, 0)
}

// walkValue reads one value; the syntax is known to be right.
func walkValue(dec *json.Decoder, depth int) error {
	token, err := dec.Token()
	if err != nil {
		return syntaxFault(err)
	}
	open, nested := token.(json.Delim)
	if !nested {
		return nil
	}
	if depth == maxJSONDepth {
		return fault.New(fault.Invalid, "json_too_deep", fmt.Sprintf("The JSON is nested deeper than %d levels.", maxJSONDepth))
	}
	if open == '{' {
		err = walkMembers(dec, depth+1)
	} else {
		err = walkElements(dec, depth+1)
	}
	if err != nil {
		return err
	}
	if _, err := dec.Token(); err != nil { // the closing bracket
		return syntaxFault(err)
	}
	return nil
}

func walkMembers(dec *json.Decoder, depth int) error {
	seen := map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return syntaxFault(err)
		}
		name, _ := token.(string)
		if seen[name] {
			return duplicateKey(name)
		}
		seen[name] = true
		if err := walkValue(dec, depth); err != nil {
			return err
		}
	}
	return nil
}

func walkElements(dec *json.Decoder, depth int) error {
	for dec.More() {
		if err := walkValue(dec, depth); err != nil {
			return err
		}
	}
	return nil
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
