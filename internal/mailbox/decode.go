package mailbox

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"unicode"
)

const (
	maxText  = 256 << 10 // bytes of text kept of one mail
	maxDepth = 4         // multiparts within multiparts
	maxParts = 20        // parts looked at in one multipart
)

const (
	noSubject = "(no subject)"
	noText    = "(This mail has no plain text part.)"
)

// decode reads a mail as far as it can. A mail that is not in proper form is
// shown as it came: whoever opens the mailbox wants to see what was sent.
func decode(data []byte) Message {
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return Message{Subject: noSubject, Text: readable(data)}
	}
	text, found := plainText(textproto.MIMEHeader(m.Header), m.Body, 0)
	if !found {
		text = noText
	}
	return Message{Subject: subject(m.Header.Get("Subject")), Text: text}
}

func subject(header string) string {
	decoded, err := new(mime.WordDecoder).DecodeHeader(header)
	if err != nil {
		decoded = header
	}
	line := strings.Join(strings.Fields(readable([]byte(decoded))), " ")
	if line == "" {
		return noSubject
	}
	return line
}

// plainText finds the first text/plain part.
func plainText(header textproto.MIMEHeader, body io.Reader, depth int) (string, bool) {
	kind, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		kind = "text/plain" // what a mail is that does not say
	}
	switch {
	case kind == "text/plain":
		return decodeText(header.Get("Content-Transfer-Encoding"), body), true
	case strings.HasPrefix(kind, "multipart/") && depth < maxDepth:
		return plainPart(multipart.NewReader(body, params["boundary"]), depth)
	}
	return "", false
}

func plainPart(parts *multipart.Reader, depth int) (string, bool) {
	for range maxParts {
		part, err := parts.NextRawPart()
		if err != nil {
			return "", false
		}
		if text, found := plainText(part.Header, part, depth+1); found {
			return text, true
		}
	}
	return "", false
}

func decodeText(encoding string, body io.Reader) string {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	// A broken encoding still shows what came before the break.
	decoded, _ := io.ReadAll(io.LimitReader(body, maxText))
	return readable(decoded)
}

// readable makes bytes safe to show: valid UTF-8, \n line ends, no other
// control characters, no more than maxText.
func readable(data []byte) string {
	if len(data) > maxText {
		data = data[:maxText]
	}
	text := strings.ReplaceAll(strings.ToValidUTF8(string(data), "\uFFFD"), "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text)
}
