//go:build unix

package pgtest_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/pgtest"
)

const actAsOwner = "PGTEST_ACT_AS_OWNER"

// TestMain lets this test binary play the process that owns a server and is
// killed.
func TestMain(m *testing.M) {
	if os.Getenv(actAsOwner) == "" {
		os.Exit(m.Run())
	}
	server, err := pgtest.Start(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer server.Close() // never reached, but it keeps the server from being collected
	fmt.Println(server.URL)
	select {}
}

func TestStart(t *testing.T) {
	pgtest.URL(t) // skips or fails where there is no PostgreSQL

	t.Run("the server and its files go when its owner is killed", func(t *testing.T) {
		dir := sharedTempDir(t)
		owner := exec.Command(os.Args[0])
		owner.Env = append(os.Environ(), actAsOwner+"=1", "TMPDIR="+dir)
		owner.Stderr = os.Stderr
		out, err := owner.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := owner.Start(); err != nil {
			t.Fatal(err)
		}
		url, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		url = strings.TrimSpace(url)
		connect(t, url)
		if err := owner.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = owner.Wait() // killed, as asked
		eventually(t, "the server to stop", func() bool { return !answers(t, url) })
		eventually(t, "the files to go", func() bool {
			left, err := os.ReadDir(dir)
			return err == nil && len(left) == 0
		})
	})
}

// sharedTempDir is a directory that another user may use, which t.TempDir is
// not.
func sharedTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgtest-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	return dir
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline:
			t.Fatalf("waited too long for %s", what)
		case <-tick.C:
		}
	}
}
