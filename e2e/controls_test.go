package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// The roles that a text can be typed into and those that can be clicked.
var (
	fieldRoles = []string{"textbox", "searchbox", "combobox", "spinbutton"}
	clickRoles = []string{
		"button", "link", "checkbox", "radio", "switch", "tab", "option",
		"menuitem", "menuitemradio", "menuitemcheckbox", "DisclosureTriangle",
	}
)

// Click presses the button or link that says the words, with the mouse and in
// the middle, so what lies behind something else cannot be clicked. A control
// whose name begins with the words is good too when none is named exactly so;
// of several the first counts.
func (p *Page) Click(words string) {
	p.t.Helper()
	p.await(fmt.Sprintf("%q to be clickable", words), func(ctx context.Context) error {
		_, err := chromedp.Run(ctx, p.click(words))
		return err
	})
}

// Fill replaces the text of the field with that label.
func (p *Page) Fill(label, text string) {
	p.t.Helper()
	p.await(fmt.Sprintf("a field %q", label), func(ctx context.Context) error {
		return chromedp.Do(ctx, p.focus(label, fieldRoles))
	})
	if text == "" {
		p.Press(kb.Delete)
		return
	}
	p.do("type", command(input.InsertText, input.InsertTextParams{Text: text}))
}

// Choose selects the option that says the words in the list with that label.
func (p *Page) Choose(label, words string) {
	p.t.Helper()
	const choose = `function(words) {
		const option = [...this.options].find(o => o.label.trim() === words);
		if (!option) throw new Error("the options are " + [...this.options].map(o => o.label.trim()).join(", "));
		this.value = option.value;
		this.dispatchEvent(new Event("input", {bubbles: true}));
		this.dispatchEvent(new Event("change", {bubbles: true}));
	}`
	p.await(fmt.Sprintf("%q in a list %q", words, label), func(ctx context.Context) error {
		return chromedp.Do(ctx, p.call(label, []string{"combobox", "listbox"}, choose, words))
	})
}

// HasControl reports whether a button, link or field with exactly this name is
// there now.
func (p *Page) HasControl(name string) bool {
	p.t.Helper()
	return slices.Contains(p.Controls(), name)
}

// Controls returns the names of all buttons, links and fields, in their order
// on the page.
func (p *Page) Controls() []string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.Context, patience)
	defer cancel()
	nodes, err := chromedp.Run(ctx, p.controls(slices.Concat(clickRoles, fieldRoles)))
	if err != nil {
		p.t.Fatalf("list the controls: %v", err)
	}
	names := make([]string, 0, len(nodes))
	for _, node := range nodes {
		names = append(names, text(node.Name))
	}
	return names
}

// Focused returns role and name of what the keyboard acts on, as in
// "button Copy".
func (p *Page) Focused() string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.Context, patience)
	defer cancel()
	description, err := chromedp.Run(ctx, focused)
	if err != nil {
		p.t.Fatalf("find the focus: %v", err)
	}
	return description
}

func focused(ctx context.Context, tab *chromedp.Target) (string, error) {
	active, err := chromedp.Evaluate[*runtime.RemoteObject]("document.activeElement")(ctx, tab)
	if err != nil {
		return "", err
	}
	tree, err := cdp.Call(ctx, tab, accessibility.GetPartialAXTree, accessibility.GetPartialAXTreeParams{
		ObjectID: active.ObjectID, FetchRelatives: new(false),
	})
	if err != nil || len(tree.Nodes) == 0 {
		return "", errors.Join(errors.New("the focus is nowhere"), err)
	}
	return strings.TrimSpace(text(tree.Nodes[0].Role) + " " + text(tree.Nodes[0].Name)), nil
}

// controls finds what has one of the roles, in the order of the page.
func (p *Page) controls(roles []string) chromedp.Action[[]*accessibility.Node] {
	return func(ctx context.Context, tab *chromedp.Target) ([]*accessibility.Node, error) {
		root, err := find(ctx, tab, p.element())
		if err != nil {
			return nil, err
		}
		return inTree(ctx, tab, accessibility.QueryAXTreeParams{ObjectID: root}, roles)
	}
}

// find returns what a script expression finds on the page.
func find(ctx context.Context, tab *chromedp.Target, expression string) (runtime.RemoteObjectID, error) {
	found, err := chromedp.Evaluate[*runtime.RemoteObject](expression)(ctx, tab)
	if err == nil && found.ObjectID == "" {
		err = fmt.Errorf("there is no %s", expression)
	}
	if err != nil {
		return "", err
	}
	return found.ObjectID, nil
}

func inTree(ctx context.Context, tab *chromedp.Target, q accessibility.QueryAXTreeParams, roles []string) ([]*accessibility.Node, error) {
	tree, err := cdp.Call(ctx, tab, accessibility.QueryAXTree, q)
	return slices.DeleteFunc(tree.Nodes, func(n *accessibility.Node) bool {
		return n.Ignored || !slices.Contains(roles, text(n.Role))
	}), err
}

// errNoControl is what a page without a control of a name leads to.
var errNoControl = errors.New("there is no such control")

// control finds the one with that name, or the first whose name begins so.
func (p *Page) control(name string, roles []string) chromedp.Action[runtime.RemoteObjectID] {
	return func(ctx context.Context, tab *chromedp.Target) (runtime.RemoteObjectID, error) {
		root, err := find(ctx, tab, p.element())
		if err != nil {
			return "", err
		}
		named, err := inTree(ctx, tab, accessibility.QueryAXTreeParams{ObjectID: root, AccessibleName: name}, roles)
		if err != nil {
			return "", err
		}
		if len(named) == 0 {
			return p.beginning(ctx, tab, name, roles)
		}
		node, err := cdp.Call(ctx, tab, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: named[0].BackendDOMNodeID})
		if err != nil {
			return "", err
		}
		return node.Object.ObjectID, nil
	}
}

// candidate is a script expression for the element at a place among those that
// seem to have a name that begins with the words. To ask the browser for the
// names of everything on a page takes it long.
const candidate = `(root => {
	const name = e => {
		const copy = e.cloneNode(true);
		for (const unsaid of copy.querySelectorAll("[aria-hidden=true]")) unsaid.remove();
		return (e.ariaLabel ?? copy.textContent).replace(/\s+/g, " ").trim();
	};
	return [...root.querySelectorAll("a[href], button, summary, [role]")].filter(e => name(e).startsWith(%q))[%d];
})(%s)`

// beginning finds the first control whose name begins with the words.
func (p *Page) beginning(ctx context.Context, tab *chromedp.Target, words string, roles []string) (runtime.RemoteObjectID, error) {
	for i := range 20 {
		found, err := chromedp.Evaluate[*runtime.RemoteObject](fmt.Sprintf(candidate, words, i, p.element()))(ctx, tab)
		if err != nil {
			return "", err
		}
		if found.ObjectID == "" {
			break
		}
		nodes, err := inTree(ctx, tab, accessibility.QueryAXTreeParams{ObjectID: found.ObjectID}, roles)
		if err != nil {
			return "", err
		}
		if len(nodes) > 0 && strings.HasPrefix(text(nodes[0].Name), words) {
			return found.ObjectID, nil
		}
	}
	return "", errNoControl
}

func text(v *accessibility.Value) string {
	var s string
	if v == nil || json.Unmarshal(v.Value, &s) != nil {
		return ""
	}
	return strings.Join(strings.Fields(s), " ")
}

// middle scrolls an element into view and says where its middle is, provided
// that a click there meets it.
const middle = `function() {
	if (this.matches(":disabled")) throw new Error("it is disabled");
	this.scrollIntoView({block: "center", inline: "nearest", behavior: "instant"});
	const box = this.getClientRects()[0];
	if (!box) throw new Error("it is not visible");
	const x = box.left + box.width / 2, y = box.top + box.height / 2;
	const hit = document.elementFromPoint(x, y);
	if (!hit || !(this.contains(hit) || hit.closest("label")?.control === this))
		throw new Error("it is covered by " + (hit ? hit.outerHTML.slice(0, 120) : "nothing"));
	return {x, y};
}`

func (p *Page) click(words string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, tab *chromedp.Target) (chromedp.Void, error) {
		var at struct{ X, Y float64 }
		value, err := p.callValue(words, clickRoles, middle)(ctx, tab)
		if err == nil {
			err = json.Unmarshal(value, &at)
		}
		if err != nil {
			return chromedp.Void{}, err
		}
		return chromedp.MouseClickXY(at.X, at.Y)(ctx, tab)
	}
}

func (p *Page) focus(label string, roles []string) chromedp.Action[chromedp.Void] {
	return p.call(label, roles, `function() {
		if (this.matches(":disabled")) throw new Error("it is disabled");
		this.focus();
		this.select?.();
	}`)
}

func (p *Page) call(name string, roles []string, function string, args ...string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, tab *chromedp.Target) (chromedp.Void, error) {
		_, err := p.callValue(name, roles, function, args...)(ctx, tab)
		return chromedp.Void{}, err
	}
}

// callValue calls a script function with the control as its "this".
func (p *Page) callValue(name string, roles []string, function string, args ...string) chromedp.Action[[]byte] {
	return func(ctx context.Context, tab *chromedp.Target) ([]byte, error) {
		control, err := p.control(name, roles)(ctx, tab)
		if err != nil {
			return nil, err
		}
		params := runtime.CallFunctionOnParams{ObjectID: control, FunctionDeclaration: function, ReturnByValue: new(true)}
		for _, arg := range args {
			value, err := json.Marshal(arg)
			if err != nil {
				return nil, err
			}
			params.Arguments = append(params.Arguments, &runtime.CallArgument{Value: value})
		}
		result, err := cdp.Call(ctx, tab, runtime.CallFunctionOn, params)
		if err != nil {
			return nil, err
		}
		if result.ExceptionDetails != nil {
			return nil, &chromedp.ExceptionError{ExceptionDetails: result.ExceptionDetails}
		}
		return result.Result.Value, nil
	}
}
