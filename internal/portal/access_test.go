package portal_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/portal"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/ui/uitest"
)

func TestTemplatesFitTheirStructs(t *testing.T) {
	door, err := portal.New(portal.Deps{})
	must(t, err)
	var names []string
	structs := portal.PageStructs()
	for _, name := range door.Templates().Names() {
		data, known := structs[name]
		if !known {
			t.Errorf("page %q has no struct to be checked against", name)
			continue
		}
		names = append(names, name)
		uitest.Check(t, door.Templates(), name, data)
	}
	if len(names) != len(structs) {
		t.Errorf("pages are %q, structs are for %d", names, len(structs))
	}
}

// Everything but signing in needs to be signed in.
func TestRoutesDeclareAccess(t *testing.T) {
	public := map[string]bool{
		"GET /changelog/{slug}": true, "GET /login": true, "POST /login": true, "POST /logout": true, "GET /forgot": true, "POST /forgot": true,
		"GET /invitation": true, "POST /invitation": true, "GET /reset": true, "POST /reset": true, "POST /theme": true,
		"GET /calendar/{file}": true, // its address is the proof
		"GET /login/code":      true, "POST /login/code": true, "POST /login/passkey/ask": true, "POST /login/passkey": true,
		"GET /sign-in-link": true, "POST /sign-in-link": true, "GET /join": true, "POST /join": true, "GET /enter": true, "POST /enter": true,
	}
	for _, route := range newWorld(t).door.Routes() {
		want := httpx.SignedIn
		if public[route.Pattern] {
			want = httpx.Public
		}
		if route.Access != want {
			t.Errorf("%s is for %q, want %q", route.Pattern, route.Access, want)
		}
	}
}

// address makes an address of a route, with the id given for its {id}.
func address(pattern string, wanted id.ID) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	path = strings.ReplaceAll(strings.ReplaceAll(path, "{id}", string(wanted)), "{$}", "")
	path = strings.ReplaceAll(path, "{ticket}", "ticket")
	path = strings.ReplaceAll(path, "{file}", string(wanted))
	return method, path
}

// P-ISO-01, P-AUTH-10
func TestSignedOutGetsNothing(t *testing.T) {
	w := newWorld(t)
	owner := w.customer("ada@example.com")
	l := w.issue(owner.Customer.ID, w.product("Editor"))
	for _, route := range w.door.Routes() {
		if route.Access != httpx.SignedIn {
			continue
		}
		method, path := address(route.Pattern, l.ID)
		t.Run(route.Pattern, func(t *testing.T) {
			b := w.browser()
			if method == http.MethodGet {
				wantTo(t, b.get(path+"?status=active"), "/login?"+url.Values{"next": {path + "?status=active"}}.Encode())
				wantTo(t, b.do(b.request(http.MethodHead, path, ""), ""), "/login?"+url.Values{"next": {path}}.Encode())
			} else {
				answer := b.post(path)
				wantStatus(t, answer, http.StatusUnauthorized)
				wantText(t, answer, "h1", "Signed out")
				wantText(t, answer, "main .btn", "Sign in")
			}
			wantProblem(t, b.script().do(b.script().request(method, path, ""), ""), http.StatusUnauthorized, "signed_out")
		})
	}
}

func wantProblem(t *testing.T, p *page, status int, code string) {
	t.Helper()
	wantStatus(t, p, status)
	var got httpx.Problem
	if err := json.Unmarshal([]byte(p.body), &got); err != nil || got.Code != code || got.Status != status || got.Detail == "" {
		t.Errorf("%s: answered %s, want problem %s", p.what, p.body, code)
	}
	if ct := p.header.Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("%s: content type %q", p.what, ct)
	}
}

// C-SEC-10: a post from another site is refused and changes nothing.
func TestCrossSitePostsChangeNothing(t *testing.T) {
	w := newWorld(t)
	owner := w.customer("ada@example.com")
	l := w.issue(owner.Customer.ID, w.product("Vault", highSecurity))
	device := w.activate(l, "Laptop")
	before := owner.get(l.path()).text("main")
	for name, foreign := range map[string]*browser{
		"by fetch metadata": owner.with("Sec-Fetch-Site", "cross-site"),
		"from a sibling":    owner.with("Sec-Fetch-Site", "same-site"),
		"by origin":         owner.with("Origin", "https://evil.example"),
	} {
		for _, route := range w.door.Routes() {
			method, path := address(route.Pattern, l.ID)
			if method != http.MethodPost {
				continue
			}
			path = strings.Replace(path, "/activations/"+string(l.ID), "/activations/"+string(device.ID), 1)
			answer := foreign.post(path, "theme", "dark")
			wantStatus(t, answer, http.StatusForbidden)
			wantIn(t, answer, "main", "came from another site and changed nothing")
			if len(answer.set) > 0 {
				t.Errorf("%s %s: a cookie was set", name, route.Pattern)
			}
		}
	}
	if diff := cmp.Diff(before, owner.get(l.path()).text("main")); diff != "" {
		t.Errorf("something changed:\n%s", diff)
	}
}

func TestPostsFromTheAddressCustomersUsePass(t *testing.T) {
	w := newWorldWith(t, options{deps: func(d *portal.Deps) { d.BaseURL = "https://licenses.vendor.example" }})
	owner := w.customer("ada@example.com")
	wantTo(t, owner.with("Origin", "https://licenses.vendor.example").post("/licenses/search", "q", "abc"), "/licenses?q=abc")
}

func TestOversizedForms(t *testing.T) {
	w := newWorld(t)
	owner := w.customer("ada@example.com")
	l := w.issue(owner.Customer.ID, w.product("Editor"))
	for _, route := range w.door.Routes() {
		method, path := address(route.Pattern, l.ID)
		if method != http.MethodPost {
			continue
		}
		answer := owner.post(path, "q", strings.Repeat("K", 1<<20))
		wantStatus(t, answer, http.StatusRequestEntityTooLarge)
		wantText(t, answer, "h1", "That did not work")
	}
}

func TestOddRequests(t *testing.T) {
	w := newWorld(t)
	owner := w.customer("ada@example.com")
	for _, tt := range []struct {
		name, method, path string
		status             int
		title              string
	}{
		{"an unknown page", "GET", "/nowhere", 404, "Not found"},
		{"an id that is none", "GET", "/licenses/42", 404, "Not found"},
		{"an id in another spelling", "GET", "/licenses/0193A0B0-0000-7000-8000-000000000000", 404, "Not found"},
		{"a license filter that is no id", "GET", "/activations?license=42", 404, "Not found"},
		{"a wrong method", "DELETE", "/licenses", 405, "That did not work"},
		{"a page posted to", "POST", "/licenses", 405, "That did not work"},
		{"an action fetched", "GET", "/logout", 405, "That did not work"},
		{"bytes that are no text", "GET", "/licenses?q=%ff", 400, "That did not work"},
		{"a zero byte", "GET", "/licenses?q=%00", 400, "That did not work"},
		{"the console", "GET", "/admin", 404, "Not found"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer := owner.do(owner.request(tt.method, tt.path, ""), "")
			wantStatus(t, answer, tt.status)
			wantText(t, answer, "h1", tt.title)
			if answer.find("main a.btn").Length() == 0 {
				t.Error("the page leads nowhere")
			}
			wantIn(t, answer, "main", "mention request")
		})
	}
	t.Run("another media type", func(t *testing.T) {
		r := owner.request("POST", "/licenses/search", `{"q":"x"}`)
		r.Header.Set("Content-Type", "application/json")
		wantStatus(t, owner.do(r, ""), http.StatusUnsupportedMediaType)
	})
}

// P-ISO-01, P-ISO-03, P-ACT-21: somebody else's record and none at all are the
// same, on every route, and who asks for the first is logged.
func TestOthersRecordsAreNotFound(t *testing.T) {
	w := newWorld(t)
	owner, other := w.customer("ada@example.com"), w.customer("eve@example.com")
	product := w.product("Editor")
	theirs, mine := w.issue(other.Customer.ID, product), w.issue(owner.Customer.ID, product)
	unassigned := w.issue("", product)
	device := w.activate(theirs, "Laptop")
	ticket, file := w.ticket(other)
	w.activate(mine, "Desktop")
	swap := w.replace(other, theirs, w.activate(theirs, "Gone"), "")
	exclusive := w.product("Exclusive")
	w.issue(other.Customer.ID, exclusive)
	records := map[string]id.ID{
		"/activations/": device.ID, "/swaps/": swap.ID, "/tickets/{id}": ticket, "/attachments/": file, "/downloads/": w.publish(exclusive, "1.0").Assets[0].ID,
		"/passkeys/": w.passkey(other), "/views/": w.view(other), "/invitations/": w.invitation(other), "/members/": other.person.ID,
	}
	before := other.get(theirs.path()).text("main")

	for _, pattern := range append(routesWithID(w), "GET /activations?license={id}", "GET /tickets/new?license={id}") {
		wanted := theirs.ID
		for part, of := range records {
			if strings.Contains(pattern, part) {
				wanted = of
			}
		}
		t.Run(pattern, func(t *testing.T) {
			ask := func(wanted id.ID, b *browser) *page {
				method, path := address(pattern, wanted)
				return b.do(b.request(method, path, ""), "")
			}
			nobodys, logged := ask(id.New(), owner.browser), len(w.log.String())
			foreign := ask(wanted, owner.browser)
			if seen := w.log.String()[logged:]; !strings.Contains(seen, "another customer's record was asked for") || !strings.Contains(seen, string(wanted)) {
				t.Errorf("the attempt is not logged: %s", seen)
			}
			if diff := cmp.Diff(withoutRequestID(nobodys), withoutRequestID(foreign)); diff != "" {
				t.Errorf("another customer's differs from none (-none +another's):\n%s", diff)
			}
			if pattern == "POST /views/{id}/delete" { // what is not there is deleted
				wantStatus(t, foreign, http.StatusSeeOther)
				return
			}
			wantStatus(t, foreign, http.StatusNotFound)
			wantStatus(t, ask(unassigned.ID, owner.browser), http.StatusNotFound)
			wantProblem(t, ask(wanted, owner.script()), http.StatusNotFound, "not_found")
		})
	}
	if diff := cmp.Diff(before, other.get(theirs.path()).text("main")); diff != "" {
		t.Errorf("the other customer's license changed:\n%s", diff)
	}
}

// passkey gives somebody a passkey that no authenticator has.
func (w *world) passkey(c customer) id.ID {
	w.t.Helper()
	k := account.Passkey{ID: id.New(), PersonID: c.person.ID, CredentialID: []byte("one"), PublicKey: []byte("key"), Name: "Phone", CreatedAt: w.now}
	w.write(func(ctx context.Context, tx *store.Tx) error { return tx.AddPasskey(ctx, k) })
	return k.ID
}

func (w *world) view(c customer) id.ID {
	w.t.Helper()
	v, err := w.identity.SaveView(w.t.Context(), c.actor(), account.View{List: "licenses", Name: "Mine", Query: "status=active"})
	must(w.t, err)
	return v.ID
}

func (w *world) invitation(c customer) id.ID {
	w.t.Helper()
	i, err := w.identity.InviteMember(w.t.Context(), c.actor(), identity.NewMember{Email: "guest@example.com", Role: account.Viewer})
	must(w.t, err)
	return i.ID
}

func routesWithID(w *world) []string {
	var patterns []string
	for _, route := range w.door.Routes() {
		if strings.Contains(route.Pattern, "{id}") {
			patterns = append(patterns, route.Pattern)
		}
	}
	return patterns
}

func withoutRequestID(p *page) string {
	return strings.ReplaceAll(p.body, p.header.Get("X-Request-Id"), "")
}

// P-ISO-01: what is another's does not show in lists, counts or searches.
func TestListsHoldOnlyMine(t *testing.T) {
	w := newWorld(t)
	owner, other := w.customer("ada@example.com"), w.customer("eve@example.com")
	theirs := w.issue(other.Customer.ID, w.product("Secret Project"), days(3))
	w.activate(theirs, "Foreign Device")
	for _, path := range []string{"/", "/licenses", "/activations", "/licenses?q=Secret", "/activations?q=foreign", "/licenses?q=" + theirs.key[:8]} {
		answer := owner.get(path)
		for _, word := range []string{"Secret Project", "Foreign Device", string(theirs.ID), id.Brief(theirs.Mask)} {
			if strings.Contains(answer.body, word) {
				t.Errorf("%s shows %q", path, word)
			}
		}
	}
	wantTo(t, owner.post("/licenses/search", "q", theirs.key), "/licenses?"+url.Values{"cut": {"1"}, "q": {cutOf(theirs.key)}}.Encode())
}

func cutOf(key string) string {
	short, _ := portal.CutSearch(key)
	return short
}

// A viewer looks, and changes and copies nothing.
func TestViewersOnlyLook(t *testing.T) {
	w := newWorld(t)
	owner := w.customer("ada@example.com")
	viewer := w.colleague(owner, "charles@example.com", account.Viewer)
	l := w.issue(owner.Customer.ID, w.product("Editor"))
	device := w.activate(l, "Laptop")

	wantNone(t, viewer.get("/licenses"), "[data-copy-url]")
	detail := viewer.get(l.path())
	wantNone(t, detail, "[data-copy-url], form[action$='/key'], a[href$='/deactivate']")
	wantIn(t, detail, "#key", "Your role does not include copying keys")
	wantIn(t, viewer.get("/activations"), "td .why-not", "Your role does not include deactivating devices")

	answer := viewer.post(l.path() + "/key")
	wantStatus(t, answer, http.StatusForbidden)
	wantText(t, answer, "h1", "Not allowed")
	wantProblem(t, viewer.script().post(l.path()+"/key"), http.StatusForbidden, "role_too_low")

	path := "/activations/" + string(device.ID) + "/deactivate"
	asked := viewer.get(path)
	wantStatus(t, asked, http.StatusOK)
	wantNone(t, asked, "form[action$='/deactivate']")
	wantStatus(t, viewer.post(path), http.StatusForbidden)
	wantText(t, owner.get("/activations"), "tbody .badge", "Active")
}

// C-SEC-10
func TestHTTPSIsRemembered(t *testing.T) {
	w := newWorldWith(t, options{deps: func(d *portal.Deps) { d.BaseURL = "https://portal.example" }})
	if got := w.browser().get("/login").header.Get("Strict-Transport-Security"); got == "" {
		t.Error("HSTS was not sent")
	}
}

// What is wrong inside stays inside, and the page says what to do.
func TestOurOwnFaults(t *testing.T) {
	w := newWorld(t)
	owner := w.customer("ada@example.com")
	must(t, w.store.Close())
	for _, path := range []string{"/", "/licenses", "/activations", "/login", "/reset?token=" + strings.Repeat("a", 43)} {
		answer := owner.get(path)
		wantStatus(t, answer, http.StatusInternalServerError)
		wantText(t, answer, "h1", "Something went wrong")
		wantIn(t, answer, "main", "mention request "+answer.header.Get("X-Request-Id"))
	}
	wantProblem(t, owner.script().get("/licenses"), http.StatusInternalServerError, "internal")
}

func TestInterruptedRequests(t *testing.T) {
	w := newWorld(t)
	owner := w.customer("ada@example.com")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	answer := owner.do(owner.request(http.MethodGet, "/licenses", "").WithContext(ctx), "")
	wantStatus(t, answer, http.StatusServiceUnavailable)
	wantText(t, answer, "h1", "Back in a moment")
}
