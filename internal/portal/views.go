package portal

import (
	"net/http"
	"net/url"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/ui"
)

func (d *Door) viewRoutes() httpx.Routes {
	return httpx.Routes{
		{Pattern: "GET /views", Access: httpx.SignedIn, Handler: d.visiting(d.views)},
		{Pattern: "POST /views", Access: httpx.SignedIn, Handler: d.visiting(d.saveView)},
		{Pattern: "POST /views/{id}", Access: httpx.SignedIn, Handler: d.visiting(d.renameView)},
		{Pattern: "POST /views/{id}/delete", Access: httpx.SignedIn, Handler: d.visiting(d.deleteView)},
	}
}

// viewedList is a list that can be kept. tidy leaves of an address what the
// list understands.
type viewedList struct {
	title, path string
	tidy        func(url.Values) (url.Values, error)
}

// viewedLists are the lists that can be kept, by the name they are kept under.
func (d *Door) viewedLists() map[string]viewedList {
	lists := map[string]viewedList{
		"licenses": {"My Licenses", "/licenses", func(q url.Values) (url.Values, error) {
			return readExport(q).values(), nil
		}},
		"activations": {"Activations", "/activations", func(q url.Values) (url.Values, error) {
			s, err := readDeviceState(q)
			s.search, _ = cutSearch(s.search)
			return s.values(), err
		}},
		"downloads": {"Downloads", "/downloads", func(q url.Values) (url.Values, error) {
			s, err := readDownloadState(q)
			s.search, _ = cutSearch(s.search)
			return s.values(), err
		}},
	}
	if d.helpDesk() {
		lists["tickets"] = viewedList{"Tickets", "/tickets", func(q url.Values) (url.Values, error) {
			s := readTicketState(q)
			s.search, _ = cutSearch(s.search)
			return s.values(), nil
		}}
	}
	return lists
}

// query is an address of the list as it is kept and compared.
func (l viewedList) query(text string) (string, error) {
	q, err := url.ParseQuery(text)
	if err != nil {
		return "", fault.New(fault.Invalid, "invalid_input", "This is no address of a list.")
	}
	v, err := l.tidy(q)
	v.Del("cut")
	return v.Encode(), err
}

func (l viewedList) href(query string) string {
	if query == "" {
		return l.path
	}
	return l.path + "?" + query
}

// viewsMenu leads to the views that the reader keeps of a list, and to where
// this one can be kept. A list that holds nothing at all has none.
func (d *Door) viewsMenu(r *http.Request, v *visit, list string, state url.Values, any bool) (*ui.Menu, error) {
	if !any {
		return nil, nil
	}
	kept, err := d.Identity.Views(r.Context(), v.actor, list)
	if err != nil {
		return nil, err
	}
	state.Del("cut")
	query, l := state.Encode(), d.viewedLists()[list]
	m := &ui.Menu{Label: "View", Value: "Views", Icon: "filter"}
	for _, view := range kept {
		current := view.Query == query
		if current {
			m.Value = ui.Shorten(view.Name, 24)
		}
		m.Items = append(m.Items, ui.Choice{Label: view.Name, Href: l.href(view.Query), Current: current})
	}
	if m.Value == "Views" {
		m.Label = ""
	}
	address := "/views?" + url.Values{"list": {list}, "query": {query}}.Encode()
	m.Items = append(m.Items, ui.Choice{Label: "Save this view…", Href: address})
	if len(kept) > 0 {
		m.Items = append(m.Items, ui.Choice{Label: "Manage views…", Href: address + "#kept"})
	}
	return m, nil
}

// viewsPage keeps a list under a name and arranges those that are kept.
type viewsPage struct {
	ui.Page
	Problems    ui.Problems
	List, Query string
	Name        ui.Field
	Back        string
	Kept        []keptView
}

// keptView is a view that can be renamed or deleted.
type keptView struct {
	Href, Action, Title string
	Name                ui.Field
}

func (d *Door) views(w http.ResponseWriter, r *http.Request, v *visit) error {
	q := r.URL.Query()
	page, err := d.newViewsPage(r, v, q.Get("list"), q.Get("query"))
	if err != nil {
		return err
	}
	page.Flash = viewsFlash(q.Get("done"))
	return d.templates.Render(w, http.StatusOK, "views", page)
}

func viewsFlash(done string) []ui.Flash {
	text := map[string]string{"renamed": "The view has its new name.", "deleted": "The view is deleted."}[done]
	if text == "" {
		return nil
	}
	return []ui.Flash{{Tone: ui.ToneGood, Text: text}}
}

func (d *Door) newViewsPage(r *http.Request, v *visit, list, text string) (viewsPage, error) {
	l, known := d.viewedLists()[list]
	if !known {
		return viewsPage{}, fault.Missing("list")
	}
	query, err := l.query(text)
	if err != nil {
		return viewsPage{}, err
	}
	kept, err := d.Identity.Views(r.Context(), v.actor, list)
	if err != nil {
		return viewsPage{}, err
	}
	p := d.page(r, v, "Saved views", l.path)
	p.Path = "/views?" + url.Values{"list": {list}, "query": {query}}.Encode()
	p.Crumbs = []ui.Link{{Label: l.title, Href: l.path}, {Label: p.Title}}
	page := viewsPage{Page: p, List: list, Query: query, Back: l.href(query), Name: viewName("name", "", "Name of this view")}
	page.Name.Hint = "Such as “Ending this month”. It keeps the search, the filters and the order, for you alone."
	for _, view := range kept {
		page.Kept = append(page.Kept, keptView{
			Href: l.href(view.Query), Action: "/views/" + string(view.ID), Title: view.Name,
			Name: viewName("name-"+string(view.ID), view.Name, "Name"),
		})
	}
	return page, nil
}

func viewName(id, value, label string) ui.Field {
	return ui.Field{Name: "name", ID: id, Label: label, Value: value, Required: true, MaxLength: account.MaxViewName, Autocomplete: "off"}
}

// saveView keeps a list and leads back to it.
func (d *Door) saveView(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	list, name := r.PostForm.Get("list"), r.PostForm.Get("name")
	page, err := d.newViewsPage(r, v, list, r.PostForm.Get("query"))
	if err != nil {
		return err
	}
	_, err = d.Identity.SaveView(r.Context(), v.actor, account.View{List: list, Name: name, Query: page.Query})
	if refusedView(err) {
		page.Problems, page.Name.Error = problemsOf(fault.From(err)), fieldMessage(fault.From(err), "name")
		page.Name.Value = ui.Shorten(name, 2*account.MaxViewName)
		return d.templates.Render(w, httpx.StatusOf(fault.From(err)), "views", page)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, page.Back, http.StatusSeeOther)
	return nil
}

func refusedView(err error) bool {
	return fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict)
}

func (d *Door) renameView(w http.ResponseWriter, r *http.Request, v *visit) error {
	wanted, err := pathID(r, "view")
	if err != nil {
		return err
	}
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	name := r.PostForm.Get("name")
	view, err := d.Identity.RenameView(r.Context(), v.actor, wanted, name)
	if refusedView(err) {
		return d.refuseRename(w, r, v, view, name, fault.From(err))
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, viewsAddress(view, "renamed"), http.StatusSeeOther)
	return nil
}

// refuseRename shows the form again with what was typed.
func (d *Door) refuseRename(w http.ResponseWriter, r *http.Request, v *visit, view account.View, name string, f *fault.Error) error {
	page, err := d.newViewsPage(r, v, view.List, view.Query)
	if err != nil {
		return err
	}
	for i := range page.Kept {
		if field := &page.Kept[i].Name; field.ID == "name-"+string(view.ID) {
			field.Value, field.Error = ui.Shorten(name, 2*account.MaxViewName), fieldMessage(f, "name")
			page.Problems = ui.Problems{Fields: []ui.Problem{{For: field.ID, Message: field.Error}}}
		}
	}
	return d.templates.Render(w, httpx.StatusOf(f), "views", page)
}

func (d *Door) deleteView(w http.ResponseWriter, r *http.Request, v *visit) error {
	wanted, err := pathID(r, "view")
	if err != nil {
		return err
	}
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	view, err := d.Identity.DeleteView(r.Context(), v.actor, wanted)
	if err != nil {
		return err
	}
	if view.List == "" { // gone already
		view.List = r.PostForm.Get("list")
	}
	http.Redirect(w, r, viewsAddress(view, "deleted"), http.StatusSeeOther)
	return nil
}

func viewsAddress(v account.View, done string) string {
	return "/views?" + url.Values{"list": {v.List}, "query": {v.Query}, "done": {done}}.Encode()
}
