package mail

import (
	"strings"
	"unicode"
)

// clean makes text from outside safe to stand on one line of a mail: control
// and invisible characters go, white space becomes single spaces, an encoded
// word loses its meaning, and no more than limit characters remain.
func clean(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	text = strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "=?", "= ?")
	if runes := []rune(text); len(runes) > limit {
		return strings.TrimSpace(string(runes[:limit-1])) + "…"
	}
	return text
}

// greeting returns a person's name as a mail may say it. A name that a mail
// program would turn into a link is left out: someone who chooses the name must
// not be able to send links under ours.
func greeting(name string) string {
	name = clean(name, 64)
	lower := strings.ToLower(name)
	for _, sign := range []string{"://", "www.", "@", "/"} {
		if strings.Contains(lower, sign) {
			return ""
		}
	}
	return name
}

// wrap breaks lines at spaces so that they have at most width characters; a
// word that is longer, such as a link, keeps its own line.
func wrap(text string, width int) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		column := 0
		for _, word := range strings.Fields(line) {
			length := len([]rune(word))
			switch {
			case column == 0:
			case column+1+length > width:
				out.WriteByte('\n')
				column = 0
			default:
				out.WriteByte(' ')
				column++
			}
			out.WriteString(word)
			column += length
		}
		out.WriteByte('\n')
	}
	return out.String()
}
