package cli_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/cli"
	"github.com/keyward/keyward/internal/pgtest"
)

// program is the directory that holds the binary as it is shipped. Scripts start
// it a hundred times, which would take minutes with the race detector in it.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "keyward-cli-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = dir
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "keyward"+suffix()), "../../cmd/keyward")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// suffix is what the names of programs end with.
func suffix() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}

// TestScripts runs what an operator types, on SQLite.
func TestScripts(t *testing.T) {
	testscript.Run(t, scripts("testdata", func(*testscript.Env) {}))
}

// TestScriptsOnPostgres runs those scripts that write records on PostgreSQL too.
func TestScriptsOnPostgres(t *testing.T) {
	for _, name := range []string{"business", "seed"} {
		url := pgtest.URL(t)
		p := scripts("", func(e *testscript.Env) { e.Setenv("KEYWARD_DATABASE", url) })
		p.Files = []string{"testdata/" + name + ".txtar"}
		testscript.Run(t, p)
	}
}

func scripts(dir string, setup func(*testscript.Env)) testscript.Params {
	return testscript.Params{
		Dir: dir,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", program+string(os.PathListSeparator)+e.Getenv("PATH"))
			e.Setenv("KEYWARD_DATA", e.WorkDir+"/data")
			setup(e)
			address, err := freeAddress()
			e.Setenv("LISTEN", address)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"capture": capture, "listening": listening},
	}
}

// capture NAME PATTERN keeps what the group of the pattern matches in the last
// standard output in a variable.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture NAME PATTERN")
	}
	found := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) != 2 {
		ts.Fatalf("no match for %s in:\n%s", args[1], ts.ReadFile("stdout"))
	}
	ts.Setenv(args[0], found[1])
}

// freeAddress is where a server of a script can listen.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// listening ADDRESS waits until a server that was started in the background can
// be reached. Stopping it earlier could hit a process that does not yet know what
// a signal means.
func listening(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: listening ADDRESS")
	}
	giveUp := time.After(time.Minute)
	for again := time.Tick(20 * time.Millisecond); ; {
		c, err := net.Dial("tcp", args[0])
		if err == nil {
			c.Close()
			return
		}
		select {
		case <-again:
		case <-giveUp:
			ts.Fatalf("no server: %v", err)
		}
	}
}

func TestExitCodes(t *testing.T) {
	data := "--data=" + t.TempDir()
	for _, c := range []struct {
		want int
		args []string
	}{
		{0, nil},
		{0, []string{"--help"}},
		{0, []string{"product", "list", data}},
		{1, []string{"license", "why", "ACME-NONE-NONE", data}},
		{2, []string{"license", "why"}},
		{2, []string{"frobnicate"}},
		{2, []string{"product", "list", "--database=mysql://x"}},
		{2, []string{"demo", "--listen=0.0.0.0:8080", data}},
	} {
		var out, errs bytes.Buffer
		got := cli.Main(t.Context(), c.args, cli.Streams{Out: &out, Err: &errs})
		if got != c.want || got != 0 && (out.Len() > 0 || strings.Count(errs.String(), "\n") != 1) {
			t.Errorf("%v: exit code %d, want %d\n%s%s", c.args, got, c.want, &out, &errs)
		}
	}
}

// The flag lists what can be granted; the list belongs to package account.
func TestEveryPermissionCanBeNamed(t *testing.T) {
	var out, errs bytes.Buffer
	if code := cli.Main(t.Context(), []string{"token", "create", "--help"}, cli.Streams{Out: &out, Err: &errs}); code != 0 {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	help := strings.Join(strings.Fields(out.String()), "")
	for _, p := range account.Permissions() {
		if !strings.Contains(help, string(p)) {
			t.Errorf("--permission %s is not offered", p)
		}
	}
}
