package store_test

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/store/storetest"
)

// crashDir is set in the process that TestKilledProcessLosesNothing kills.
const crashDir = "KEYWARD_TEST_CRASH_DIR"

// A killed process loses nothing that it acknowledged, and the next one opens
// what it left.
func TestKilledProcessLosesNothing(t *testing.T) {
	if dir := os.Getenv(crashDir); dir != "" {
		writeUntilKilled(t, dir)
	}
	dir := t.TempDir()
	acknowledged := killWriter(t, dir, 200)
	s := storetest.Open(t, store.Options{Dir: dir})
	kept, err := store.Ints(s.Reader, t.Context(), `SELECT n FROM thing ORDER BY n`)
	if err != nil {
		t.Fatal(err)
	}
	there := make(map[int64]bool, len(kept))
	for _, n := range kept {
		there[n] = true
	}
	for _, n := range acknowledged {
		if !there[n] {
			t.Errorf("%d was acknowledged and is gone", n)
		}
	}
	if sick, err := store.Ints(s.Reader, t.Context(), `SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'`); err != nil || sick[0] != 0 {
		t.Errorf("the database is damaged: %v (%v)", sick, err)
	}
}

// killWriter runs this test in a process of its own, kills it after it has
// acknowledged n rows and returns all it acknowledged.
func killWriter(t *testing.T, dir string, n int) []int64 {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledProcessLosesNothing$")
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var all []int64
	for lines := bufio.NewScanner(out); lines.Scan(); {
		number, err := strconv.ParseInt(lines.Text(), 10, 64)
		if err != nil {
			t.Fatalf("the writer said %q", lines.Text())
		}
		all = append(all, number)
		if len(all) == n {
			_ = cmd.Process.Kill()
		}
	}
	_ = cmd.Wait() // killed, as it should be
	if len(all) < n {
		t.Fatalf("the writer ended after %d rows", len(all))
	}
	return all
}

// writeUntilKilled writes from many callers at once and prints each number once
// it is durable.
func writeUntilKilled(t *testing.T, dir string) {
	s, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	err = s.InTx(t.Context(), func(tx *store.Tx) error {
		_, err := store.Exec(tx, t.Context(), `CREATE TABLE thing (n INTEGER PRIMARY KEY) STRICT`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for c := range 8 {
		go func() {
			for n := c; ; n += 8 {
				err := s.InTx(t.Context(), func(tx *store.Tx) error {
					_, err := store.Exec(tx, t.Context(), `INSERT INTO thing (n) VALUES ($1)`, n)
					return err
				})
				if err != nil {
					os.Exit(1)
				}
				_, _ = os.Stdout.WriteString(strconv.Itoa(n) + "\n") // one write a line
			}
		}()
	}
	select {}
}
