package e2e

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// A tab belongs to a profile of the browser that it shares with no other: no
// cookies, no storage.
type tab struct {
	ctx      context.Context
	cancel   func()
	problems *problems
}

func takeTab(t *testing.T) *tab {
	t.Helper()
	house.opening.Lock()
	defer house.opening.Unlock()
	if n := len(house.idle); n > 0 {
		left := house.idle[n-1]
		house.idle = house.idle[:n-1]
		return left
	}
	fresh := &tab{problems: new(problems)}
	fresh.ctx, fresh.cancel = chromedp.NewContext(theBrowser(t), chromedp.WithNewBrowserContext(), chromedp.WithListener(fresh.problems.listen))
	if err := chromedp.Do(fresh.ctx); err != nil {
		fresh.cancel()
		t.Fatalf("open a tab: %v", err)
	}
	return fresh
}

// leave gives the tab to other tests, empty. One whose test failed may be what
// failed.
func (left *tab) leave(t *testing.T) {
	err := chromedp.Do(left.ctx, chromedp.Navigate("about:blank"), command(page.ResetNavigationHistory, cdp.Empty{}),
		command(network.ClearBrowserCookies, cdp.Empty{}))
	if t.Failed() || err != nil {
		left.cancel()
		return
	}
	left.problems.forget()
	house.opening.Lock()
	defer house.opening.Unlock()
	house.idle = append(house.idle, left)
}
