package docs_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/apptest"
	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/server"
)

// TestSamples does what a reader does: it takes the samples from the pages of a
// running server, guide by guide, types them in, and compares what comes of
// them with what the guide says. Values that the guide shows are those of
// another installation; a line such as "export KEY=..." takes the value that
// the commands before it printed.
func TestSamples(t *testing.T) {
	r := newReader(t)
	var guides []string
	r.page(t, "/docs").Find("main a[href^='/docs/']").Each(func(_ int, e *goquery.Selection) { guides = append(guides, e.AttrOr("href", "")) })
	if len(guides) < 5 {
		t.Fatalf("only the guides %q are found", guides)
	}
	for _, guide := range guides {
		t.Run(strings.TrimPrefix(guide, "/docs/"), func(t *testing.T) {
			samples := r.open(t, guide)
			for i, s := range samples {
				switch s.Language {
				case "sh":
					r.shell(t, s.Text)
				case "go":
					r.piece(t, s)
				case "json", "text":
					if i == 0 || samples[i-1].Language != "sh" {
						t.Errorf("nothing is run before the answer %q", s.Text)
					}
					r.compare(t, s)
				default:
					t.Errorf("nobody knows how to run a sample in %q", s.Language)
				}
			}
		})
	}
}

// reader is somebody who follows the guides, in a checkout of the examples.
type reader struct {
	dir, url string
	last     string // what the last command printed
	all      string // what all printed
}

func newReader(t *testing.T) *reader {
	t.Helper()
	for _, tool := range []string{"curl", "sh"} {
		if _, err := exec.LookPath(tool); err != nil && os.Getenv("KEYWARD_TEST_REQUIRE") == "" {
			t.Skipf("samples need %s", tool)
		} else if err != nil {
			t.Fatalf("samples need %s", tool)
		}
	}
	r := &reader{dir: t.TempDir()}
	checkout(t, r.dir)
	bin := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(bin, "keyward"), "../../cmd/keyward")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("CGO_ENABLED", "0")
	t.Setenv("KEYWARD_LISTEN", "127.0.0.1:0")
	r.url = r.serve(t, "keyward", "serve", "--data", "data")
	return r
}

// checkout copies what the examples are made of.
func checkout(t *testing.T, dir string) {
	t.Helper()
	for _, part := range []string{"examples", "client", "licensefile", "verdict"} {
		if err := os.CopyFS(filepath.Join(dir, part), os.DirFS(filepath.Join("../..", part))); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join("../..", file))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

var serving = regexp.MustCompile(`msg=serving address=(\S+)`)

// serve starts a server, returns its address once it answers, and stops it with
// the test, which it must do in good order.
func (r *reader) serve(t *testing.T, command ...string) string {
	t.Helper()
	c := exec.Command(command[0], command[1:]...)
	c.Dir = r.dir
	log, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(log)
	t.Cleanup(func() {
		if err := c.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		_, _ = io.Copy(io.Discard, log) // until it closes its log
		if err := c.Wait(); err != nil {
			t.Errorf("%q ended with %v", command, err)
		}
	})
	var before []string
	for lines.Scan() {
		if found := serving.FindStringSubmatch(lines.Text()); found != nil {
			go func() { _, _ = io.Copy(io.Discard, log) }()
			return "http://" + found[1]
		}
		before = append(before, lines.Text())
	}
	t.Fatalf("%q did not start: %s", command, strings.Join(before, "\n"))
	return ""
}

func (r *reader) page(t *testing.T, path string) *goquery.Document {
	t.Helper()
	response, err := http.Get(r.url + path)
	must(t, err)
	defer response.Body.Close()
	page, err := goquery.NewDocumentFromReader(response.Body)
	must(t, err)
	return page
}

// sample is one as a page shows it.
type sample struct{ Language, File, Text string }

// open reads the samples of a guide.
func (r *reader) open(t *testing.T, guide string) []sample {
	t.Helper()
	var list []sample
	r.page(t, guide).Find(".sample").Each(func(_ int, e *goquery.Selection) {
		list = append(list, sample{Language: e.AttrOr("data-language", ""), File: e.AttrOr("data-file", ""), Text: e.Find("pre code").Text()})
	})
	if len(list) == 0 {
		t.Fatal("it has no samples")
	}
	return list
}

// piece holds a piece of Go against its file, which other samples run.
func (r *reader) piece(t *testing.T, s sample) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", filepath.FromSlash(s.File)))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), s.Text) {
		t.Errorf("%s does not have\n%s", s.File, s.Text)
	}
}

// shell types a sample. What it exports stays for those after it.
func (r *reader) shell(t *testing.T, text string) {
	t.Helper()
	if serve, is := strings.CutPrefix(text, "keyward serve "); is {
		r.serve(t, append([]string{"keyward", "serve"}, strings.Fields(serve)...)...)
		return
	}
	if strings.HasPrefix(text, "go run ./examples/offline verify") {
		r.visitPortal(t)
	}
	const session = "set -e; if [ -e .session ]; then . ./.session; fi\n"
	c := exec.CommandContext(t.Context(), "sh", "-c", session+exported.ReplaceAllStringFunc(text, func(line string) string { return r.export(t, line) })+"\nexport -p > .session")
	c.Dir = r.dir
	var out, problems bytes.Buffer
	c.Stdout, c.Stderr = &out, &problems
	if err := c.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", text, err, problems.String())
	}
	r.last, r.all = out.String(), r.all+out.String()+"\n"
}

var exported = regexp.MustCompile(`(?m)^export (\w+)=(.*)$`)

// printed says where in what was printed the value of a variable stands.
func printed(variable string) string {
	switch variable {
	case "KEY", "KEYWARD_LICENSE_KEY":
		return `(?m)^License +(\S+)$`
	case "TOKEN", "KEYWARD_TOKEN":
		return `(?m)^Token +(\S+)$`
	case "PRODUCT", "KEYWARD_PRODUCT":
		return `(?m)^Product .*\nId +(\S+)$`
	case "KEYWARD_PRODUCT_KEY":
		return `(?m)^Public key +(\S+)$`
	case "SECRET":
		return `(?m)^Token +(kws_\S+)$`
	case "LICENSE":
		return `(?m)^{"license":{"id":"([^"]+)"`
	case "CUSTOMER":
		return `(?m)^{"id":"([^"]+)","version":1,"name":"South Wind"`
	case "first customer":
		return `(?m)^Customer .*\nId +(\S+)$`
	case "license":
		return `(?m)^License .*\nId +(\S+)$`
	}
	return ""
}

func (r *reader) export(t *testing.T, line string) string {
	t.Helper()
	name := exported.FindStringSubmatch(line)[1]
	if printed(name) == "" {
		return line
	}
	return "export " + name + "=" + r.value(t, name)
}

func (r *reader) value(t *testing.T, name string) string {
	t.Helper()
	found := regexp.MustCompile(printed(name)).FindStringSubmatch(r.all)
	if found == nil {
		t.Fatalf("no command has printed the value of %s", name)
	}
	return found[1]
}

// visitPortal does what the owner does in the portal: it hands the request over
// and comes back with the file.
func (r *reader) visitPortal(t *testing.T) {
	t.Helper()
	request, err := os.ReadFile(filepath.Join(r.dir, "request.json"))
	must(t, err)
	services, err := server.Assemble(t.Context(), config.Database{Data: filepath.Join(r.dir, "data")}, server.Options{NoMigrate: true})
	must(t, err)
	defer func() { must(t, services.Close(t.Context())) }()
	owner, license := apptest.Owner(account.Customer{ID: id.ID(r.value(t, "first customer"))}), id.ID(r.value(t, "license"))
	file, err := services.Licensing.IssueOffline(t.Context(), owner, license, string(request))
	must(t, err)
	text, err := services.Licensing.OfflineText(t.Context(), owner, license, file.ID)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(r.dir, "aurora.lic"), []byte(text.Text+"\n"), 0o600))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// compare holds what the last command printed against what the guide says of it.
func (r *reader) compare(t *testing.T, s sample) {
	t.Helper()
	if s.Language == "text" {
		r.compareLines(t, s.Text)
		return
	}
	want, err := values(s.Text)
	must(t, err)
	got, err := values(r.last)
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d answers, not %d (%v): %s", len(got), len(want), err, r.last)
	}
	for i := range want {
		if fault := differs("", want[i], got[i]); fault != "" {
			t.Errorf("%s, in %s", fault, r.last)
		}
	}
}

func values(text string) ([]any, error) {
	var list []any
	for d := json.NewDecoder(strings.NewReader(text)); ; {
		var v any
		if err := d.Decode(&v); err == io.EOF {
			return list, nil
		} else if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
}

// word is text that means something by itself: a code, a name, a sentence.
var word = regexp.MustCompile(`^[^0-9]*$`)

// differs says where got lacks something that want has. Instants, ids and keys
// differ from one installation to the next; words and what is true or not do
// not. An answer may say more than a guide shows.
func differs(at string, want, got any) string {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return fmt.Sprintf("%s is %T", at, got)
		}
		for name, value := range w {
			if _, there := g[name]; !there {
				return at + "." + name + " is missing"
			}
			if fault := differs(at+"."+name, value, g[name]); fault != "" {
				return fault
			}
		}
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) < len(w) || len(w) == 0 && len(g) > 0 {
			return fmt.Sprintf("%s is %v", at, got)
		}
		for i := range w {
			if fault := differs(fmt.Sprintf("%s[%d]", at, i), w[i], g[i]); fault != "" {
				return fault
			}
		}
	case string:
		g, ok := got.(string)
		random := strings.HasSuffix(at, "request_id") || strings.HasSuffix(at, ".x") || strings.HasSuffix(at, "lease")
		if !ok || g == "" || word.MatchString(w) && !random && g != w {
			return fmt.Sprintf("%s is %v, not %q", at, got, w)
		}
	default:
		if got != want {
			return fmt.Sprintf("%s is %v, not %v", at, got, want)
		}
	}
	return ""
}

// compareLines expects every line of a guide in what was printed, in its order.
func (r *reader) compareLines(t *testing.T, text string) {
	t.Helper()
	rest := strings.Split(r.last, "\n")
	for line := range strings.Lines(text) {
		for len(rest) > 0 && outline(rest[0]) != outline(line) {
			rest = rest[1:]
		}
		if len(rest) == 0 {
			t.Errorf("no line like %q in its place:\n%s", line, r.last)
			return
		}
		rest = rest[1:]
	}
}

var particular = regexp.MustCompile(`^\S*[0-9•]\S*$|^[A-Z]{3,}(-[A-Z]+)+$|^kw[cs]_\S+$`)

// outline is a line without what differs from one installation to the next.
func outline(line string) string {
	words := strings.Fields(line)
	for i, w := range words {
		if particular.MatchString(w) {
			words[i] = "#"
		}
	}
	return strings.Join(words, " ")
}
