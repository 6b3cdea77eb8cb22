package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// HoldClipboard keeps other tests from copying until this one ends: all tabs
// share one clipboard.
func HoldClipboard(t *testing.T) {
	house.copying.Lock()
	t.Cleanup(house.copying.Unlock)
}

// Clipboard returns what was copied last. A test that copies holds the
// clipboard.
//
// It reads in a tab of its own, because a page on plain http may not read.
func (p *Page) Clipboard() string {
	p.t.Helper()
	reader, err := house.reader()
	if err != nil {
		p.t.Fatalf("open the clipboard: %v", err)
	}
	copied, err := chromedp.Run(reader, chromedp.Evaluate[string]("navigator.clipboard.readText()", chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("read the clipboard: %v", err)
	}
	return copied
}

// openReader opens the tab that reads the clipboard.
func openReader(browser context.Context) (context.Context, error) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><title>Clipboard</title>`)
	}))
	defer server.Close() // the page stays
	reader, _ := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	if err := chromedp.Do(reader); err != nil {
		return nil, err
	}
	return reader, chromedp.Do(reader, allowClipboard(reader), chromedp.Navigate(server.URL),
		command(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}))
}

func allowClipboard(ctx context.Context) chromedp.Action[chromedp.Void] {
	return command(browser.SetPermission, browser.SetPermissionParams{
		Permission:       &browser.PermissionDescriptor{Name: "clipboard-read"},
		Setting:          browser.PermissionSettingGranted,
		BrowserContextID: chromedp.FromContext(ctx).BrowserContextID,
	})
}
