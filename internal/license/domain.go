package license

import (
	"strings"
	"unicode"
)

// NormalizeDomain reduces what people call a domain to the host they mean:
// lower case, without scheme, "www.", port, path or final dot (C-PRD-05).
// Reducing a reduced domain changes nothing.
func NormalizeDomain(s string) string {
	s = strings.ToLower(s)
	if _, rest, found := strings.Cut(s, "://"); found {
		s = rest
	}
	if end := strings.IndexAny(s, "/?#"); end >= 0 {
		s = s[:end]
	}
	s = strings.TrimRightFunc(s, blankOrDot)
	if host, port, found := strings.Cut(s, ":"); found && onlyDigits(port) {
		s = strings.TrimRightFunc(host, blankOrDot)
	}
	return trimWWW(s)
}

func blankOrDot(r rune) bool { return r == '.' || unicode.IsSpace(r) }

// trimWWW drops "www." wherever a domain remains: "www.com" is one of its own.
func trimWWW(s string) string {
	for {
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
		rest, found := strings.CutPrefix(s, "www.")
		if !found || !strings.Contains(rest, ".") {
			return s
		}
		s = rest
	}
}

func onlyDigits(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// Bounds of a host name (RFC 1035).
const (
	maxHost  = 253
	maxLabel = 63
)

// validHost reports whether host reads as the name of a host: labels of
// letters, digits, hyphens and underscores in any script, at least two of
// them, or localhost.
func validHost(host string) bool {
	labels := strings.Split(host, ".")
	if len(host) > maxHost || len(labels) < 2 && host != "localhost" {
		return false
	}
	for _, label := range labels {
		if !validLabel(label) {
			return false
		}
	}
	return true
}

func validLabel(s string) bool {
	return s != "" && len(s) <= maxLabel && s[0] != '-' && s[len(s)-1] != '-' &&
		strings.IndexFunc(s, notInHost) < 0
}

func notInHost(r rune) bool {
	return r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
}
