package portal_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
)

// viewLinks are the names of the reader's views with where they lead.
func viewLinks(p *page) map[string]string {
	p.t.Helper()
	links := map[string]string{}
	for i, name := range p.texts("#kept .view-row > a") {
		links[name] = p.attrs("#kept .view-row > a", "href")[i]
	}
	return links
}

// saveFrom saves what a list shows, by its own menu and form.
func saveFrom(b customer, path, name string) *page {
	b.w.t.Helper()
	asked := b.get(b.get(path).attr(".menu a[href^='/views?']:contains('Save')", "href"))
	wantStatus(b.w.t, asked, http.StatusOK)
	return b.post(asked.attr("form[action='/views']", "action"), "name", name,
		"list", asked.attr("input[name=list]", "value"), "query", asked.attr("input[name=query]", "value"))
}

// A list is kept as it is narrowed and ordered, without its place (P-LIC-12).
func TestSavingViews(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	s := w.allStates(ada)
	saved := saveFrom(ada, "/licenses?q=edi&sort=attention&ended=hide&after=nowhere&x=y", " Mine  now ")
	wantTo(t, saved, "/licenses?ended=hide&q=edi&sort=attention")
	list := ada.get(saved.location())
	wantIn(t, list, ".menu-button summary", "View: Mine now")
	wantListed(t, list, s.suspended, s.active, s.assigned)
	menu := ada.get("/licenses")
	wantListed(t, ada.get(menu.attr(".menu a:contains('Mine now')", "href")), s.suspended, s.active, s.assigned)
	wantTo(t, saveFrom(ada, "/activations?status=active&license="+string(s.active.ID), "Of one license"), "/activations?license="+string(s.active.ID)+"&status=active")
	wantNone(t, ada.get("/licenses"), ".menu a:contains('Of one license')")

	t.Run("twice is once", func(t *testing.T) {
		saveFrom(ada, "/licenses?q=edi&sort=attention&ended=hide", "Mine now")
		if got := ada.get("/views?list=licenses").find("#kept li").Length(); got != 1 {
			t.Errorf("%d views are kept", got)
		}
	})
	t.Run("no view of an empty account", func(t *testing.T) {
		wantNone(t, w.customer("new@example.com").get("/licenses"), ".menu a[href^='/views']")
	})
	t.Run("never a whole key", func(t *testing.T) {
		query := url.Values{"q": {s.active.key}}.Encode()
		asked := ada.get("/views?" + url.Values{"list": {"licenses"}, "query": {query}}.Encode())
		wantStatus(t, asked, http.StatusOK)
		wantTo(t, ada.post("/views", "list", "licenses", "query", query, "name", "Key"), "/licenses?"+url.Values{"q": {cutOf(s.active.key)}}.Encode())
		actor := account.Actor{Kind: account.ActorPerson, ID: ada.person.ID, CustomerID: ada.Customer.ID}
		if _, err := w.identity.SaveView(t.Context(), actor, account.View{List: "licenses", Name: "All of it", Query: query}); err == nil {
			t.Error("a whole key was kept")
		}
	})
}

func TestViewsThatAreRefused(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	w.activate(w.issue(ada.Customer.ID, w.product("Editor")), "Laptop")
	saveFrom(ada, "/licenses?status=active", "First")
	for name, says := range map[string]string{
		"  ":                    "Enter a name.",
		strings.Repeat("n", 61): "Shorten it: it has at most 60 characters.",
		"First":                 "Choose another name.",
	} {
		answer := saveFrom(ada, "/licenses?status=assigned", name)
		if answer.status != http.StatusBadRequest && answer.status != http.StatusConflict {
			t.Errorf("%q: answered %d", name, answer.status)
		}
		wantIn(t, answer, "#name-error", says)
		wantIn(t, answer, ".problems", says)
		if got := answer.attr("#name", "value"); got != name {
			t.Errorf("the form came back with %q", got)
		}
		if got := answer.attr("input[name=query]", "value"); got != "status=assigned" {
			t.Errorf("the form came back for %q", got)
		}
	}
	for i := range 19 {
		saveFrom(ada, "/licenses?status=active", fmt.Sprint("View ", i))
	}
	wantIn(t, saveFrom(ada, "/licenses", "One more"), ".problems", "20 views")
	wantTo(t, saveFrom(ada, "/activations", "Another list"), "/activations")
	wantStatus(t, ada.get("/views?list=tables"), http.StatusNotFound)
	wantStatus(t, ada.get("/views?list=licenses&query=%25zz"), http.StatusBadRequest)
}

func TestArrangingViews(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	w.issue(ada.Customer.ID, w.product("Editor"))
	saveFrom(ada, "/licenses?status=active", "First")
	saveFrom(ada, "/licenses?sort=expiry", "Second")
	kept := ada.get(ada.get("/licenses").attr(".menu a:contains('Manage')", "href"))
	first := kept.attr(".view-row form", "action")
	renamed := ada.follow(first, "name", "Running")
	wantText(t, renamed, ".flash", "The view has its new name.")
	if diff := cmp.Diff(map[string]string{"Running": "/licenses?status=active", "Second": "/licenses?sort=expiry"}, viewLinks(renamed)); diff != "" {
		t.Errorf("views (-want +got):\n%s", diff)
	}
	taken := ada.post(first, "name", "Second")
	wantStatus(t, taken, http.StatusConflict)
	wantIn(t, taken, ".view-row .error", "Choose another name.")
	wantStatus(t, ada.post(first, "name", ""), http.StatusBadRequest)
	wantTo(t, ada.post(first, "name", "Running"), "/views?done=renamed&list=licenses&query=status%3Dactive")
	deleted := ada.follow(first + "/delete")
	wantText(t, deleted, ".flash", "The view is deleted.")
	wantText(t, ada.follow(first+"/delete", "list", "licenses"), ".flash", "The view is deleted.") // a second click
	if diff := cmp.Diff(map[string]string{"Second": "/licenses?sort=expiry"}, viewLinks(deleted)); diff != "" {
		t.Errorf("views (-want +got):\n%s", diff)
	}
}

// P-ISO-01: views are of one person in one customer, colleagues' included.
func TestViewsAreMineAlone(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	w.issue(ada.Customer.ID, w.product("Editor"))
	viewer := w.colleague(ada, "charles@example.com", account.Viewer)
	eve := w.customer("eve@example.com")
	w.issue(eve.Customer.ID, w.product("Other"))
	saveFrom(ada, "/licenses?status=active", "Private plans")
	wantTo(t, saveFrom(viewer, "/licenses?status=active", "My own"), "/licenses?status=active") // looking is a viewer's too
	action := ada.get("/views?list=licenses").attr(".view-row form", "action")
	for _, other := range []customer{viewer, eve} {
		for _, path := range []string{"/licenses", "/views?list=licenses"} {
			if strings.Contains(other.get(path).body, "Private plans") {
				t.Errorf("%s shows another's view", path)
			}
		}
		wantStatus(t, other.post(action, "name", "Stolen"), http.StatusNotFound)
		w.wantLogged("view", strings.TrimPrefix(action, "/views/"))      // P-ISO-03
		wantStatus(t, other.post(action+"/delete"), http.StatusSeeOther) // as for none; the view stays
	}
	wantStatus(t, ada.post("/views/"+string(id.New()), "name", "Lost"), http.StatusNotFound)
	wantIn(t, ada.get("/views?list=licenses"), "#kept", "Private plans")
}

// Shortcuts are listed where they are, and lead where the menu does.
func TestShortcutsAreListed(t *testing.T) {
	home := newWorld(t).customer("ada@example.com").get("/")
	wantIn(t, home, "#shortcuts", "Go to My Licenses g then l")
	if got := home.attr("#nav a[data-key=l]", "href"); got != "/licenses" {
		t.Errorf("g l leads to %q", got)
	}
	wantNone(t, home, "[data-shortcuts]:not([hidden])")
}
