package api

import (
	"net/http"
	"reflect"
	"regexp"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// vendor describes an endpoint for secret tokens.
func (d *document) vendor(e endpoint) *huma.Operation {
	out := &huma.Operation{
		OperationID: e.id, Method: e.method, Path: e.path, Tags: []string{e.tag}, Summary: e.summary,
		Description: e.description + " Needs the permission " + string(e.permission) + ".",
		Security:    []map[string][]string{{secretName: {}}},
		Parameters:  parameters(e),
		Responses:   map[string]*huma.Response{},
	}
	if e.in != nil {
		out.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/json": {Schema: d.registry.Schema(e.in, true, "")},
		}}
	}
	status := http.StatusOK
	if e.created {
		status = http.StatusCreated
	}
	answer := &huma.Response{Description: "The answer.", Content: map[string]*huma.MediaType{
		"application/json": {Schema: d.registry.Schema(e.out, true, "")},
	}}
	if e.out.Implements(versionedType) {
		answer.Headers = map[string]*huma.Param{"ETag": {Description: "The version of the record.", Schema: &huma.Schema{Type: huma.TypeString}}}
	}
	out.Responses[strconv.Itoa(status)] = answer
	problems(out, statuses(e)...)
	return out
}

// versionedType is what answers with an ETag implement.
var versionedType = reflect.TypeFor[versioned]()

var pathName = regexp.MustCompile(`\{(\w+)\}`)

func parameters(e endpoint) []*huma.Param {
	var all []*huma.Param
	for _, name := range pathName.FindAllStringSubmatch(e.path, -1) {
		all = append(all, &huma.Param{Name: name[1], In: "path", Required: true, Schema: pathSchema(name[1])})
	}
	for _, p := range e.params {
		all = append(all, &huma.Param{Name: p.name, In: "query", Description: p.doc, Schema: p.schema()})
	}
	if e.versioned {
		all = append(all, &huma.Param{
			Name: "If-Match", In: "header", Required: true, Example: `"3"`, Schema: &huma.Schema{Type: huma.TypeString},
			Description: "The ETag of the record that the change was decided on.",
		})
	}
	if e.writes() {
		all = append(all, idempotencyParam("of the same token and for the same address"))
	}
	return all
}

// pathSchema is what a name in an address stands for: an id, mostly.
func pathSchema(name string) *huma.Schema {
	switch name {
	case "number":
		return &huma.Schema{Type: huma.TypeInteger, Format: "int64"}
	case "version":
		return &huma.Schema{Type: huma.TypeString}
	}
	return &huma.Schema{Type: huma.TypeString, Format: "uuid"}
}

func statuses(e endpoint) []int {
	all := []int{400, 401, 403, 404, 429, 500, 503}
	if e.in != nil {
		all = append(all, 413, 415)
	}
	if e.writes() {
		all = append(all, 409)
	}
	if e.versioned {
		all = append(all, 412, 428)
	}
	return all
}
