package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
)

// clipboard is whose turn it is to copy: all tabs of all tests share one.
var clipboard sync.Mutex

// HoldClipboard keeps other tests from copying until this one ends.
func HoldClipboard(t *testing.T) {
	clipboard.Lock()
	t.Cleanup(clipboard.Unlock)
}

// Clipboard returns what was copied last. A test that copies holds the
// clipboard.
//
// It reads in a tab of its own, because a page on plain http may not read.
func (p *Page) Clipboard() string {
	p.t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><title>Clipboard</title>`)
	}))
	defer server.Close()
	tab, closeTab := chromedp.NewContext(p.Context)
	defer closeTab()
	if err := chromedp.Do(tab, allowClipboard(p.Context), chromedp.Navigate(server.URL)); err != nil {
		p.t.Fatalf("open the clipboard: %v", err)
	}
	copied, err := chromedp.Run(tab, chromedp.Evaluate[string]("navigator.clipboard.readText()", chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("read the clipboard: %v", err)
	}
	return copied
}

func allowClipboard(ctx context.Context) chromedp.Action[chromedp.Void] {
	return command(browser.SetPermission, browser.SetPermissionParams{
		Permission:       &browser.PermissionDescriptor{Name: "clipboard-read"},
		Setting:          browser.PermissionSettingGranted,
		BrowserContextID: chromedp.FromContext(ctx).BrowserContextID,
	})
}
