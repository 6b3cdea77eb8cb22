package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// house holds what all tests share. TestMain sets it before the first test and
// takes it down after the last; each part is made when a test first asks.
var house struct {
	binary  func() (string, error)
	browser func() (context.Context, error)
	reader  func() (context.Context, error) // the tab that reads the clipboard

	copying sync.Mutex // whose turn it is to copy
	opening sync.Mutex // guards idle
	idle    []*tab     // that tests have left
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "keyward-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	ctx, stop := context.WithCancel(context.Background())
	closeBrowser := func() {}
	defer func() { stop(); closeBrowser() }()

	house.binary = sync.OnceValues(func() (string, error) { return build(ctx, dir) })
	house.browser = sync.OnceValues(func() (context.Context, error) {
		browser, wait, err := startBrowser(ctx)
		closeBrowser = wait
		return browser, err
	})
	house.reader = sync.OnceValues(func() (context.Context, error) {
		browser, err := house.browser()
		if err != nil {
			return nil, err
		}
		return openReader(browser)
	})
	return m.Run()
}

// build makes the binary as it is shipped: without a C compiler, without the
// race detector.
func build(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "keyward")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "../cmd/keyward")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return binary, nil
}

// Binary returns the path of the program under test.
func Binary(t *testing.T) string {
	t.Helper()
	binary, err := house.binary()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

var errNoBrowser = errors.New("Chromium is not installed: on Debian, apt-get install chromium; " +
	"elsewhere, put chromium or google-chrome in PATH")

func startBrowser(ctx context.Context) (context.Context, func(), error) {
	path, err := findBrowser()
	if err != nil {
		return nil, func() {}, err
	}
	allocator, stopAllocator := chromedp.NewExecAllocator(ctx, browserOptions(path)...)
	browser, stopBrowser := chromedp.NewContext(allocator)
	wait := func() { stopBrowser(); stopAllocator() }
	// The first run starts the browser and ties its life to this context.
	if err := chromedp.Do(browser); err != nil {
		return nil, wait, fmt.Errorf("start %s: %w", path, err)
	}
	return browser, wait, nil
}

func findBrowser() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errNoBrowser
}

func browserOptions(path string) []chromedp.ExecAllocatorOption {
	return append(chromedp.DefaultExecAllocatorOptions[:len(chromedp.DefaultExecAllocatorOptions):len(chromedp.DefaultExecAllocatorOptions)],
		chromedp.ExecPath(path),
		chromedp.DisableGPU,
		// Containers have neither the namespaces that the sandbox needs nor
		// anything but our own pages to protect.
		chromedp.NoSandbox,
		chromedp.Flag("headless", "new"),
		// All pages are our own, so that one process may serve several sites.
		chromedp.Flag("disable-site-isolation-trials", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("font-render-hinting", "none"),
		// Loopback counts as secure even on plain http. This name does not, so
		// that tests can see what plain http takes away.
		chromedp.Flag("host-resolver-rules", "MAP keyward.test 127.0.0.1"),
	)
}

// theBrowser returns the shared browser, or skips the test where there is none.
func theBrowser(t *testing.T) context.Context {
	t.Helper()
	ctx, err := house.browser()
	if errors.Is(err, errNoBrowser) && !required() {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return ctx
}

// required reports whether this run has promised that everything is there.
func required() bool {
	for _, variable := range []string{"CI", "KEYWARD_TEST_REQUIRE"} {
		switch os.Getenv(variable) {
		case "", "0", "false":
		default:
			return true
		}
	}
	return false
}
