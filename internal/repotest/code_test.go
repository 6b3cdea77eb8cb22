package repotest

import (
	"bytes"
	"go/ast"
	"go/format"
	"path"
	"slices"
	"strings"
	"testing"
)

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	described := map[string][]string{} // directory: files that describe it
	names := map[string]string{}
	for _, s := range sources(t) {
		if strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		names[s.dir()] = s.tree.Name.Name
		if s.tree.Doc == nil {
			continue
		}
		described[s.dir()] = append(described[s.dir()], s.path)
		if want := beginning(s.dir(), s.tree.Name.Name); !strings.HasPrefix(s.tree.Doc.Text(), want) {
			t.Errorf("%s: the comment of the package begins with %q", s.path, want)
		}
	}
	for dir := range names {
		switch where := described[dir]; len(where) {
		case 0:
			t.Errorf("package %s has no comment: say in doc.go what it owns and what it does not", dir)
		case 1:
		default:
			t.Errorf("package %s is described in %s: a reader looks in one place", dir, strings.Join(where, " and "))
		}
	}
}

func beginning(dir, name string) string {
	if name == "main" {
		return "Command " + path.Base(dir) + " "
	}
	return "Package " + name + " "
}

func TestFormatted(t *testing.T) {
	for _, s := range sources(t) {
		formatted, err := format.Source(s.text)
		if err != nil {
			t.Errorf("%s: %v", s.path, err)
		} else if !bytes.Equal(formatted, s.text) {
			t.Errorf("%s is not formatted: run gofmt -w on it", s.path)
		}
	}
}

// Functions that not everybody may call.
var calls = []struct {
	pkg, name string
	allowed   []string // directories where the program may
	tests     bool     // whether tests may
	reason    string
}{
	{"time", "Now", clockOwners, true, "a clock is passed in, so that every instant can be tested"},
	{"time", "Since", clockOwners, true, "a clock is passed in, so that every instant can be tested"},
	{"time", "Until", clockOwners, true, "a clock is passed in, so that every instant can be tested"},
	{"time", "Sleep", nil, false, "a sleep is too long on one machine and too short on another: wait for what is to happen"},
	{"os", "Exit", []string{"cmd", "internal/pgtest/cmd", "internal/load/cmd", "examples"}, true, "only main ends the program: nothing below it gets to clean up"},
	{"fmt", "Print", []string{"examples"}, true, "write to the stream that was passed in"},
	{"fmt", "Printf", []string{"examples"}, true, "write to the stream that was passed in"},
	{"fmt", "Println", []string{"examples"}, true, "write to the stream that was passed in"},
}

// clockOwners assemble the program, or are the program: the client runs inside
// other people's software and has nobody to pass it a clock unless they want to.
// What measures needs the real time.
var clockOwners = []string{"cmd", "internal/server", "internal/cli", "internal/demo", "client", "examples/offline", "internal/load"}

func TestCallsWhereTheyBelong(t *testing.T) {
	for _, s := range sources(t) {
		ast.Inspect(s.tree, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := selector.X.(*ast.Ident)
			if !ok || !slices.Contains(s.imports, pkg.Name) {
				return true
			}
			for _, c := range calls {
				if c.pkg != pkg.Name || c.name != selector.Sel.Name || s.isTest() && c.tests || withinAny(s.dir(), c.allowed) {
					continue
				}
				t.Errorf("%s uses %s.%s: %s", s.position(n), c.pkg, c.name, c.reason)
			}
			return true
		})
	}
}

// foreign is what must not be in the repository because it is about one
// machine. The words are put together here so that this file passes.
var foreign = []string{"/work/" + "main", "/work/" + "shared", "/work/." + "library", "/tmp/" + "kw"}

func TestNothingAboutOneMachine(t *testing.T) {
	for _, name := range list(t) {
		text := read(t, name)
		if bytes.IndexByte(text, 0) >= 0 { // not a text
			continue
		}
		for _, word := range foreign {
			if bytes.Contains(text, []byte(word)) {
				t.Errorf("%s mentions %s, which exists on one machine only", name, word)
			}
		}
	}
}
