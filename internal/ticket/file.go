package ticket

import (
	"bytes"
	"encoding/json"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of attachments (P-TIC-10).
const (
	MaxFile  = 10 << 20 // bytes of one
	MaxFiles = 5        // of one ticket
	maxName  = 120      // bytes of a name
)

// FileKinds is what may be attached, for people.
const FileKinds = "PNG, JPG, GIF, TXT, LOG, JSON, XML, YML or PDF"

// Accepts is the same for a file input.
const Accepts = ".png,.jpg,.jpeg,.gif,.txt,.log,.json,.xml,.yml,.yaml,.pdf"

// FileName makes a file's name safe to keep and to send: its last part only,
// without characters that mean something elsewhere.
func FileName(s string) string {
	s = path.Base(strings.ReplaceAll(strings.ToValidUTF8(s, ""), `\`, "/"))
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || strings.ContainsRune(`<>:"/\|?*;%`, r) {
			return '_'
		}
		return r
	}, s)
	if s == "." || s == "/" || s == "" {
		return "file"
	}
	for len(s) > maxName {
		ext := path.Ext(s)
		stem := []rune(strings.TrimSuffix(s, ext))
		if len(stem) < 2 || len(ext) > maxName/2 {
			return "file"
		}
		s = string(stem[:len(stem)-1]) + ext
	}
	return s
}

// FileType returns the media type of a file that may be attached; ok is false
// for any other. Name and content must both say so: programs are refused under
// whatever name they come (P-TIC-11).
func FileType(name string, content []byte) (mediaType string, ok bool) {
	if program(content) {
		return "", false
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".png":
		return "image/png", bytes.HasPrefix(content, []byte("\x89PNG\r\n\x1a\n"))
	case ".jpg", ".jpeg":
		return "image/jpeg", bytes.HasPrefix(content, []byte("\xff\xd8\xff"))
	case ".gif":
		return "image/gif", bytes.HasPrefix(content, []byte("GIF87a")) || bytes.HasPrefix(content, []byte("GIF89a"))
	case ".pdf":
		return "application/pdf", bytes.HasPrefix(content, []byte("%PDF-"))
	case ".txt", ".log":
		return "text/plain", text(content)
	case ".yml", ".yaml":
		return "application/yaml", text(content)
	case ".xml":
		return "application/xml", text(content) && bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(content, bom)), []byte("<"))
	case ".json":
		return "application/json", json.Valid(bytes.TrimPrefix(content, bom))
	}
	return "", false
}

var bom = []byte("\xef\xbb\xbf")

// program recognizes what runs when it is opened: Windows, Linux and Apple
// programs, scripts with an interpreter line, archives and compound documents
// that hold such.
func program(content []byte) bool {
	for _, magic := range []string{
		"MZ", "\x7fELF", "#!", "\xfe\xed\xfa\xce", "\xfe\xed\xfa\xcf", "\xce\xfa\xed\xfe", "\xcf\xfa\xed\xfe",
		"\xca\xfe\xba\xbe", "PK\x03\x04", "\xd0\xcf\x11\xe0", "\x00asm", "!<arch>", "dex\n",
	} {
		if bytes.HasPrefix(content, []byte(magic)) {
			return true
		}
	}
	return false
}

// text reports whether content is text of whatever encoding: no zero bytes and
// hardly any control characters.
func text(content []byte) bool {
	odd := 0
	for _, b := range content {
		switch {
		case b == 0:
			return false
		case b < ' ' && b != '\n' && b != '\r' && b != '\t' && b != '\x1b' && b != '\f':
			odd++
		}
	}
	return odd == 0 || utf8.Valid(content) && odd*100 < len(content)
}
