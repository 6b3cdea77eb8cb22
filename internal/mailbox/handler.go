package mailbox

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

//go:embed page
var files embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"join":    func(names []string) string { return strings.Join(names, ", ") },
	"stamp":   func(t time.Time) string { return t.Format("2 Jan 2006, 15:04:05 MST") },
	"machine": func(t time.Time) string { return t.Format(time.RFC3339) },
}).ParseFS(files, "page/*.html"))

// policy lets the page load its own style sheet and nothing else: what a mail
// says can run or fetch nothing.
const policy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Handler returns the mailbox's pages: the list at /, one mail at
// /messages/{number}, and for programs /messages.json, which lists the mails
// newest first as {to, subject, text, received_at}. It answers loopback clients
// under a loopback name only, so that no page of another site can read the
// links through a name it controls.
func (b *Box) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", b.list)
	mux.HandleFunc("GET /messages/{number}", b.show)
	mux.HandleFunc("GET /messages.json", b.listJSON)
	mux.HandleFunc("GET /mailbox.css", style)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { missing(w) })
	return guard(mux)
}

func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		if !local(r) {
			http.Error(w, "This mailbox answers on this machine only. Open it under http://127.0.0.1.", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// local reports whether client, listener and the name asked for are loopback.
func local(r *http.Request) bool {
	if on, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && !loopback(on) {
		return false
	}
	client, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || !net.ParseIP(client).IsLoopback() {
		return false
	}
	name := r.Host
	if host, _, err := net.SplitHostPort(r.Host); err == nil {
		name = host
	}
	return loopbackName(strings.Trim(name, "[]"))
}

type listPage struct{ Messages []Message }

func (b *Box) list(w http.ResponseWriter, _ *http.Request) {
	render(w, http.StatusOK, "list.html", listPage{b.Messages()})
}

type mailPage struct {
	Message Message
	Body    []span
}

func (b *Box) show(w http.ResponseWriter, r *http.Request) {
	number, err := strconv.Atoi(r.PathValue("number"))
	if err != nil {
		missing(w)
		return
	}
	m, found := b.message(number)
	if !found {
		missing(w)
		return
	}
	render(w, http.StatusOK, "mail.html", mailPage{m, spans(m.Text)})
}

// entry is a mail as programs read it.
type entry struct {
	To         string    `json:"to"`
	Subject    string    `json:"subject"`
	Text       string    `json:"text"`
	ReceivedAt time.Time `json:"received_at"`
}

func (b *Box) listJSON(w http.ResponseWriter, _ *http.Request) {
	entries := []entry{}
	for _, m := range b.Messages() {
		entries = append(entries, entry{strings.Join(m.To, ", "), m.Subject, m.Text, m.ReceivedAt})
	}
	body, err := json.Marshal(entries)
	if err != nil {
		broken(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(body)
}

func style(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, files, "page/mailbox.css")
}

func missing(w http.ResponseWriter) {
	render(w, http.StatusNotFound, "missing.html", MaxKept)
}

func broken(w http.ResponseWriter) {
	http.Error(w, "The mailbox could not make this page.", http.StatusInternalServerError)
}

// render makes the whole page before it sends any of it.
func render(w http.ResponseWriter, status int, name string, data any) {
	var page bytes.Buffer
	if err := pages.ExecuteTemplate(&page, name, data); err != nil {
		broken(w)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(page.Bytes())
}

// span is a piece of a mail's text; Link is set when the piece is an address to
// follow.
type span struct{ Text, Link string }

var webAddress = regexp.MustCompile(`https?://[^\s<>"]+`)

// spans cuts text at its web addresses. Punctuation that ends a sentence is not
// part of an address.
func spans(text string) []span {
	var out []span
	at := 0
	for _, found := range webAddress.FindAllStringIndex(text, -1) {
		link := strings.TrimRight(text[found[0]:found[1]], ".,;:!?)]}'")
		out = append(out, span{Text: text[at:found[0]]}, span{Text: link, Link: link})
		at = found[0] + len(link)
	}
	return append(out, span{Text: text[at:]})
}
