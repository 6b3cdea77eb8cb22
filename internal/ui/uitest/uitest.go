// Package uitest holds checks that tests of a door run over its pages: that templates fit
// their structs, and that a rendered page is sound for keyboards, screen readers and a strict
// content policy. It owns no page and is never part of the program.
package uitest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/jba/templatecheck"

	"github.com/keyward/keyward/internal/ui"
)

// Check fails the test when a page's template does not fit the type of data: a misspelt
// field, a missing method, an argument of the wrong type, on every path through the template.
func Check(tb testing.TB, templates *ui.Templates, name string, data any) {
	tb.Helper()
	page := templates.Lookup(name)
	if page == nil {
		tb.Fatalf("no page named %q", name)
	}
	if err := templatecheck.CheckHTML(page, data); err != nil {
		tb.Errorf("page %q does not fit %T: %v", name, data, err)
	}
}

// Render renders a page, checks it with [Sound] and returns it for questions by selector.
func Render(tb testing.TB, templates *ui.Templates, name string, data any) *goquery.Document {
	tb.Helper()
	body, err := templates.Execute(name, data)
	if err != nil {
		tb.Fatal(err)
	}
	return Sound(tb, body)
}

// Sound fails the test for each fault that a page must never have: no single h1, an id used
// twice, a reference to an id that is not there, an input without label, a button or link
// without name, anything inline that the content policy would block. It returns the document.
func Sound(tb testing.TB, body []byte) *goquery.Document {
	tb.Helper()
	doc, err := goquery.NewDocumentFromReader(bytes.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	for _, fault := range faults(doc) {
		tb.Error(fault)
	}
	return doc
}

func faults(doc *goquery.Document) []string {
	ids, found := identifiers(doc)
	if n := doc.Find("h1").Length(); n != 1 {
		found = append(found, "a page has one h1, not "+plural(n))
	}
	if n := doc.Find("main#main").Length(); n != 1 {
		found = append(found, "a page has one main, not "+plural(n))
	}
	found = append(found, references(doc, ids)...)
	found = append(found, nameless(doc, ids)...)
	return append(found, inline(doc)...)
}

func plural(n int) string { return ui.Plural(n, "of them", "of them") }

func identifiers(doc *goquery.Document) (ids map[string]bool, found []string) {
	ids = map[string]bool{}
	doc.Find("[id]").Each(func(_ int, s *goquery.Selection) {
		id := s.AttrOr("id", "")
		if ids[id] {
			found = append(found, "two elements have the id "+id)
		}
		ids[id] = true
	})
	return ids, found
}

// references checks the attributes that point at other elements of the page.
func references(doc *goquery.Document, ids map[string]bool) (found []string) {
	pointers := []string{"for", "aria-labelledby", "aria-describedby", "popovertarget", "data-dialog-open", "data-copy-text", "data-reveal"}
	for _, attr := range pointers {
		doc.Find("[" + attr + "]").Each(func(_ int, s *goquery.Selection) {
			for id := range strings.FieldsSeq(s.AttrOr(attr, "")) {
				if !ids[id] {
					found = append(found, attr+" points at "+id+", which is not there: "+outer(s))
				}
			}
		})
	}
	return found
}

func nameless(doc *goquery.Document, ids map[string]bool) (found []string) {
	doc.Find("input:not([type=hidden]), select, textarea").Each(func(_ int, s *goquery.Selection) {
		labeled := doc.Find("label").FilterFunction(func(_ int, l *goquery.Selection) bool {
			return l.AttrOr("for", "") == s.AttrOr("id", "-")
		})
		if labeled.Length() == 0 && s.AttrOr("aria-label", "") == "" {
			found = append(found, "input without label: "+outer(s))
		}
	})
	doc.Find("a[href], button, summary").Each(func(_ int, s *goquery.Selection) {
		if strings.TrimSpace(s.Text()) == "" && s.AttrOr("aria-label", "") == "" {
			found = append(found, "control without name: "+outer(s))
		}
	})
	doc.Find("a[href=''], form[action='']").Each(func(_ int, s *goquery.Selection) {
		found = append(found, "address is empty: "+outer(s))
	})
	return found
}

// inline looks for what the content policy blocks.
func inline(doc *goquery.Document) (found []string) {
	doc.Find("*").Each(func(_ int, s *goquery.Selection) {
		for _, attr := range s.Nodes[0].Attr {
			handler := strings.HasPrefix(attr.Key, "on")
			script := (attr.Key == "href" || attr.Key == "action") && strings.HasPrefix(attr.Val, "javascript:")
			if attr.Key == "style" || handler || script {
				found = append(found, "blocked by the content policy: "+outer(s))
			}
		}
	})
	doc.Find("style, script:not([src])").Each(func(_ int, s *goquery.Selection) {
		found = append(found, "blocked by the content policy: "+outer(s))
	})
	return found
}

// outer shows an element briefly.
func outer(s *goquery.Selection) string {
	html, err := goquery.OuterHtml(s)
	if err != nil {
		return err.Error()
	}
	if len(html) > 160 {
		return html[:160] + "..."
	}
	return html
}
