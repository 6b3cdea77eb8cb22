package api_test

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/api/apitest"
)

var update = flag.Bool("update", false, "write testdata/openapi.json anew")

func TestOpenAPIDocument(t *testing.T) {
	f := newFixture(t, apitest.Options{})
	r := f.get(t, "/api/v2/openapi.json")
	if r.Status != http.StatusOK || !strings.HasPrefix(r.Header.Get("Cache-Control"), "public") {
		t.Fatalf("got %d %v", r.Status, r.Header)
	}
	golden := filepath.Join("testdata", "openapi.json")
	if *update {
		if err := os.WriteFile(golden, []byte(r.Text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), r.Text); diff != "" {
		t.Errorf("the contract changed; if that is meant, run this test with -update (-want +got):\n%s", diff)
	}
}

func TestOpenAPIDocumentNamesEveryRoute(t *testing.T) {
	f := newFixture(t, apitest.Options{})
	var doc struct {
		OpenAPI string                                `json:"openapi"`
		Paths   map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal([]byte(f.get(t, "/api/v2/openapi.json").Text), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("version %q", doc.OpenAPI)
	}
	for _, route := range f.API.Routes() {
		method, path, _ := strings.Cut(route.Pattern, " ")
		if path == "/api/v2/openapi.json" {
			continue
		}
		if doc.Paths[path][strings.ToLower(method)] == nil {
			t.Errorf("%s is not described", route.Pattern)
		}
	}
}
