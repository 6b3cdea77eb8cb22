package docs

import (
	"embed"
	"net/http"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/ui"
)

// Addresses of the documentation.
const (
	guidesPath    = "/docs"
	referencePath = "/api/v2/docs"
)

// Deps is what the documentation is made of.
type Deps struct {
	OpenAPI []byte       // the document of the API
	API     httpx.Routes // who may use what the API answers
	Now     func() time.Time

	AppName      string
	BaseURL      string // as software reaches the server; samples use it
	SupportEmail string
	SupportURL   string
	Banner       *ui.Banner // the demo's line above every page
}

// Door serves the documentation.
type Door struct {
	Deps
	templates *ui.Templates
	guides    []guide
	codes     *codes
	reference reference
}

//go:embed all:pages
var pages embed.FS

// New reads the guides and the API's document; one that cannot be read is an
// error at start.
func New(d Deps) (*Door, error) {
	templates, err := ui.Parse(pages, nil)
	if err != nil {
		return nil, err
	}
	guides, err := readGuides(d.BaseURL)
	if err != nil {
		return nil, err
	}
	codes, err := readCodes()
	if err != nil {
		return nil, err
	}
	ref, err := readReference(d.OpenAPI, d.API)
	if err != nil {
		return nil, err
	}
	return &Door{Deps: d, templates: templates, guides: guides, codes: codes, reference: ref}, nil
}

// Routes is every address of the documentation and who may use it.
func (d *Door) Routes() httpx.Routes {
	return httpx.Routes{
		{Pattern: "GET " + guidesPath, Access: httpx.Public, Handler: d.overview},
		{Pattern: "GET " + guidesPath + "/{guide}", Access: httpx.Public, Handler: d.guide},
		{Pattern: "GET " + referencePath, Access: httpx.Public, Handler: d.operations},
		{Pattern: "GET " + referencePath + "/{operation}", Access: httpx.Public, Handler: d.operation},
		{Pattern: "GET " + guidesPath + "/{$}", Access: httpx.Public, Handler: to(guidesPath)},
		{Pattern: "GET " + referencePath + "/{$}", Access: httpx.Public, Handler: to(referencePath)},
	}
}

// to sends readers to the one address of a page.
func to(path string) httpx.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		http.Redirect(w, r, path, http.StatusPermanentRedirect)
		return nil
	}
}

// Mount adds the documentation to a mux, with everything below its addresses.
func (d *Door) Mount(mux *http.ServeMux) {
	own := http.NewServeMux()
	httpx.Mount(own, d.Routes(), func(r httpx.Route) http.Handler { return httpx.Adapt(r.Handler, d.fail) })
	h := httpx.Chain(httpx.Unmatched(own, d.fail),
		httpx.SecurityHeaders(httpx.Policy, strings.HasPrefix(d.BaseURL, "https://")), httpx.ValidURL(d.fail), httpx.NoStore)
	for _, path := range []string{guidesPath, referencePath} {
		mux.Handle(path, h)
		mux.Handle(path+"/", h)
	}
}

// fail renders a fault as a page.
func (d *Door) fail(w http.ResponseWriter, r *http.Request, f *fault.Error) {
	status := httpx.StatusOf(f)
	p := d.page(r, http.StatusText(status), "")
	p.Path = guidesPath
	page := ui.ErrorPage{Page: p, Status: status, Message: f.Message, Next: f.Next, Action: &ui.Link{Label: "Documentation", Href: guidesPath, Primary: true}}
	if err := d.templates.Render(w, status, "error", page); err != nil {
		httpx.Log(r.Context()).ErrorContext(r.Context(), "the error page cannot be rendered", "error", err)
		d.templates.Fallback(w)
	}
}

// page is what the layout needs; current is the path of the entry of the side
// bar that the page belongs to.
func (d *Door) page(r *http.Request, title, current string) ui.Page {
	p := ui.Page{
		Title: title, AppName: d.AppName, Theme: ui.ThemeOf(r), Path: r.URL.RequestURI(), Banner: d.Banner, Home: guidesPath,
		SupportEmail: d.SupportEmail, SupportURL: d.SupportURL, RequestID: httpx.RequestID(r.Context()),
		Now: d.Now().UTC(), Zone: ui.ZoneOf(r),
	}
	add := func(group, label, href, icon string) {
		p.Nav = append(p.Nav, ui.NavItem{Group: group, Label: label, Href: href, Icon: icon, Current: current == href})
	}
	add("Documentation", "Overview", guidesPath, "dashboard")
	for _, g := range d.guides {
		add("Documentation", g.Title, g.path(), g.icon)
	}
	add("Reference", "API", referencePath, "server")
	add("Elsewhere", "Customer portal", "/", "key")
	return p
}

// overviewPage leads to all of the documentation.
type overviewPage struct {
	ui.Page
	Guides []guideRow
}

type guideRow struct{ Href, Title, Lede, Icon string }

func (d *Door) overview(w http.ResponseWriter, r *http.Request) error {
	page := overviewPage{Page: d.page(r, "Documentation", guidesPath)}
	for _, g := range d.guides {
		page.Guides = append(page.Guides, guideRow{g.path(), g.Title, g.Lede, g.icon})
	}
	page.Guides = append(page.Guides, guideRow{referencePath, "API reference", "Every operation: who may call it, what it takes and what it answers.", "server"})
	return d.templates.Render(w, http.StatusOK, "overview", page)
}

// guidePage is one guide.
type guidePage struct {
	ui.Page
	Lede     string
	Blocks   []block
	Contents []heading
	Codes    *codes
}

func (d *Door) guide(w http.ResponseWriter, r *http.Request) error {
	for _, g := range d.guides {
		if g.Name == r.PathValue("guide") {
			page := guidePage{Page: d.page(r, g.Title, g.path()), Lede: g.Lede, Blocks: g.Blocks, Contents: g.headings()}
			if g.Name == errorsGuide {
				page.Codes = d.codes
				page.Contents = append(page.Contents, heading{ID: "verdict-codes", Text: "Codes of verdicts"}, heading{ID: "fix-actions", Text: "Actions of fixes"}, heading{ID: "problem-codes", Text: "Codes of problems"})
			}
			return d.templates.Render(w, http.StatusOK, "guide", page)
		}
	}
	return fault.Missing("page")
}

// operationsPage lists what the API answers.
type operationsPage struct {
	ui.Page
	Groups []group
}

func (d *Door) operations(w http.ResponseWriter, r *http.Request) error {
	return d.templates.Render(w, http.StatusOK, "operations", operationsPage{
		Page: d.page(r, "API reference", referencePath), Groups: d.reference.groups,
	})
}

// operationPage is one operation.
type operationPage struct {
	ui.Page
	Op operation
}

func (d *Door) operation(w http.ResponseWriter, r *http.Request) error {
	op, found := d.reference.find(r.PathValue("operation"))
	if !found {
		return fault.Missing("page")
	}
	page := operationPage{Page: d.page(r, op.Summary, referencePath), Op: op}
	page.Crumbs = []ui.Link{{Label: "API reference", Href: referencePath}, {Label: op.ID}}
	return d.templates.Render(w, http.StatusOK, "operation", page)
}
