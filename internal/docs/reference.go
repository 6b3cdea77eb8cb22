package docs

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/keyward/keyward/internal/httpx"
)

// reference is the API's document, ready to be shown.
type reference struct{ groups []group }

// group is operations about one thing.
type group struct {
	Name, Description string
	Operations        []operation
}

// operation is one thing that the API does.
type operation struct {
	ID, Method, Path     string
	Summary, Description string
	Permission           string   // empty: anybody
	Tokens               []string // kinds of token that it takes, in the document's words
	Parameters           []field
	Body                 []field
	Example              string // of a body
	Answers              []answer
	Problems             []answer
}

// Anchor is the group's part of an address.
func (g group) Anchor() string { return "about-" + anchor(g.Name) }

// Title is the group's name as a heading.
func (g group) Title() string {
	return strings.ToUpper(g.Name[:min(1, len(g.Name))]) + g.Name[min(1, len(g.Name)):]
}

// Href is the address of the operation's page.
func (o operation) Href() string { return referencePath + "/" + o.ID }

// answer is one status that an operation answers with.
type answer struct {
	Status, Description, MediaType string
	Headers                        []field
	Fields                         []field
}

func (r reference) find(id string) (operation, bool) {
	for _, g := range r.groups {
		for _, op := range g.Operations {
			if op.ID == id {
				return op, true
			}
		}
	}
	return operation{}, false
}

// What is read of the document.
type (
	openapi struct {
		Tags       []struct{ Name, Description string }
		Paths      map[string]map[string]apiOperation
		Components struct {
			Schemas         map[string]*schema
			SecuritySchemes map[string]struct{ Description string }
		}
	}
	apiOperation struct {
		OperationID, Summary, Description string
		Tags                              []string
		Security                          []map[string][]string
		Parameters                        []apiParameter
		RequestBody                       *struct{ Content map[string]apiContent }
		Responses                         map[string]apiResponse
	}
	apiParameter struct {
		Name, In, Description string
		Required              bool
		Example               any
		Schema                *schema
	}
	apiContent struct {
		Schema  *schema
		Example json.RawMessage
	}
	apiResponse struct {
		Description string
		Headers     map[string]apiParameter
		Content     map[string]apiContent
	}
)

const problemType = "application/problem+json"

// readReference reads the API's document; the routes say who may call what.
func readReference(document []byte, routes httpx.Routes) (reference, error) {
	var doc openapi
	if err := json.Unmarshal(document, &doc); err != nil {
		return reference{}, fmt.Errorf("docs: the OpenAPI document: %w", err)
	}
	var all reference
	for _, tag := range doc.Tags {
		all.groups = append(all.groups, group{Name: tag.Name, Description: tag.Description})
	}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for _, method := range slices.SortedFunc(maps.Keys(doc.Paths[path]), byMethod) {
			all.add(doc.Paths[path][method].Tags, doc.operation(method, path, routes))
		}
	}
	all.groups = slices.DeleteFunc(all.groups, func(g group) bool { return len(g.Operations) == 0 })
	return all, nil
}

// byMethod puts reading before changing.
func byMethod(a, b string) int {
	order := []string{"get", "post", "put", "patch", "delete"}
	return cmp.Or(cmp.Compare(slices.Index(order, a), slices.Index(order, b)), cmp.Compare(a, b))
}

func (r *reference) add(tags []string, op operation) {
	name := "other"
	if len(tags) > 0 {
		name = tags[0]
	}
	i := slices.IndexFunc(r.groups, func(g group) bool { return g.Name == name })
	if i < 0 {
		i = len(r.groups)
		r.groups = append(r.groups, group{Name: name})
	}
	r.groups[i].Operations = append(r.groups[i].Operations, op)
}

func (d openapi) operation(method, path string, routes httpx.Routes) operation {
	in := d.Paths[path][method]
	op := operation{
		ID: in.OperationID, Method: strings.ToUpper(method), Path: path, Summary: in.Summary, Description: in.Description,
		Permission: permission(routes, strings.ToUpper(method)+" "+path),
	}
	for _, way := range in.Security {
		for _, name := range slices.Sorted(maps.Keys(way)) {
			op.Tokens = append(op.Tokens, d.Components.SecuritySchemes[name].Description)
		}
	}
	for _, p := range in.Parameters {
		op.Parameters = append(op.Parameters, d.parameter(p))
	}
	if in.RequestBody != nil {
		for _, kind := range slices.Sorted(maps.Keys(in.RequestBody.Content)) {
			body := in.RequestBody.Content[kind]
			op.Body = append(op.Body, d.fields(body.Schema)...)
			op.Example = indent(body.Example)
		}
	}
	for _, status := range slices.Sorted(maps.Keys(in.Responses)) {
		op.answer(status, d.answer(status, in.Responses[status]))
	}
	return op
}

func (o *operation) answer(status string, a answer) {
	if status < "400" {
		o.Answers = append(o.Answers, a)
	} else {
		o.Problems = append(o.Problems, a)
	}
}

// permission is what a route asks for.
func permission(routes httpx.Routes, pattern string) string {
	for _, route := range routes {
		if route.Pattern == pattern {
			if name, asked := route.Access.Permission(); asked {
				return name
			}
		}
	}
	return ""
}

func (d openapi) parameter(p apiParameter) field {
	f := d.field(p.Name, p.Schema, p.Required)
	f.In = p.In
	if p.Description != "" {
		f.Description = p.Description
	}
	if p.Example != nil {
		f.Example = fmt.Sprint(p.Example)
	}
	return f
}

func (d openapi) answer(status string, in apiResponse) answer {
	a := answer{Status: status, Description: cmp.Or(in.Description, statusText(status))}
	for _, name := range slices.Sorted(maps.Keys(in.Headers)) {
		header := in.Headers[name]
		header.Name, header.In = name, "header"
		a.Headers = append(a.Headers, d.parameter(header))
	}
	for _, kind := range slices.Sorted(maps.Keys(in.Content)) {
		a.MediaType = kind
		if kind != problemType {
			a.Fields = append(a.Fields, answered(d.fields(in.Content[kind].Schema))...)
		}
	}
	return a
}

// answered says of fields which may be missing, instead of which must be sent.
func answered(fields []field) []field {
	for i, f := range fields {
		fields[i].Required, fields[i].MayMiss = false, !f.Required
	}
	return fields
}

func statusText(status string) string {
	var code int
	if _, err := fmt.Sscan(status, &code); err != nil {
		return status
	}
	return http.StatusText(code)
}

func indent(raw json.RawMessage) string {
	if len(raw) == 0 {
		return ""
	}
	var value any
	if json.Unmarshal(raw, &value) != nil {
		return ""
	}
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return ""
	}
	return string(text)
}
