package docs

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write faults.json anew")

// Every code that a problem document of the API can have stands in faults.json,
// with what the source says about it.
func TestFaultsAreThoseOfTheSource(t *testing.T) {
	found := readSource(t).faults("internal/api")
	var want bytes.Buffer
	e := json.NewEncoder(&want)
	e.SetEscapeHTML(false)
	e.SetIndent("", "\t")
	if err := e.Encode(found); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("faults.json", want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want.String(), string(faults)); diff != "" {
		t.Errorf("the codes changed; run this test with -update (-source +faults.json):\n%s", diff)
	}
	if len(found) < 15 {
		t.Errorf("only %d codes were found", len(found))
	}
}

// program is the source of the program, as far as faults need it: which
// function names which, by directory and name. A method may be any of its name.
type program struct {
	functions map[string][]*function // by "directory.Name", and ".Name" for methods
	constants map[string]string
}

type function struct {
	dir     string
	imports map[string]string // name in the file: directory
	body    *ast.BlockStmt
}

const ours = "github.com/keyward/keyward/"

func readSource(t *testing.T) *program {
	t.Helper()
	p := &program{functions: map[string][]*function{}, constants: map[string]string{}}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel("../..", filepath.Dir(path))
		if err != nil {
			return err
		}
		p.add(filepath.ToSlash(dir), file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *program) add(dir string, file *ast.File) {
	imports := map[string]string{}
	for _, spec := range file.Imports {
		path, isOurs := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), ours)
		if !isOurs {
			continue
		}
		name := path[strings.LastIndex(path, "/")+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imports[name] = path
	}
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			key := dir + "." + d.Name.Name
			if d.Recv != nil {
				key = "." + d.Name.Name
			}
			if d.Body != nil {
				p.functions[key] = append(p.functions[key], &function{dir, imports, d.Body})
			}
		case *ast.GenDecl:
			p.addConstants(dir, d)
		}
	}
}

func (p *program) addConstants(dir string, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		v, ok := spec.(*ast.ValueSpec)
		if !ok || d.Tok != token.CONST {
			continue
		}
		for i, name := range v.Names {
			if i >= len(v.Values) {
				continue
			}
			if text, ok := literal(v.Values[i]); ok {
				p.constants[dir+"."+name.Name] = text
			}
		}
	}
}

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(l.Value)
	return text, err == nil
}

// faults are those of everything that is reached from a directory.
func (p *program) faults(from string) []faultCode {
	found := map[string]faultCode{}
	seen := map[*function]bool{}
	var queue []*function
	for _, list := range p.functions {
		for _, f := range list {
			if f.dir == from {
				queue = append(queue, f)
			}
		}
	}
	for len(queue) > 0 {
		f := queue[0]
		queue = queue[1:]
		if seen[f] {
			continue
		}
		seen[f] = true
		p.collect(f, found)
		queue = append(queue, p.named(f)...)
	}
	return slices.SortedFunc(maps.Values(found), func(a, b faultCode) int { return strings.Compare(a.Code, b.Code) })
}

// named are the functions that a function may call.
func (p *program) named(f *function) []*function {
	var list []*function
	ast.Inspect(f.body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && f.imports[x.Name] != "" {
				list = append(list, p.functions[f.imports[x.Name]+"."+n.Sel.Name]...)
				return false
			}
			list = append(list, p.methods(f, n.Sel.Name)...)
		case *ast.Ident:
			list = append(list, p.functions[f.dir+"."+n.Name]...)
		}
		return true
	})
	return list
}

// methods are those of a name in packages that the file imports, or its own.
func (p *program) methods(f *function, name string) []*function {
	var list []*function
	for _, m := range p.functions["."+name] {
		near := m.dir == f.dir
		for _, dir := range f.imports {
			near = near || m.dir == dir
		}
		if near {
			list = append(list, m)
		}
	}
	return list
}

// collect adds the faults that a function makes.
func (p *program) collect(f *function, found map[string]faultCode) {
	next := map[*ast.CallExpr]string{}
	ast.Inspect(f.body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if made, text, ok := p.advised(f, call); ok {
			next[made] = text
		}
		if one, ok := p.fault(f, call); ok {
			one.Next = next[call]
			if old, known := found[one.Code]; known {
				one = merged(old, one)
			}
			found[one.Code] = one
		}
		return true
	})
}

// merged keeps what does not depend on the order in which faults are found.
func merged(a, b faultCode) faultCode {
	if b.Kind < a.Kind || b.Kind == a.Kind && (len(b.Message) < len(a.Message) || len(b.Message) == len(a.Message) && b.Message < a.Message) {
		a, b = b, a
	}
	if a.Next == "" || b.Next != "" && b.Message == a.Message && b.Next < a.Next {
		a.Next = b.Next
	}
	return a
}

// advised finds the fault that a call of WithNext is about.
func (p *program) advised(f *function, call *ast.CallExpr) (made *ast.CallExpr, text string, ok bool) {
	s, isMethod := call.Fun.(*ast.SelectorExpr)
	if !isMethod || s.Sel.Name != "WithNext" || len(call.Args) != 1 {
		return nil, "", false
	}
	for {
		made, ok = s.X.(*ast.CallExpr)
		if !ok {
			return nil, "", false
		}
		if _, is := p.fault(f, made); is {
			return made, p.words(f, call.Args[0]), true
		}
		if s, ok = made.Fun.(*ast.SelectorExpr); !ok {
			return nil, "", false
		}
	}
}

// fault reads a call of fault.New or fault.Wrap.
func (p *program) fault(f *function, call *ast.CallExpr) (faultCode, bool) {
	name := ""
	switch fun := call.Fun.(type) {
	case *ast.SelectorExpr:
		if x, ok := fun.X.(*ast.Ident); ok && x.Name == "fault" {
			name = fun.Sel.Name
		}
	case *ast.Ident:
		if f.dir == "internal/fault" {
			name = fun.Name
		}
	}
	if name != "New" && name != "Wrap" || len(call.Args) < 3 {
		return faultCode{}, false
	}
	code := p.words(f, call.Args[1])
	if code == dots {
		return faultCode{}, false // a code of a verdict, or one that is looked up
	}
	kind := call.Args[0]
	if s, ok := kind.(*ast.SelectorExpr); ok {
		kind = s.Sel
	}
	id, ok := kind.(*ast.Ident)
	return faultCode{Code: code, Kind: snake(id.Name), Message: p.words(f, call.Args[2])}, ok
}

const dots = "…"

var verbs = regexp.MustCompile(`%[-+# 0-9.]*[a-zA-Z]`)

// words are the text of an expression, with dots for what is not known here.
func (p *program) words(f *function, e ast.Expr) string {
	if text, ok := literal(e); ok {
		return text
	}
	switch e := e.(type) {
	case *ast.BinaryExpr:
		return strings.ReplaceAll(p.words(f, e.X)+p.words(f, e.Y), dots+dots, dots)
	case *ast.Ident:
		if text, ok := p.constants[f.dir+"."+e.Name]; ok {
			return text
		}
	case *ast.SelectorExpr:
		if x, ok := e.X.(*ast.Ident); ok {
			if text, ok := p.constants[f.imports[x.Name]+"."+e.Sel.Name]; ok {
				return text
			}
		}
	case *ast.CallExpr:
		if s, ok := e.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "Sprintf" && len(e.Args) > 0 {
			return verbs.ReplaceAllString(p.words(f, e.Args[0]), dots)
		}
	}
	return dots
}

var humps = regexp.MustCompile(`([a-z])([A-Z])`)

func snake(name string) string { return strings.ToLower(humps.ReplaceAllString(name, "${1}_$2")) }
