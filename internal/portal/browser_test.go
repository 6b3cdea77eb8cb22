package portal_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/ui/uitest"
)

// browser sends requests with cookies and looks at everything that comes back:
// each answer must carry the defensive headers, each page must be sound, and
// no answer may contain a whole key unless it was asked for.
type browser struct {
	w       *world
	cookies map[string]*http.Cookie
	addr    string
	headers map[string]string
}

// browser is a new one, somewhere else than all others.
func (w *world) browser() *browser {
	w.addrs++
	return &browser{w: w, cookies: map[string]*http.Cookie{}, addr: fmt.Sprintf("198.51.100.%d:4711", w.addrs)}
}

// with returns a browser with the same cookies that sends another header too.
func (b *browser) with(name, value string) *browser {
	other := *b
	other.headers = maps.Clone(b.headers)
	if other.headers == nil {
		other.headers = map[string]string{}
	}
	other.headers[name] = value
	return &other
}

// script is the browser's own script, which asks for JSON.
func (b *browser) script() *browser { return b.with("Accept", "application/json") }

func (b *browser) get(path string) *page {
	b.w.t.Helper()
	return b.do(b.request(http.MethodGet, path, ""), "")
}

// post sends a form, given as names and values in turn.
func (b *browser) post(path string, fields ...string) *page {
	b.w.t.Helper()
	return b.do(b.request(http.MethodPost, path, form(fields...)), "")
}

// reveal sends a form whose answer may contain one key.
func (b *browser) reveal(l issued) *page {
	b.w.t.Helper()
	return b.do(b.request(http.MethodPost, l.path()+"/key", ""), l.key)
}

// follow posts and gets where the answer leads.
func (b *browser) follow(path string, fields ...string) *page {
	b.w.t.Helper()
	answer := b.post(path, fields...)
	wantStatus(b.w.t, answer, http.StatusSeeOther)
	return b.get(answer.location())
}

func form(fields ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		v.Add(fields[i], fields[i+1])
	}
	return v.Encode()
}

func (b *browser) request(method, path, body string) *http.Request {
	r := httptest.NewRequestWithContext(b.w.t.Context(), method, "http://portal.example"+path, strings.NewReader(body))
	r.RemoteAddr = b.addr
	r.Header.Set("User-Agent", "Browser/1.0")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range b.headers {
		r.Header.Set(name, value)
	}
	for _, name := range slices.Sorted(maps.Keys(b.cookies)) {
		r.AddCookie(b.cookies[name])
	}
	return r
}

func (b *browser) do(r *http.Request, allowed string) *page {
	b.w.t.Helper()
	rec := httptest.NewRecorder()
	b.w.handler.ServeHTTP(rec, r)
	result := rec.Result()
	for _, c := range result.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
			continue
		}
		b.cookies[c.Name] = c
	}
	p := &page{t: b.w.t, what: r.Method + " " + r.URL.Path, status: rec.Code, header: result.Header, body: rec.Body.String(), set: result.Cookies()}
	p.check(b.w, allowed)
	return p
}

// signIn signs in with the usual password.
func (b *browser) signIn(email string) {
	b.w.t.Helper()
	answer := b.post("/login", "email", email, "password", password)
	wantStatus(b.w.t, answer, http.StatusSeeOther)
}

// page is an answer.
type page struct {
	t      *testing.T
	what   string
	status int
	header http.Header
	body   string
	set    []*http.Cookie
	doc    *goquery.Document // nil unless it is HTML that a reader sees
}

// never are texts that no answer may contain: signs of what is inside, of
// values that were not meant to be shown, and of templates gone wrong.
var never = []string{"sql", ".go:", "panic", "goroutine", "Jan 0001", "0001-01-01", "Dec 9999", "9999-12-31", "<nil>", "%!", "ZgotmplZ", "undefined", "internal/", "constraint"}

// random are parts of a page that are drawn at random and could spell anything,
// ids among them.
var random = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(after|before|token)=[A-Za-z0-9_-]+|name="token" value="[^"]*"|/assets/[0-9a-f]+/|q=[^"]*`)

// numericID is a number where an address or a field names a record.
var numericID = regexp.MustCompile(`/[0-9]+["/?]|[?&;](id|license)=[0-9]+["&]|\b(id|data-id|data-[a-z]*-id)="([^"]*-)?[0-9]+"`)

func (p *page) check(w *world, allowed string) {
	p.t.Helper()
	p.checkHeaders()
	seen := p.body
	for _, values := range p.header {
		seen += "\n" + strings.Join(values, "\n")
	}
	for _, key := range w.keys {
		if key != allowed && (strings.Contains(seen, key) || strings.Contains(seen, id.Fold(key)) || strings.Contains(seen, url.QueryEscape(key))) {
			p.t.Errorf("%s: the answer contains the key %s", p.what, key)
		}
	}
	plain := random.ReplaceAllString(p.body, "")
	for _, word := range never {
		if strings.Contains(plain, word) {
			p.t.Errorf("%s: the answer contains %q: %s", p.what, word, around(plain, word))
		}
	}
	if found := numericID.FindString(plain); found != "" {
		p.t.Errorf("%s: the page contains a numeric id: %s", p.what, found)
	}
	if strings.HasPrefix(p.header.Get("Content-Type"), "text/html") && p.location() == "" {
		p.doc = uitest.Sound(p.t, []byte(p.body))
	}
}

func around(text, word string) string {
	i := strings.Index(text, word)
	return text[max(0, i-60):min(len(text), i+60)]
}

// checkHeaders: C-SEC-10.
func (p *page) checkHeaders() {
	p.t.Helper()
	for name, want := range map[string]string{
		"Content-Security-Policy": httpx.Policy, "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
		"Referrer-Policy": "same-origin", "Cache-Control": "no-store",
	} {
		if got := p.header.Get(name); got != want {
			p.t.Errorf("%s: header %s is %q", p.what, name, got)
		}
	}
}

func (p *page) location() string { return p.header.Get("Location") }

// find returns what a selector selects in the page.
func (p *page) find(selector string) *goquery.Selection {
	p.t.Helper()
	if p.doc == nil {
		p.t.Errorf("%s: answered %d, which is no page: %.300s", p.what, p.status, p.body)
		return &goquery.Selection{}
	}
	return p.doc.Find(selector)
}

// text is the words of what a selector selects.
func (p *page) text(selector string) string {
	p.t.Helper()
	return textOf(p.find(selector))
}

// textOf is the words of a selection as they are read, wherever elements begin
// and end and however the template is broken into lines.
func textOf(s *goquery.Selection) string {
	return punctuation.ReplaceAllString(words(strings.Join(textNodes(s), " ")), "$1")
}

var punctuation = regexp.MustCompile(` ([.,:])`)

func textNodes(s *goquery.Selection) []string {
	var parts []string
	for _, child := range s.Contents().EachIter() {
		if goquery.NodeName(child) == "#text" {
			parts = append(parts, child.Text())
		} else {
			parts = append(parts, textNodes(child)...)
		}
	}
	return parts
}

func words(s string) string { return strings.Join(strings.Fields(s), " ") }

// texts is the words of each of what a selector selects.
func (p *page) texts(selector string) []string {
	p.t.Helper()
	return p.find(selector).Map(func(_ int, s *goquery.Selection) string { return textOf(s) })
}

// attr is an attribute of the first of what a selector selects.
func (p *page) attr(selector, name string) string {
	p.t.Helper()
	return p.find(selector).AttrOr(name, "")
}

// attrs is an attribute of each of what a selector selects.
func (p *page) attrs(selector, name string) []string {
	p.t.Helper()
	return p.find(selector).Map(func(_ int, s *goquery.Selection) string { return s.AttrOr(name, "") })
}

func wantStatus(t *testing.T, p *page, status int) {
	t.Helper()
	if p.status != status {
		t.Fatalf("%s: answered %d, want %d: %.600s", p.what, p.status, status, words(p.body))
	}
}

// wantTo fails the test unless the answer leads to an address.
func wantTo(t *testing.T, p *page, location string) {
	t.Helper()
	if p.status != http.StatusSeeOther || p.location() != location {
		t.Fatalf("%s: answered %d to %q, want 303 to %q", p.what, p.status, p.location(), location)
	}
}

// wantText fails the test unless what a selector selects has these words.
func wantText(t *testing.T, p *page, selector, want string) {
	t.Helper()
	if got := p.text(selector); got != want {
		t.Errorf("%s: %s reads %q, want %q", p.what, selector, got, want)
	}
}

// wantIn fails the test unless what a selector selects contains the words.
func wantIn(t *testing.T, p *page, selector, want string) {
	t.Helper()
	if got := p.text(selector); !strings.Contains(got, want) {
		t.Errorf("%s: %s reads %q, which lacks %q", p.what, selector, got, want)
	}
}

// wantNone fails the test when a selector selects anything.
func wantNone(t *testing.T, p *page, selector string) {
	t.Helper()
	if found := p.find(selector); found.Length() > 0 {
		t.Errorf("%s: there is a %s: %s", p.what, selector, textOf(found))
	}
}
