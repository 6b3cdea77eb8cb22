package markdown

import (
	"bytes"
	"fmt"
	"html/template"
	"regexp"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"github.com/yuin/goldmark/ast"
)

// Renderer renders Markdown. It is safe for concurrent use.
type Renderer struct {
	markdown goldmark.Markdown
	policy   *bluemonday.Policy
}

// New makes a renderer.
func New() *Renderer { return newRenderer(policy()) }

// NewOwn makes a renderer for texts that are part of the program: their links
// may lead to other pages of ours, and none is kept from being followed.
func NewOwn() *Renderer {
	p := policy()
	p.AllowRelativeURLs(true)
	p.RequireNoFollowOnLinks(false)
	return newRenderer(p)
}

func newRenderer(policy *bluemonday.Policy) *Renderer {
	return &Renderer{
		markdown: goldmark.New(
			goldmark.WithExtensions(extension.Strikethrough, extension.Table, extension.Linkify),
			goldmark.WithParserOptions(parser.WithASTTransformers(util.Prioritized(lower{}, 100))),
		),
		policy: policy,
	}
}

// HTML renders a text. Headings begin at the third level, below those of the
// page; images become links, because pages load nothing from elsewhere.
func (r *Renderer) HTML(source string) (template.HTML, error) {
	var b bytes.Buffer
	if err := r.markdown.Convert([]byte(source), &b); err != nil {
		return "", fmt.Errorf("render Markdown: %w", err)
	}
	return template.HTML(r.policy.SanitizeBytes(b.Bytes())), nil
}

func policy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "em", "strong", "del", "code", "pre", "blockquote", "ul", "ol", "li", "h3", "h4", "h5", "h6",
		"table", "thead", "tbody", "tr", "th", "td")
	p.AllowAttrs("start").Matching(regexp.MustCompile(`^[0-9]{1,6}$`)).OnElements("ol")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("https", "http", "mailto")
	p.AllowRelativeURLs(false)
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	return p
}

// lower moves headings below those of the page and turns images into links.
type lower struct{}

const (
	below   = 2
	deepest = 6
)

func (lower) Transform(document *ast.Document, _ text.Reader, _ parser.Context) {
	_ = ast.Walk(document, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // it returns no error
		if h, ok := n.(*ast.Heading); ok && entering {
			h.Level = min(h.Level+below, deepest)
		}
		return ast.WalkContinue, nil
	})
	for _, image := range images(document) {
		link := ast.NewLink()
		link.Destination = image.Destination
		for child := image.FirstChild(); child != nil; child = image.FirstChild() {
			link.AppendChild(link, child)
		}
		image.Parent().ReplaceChild(image.Parent(), image, link)
	}
}

func images(document ast.Node) []*ast.Image {
	var list []*ast.Image
	_ = ast.Walk(document, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // it returns no error
		if image, ok := n.(*ast.Image); ok && entering {
			list = append(list, image)
		}
		return ast.WalkContinue, nil
	})
	return list
}
