package httpx_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
)

func TestStrictJSON(t *testing.T) {
	nest := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, s := range []string{
		`{}`, `[]`, `null`, `"x"`, `1e99`, ` {"a":1} `, `{"a":{"a":1},"b":[{"a":1},{"a":2}]}`, `{"a":1,"A":2}`, nest(32),
	} {
		t.Run("accepts "+s, func(t *testing.T) {
			var want any
			if err := json.Unmarshal([]byte(s), &want); err != nil {
				t.Fatal(err)
			}
			got, err := httpx.StrictJSON([]byte(s))
			if err != nil || !reflect.DeepEqual(want, got) {
				t.Errorf("%#v, %v; want %#v", got, err, want)
			}
		})
	}
	for _, tt := range []struct{ name, body, code string }{
		{"nothing", ``, "malformed_json"},
		{"blanks", `  `, "malformed_json"},
		{"half an object", `{"a":1`, "malformed_json"},
		{"a trailing comma", `[1,]`, "malformed_json"},
		{"a second value", `{} {}`, "malformed_json"},
		{"trailing text", `{"a":1}x`, "malformed_json"},
		{"a number that nothing holds", `{"a":1e999}`, "malformed_json"},
		{"a comment", `{"a":1 /* x */}`, "malformed_json"},
		{"a byte order mark", "\ufeff{}", "malformed_json"},
		{"bytes that are no text", "{\"a\":\"\xff\"}", "malformed_json"},
		{"a repeated name", `{"key":1,"key":2}`, "duplicate_key"},
		{"a name repeated in another spelling", `{"key":1,"\u006bey":2}`, "duplicate_key"},
		{"a name repeated deep inside", `[{"a":[{"b":{"c":1,"d":2,"c":3}}]}]`, "duplicate_key"},
		{"a repeated empty name", `{"":1,"":2}`, "duplicate_key"},
		{"a name repeated after a nested value", `{"a":{"x":[1,2]},"a":1}`, "duplicate_key"},
		{"deep arrays", nest(33), "json_too_deep"},
		{"very deep arrays", nest(9000), "json_too_deep"},
		{"deeper than any parser goes", strings.Repeat("[", 20000), "malformed_json"},
		{"deep objects", strings.Repeat(`{"a":`, 33) + "1" + strings.Repeat("}", 33), "json_too_deep"},
	} {
		t.Run("refuses "+tt.name, func(t *testing.T) {
			_, err := httpx.StrictJSON([]byte(tt.body))
			f := fault.From(err)
			if f == nil || f.Kind != fault.Invalid || f.Code != tt.code {
				t.Errorf("err = %v, want %q", err, tt.code)
			}
		})
	}
	t.Run("names the repeated name", func(t *testing.T) {
		f := refusal([]byte(`{"device":1,"device":2}`))
		if f.Message != `The JSON has the name "device" twice in one object.` || f.Fields[0].Name != "device" {
			t.Errorf("fault = %+v", f)
		}
	})
	t.Run("shortens and cleans what it names", func(t *testing.T) {
		key := "ABCDE-FGHJK-LMNPQ-RSTUV-WXYZ2"
		f := refusal([]byte(`{"` + key + `":1,"` + key + `":2}`))
		mustNotContain(t, "fault", f.Error(), "LMNPQ", "WXYZ2")
		f = refusal([]byte(`{"a\u0000\u001b\u202e":1,"a\u0000\u001b\u202e":2}`))
		if f.Fields[0].Name != "a???" {
			t.Errorf("name = %q", f.Fields[0].Name)
		}
	})
	t.Run("says where it is malformed", func(t *testing.T) {
		f := refusal([]byte(`{"a":SECRET}`))
		if f.Message != "The JSON is malformed near byte 6." {
			t.Errorf("message = %q", f.Message)
		}
	})
}

func refusal(body []byte) *fault.Error {
	_, err := httpx.StrictJSON(body)
	return fault.From(err)
}

func FuzzStrictJSON(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1,"a":2}`, `[[[]]]`, `{"a":{"b":[1,"x",null,true,1e9]}}`, "\xff", `{} {}`, `{"\ud800":1,"\ud801":2}`, `[1,]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		_, err := httpx.StrictJSON(body)
		if err == nil {
			assertUnambiguous(t, body)
			return
		}
		refusal := fault.From(err)
		if refusal.Kind != fault.Invalid {
			t.Fatalf("%q is our own fault: %v", body, err)
		}
		if !utf8.ValidString(refusal.Message) || len(refusal.Message) > 200 {
			t.Fatalf("message %q is unsafe to show", refusal.Message)
		}
		var value any
		if refusal.Code == "malformed_json" && json.Unmarshal(body, &value) == nil && utf8.Valid(body) {
			t.Fatalf("%q is well formed but was refused: %v", body, err)
		}
	})
}

// assertUnambiguous proves with an independent count that accepted JSON keeps
// all its members when it is decoded.
func assertUnambiguous(t *testing.T, body []byte) {
	var v any
	dec := json.NewDecoder(strings.NewReader(string(body)))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%q was accepted but does not decode: %v", body, err)
	}
	if got, want := members(v), colons(body); got != want {
		t.Fatalf("%q was accepted with %d members, decoded to %d", body, want, got)
	}
}

func members(v any) int {
	n := 0
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			n += 1 + members(member)
		}
	case []any:
		for _, element := range v {
			n += members(element)
		}
	}
	return n
}

// colons counts the colons outside of strings: one for each member.
func colons(body []byte) int {
	n, quoted, escaped := 0, false, false
	for _, c := range body {
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case c == ':' && !quoted:
			n++
		}
	}
	return n
}
