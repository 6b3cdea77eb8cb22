package docs

import (
	"embed"
	"fmt"
	"html/template"
	"strconv"
	"strings"

	"github.com/keyward/keyward/internal/markdown"
	"github.com/keyward/keyward/internal/ui"
)

//go:embed content
var content embed.FS

// standIn is the server's address in the guides.
const standIn = "https://licenses.example.com"

// guide is one page of prose and samples.
type guide struct {
	Name, Title, Lede string
	Blocks            []block
	icon              string
}

func (g guide) path() string { return guidesPath + "/" + g.Name }

// block is a heading, or prose, or a sample.
type block struct {
	Heading *heading
	Prose   template.HTML
	Sample  *sample
}

// heading begins a part of a guide.
type heading struct {
	ID, Text string
	Sub      bool
}

// sample is something to type, or what comes of it.
type sample struct {
	ID, Text string
	Language string // sh, go, json or text
	File     string // of the repository, for a piece of it
}

// Command reports whether the sample is there to be typed.
func (s sample) Command() bool { return s.Language == "sh" || s.Language == "go" }

// Caption names the sample.
func (s sample) Caption() string {
	switch {
	case s.File != "":
		return s.File
	case s.Command():
		return "Run"
	}
	return "Answer"
}

// Copy is the button that copies the sample.
func (s sample) Copy() ui.Copy {
	return ui.Copy{Target: s.ID, Label: "the sample", Done: "Sample copied"}
}

// errorsGuide is the guide that ends with the codes.
const errorsGuide = "errors"

// guideOrder is the order in which guides are read, with their icons.
func guideOrder() []guide {
	return []guide{
		{Name: "quick-start", icon: "check-circle"},
		{Name: "concepts", icon: "info"},
		{Name: "manage", icon: "key"},
		{Name: "go", icon: "package"},
		{Name: "offline", icon: "laptop"},
		{Name: errorsGuide, icon: "warning"},
		{Name: "operating", icon: "settings"},
	}
}

// readGuides reads the guides, with the server's own address in samples.
func readGuides(baseURL string) ([]guide, error) {
	list, prose := guideOrder(), markdown.NewOwn()
	for i := range list {
		text, err := content.ReadFile("content/" + list[i].Name + ".md")
		if err != nil {
			return nil, fmt.Errorf("docs: %w", err)
		}
		if err := list[i].read(strings.ReplaceAll(string(text), standIn, baseURL), prose); err != nil {
			return nil, fmt.Errorf("docs: %s: %w", list[i].Name, err)
		}
	}
	return list, nil
}

// read takes a guide apart: a title, a sentence, then blocks.
func (g *guide) read(text string, prose *markdown.Renderer) error {
	head, rest, _ := strings.Cut(text, "\n\n")
	lede, rest, _ := strings.Cut(rest, "\n\n")
	title, ok := strings.CutPrefix(head, "# ")
	if !ok || lede == "" {
		return fmt.Errorf("a guide begins with a title and a sentence, not with %q", head)
	}
	g.Title, g.Lede = title, strings.ReplaceAll(lede, "\n", " ")
	reader := blockReader{guide: g, prose: prose}
	for line := range strings.Lines(rest) {
		if err := reader.take(line); err != nil {
			return err
		}
	}
	return reader.endProse()
}

// blockReader collects lines into blocks.
type blockReader struct {
	guide  *guide
	prose  *markdown.Renderer
	lines  strings.Builder
	sample *sample // the one that is open
}

const fence = "```"

func (b *blockReader) take(line string) error {
	info, fenced := strings.CutPrefix(strings.TrimSuffix(line, "\n"), fence)
	switch {
	case fenced && b.sample != nil:
		b.sample.Text = strings.TrimSuffix(b.lines.String(), "\n")
		b.lines.Reset()
		b.add(block{Sample: b.sample})
		b.sample = nil
	case b.sample != nil:
		b.lines.WriteString(line)
	case fenced:
		language, file, _ := strings.Cut(info, " ")
		err := b.endProse()
		b.sample = &sample{ID: "sample-" + strconv.Itoa(len(b.guide.Blocks)+1), Language: language, File: file}
		return err
	case strings.HasPrefix(line, "## "), strings.HasPrefix(line, "### "):
		err := b.endProse()
		text := strings.TrimSpace(strings.TrimLeft(line, "#"))
		b.add(block{Heading: &heading{ID: anchor(text), Text: text, Sub: strings.HasPrefix(line, "### ")}})
		return err
	default:
		b.lines.WriteString(line)
	}
	return nil
}

func (b *blockReader) add(one block) { b.guide.Blocks = append(b.guide.Blocks, one) }

// endProse makes a block of the lines so far.
func (b *blockReader) endProse() error {
	text := strings.TrimSpace(b.lines.String())
	b.lines.Reset()
	if text == "" {
		return nil
	}
	html, err := b.prose.HTML(text)
	b.add(block{Prose: html})
	return err
}

// anchor is a heading's part of an address.
func anchor(text string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}), "-")
}

// headings are the parts that a reader may want to jump to.
func (g guide) headings() []heading {
	var list []heading
	for _, b := range g.Blocks {
		if b.Heading != nil && !b.Heading.Sub {
			list = append(list, *b.Heading)
		}
	}
	return list
}

// samples are the guide's samples in order.
func (g guide) samples() []sample {
	var list []sample
	for _, b := range g.Blocks {
		if b.Sample != nil {
			list = append(list, *b.Sample)
		}
	}
	return list
}
