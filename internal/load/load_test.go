package load_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/demo"
	"github.com/keyward/keyward/internal/load"
)

// bareAsked makes this test binary the least possible server.
const bareAsked = "KEYWARD_LOAD_BARE"

func TestMain(m *testing.M) {
	if os.Getenv(bareAsked) != "" {
		_ = load.Bare(os.Stderr) // ends with the process
		return
	}
	os.Exit(m.Run())
}

func build(t *testing.T) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		if os.Getenv("KEYWARD_TEST_REQUIRE") != "" {
			t.Fatal("the memory of a process is read as Linux tells it")
		}
		t.Skip("the memory of a process is read as Linux tells it")
	}
	binary := filepath.Join(t.TempDir(), "keyward")
	cmd := exec.Command("go", "build", "-o", binary, "../../cmd/keyward")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// What is measured works: nothing fails, and what was acknowledged is there.
func TestMeasurements(t *testing.T) {
	binary := build(t)
	t.Run("calls", func(t *testing.T) {
		t.Setenv(bareAsked, "1")
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		c := load.Calls{Binary: binary, Bare: []string{self}, Place: load.ParsePlace(t.TempDir()), Lasting: 100 * time.Millisecond, Rate: 100}
		if err := c.Run(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		if regexp.MustCompile(`\b[1-9]\d* failed`).MatchString(out.String()) {
			t.Errorf("some calls failed:\n%s", &out)
		}
		seats := regexp.MustCompile(`activate: (\d+) seats acknowledged, (\d+) on record, 0 over a limit`).FindStringSubmatch(out.String())
		if seats == nil || seats[1] == "1" || seats[1] != seats[2] {
			t.Errorf("seats %v:\n%s", seats, &out)
		}
	})
	t.Run("pages", func(t *testing.T) {
		sizes := []int{2, 5}
		few, more := load.ParsePlace(t.TempDir()), load.ParsePlace(t.TempDir())
		for range 2 { // the second time finds what the first made
			if err := load.Prepare(t.Context(), few, sizes, demo.Amount{}, io.Discard); err != nil {
				t.Fatal(err)
			}
		}
		if err := load.Prepare(t.Context(), more, sizes, demo.Amount{Customers: 2, Licenses: 10}, io.Discard); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		p := load.Pages{Binary: binary, Small: few, Large: more, Sizes: sizes, Times: 2}
		if err := p.Run(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		if lines := regexp.MustCompile(`(?m)^[25] licenses, .* times$`).FindAllString(out.String(), -1); len(lines) != 6 {
			t.Errorf("measured %d pages:\n%s", len(lines), &out)
		}
	})
}
