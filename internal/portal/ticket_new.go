package portal

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/app/support"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/ticket"
	"github.com/keyward/keyward/internal/ui"
	"github.com/keyward/keyward/verdict"
)

// newTicketPage is the form for a new ticket.
type newTicketPage struct {
	ui.Page
	Problems    ui.Problems
	Refused     *ui.Notice // why the reader cannot write
	Form        string     // makes one ticket of a form that is sent twice
	Subject     ui.Field
	Category    ui.Field
	Priority    ui.Field
	Description ui.Field
	License     ui.Field
	Finder      *ui.Field // for owners of more licenses than are offered
	Files       *filesField
	Help        []suggestion
	Promises    []promise
	Hours       string
}

// filesField is the input for attachments.
type filesField struct {
	Hint, Error, Accept string
}

// DescribedBy lists the ids of the hint and the error.
func (f filesField) DescribedBy() string {
	if f.Error != "" {
		return "files-error files-hint"
	}
	return "files-hint"
}

// suggestion is what often helps sooner than a ticket (P-TIC-14).
type suggestion struct {
	Code   string // of the verdict it is for
	Title  string
	Text   string
	Action ui.Link
	Match  bool // it is what the chosen license needs
}

// promise is a priority with when to choose it and how soon it is answered.
type promise struct{ Name, Guidance, Target string }

// offered is how many licenses the form offers without searching.
const offered = licensing.PageSize

// wish is the form as it was filled in.
type wish struct {
	subject, category, priority, description, license, find, form string
}

func wishOf(v url.Values) wish {
	return wish{
		subject: v.Get("subject"), category: v.Get("category"), priority: v.Get("priority"), description: v.Get("description"),
		license: v.Get("license"), find: v.Get("find"), form: v.Get("form"),
	}
}

func (d *Door) newTicket(w http.ResponseWriter, r *http.Request, v *visit) error {
	q := r.URL.Query()
	in := wish{license: q.Get("license"), subject: ui.Shorten(q.Get("subject"), ticket.MaxSubject), priority: string(ticket.Normal), form: string(id.New())}
	if in.license != "" {
		wanted, err := id.Parse(in.license)
		if err != nil {
			return fault.Missing("license")
		}
		if _, err := d.Licensing.Detail(r.Context(), v.actor, wanted); err != nil {
			return err
		}
		in.category = d.licenseCategory()
	}
	return d.showNewTicket(w, r, v, in, http.StatusOK, nil)
}

// licenseCategory is the category that is about licenses, where there is one.
func (d *Door) licenseCategory() string {
	const code = "license_issues"
	if slices.ContainsFunc(d.Support.Categories, func(c ticket.Category) bool { return c.Code == code }) {
		return code
	}
	return ""
}

func (d *Door) openTicket(w http.ResponseWriter, r *http.Request, v *visit) error {
	sent, err := d.readLetter(w, r)
	if err != nil {
		return err
	}
	in := wishOf(sent.values)
	if sent.values.Get("action") == "find" {
		return d.showNewTicket(w, r, v, in, http.StatusOK, nil)
	}
	made, err := d.Support.Create(r.Context(), v.actor, support.Question{
		Subject: in.subject, Category: in.category, Priority: ticket.Priority(in.priority), Description: in.description,
		LicenseID: parsedID(in.license), Files: sent.files, Form: in.form,
	})
	if fault.Is(err, fault.Invalid) {
		return d.showNewTicket(w, r, v, in, httpx.StatusOf(fault.From(err)), fault.From(err))
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/tickets/"+string(made.ID)+"?done=created", http.StatusSeeOther)
	return nil
}

// parsedID keeps what is no id as something that is nobody's.
func parsedID(s string) id.ID {
	if s == "" {
		return ""
	}
	wanted, err := id.Parse(s)
	if err != nil {
		return "none"
	}
	return wanted
}

func (d *Door) showNewTicket(w http.ResponseWriter, r *http.Request, v *visit, in wish, status int, f *fault.Error) error {
	p := d.page(r, v, "New ticket", "/tickets")
	p.Path = "/tickets/new"
	p.Crumbs = []ui.Link{{Label: "Tickets", Href: "/tickets"}, {Label: "New ticket"}}
	page := newTicketPage{Page: p, Form: in.form, Promises: promises(), Hours: d.hoursText(p), Category: ui.Field{
		Name: "category", Label: "Category", Value: in.category, Required: true, Options: d.categoryOptions("Choose a category"),
	}}
	page.Subject = ui.Field{Name: "subject", Label: "Subject", Value: in.subject, Required: true, MaxLength: ticket.MaxSubject, Autofocus: f == nil}
	page.Priority = ui.Field{Name: "priority", Label: "Priority", Value: in.priority, Required: true, Options: priorityOptions()}
	page.Description = ui.Field{
		Name: "description", Label: "Description", Value: in.description, Rows: 10, Required: true, MaxLength: ticket.MaxBody,
		Hint: "What did you do, what happened, and what did you expect? A license key of yours is recognized and masked.",
	}
	if !v.signed.Role.MayManage() {
		page.Refused = &ui.Notice{Tone: ui.ToneWarn, Text: "Your role does not include writing to support. Ask the owner of the account."}
	}
	if !d.Support.NoFiles {
		page.Files = newFilesField()
	}
	if err := d.offerLicenses(r, v, in, &page); err != nil {
		return err
	}
	page.refuse(f)
	return d.templates.Render(w, status, "ticket_new", page)
}

// refuse fills in what is wrong.
func (p *newTicketPage) refuse(f *fault.Error) {
	if f == nil {
		return
	}
	p.Problems = problemsOf(f)
	for name, field := range map[string]*ui.Field{
		"subject": &p.Subject, "category": &p.Category, "priority": &p.Priority, "description": &p.Description, "license": &p.License,
	} {
		field.Error = fieldMessage(f, name)
	}
	if p.Files != nil {
		p.Files.refuse(f)
	}
}

func newFilesField() *filesField {
	return &filesField{
		Accept: ticket.Accepts,
		Hint:   fmt.Sprintf("At most %d files of up to 10 MB each: %s.", ticket.MaxFiles, ticket.FileKinds),
	}
}

// refuse says what is wrong; browsers forget the files of a form that comes
// back.
func (f *filesField) refuse(because *fault.Error) {
	f.Error = fieldMessage(because, "files")
	if f.Error == "" {
		f.Hint += " If you had chosen files, choose them again."
	}
}

// offerLicenses offers the reader's own licenses, searched for where there are
// many, and what often helps with the chosen one.
func (d *Door) offerLicenses(r *http.Request, v *visit, in wish, page *newTicketPage) error {
	list, err := d.Licensing.List(r.Context(), v.actor, licensing.ListQuery{Search: in.find, Desc: true})
	if err != nil {
		return err
	}
	page.License = ui.Field{Name: "license", Label: "Affected license", Optional: true, Value: in.license, Options: []ui.Option{{Value: "", Label: "None"}}}
	var chosen *licensing.Detail
	if wanted := parsedID(in.license); wanted != "" && wanted != "none" {
		det, err := d.Licensing.Detail(r.Context(), v.actor, wanted)
		if err == nil {
			chosen = &det
			page.License.Options = append(page.License.Options, licenseOption(det.License, det.Product.Name, page.Now))
		} else if !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	for _, o := range list.Rows {
		if chosen == nil || o.License.ID != chosen.License.ID {
			page.License.Options = append(page.License.Options, licenseOption(o.License, o.ProductName, page.Now))
		}
	}
	if list.Owned > offered || in.find != "" {
		page.Finder = &ui.Field{Name: "find", Label: "Find a license", Value: in.find, MaxLength: licensing.MaxSearch, Autocomplete: "off", Placeholder: "Product or part of the key"}
		page.License.Hint = findHint(in.find, list)
	}
	page.Help = suggestions(chosen)
	return nil
}

func findHint(find string, list licensing.List) string {
	if find == "" {
		return fmt.Sprintf("The newest %d of %d licenses. Find others with the search.", len(list.Rows), list.Owned)
	}
	return ui.Plural(list.Total, "license matches", "licenses match") + " the search."
}

func licenseOption(l license.License, product string, now time.Time) ui.Option {
	return ui.Option{Value: string(l.ID), Label: product + " · " + l.Plan + " · " + id.Brief(l.Mask) + " · " + environmentWord(l.Environment) + " · " + statusWord(l.Status(now))}
}

func priorityOptions() []ui.Option {
	var options []ui.Option
	for _, p := range ticket.Priorities() {
		options = append(options, ui.Option{Value: string(p), Label: priorityWord(p) + " – answered within " + p.Promise().Target})
	}
	return options
}

func promises() []promise {
	var list []promise
	for _, p := range ticket.Priorities() {
		list = append(list, promise{priorityWord(p), p.Promise().Guidance, "First answer within " + p.Promise().Target})
	}
	return list
}

// hoursText is when the desk works, in the reader's zone (P-TIC-08).
func (d *Door) hoursText(p ui.Page) string {
	opens, closes := d.Support.Hours.On(p.Now)
	zone := p.Zone
	if zone == nil {
		zone = d.Support.Hours.Zone
	}
	return "Business hours are Monday to Friday, " + opens.In(zone).Format("15:04") + " to " + closes.In(zone).Format("15:04 MST") + ", your time."
}

// suggestions puts first what the chosen license needs.
func suggestions(chosen *licensing.Detail) []suggestion {
	only := ""
	if chosen != nil {
		only = "?license=" + string(chosen.License.ID)
	}
	list := []suggestion{
		{string(verdict.LimitReached), "Activation limit reached?", "Free the seat of a device you no longer use. The next device can be activated at once.", ui.Link{Label: "Manage activations", Href: "/activations" + only}, false},
		{string(verdict.Expired), "License expired?", "See when it ended and renew it there; the software works again right after.", ui.Link{Label: "Go to My Licenses", Href: "/licenses?status=expired"}, false},
		{string(verdict.KeyUnknown), "Key not accepted?", "Copy the key again with the copy button instead of typing it: O and 0, or I and 1, are easily mixed up.", ui.Link{Label: "Copy the key", Href: "/licenses"}, false},
		{string(verdict.ProductMismatch), "Product not found?", "The software asks for another product than the license is for. Check the product and the environment that its integration names.", ui.Link{Label: "Check the license", Href: "/licenses"}, false},
	}
	if chosen == nil {
		return list
	}
	for i := range list {
		if list[i].Code == string(verdict.KeyUnknown) || list[i].Code == string(verdict.ProductMismatch) {
			list[i].Action.Href = "/licenses/" + string(chosen.License.ID)
		}
		list[i].Match = list[i].Code == string(chosen.Use.Code) || list[i].Code == string(chosen.AddDevice.Code)
	}
	slices.SortStableFunc(list, func(a, b suggestion) int {
		switch {
		case a.Match == b.Match:
			return 0
		case a.Match:
			return -1
		}
		return 1
	})
	return list
}
