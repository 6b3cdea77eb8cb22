package httpx

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxNext = 2048

// SafeNext returns s if it is a place on this server to go to, such as
// "/licenses?status=active", and "/" for anything else: other sites in all
// their spellings, other schemes, control characters.
func SafeNext(s string) string {
	if !localPath(s) {
		return "/"
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return "/"
	}
	// The same in escapes, in case something on the way undoes them.
	if strings.Contains(u.Path, "//") || strings.Contains(u.Path, `\`) {
		return "/"
	}
	return s
}

// localPath refuses what browsers and parsers read differently: a second slash
// starts a host, a backslash is a slash to a browser, and controls are dropped
// before it looks.
func localPath(s string) bool {
	path, _, _ := strings.Cut(s, "?")
	return len(s) <= maxNext &&
		strings.HasPrefix(s, "/") &&
		!strings.Contains(path, "//") &&
		!strings.Contains(s, `\`) &&
		utf8.ValidString(s) &&
		!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) })
}
