package portal

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/app/calendar"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/ical"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/ui"
)

func (d *Door) calendarRoutes() httpx.Routes {
	return httpx.Routes{
		{Pattern: "GET /calendar", Access: httpx.SignedIn, Handler: d.visiting(d.calendarPage)},
		{Pattern: "POST /calendar", Access: httpx.SignedIn, Handler: d.visiting(d.makeCalendar)},
		{Pattern: "POST /calendar/off", Access: httpx.SignedIn, Handler: d.visiting(d.removeCalendar)},
		{Pattern: "GET /calendar/{file}", Access: httpx.Public, Handler: d.calendarFile},
	}
}

// calendarPage is where a person makes, replaces and ends the private address
// of their calendar.
type calendarPage struct {
	ui.Page
	Made    bool
	Since   ui.When
	Address string // shown once, when it was made
	Copy    ui.Copy
	Zone    string
}

func (d *Door) newCalendarPage(r *http.Request, v *visit, made time.Time) calendarPage {
	p := d.page(r, v, "Calendar", "/licenses")
	p.Path = "/calendar"
	p.Crumbs = []ui.Link{{Label: "My Licenses", Href: "/licenses"}, {Label: p.Title}}
	page := calendarPage{Page: p, Made: !made.IsZero(), Zone: v.signed.Person.Zone()}
	if page.Zone == "" {
		page.Zone = "UTC"
	}
	if page.Made {
		page.Since = p.Date(made)
	}
	return page
}

func (d *Door) calendarPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	made, err := d.Calendar.Made(r.Context(), v.actor)
	if err != nil {
		return err
	}
	page := d.newCalendarPage(r, v, made)
	if r.URL.Query().Get("done") == "off" {
		page.Flash = []ui.Flash{{Tone: ui.ToneGood, Text: "The calendar is switched off. Its address opens nothing any more."}}
	}
	return d.templates.Render(w, http.StatusOK, "calendar", page)
}

// makeCalendar answers with the address itself: it is kept nowhere, so no
// other page could show it.
func (d *Door) makeCalendar(w http.ResponseWriter, r *http.Request, v *visit) error {
	token, err := d.Calendar.Make(r.Context(), v.actor)
	if err != nil {
		return err
	}
	page := d.newCalendarPage(r, v, v.now)
	page.Address = strings.TrimSuffix(d.BaseURL, "/") + "/calendar/" + token + ".ics"
	page.Copy = ui.Copy{Target: "feed", Label: "the address", Done: "Address copied"}
	page.Flash = []ui.Flash{{Tone: ui.ToneGood, Text: "Your calendar has an address. An earlier one opens nothing any more."}}
	return d.templates.Render(w, http.StatusOK, "calendar", page)
}

func (d *Door) removeCalendar(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := d.Calendar.Remove(r.Context(), v.actor); err != nil {
		return err
	}
	http.Redirect(w, r, "/calendar?done=off", http.StatusSeeOther)
	return nil
}

// calendarFile serves the calendar to whoever knows its address.
func (d *Door) calendarFile(w http.ResponseWriter, r *http.Request) error {
	token, _ := strings.CutSuffix(r.PathValue("file"), ".ics")
	c, err := d.Calendar.Read(r.Context(), token, httpx.Addr(r.Context()))
	if err != nil {
		return err
	}
	file := d.icalOf(c).Bytes()
	sum := sha256.Sum256(file)
	h := w.Header()
	h.Set("Content-Type", "text/calendar; charset=utf-8")
	h.Set("Content-Disposition", `inline; filename="licenses.ics"`)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:18])+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file))
	return nil
}

func (d *Door) icalOf(c calendar.Calendar) ical.Calendar {
	out := ical.Calendar{Name: d.AppName + ": " + c.Customer.Name, Product: d.AppName, Refresh: 12 * time.Hour}
	for _, o := range c.Licenses {
		out.Events = append(out.Events, d.icalEvent(o, c.Zone))
	}
	return out
}

// icalEvent is the day on which a license ends. It says nothing that changes
// with the time of asking.
func (d *Door) icalEvent(o license.Owned, zone *time.Location) ical.Event {
	l, end := o.License, o.License.EndsAt().In(zone)
	name := o.ProductName
	if l.Plan != "" {
		name += ", " + l.Plan
	}
	address := strings.TrimSuffix(d.BaseURL, "/") + "/licenses/" + string(l.ID)
	return ical.Event{
		UID: string(l.ID) + "@keyward", Day: end, Stamp: l.AssignedAt, Sequence: l.Version,
		Summary: name + ": license ends", URL: address,
		Description: "Key: " + id.Brief(l.Mask) + "\nValid until " + end.Format("2 Jan 2006, 15:04 MST") + "\nRenew it here: " + address,
	}
}
