package notice

import (
	"errors"
	"strings"

	"github.com/keyward/keyward/internal/fault"
)

// piece is how many characters of a token in a row count as the token. A server
// may quote a mail in part, with a line break in the middle of the link.
const piece = 8

// withoutToken keeps a one-time link out of job records and logs: mail servers
// refuse mails by quoting what they dislike in them, and that may be the link.
// Keyward's own sentences remain, the server's words are dropped.
func withoutToken(err error, token string) error {
	if err == nil || !quotes(err.Error(), token) {
		return err
	}
	f := *fault.From(err)
	f.Cause = errors.New("the server's words are left out, for they quote the link in the mail")
	return &f
}

// quotes reports whether a piece of the token is in the text.
func quotes(text, token string) bool {
	text, token = strings.ToLower(text), strings.ToLower(token)
	for i := 0; i+piece <= len(token); i++ {
		if strings.Contains(text, token[i:i+piece]) {
			return true
		}
	}
	return false
}
