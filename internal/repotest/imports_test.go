package repotest

import (
	"slices"
	"strings"
	"testing"
)

// A layer says what the packages in and below a directory may import of our
// own. Their own directory is always allowed.
type layer struct {
	dir    string
	may    []string
	reason string
}

var (
	base   = []string{"verdict", "internal/id", "internal/fault"}
	domain = []string{"internal/license", "internal/account", "internal/event", "internal/ticket"}
	// below is what lies under the use cases: a door may name their types but
	// not reach what they keep.
	below = slices.Concat(base, domain)
)

var layers = []layer{
	{"verdict", nil, "public: whoever imports it must get nothing else along with it"},
	{"licensefile", []string{"verdict"}, "public: it verifies where there is no server, so it cannot need one"},
	{"client", []string{"licensefile", "verdict"}, "public: shipped inside other people's software"},

	{"internal/fault", nil, "everything may fail, so everything imports it"},
	{"internal/id", []string{"internal/fault"}, "everything has ids, so everything imports it"},
	{"internal/license", base, "the rules: values and an instant in, a decision out"},
	{"internal/account", slices.Concat(base, []string{"internal/license"}), "the rules about people: values and an instant in, a decision out"},
	{"internal/ticket", slices.Concat(base, []string{"internal/license"}), "the rules of the support desk: values and an instant in, a decision out"},
	{"internal/event", slices.Concat(base, []string{"internal/license", "internal/account"}), "names what happens to licenses and people, decides nothing"},

	{"internal/store", slices.Concat(below, []string{"internal/signing"}), "it keeps facts, sealed keys among them; what they mean is decided above and described below"},
	{"internal/signing", slices.Concat(base, []string{"licensefile"}), "the only package that sees private keys has no way to leak them"},
	{"internal/app", slices.Concat(below, []string{"internal/store", "internal/signing", "licensefile", "internal/ratelimit", "internal/app"}),
		"a use case decides and writes; sending and showing happen elsewhere, after commit"},

	{"internal/job", slices.Concat(below, []string{"internal/store"}), "the queue lives in the store"},
	{"internal/webhook", slices.Concat(below, []string{"internal/store", "internal/job", "internal/signing", "internal/app/webhooks"}), "it reacts to events, after commit, and signs what it sends"},
	{"internal/mail", slices.Concat(below, []string{"internal/store", "internal/job", "internal/ui"}), "it reacts to events, after commit"},

	{"internal/backup", []string{"internal/fault"}, "it keeps files in one file, whatever they hold"},
	{"internal/blob", nil, "it keeps bytes, whatever they are for"},
	{"internal/markdown", nil, "it turns text into safe markup, whoever wrote it"},
	{"internal/ratelimit", nil, "it counts attempts, whoever makes them"},
	{"internal/httpx", []string{"internal/fault", "internal/id"}, "a kit for every door knows none of them"},
	{"internal/ical", nil, "it writes calendars, whatever they are about"},
	{"internal/ui", nil, "looks without business words serve every page alike"},
	{"internal/sheet", nil, "files of rows serve every list alike"},
	{"internal/metrics", nil, "it counts, whatever happens"},
	{"internal/mailbox", nil, "it shows files of mail, whoever wrote them"},
	{"internal/portal", slices.Concat(below, []string{"internal/app", "internal/ical", "internal/httpx", "internal/markdown", "internal/ui", "internal/sheet"}), "a door translates; it neither decides nor reads the store, and knows no other door"},
	{"internal/inbound", slices.Concat(below, []string{"internal/app", "internal/ratelimit"}), "a door for mail: it translates, and neither decides nor reads the store"},
	{"internal/admin", slices.Concat(below, []string{"internal/app", "internal/httpx", "internal/ui", "internal/sheet"}), "a door translates; it neither decides nor reads the store, and knows no other door"},
	{"internal/api", slices.Concat(below, []string{"internal/app", "internal/httpx", "internal/ratelimit", "licensefile"}), "a door translates; it neither decides nor reads the store, and knows no other door"},
	{"internal/docs", []string{"verdict", "internal/fault", "internal/httpx", "internal/id", "internal/markdown", "internal/ui"}, "it shows what the API says of itself, and asks nobody"},
	{"internal/wire", slices.Concat(below, []string{"internal/app", "internal/httpx", "licensefile"}), "a door translates; it neither decides nor reads the store, and knows no other door"},

	{"internal/config", nil, "settings are values: reading them must not start anything"},
	{"internal/server", []string{"verdict", "licensefile", "internal"}, "the one package that sees everything, so that no other has to"},
	{"internal/demo", slices.Concat(below, []string{"client", "licensefile", "internal/server", "internal/config", "internal/app", "internal/mail", "internal/mailbox", "internal/ui"}),
		"it does what a vendor and devices do, by the doors and the use cases"},
	{"internal/cli", slices.Concat(below, []string{"internal/server", "internal/config", "internal/demo", "internal/app"}),
		"a command is a door too: it reads flags and calls a use case"},
	{"internal/load", slices.Concat(below, []string{"internal/server", "internal/config", "internal/demo", "internal/app"}),
		"it prepares records by the use cases, and measures the program from outside"},
	{"examples", []string{"client", "licensefile", "verdict"}, "it shows what shipped software imports"},
	{"cmd/keyward", []string{"internal/cli"}, "main hands over and exits"},

	{"internal/pgtest", nil, "it gives out empty databases, whatever they are for"},
	{"internal/repotest", nil, "it reads the repository, it does not link it"},
	{"e2e", []string{"client", "licensefile", "verdict", "internal/pgtest"}, "it sees the program as its users do, from outside"},
}

// unlayered lists test packages that live under a layer but, being for tests,
// may need more. The program itself may not import them.
func unlayered(s source) bool {
	return s.isTest() && !within(s.dir(), "e2e") && !within(s.dir(), "internal/pgtest")
}

func TestImportsPointOneWay(t *testing.T) {
	for _, s := range sources(t) {
		own, known := layerOf(s.dir())
		if !known {
			t.Errorf("%s: no rule says what package %s may import: add one, with its reason, to the layers of repotest", s.path, s.dir())
			continue
		}
		for _, imported := range ownImports(s) {
			if !s.isTest() && isTestPackage(imported) {
				t.Errorf("%s imports %s, which is for tests only", s.path, imported)
			}
			if !unlayered(s) && !within(imported, own.dir) && !withinAny(imported, own.may) {
				t.Errorf("%s must not import %s: %s", s.path, imported, own.reason)
			}
		}
	}
}

// layerOf finds the rule for a directory: the one nearest to it.
func layerOf(dir string) (layer, bool) {
	var found layer
	for _, l := range layers {
		if within(dir, l.dir) && len(l.dir) > len(found.dir) {
			found = l
		}
	}
	return found, found.dir != ""
}

// ownImports lists the directories of our packages that a file imports.
func ownImports(s source) []string {
	var dirs []string
	for _, p := range s.imports {
		if dir, ours := strings.CutPrefix(p, module+"/"); ours {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// The standard library's packages that are not for everybody.
var restricted = []struct {
	paths  []string
	never  []string // directories that must not import them
	only   []string // directories that alone may; empty: all others
	reason string
}{
	{
		paths:  []string{"net/http", "log/slog", "os", "database/sql"},
		never:  []string{"internal/license", "internal/account", "internal/event", "internal/ticket", "verdict", "licensefile"},
		reason: "rules take values and an instant, so that the same input always gives the same answer",
	},
	{
		paths:  []string{"context"},
		never:  []string{"internal/license", "internal/event", "internal/ticket", "verdict", "licensefile"},
		reason: "a rule has nothing to wait for; only the hashing of passwords, in account, waits for its turn",
	},
	{
		paths:  []string{"database/sql", "database/sql/driver"},
		only:   []string{"internal/store"},
		reason: "all SQL is in one package, where both databases are tested",
	},
	{
		paths:  []string{"net/http", "html/template"},
		never:  []string{"internal/store", "internal/app", "internal/signing", "internal/job"},
		reason: "what is decided must not depend on the door it came through",
	},
	{
		paths:  []string{"text/template"},
		only:   []string{"internal/mail"},
		reason: "what a browser shows is escaped by html/template; mail also has a part without markup",
	},
	{
		paths:  []string{"log", "math/rand"},
		only:   []string{"none"},
		reason: "log/slog keeps secrets out, and crypto/rand or math/rand/v2 draw fairly",
	},
}

func TestStandardLibraryWhereItBelongs(t *testing.T) {
	for _, s := range sources(t) {
		if s.isTest() {
			continue
		}
		for _, p := range s.imports {
			for _, r := range restricted {
				if !slices.Contains(r.paths, p) {
					continue
				}
				if withinAny(s.dir(), r.never) || len(r.only) > 0 && !withinAny(s.dir(), r.only) {
					t.Errorf("%s must not import %s: %s", s.path, p, r.reason)
				}
			}
		}
	}
}
