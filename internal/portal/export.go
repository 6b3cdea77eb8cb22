package portal

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/keyward/keyward/internal/app/delivery"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/sheet"
	"github.com/keyward/keyward/internal/ticket"
	"github.com/keyward/keyward/internal/ui"
)

func (d *Door) exportRoutes() httpx.Routes {
	return httpx.Routes{
		{Pattern: "GET /licenses.csv", Access: httpx.SignedIn, Handler: d.visiting(d.exportLicenses)},
		{Pattern: "GET /licenses/export", Access: httpx.SignedIn, Handler: d.visiting(d.exportPage)},
		{Pattern: "POST /licenses.csv", Access: httpx.SignedIn, Handler: d.visiting(d.exportKeys)},
		{Pattern: "GET /activations.csv", Access: httpx.SignedIn, Handler: d.visiting(d.exportDevices)},
		{Pattern: "GET /downloads.csv", Access: httpx.SignedIn, Handler: d.visiting(d.exportDownloads)},
	}
}

// licenseExport offers the list as a file, and with whole keys to those who may
// copy them.
func licenseExport(v *visit, s listState) *ui.Menu {
	m := &ui.Menu{Value: "Export", Icon: "download", Items: []ui.Choice{
		{Label: "CSV, keys masked", Href: address("/licenses.csv", s.values())},
	}}
	if v.signed.Role.MayManage() {
		m.Items = append(m.Items, ui.Choice{Label: "CSV with full keys…", Href: address("/licenses/export", s.values())})
	}
	return m
}

// download is a file on its way to the reader. Its head is sent with the first
// rows, so that what goes wrong before them is answered with a page.
type download struct {
	w       http.ResponseWriter
	name    string
	heading []string
	zone    *time.Location
	sheet   *sheet.Writer
}

func newDownload(w http.ResponseWriter, v *visit, list string, heading ...string) *download {
	name := list + "-" + v.now.In(v.zone).Format(time.DateOnly) + ".csv"
	return &download{w: w, name: name, heading: heading, zone: v.zone}
}

// write sends rows, the head of the file in front of the first.
func (f *download) write(rows [][]string) error {
	if err := f.begin(); err != nil {
		return err
	}
	for _, row := range rows {
		if err := f.sheet.Row(row...); err != nil {
			return err
		}
	}
	return f.sheet.Flush()
}

func (f *download) begin() (err error) {
	if f.sheet != nil {
		return nil
	}
	f.w.Header().Set("Content-Type", sheet.ContentType)
	f.w.Header().Set("Content-Disposition", `attachment; filename="`+f.name+`"`)
	f.sheet, err = sheet.NewWriter(f.w, f.zone, f.heading...)
	return err
}

// finish ends the file. One that broke off in the middle breaks the connection:
// half a list must not look like a whole one.
func (d *Door) finish(r *http.Request, f *download, err error) error {
	if err == nil || f.sheet == nil || r.Context().Err() != nil {
		return err
	}
	d.Log.ErrorContext(r.Context(), "an export broke off", "request", httpx.RequestID(r.Context()), "error", err)
	panic(http.ErrAbortHandler)
}

// instant is a time as the file that has begun writes it.
func (f *download) instant(at time.Time) string { return f.sheet.Time(at) }

func readExport(q url.Values) listState {
	s := readListState(q)
	s.search, _ = cutSearch(s.search)
	return s
}

func licenseFile(w http.ResponseWriter, v *visit) *download {
	return newDownload(w, v, "licenses", "Product", "Plan", "License key", "Status", "Activations used", "Activation limit", "Reserved seats",
		"Assigned", "First activated", "Expires", "Versions", "Features", "Environment")
}

// exportLicenses is the list as a file, all its pages, keys masked.
func (d *Door) exportLicenses(w http.ResponseWriter, r *http.Request, v *visit) error {
	f := licenseFile(w, v)
	err := d.Licensing.Export(r.Context(), v.actor, readExport(r.URL.Query()).query(), func(rows []licensing.Exported, at time.Time) error {
		return f.licenses(rows, at)
	})
	return d.finish(r, f, err)
}

func (f *download) licenses(rows []licensing.Exported, at time.Time) error {
	if err := f.begin(); err != nil {
		return err
	}
	cells := make([][]string, len(rows))
	for i, e := range rows {
		cells[i] = f.license(e, at)
	}
	return f.write(cells)
}

func (f *download) license(e licensing.Exported, at time.Time) []string {
	l := e.License
	key, limit, expires := l.Mask, "Unlimited", "Never"
	if e.Key != "" {
		key = e.Key
	}
	if l.Limit != license.Unlimited {
		limit = strconv.Itoa(l.Limit)
	}
	if !l.Perpetual() {
		expires = f.instant(l.ExpiresAt)
	}
	return []string{
		e.ProductName, l.Plan, key, statusWord(l.Status(at)), strconv.Itoa(e.Taken()), limit, strconv.Itoa(e.Reserved),
		f.instant(l.AssignedAt), f.instant(l.FirstActivatedAt), expires,
		versionWords(l, f.zone), includedWords(l), environmentWord(l.Environment),
	}
}

// exportPage asks before a file with whole keys is made.
type exportPage struct {
	ui.Page
	Confirm *ui.Confirm
	Refused *ui.Notice
	Back    string
}

func (d *Door) exportPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	s := readExport(r.URL.Query())
	p := d.page(r, v, "Export with full keys", "/licenses")
	p.Crumbs = []ui.Link{{Label: "My Licenses", Href: "/licenses"}, {Label: p.Title}}
	page := exportPage{Page: p, Back: s.href()}
	if !v.signed.Role.MayManage() {
		page.Refused = &ui.Notice{Tone: ui.ToneWarn, Title: "Your role does not include copying keys.", Text: "Ask the owner of the account, or export the list with keys masked."}
		return d.templates.Render(w, http.StatusOK, "export", page)
	}
	list, err := d.Licensing.List(r.Context(), v.actor, s.query())
	if err != nil {
		return err
	}
	page.Confirm = &ui.Confirm{
		Title: "Export " + ui.Plural(list.Total, "full key", "full keys") + "?", Submit: "Download with full keys", Cancel: s.href(),
		Action: "/licenses.csv", Hidden: append(hidden(s.values(), "cut"), ui.Hidden{Name: "keys", Value: "full"}),
		Text: []string{
			fmt.Sprintf("The file holds the %s that the list shows now, with every key in full, those of high-security products too.", ui.Plural(list.Total, "license", "licenses")),
			"Whoever has the file can use the licenses. Keep it as you would keep a password.",
			"That you made this export is recorded.",
		},
	}
	return d.templates.Render(w, http.StatusOK, "export", page)
}

// exportKeys is the list with whole keys. It is a POST that says so: nobody
// makes such a file by following a link.
func (d *Door) exportKeys(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	if r.PostForm.Get("keys") != "full" {
		return fault.New(fault.Invalid, "confirmation_missing", "This makes a file with full keys, which has to be asked for.").
			WithNext("Choose it from the list's export menu.")
	}
	list, at, err := d.Licensing.ExportKeys(r.Context(), v.actor, readExport(r.PostForm).query())
	if err != nil {
		return err
	}
	f := licenseFile(w, v)
	return d.finish(r, f, f.licenses(list, at))
}

// exportDevices is the list of activations as a file.
func (d *Door) exportDevices(w http.ResponseWriter, r *http.Request, v *visit) error {
	s, err := readDeviceState(r.URL.Query())
	if err != nil {
		return err
	}
	s.search, _ = cutSearch(s.search)
	f := newDownload(w, v, "activations", "Device", "Identifier", "Kind", "Platform", "Version", "Status",
		"Last seen", "Activated", "Deactivated", "Product", "License key", "Environment")
	err = d.Licensing.ExportDevices(r.Context(), v.actor, s.query(), func(rows []licensing.DeviceRow, at time.Time) error {
		return f.devices(rows, at)
	})
	return d.finish(r, f, err)
}

func (f *download) devices(rows []licensing.DeviceRow, at time.Time) error {
	if err := f.begin(); err != nil {
		return err
	}
	cells := make([][]string, len(rows))
	for i, row := range rows {
		a, l := row.Activation, row.License
		cells[i] = []string{
			a.DisplayName(), a.Identifier, kindWord(a.Kind), a.Platform, a.AppVersion, deviceStatusWord(a.Status(l.Status(at), at)),
			f.instant(a.LastSeenAt), f.instant(a.ActivatedAt), f.instant(a.EndedAt), row.Product.Name, l.Mask, environmentWord(l.Environment),
		}
	}
	return f.write(cells)
}

// csvLink offers a list as a file.
func csvLink(path string, state url.Values) *ui.Link {
	return &ui.Link{Label: "Export CSV", Href: address(path, state), Icon: "download"}
}

// exportDownloads is the list of downloads as a file, a row for each file of a
// release. Files that the customer may not have are not named.
func (d *Door) exportDownloads(w http.ResponseWriter, r *http.Request, v *visit) error {
	s, err := readDownloadState(r.URL.Query())
	if err != nil {
		return err
	}
	s.search, _ = cutSearch(s.search)
	f := newDownload(w, v, "downloads", "Product", "Environment", "Version", "Channel", "Released", "Included", "File", "Kind", "Size in bytes", "SHA-256")
	err = d.Delivery.Export(r.Context(), v.actor, s.query(), f.releases)
	if err == nil {
		err = f.write(nil) // a list without rows has its heading
	}
	return d.finish(r, f, err)
}

func (f *download) releases(p license.Product, items []delivery.Item) error {
	if err := f.begin(); err != nil {
		return err
	}
	var cells [][]string
	for _, item := range items {
		row := []string{p.Name, environmentWord(p.Environment), versionWord(item.Version), channelWord(item.Channel), f.instant(item.ReleasedAt)}
		if !item.Allowed {
			cells = append(cells, append(row, "No", "", "", "", ""))
			continue
		}
		for _, a := range item.Assets {
			cells = append(cells, append(row[:len(row):len(row)], "Yes", a.FileName, assetWords(a), strconv.FormatInt(a.Size, 10), hex.EncodeToString(a.SHA256)))
		}
	}
	return f.write(cells)
}

// exportTickets is the list of tickets as a file.
func (d *Door) exportTickets(w http.ResponseWriter, r *http.Request, v *visit) error {
	s := readTicketState(r.URL.Query())
	s.search, _ = cutSearch(s.search)
	f := newDownload(w, v, "tickets", "Ticket", "Subject", "Status", "Priority", "Category", "Environment",
		"Created", "Last updated", "First answer", "Resolved", "Closed")
	err := d.Support.Export(r.Context(), v.actor, s.query(v.zone), func(rows []ticket.Ticket) error { return f.tickets(d, rows) })
	return d.finish(r, f, err)
}

func (f *download) tickets(d *Door, rows []ticket.Ticket) error {
	if err := f.begin(); err != nil {
		return err
	}
	cells := make([][]string, len(rows))
	for i, t := range rows {
		cells[i] = []string{
			t.Name(), t.Subject, ticketStatusWord(t.Status), priorityWord(t.Priority), d.Support.CategoryLabel(t.Category), environmentWord(t.Environment),
			f.instant(t.CreatedAt), f.instant(t.UpdatedAt), f.instant(t.FirstResponseAt), f.instant(t.ResolvedAt), f.instant(t.ClosedAt),
		}
	}
	return f.write(cells)
}
