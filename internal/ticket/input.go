package ticket

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of what people type, in bytes.
const (
	MaxSubject = 200
	MaxBody    = 20_000
)

// CleanSubject makes one line of a subject; ok is false when nothing or too much
// is left.
func CleanSubject(s string) (clean string, ok bool) {
	s = strings.Join(strings.Fields(visible(s, false)), " ")
	return s, s != "" && len(s) <= MaxSubject
}

// CleanBody makes plain text of a message: \n line ends, no control characters,
// nothing but text at both ends. ok is false when nothing or too much is left.
func CleanBody(s string) (clean string, ok bool) {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	s = strings.TrimSpace(visible(s, true))
	return s, s != "" && len(s) <= MaxBody
}

func visible(s string, lines bool) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			if lines {
				return r
			}
			return ' '
		case unicode.IsControl(r), r == '\u202e', r == '\u202d', r == '\ufeff':
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

// maxCandidates bounds how many words of a text are looked up as keys.
const maxCandidates = 20

// minKey is the shortest word that can be a key, in letters and digits.
const minKey = 8

// KeyWords returns the words of a text that may be license keys: long enough,
// with a digit or in groups. It does not know which keys exist.
func KeyWords(text string) []string {
	var words []string
	seen := map[string]bool{}
	for _, w := range strings.FieldsFunc(text, notInKeys) {
		w = strings.Trim(w, "-_./")
		if len(words) < maxCandidates && !seen[w] && keyLike(w) {
			seen[w] = true
			words = append(words, w)
		}
	}
	return words
}

func notInKeys(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_' && r != '.' && r != '/'
}

func keyLike(w string) bool {
	letters := 0
	for _, r := range w {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			letters++
		}
	}
	marked := strings.ContainsFunc(w, unicode.IsDigit) || strings.Contains(w, "-") || strings.ToUpper(w) == w
	return letters >= minKey && len(w) <= 255 && utf8.ValidString(w) && marked
}
