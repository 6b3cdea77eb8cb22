package docs

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/api/apitest"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/ui"
	"github.com/keyward/keyward/internal/ui/uitest"
	"github.com/keyward/keyward/verdict"
)

// site is the documentation of a real API.
type site struct {
	world  *apitest.World
	door   *Door
	routes httpx.Routes
	server *httptest.Server
}

func newSite(t *testing.T) site {
	t.Helper()
	world := apitest.New(t, apitest.Options{})
	native := world.API
	door, err := New(Deps{
		OpenAPI: native.OpenAPI(), API: native.Routes(), Now: time.Now, BaseURL: "https://keys.vendor.example",
		SupportEmail: "help@vendor.example",
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+ui.AssetsPath, ui.NewAssets().Handler())
	native.Mount(mux)
	door.Mount(mux)
	server := httptest.NewServer(httpx.Chain(mux, httpx.AssignRequestID))
	t.Cleanup(server.Close)
	return site{world, door, native.Routes(), server}
}

// get returns what an address answers.
func (s site) get(t *testing.T, path string) (*http.Response, []byte) {
	t.Helper()
	response, err := s.server.Client().Get(s.server.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, body
}

// page returns a page that is there and sound.
func (s site) page(t *testing.T, path string) *goquery.Document {
	t.Helper()
	response, body := s.get(t, path)
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Security-Policy") != httpx.Policy {
		t.Fatalf("%s: %d with the policy %q", path, response.StatusCode, response.Header.Get("Content-Security-Policy"))
	}
	return uitest.Sound(t, body)
}

// paths lists every page of the documentation.
func (s site) paths() []string {
	list := []string{guidesPath, referencePath}
	for _, g := range s.door.guides {
		list = append(list, g.path())
	}
	for _, g := range s.door.reference.groups {
		for _, op := range g.Operations {
			list = append(list, op.Href())
		}
	}
	return list
}

func TestPagesFitTheirTemplates(t *testing.T) {
	s := newSite(t)
	for name, data := range map[string]any{
		"overview": overviewPage{}, "guide": guidePage{}, "operations": operationsPage{}, "operation": operationPage{}, "error": ui.ErrorPage{},
	} {
		uitest.Check(t, s.door.templates, name, data)
	}
}

// Pages load nothing from elsewhere, and what they link to on this server is
// there, down to the part of the page.
func TestEveryPageIsSoundAndItsLinksAreAlive(t *testing.T) {
	s := newSite(t)
	pages := map[string]*goquery.Document{}
	for _, path := range s.paths() {
		pages[path] = s.page(t, path)
	}
	elsewhere := map[string]bool{"/": true} // the portal
	for path, page := range pages {
		page.Find("[src], link[href]").Each(func(_ int, e *goquery.Selection) {
			if at := e.AttrOr("src", e.AttrOr("href", "")); !strings.HasPrefix(at, "/") || strings.HasPrefix(at, "//") {
				t.Errorf("%s loads %s", path, at)
			}
		})
		page.Find("a[href]").Each(func(_ int, e *goquery.Selection) {
			to, err := url.Parse(e.AttrOr("href", ""))
			switch {
			case err != nil:
				t.Errorf("%s: %v", path, err)
			case to.Host != "" || to.Scheme == "mailto" || elsewhere[to.Path]:
			default:
				s.alive(t, pages, path, to)
			}
		})
	}
}

func (s site) alive(t *testing.T, pages map[string]*goquery.Document, from string, to *url.URL) {
	t.Helper()
	at := to.Path
	if at == "" {
		at = from
	}
	if page := pages[at]; page == nil {
		if response, _ := s.get(t, at); response.StatusCode != http.StatusOK {
			t.Errorf("%s links to %s: %d", from, to, response.StatusCode)
		}
	} else if to.Fragment != "" && page.Find("#"+to.Fragment).Length() != 1 {
		t.Errorf("%s links to %s, which %s does not have", from, to, at)
	}
}

func TestSamplesNameThisServer(t *testing.T) {
	s := newSite(t)
	text := s.page(t, "/docs/quick-start").Find(".sample").Text()
	if strings.Contains(text, standIn) || !strings.Contains(text, "curl https://keys.vendor.example/api/v2/licenses/validate") {
		t.Errorf("the samples name another server: %s", text)
	}
}

// Every operation that the API has is shown with who may use it, what it takes
// and what it answers.
func TestReferenceShowsEveryOperation(t *testing.T) {
	s := newSite(t)
	list := s.page(t, referencePath)
	for _, route := range s.routes {
		method, path, _ := strings.Cut(route.Pattern, " ")
		if path == "/api/v2/openapi.json" {
			continue
		}
		row := list.Find("li").FilterFunction(func(_ int, e *goquery.Selection) bool {
			return e.Find(".method").Text() == method && e.Find("small code").First().Text() == path
		})
		if row.Length() != 1 {
			t.Errorf("%s is listed %d times", route.Pattern, row.Length())
			continue
		}
		page := s.page(t, row.Find("a.row-link").AttrOr("href", ""))
		if got := page.Find(".lede code").Text(); got != route.Pattern {
			t.Errorf("the page of %s is about %s", route.Pattern, got)
		}
		if permission, asked := route.Access.Permission(); asked && page.Find(".facts code").First().Text() != permission {
			t.Errorf("%s does not name the permission %s", route.Pattern, permission)
		} else if !asked && !strings.Contains(row.Text(), "anybody") {
			t.Errorf("%s is said to need a token: %s", route.Pattern, row.Text())
		}
	}
}

func TestReferenceShowsFieldsWithTheirLimits(t *testing.T) {
	page := newSite(t).page(t, referencePath+"/activate")
	for name, want := range map[string][]string{
		"key":                              {"required", "1 to 255 characters"},
		"device.id":                        {"required", "at most 255 characters"},
		"device.kind":                      {"one of hardware, domain"},
		"features":                         {"list of string", "at most 50 items"},
		"Idempotency-Key":                  {"in the header", "at most 128 characters"},
		"verdict.valid":                    {"boolean", "Whether no check failed."},
		"license.ends_at":                  {"date-time or null"},
		"verdict.checks[].observed.number": {"integer"},
		"activation":                       {"object or null"},
	} {
		row := page.Find("tr").FilterFunction(func(_ int, e *goquery.Selection) bool { return e.Find("th > code").Text() == name })
		if row.Length() != 1 {
			t.Errorf("%s is shown %d times", name, row.Length())
		}
		for _, text := range want {
			if !strings.Contains(row.Text(), text) {
				t.Errorf("%s does not say %q: %s", name, text, row.Text())
			}
		}
	}
	if problems := page.Find("#problems ~ .card th").Text(); !strings.Contains(problems, "409") || !strings.Contains(problems, "429") {
		t.Errorf("the problems are %s", problems)
	}
}

// What the reference shows as a body is taken: what it names need not exist
// here, but nothing in it is wrong.
func TestExampleBodiesAreTaken(t *testing.T) {
	s := newSite(t)
	client := s.world.AddProduct("Studio", nil).Token
	_, secret, err := s.world.Identity.CreateToken(t.Context(), s.world.System(), identity.NewToken{
		Kind: account.SecretToken, Name: "Vendor", Environment: license.Production, Permissions: account.Permissions(),
	})
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, g := range s.door.reference.groups {
		for _, op := range g.Operations {
			if op.Example == "" {
				continue
			}
			tried++
			token := secret
			if op.Permission == string(account.DevicesUse) {
				token = client
			}
			if status, body := s.send(t, op, token); status >= 500 || slices.Contains([]int{400, 401, 403, 405, 415}, status) {
				t.Errorf("%s %s answers %d: %s", op.Method, op.Path, status, body)
			}
		}
	}
	if tried == 0 {
		t.Error("no operation has an example")
	}
}

var placeholder = regexp.MustCompile(`\{\w+\}`)

// send does what the page of an operation shows.
func (s site) send(t *testing.T, op operation, token string) (int, string) {
	t.Helper()
	at := s.server.URL + placeholder.ReplaceAllString(op.Path, string(id.New()))
	r, err := http.NewRequestWithContext(t.Context(), op.Method, at, strings.NewReader(op.Example))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	for _, p := range op.Parameters {
		if p.In == "header" && p.Example != "" {
			r.Header.Set(p.Name, p.Example)
		}
	}
	response, err := s.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// Every code that software may meet is explained.
func TestErrorsShowEveryCode(t *testing.T) {
	s := newSite(t)
	page := s.page(t, "/docs/errors")
	for _, code := range verdict.Codes() {
		row, words := page.Find("#code-"+string(code)), verdict.Describe(code)
		if !strings.Contains(row.Text(), words.Developer) || !strings.Contains(row.Text(), words.Customer) {
			t.Errorf("%s is not explained: %s", code, row.Text())
		}
	}
	for _, action := range verdict.Actions() {
		cells := page.Find("#action-" + string(action) + " td")
		if cells.Length() != 2 || len(strings.Fields(cells.First().Text())) < 3 || len(strings.Fields(cells.Last().Text())) < 3 {
			t.Errorf("the action %s is not explained: %s", action, cells.Text())
		}
	}
	for code, status := range map[string]string{"token_invalid": "401", "idempotency_conflict": "409", "unsupported_media_type": "415", "too_many_requests": "429", "busy": "503"} {
		if got := page.Find("#problem-" + code + " td").First().Text(); got != status {
			t.Errorf("%s has the status %q, not %s", code, got, status)
		}
	}
	if n := page.Find("[id^='problem-']:not(#problem-codes)").Length(); n != len(s.door.codes.Faults) {
		t.Errorf("%d of %d codes are shown", n, len(s.door.codes.Faults))
	}
}

// The warnings that the API names are those of the guide.
func TestConceptsShowEveryWarning(t *testing.T) {
	s := newSite(t)
	text := s.page(t, "/docs/concepts").Find("main").Text()
	var doc struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct{ Enum []string }
			}
		}
	}
	if err := json.Unmarshal(s.door.OpenAPI, &doc); err != nil {
		t.Fatal(err)
	}
	warnings := doc.Components.Schemas["Warning"].Properties["code"].Enum
	if len(warnings) == 0 {
		t.Error("the API names no warnings")
	}
	for _, code := range warnings {
		if !strings.Contains(text, code) {
			t.Errorf("%s is not explained", code)
		}
	}
}

func TestASlashTooManyLeadsToThePage(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{guidesPath, referencePath} {
		if response, _ := s.get(t, path+"/"); response.StatusCode != http.StatusOK || response.Request.URL.Path != path {
			t.Errorf("%s/ leads to %s: %d", path, response.Request.URL.Path, response.StatusCode)
		}
	}
}

func TestWhatIsNotThereIsAPageToo(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/docs/none", "/docs/none/at-all", "/api/v2/docs/none"} {
		response, body := s.get(t, path)
		page := uitest.Sound(t, body)
		if response.StatusCode != http.StatusNotFound || page.Find("a[href='/docs']").Length() == 0 {
			t.Errorf("%s: %d %s", path, response.StatusCode, page.Find("main").Text())
		}
	}
	response, err := s.server.Client().Post(s.server.URL+"/docs", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("a POST is answered with %d", response.StatusCode)
	}
}
