package portal

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/ui"
	"github.com/keyward/keyward/verdict"
)

func (d *Door) offlineRoutes() httpx.Routes {
	return httpx.Routes{
		{Pattern: "GET /licenses/{id}/offline", Access: httpx.SignedIn, Handler: d.visiting(d.offline)},
		{Pattern: "POST /licenses/{id}/offline/review", Access: httpx.SignedIn, Handler: d.visiting(d.reviewOffline)},
		{Pattern: "POST /licenses/{id}/offline", Access: httpx.SignedIn, Handler: d.visiting(d.issueOffline)},
		{Pattern: "GET /licenses/{id}/offline/{file}", Access: httpx.SignedIn, Handler: d.visiting(d.offlineReturnPage)},
		{Pattern: "POST /licenses/{id}/offline/{file}", Access: httpx.SignedIn, Handler: d.visiting(d.returnOffline)},
		{Pattern: "GET /licenses/{id}/offline/{file}/download", Access: httpx.SignedIn, Handler: d.visiting(d.downloadOffline)},
	}
}

// offlinePage is where a device that never connects gets its license
// (P-LICD-18).
type offlinePage struct {
	ui.Page
	Product, Mask string
	Environment   string
	Usage         ui.Usage
	Lede, Limits  string
	Problems      ui.Problems
	Refused       *ui.Notice
	Action        string
	Request       ui.Field
	Issued        *issuedFile
	Files         []offlineRow
}

// issuedFile is a file that was just issued.
type issuedFile struct{ Device, Href string }

// offlineRow is one file of the list.
type offlineRow struct {
	Device, Identifier, Icon string
	Badge                    ui.Badge
	Issued, Until            ui.When
	Note                     string
	Download, Return         string
}

func (d *Door) offline(w http.ResponseWriter, r *http.Request, v *visit) error {
	return d.showOffline(w, r, v, "", nil)
}

// showOffline renders the page; a request that could not be read comes back
// with what is wrong.
func (d *Door) showOffline(w http.ResponseWriter, r *http.Request, v *visit, text string, problem *fault.Error) error {
	wanted, err := pathID(r, "license")
	if err != nil {
		return err
	}
	list, err := d.Licensing.OfflineFiles(r.Context(), v.actor, wanted)
	if err != nil {
		return err
	}
	page := d.newOfflinePage(r, v, list)
	status := http.StatusOK
	if problem != nil {
		status = httpx.StatusOf(problem)
		page.Problems, page.Request.Error, page.Request.Value = problemsOf(problem), fieldMessage(problem, "request"), text
	}
	return d.templates.Render(w, status, "offline", page)
}

func (d *Door) newOfflinePage(r *http.Request, v *visit, list licensing.OfflineList) offlinePage {
	l := list.License
	base := "/licenses/" + string(l.ID)
	p := d.page(r, v, "Offline license file", "/licenses")
	p.Now, p.Path = list.At, base+"/offline"
	p.Crumbs = []ui.Link{{Label: "My Licenses", Href: "/licenses"}, {Label: list.Product.Name, Href: base}, {Label: "Offline license file"}}
	page := offlinePage{
		Page: p, Product: list.Product.Name, Mask: id.Brief(l.Mask), Environment: environmentWord(l.Environment), Usage: usageOf(l, list.Used, list.Reserved, p.Now), Action: base + "/offline/review",
		Limits: fmt.Sprintf("A file lasts %s and never longer than the license. %d of %s in use.",
			ui.Plural(int(list.Policy.ValidFor.Hours()/24), "day", "days"), list.Out, ui.Plural(list.Policy.Files, "file", "files")),
		Request: ui.Field{Name: "request", Label: "Request text", Rows: 5, Code: true, Optional: true, MaxLength: 4096,
			Hint: "Paste what the software shows, or what a scanner reads from its QR code."},
		Refused: offlineRefused(v, list),
	}
	for _, f := range list.Files {
		page.Files = append(page.Files, newOfflineRow(p, v, base, f))
	}
	for _, f := range list.Files {
		if string(f.ID) == r.URL.Query().Get("issued") && f.State(p.Now) == license.FileOut && v.signed.Role.MayManage() {
			page.Issued = &issuedFile{f.Activation.DisplayName(), base + "/offline/" + string(f.ID) + "/download"}
		}
		if string(f.ID) == r.URL.Query().Get("returned") && !f.ReturnedAt.IsZero() {
			page.Flash = []ui.Flash{{Tone: ui.ToneGood, Text: "The offline file of " + f.Activation.DisplayName() + " was taken back and its seat is free."}}
		}
	}
	return page
}

// offlineRefused says why no file can be had at the moment.
func offlineRefused(v *visit, list licensing.OfflineList) *ui.Notice {
	switch {
	case !v.signed.Role.MayManage():
		return &ui.Notice{Tone: ui.ToneInfo, Text: "Your role does not include offline files. Ask the owner of the account."}
	case list.Verdict.Code == verdict.LimitReached:
		return &ui.Notice{Tone: ui.ToneWarn, Title: "All activations are in use.",
			Text: "A device that has its seat can still get a file. For another one, deactivate a device first."}
	case list.Verdict.Code == verdict.OfflineNotAllowed && list.Product.OfflineAllowed:
		return &ui.Notice{Tone: ui.ToneWarn, Title: "All offline files are in use.",
			Text: "A device that has a file can still get a newer one. For another device, take a file back first."}
	case !list.Verdict.Valid:
		words := verdict.Describe(list.Verdict.Code)
		return &ui.Notice{Tone: ui.ToneWarn, Title: words.Title + ".", Text: words.Customer}
	}
	return nil
}

func newOfflineRow(p ui.Page, v *visit, base string, f license.OfflineFile) offlineRow {
	a, state := f.Activation, f.State(p.Now)
	row := offlineRow{
		Device: a.DisplayName(), Identifier: a.Identifier, Icon: deviceIcon(a.Kind, a.Platform),
		Issued: p.Date(f.IssuedAt), Until: p.Date(f.ValidUntil),
	}
	row.Badge, row.Note = fileWords(state, f)
	if !v.signed.Role.MayManage() {
		return row
	}
	address := base + "/offline/" + string(f.ID)
	if state == license.FileOut {
		row.Download = address + "/download"
	}
	if state == license.FileOut || state == license.FileGone {
		row.Return = address
	}
	return row
}

// fileWords name the state of a file and say what it means.
func fileWords(state license.FileState, f license.OfflineFile) (ui.Badge, string) {
	switch state {
	case license.FileOut:
		if !f.Activation.EndedAt.IsZero() {
			return ui.NewBadge("suspended", "Seat given up"), "The device was deactivated. The file works on it until its end."
		}
		return ui.NewBadge("active", "In use"), ""
	case license.FileGone:
		return ui.NewBadge("suspended", "Lost"), "It counts until its end, because it works until then."
	case license.FileEnded:
		return ui.NewBadge("expired", "Ended"), "Make a new request on the device to go on."
	}
	if f.ReturnReason == license.FileSuperseded {
		return ui.NewBadge("deactivated", "Replaced"), "The device has a newer file."
	}
	return ui.NewBadge("deactivated", "Returned"), ""
}

// requestText reads a request that was pasted, or uploaded as a file.
func requestText(r *http.Request) (string, error) {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "multipart/form-data" {
		err := httpx.ParseForm(r, maxForm)
		return r.PostFormValue("request"), err
	}
	if err := r.ParseMultipartForm(maxForm); err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return "", fault.Wrap(fault.TooLarge, "too_large", "This file is too large for a request.", err)
		}
		return "", fault.Wrap(fault.Invalid, "malformed_form", "The form did not arrive whole.", err)
	}
	defer r.MultipartForm.RemoveAll()
	file, _, err := r.FormFile("file")
	if err != nil {
		return r.PostFormValue("request"), nil
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxForm))
	if text := string(content); err == nil && strings.TrimSpace(text) != "" {
		return strings.ToValidUTF8(text, "\uFFFD"), nil
	}
	return r.PostFormValue("request"), err
}

// offlineReviewPage says in plain words what is in a request, and what issuing
// a file means.
type offlineReviewPage struct {
	ui.Page
	Device  string
	Facts   []fact
	Refused *ui.Notice
	Text    []string
	Action  string
	Request string
	Back    string
}

func (d *Door) reviewOffline(w http.ResponseWriter, r *http.Request, v *visit) error {
	text, err := requestText(r)
	if err != nil {
		return err
	}
	if strings.TrimSpace(text) == "" {
		return d.showOffline(w, r, v, "", fault.New(fault.Invalid, "invalid_input", "There is no request yet.").
			WithField("request", "Choose the request file that the software made, or paste its text."))
	}
	wanted, err := pathID(r, "license")
	if err != nil {
		return err
	}
	wish, err := d.Licensing.ReadOffline(r.Context(), v.actor, wanted, text)
	if fault.Is(err, fault.Invalid) {
		return d.showOffline(w, r, v, ui.Shorten(text, 4096), fault.From(err))
	}
	if err != nil {
		return err
	}
	return d.templates.Render(w, http.StatusOK, "offline-review", d.newOfflineReview(r, v, wish, text))
}

func (d *Door) newOfflineReview(r *http.Request, v *visit, wish licensing.OfflineWish, text string) offlineReviewPage {
	base := "/licenses/" + string(wish.License.ID)
	device := license.Activation{Name: wish.Device.Name, Identifier: wish.Device.Identifier}.DisplayName()
	p := d.page(r, v, "Issue an offline file", "/licenses")
	p.Path = base + "/offline"
	p.Crumbs = []ui.Link{{Label: "My Licenses", Href: "/licenses"}, {Label: wish.Product.Name, Href: base},
		{Label: "Offline license file", Href: base + "/offline"}, {Label: "Request"}}
	made, until := p.Date(wish.MadeAt), p.Date(wish.ValidUntil)
	page := offlineReviewPage{Page: p, Device: device, Action: base + "/offline", Request: text, Back: base + "/offline", Facts: []fact{
		{Name: "Device", Value: device}, {Name: "Identifier", Value: wish.Device.Identifier}, {Name: "Kind", Value: kindWord(wish.Device.Kind)},
		{Name: "Platform", Value: orDash(wish.Device.Platform)}, {Name: "Version", Value: orDash(wish.Version)},
		{Name: "Request made", When: &made}, {Name: "License", Value: wish.Product.Name + " " + id.Brief(wish.License.Mask)},
	}}
	if !wish.Verdict.Valid {
		words := verdict.Describe(wish.Verdict.Code)
		page.Refused = &ui.Notice{Tone: ui.ToneWarn, Title: words.Title + ".", Text: words.Customer}
		return page
	}
	page.Facts = append(page.Facts, fact{Name: "File lasts until", When: &until})
	page.Text = reviewText(wish, device)
	return page
}

func reviewText(wish licensing.OfflineWish, device string) []string {
	seat := device + " takes a seat of this license, like a device that activates online."
	if wish.Held {
		seat = device + " has its seat already; it takes no other. A file it had before is replaced."
	}
	return []string{seat, "The file works on this device only, without a network, until its end. It cannot be called back from there before."}
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// issueOffline answers with the page that offers the file. A second click or a
// reload leads to the same file.
func (d *Door) issueOffline(w http.ResponseWriter, r *http.Request, v *visit) error {
	text, err := requestText(r)
	if err != nil {
		return err
	}
	wanted, err := pathID(r, "license")
	if err != nil {
		return err
	}
	file, err := d.Licensing.IssueOffline(r.Context(), v.actor, wanted, text)
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
		return d.showOffline(w, r, v, ui.Shorten(text, 4096), fault.From(err))
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/licenses/"+string(wanted)+"/offline?issued="+string(file.ID), http.StatusSeeOther)
	return nil
}

// fileID is the id of a file in a page's address.
func fileID(r *http.Request) (id.ID, error) {
	wanted, err := id.Parse(r.PathValue("file"))
	if err != nil {
		return "", fault.Missing("offline file")
	}
	return wanted, nil
}

func (d *Door) downloadOffline(w http.ResponseWriter, r *http.Request, v *visit) error {
	wanted, err := pathID(r, "license")
	if err != nil {
		return err
	}
	file, err := fileID(r)
	if err != nil {
		return err
	}
	text, err := d.Licensing.OfflineText(r.Context(), v.actor, wanted, file)
	if err != nil {
		return err
	}
	name := text.Product.Slug + "-" + string(file)[len(file)-8:] + ".lic"
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	_, err = io.WriteString(w, text.Text)
	return err
}

// offlineReturnPage asks how a file comes back, and says what each way means.
type offlineReturnPage struct {
	ui.Page
	Device   string
	Problems ui.Problems
	Code     ui.Field
	Action   string
	Back     string
	Lost     *ui.Confirm
	Refused  *ui.Notice
}

func (d *Door) offlineReturnPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	return d.askReturn(w, r, v, nil)
}

func (d *Door) askReturn(w http.ResponseWriter, r *http.Request, v *visit, problem *fault.Error) error {
	wanted, err := pathID(r, "license")
	if err != nil {
		return err
	}
	file, err := fileID(r)
	if err != nil {
		return err
	}
	one, f, err := d.Licensing.OfflineFile(r.Context(), v.actor, wanted, file)
	if err != nil {
		return err
	}
	page := d.newReturnPage(r, v, one, f)
	status := http.StatusOK
	if problem != nil {
		status = httpx.StatusOf(problem)
		page.Problems, page.Code.Error, page.Code.Value = problemsOf(problem), fieldMessage(problem, "code"), ui.Shorten(r.PostFormValue("code"), 40)
	}
	return d.templates.Render(w, status, "offline-return", page)
}

func (d *Door) newReturnPage(r *http.Request, v *visit, one licensing.OneLicense, f license.OfflineFile) offlineReturnPage {
	base := "/licenses/" + string(one.License.ID)
	device := f.Activation.DisplayName()
	p := d.page(r, v, "Take back an offline file", "/licenses")
	p.Crumbs = []ui.Link{{Label: "My Licenses", Href: "/licenses"}, {Label: one.Product.Name, Href: base},
		{Label: "Offline license file", Href: base + "/offline"}, {Label: device}}
	page := offlineReturnPage{Page: p, Device: device, Action: base + "/offline/" + string(f.ID), Back: base + "/offline", Code: ui.Field{
		Name: "code", Label: "Return code", Required: true, Code: true, MaxLength: 40, Autocomplete: "off", Placeholder: "XXXX-XXXX-XXXX",
		Hint: "The software shows it after it has removed the file. Its seat is free at once.",
	}}
	switch state := f.State(p.Now); {
	case !v.signed.Role.MayManage():
		page.Refused = &ui.Notice{Tone: ui.ToneInfo, Text: "Your role does not include offline files. Ask the owner of the account."}
	case state == license.FileBack:
		page.Refused = &ui.Notice{Tone: ui.ToneInfo, Title: "Taken back already.", Text: "This file is no longer in use."}
	case state != license.FileGone:
		page.Lost = &ui.Confirm{
			ID: "lost", Title: "The device is lost or broken?", Danger: true, Submit: "Declare lost", Action: page.Action, Hidden: []ui.Hidden{{Name: "lost", Value: "yes"}},
			Text: []string{"Its seat is free at once. The file cannot be called back: where it still exists, it works until " + p.Date(f.ValidUntil).Text +
				", and until then it counts among the files in use."},
		}
	}
	return page
}

// returnOffline takes a file back. A second click or a reload reports the same.
func (d *Door) returnOffline(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	wanted, err := pathID(r, "license")
	if err != nil {
		return err
	}
	file, err := fileID(r)
	if err != nil {
		return err
	}
	how := licensing.OfflineReturn{Code: r.PostFormValue("code"), Lost: r.PostFormValue("lost") == "yes"}
	_, err = d.Licensing.ReturnOffline(r.Context(), v.actor, wanted, file, how)
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
		return d.askReturn(w, r, v, fault.From(err))
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/licenses/"+string(wanted)+"/offline?returned="+string(file), http.StatusSeeOther)
	return nil
}
