package portal

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/ui"
)

// dashboardPage is the customer's overview.
type dashboardPage struct {
	ui.Page
	Greeting string
	Warning  *ui.Notice
	Figures  []ui.KPI
	Actions  []ui.Link
	Latest   []latestRow
	Recent   []ui.TimelineItem
	Empty    *ui.Empty
}

// latestRow is one of the latest licenses.
type latestRow struct {
	Href, Product, Plan, Environment, Mask, Ending string
	Badge                                          ui.Badge
	Added                                          ui.When
}

func (d *Door) dashboard(w http.ResponseWriter, r *http.Request, v *visit) error {
	b, err := d.Licensing.Dashboard(r.Context(), v.actor)
	if err != nil {
		return err
	}
	downloads, err := d.Delivery.Count(r.Context(), v.actor)
	if err != nil {
		return err
	}
	p := d.page(r, v, "Dashboard", "/")
	p.Now = b.At
	page := dashboardPage{
		Page: p, Greeting: v.signed.Customer.Name, Warning: d.urgentNotice(p, b.Urgent, 0),
		Figures: figures(b), Actions: []ui.Link{
			{Label: "View all licenses", Href: "/licenses", Icon: "key", Primary: true},
			{Label: "Manage activations", Href: "/activations", Icon: "device"},
			downloadsAction(downloads),
		},
	}
	for _, o := range b.Latest {
		l := o.License
		page.Latest = append(page.Latest, latestRow{
			Href: "/licenses/" + string(l.ID), Product: o.ProductName, Plan: l.Plan, Environment: environmentWord(l.Environment),
			Mask: id.Brief(l.Mask), Ending: keyEnding(l.Mask), Added: p.Date(l.AssignedAt),
			Badge: ui.NewBadge(string(l.Status(p.Now)), statusWord(l.Status(p.Now))),
		})
	}
	page.Recent = recentActivity(p, b)
	if b.Total == 0 {
		page.Empty = d.emptyDashboard(v.signed.Person)
	}
	return d.templates.Render(w, http.StatusOK, "dashboard", page)
}

// downloadsAction leads to the downloads and says how many there are (P-DASH-08,
// P-DASH-14).
func downloadsAction(n int) ui.Link {
	l := ui.Link{Label: "Downloads", Href: "/downloads", Icon: "download"}
	if n > 0 {
		l.Label = fmt.Sprintf("Downloads (%d)", n)
	}
	return l
}

// figures are true at each load (P-DASH-01..05, 16).
func figures(b licensing.Dashboard) []ui.KPI {
	other := b.ByStatus[license.Expired] + b.ByStatus[license.Suspended]
	total := ui.KPI{Label: "Total Licenses", Value: strconv.Itoa(b.Total), Href: "/licenses", Icon: "key"}
	if other > 0 {
		total.Note = fmt.Sprintf("%d expired or suspended", other)
	}
	expiring := ui.KPI{Label: "Expiring Soon", Value: strconv.Itoa(b.Expiring), Note: "within 30 days", Href: "/licenses?sort=expiry&within=30d", Icon: "calendar"}
	if b.Expiring > 0 {
		expiring.Tone = ui.ToneWarn
	}
	return []ui.KPI{
		total,
		{Label: "Active Licenses", Value: strconv.Itoa(b.Active), Note: "valid and in use", Href: "/licenses?status=active", Icon: "check-circle"},
		{Label: "Activations in Use", Value: strconv.Itoa(b.InUse), Note: "over all licenses", Href: "/activations?status=active", Icon: "device"},
		expiring,
	}
}

func recentActivity(p ui.Page, b licensing.Dashboard) []ui.TimelineItem {
	var items []ui.TimelineItem
	for _, h := range b.Recent {
		icon, tone, title := story(h.Event, h.Device)
		items = append(items, ui.TimelineItem{
			Icon: icon, Tone: tone, Title: title, Kind: string(h.Event.Type),
			Text: h.ProductName + ", key ending " + keyEnding(h.Mask), When: p.Since(h.Event.At),
		})
	}
	return items
}

// emptyDashboard says what to check when a purchase does not show (P-DASH-12).
func (d *Door) emptyDashboard(p account.Person) *ui.Empty {
	e := &ui.Empty{
		Icon: "key", Title: "No licenses yet",
		Text: "You are signed in as " + p.Email + ". If you bought a license, check that the purchase went through and that it was made with this address.",
	}
	switch {
	case d.SupportEmail != "":
		e.Actions = []ui.Link{{Label: "Contact support", Href: "mailto:" + d.SupportEmail, Icon: "mail"}}
	case d.helpDesk():
		e.Actions = []ui.Link{{Label: "Contact support", Href: "/tickets/new", Icon: "inbox"}}
	}
	return e
}
