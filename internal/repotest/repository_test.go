package repotest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "github.com/keyward/keyward"
)

// A source is one Go file.
type source struct {
	path string // from the root, with slashes
	text []byte
	tree *ast.File
	set  *token.FileSet
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

// imports lists the paths that the file imports.
func (s source) imports(t *testing.T) []string {
	t.Helper()
	var paths []string
	for _, spec := range s.tree.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatalf("%s: %v", s.path, err)
		}
		paths = append(paths, p)
	}
	return paths
}

// position says where in the repository a node of the file is.
func (s source) position(n ast.Node) string {
	return s.path + ":" + strconv.Itoa(s.set.Position(n.Pos()).Line)
}

// sources parses every Go file of the repository.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	for _, name := range files(t) {
		if path.Ext(name) != ".go" || strings.Contains(name, "/testdata/") {
			continue
		}
		s := source{path: name, text: read(t, name), set: token.NewFileSet()}
		var err error
		if s.tree, err = parser.ParseFile(s.set, name, s.text, parser.ParseComments); err != nil {
			t.Errorf("%s does not parse: %v", name, err)
			continue
		}
		all = append(all, s)
	}
	return all
}

// files lists everything in the repository that is not hidden and not ignored.
func files(t *testing.T) []string {
	t.Helper()
	skip := ignored(t)
	var names []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
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
		case !d.IsDir() && d.Type().IsRegular():
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// ignored holds the directories that .gitignore names from the root.
func ignored(t *testing.T) map[string]bool {
	dirs := map[string]bool{}
	for line := range strings.Lines(string(read(t, ".gitignore"))) {
		if dir, ok := strings.CutPrefix(strings.TrimSpace(line), "/"); ok {
			dirs[strings.TrimSuffix(dir, "/")] = true
		}
	}
	return dirs
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
