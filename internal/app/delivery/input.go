package delivery

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/verdict"
)

func version(problems *fault.Problems, s string) string {
	s = strings.TrimSpace(s)
	if !verdict.ValidVersion(s) {
		problems.Add("version", `Write a version such as "8.4.1".`)
	}
	return s
}

func newAsset(problems *fault.Problems, u Upload) license.Asset {
	a := license.Asset{
		ID: id.New(), FileName: strings.TrimSpace(u.FileName), Kind: u.Kind,
		Platform:     oneOf(problems, "platform", u.Platform, "all", license.Platforms()),
		Architecture: oneOf(problems, "architecture", u.Architecture, "none", license.Architectures()), ContentType: contentType(u.FileName),
	}
	if a.Kind == "" {
		a.Kind = license.Package
	}
	if !a.Kind.Known() {
		problems.Add("kind", "Choose package, image, video or documentation.")
	}
	if !validFileName(a.FileName) {
		problems.Add("files", fmt.Sprintf("Use a plain file name of at most %d bytes instead of %.64q.", maxFileName, a.FileName))
	}
	return a
}

// oneOf reads a choice of a list; all is the word for no choice.
func oneOf(problems *fault.Problems, field, s, all string, list []string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if s == "" || s == all {
		return ""
	}
	if !slices.Contains(list, s) {
		problems.Add(field, "Choose "+strings.Join(list, ", ")+" or "+all+".")
	}
	return s
}

func validFileName(s string) bool {
	return s != "" && len(s) <= maxFileName && valid(s) && !strings.HasPrefix(s, ".") && !strings.ContainsAny(s, `/\`) && !strings.ContainsFunc(s, control)
}

func valid(s string) bool       { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }
func control(r rune) bool       { return unicode.IsControl(r) }
func extension(s string) string { return strings.ToLower(path.Ext(s)) }
func contentType(s string) string {
	return orElse(contentTypes()[extension(s)], "application/octet-stream")
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// contentTypes are those that a browser or a file manager does something
// sensible with. It does not depend on the machine.
func contentTypes() map[string]string {
	return map[string]string{
		".zip": "application/zip", ".gz": "application/gzip", ".tgz": "application/gzip", ".pdf": "application/pdf", ".json": "application/json",
		".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp", ".mp4": "video/mp4", ".webm": "video/webm",
		".txt": "text/plain; charset=utf-8", ".md": "text/markdown; charset=utf-8",
	}
}
