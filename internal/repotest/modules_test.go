package repotest

import (
	"strings"
	"testing"
)

// An allowance says where a module may be imported. What it is for, and what
// was set aside for it, is in docs/dependencies.md.
type allowance struct {
	module string
	in     []string // directories; empty: tests only
	reason string
}

var allowances = []allowance{
	{"modernc.org/sqlite", []string{"internal/store"}, "databases are the store's business"},
	{"github.com/jackc/pgx/v5", []string{"internal/store", "internal/pgtest"}, "databases are the store's business"},
	{"github.com/pressly/goose/v3", []string{"internal/store"}, "the schema is the store's business"},
	{"github.com/alecthomas/kong", []string{"internal/cli"}, "flags end where the program begins"},
	{"github.com/danielgtaylor/huma/v2", []string{"internal/api"}, "only one door speaks OpenAPI"},
	{"github.com/google/uuid", []string{"internal/id"}, "ids have one type, made in one place"},
	{"github.com/wneessen/go-mail", []string{"internal/mail"}, "one package writes mail"},
	{"github.com/minio/minio-go/v7", []string{"internal/blob"}, "storage is one package's business"},
	{"github.com/yuin/goldmark", []string{"internal/markdown"}, "one package makes markup of text"},
	{"github.com/microcosm-cc/bluemonday", []string{"internal/markdown"}, "one package makes markup of text"},
	{"github.com/emersion/go-smtp", []string{"internal/inbound"}, "one package takes mail from strangers"},
	{"github.com/emersion/go-message", []string{"internal/inbound"}, "one package takes mail from strangers"},
	{"golang.org/x/crypto", []string{"internal/account", "internal/signing"}, "cryptography stays where it is reviewed"},
	{"github.com/pquerna/otp", []string{"internal/account"}, "what a code is good for is a rule about accounts"},
	{"github.com/go-webauthn/webauthn", []string{"internal/app/identity"}, "one place knows what authenticators say"},
	{"github.com/boombuler/barcode", []string{"internal/ui"}, "pages draw, doors do not"},
	{"github.com/prometheus/client_golang", []string{"internal/metrics"}, "one package knows how what is counted is told"},
	{"github.com/klauspost/compress", []string{"internal/httpx"}, "what is compressed, and what must not be, is decided once"},
	{"golang.org/x/time", []string{"internal/ratelimit"}, "attempts are counted in one place"},

	{module: "github.com/google/go-cmp"},
	{module: "modernc.org/libc"},
	{module: "github.com/PuerkitoBio/goquery"},
	{module: "github.com/chromedp/chromedp"},
	{module: "github.com/chromedp/cdproto"},
	{module: "github.com/jba/templatecheck"},
	{module: "github.com/go-jose/go-jose/v4"},
	{module: "github.com/rogpeppe/go-internal"},
	{module: "github.com/rclone/gofakes3"},
}

func TestModulesWhereTheyBelong(t *testing.T) {
	for _, s := range sources(t) {
		for _, p := range s.imports {
			if !strings.Contains(strings.Split(p, "/")[0], ".") || within(p, module) {
				continue
			}
			a, known := allowanceFor(p)
			switch {
			case !known:
				t.Errorf("%s imports %s: a new module needs its reason in docs/dependencies.md and a line in the allowances of repotest", s.path, p)
			case s.isTest():
			case len(a.in) == 0:
				t.Errorf("%s imports %s, which is for tests only", s.path, p)
			case !withinAny(s.dir(), a.in):
				t.Errorf("%s must not import %s: %s", s.path, p, a.reason)
			}
		}
	}
}

func allowanceFor(importPath string) (allowance, bool) {
	for _, a := range allowances {
		if within(importPath, a.module) {
			return a, true
		}
	}
	return allowance{}, false
}

func TestModulesHaveReasons(t *testing.T) {
	direct, indirect := requirements(t)
	reasons := string(read(t, "docs/dependencies.md"))
	for _, a := range allowances {
		if !strings.Contains(reasons, "`"+a.module+"`") {
			t.Errorf("docs/dependencies.md gives no reason for `%s`", a.module)
		}
		if !direct[a.module] && !indirect[a.module] {
			t.Errorf("nothing uses %s any more: remove it from docs/dependencies.md and the allowances of repotest", a.module)
		}
	}
	for m := range direct {
		if _, known := allowanceFor(m); !known {
			t.Errorf("go.mod requires %s: a new module needs its reason in docs/dependencies.md and a line in the allowances of repotest", m)
		}
	}
}

// requirements lists the modules that go.mod requires.
func requirements(t *testing.T) (direct, indirect map[string]bool) {
	t.Helper()
	direct, indirect = map[string]bool{}, map[string]bool{}
	inBlock := false
	for line := range strings.Lines(string(read(t, "go.mod"))) {
		line = strings.TrimSpace(line)
		switch {
		case line == "require (":
			inBlock = true
		case line == ")":
			inBlock = false
		case inBlock || strings.HasPrefix(line, "require "):
			line, comment, _ := strings.Cut(strings.TrimPrefix(line, "require "), "//")
			name, _, found := strings.Cut(strings.TrimSpace(line), " ")
			if !found {
				continue
			}
			if strings.TrimSpace(comment) == "indirect" {
				indirect[name] = true
			} else {
				direct[name] = true
			}
		}
	}
	return direct, indirect
}
