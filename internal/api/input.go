package api

import (
	"encoding/json"
	"errors"
	"maps"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/danielgtaylor/huma/v2"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
)

const (
	maxBody = 64 << 10
	// maxProblems bounds how many wrong inputs one answer names.
	maxProblems = 20
	// maxShownName is shorter than any license key, which a confused caller
	// may have put in the place of a name.
	maxShownName = 12
)

// bodyReader reads bodies of one type and checks them against its schema.
type bodyReader struct {
	registry huma.Registry
	schema   *huma.Schema
	limit    int64
}

func newBodyReader(registry huma.Registry, of reflect.Type, limit int64) *bodyReader {
	return &bodyReader{registry: registry, schema: registry.Schema(of, false, ""), limit: limit}
}

// readCall returns the call that r carries, or what is wrong with it.
func (c *bodyReader) readCall(r *http.Request) (Call, error) {
	var call Call
	if r.URL.RawQuery != "" {
		return call, fault.New(fault.Invalid, "unexpected_query", "This address takes nothing in its query.").
			WithNext("Send everything in the JSON body. A license key has no place in an address.")
	}
	_, err := c.read(r, &call)
	return call, err
}

// read decodes the body of r into a struct. It also returns what it says, or
// what is wrong with it.
func (c *bodyReader) read(r *http.Request, into any) (any, error) {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" {
		return nil, fault.New(fault.Invalid, httpx.CodeUnsupportedMediaType, "This address takes JSON.").
			WithNext("Send the header Content-Type: application/json.")
	}
	body, err := httpx.ReadBody(r, c.limit)
	if err != nil {
		return nil, err
	}
	value, err := httpx.StrictJSON(body)
	if err != nil {
		return nil, err
	}
	if err := c.check(value); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return nil, notRead(err)
	}
	return value, nil
}

// notRead keeps the error of the decoder out of the log: it quotes values.
func notRead(error) error {
	return fault.New(fault.Invalid, "malformed_json", "The JSON could not be read.")
}

// check names every field that is unknown or missing; if there is none, every
// field whose value does not fit.
func (c *bodyReader) check(value any) error {
	var p fault.Problems
	c.names(&p, c.schema, "", value)
	if f := p.Err(); f != nil {
		return worded(f)
	}
	result := &huma.ValidateResult{}
	path := huma.NewPathBuffer([]byte{}, 0)
	huma.Validate(c.registry, c.schema, path, huma.ModeWriteToServer, value, result)
	for _, err := range result.Errors {
		addDetail(&p, err)
	}
	if f := p.Err(); f != nil {
		return worded(f)
	}
	return nil
}

func worded(f *fault.Error) *fault.Error {
	f.Message = "Some fields of the request need a correction."
	f.Fields = f.Fields[:min(len(f.Fields), maxProblems)]
	return f
}

// names compares names in their exact case. The decoder and the schema would
// both take KEY for key.
func (c *bodyReader) names(p *fault.Problems, s *huma.Schema, path string, value any) {
	if s.Ref != "" {
		s = c.registry.SchemaFromRef(s.Ref)
	}
	if rows, ok := value.([]any); ok && s.Items != nil {
		for i, row := range rows {
			c.names(p, s.Items, strings.TrimSuffix(path, ".")+"["+strconv.Itoa(i)+"].", row)
		}
		return
	}
	object, ok := value.(map[string]any)
	if !ok || s.Type != huma.TypeObject || s.Properties == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if property, known := s.Properties[name]; known {
			c.names(p, property, path+name+".", object[name])
		} else {
			p.Add(path+shown(name), "Remove this field: it is not known here. Names are written in lower case.")
		}
	}
	for _, name := range s.Required {
		if _, there := object[name]; !there {
			p.Add(path+name, "Send this field.")
		}
	}
}

// shown shortens a name from outside and keeps its plain characters.
func shown(name string) string {
	runes := []rune(name)
	if len(runes) > maxShownName {
		runes = append(runes[:maxShownName], '…')
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, string(runes))
}

// addDetail takes over where and what, never the value.
func addDetail(p *fault.Problems, err error) {
	detail, ok := errors.AsType[*huma.ErrorDetail](err)
	if !ok || detail.Message == "" {
		p.Add("body", "This does not fit.")
		return
	}
	field := detail.Location
	if field == "" {
		field = "body"
	}
	p.Add(field, strings.ToUpper(detail.Message[:1])+detail.Message[1:]+".")
}
