package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// policy is as strict as Keyward's own.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

const style = `
	body { color: #111; background: #fff; font: 16px/1.5 sans-serif; margin: 0; }
	body { opacity: 1; transition: opacity .3s; @starting-style { opacity: 0; } }
	main { padding: 1rem; }
	.pale { color: #ccc; }
	.gradient { background: linear-gradient(#fff, #777); }
	.wide { width: 500px; }
	.cover { position: fixed; inset: 0; background: #fff; }
	@media (prefers-color-scheme: dark) { body { color: #eee; background: #111; } a { color: #9cf; } }
`

const script = `
	document.querySelector("#greet")?.addEventListener("click", () => {
		document.querySelector("output").textContent = "Hello " + document.querySelector("input").value;
	});
	document.querySelector("#copy")?.addEventListener("click", async () => {
		const field = document.querySelector("input");
		if (isSecureContext) await navigator.clipboard.writeText(field.value);
		else { field.select(); document.execCommand("copy"); }
		document.querySelector("output").textContent = "Copied";
	});
`

// serve returns the address of a small site: "/" holds the given content,
// "/next" another page, "/style.css" and "/script.js" what both use.
func serve(t *testing.T, content string) string {
	t.Helper()
	mux := http.NewServeMux()
	file := func(path, kind, body string) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Content-Security-Policy", policy)
			fmt.Fprint(w, body)
		})
	}
	const frame = `<!doctype html><html lang="en"><head><title>Test page</title><link rel="icon" href="/icon.svg">
		<link rel="stylesheet" href="/style.css"><script type="module" src="/script.js"></script></head>
		<body><main><h1>Test page</h1>%s</main></body></html>`
	file("/{$}", "text/html; charset=utf-8", fmt.Sprintf(frame, content))
	file("/next", "text/html; charset=utf-8", fmt.Sprintf(frame, "<p>Second page</p>"))
	file("/style.css", "text/css", style)
	file("/script.js", "text/javascript", script)
	file("/icon.svg", "image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>`)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

const goodForm = `<form action="/next"><p><label>Your name <input name="name" autocomplete="name"></label></p>
	<p><button type="button" id="greet">Greet</button> <button>Send</button></p></form>
	<p><output></output></p><p><a href="/next">Read more<span> about licenses</span></a></p>`

func TestHarnessFollowsAPerson(t *testing.T) {
	p := OpenPage(t)
	if status := p.Goto(serve(t, goodForm)); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	p.Fill("Your name", "Ada")
	p.Click("Greet")
	p.See("Hello Ada")
	p.Fill("Your name", "")
	p.Click("Greet")
	p.DontSee("Ada")
	p.Press(kb.Tab)
	if got, want := p.Focused(), "button Send"; got != want {
		t.Errorf("after Tab the focus is on %q, want %q", got, want)
	}
	p.Click("Read more") // the whole name is longer
	p.SeePath("/next")
	p.See("Second page")
	p.Back()
	p.SeePath("/")
	if got, want := p.Controls(), []string{"Your name", "Greet", "Send", "Read more about licenses"}; !slices.Equal(got, want) {
		t.Errorf("controls %q, want %q", got, want)
	}
	if got := p.Text("h1"); got != "Test page" {
		t.Errorf("heading %q", got)
	}
	p.Screenshot("harness")
}

func TestHarnessWithoutScript(t *testing.T) {
	p := OpenPage(t, NoScript)
	p.Goto(serve(t, goodForm))
	p.Fill("Your name", "Ada")
	p.Click("Send")
	p.SeePath("/next?name=Ada")
	p.Axe()
}

func TestHarnessLooks(t *testing.T) {
	address := serve(t, goodForm)
	background := func(p *Page) string {
		p.Goto(address)
		return Eval[string](p, "getComputedStyle(document.body).backgroundColor")
	}
	t.Run("light unless dark is asked for", func(t *testing.T) {
		if got, want := background(OpenPage(t)), "rgb(255, 255, 255)"; got != want {
			t.Errorf("light background %s, want %s", got, want)
		}
		if got, want := background(OpenPage(t, Dark)), "rgb(17, 17, 17)"; got != want {
			t.Errorf("dark background %s, want %s", got, want)
		}
	})
	t.Run("size and timezone", func(t *testing.T) {
		p := OpenPage(t, Viewport(320, 640), Timezone("Asia/Tokyo"))
		p.Goto(address)
		if got := Eval[int](p, "innerWidth"); got != 320 {
			t.Errorf("width %d", got)
		}
		if got := Eval[string](p, "Intl.DateTimeFormat().resolvedOptions().timeZone"); got != "Asia/Tokyo" {
			t.Errorf("timezone %s", got)
		}
		p.FitsWidth()
	})
	t.Run("plain http under a name is not secure", func(t *testing.T) {
		p := OpenPage(t)
		p.Goto(strings.Replace(address, "127.0.0.1", "keyward.test", 1))
		if Eval[bool](p, "isSecureContext") {
			t.Error("the page counts as secure")
		}
	})
	t.Run("tabs share nothing", func(t *testing.T) {
		first, second := OpenPage(t), OpenPage(t)
		first.Goto(address)
		second.Goto(address)
		Eval[string](first, `document.cookie = "mine=1"`)
		if got := Eval[string](second, "document.cookie"); got != "" {
			t.Errorf("the other tab's cookie: %s", got)
		}
	})
}

func TestClipboard(t *testing.T) {
	HoldClipboard(t)
	address := serve(t, goodForm+`<p><button type="button" id="copy">Copy</button></p>`)
	for _, host := range []string{"127.0.0.1", "keyward.test"} {
		t.Run("copied at "+host, func(t *testing.T) {
			p := OpenPage(t)
			p.Goto(strings.Replace(address, "127.0.0.1", host, 1))
			p.Fill("Your name", "copied at "+host)
			p.Click("Copy")
			p.See("Copied")
			if got, want := p.Clipboard(), "copied at "+host; got != want {
				t.Errorf("clipboard %q, want %q", got, want)
			}
		})
	}
}

func TestAxe(t *testing.T) {
	tab := OpenPage(t)
	tab.Expect("ERR_CONNECTION_REFUSED") // by the server of the part before
	for _, tt := range []struct {
		name, content string
		rule          string
		incomplete    bool
	}{
		{"a label missing", `<input>`, "label", false},
		{"too little contrast", `<p class="pale">Hard to read</p>`, "color-contrast", false},
		{"an undecidable background", `<p class="gradient">On a gradient</p>`, "color-contrast", true},
		{"targets too small", `<p><button>i</button><button>j</button></p>`, "target-size", false},
		{"a heading level skipped", `<h4>Deep</h4>`, "heading-order", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := tab.For(t)
			p.Goto(serve(t, tt.content))
			findings, err := inspect(p.Context, "")
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(findings, func(f finding) bool {
				return f.Rule == tt.rule && f.Incomplete == tt.incomplete && f.Node != "" && f.Reason != ""
			}) {
				t.Errorf("found %v, want %s (incomplete: %v)", findings, tt.rule, tt.incomplete)
			}
		})
	}
	t.Run("a good page", func(t *testing.T) {
		for _, option := range []Option{Viewport(1280, 900), Dark, Viewport(320, 640)} {
			p := OpenPage(t, option)
			p.Goto(serve(t, goodForm))
			p.Axe()
		}
	})
}

func TestProblems(t *testing.T) {
	tab := OpenPage(t)
	tab.Expect("ERR_CONNECTION_REFUSED") // by the server of the part before
	for _, tt := range []struct{ name, content, provoke, want string }{
		{"an error on the console", "", `console.error("it broke", 7)`, "console: it broke 7"},
		{"an uncaught exception", "", `setTimeout(() => { throw new Error("nobody caught me") })`, "nobody caught me"},
		{"an unhandled rejection", "", `void Promise.reject(new Error("nobody waited"))`, "nobody waited"},
		{"a script inside the page", `<script>1</script>`, "", "Content Security Policy"},
		{"a style inside the page", `<p style="color: red">Red</p>`, "", "Content Security Policy"},
		{"a string made into markup", "", `setTimeout(() => { document.body.innerHTML = "<b>hi</b>" })`, "TrustedHTML"},
		{"a file that is not there", `<img src="/missing.png" alt="">`, "", "404"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := tab.For(t)
			p.Goto(serve(t, tt.content))
			if tt.provoke != "" {
				Eval[any](p, tt.provoke+"; new Promise(done => setTimeout(done, 50))")
			}
			seen := p.problems.unexpected(nil)
			if !slices.ContainsFunc(seen, func(problem string) bool { return strings.Contains(problem, tt.want) }) {
				t.Errorf("complaints %q, want one about %q", seen, tt.want)
			}
			p.Expect("") // whatever it was, it was the point
		})
	}
	t.Run("a good page has none", func(t *testing.T) {
		p := tab.For(t)
		p.Goto(serve(t, goodForm))
		p.Click("Greet")
		p.See("Hello")
	})
}
