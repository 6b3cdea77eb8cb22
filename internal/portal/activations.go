package portal

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/ui"
)

// activationsPage is every device over all of a customer's licenses.
type activationsPage struct {
	ui.Page
	Search  searchForm
	License *filteredLicense
	Results deviceResults
}

// filteredLicense is the license that the list is narrowed to.
type filteredLicense struct {
	Href, Product, Plan, Mask, Environment, All string
	Replace, DeactivateAll                      string // addresses, or ""
	Badge                                       ui.Badge
	Usage                                       ui.Usage
}

// deviceResults is the part of the page that searching replaces.
type deviceResults struct {
	Announce string
	Chips    ui.Chips
	Fold     ui.Fold  // of deactivated ones
	Export   *ui.Link // as a file
	Views    *ui.Menu // kept under a name
	Pills    ui.Pills
	Notices  []ui.Notice
	Rows     []deviceRow
	Dialogs  []ui.Confirm
	Pager    ui.Pager
	Empty    *ui.Empty
}

// deviceRow is one activation.
type deviceRow struct {
	Name, Identifier, Icon, Kind         string
	Href                                 string // the device's page
	Reported                             string // as it calls itself, where that is not its name
	Product, Mask, Ending, LicenseHref   string
	Environment, Version, Platform       string
	Badge                                ui.Badge
	Seen                                 ui.When
	SeenHint                             string
	Activated                            ui.When
	Hold                                 string // until when its floating seat is held, or when it lapsed
	Stale                                bool
	Locked                               bool // active, but not the customer's to deactivate
	Deactivate, Dialog, WhyNot, WhyNotID string
}

// deviceState is what the address of the list says.
type deviceState struct {
	search  string
	status  license.ActivationStatus
	unknown string
	license id.ID
	holding bool // deactivated ones are folded away
	place   place
	cut     bool
}

func readDeviceState(q url.Values) (deviceState, error) {
	s := deviceState{search: q.Get("q"), cut: q.Get("cut") != ""}
	switch status := license.ActivationStatus(q.Get("status")); {
	case status == "":
	case status.Known():
		s.status = status
	default:
		s.unknown = ui.Shorten(string(status), 40)
	}
	if text := q.Get("license"); text != "" {
		wanted, err := id.Parse(text)
		if err != nil {
			return s, fault.Missing("license")
		}
		s.license = wanted
	}
	s.holding = q.Get("ended") == "hide" && s.status != license.ActivationDeactivated
	s.place = readPlace(q.Get("after"), q.Get("before"), s.fingerprint())
	return s, nil
}

func (s deviceState) fingerprint() string {
	return fingerprint("activations", s.search, string(s.status), string(s.license), fmt.Sprint(s.holding))
}

func (s deviceState) values() url.Values {
	v := url.Values{}
	for name, value := range map[string]string{"q": s.search, "status": string(s.status), "license": string(s.license)} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if s.cut {
		v.Set("cut", "1")
	}
	if s.holding && s.status != license.ActivationDeactivated {
		v.Set("ended", "hide")
	}
	return v
}

func (s deviceState) href() string { return address("/activations", s.values()) }

// query is what the list is asked for, from its beginning.
func (s deviceState) query() licensing.DeviceQuery {
	return licensing.DeviceQuery{Search: s.search, Status: s.status, LicenseID: s.license, Holding: s.holding}
}

func (s deviceState) with(change func(*deviceState)) string {
	change(&s)
	return s.href()
}

func (d *Door) activations(w http.ResponseWriter, r *http.Request, v *visit) error {
	s, err := readDeviceState(r.URL.Query())
	if err != nil {
		return err
	}
	if short, cut := cutSearch(s.search); cut {
		s.search, s.cut = short, true
		http.Redirect(w, r, s.href(), http.StatusSeeOther)
		return nil
	}
	q := s.query()
	q.After, q.Before, q.At = s.place.after.Row, s.place.before.Row, s.place.instant(v.now)
	list, err := d.Licensing.Devices(r.Context(), v.actor, q)
	if err != nil {
		return err
	}
	if s.place.inside() && len(list.Rows) == 0 && list.Total > 0 {
		http.Redirect(w, r, s.href(), http.StatusSeeOther) // nothing is left at this place
		return nil
	}
	page := d.newActivationsPage(r, v, s, list)
	if page.Results.Views, err = d.viewsMenu(r, v, "activations", s.values(), list.Any); err != nil {
		return err
	}
	page.Flash = d.freedFlash(r, v)
	return d.templates.Render(w, http.StatusOK, "activations", page)
}

// freedFlash says that a device was deactivated, when the address names one
// that was.
func (d *Door) freedFlash(r *http.Request, v *visit) []ui.Flash {
	freed, err := id.Parse(r.URL.Query().Get("freed"))
	if err != nil {
		return nil
	}
	device, err := d.Licensing.Device(r.Context(), v.actor, freed)
	if err != nil || device.Activation.EndedAt.IsZero() {
		return nil
	}
	return []ui.Flash{{Tone: ui.ToneGood, Text: freedText(device)}}
}

func freedText(d licensing.Device) string {
	text := d.Activation.DisplayName() + " was deactivated and its seat is free: "
	if d.License.Limit == license.Unlimited {
		return text + ui.Plural(d.Used, "device is", "devices are") + " activated now."
	}
	return text + fmt.Sprintf("%d of %d in use now.", d.Used, d.License.Limit)
}

func (d *Door) newActivationsPage(r *http.Request, v *visit, s deviceState, list licensing.DeviceList) activationsPage {
	p := d.page(r, v, "Activations", "/activations")
	p.Now = list.At
	page := activationsPage{
		Page: p, Results: d.newDeviceResults(p, v, s, list),
		Search: searchForm{
			Action: "/activations/search", ResultsPath: "/activations", Label: "Search devices",
			Placeholder: "Search device name or identifier", Value: s.search, Hidden: hidden(s.values(), "q", "cut"),
		},
	}
	if one := list.License; one != nil {
		passed := passing(page.Page, *one)
		passed.All = s.with(func(s *deviceState) { s.license = "" })
		if one.Used > 0 && v.signed.Role.MayManage() {
			passed.Replace, passed.DeactivateAll = replaceHref(one.License.ID, ""), passed.Href+"/deactivate-all"
		}
		page.License = &passed
	}
	return page
}

func (d *Door) newDeviceResults(p ui.Page, v *visit, s deviceState, list licensing.DeviceList) deviceResults {
	r := deviceResults{
		Announce: ui.Plural(list.Total, "device", "devices") + " found",
		Chips: statusChips(license.ActivationStatuses(), list.Counts, s.status, deviceStatusWord, func(to license.ActivationStatus) string {
			return s.with(func(s *deviceState) { s.status = to })
		}), Fold: deviceFold(s, list), Pills: devicePills(s, list), Notices: listNotices(s.cut, s.place.wrong),
	}
	r.Chips = foldedChips(r.Chips, list.Counts[license.ActivationDeactivated], s.holding)
	for _, o := range list.Rows {
		device := licensing.Device{Activation: o.Activation, Status: o.Activation.Status(o.License.Status(p.Now), p.Now)}
		device.License, device.Product, device.Swaps = o.License, o.Product, o.Swaps
		device.Refusal = license.MayDeactivate(o.Product, device.Status, o.Swaps)
		row := newDeviceRow(p, v, device)
		r.Rows = append(r.Rows, row)
		if row.Deactivate != "" {
			r.Dialogs = append(r.Dialogs, confirmation(p, device, row.Dialog, s.href(), s.href()))
		}
	}
	if len(list.Rows) == 0 {
		r.Empty = emptyDevices(s, list)
		return r
	}
	r.Pager = devicePager(s, list)
	r.Export = csvLink("/activations.csv", s.values())
	return r
}

// deviceFold folds deactivated devices away.
func deviceFold(s deviceState, list licensing.DeviceList) ui.Fold {
	if s.status != "" {
		return ui.Fold{}
	}
	return fold(list.Counts[license.ActivationDeactivated], s.holding, "deactivated device", "deactivated devices",
		s.with(func(s *deviceState) { s.holding = !s.holding }))
}

func newDeviceRow(p ui.Page, v *visit, d licensing.Device) deviceRow {
	a, l := d.Activation, d.License
	row := deviceRow{
		Name: a.DisplayName(), Identifier: a.Identifier, Icon: deviceIcon(a.Kind, a.Platform), Kind: kindWord(a.Kind),
		Product: d.Product.Name, Mask: id.Brief(l.Mask), Ending: keyEnding(l.Mask), LicenseHref: "/licenses/" + string(l.ID),
		Environment: environmentWord(l.Environment), Version: a.AppVersion, Platform: a.Platform,
		Badge: ui.NewBadge(string(d.Status), deviceStatusWord(d.Status)),
		Seen:  seen(p, v, a), Activated: p.Date(a.ActivatedAt),
		Stale: d.Status == license.ActivationActive && a.Stale(p.Now),
	}
	row.Href, row.Hold = "/activations/"+string(a.ID), holdWords(p, a)
	if a.Label != "" && a.Name != a.Label {
		row.Reported = a.Name
	}
	if a.LastSeenAt.IsZero() && d.Status != license.ActivationDeactivated {
		row.SeenHint = "Nothing was heard of it since activation. Check that the device can reach the internet."
	}
	switch {
	case d.Status == license.ActivationDeactivated:
	case d.Refusal != nil:
		row.Locked = d.Status == license.ActivationActive
		row.WhyNot, row.WhyNotID = refusalText(p, d.Refusal, d.Swaps), "why-"+string(a.ID)
	case !v.signed.Role.MayManage():
		row.WhyNot, row.WhyNotID = "Your role does not include deactivating devices.", "why-"+string(a.ID)
	default:
		row.Deactivate = "/activations/" + string(a.ID) + "/deactivate"
		row.Dialog = "deactivate-" + string(a.ID)
	}
	return row
}

// holdWords say until when a floating seat is held, or when it was lost. A fixed
// seat needs no words, nor does one that was given back.
func holdWords(p ui.Page, a license.Activation) string {
	switch {
	case a.HoldUntil.IsZero():
		return ""
	case a.HoldsSeat(p.Now):
		return "Seat held until " + p.Exact(a.HoldUntil)
	case a.Lapsed(p.Now), a.EndReason == license.Lapse:
		return "Seat free again since " + p.Exact(a.HoldUntil)
	}
	return ""
}

// seen counts from the request: a device may have been heard of after the
// instant that a list was taken at.
func seen(p ui.Page, v *visit, a license.Activation) ui.When {
	p.Now = v.now
	return p.Since(a.LastSeenAt)
}

// confirmation names the device and says what happens (P-ACT-11, 15, 17).
func confirmation(p ui.Page, d licensing.Device, dialog, back, cancel string) ui.Confirm {
	name := d.Activation.DisplayName()
	c := ui.Confirm{
		ID: dialog, Title: "Deactivate " + name + "?", Danger: true, Submit: "Deactivate", Cancel: cancel,
		Text: []string{
			"Its seat of " + d.Product.Name + " is free at once, and another device can be activated.",
			"The software on " + name + " stops validating the next time it connects. If it works offline, it learns of this only then.",
			"The license stays as it is. The device comes back only by activating again in the software.",
		},
		Action: "/activations/" + string(d.Activation.ID) + "/deactivate",
		Hidden: []ui.Hidden{{Name: "back", Value: back}},
	}
	if policy := swapWords(p, d.Swaps); policy != "" {
		c.Text = append(c.Text, "This counts as a device change. "+policy)
	}
	return c
}

func devicePills(s deviceState, list licensing.DeviceList) ui.Pills {
	var pills ui.Pills
	if s.search != "" {
		pills.Items = append(pills.Items, ui.Pill{Name: "Search", Value: ui.Shorten(s.search, 60),
			Href: s.with(func(s *deviceState) { s.search, s.cut = "", false })})
	}
	if list.License != nil {
		pills.Items = append(pills.Items, ui.Pill{Name: "License", Value: list.License.Product.Name + " " + id.Brief(list.License.License.Mask),
			Href: s.with(func(s *deviceState) { s.license = "" })})
	}
	if s.unknown != "" {
		pills.Items = append(pills.Items, ui.Pill{Name: "Unknown status, ignored", Value: s.unknown, Href: s.href()})
	}
	pills.Clear = deviceState{holding: s.holding}.href()
	return pills
}

func devicePager(s deviceState, list licensing.DeviceList) ui.Pager {
	n := len(list.Rows)
	return s.place.pager(shownPage{
		href: s.href(), fingerprint: s.fingerprint(), at: list.At, rows: n, total: list.Total,
		first: list.Rows[0].Activation.ID, last: list.Rows[n-1].Activation.ID, prior: list.HasPrior, further: list.HasNext,
	})
}

// emptyDevices explains that devices appear once software is activated, or
// that nothing matches (P-ACT-16, P-ACT-22).
func emptyDevices(s deviceState, list licensing.DeviceList) *ui.Empty {
	if !list.Any || s.search == "" && s.status == "" && s.license != "" {
		return &ui.Empty{
			Icon: "device", Title: "No activations yet",
			Text:    "Devices appear here once the software is activated on them: copy the key of a license and enter it in the software.",
			Actions: []ui.Link{{Label: "My Licenses", Href: "/licenses"}},
		}
	}
	if s.holding && s.search == "" && s.status == "" {
		show := deviceFold(s, list)
		return &ui.Empty{
			Icon: "device", Title: "No device is activated", Text: "All devices were deactivated.",
			Actions: []ui.Link{{Label: show.Label, Href: show.Href}},
		}
	}
	return &ui.Empty{
		Icon: "search", Title: "No matching devices", Text: "Nothing matches these filters.",
		Actions: []ui.Link{{Label: "Show all devices", Href: "/activations"}},
	}
}

// searchActivations brings the search box's state into the address. A whole
// key does not belong there: it becomes the filter by its license.
func (d *Door) searchActivations(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	s, err := readDeviceState(r.PostForm)
	if err != nil {
		return err
	}
	found, err := d.Licensing.Jump(r.Context(), v.actor, s.search)
	if err != nil {
		return err
	}
	if found != "" {
		s.search, s.license = "", found
	}
	s.search, s.cut = cutSearch(s.search)
	http.Redirect(w, r, s.href(), http.StatusSeeOther)
	return nil
}

// deactivatePage asks before deactivating, for readers without script.
type deactivatePage struct {
	ui.Page
	Device  deviceRow
	Confirm *ui.Confirm
	Refused *ui.Notice
	Back    string
}

func (d *Door) deactivatePage(w http.ResponseWriter, r *http.Request, v *visit) error {
	wanted, err := pathID(r, "activation")
	if err != nil {
		return err
	}
	device, err := d.Licensing.Device(r.Context(), v.actor, wanted)
	if err != nil {
		return err
	}
	return d.askFree(w, r, v, device, confirmation, http.StatusOK)
}

// question asks before a device is deactivated, for one reason or another.
type question func(p ui.Page, d licensing.Device, dialog, back, cancel string) ui.Confirm

func (d *Door) askFree(w http.ResponseWriter, r *http.Request, v *visit, device licensing.Device, ask question, status int) error {
	back := httpx.SafeNext(r.FormValue("back"))
	if back == "/" {
		back = "/activations"
	}
	p := d.page(r, v, "Deactivate "+device.Activation.DisplayName(), "/activations")
	p.Crumbs = []ui.Link{{Label: "Activations", Href: "/activations"}, {Label: device.Activation.DisplayName()}}
	page := deactivatePage{Page: p, Device: newDeviceRow(p, v, device), Back: back}
	if page.Device.Deactivate == "" {
		page.Refused = refusalNotice(device, page.Device)
	} else {
		c := ask(p, device, page.Device.Dialog, back, back)
		page.Confirm = &c
	}
	return d.templates.Render(w, status, "deactivate", page)
}

func refusalNotice(d licensing.Device, row deviceRow) *ui.Notice {
	if d.Status == license.ActivationDeactivated {
		return &ui.Notice{Tone: ui.ToneInfo, Title: "Deactivated already.", Text: row.Name + " holds no seat. It comes back only by activating again in the software."}
	}
	n := &ui.Notice{Tone: ui.ToneWarn, Title: "This device cannot be deactivated here.", Text: row.WhyNot}
	if d.Refusal != nil {
		n.Text += " " + d.Refusal.Next
	}
	return n
}

// deactivate frees the seat. A second click or a reload reports the same.
func (d *Door) deactivate(w http.ResponseWriter, r *http.Request, v *visit) error {
	wanted, err := pathID(r, "activation")
	if err != nil {
		return err
	}
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	device, err := d.Licensing.Free(r.Context(), v.actor, wanted)
	if fault.Is(err, fault.Conflict) {
		device.Refusal = fault.From(err)
		return d.askFree(w, r, v, device, confirmation, http.StatusConflict)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, freedAddress(r.PostFormValue("back"), wanted), http.StatusSeeOther)
	return nil
}

// freedAddress is the list to go back to, with word of what was freed.
func freedAddress(back string, freed id.ID) string {
	u, err := url.Parse(httpx.SafeNext(back))
	if err != nil || u.Path == "/" {
		u = &url.URL{Path: "/activations"}
	}
	q := u.Query()
	q.Set("freed", string(freed))
	u.RawQuery = q.Encode()
	return u.String()
}
