package inbound

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"html"
	"io"
	"regexp"
	"strings"

	_ "github.com/emersion/go-message/charset" // mails come in every encoding there ever was
	"github.com/emersion/go-message/mail"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/support"
	"github.com/keyward/keyward/internal/ticket"
)

const (
	maxParts = 50
	maxText  = 256 << 10
)

var errUnreadable = errors.New("the mail is not in proper form")

// read takes a mail apart: who says to have sent it, what they write, what is
// attached.
func read(data []byte) (support.Mail, error) {
	r, err := mail.CreateReader(bytes.NewReader(data))
	if err != nil && r == nil {
		return support.Mail{}, errUnreadable
	}
	defer r.Close()
	m := support.Mail{}
	if m.From, err = sender(r.Header); err != nil {
		return m, err
	}
	if m.Auto = automatic(r.Header, m.From); m.Auto {
		return m, nil // nobody reads it
	}
	m.Subject, _ = r.Header.Subject() // what cannot be decoded is none
	m.MessageID, _ = r.Header.MessageID()
	if m.MessageID == "" {
		m.MessageID = fmt.Sprintf("%x", sha256.Sum256(data))
	}
	for _, name := range []string{"References", "In-Reply-To"} {
		ids, _ := r.Header.MsgIDList(name)
		m.References = append(m.References, ids...)
	}
	return m, parts(r, &m)
}

// sender is the one address in From.
func sender(h mail.Header) (string, error) {
	list, err := h.AddressList("From")
	if err != nil || len(list) != 1 {
		return "", errUnreadable
	}
	address, ok := account.NormalizeEmail(list[0].Address)
	if !ok {
		return "", errUnreadable
	}
	return address, nil
}

// automatic recognizes what no person wrote: answering it makes loops. A plain
// "no" in Auto-Submitted is what says that somebody did.
func automatic(h mail.Header, from string) bool {
	submitted, _, _ := strings.Cut(strings.ToLower(h.Get("Auto-Submitted")), "(")
	submitted, _, _ = strings.Cut(submitted, ";")
	if submitted = strings.TrimSpace(submitted); submitted != "" && submitted != "no" {
		return true
	}
	switch strings.ToLower(strings.TrimSpace(h.Get("Precedence"))) {
	case "bulk", "junk", "list", "auto_reply":
		return true
	}
	if kind, _, _ := h.ContentType(); kind == "multipart/report" || strings.TrimSpace(h.Get("Return-Path")) == "<>" { // a bounce
		return true
	}
	switch user, _, _ := strings.Cut(from, "@"); user {
	case "mailer-daemon", "postmaster":
		return true
	}
	for _, name := range []string{"List-Id", "X-Loop", "X-Autoreply", "X-Autorespond"} {
		if h.Has(name) {
			return true
		}
	}
	return strings.EqualFold(strings.TrimSpace(h.Get("X-Auto-Response-Suppress")), "All") // what programs say of their own mails
}

// parts reads the text and the attachments.
func parts(r *mail.Reader, m *support.Mail) error {
	markup := ""
	for range maxParts {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && part == nil {
			return errUnreadable
		}
		switch h := part.Header.(type) {
		case *mail.InlineHeader:
			kind, _, _ := h.ContentType()
			name := inlineName(h)
			switch {
			case name != "" || !strings.HasPrefix(kind, "text/"):
				m.Files = append(m.Files, attached(name, part.Body))
			case kind == "text/plain" && m.Text == "":
				m.Text = text(part.Body)
			case kind == "text/html" && markup == "":
				markup = text(part.Body)
			}
		case *mail.AttachmentHeader:
			name, _ := h.Filename()
			m.Files = append(m.Files, attached(name, part.Body))
		}
	}
	if strings.TrimSpace(m.Text) == "" {
		m.Text = plain(markup)
	}
	m.Text = unquoted(m.Text)
	return nil
}

func text(body io.Reader) string {
	b, _ := io.ReadAll(io.LimitReader(body, maxText)) // what came before a break counts
	return strings.ReplaceAll(strings.ToValidUTF8(string(b), "\uFFFD"), "\r\n", "\n")
}

func inlineName(h *mail.InlineHeader) string {
	_, params, err := h.ContentDisposition()
	if err == nil && params["filename"] != "" {
		return params["filename"]
	}
	_, params, _ = h.ContentType()
	return params["name"]
}

func attached(name string, body io.Reader) support.NewFile {
	b, _ := io.ReadAll(io.LimitReader(body, ticket.MaxFile+1)) // one that broke off is judged as it is
	return support.NewFile{Name: name, Content: b}
}

var (
	hiddenMarkup = regexp.MustCompile(`(?is)<(script|style|head|title)\b.*?</(script|style|head|title)>|<!--.*?-->`)
	lineMarkup   = regexp.MustCompile(`(?i)<(br|/p|/div|/li|/tr|/h[1-6])\b[^>]*>`)
	anyMarkup    = regexp.MustCompile(`<[^>]*>`)
	blankLines   = regexp.MustCompile(`\n{3,}`)
)

// plain is what a mail without a text part says.
func plain(markup string) string {
	s := hiddenMarkup.ReplaceAllString(markup, "")
	s = strings.Join(strings.Fields(s), " ")
	s = lineMarkup.ReplaceAllString(s, "\n")
	s = html.UnescapeString(anyMarkup.ReplaceAllString(s, ""))
	return blankLines.ReplaceAllString(strings.ReplaceAll(s, "\n ", "\n"), "\n\n")
}

var quoteBegins = regexp.MustCompile(`(?i)^(-{2,} ?original message ?-{2,}|-{2,} ?ursprüngliche nachricht ?-{2,}|_{10,}|on .{5,200} wrote:|am .{5,200} schrieb .{0,200}:|le .{5,200} a écrit ?:)$`)

// unquoted is the text without the mail it answers. Who writes below or between
// what they quote keeps all of it.
func unquoted(s string) string {
	lines := strings.Split(s, "\n")
	end := len(lines)
	for i, line := range lines {
		line = strings.TrimSpace(line)
		if i+1 < len(lines) && strings.HasPrefix(strings.ToLower(line), "on ") && !strings.HasSuffix(line, ":") {
			line += " " + strings.TrimSpace(lines[i+1]) // clients break the line that introduces it
		}
		if quoteBegins.MatchString(line) && !answersBelow(lines[i+1:]) {
			end = i
			break
		}
	}
	kept := lines[:end]
	for len(kept) > 0 && (strings.HasPrefix(kept[len(kept)-1], ">") || strings.TrimSpace(kept[len(kept)-1]) == "") {
		kept = kept[:len(kept)-1]
	}
	if trimmed := strings.TrimSpace(strings.Join(kept, "\n")); trimmed != "" {
		return trimmed
	}
	return strings.TrimSpace(s)
}

// answersBelow reports whether somebody wrote between or below quoted lines.
func answersBelow(rest []string) bool {
	quoted := false
	for _, line := range rest {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, ">"):
			quoted = true
		case line == "--":
			return false // a signature
		case line != "" && quoted:
			return true
		}
	}
	return false
}
