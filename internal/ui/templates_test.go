package ui_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/ui"
	"github.com/keyward/keyward/internal/ui/uitest"
)

func files(contents map[string]string) fstest.MapFS {
	tree := fstest.MapFS{}
	for name, text := range contents {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return tree
}

const hello = `{{define "content"}}<h1>{{.Title}}</h1>{{end}}`

func TestParse(t *testing.T) {
	t.Run("pages are named after their files and share partials", func(t *testing.T) {
		templates, err := ui.Parse(files(map[string]string{
			"pages/one.html": hello, "pages/deep/two.html": `{{define "content"}}<h1>{{template "shared" .}}</h1>{{end}}`,
			"pages/_shared.html": `{{define "shared"}}shared{{end}}`, "pages/notes.txt": "no page",
		}), nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"error", "one", "two"}, templates.Names()); diff != "" {
			t.Error(diff)
		}
		doc := uitest.Render(t, templates, "two", ui.ErrorPage{Page: ui.Page{Title: "Two"}})
		if got := doc.Find("h1").Text(); got != "shared" {
			t.Errorf("got %q", got)
		}
	})
	refused := map[string]map[string]string{
		"a page without content":     {"one.html": `{{define "contents"}}x{{end}}`},
		"two pages of one name":      {"a/one.html": hello, "b/one.html": hello},
		"a page that is no template": {"one.html": `{{define "content"}}{{if}}{{end}}`},
		"a partial that is none":     {"_p.html": `{{nofunction}}`, "one.html": hello},
	}
	for what, tree := range refused {
		t.Run(what+" is refused", func(t *testing.T) {
			if _, err := ui.Parse(files(tree), nil); err == nil {
				t.Error("it was accepted")
			}
		})
	}
}

func TestRender(t *testing.T) {
	templates, err := ui.Parse(files(map[string]string{
		"fine.html":   hello,
		"broken.html": `{{define "content"}}<h1>{{.Title}}</h1>{{icon "no such icon"}}{{end}}`,
	}), nil)
	if err != nil {
		t.Fatal(err)
	}
	page := ui.ErrorPage{Page: ui.Page{Title: `<script>alert("x")</script>`}}
	t.Run("a page is written whole", func(t *testing.T) {
		w := httptest.NewRecorder()
		if err := templates.Render(w, http.StatusTeapot, "fine", page); err != nil {
			t.Fatal(err)
		}
		if w.Code != http.StatusTeapot || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("got %d, %v", w.Code, w.Header())
		}
		if strings.Contains(w.Body.String(), "<script>alert") {
			t.Error("text is not escaped")
		}
	})
	t.Run("a failure writes nothing", func(t *testing.T) {
		w := httptest.NewRecorder()
		for _, name := range []string{"broken", "missing"} {
			if err := templates.Render(w, http.StatusOK, name, page); err == nil {
				t.Errorf("%s gave no error", name)
			}
		}
		if w.Body.Len() != 0 || len(w.Header()) != 0 {
			t.Error("something was written")
		}
	})
	t.Run("the last resort is a sound page", func(t *testing.T) {
		w := httptest.NewRecorder()
		templates.Fallback(w)
		doc := uitest.Sound(t, w.Body.Bytes())
		if w.Code != http.StatusInternalServerError || doc.Find("h1").Text() != "Something went wrong" {
			t.Errorf("got %d %q", w.Code, doc.Find("h1").Text())
		}
	})
	t.Run("the error page names the request and where to write", func(t *testing.T) {
		doc := uitest.Render(t, templates, "error", ui.ErrorPage{Page: ui.Page{Title: "Not found", RequestID: "r-1", SupportEmail: "help@vendor.example"}, Status: 404})
		text := doc.Find("main").Text()
		if !strings.Contains(text, "r-1") || !strings.Contains(text, "help@vendor.example") {
			t.Errorf("got %q", text)
		}
	})
}
