package portal

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/app/support"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/ticket"
	"github.com/keyward/keyward/internal/ui"
)

// ticketRoutes are there only where tickets are switched on (P-TIC-25).
func (d *Door) ticketRoutes() httpx.Routes {
	if !d.helpDesk() {
		return nil
	}
	return httpx.Routes{
		{Pattern: "GET /tickets.csv", Access: httpx.SignedIn, Handler: d.visiting(d.exportTickets)},
		{Pattern: "GET /tickets", Access: httpx.SignedIn, Handler: d.visiting(d.tickets)},
		{Pattern: "POST /tickets/search", Access: httpx.SignedIn, Handler: d.visiting(d.searchTickets)},
		{Pattern: "GET /tickets/new", Access: httpx.SignedIn, Handler: d.visiting(d.newTicket)},
		{Pattern: "POST /tickets/new", Access: httpx.SignedIn, Handler: d.visiting(d.openTicket)},
		{Pattern: "GET /tickets/{id}", Access: httpx.SignedIn, Handler: d.visiting(d.ticket)},
		{Pattern: "POST /tickets/{id}/reply", Access: httpx.SignedIn, Handler: d.visiting(d.replyToTicket)},
		{Pattern: "POST /tickets/{id}/solve", Access: httpx.SignedIn, Handler: d.visiting(d.solveTicket)},
		{Pattern: "POST /tickets/{id}/reopen", Access: httpx.SignedIn, Handler: d.visiting(d.reopenTicket)},
		{Pattern: "POST /tickets/{id}/rating", Access: httpx.SignedIn, Handler: d.visiting(d.rateTicket)},
		{Pattern: "GET /attachments/{id}", Access: httpx.SignedIn, Handler: d.visiting(d.attachment)},
	}
}

// helpDesk reports whether there are tickets.
func (d *Door) helpDesk() bool { return d.Support != nil && d.Support.On() }

// ticketsPage is the list of tickets.
type ticketsPage struct {
	ui.Page
	New     string // where a new one is written, if the reader may
	Search  searchForm
	Filter  ticketFilter
	Results ticketResults
	Legend  ui.Legend
}

// ticketFilter is the form with what no chip stands for.
type ticketFilter struct {
	Category     ui.Field
	Since, Until string
}

// ticketResults is the part of the page that searching replaces.
type ticketResults struct {
	Announce string
	Refine   []ui.Hidden // what the form beside keeps of the list, as it is now
	Chips    ui.Chips
	Fold     ui.Fold // of closed ones
	Sort     ui.Menu
	Export   *ui.Link // as a file
	Views    *ui.Menu // kept under a name
	Pills    ui.Pills
	Notices  []ui.Notice
	Rows     []ticketRow
	Pager    ui.Pager
	Empty    *ui.Empty
}

// ticketRow is one ticket in the list (P-TIC-01).
type ticketRow struct {
	Href, Name, Subject, Priority, Category string
	Urgent                                  bool
	Badge                                   ui.Badge
	Created, Updated                        ui.When
}

// ticketState is what the address of the list says.
type ticketState struct {
	search       string
	status       ticket.Status
	unknown      string
	category     string
	since, until string // days as typed, when they are days
	bad          string // a day that is none
	open         bool   // closed ones are folded away
	sort         ticket.Order
	place        place
	cut          bool
}

const dayForm = "2006-01-02"

func readTicketState(q url.Values) ticketState {
	s := ticketState{search: q.Get("q"), cut: q.Get("cut") != "", category: q.Get("category"), sort: ticket.Order(q.Get("sort"))}
	if !s.sort.Known() {
		s.sort = ticket.ByUpdated
	}
	switch status := ticket.Status(q.Get("status")); {
	case status == "" || status.Known():
		s.status = status
	default:
		s.unknown = ui.Shorten(string(status), 40)
	}
	if len(s.category) > 64 {
		s.category = ""
	}
	s.open = q.Get("ended") == "hide" && s.status != ticket.Closed
	s.since, s.until = s.dayOf(q.Get("since")), s.dayOf(q.Get("until"))
	s.place = readPlace(q.Get("after"), q.Get("before"), s.fingerprint())
	return s
}

func (s *ticketState) dayOf(text string) string {
	if text == "" {
		return ""
	}
	if _, err := time.Parse(dayForm, text); err != nil {
		s.bad = ui.Shorten(text, 40)
		return ""
	}
	return text
}

func (s ticketState) fingerprint() string {
	return fingerprint("tickets", s.search, string(s.status), s.category, s.since, s.until, string(s.sort), fmt.Sprint(s.open))
}

func (s ticketState) values() url.Values {
	v := url.Values{}
	for name, value := range map[string]string{
		"q": s.search, "status": string(s.status), "category": s.category, "since": s.since, "until": s.until,
	} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if s.cut {
		v.Set("cut", "1")
	}
	if s.open && s.status != ticket.Closed {
		v.Set("ended", "hide")
	}
	if s.sort != ticket.ByUpdated {
		v.Set("sort", string(s.sort))
	}
	return v
}

func (s ticketState) href() string { return address("/tickets", s.values()) }

// with returns the address of the list with one thing changed.
func (s ticketState) with(change func(*ticketState)) string {
	change(&s)
	return s.href()
}

// query is what the list is asked for, from its beginning. Days are read in the
// reader's zone; the last one is included.
func (s ticketState) query(zone *time.Location) support.ListQuery {
	q := support.ListQuery{Search: s.search, Status: s.status, Category: s.category, Open: s.open, Sort: s.sort}
	if t, err := time.ParseInLocation(dayForm, s.since, zone); err == nil {
		q.From = t
	}
	if t, err := time.ParseInLocation(dayForm, s.until, zone); err == nil {
		q.To = t.AddDate(0, 0, 1)
	}
	return q
}

func (d *Door) tickets(w http.ResponseWriter, r *http.Request, v *visit) error {
	s := readTicketState(r.URL.Query())
	if short, cut := cutSearch(s.search); cut {
		s.search, s.cut = short, true
		http.Redirect(w, r, s.href(), http.StatusSeeOther)
		return nil
	}
	q := s.query(v.zone)
	q.After, q.Before = s.place.after.Row, s.place.before.Row
	list, err := d.Support.List(r.Context(), v.actor, q)
	if err != nil {
		return err
	}
	if s.place.inside() && len(list.Rows) == 0 && list.Total > 0 {
		http.Redirect(w, r, s.href(), http.StatusSeeOther) // nothing is left at this place
		return nil
	}
	page := d.newTicketsPage(r, v, s, list)
	if page.Results.Views, err = d.viewsMenu(r, v, "tickets", s.values(), list.Owned > 0); err != nil {
		return err
	}
	return d.templates.Render(w, http.StatusOK, "tickets", page)
}

// searchTickets answers the search box. It is a POST so that no key that was
// typed into it stands in an address.
func (d *Door) searchTickets(w http.ResponseWriter, r *http.Request, _ *visit) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	s := readTicketState(r.PostForm)
	s.search, s.cut = cutSearch(s.search)
	http.Redirect(w, r, s.href(), http.StatusSeeOther)
	return nil
}

func (d *Door) newTicketsPage(r *http.Request, v *visit, s ticketState, list support.List) ticketsPage {
	p := d.page(r, v, "Tickets", "/tickets")
	p.Now = list.At
	page := ticketsPage{
		Page: p, Legend: ticketLegend(), Results: d.newTicketResults(p, v, s, list),
		Search: searchForm{
			Action: "/tickets/search", ResultsPath: "/tickets", Label: "Search tickets",
			Placeholder: "Search number, subject or message", Value: s.search, Hidden: hidden(s.values(), "q", "cut"),
		},
		Filter: ticketFilter{
			Since: s.since, Until: s.until,
			Category: ui.Field{Name: "category", Label: "Category", Value: s.category, Options: d.categoryOptions("All categories")},
		},
	}
	if v.signed.Role.MayManage() {
		page.New = "/tickets/new"
	}
	return page
}

func (d *Door) categoryOptions(first string) []ui.Option {
	options := []ui.Option{{Value: "", Label: first}}
	for _, c := range d.Support.Categories {
		options = append(options, ui.Option{Value: c.Code, Label: c.Label})
	}
	return options
}

func (d *Door) newTicketResults(p ui.Page, v *visit, s ticketState, list support.List) ticketResults {
	r := ticketResults{
		Announce: ui.Plural(list.Total, "ticket", "tickets") + " found",
		Chips: statusChips(ticket.Statuses(), list.Counts, s.status, ticketStatusWord, func(to ticket.Status) string {
			return s.with(func(s *ticketState) { s.status = to })
		}),
		Refine: hidden(s.values(), "category", "since", "until"), Fold: ticketFold(s, list), Sort: ticketSort(s),
		Pills: d.ticketPills(s), Notices: listNotices(s.cut, s.place.wrong),
	}
	r.Chips = foldedChips(r.Chips, list.Counts[ticket.Closed], s.open)
	for _, t := range list.Rows {
		r.Rows = append(r.Rows, d.newTicketRow(p, t))
	}
	if n := len(list.Rows); n > 0 {
		r.Pager = s.place.pager(shownPage{
			href: s.href(), fingerprint: s.fingerprint(), at: list.At, rows: n, total: list.Total,
			first: list.Rows[0].ID, last: list.Rows[n-1].ID, prior: list.HasPrior, further: list.HasNext,
		})
		r.Export = csvLink("/tickets.csv", s.values())
		return r
	}
	r.Empty = emptyTickets(v, s, list)
	return r
}

// ticketFold folds closed tickets away.
func ticketFold(s ticketState, list support.List) ui.Fold {
	if s.status != "" {
		return ui.Fold{}
	}
	return fold(list.Counts[ticket.Closed], s.open, "closed ticket", "closed tickets", s.with(func(s *ticketState) { s.open = !s.open }))
}

// ticketSort offers every order.
func ticketSort(s ticketState) ui.Menu {
	m := ui.Menu{Label: "Sort", Icon: "selector"}
	for _, o := range []struct {
		label string
		sort  ticket.Order
	}{{"Latest changes first", ticket.ByUpdated}, {"Needs attention first", ticket.ByNeed}, {"Longest unchanged first", ticket.ByAge}} {
		if s.sort == o.sort {
			m.Value = o.label
		}
		m.Items = append(m.Items, ui.Choice{Label: o.label, Current: s.sort == o.sort, Href: s.with(func(s *ticketState) { s.sort = o.sort })})
	}
	return m
}

func (d *Door) newTicketRow(p ui.Page, t ticket.Ticket) ticketRow {
	return ticketRow{
		Href: "/tickets/" + string(t.ID), Name: t.Name(), Subject: t.Subject, Priority: priorityWord(t.Priority),
		Urgent: t.Priority == ticket.High || t.Priority == ticket.Critical, Category: d.Support.CategoryLabel(t.Category),
		Badge: ticketBadge(t.Status), Created: p.Date(t.CreatedAt), Updated: p.Since(t.UpdatedAt),
	}
}

// ticketPills are the filters in force that have no chip.
func (d *Door) ticketPills(s ticketState) ui.Pills {
	var pills ui.Pills
	add := func(name, value string, change func(*ticketState)) {
		if value != "" {
			pills.Items = append(pills.Items, ui.Pill{Name: name, Value: value, Href: s.with(change)})
		}
	}
	add("Search", s.search, func(s *ticketState) { s.search, s.cut = "", false })
	if s.category != "" {
		add("Category", d.Support.CategoryLabel(s.category), func(s *ticketState) { s.category = "" })
	}
	add("Created from", s.since, func(s *ticketState) { s.since = "" })
	add("Created until", s.until, func(s *ticketState) { s.until = "" })
	add("Unknown status, ignored", s.unknown, func(*ticketState) {})
	add("No date, ignored", s.bad, func(*ticketState) {})
	pills.Clear = ticketState{sort: s.sort, open: s.open}.href()
	return pills
}

// emptyTickets tells "you never asked" from "nothing matches".
func emptyTickets(v *visit, s ticketState, list support.List) *ui.Empty {
	if list.Owned == 0 {
		e := &ui.Empty{Icon: "inbox", Title: "No tickets yet", Text: "When something does not work or you have a question, write to support here. The answers arrive here and by mail."}
		if v.signed.Role.MayManage() {
			e.Actions = []ui.Link{{Label: "New ticket", Href: "/tickets/new", Icon: "plus", Primary: true}}
		}
		return e
	}
	if show := ticketFold(s, list); s.open && s.href() == (ticketState{sort: s.sort, open: true}).href() {
		return &ui.Empty{Icon: "inbox", Title: "No open tickets", Text: "All your tickets are closed.", Actions: []ui.Link{{Label: show.Label, Href: show.Href}}}
	}
	text := "Nothing matches these filters."
	if s.search != "" {
		text = "Nothing matches “" + s.search + "”. Check the spelling, or try the ticket's number."
	}
	return &ui.Empty{Icon: "search", Title: "No matching tickets", Text: text, Actions: []ui.Link{{Label: "Show all tickets", Href: "/tickets"}}}
}

// ticketStatusWord is how customers read a state (P-TIC-03).
func ticketStatusWord(s ticket.Status) string {
	switch s {
	case ticket.InProgress:
		return "In Progress"
	case ticket.Waiting:
		return "Waiting for You"
	case ticket.Resolved:
		return "Resolved"
	case ticket.Closed:
		return "Closed"
	}
	return "Open"
}

func ticketBadge(s ticket.Status) ui.Badge { return ui.NewBadge(string(s), ticketStatusWord(s)) }

func ticketLegend() ui.Legend {
	meaning := map[ticket.Status]string{
		ticket.Open:       "We have it and will look at it.",
		ticket.InProgress: "Somebody is working on it.",
		ticket.Waiting:    "We answered and need something from you to go on.",
		ticket.Resolved:   "It should be solved. It closes by itself after 7 days without a reply.",
		ticket.Closed:     "It is done. It can be reopened within 30 days.",
	}
	legend := ui.Legend{Title: "What the states mean"}
	for _, s := range ticket.Statuses() {
		legend.Items = append(legend.Items, ui.LegendItem{Badge: ticketBadge(s), Text: meaning[s]})
	}
	return legend
}

func priorityWord(p ticket.Priority) string {
	if p == "" {
		return ""
	}
	return strings.ToUpper(string(p[:1])) + string(p[1:])
}
