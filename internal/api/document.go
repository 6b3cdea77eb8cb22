package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/verdict"
)

const (
	specPath     = "/api/v2/openapi.json"
	schemaPrefix = "#/components/schemas/"
	schemeName   = "client_token"
	secretName   = "secret_token"
)

// document is the OpenAPI document in the making.
type document struct {
	registry huma.Registry
	openapi  *huma.OpenAPI
}

// newDocument describes every operation. The document depends on the code
// alone, so that it can be compared with a file.
func newDocument() *document {
	d := &document{registry: huma.NewMapRegistry(schemaPrefix, huma.DefaultSchemaNamer)}
	d.openapi = &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "Keyward native API", Version: "2.0.0",
			Description: "What shipped software asks about a license, with a client token, and what the vendor's programs manage, with a secret token. A refused license is an answer (200) with a verdict that says why and what to do; " +
				"everything else that goes wrong is a problem document (RFC 9457) with a stable code. Every answer to software carries a lease: the verdict, signed. Lists are read on with after; changes of a license need its ETag as If-Match.",
		},
		Tags: []*huma.Tag{
			{Name: "licenses", Description: "Questions about one license, asked with its key."},
			{Name: "keys", Description: "Public keys that verify leases."},
			{Name: "products", Description: "Products and the plans that licenses are issued as, with a secret token."},
			{Name: "customers", Description: "Customers and the people who sign in for them, with a secret token."},
			{Name: "events", Description: "Everything that happens, in order, with a secret token."},
			{Name: "vendor releases", Description: "Releases and their state, with a secret token."},
			{Name: "tickets", Description: "The support desk, with a secret token."},
			{Name: "vendor licenses", Description: "Issue and manage licenses, with a secret token."},
		},
		Components: &huma.Components{Schemas: d.registry, SecuritySchemes: map[string]*huma.SecurityScheme{
			schemeName: {Type: "http", Scheme: "bearer", Description: "A client token of one product (kwc_...). It is safe to ship with the software."},
			secretName: {Type: "http", Scheme: "bearer", Description: "A secret token (kws_...) with permissions in one environment. Never ship it."},
		}},
	}
	d.schemas()
	for _, op := range operations() {
		d.openapi.AddOperation(d.operation(op))
	}
	d.openapi.AddOperation(d.keys())
	for _, e := range endpoints() {
		d.openapi.AddOperation(d.vendor(e))
	}
	d.open()
	return d
}

// schemas adds to what the types say: checks by name, what may be null, and
// calls in which the device is required.
func (d *document) schemas() {
	for _, t := range []reflect.Type{reflect.TypeFor[Call](), reflect.TypeFor[Answer](), reflect.TypeFor[ReleaseList](), reflect.TypeFor[httpx.Problem]()} {
		d.registry.Schema(t, false, "")
	}
	all := d.registry.Map()
	for schema, names := range map[string][]string{"Answer": {"license", "activation"}, "ReleaseList": {"license"}} {
		for _, name := range names {
			p := all[schema].Properties[name]
			all[schema].Properties[name] = &huma.Schema{
				Description: p.Description, AnyOf: []*huma.Schema{{Ref: p.Ref}, {Type: "null"}},
			}
		}
	}
	all["Release"].Properties["code"].Enum = append([]any{string(verdict.Valid)}, codes()...)
	all["Check"].Properties["code"].Enum = codes()
	all["Fix"].Properties["check"].Enum = codes()
	all["Fix"].Properties["action"].Enum = actions()
	all["Verdict"].Properties["code"].Enum = append([]any{string(verdict.Valid)}, codes()...)
	all["Value"].Description = "At most one of these fields is there."
	all["Value"].Properties["list"].Nullable = false
	describeProblem(all["Problem"])

	withDevice := *all["Call"]
	withDevice.Required = append(slices.Clone(withDevice.Required), "device")
	all["DeviceCall"] = &withDevice
}

// open lets answers say more in newer servers; bodies that are sent stay closed.
func (d *document) open() {
	closed := map[string]bool{"Call": true, "DeviceCall": true, "Device": true}
	for _, e := range endpoints() {
		if e.in != nil {
			d.close(closed, d.registry.Schema(e.in, true, ""))
		}
	}
	for name, s := range d.registry.Map() {
		if no, is := s.AdditionalProperties.(bool); is && !no && !closed[name] {
			s.AdditionalProperties = nil
		}
	}
}

// close adds a schema and everything that it holds.
func (d *document) close(closed map[string]bool, s *huma.Schema) {
	if name, ok := strings.CutPrefix(s.Ref, schemaPrefix); ok && !closed[name] {
		closed[name] = true
		d.close(closed, d.registry.SchemaFromRef(s.Ref))
	}
	for _, p := range s.Properties {
		d.close(closed, p)
	}
	if s.Items != nil {
		d.close(closed, s.Items)
	}
}

func codes() []any {
	var list []any
	for _, c := range verdict.Codes() {
		list = append(list, string(c))
	}
	return list
}

func actions() []any {
	var list []any
	for _, a := range verdict.Actions() {
		list = append(list, string(a))
	}
	return list
}

func describeProblem(s *huma.Schema) {
	s.Description = "A problem document (RFC 9457)."
	for name, text := range map[string]string{
		"code":       "Stable, for programs to rely on.",
		"detail":     "One sentence for a person.",
		"errors":     "Which fields are wrong, and what to do about each.",
		"next":       "What to do next.",
		"request_id": "Names this request in the server's log; quote it to support.",
	} {
		s.Properties[name].Description = text
	}
	s.Properties["errors"].Nullable = false
}

func (d *document) operation(op operation) *huma.Operation {
	out := &huma.Operation{
		OperationID: op.id, Method: http.MethodPost, Path: op.path, Tags: []string{"licenses"},
		Summary: op.summary, Description: op.description,
		Security: []map[string][]string{{schemeName: {}}},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/json": {Schema: &huma.Schema{Ref: schemaPrefix + callSchema(op)}, Example: exampleCall()},
		}},
		Responses: map[string]*huma.Response{
			"200": {Description: "The verdict, also when it is a refusal.", Content: map[string]*huma.MediaType{
				"application/json": {Schema: &huma.Schema{Ref: schemaPrefix + op.answer}},
			}},
		},
	}
	statuses := []int{400, 401, 403, 413, 415, 429, 500, 503}
	if op.changes {
		statuses = append(statuses, http.StatusConflict)
		out.Parameters = []*huma.Param{idempotencyParam("for the same license and device")}
	}
	problems(out, statuses...)
	return out
}

func callSchema(op operation) string {
	if op.needsDevice {
		return "DeviceCall"
	}
	return "Call"
}

func exampleCall() map[string]any {
	return map[string]any{
		"key":     "ACME-7K2M-9QRT-4WXY-P3DF",
		"device":  map[string]any{"id": "4C4C4544-0042-3510", "name": "Studio Mac", "kind": "hardware", "platform": "darwin/arm64"},
		"version": "8.4.1",
		"nonce":   "n-0S6_WzA2Mj",
	}
}

// idempotencyParam describes the key of a request that is done once. Keys with
// another of what it is kept for do not meet.
func idempotencyParam(kept string) *huma.Param {
	longest := 128
	return &huma.Param{
		Name: "Idempotency-Key", In: "header", Example: "9b2f0a6e-activate",
		Description: "Any printable text of your own. A request that comes again with the same key, " + kept + ", is done once, for 24 hours. If anything else in it differs, that is a conflict.",
		Schema:      &huma.Schema{Type: huma.TypeString, MaxLength: &longest},
	}
}

func (d *document) keys() *huma.Operation {
	out := &huma.Operation{
		OperationID: "keys", Method: http.MethodGet, Path: keysPath, Tags: []string{"keys"},
		Summary:     "Public keys of a product",
		Description: "The keys that verify leases of a product, retired ones included, as a JSON Web Key Set. It tells software about rotation; trust comes from the key that the software pins.",
		Parameters: []*huma.Param{{
			Name: "product", In: "query", Required: true, Description: "Id of the product.", Schema: &huma.Schema{Type: huma.TypeString, Format: "uuid"},
		}},
		Responses: map[string]*huma.Response{"200": {
			Description: "The keys. May be cached for five minutes.",
			Content:     map[string]*huma.MediaType{"application/jwk-set+json": {Schema: keySetSchema()}},
		}},
	}
	problems(out, 400, 404, 429, 500, 503)
	return out
}

func keySetSchema() *huma.Schema {
	text := func() *huma.Schema { return &huma.Schema{Type: huma.TypeString} }
	key := &huma.Schema{Type: huma.TypeObject, Required: []string{"kty", "crv", "kid", "x"}, Properties: map[string]*huma.Schema{
		"kty": text(), "crv": text(), "kid": text(), "use": text(), "alg": text(), "x": text(),
	}}
	return &huma.Schema{Type: huma.TypeObject, Required: []string{"keys"}, Properties: map[string]*huma.Schema{
		"keys": {Type: huma.TypeArray, Items: key},
	}}
}

// problems adds the problem documents that an operation may answer with.
func problems(op *huma.Operation, statuses ...int) {
	for _, status := range statuses {
		r := &huma.Response{Description: meaning(status), Content: map[string]*huma.MediaType{
			"application/problem+json": {Schema: &huma.Schema{Ref: schemaPrefix + "Problem"}},
		}}
		switch status {
		case http.StatusUnauthorized:
			r.Headers = map[string]*huma.Param{"WWW-Authenticate": {Schema: &huma.Schema{Type: huma.TypeString}}}
		case http.StatusTooManyRequests:
			r.Headers = map[string]*huma.Param{"Retry-After": {Description: "Seconds to wait.", Schema: &huma.Schema{Type: huma.TypeInteger}}}
		}
		op.Responses[strconv.Itoa(status)] = r
	}
}

func meaning(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "The request is wrong; errors names the fields."
	case http.StatusUnauthorized:
		return "The token is missing, unknown, ended or not for this network."
	case http.StatusForbidden:
		return "The token does not include this permission."
	case http.StatusNotFound:
		return "There is no such record, or not in the environment of the token."
	case http.StatusConflict:
		return "The state of things does not allow it, or the Idempotency-Key was used for another request."
	case http.StatusPreconditionFailed:
		return "The record has changed since the version of If-Match."
	case http.StatusPreconditionRequired:
		return "If-Match is missing."
	case http.StatusRequestEntityTooLarge:
		return "The body is larger than this address takes."
	case http.StatusUnsupportedMediaType:
		return "The body is not declared as application/json."
	case http.StatusTooManyRequests:
		return "Too many requests from this address with this token, or too many unknown keys."
	case http.StatusServiceUnavailable:
		return "The server cannot answer now. Rely on the last lease and try again."
	}
	return "The server failed. Rely on the last lease and try again."
}

// render writes the document, which is made of this program's own values and
// can therefore not fail.
func (d *document) render() []byte {
	compact, err := json.Marshal(d.openapi)
	if err != nil {
		panic("api: the OpenAPI document cannot be written: " + err.Error())
	}
	var out bytes.Buffer
	if err := json.Indent(&out, compact, "", "  "); err != nil {
		panic("api: the OpenAPI document cannot be written: " + err.Error())
	}
	out.WriteByte('\n')
	return out.Bytes()
}

// OpenAPI returns the document that describes the API. It must not be changed.
func (a *API) OpenAPI() []byte { return a.spec }

// document serves the OpenAPI document.
func (a *API) document(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(a.spec)
	return nil
}
