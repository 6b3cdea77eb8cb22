package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const (
	// patience is how long a page may take to show what a test waits for. It is
	// generous because it only costs time when something is broken.
	patience = 30 * time.Second
	// A waiting test looks again after a glance, and at the latest after a long
	// one.
	glance     = 10 * time.Millisecond
	longGlance = 150 * time.Millisecond
)

// A Page is one tab, seen as a person sees it: controls are named by the words
// that a screen reader would say, and every step waits until it can happen.
//
// The page fails its test at the end if the browser's console showed an error
// or the content policy blocked anything.
type Page struct {
	// Context runs chromedp actions in this tab.
	Context context.Context

	t        *testing.T
	noScript bool
	within   string // the CSS selector that steps are confined to; empty: the page
	problems *problems
	expected *[]string // words in complaints that are no fault
}

// An Option changes how a page is looked at.
type Option func(*look)

type look struct {
	width, height int64
	features      []*emulation.MediaFeature
	timezone      string
	noScript      bool
}

// Viewport sets the size of the window in CSS pixels.
func Viewport(width, height int64) Option {
	return func(l *look) { l.width, l.height = width, height }
}

// Dark asks for the dark color scheme; without it the scheme is light.
func Dark(l *look) { l.prefer("color-scheme", "dark") }

// ReducedMotion asks for no animation.
func ReducedMotion(l *look) { l.prefer("reduced-motion", "reduce") }

// Timezone is where the person sits; without it, UTC.
func Timezone(name string) Option {
	return func(l *look) { l.timezone = name }
}

// NoScript turns the page's scripts off.
func NoScript(l *look) { l.noScript = true }

func (l *look) prefer(feature, value string) {
	l.features = append(l.features, &emulation.MediaFeature{Name: "prefers-" + feature, Value: value})
}

// OpenPage opens a tab that has no history and shares no cookies with any other.
// When the test ends it is left to other tests, which is faster than to open one
// for each.
func OpenPage(t *testing.T, options ...Option) *Page {
	t.Helper()
	l := newLook(options)
	opened := takeTab(t)
	p := &Page{Context: opened.ctx, t: t, noScript: l.noScript, problems: opened.problems, expected: new([]string)}
	t.Cleanup(func() {
		p.check()
		opened.leave(t)
	})
	p.do("look", l.apply())
	return p
}

func newLook(options []Option) *look {
	l := &look{width: 1280, height: 900, timezone: "UTC"}
	l.prefer("color-scheme", "light")
	for _, option := range options {
		option(l)
	}
	return l
}

// For lends the page to a part of its test, or to a test inside it: one tab
// serves many of them faster than one each. What the steps of the returned page
// find is reported there, and so are the browser's complaints.
func (p *Page) For(t *testing.T) *Page {
	t.Helper()
	expected := slices.Clone(*p.expected)
	part := *p
	part.t, part.expected = t, &expected
	t.Cleanup(part.check)
	return &part
}

func (l *look) apply() chromedp.Action[chromedp.Void] {
	return chromedp.Steps(
		chromedp.EmulateViewport(l.width, l.height),
		command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: l.features}),
		command(emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: l.timezone}),
		command(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}),
		scripts(!l.noScript),
	)
}

func scripts(on bool) chromedp.Action[chromedp.Void] {
	return command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
}

func command[P any](c cdp.Command[P, cdp.Empty], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, c, params)
		return err
	})
}

// check ends a test on the page.
func (p *Page) check() {
	p.t.Helper()
	if p.t.Failed() {
		p.Screenshot(strings.ReplaceAll(p.t.Name(), "/", "_") + "-failed")
	}
	// The answer to any command comes after every event before it.
	if _, err := chromedp.Run(p.Context, chromedp.Evaluate[int]("0")); err != nil {
		p.t.Errorf("the page is gone: %v", err)
	}
	for _, problem := range p.problems.unexpected(*p.expected) {
		p.t.Errorf("the browser complained: %s", problem)
	}
	p.problems.forget()
}

// Expect allows complaints of the browser that contain the words: a test that
// asks for a page that does not exist expects "404".
func (p *Page) Expect(words string) { *p.expected = append(*p.expected, words) }

// In confines the steps of the returned page to the first element that the
// selector finds.
func (p *Page) In(selector string) *Page {
	part := *p
	part.within = strings.TrimSpace(p.within + " " + selector)
	return &part
}

// Goto opens an address and returns the status of the answer.
func (p *Page) Goto(address string) int {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.Context, patience)
	defer cancel()
	response, err := chromedp.Run(ctx, chromedp.NavigateResponse(address))
	if err != nil {
		p.t.Fatalf("go to %s: %v", address, err)
	}
	if response == nil { // about:blank and the like
		return 0
	}
	return int(response.Status)
}

// Reload loads the page again.
func (p *Page) Reload() { p.t.Helper(); p.do("reload", chromedp.Reload()) }

// Back returns to the page before. It does not wait for it: a page that the
// browser kept comes back without loading.
func (p *Page) Back() {
	p.t.Helper()
	p.do("go back", chromedp.Evaluate[chromedp.Void]("history.back()"))
}

// URL is the address that the tab shows.
func (p *Page) URL() string {
	p.t.Helper()
	return Eval[string](p, "location.href")
}

// loaded is a script expression that fails while the page is still coming in.
const loaded = `(() => { if (document.readyState === "loading") throw new Error("the page is not there yet"); return true; })()`

// SeePath waits until the address is the given path, with its query if it has
// one, and the page is there.
func (p *Page) SeePath(path string) {
	p.t.Helper()
	p.await("the address to become "+path, func(ctx context.Context) error {
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string](loaded+" && location.pathname + location.search"))
		return differs(got, path, err)
	})
}

// See waits until the words are visible and the page is all there.
func (p *Page) See(words string) {
	p.t.Helper()
	p.await(fmt.Sprintf("%q to be visible", words), func(ctx context.Context) error {
		text, err := p.visibleText(ctx)
		if err == nil && !strings.Contains(text, words) {
			err = fmt.Errorf("the page says:\n%s", text)
		}
		return err
	})
}

// DontSee waits until the words are not visible.
func (p *Page) DontSee(words string) {
	p.t.Helper()
	p.await(fmt.Sprintf("%q to be gone", words), func(ctx context.Context) error {
		text, err := p.visibleText(ctx)
		if err == nil && strings.Contains(text, words) {
			err = fmt.Errorf("the page says:\n%s", text)
		}
		return err
	})
}

func (p *Page) visibleText(ctx context.Context) (string, error) {
	return chromedp.Run(ctx, chromedp.Evaluate[string](loaded+" && "+p.element()+".innerText.replace(/\\s+/g, ' ')"))
}

// element is a script expression for what the page is confined to.
func (p *Page) element() string {
	if p.within == "" {
		return "document.body"
	}
	return fmt.Sprintf("document.querySelector(%q)", p.within)
}

// Text waits for an element and returns its visible text.
func (p *Page) Text(selector string) string {
	p.t.Helper()
	var text string
	p.await(selector+" to exist", func(ctx context.Context) (err error) {
		text, err = chromedp.Run(ctx, chromedp.Evaluate[string](
			fmt.Sprintf("%s.querySelector(%q).innerText.replace(/\\s+/g, ' ').trim()", p.element(), selector)))
		return err
	})
	return text
}

// Texts returns the visible text of every element that the selector finds now.
func (p *Page) Texts(selector string) []string {
	p.t.Helper()
	return Eval[[]string](p, fmt.Sprintf(
		"[...%s.querySelectorAll(%q)].map(e => e.innerText.replace(/\\s+/g, ' ').trim())", p.element(), selector))
}

// Press sends keys as a keyboard does; package kb names those without a letter.
// As with a keyboard, a key that was answered when it went down writes nothing:
// Enter on a link must not press the button that gets the focus next.
func (p *Page) Press(keys string) {
	p.t.Helper()
	p.do("press a key", chromedp.KeyEvent(keys, func(e *input.DispatchKeyEventParams) {
		if e.Type == kb.KeyDown {
			e.Type = kb.KeyRawDown
		}
	}))
}

// FitsWidth fails the test if the page has to be scrolled sideways, which
// nobody on a small screen or a large magnification wants to (WCAG 1.4.10).
func (p *Page) FitsWidth() {
	p.t.Helper()
	const wider = `(() => {
		const room = document.documentElement.clientWidth;
		if (document.documentElement.scrollWidth <= room) return [];
		return [...document.querySelectorAll("body *")]
			.filter(e => e.getBoundingClientRect().right > room + 0.5)
			.map(e => e.outerHTML.slice(0, 120));
	})()`
	if culprits := Eval[[]string](p, wider); len(culprits) > 0 {
		p.t.Errorf("%s scrolls sideways because of:\n%s", p.URL(), strings.Join(culprits, "\n"))
	}
}

// Screenshot writes the whole page as NAME.png into the directory that
// KEYWARD_SCREENSHOTS names, if it does.
func (p *Page) Screenshot(name string) {
	p.t.Helper()
	dir := os.Getenv("KEYWARD_SCREENSHOTS")
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(p.Context, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644))
	}
	if err != nil {
		p.t.Errorf("screenshot: %v", err)
	}
}

// Eval returns the value of a script expression in the page, awaiting it if it
// is a promise. The content policy of the page does not apply to it.
func Eval[T any](p *Page, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.Context, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("evaluate %s: %v", expression, err)
	}
	return value
}

func (p *Page) do(what string, action chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.Context, patience)
	defer cancel()
	if err := chromedp.Do(ctx, action); err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
}

// await tries until there is no error, at longer and longer intervals. A page
// that is just being replaced gives errors too, so which error it is does not
// matter before the last.
func (p *Page) await(what string, try func(ctx context.Context) error) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.Context, patience)
	defer cancel()
	var last error // that is not just our running out of patience
	for pause := glance; ; pause = min(pause*3/2, longGlance) {
		err := try(ctx)
		if err == nil {
			return
		}
		if ctx.Err() == nil || last == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			if errors.Is(last, errNoControl) {
				last = fmt.Errorf("there are only %q", p.Controls())
			}
			p.t.Fatalf("waited %v for %s: %v", patience, what, last)
		case <-time.After(pause):
		}
	}
}

func differs(got, want string, err error) error {
	if err == nil && got != want {
		err = fmt.Errorf("it is %q", got)
	}
	return err
}
