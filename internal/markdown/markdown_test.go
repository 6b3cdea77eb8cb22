package markdown_test

import (
	"strings"
	"testing"

	"github.com/keyward/keyward/internal/markdown"
)

func TestHTML(t *testing.T) {
	r := markdown.New()
	for _, tt := range []struct{ name, source, want string }{
		{"headings stand below the page's", "# Big\n\n###### Small", "<h3>Big</h3>\n<h6>Small</h6>\n"},
		{"lists and emphasis", "- **new** `x`\n- ~~old~~", "<ul>\n<li><strong>new</strong> <code>x</code></li>\n<li><del>old</del></li>\n</ul>\n"},
		{"links lead out without telling from where", "[site](https://example.com)", `<p><a href="https://example.com" rel="nofollow noreferrer">site</a></p>` + "\n"},
		{"no scripts in links", "[x](javascript:alert(1))", "<p>x</p>\n"},
		{"no markup", "<script>alert(1)</script>\n\n<b onclick=x>b</b>", "\n<p>b</p>\n"},
		{"images are links", "![a map](https://example.com/a.png)", `<p><a href="https://example.com/a.png" rel="nofollow noreferrer">a map</a></p>` + "\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := r.HTML(tt.source)
			if err != nil || string(got) != tt.want {
				t.Errorf("got %q (%v), want %q", got, err, tt.want)
			}
		})
	}
	for _, source := range []string{`<img src=x onerror=alert(1)>`, `<style>*{display:none}</style>`, "`<iframe>`", `<a style="x" href="https://x.example">x</a>`} {
		got, err := r.HTML(source)
		for _, bad := range []string{"<img", "<style", "<iframe", "style=", "onerror"} {
			if err != nil || strings.Contains(string(got), bad) {
				t.Errorf("%q became %q (%v)", source, got, err)
			}
		}
	}
}

func TestLinksOfOurOwnTextsMayStayHere(t *testing.T) {
	const text = "[Concepts](/docs/concepts), [elsewhere](https://example.com), [bad](javascript:alert(1))"
	got, err := markdown.NewOwn().HTML(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<a href="/docs/concepts"`, `<a href="https://example.com"`} {
		if !strings.Contains(string(got), want) {
			t.Errorf("%s lacks %s", got, want)
		}
	}
	if strings.Contains(string(got), "nofollow") || strings.Contains(string(got), "javascript") {
		t.Errorf("got %s", got)
	}
	if others, err := markdown.New().HTML(text); err != nil || strings.Contains(string(others), "/docs/concepts\"") {
		t.Errorf("others' texts link to pages here: %s (%v)", others, err)
	}
}
