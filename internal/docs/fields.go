package docs

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// field is one value that a request or an answer carries. Fields of fields are
// named with a dot, those of the items of a list with [].
type field struct {
	Name, In, Type string
	Required       bool // must be sent
	MayMiss        bool // may be missing in an answer
	Limits         []string
	Description    string
	Example        string
}

// schema is what is read of a JSON schema.
type schema struct {
	Ref         string `json:"$ref"`
	Type        kinds
	Format      string
	Description string
	Enum        []any
	Examples    []any
	Default     any
	Properties  map[string]*schema
	Required    []string
	Items       *schema
	AnyOf       []*schema
	OneOf       []*schema
	MinLength   *int
	MaxLength   *int
	MinItems    *int
	MaxItems    *int
	Minimum     *float64
	Maximum     *float64
	Pattern     string
}

// kinds are the types of a schema, of which there may be one or several.
type kinds []string

// UnmarshalJSON reads one type or a list of them.
func (k *kinds) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		*k = kinds{""}
		return json.Unmarshal(text, &(*k)[0])
	}
	return json.Unmarshal(text, (*[]string)(k))
}

const schemaPrefix = "#/components/schemas/"

// resolve follows references, keeping what was said where they stand.
func (d openapi) resolve(s *schema) schema {
	if s == nil {
		return schema{}
	}
	out := *s
	for out.Ref != "" {
		target := d.Components.Schemas[strings.TrimPrefix(out.Ref, schemaPrefix)]
		if target == nil {
			break
		}
		described := out.Description
		if out = *target; described != "" {
			out.Description = described
		}
	}
	for _, one := range slices.Concat(s.AnyOf, s.OneOf) {
		inner := d.resolve(one)
		out.Type = append(slices.Clone(out.Type), inner.Type...)
		if inner.Properties != nil {
			out.Properties, out.Required = inner.Properties, inner.Required
		}
	}
	return out
}

// maxFieldDepth is deeper than anything the API says; a schema that names
// itself ends there.
const maxFieldDepth = 6

// fields lists what a body carries, outer fields before their own.
func (d openapi) fields(s *schema) []field { return d.fieldsBelow("", s, 0) }

func (d openapi) fieldsBelow(prefix string, s *schema, depth int) []field {
	all, itself := d.resolve(s), prefix
	if all.Items != nil {
		all, itself = d.resolve(all.Items), strings.TrimSuffix(prefix, ".")+"[]."
	}
	if depth == maxFieldDepth {
		return nil
	}
	var list []field
	for _, name := range slices.SortedFunc(maps.Keys(all.Properties), requiredFirst(all.Required)) {
		p := all.Properties[name]
		list = append(list, d.field(itself+name, p, slices.Contains(all.Required, name)))
		list = append(list, d.fieldsBelow(itself+name+".", p, depth+1)...)
	}
	return list
}

func requiredFirst(required []string) func(a, b string) int {
	return func(a, b string) int {
		if first, second := slices.Contains(required, a), slices.Contains(required, b); first != second {
			if first {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	}
}

func (d openapi) field(name string, s *schema, required bool) field {
	all := d.resolve(s)
	f := field{Name: name, Type: d.typeOf(all), Required: required, Description: all.Description, Limits: limits(all)}
	if len(all.Examples) > 0 {
		f.Example = plain(all.Examples[0])
	}
	return f
}

func (d openapi) typeOf(s schema) string {
	words := slices.Clone(s.Type)
	for i, word := range words {
		switch {
		case word == "array" && s.Items != nil:
			words[i] = "list of " + d.typeOf(d.resolve(s.Items))
		case word == "string" && s.Format != "":
			words[i] = s.Format
		}
	}
	if len(words) == 0 {
		return "any"
	}
	return strings.Join(words, " or ")
}

// limits are what bounds a value, in words.
func limits(s schema) []string {
	var list []string
	if len(s.Enum) > 0 {
		var values []string
		for _, v := range s.Enum {
			values = append(values, plain(v))
		}
		list = append(list, "one of "+strings.Join(values, ", "))
	}
	list = append(list, span("characters", s.MinLength, s.MaxLength)...)
	list = append(list, span("items", s.MinItems, s.MaxItems)...)
	if s.Minimum != nil {
		list = append(list, "at least "+number(*s.Minimum))
	}
	if s.Maximum != nil {
		list = append(list, "at most "+number(*s.Maximum))
	}
	if s.Default != nil {
		list = append(list, "without it "+plain(s.Default))
	}
	return list
}

func span(what string, least, most *int) []string {
	switch {
	case least != nil && most != nil:
		return []string{fmt.Sprintf("%d to %d %s", *least, *most, what)}
	case least != nil:
		return []string{fmt.Sprintf("at least %d %s", *least, what)}
	case most != nil:
		return []string{fmt.Sprintf("at most %d %s", *most, what)}
	}
	return nil
}

func number(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// plain writes a value of the document as it stands in JSON, text without its
// quotes.
func plain(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}
