package ui

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed templates
var templateFiles embed.FS

// entry is the template that a page's execution starts at; a page may define it anew to
// choose the plain layout.
const entry = "layout"

// Templates are the pages of a door, each with the layout and the components around it.
type Templates struct {
	pages    map[string]*template.Template
	fallback []byte
}

// Parse reads a door's pages. Every *.html file in pages, at any depth, is a page named after
// its file without the ending, and must define "content". Files whose name begins with "_"
// are no pages: what they define is available to all. The page "error" exists without a file
// and takes an [ErrorPage].
func Parse(pages fs.FS, extra template.FuncMap) (*Templates, error) {
	base, err := parseBase(pages, extra)
	if err != nil {
		return nil, err
	}
	t := &Templates{pages: map[string]*template.Template{}}
	if err := t.add(base, templateFiles, "templates/error.html"); err != nil {
		return nil, err
	}
	files, err := htmlFiles(pages, false)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if err := t.add(base, pages, file); err != nil {
			return nil, err
		}
	}
	return t, t.renderFallback()
}

func parseBase(pages fs.FS, extra template.FuncMap) (*template.Template, error) {
	base := template.New(entry).Option("missingkey=error").Funcs(funcs(NewAssets())).Funcs(extra)
	base, err := base.ParseFS(templateFiles, "templates/layout.html", "templates/components.html")
	if err != nil {
		return nil, fmt.Errorf("ui: %w", err)
	}
	partials, err := htmlFiles(pages, true)
	if err != nil || len(partials) == 0 {
		return base, err
	}
	if base, err = base.ParseFS(pages, partials...); err != nil {
		return nil, fmt.Errorf("ui: %w", err)
	}
	return base, nil
}

// htmlFiles lists the partials or the pages of a door.
func htmlFiles(pages fs.FS, partial bool) ([]string, error) {
	var files []string
	err := fs.WalkDir(pages, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".html" {
			return err
		}
		if strings.HasPrefix(path.Base(name), "_") == partial {
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("ui: list pages: %w", err)
	}
	return files, nil
}

func (t *Templates) add(base *template.Template, from fs.FS, file string) error {
	name := strings.TrimSuffix(path.Base(file), ".html")
	if _, taken := t.pages[name]; taken && name != "error" {
		return fmt.Errorf("ui: two pages are named %q", name)
	}
	page, err := base.Clone()
	if err != nil {
		return fmt.Errorf("ui: page %q: %w", name, err)
	}
	if page, err = page.ParseFS(from, file); err != nil {
		return fmt.Errorf("ui: page %q: %w", name, err)
	}
	if page.Lookup("content") == nil {
		return fmt.Errorf("ui: page %q does not define %q", name, "content")
	}
	t.pages[name] = page.Lookup(entry)
	return nil
}

// Names returns the names of all pages, sorted.
func (t *Templates) Names() []string { return slices.Sorted(maps.Keys(t.pages)) }

// Lookup returns a page's template, or nil. It is there for checking, see package uitest.
func (t *Templates) Lookup(name string) *template.Template { return t.pages[name] }

// Execute renders a page and returns its bytes.
func (t *Templates) Execute(name string, data any) ([]byte, error) {
	page, ok := t.pages[name]
	if !ok {
		return nil, fmt.Errorf("ui: no page named %q", name)
	}
	var buf bytes.Buffer
	if err := page.Execute(&buf, data); err != nil {
		return nil, fmt.Errorf("ui: render %q: %w", name, err)
	}
	return buf.Bytes(), nil
}

// Render renders a page to a buffer and only then writes it with the status. On an error
// nothing has been written, so that the caller can still answer; see [Templates.Fallback].
func (t *Templates) Render(w http.ResponseWriter, status int, name string, data any) error {
	body, err := t.Execute(name, data)
	if err != nil {
		return err
	}
	write(w, status, body)
	return nil
}

// Fallback writes an error page that was rendered when the program started. It is the answer
// to a failure while rendering, and cannot fail itself.
func (t *Templates) Fallback(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	write(w, http.StatusInternalServerError, t.fallback)
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the reader went away: nobody is left to tell
}

func (t *Templates) renderFallback() error {
	body, err := t.Execute("error", ErrorPage{
		Page:    Page{Title: "Something went wrong", Now: time.Time{}},
		Status:  http.StatusInternalServerError,
		Message: "The page could not be shown. This is a fault on our side and nothing you did.",
		Next:    "Please try again in a moment.",
		Action:  &Link{Label: "Go to the start page", Href: "/", Primary: true},
	})
	t.fallback = body
	return err
}

// ErrorPage is the data of the page "error". A door that draws its own names its file
// error.html and uses the same struct.
type ErrorPage struct {
	Page
	Status  int
	Message string // what happened, safe to show
	Next    string // what to do now
	Action  *Link
}

// Symbol is the icon of the page.
func (p ErrorPage) Symbol() string {
	switch p.Status {
	case http.StatusNotFound, http.StatusGone:
		return "search"
	case http.StatusUnauthorized, http.StatusForbidden:
		return "lock"
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return "clock"
	default:
		return "warning"
	}
}

// errNoAsset is what a page gets for naming a file that is not in the tree.
var errNoAsset = errors.New("ui: no such asset")

func (a *Assets) mustURL(name string) (string, error) {
	url := a.URL(name)
	if url == "" {
		return "", fmt.Errorf("%w: %s", errNoAsset, name)
	}
	return url, nil
}
