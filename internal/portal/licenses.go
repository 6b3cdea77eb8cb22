package portal

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/ui"
)

// licensesPage is My Licenses.
type licensesPage struct {
	ui.Page
	Warning *ui.Notice // the most urgent license
	Search  searchForm
	Results licenseResults
	Legend  ui.Legend
}

// searchForm is the search box of a list; its hidden fields keep the rest of
// the list's state.
type searchForm struct {
	Action, ResultsPath, Label, Placeholder, Value string
	Hidden                                         []ui.Hidden
}

// licenseResults is the part of the page that searching replaces.
type licenseResults struct {
	Announce string
	Chips    ui.Chips
	Fold     ui.Fold // of expired and revoked ones
	Sort     ui.Menu
	Export   *ui.Menu // as a file
	Views    *ui.Menu // kept under a name
	Pills    ui.Pills
	Notices  []ui.Notice
	Product  ui.Sort
	Status   ui.Sort
	Expires  ui.Sort
	Rows     []licenseRow
	Pager    ui.Pager
	Empty    *ui.Empty
}

// licenseRow is one license in the list.
type licenseRow struct {
	Href, Product, Plan, Versions, Environment string
	Features                                   string // "3 of 5 features", where there are any
	Mask, Ending                               string
	Copy                                       ui.Copy
	Badge                                      ui.Badge
	Usage                                      ui.Usage
	Expiry                                     expiry
}

// listState is what the address of the list says.
type listState struct {
	search  string
	status  license.Status
	unknown string // a status that does not exist
	within  time.Duration
	living  bool // ended ones are folded away
	sort    license.Order
	desc    bool
	place   place
	cut     bool
}

func readListState(q url.Values) listState {
	s := listState{search: q.Get("q"), sort: license.Order(q.Get("sort")), cut: q.Get("cut") != ""}
	if !s.sort.Known() {
		s.sort = license.ByAssigned
	}
	s.desc = q.Get("dir") == "desc" || q.Get("dir") == "" && s.sort == license.ByAssigned
	switch status := license.Status(q.Get("status")); {
	case status == "":
	case status.Known() && status != license.Available:
		s.status = status
	default:
		s.unknown = ui.Shorten(string(status), 40)
	}
	if q.Get("within") == "30d" {
		s.within = licensing.ExpiringWindow
	}
	s.living = q.Get("ended") == "hide" && !s.status.Ended()
	s.place = readPlace(q.Get("after"), q.Get("before"), s.fingerprint())
	return s
}

func (s listState) fingerprint() string {
	return fingerprint("licenses", s.search, string(s.status), s.within.String(), string(s.sort), fmt.Sprint(s.desc, s.living))
}

// values are the state as an address has it: without what is the default, and
// without the place, since changing a filter starts at the beginning.
func (s listState) values() url.Values {
	v := url.Values{}
	set := func(name, value string, is bool) {
		if is {
			v.Set(name, value)
		}
	}
	set("q", s.search, s.search != "")
	set("cut", "1", s.cut)
	set("status", string(s.status), s.status != "")
	set("within", "30d", s.within > 0)
	set("ended", "hide", s.living && !s.status.Ended())
	set("sort", string(s.sort), s.sort != license.ByAssigned)
	set("dir", direction(s.desc), s.desc != (s.sort == license.ByAssigned))
	return v
}

// query is what the list is asked for, from its beginning.
func (s listState) query() licensing.ListQuery {
	return licensing.ListQuery{Search: s.search, Status: s.status, Within: s.within, Living: s.living, Sort: s.sort, Desc: s.desc}
}

func direction(desc bool) string {
	if desc {
		return "desc"
	}
	return "asc"
}

func (s listState) href() string { return address("/licenses", s.values()) }

func address(path string, v url.Values) string {
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}

// with returns the address of the list with one thing changed.
func (s listState) with(change func(*listState)) string {
	change(&s)
	return s.href()
}

func (d *Door) licenses(w http.ResponseWriter, r *http.Request, v *visit) error {
	s := readListState(r.URL.Query())
	if short, cut := cutSearch(s.search); cut {
		s.search, s.cut = short, true
		http.Redirect(w, r, s.href(), http.StatusSeeOther)
		return nil
	}
	q := s.query()
	q.After, q.Before, q.At = s.place.after.Row, s.place.before.Row, s.place.instant(v.now)
	list, err := d.Licensing.List(r.Context(), v.actor, q)
	if err != nil {
		return err
	}
	if s.place.inside() && len(list.Rows) == 0 && list.Total > 0 {
		http.Redirect(w, r, s.href(), http.StatusSeeOther) // nothing is left at this place
		return nil
	}
	page := d.newLicensesPage(r, v, s, list)
	if page.Results.Views, err = d.viewsMenu(r, v, "licenses", s.values(), list.Owned > 0); err != nil {
		return err
	}
	return d.templates.Render(w, http.StatusOK, "licenses", page)
}

func (d *Door) newLicensesPage(r *http.Request, v *visit, s listState, list licensing.List) licensesPage {
	p := d.page(r, v, "My Licenses", "/licenses")
	p.Now = list.At
	return licensesPage{
		Page: p, Warning: d.urgentNotice(p, list.Urgent, list.Soon), Legend: statusLegend(),
		Search: searchForm{
			Action: "/licenses/search", ResultsPath: "/licenses", Label: "Search licenses",
			Placeholder: "Search product or key", Value: s.search, Hidden: hidden(s.values(), "q", "cut"),
		},
		Results: newLicenseResults(p, v, s, list),
	}
}

func hidden(v url.Values, without ...string) []ui.Hidden {
	for _, name := range without {
		v.Del(name)
	}
	var fields []ui.Hidden
	for _, name := range []string{"q", "status", "channel", "product", "license", "category", "since", "until", "within", "ended", "sort", "dir"} {
		if value := v.Get(name); value != "" {
			fields = append(fields, ui.Hidden{Name: name, Value: value})
		}
	}
	return fields
}

// urgentNotice names the license that ends first and leads to where it can be
// renewed (P-LIC-07).
func (d *Door) urgentNotice(p ui.Page, u *licensing.Urgent, soon int) *ui.Notice {
	if u == nil {
		return nil
	}
	l := u.License
	n := &ui.Notice{
		Tone:   ui.ToneWarn,
		Title:  fmt.Sprintf("%s expires in %s.", u.ProductName, timeLeft(l.EndsAt(), p.Now)),
		Text:   urgentText(p, u, soon),
		Action: &ui.Link{Label: "View license", Href: "/licenses/" + string(l.ID)},
	}
	if u.RenewalURL != "" {
		n.Action = &ui.Link{Label: "Renew license", Href: u.RenewalURL, Icon: "external"}
	}
	return n
}

func urgentText(p ui.Page, u *licensing.Urgent, soon int) string {
	day := ui.Day(u.License.EndsAt().Add(-time.Microsecond), p.Zone) // the last day on which it works
	if u.License.EndsAt().Sub(p.Now) < 24*time.Hour {
		day = p.Exact(u.License.EndsAt()) // P-NAV-07
	}
	text := "Renew it by " + day + "."
	if u.Used > 0 {
		text = "Renew it by " + day + " to keep its " + ui.Plural(u.Used, "activated device", "activated devices") + " running."
	}
	if soon > 1 {
		text += " " + ui.Plural(soon-1, "other license expires", "other licenses expire") + " within 7 days."
	}
	return text
}

func newLicenseResults(p ui.Page, v *visit, s listState, list licensing.List) licenseResults {
	r := licenseResults{
		Announce: ui.Plural(list.Total, "license", "licenses") + " found",
		Chips: statusChips(license.OwnedStatuses(), list.Counts, s.status, statusWord, func(to license.Status) string {
			return s.with(func(s *listState) { s.status = to })
		}), Sort: sortMenu(s), Fold: licenseFold(s, list.Ended), Pills: licensePills(s),
		Product: sortColumn(s, "Product", license.ByProduct), Status: sortColumn(s, "Status", license.ByStatus),
		Expires: sortColumn(s, "Expires", license.ByExpiry),
		Notices: listNotices(s.cut, s.place.wrong),
	}
	r.Chips = foldedChips(r.Chips, list.Ended, s.living)
	for _, o := range list.Rows {
		r.Rows = append(r.Rows, newLicenseRow(p, v, o))
	}
	if len(list.Rows) == 0 {
		r.Empty = emptyLicenses(v, s, list)
		return r
	}
	r.Pager, r.Export = licensePager(s, list), licenseExport(v, s)
	return r
}

// licenseFold folds ended licenses away. A list of ended ones alone has no use
// for it.
func licenseFold(s listState, ended int) ui.Fold {
	if s.status != "" {
		return ui.Fold{}
	}
	return fold(ended, s.living, "ended license", "ended licenses", s.with(func(s *listState) { s.living = !s.living }))
}

func newLicenseRow(p ui.Page, v *visit, o license.Owned) licenseRow {
	l := o.License
	ending := keyEnding(l.Mask)
	row := licenseRow{
		Href: "/licenses/" + string(l.ID), Product: o.ProductName, Plan: l.Plan,
		Versions: versionWords(l, p.Zone), Environment: environmentWord(l.Environment),
		Features: includedWords(l), Mask: id.Brief(l.Mask), Ending: ending,
		Badge:  ui.NewBadge(string(l.Status(p.Now)), statusWord(l.Status(p.Now))),
		Usage:  usageOf(l, o.Used, o.Reserved, p.Now),
		Expiry: expiryOf(p, l),
	}
	if v.signed.Role.MayManage() {
		row.Copy = ui.Copy{URL: row.Href + "/key", Label: "Copy key for " + o.ProductName + ", ending " + ending}
	}
	return row
}

// keyEnding is the last part of a masked key that can be read, for reading
// aloud. A check character at the very end is hidden and left out.
func keyEnding(mask string) string {
	mask = strings.TrimRight(mask, "•-")
	if i := strings.LastIndexAny(mask, "•-"); i >= 0 {
		_, size := utf8.DecodeRuneInString(mask[i:])
		return mask[i+size:]
	}
	return mask
}

// sortMenu offers every order; phones have no column heads.
func sortMenu(s listState) ui.Menu {
	m := ui.Menu{Label: "Sort", Icon: "selector"}
	for _, o := range []struct {
		label string
		sort  license.Order
		desc  bool
	}{
		{"Newest first", license.ByAssigned, true},
		{"Needs attention first", license.ByNeed, false},
		{"Oldest first", license.ByAssigned, false},
		{"Product A to Z", license.ByProduct, false},
		{"Status", license.ByStatus, false},
		{"Expires soonest", license.ByExpiry, false},
		{"Expires latest", license.ByExpiry, true},
	} {
		current := s.sort == o.sort && s.desc == o.desc
		if current {
			m.Value = o.label
		}
		m.Items = append(m.Items, ui.Choice{
			Label: o.label, Current: current,
			Href: s.with(func(s *listState) { s.sort, s.desc = o.sort, o.desc }),
		})
	}
	if m.Value == "" {
		m.Value = "By column"
	}
	return m
}

func sortColumn(s listState, label string, by license.Order) ui.Sort {
	col := ui.Sort{Label: label, Href: s.with(func(s *listState) { s.sort, s.desc = by, false })}
	if s.sort != by {
		return col
	}
	col.Direction = "ascending"
	if s.desc {
		col.Direction = "descending"
	}
	col.Href = s.with(func(s *listState) { s.desc = !s.desc })
	return col
}

// licensePills are filters that have no chip: each can be taken away.
func licensePills(s listState) ui.Pills {
	var pills ui.Pills
	if s.search != "" {
		pills.Items = append(pills.Items, ui.Pill{Name: "Search", Value: s.search,
			Href: s.with(func(s *listState) { s.search, s.cut = "", false })})
	}
	if s.within > 0 {
		pills.Items = append(pills.Items, ui.Pill{Name: "Expires", Value: "within 30 days",
			Href: s.with(func(s *listState) { s.within = 0 })})
	}
	if s.unknown != "" {
		pills.Items = append(pills.Items, ui.Pill{Name: "Unknown status, ignored", Value: s.unknown, Href: s.href()})
	}
	pills.Clear = listState{sort: s.sort, desc: s.desc, living: s.living}.href()
	return pills
}

func licensePager(s listState, list licensing.List) ui.Pager {
	n := len(list.Rows)
	return s.place.pager(shownPage{
		href: s.href(), fingerprint: s.fingerprint(), at: list.At, rows: n, total: list.Total,
		first: list.Rows[0].License.ID, last: list.Rows[n-1].License.ID, prior: list.HasPrior, further: list.HasNext,
	})
}

// emptyLicenses tells "you own nothing" from "nothing matches" (P-LIC-14).
func emptyLicenses(v *visit, s listState, list licensing.List) *ui.Empty {
	if list.Owned == 0 {
		return &ui.Empty{
			Icon: "key", Title: "No licenses yet",
			Text: "No license is assigned to " + v.signed.Person.Email + ". If you bought one, check that the purchase went through and which e-mail address it was made with.",
		}
	}
	if s.living && s.search == "" && s.status == "" && s.within == 0 {
		show := licenseFold(s, list.Ended)
		return &ui.Empty{
			Icon: "key", Title: "No license is in force", Text: "All your licenses have expired or were revoked.",
			Actions: []ui.Link{{Label: show.Label, Href: show.Href}},
		}
	}
	text := "Nothing matches these filters."
	if s.search != "" {
		text = "Nothing matches “" + s.search + "”. Check the spelling, or try a part of the key or of the product's name."
	}
	return &ui.Empty{
		Icon: "search", Title: "No matching licenses", Text: text,
		Actions: []ui.Link{{Label: "Show all licenses", Href: "/licenses"}},
	}
}

// searchLicenses answers the search box: a whole key jumps to its license, a
// fragment goes to the list. It is a POST so that no key stands in an address,
// a log or the browser's history.
func (d *Door) searchLicenses(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	s := readListState(r.PostForm)
	found, err := d.Licensing.Jump(r.Context(), v.actor, s.search)
	if err != nil {
		return err
	}
	if found != "" {
		http.Redirect(w, r, "/licenses/"+string(found), http.StatusSeeOther)
		return nil
	}
	s.search, s.cut = cutSearch(s.search)
	http.Redirect(w, r, s.href(), http.StatusSeeOther)
	return nil
}
