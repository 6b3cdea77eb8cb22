package e2e

import (
	"context"
	_ "embed"
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

//go:embed testdata/axe/axe.min.js
var axeSource string

// axeRun asks for every rule of WCAG 2.2 level AA and the best practices. It
// waits for movement to end first: half a fade has the contrast of nothing that
// a person gets to read. Stylesheets are not fetched a second time, because
// doing so would break the page's content policy and fill its console.
const axeRun = `(async part => {
	const ends = a => a.effect?.getComputedTiming().endTime < Infinity;
	await Promise.allSettled(document.getAnimations().filter(ends).map(a => a.finished));
	const results = await axe.run(part || document, {
		runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
		rules: {"target-size": {enabled: true}},
		resultTypes: ["violations", "incomplete"],
		preload: false,
	});
	const say = node => [...node.any, ...node.all, ...node.none].map(check => check.message).join("; ");
	const list = (rules, incomplete) => rules.flatMap(rule => rule.nodes.map(node => ({
		rule: rule.id, help: rule.help, incomplete, node: node.target.join(" "), html: node.html, reason: say(node),
	})));
	return [...list(results.violations, false), ...list(results.incomplete, true)];
})(%q)`

// finding is one thing on the page that a rule objects to, or that the checker
// could not decide.
type finding struct {
	Rule, Help, Node, HTML, Reason string
	Incomplete                     bool
}

func (f finding) String() string {
	kind := "violates"
	if f.Incomplete {
		kind = "leaves undecided"
	}
	return fmt.Sprintf("%s %s: %s\n  at %s\n  %s\n  %s", kind, f.Rule, f.Help, f.Node, f.HTML, f.Reason)
}

// Axe fails the test for everything on the page of that tab which breaks an
// accessibility rule, and for everything the checker could not decide: what a
// machine cannot see through, a person may not be able to either.
func Axe(t *testing.T, ctx context.Context) {
	t.Helper()
	report(t, ctx, "")
}

func report(t *testing.T, ctx context.Context, part string) {
	t.Helper()
	findings, err := inspect(ctx, part)
	if err != nil {
		t.Fatalf("axe: %v", err)
	}
	for _, f := range findings {
		t.Errorf("the page %s", f)
	}
}

// Axe checks the accessibility of the page, or of the part that the steps are
// confined to, as the function of that name does.
func (p *Page) Axe() {
	p.t.Helper()
	if p.noScript {
		// The checker is a script too. A page that was loaded without its own
		// stays without them.
		p.do("turn scripts on", scripts(true))
		defer p.do("turn scripts off", scripts(false))
	}
	report(p.t, p.Context, p.within)
}

// inspect checks the part that a selector finds, or the whole page.
func inspect(ctx context.Context, part string) ([]finding, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	return chromedp.Run(ctx, func(ctx context.Context, tab *chromedp.Target) ([]finding, error) {
		world, err := isolatedWorld(ctx, tab)
		if err != nil {
			return nil, err
		}
		inWorld := func(p *runtime.EvaluateParams) { p.ContextID = world }
		if _, err := chromedp.Evaluate[chromedp.Void](axeSource, inWorld)(ctx, tab); err != nil {
			return nil, fmt.Errorf("load the checker: %w", err)
		}
		return chromedp.Evaluate[[]finding](fmt.Sprintf(axeRun, part), inWorld, chromedp.EvalAwaitPromise)(ctx, tab)
	})
}

// isolatedWorld is a place for scripts that sees the page but that the page,
// its content policy and its trusted types do not see.
func isolatedWorld(ctx context.Context, tab *chromedp.Target) (runtime.ExecutionContextID, error) {
	tree, err := cdp.Call(ctx, tab, page.GetFrameTree, cdp.Empty{})
	if err != nil {
		return 0, err
	}
	world, err := cdp.Call(ctx, tab, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{
		FrameID: tree.FrameTree.Frame.ID, WorldName: "axe",
	})
	return world.ExecutionContextID, err
}
