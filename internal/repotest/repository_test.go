package repotest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const (
	root   = "../.."
	module = "github.com/keyward/keyward"
)

// A source is one Go file.
type source struct {
	path    string // from the root, with slashes
	text    []byte
	tree    *ast.File
	set     *token.FileSet
	imports []string
}

// dir is the directory of the file's package, from the root.
func (s source) dir() string { return path.Dir(s.path) }

// isTest reports whether the file is there for tests only: a test, or part of
// a package that tests import. Those are named for it: storetest, uitest.
func (s source) isTest() bool {
	return strings.HasSuffix(s.path, "_test.go") || isTestPackage(s.dir())
}

func isTestPackage(dir string) bool {
	if within(dir, "e2e") {
		return true
	}
	for element := range strings.SplitSeq(dir, "/") {
		if strings.HasSuffix(element, "test") {
			return true
		}
	}
	return false
}

// position says where in the repository a node of the file is.
func (s source) position(n ast.Node) string {
	return s.path + ":" + strconv.Itoa(s.set.Position(n.Pos()).Line)
}

// sources returns every Go file of the repository.
func sources(t *testing.T) []source {
	t.Helper()
	all, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// parsed reads the repository once for all tests, which only look at it.
var parsed = sync.OnceValues(func() ([]source, error) {
	names, err := files()
	if err != nil {
		return nil, err
	}
	var all []source
	for _, name := range names {
		if path.Ext(name) != ".go" || strings.Contains(name, "/testdata/") {
			continue
		}
		s, err := parse(name)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
})

func parse(name string) (source, error) {
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		return source{}, err
	}
	s := source{path: name, text: text, set: token.NewFileSet()}
	if s.tree, err = parser.ParseFile(s.set, name, text, parser.ParseComments|parser.SkipObjectResolution); err != nil {
		return source{}, err
	}
	for _, spec := range s.tree.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return source{}, fmt.Errorf("%s: %w", name, err)
		}
		s.imports = append(s.imports, imported)
	}
	return s, nil
}

// files lists everything in the repository except what git ignores.
func files() ([]string, error) {
	skip, err := ignored()
	if err != nil {
		return nil, err
	}
	var names []string
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		switch {
		case d.IsDir() && (skip[name] || d.Name() == ".git"):
			return filepath.SkipDir
		case d.Type().IsRegular() && d.Name() != ".git": // which is a file in a work tree
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

// ignored holds the directories that .gitignore names from the root.
func ignored() (map[string]bool, error) {
	text, err := os.ReadFile(filepath.Join(root, ".gitignore"))
	if err != nil {
		return nil, err
	}
	dirs := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if dir, ok := strings.CutPrefix(strings.TrimSpace(line), "/"); ok {
			dirs[strings.TrimSuffix(dir, "/")] = true
		}
	}
	return dirs, nil
}

// list is files for a test.
func list(t *testing.T) []string {
	t.Helper()
	names, err := files()
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// within reports whether the directory is the parent or lies below it.
func within(dir, parent string) bool {
	return dir == parent || strings.HasPrefix(dir, parent+"/")
}

func withinAny(dir string, parents []string) bool {
	for _, parent := range parents {
		if within(dir, parent) {
			return true
		}
	}
	return false
}
