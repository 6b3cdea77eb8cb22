package portal

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/ui"
)

func (d *Door) swapRoutes() httpx.Routes {
	return httpx.Routes{
		{Pattern: "GET /help/{ticket}", Access: httpx.SignedIn, Handler: d.visiting(d.help)},
		{Pattern: "GET /licenses/{id}/replace", Access: httpx.SignedIn, Handler: d.visiting(d.replacePage)},
		{Pattern: "POST /licenses/{id}/replace", Access: httpx.SignedIn, Handler: d.visiting(d.replace)},
		{Pattern: "GET /licenses/{id}/deactivate-all", Access: httpx.SignedIn, Handler: d.visiting(d.deactivateAllPage)},
		{Pattern: "POST /licenses/{id}/deactivate-all", Access: httpx.SignedIn, Handler: d.visiting(d.deactivateAll)},
		{Pattern: "GET /swaps/{id}", Access: httpx.SignedIn, Handler: d.visiting(d.swapPage)},
		{Pattern: "POST /swaps/{id}/release", Access: httpx.SignedIn, Handler: d.visiting(d.release)},
	}
}

// help leads from the link in a refusal to the page that lets the refused
// device in.
func (d *Door) help(w http.ResponseWriter, r *http.Request, v *visit) error {
	h, err := d.Licensing.OpenHelp(r.Context(), v.actor, r.PathValue("ticket"))
	if err != nil {
		return err
	}
	http.Redirect(w, r, replaceHref(h.LicenseID, h.Attempt), http.StatusSeeOther)
	return nil
}

// replaceHref is where a device of a license is replaced, for the device of a
// refused activation if one is named.
func replaceHref(l, attempt id.ID) string {
	href := "/licenses/" + string(l) + "/replace"
	if attempt != "" {
		href += "?" + url.Values{"attempt": {string(attempt)}}.Encode()
	}
	return href
}

// maxChoices bounds the devices to choose from: those unused the longest.
const maxChoices = 50

// replacePage asks which device gives its seat up, and says for whom.
type replacePage struct {
	ui.Page
	Problems ui.Problems
	License  filteredLicense
	Policy   string
	Refused  *ui.Notice
	Free     *ui.Notice // a seat is free: nothing needs to be replaced
	Kept     []ui.Notice
	Arriving *attemptRow // the refused device to let in
	Attempt  string
	Action   string
	Choices  []choice
	More     int // devices that are not offered
	Submit   string
	Back     string
}

// choice is a device that can give its seat up.
type choice struct {
	ID, Name, Identifier, Icon, Seen string
	Checked, Suggested               bool
}

func (d *Door) replacePage(w http.ResponseWriter, r *http.Request, v *visit) error {
	return d.showReplace(w, r, v, r.URL.Query().Get("attempt"), r.URL.Query().Get("device"), nil)
}

// showReplace renders the page, again with what is wrong about a choice.
func (d *Door) showReplace(w http.ResponseWriter, r *http.Request, v *visit, attempt, chosen string, wrong *fault.Error) error {
	wanted, err := pathID(r, "license")
	if err != nil {
		return err
	}
	tried, _ := id.Parse(attempt)
	from, err := d.Licensing.Replacing(r.Context(), v.actor, wanted, tried)
	if err != nil {
		return err
	}
	page, status := d.newReplacePage(r, v, from, chosen), http.StatusOK
	if wrong != nil {
		page.Problems, status = problemsOf(wrong), httpx.StatusOf(wrong)
	}
	return d.templates.Render(w, status, "replace", page)
}

func (d *Door) newReplacePage(r *http.Request, v *visit, from licensing.Replacing, chosen string) replacePage {
	l := from.License
	home := "/licenses/" + string(l.ID)
	p := d.page(r, v, "Replace a device", "/activations")
	p.Now, p.Path = from.At, home+"/replace"
	p.Crumbs = []ui.Link{{Label: "My Licenses", Href: "/licenses"}, {Label: from.Product.Name, Href: home}, {Label: "Replace a device"}}
	page := replacePage{
		Page: p, License: passing(p, from.OneLicense), Policy: swapWords(p, from.Swaps), Refused: notReplaceable(p, v, from),
		Action: home + "/replace", Submit: "Retire it and reserve its seat", Back: home,
	}
	if a := from.Attempt; a != nil {
		row := newAttemptRow(p, *a)
		page.Arriving, page.Attempt, page.Submit = &row, string(a.ID), "Let "+a.DisplayName()+" in"
	}
	if from.Free() && page.Refused == nil {
		page.Free = &ui.Notice{Tone: ui.ToneInfo, Title: "A seat is free.", Text: "Activate the new device in the software: no other one has to go for it."}
	}
	for _, kept := range from.Reserved {
		page.Kept = append(page.Kept, keptNotice(p, kept))
	}
	page.Choices, page.More = choices(p, v, from.Devices, chosen)
	return page
}

// passing is a license as pages mention it.
func passing(p ui.Page, one licensing.OneLicense) filteredLicense {
	l := one.License
	return filteredLicense{
		Href: "/licenses/" + string(l.ID), Product: one.Product.Name, Plan: l.Plan, Mask: id.Brief(l.Mask),
		Environment: environmentWord(l.Environment),
		Badge:       ui.NewBadge(string(l.Status(p.Now)), statusWord(l.Status(p.Now))),
		Usage:       usageOf(l, one.Used, one.Reserved, p.Now),
	}
}

func notReplaceable(p ui.Page, v *visit, from licensing.Replacing) *ui.Notice {
	n := &ui.Notice{Tone: ui.ToneWarn, Title: "No device can be replaced."}
	switch {
	case len(from.Devices) == 0:
		n.Tone, n.Text = ui.ToneInfo, "No device is activated. Copy the key and enter it in the software."
	case from.Refusal != nil:
		n.Text = refusalText(p, from.Refusal, from.Swaps) + " " + from.Refusal.Next
	case !v.signed.Role.MayManage():
		n.Text = "Your role does not include replacing devices. Ask the owner of the account."
	default:
		return nil
	}
	return n
}

func choices(p ui.Page, v *visit, devices []license.Activation, chosen string) ([]choice, int) {
	var list []choice
	more := max(0, len(devices)-maxChoices)
	for i, a := range devices[:len(devices)-more] {
		list = append(list, choice{
			ID: string(a.ID), Name: a.DisplayName(), Identifier: a.Identifier, Icon: deviceIcon(a.Kind, a.Platform),
			Seen: "Last seen " + seen(p, v, a).Text, Suggested: i == 0 && len(devices) > 1, Checked: string(a.ID) == chosen || chosen == "" && i == 0,
		})
	}
	return list, more
}

// keptNotice says that a seat is kept, and leads to its page.
func keptNotice(p ui.Page, r license.Reservation) ui.Notice {
	kept := "a device with the claim code"
	if !r.ByCode() {
		kept = r.DisplayName()
	}
	return ui.Notice{
		Tone: ui.ToneInfo, Icon: "clock", Title: "A seat is reserved",
		Text:   fmt.Sprintf("for %s until %s.", kept, p.Exact(r.ExpiresAt)),
		Action: &ui.Link{Label: "Show", Href: "/swaps/" + string(r.ID)},
	}
}

// swapWords say how many changes a policy leaves, before anybody clicks
// (P-ACT-25), or nothing where there is no policy.
func swapWords(p ui.Page, s license.Swaps) string {
	var words []string
	if n := s.Policy.Allowed; n > 0 {
		words = append(words, fmt.Sprintf("%d of %s left, of those that this license has in %s.", s.Left, ui.Plural(n, "device change", "device changes"), lengthWords(s.Policy.Period)))
	}
	if s.Policy.CoolDown > 0 {
		words = append(words, "Two changes are at least "+lengthWords(s.Policy.CoolDown)+" apart.")
	}
	switch {
	case !s.NextAt.IsZero():
		words = append(words, "The next one is possible on "+p.Exact(s.NextAt)+".")
	case !s.BackAt.IsZero():
		words = append(words, "The next one comes back on "+p.Exact(s.BackAt)+".")
	}
	return strings.Join(words, " ")
}

// refusalText is why a device cannot be deactivated, with the date from which
// it can where that is known.
func refusalText(p ui.Page, f *fault.Error, s license.Swaps) string {
	if s.NextAt.IsZero() || !strings.HasPrefix(f.Code, "swap") {
		return f.Message
	}
	return f.Message + " The next change is possible on " + p.Exact(s.NextAt) + "."
}

// replace retires the device and leads to the page of the reserved seat. A
// second click leads there again.
func (d *Door) replace(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	wanted, err := pathID(r, "license")
	if err != nil {
		return err
	}
	in := licensing.Replacement{LicenseID: wanted}
	in.Retire, _ = id.Parse(r.PostFormValue("device"))
	in.Attempt, _ = id.Parse(r.PostFormValue("attempt"))
	made, err := d.Licensing.Replace(r.Context(), v.actor, in)
	if fault.Is(err, fault.Conflict) || fault.Is(err, fault.Invalid) {
		return d.showReplace(w, r, v, r.PostFormValue("attempt"), r.PostFormValue("device"), fault.From(err))
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/swaps/"+string(made.ID), http.StatusSeeOther)
	return nil
}

// swapPage is a reserved seat: its code while it is of use, and then what came
// of it.
type swapPage struct {
	ui.Page
	License filteredLicense
	State   string
	Heading string
	Tone    ui.Tone
	Icon    string
	Text    []string
	Code    string
	Copy    ui.Copy
	Steps   []string
	Until   *ui.When
	Left    string
	Release string // address of the form that gives the seat up
	Actions []ui.Link
}

func (d *Door) swapPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	wanted, err := pathID(r, "reservation")
	if err != nil {
		return err
	}
	s, err := d.Licensing.Swap(r.Context(), v.actor, wanted)
	if err != nil {
		return err
	}
	return d.templates.Render(w, http.StatusOK, "swap", d.newSwapPage(r, v, s))
}

func (d *Door) newSwapPage(r *http.Request, v *visit, s licensing.Swap) swapPage {
	home := "/licenses/" + string(s.License.ID)
	p := d.page(r, v, "Reserved seat", "/activations")
	p.Now, p.Path = s.At, "/swaps/"+string(s.Reservation.ID)
	p.Crumbs = []ui.Link{{Label: "My Licenses", Href: "/licenses"}, {Label: s.Product.Name, Href: home}, {Label: "Reserved seat"}}
	page := swapPage{
		Page: p, License: passing(p, s.OneLicense), State: string(s.State), Actions: []ui.Link{{Label: "Back to the license", Href: home, Primary: s.State != license.ReservationOpen}},
	}
	old := s.Retired.DisplayName()
	switch s.State {
	case license.ReservationOpen:
		page.open(p, v, s)
	case license.ReservationUsed:
		page.Tone, page.Icon, page.Heading = ui.ToneGood, "check-circle", s.Arrived.DisplayName()+" took the seat"
		page.Text = []string{fmt.Sprintf("It was activated on %s in place of %s.", p.Exact(s.Reservation.UsedAt), old)}
	case license.ReservationReleased:
		page.Tone, page.Icon, page.Heading = ui.ToneInfo, "info", "The reservation was given up"
		page.Text = []string{fmt.Sprintf("%s was deactivated, and since %s its seat is free for any device.", old, p.Exact(s.Reservation.ReleasedAt))}
	default:
		page.Tone, page.Icon, page.Heading = ui.ToneWarn, "clock", "The reservation is over"
		page.Text = []string{fmt.Sprintf("Nobody took the seat of %s until %s. It is free for the next device that activates, without a code.", old, p.Exact(s.Reservation.ExpiresAt))}
	}
	return page
}

// open fills in how to take the seat and how long it is kept.
func (page *swapPage) open(p ui.Page, v *visit, s licensing.Swap) {
	until := p.Date(s.Reservation.ExpiresAt)
	until.Text = until.Exact
	page.Until, page.Left = &until, timeLeft(s.Reservation.ExpiresAt, p.Now)
	page.Tone, page.Icon, page.Heading = ui.ToneGood, "shield-check", "The seat is reserved"
	page.Text = []string{s.Retired.DisplayName() + " was deactivated. Nobody else gets its seat before the time is over."}
	if v.signed.Role.MayManage() {
		page.Release = p.Path + "/release"
	}
	name := s.Reservation.DisplayName()
	switch {
	case !s.Reservation.ByCode():
		page.Heading = "The seat is reserved for " + name
		page.Steps = []string{"Open the software on " + name + ".", "Activate again with the license key. No code is needed."}
	case s.Reservation.Dead():
		page.Tone, page.Icon, page.Heading = ui.ToneWarn, "warning", "The claim code is no longer accepted"
		page.Text = []string{"Too many wrong codes were tried. Give the reservation up to make the seat free at once, or wait until its time is over."}
	case s.Code == "":
		page.Steps = []string{"Your role does not include the claim code. Ask the owner of the account for it."}
	default:
		page.Code, page.Copy = s.Code, ui.Copy{Target: "claim-code", Label: "claim code", Done: "Claim code copied"}
		page.Steps = []string{"Open the software on the new device.", "Enter the license key, and this claim code with it.", "The device takes the seat at once; the code then cannot be used again."}
	}
}

// release gives the reservation up. A second click changes nothing.
func (d *Door) release(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	wanted, err := pathID(r, "reservation")
	if err != nil {
		return err
	}
	if err := d.Licensing.Release(r.Context(), v.actor, wanted); err != nil {
		return err
	}
	http.Redirect(w, r, "/swaps/"+string(wanted), http.StatusSeeOther)
	return nil
}

// deactivateAllPage asks, with a word to type, before all devices of a license
// are deactivated.
type deactivateAllPage struct {
	ui.Page
	Problems ui.Problems
	License  filteredLicense
	Lede     string
	Policy   string
	Names    []string
	More     int
	Refused  *ui.Notice
	Done     *ui.Notice
	Action   string
	Confirm  ui.Field
	Back     string
}

// namedDevices bounds the devices that the question names.
const namedDevices = 12

func (d *Door) deactivateAllPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	return d.showDeactivateAll(w, r, v, nil)
}

func (d *Door) showDeactivateAll(w http.ResponseWriter, r *http.Request, v *visit, wrong *fault.Error) error {
	wanted, err := pathID(r, "license")
	if err != nil {
		return err
	}
	all, err := d.Licensing.AllDevices(r.Context(), v.actor, wanted)
	if err != nil {
		return err
	}
	page, status := d.newDeactivateAllPage(r, v, all), http.StatusOK
	if wrong != nil {
		page.Problems, status = problemsOf(wrong), httpx.StatusOf(wrong)
		page.Confirm.Value, page.Confirm.Error = ui.Shorten(r.PostFormValue("confirm"), account.MaxName), fieldMessage(wrong, "confirm")
	}
	return d.templates.Render(w, status, "deactivate-all", page)
}

func (d *Door) newDeactivateAllPage(r *http.Request, v *visit, all licensing.AllDevices) deactivateAllPage {
	home := "/licenses/" + string(all.License.ID)
	p := d.page(r, v, "Deactivate all devices", "/activations")
	p.Path = home + "/deactivate-all"
	p.Crumbs = []ui.Link{{Label: "My Licenses", Href: "/licenses"}, {Label: all.Product.Name, Href: home}, {Label: "Deactivate all devices"}}
	n := len(all.Devices)
	page := deactivateAllPage{
		Page: p, License: passing(p, all.OneLicense), Action: p.Path, Back: home, Refused: notAll(p, v, all), More: max(0, n-namedDevices),
		Lede: fmt.Sprintf("%s of %s are deactivated at once, and their seats are free. The software on them stops validating the next time it connects; what works offline learns of this only then.", ui.Plural(n, "device", "devices"), all.Product.Name),
		Confirm: ui.Field{
			Name: "confirm", Label: fmt.Sprintf("Type %d or %s to confirm", n, all.Product.Name), Required: true, Autocomplete: "off", MaxLength: account.MaxName,
		},
	}
	if page.Policy = swapWords(p, all.Swaps); page.Policy != "" {
		page.Policy = "Each device counts as one change. " + page.Policy
	}
	for _, a := range all.Devices[:n-page.More] {
		page.Names = append(page.Names, a.DisplayName())
	}
	if n == 0 {
		page.Done = &ui.Notice{Tone: ui.ToneInfo, Title: "No device is activated.", Text: "All seats of this license are free. Devices come back by activating again in the software."}
	}
	return page
}

func notAll(p ui.Page, v *visit, all licensing.AllDevices) *ui.Notice {
	n := &ui.Notice{Tone: ui.ToneWarn, Title: "The devices cannot be deactivated here."}
	switch {
	case all.Refusal != nil:
		n.Text = refusalText(p, all.Refusal, all.Swaps) + " " + all.Refusal.Next
	case !v.signed.Role.MayManage():
		n.Text = "Your role does not include deactivating devices. Ask the owner of the account."
	default:
		return nil
	}
	return n
}

// deactivateAll frees all seats. Afterwards the page says that none is taken,
// as often as it is asked.
func (d *Door) deactivateAll(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	wanted, err := pathID(r, "license")
	if err != nil {
		return err
	}
	_, err = d.Licensing.FreeAll(r.Context(), v.actor, wanted, r.PostFormValue("confirm"))
	if fault.Is(err, fault.Conflict) || fault.Is(err, fault.Invalid) {
		return d.showDeactivateAll(w, r, v, fault.From(err))
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/licenses/"+string(wanted)+"/deactivate-all", http.StatusSeeOther)
	return nil
}
