package ui_test

import (
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/ui"
)

func get(tb testing.TB, url string, headers ...string) *http.Response {
	tb.Helper()
	r := httptest.NewRequest(http.MethodGet, url, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	ui.NewAssets().Handler().ServeHTTP(w, r)
	return w.Result()
}

func TestAssets(t *testing.T) {
	assets := ui.NewAssets()
	t.Run("every file is served for good with its type", func(t *testing.T) {
		types := map[string]string{
			"app.css": "text/css; charset=utf-8", "app.js": "text/javascript; charset=utf-8",
			"favicon.svg": "image/svg+xml", "fonts/inter.woff2": "font/woff2", "fonts/inter-OFL.txt": "text/plain; charset=utf-8",
		}
		for name, want := range types {
			res := get(t, assets.URL(name))
			got := []string{res.Status, res.Header.Get("Content-Type"), res.Header.Get("Cache-Control"), res.Header.Get("Content-Encoding")}
			if diff := cmp.Diff([]string{"200 OK", want, "public, max-age=31536000, immutable", ""}, got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	})
	t.Run("text is compressed for those who accept it", func(t *testing.T) {
		res := get(t, assets.URL("app.css"), "Accept-Encoding", "br, gzip;q=0.8")
		if res.Header.Get("Content-Encoding") != "gzip" || res.Header.Get("Vary") != "Accept-Encoding" {
			t.Fatalf("not compressed: %v", res.Header)
		}
		zr, err := gzip.NewReader(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(zr)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile("assets/app.css")
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Error("the content is not the file's")
		}
	})
	t.Run("a refused or useless compression is not used", func(t *testing.T) {
		for name, accept := range map[string]string{"app.css": "gzip;q=0, br", "fonts/mono.woff2": "gzip", "app.js": ""} {
			if got := get(t, assets.URL(name), "Accept-Encoding", accept).Header.Get("Content-Encoding"); got != "" {
				t.Errorf("%s with %q is encoded as %s", name, accept, got)
			}
		}
	})
	t.Run("what the browser has is not sent again", func(t *testing.T) {
		url := assets.URL("app.css")
		etag := get(t, url).Header.Get("ETag")
		res := get(t, url, "If-None-Match", `"other", W/`+etag)
		if res.StatusCode != http.StatusNotModified || res.ContentLength > 0 {
			t.Errorf("got %s", res.Status)
		}
	})
	t.Run("another hash and another name are not found and not kept", func(t *testing.T) {
		base := path.Dir(assets.URL("app.css"))
		for _, url := range []string{"/assets/0000000000000000/app.css", "/assets/app.css", base + "/none.css", base + "/", base + "/../../go.mod"} {
			res := get(t, url)
			if res.StatusCode != http.StatusNotFound || res.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %s, %s", url, res.Status, res.Header.Get("Cache-Control"))
			}
		}
		if got := assets.URL("none.css"); got != "" {
			t.Errorf("an unknown name has the address %s", got)
		}
	})
	t.Run("only reading is allowed", func(t *testing.T) {
		w := httptest.NewRecorder()
		assets.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, assets.URL("app.css"), nil))
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("got %d", w.Code)
		}
	})
}

// The content policy closes these doors; code that knocks would fail in the browser alone.
func TestScripts(t *testing.T) {
	forbidden := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setTimeout\("|\.style\b|createContextualFragment|DOMParser|\bon[a-z]+\s*=\s*["']`)
	imported := regexp.MustCompile(`(?:import|from) "\./([^"]+)"`)
	tree := os.DirFS("assets")
	files, err := fs.Glob(tree, "*.js")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		source, err := fs.ReadFile(tree, file)
		if err != nil {
			t.Fatal(err)
		}
		if found := forbidden.Find(source); found != nil {
			t.Errorf("%s uses %s", file, found)
		}
		for _, m := range imported.FindAllSubmatch(source, -1) {
			if ui.NewAssets().URL(string(m[1])) == "" {
				t.Errorf("%s imports %s, which is not there", file, m[1])
			}
		}
	}
}

func TestStyleSheetNamesItsFonts(t *testing.T) {
	css, err := os.ReadFile("assets/app.css")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`url\("([^"]+)"\)`).FindAllSubmatch(css, -1) {
		if ui.NewAssets().URL(string(m[1])) == "" {
			t.Errorf("%s is not there", m[1])
		}
	}
	if strings.Contains(string(css), "@import") || strings.Contains(string(css), "http") {
		t.Error("the style sheet loads something from elsewhere")
	}
}
