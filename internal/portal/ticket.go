package portal

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/support"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/ticket"
	"github.com/keyward/keyward/internal/ui"
	"github.com/keyward/keyward/verdict"
)

// ticketPage is one ticket.
type ticketPage struct {
	ui.Page
	Name, Subject, Priority, Category string
	Badge                             ui.Badge
	Waits                             *ui.Notice // what happens next
	Problems                          ui.Problems
	Posts                             []postView
	Reply                             *messageForm
	Reopen                            *messageForm
	Solve                             string // address, or "" when it cannot be marked as solved
	Rate                              *rateForm
	Facts                             []fact
	Mentions                          []mentionView
	Timeline                          []ui.TimelineItem
}

// postView is one message of the thread.
type postView struct {
	ID, Side, Author, Body, Mark string
	ByMail                       bool
	When                         ui.When
	Files                        []fileView
}

// fileView is an attachment to download.
type fileView struct{ Href, Name, Size string }

// messageForm is a form for a message of the customer.
type messageForm struct {
	Action, Form, Submit string
	Text                 ui.Field
	Files                *filesField
}

// rateForm asks how it went.
type rateForm struct {
	Action string
	Marks  []mark
	Rated  string
}

// mark is one choice of a rating.
type mark struct {
	ID, Value, Label string
	Chosen           bool
}

// mentionView is a license that the ticket speaks of: now, and how it stood
// (P-TIC-28).
type mentionView struct {
	Href, Activations, Product, Plan, Mask, Environment string
	Badge                                               ui.Badge
	Usage                                               ui.Usage
	Expiry                                              expiry
	Then                                                []fact
}

func (d *Door) ticket(w http.ResponseWriter, r *http.Request, v *visit) error {
	return d.showTicket(w, r, v, http.StatusOK, "", "", nil)
}

// showTicket renders a ticket; field, typed and f are a message that was
// refused.
func (d *Door) showTicket(w http.ResponseWriter, r *http.Request, v *visit, status int, field, typed string, f *fault.Error) error {
	wanted, err := pathID(r, "ticket")
	if err != nil {
		return err
	}
	th, err := d.Support.Thread(r.Context(), v.actor, wanted)
	if err != nil {
		return err
	}
	if th.Ticket.MergedInto != "" && r.Method == http.MethodGet { // P-TIC-32
		http.Redirect(w, r, "/tickets/"+string(th.Ticket.MergedInto)+"?merged="+th.Ticket.Name(), http.StatusSeeOther)
		return nil
	}
	page := d.newTicketPage(r, v, th)
	page.refuse(field, typed, f)
	return d.templates.Render(w, status, "ticket", page)
}

func (d *Door) newTicketPage(r *http.Request, v *visit, th support.Thread) ticketPage {
	t := th.Ticket
	p := d.page(r, v, t.Name(), "/tickets")
	p.Now, p.Path = th.At, "/tickets/"+string(t.ID)
	p.Crumbs = []ui.Link{{Label: "Tickets", Href: "/tickets"}, {Label: t.Name()}}
	p.Flash = ticketFlash(r)
	page := ticketPage{
		Page: p, Name: t.Name(), Subject: t.Subject, Priority: priorityWord(t.Priority), Category: d.Support.CategoryLabel(t.Category),
		Badge: ticketBadge(t.Status), Facts: d.ticketFacts(p, th), Timeline: ticketTimeline(p, v, th), Waits: d.whatNext(th),
	}
	for _, post := range th.Posts {
		page.Posts = append(page.Posts, newPostView(p, v, post))
	}
	for _, m := range th.Mentions {
		page.Mentions = append(page.Mentions, newMentionView(p, m))
	}
	if v.signed.Role.MayManage() && t.MergedInto == "" {
		d.addTicketForms(&page, th)
	}
	return page
}

// addTicketForms offers what the ticket's state allows.
func (d *Door) addTicketForms(page *ticketPage, th support.Thread) {
	t := th.Ticket
	form := messageForm{Form: string(id.New())}
	if !d.Support.NoFiles && th.Files < ticket.MaxFiles {
		form.Files = newFilesField()
	}
	switch {
	case t.Status != ticket.Closed:
		form.Action, form.Submit = page.Path+"/reply", "Send Reply"
		form.Text = ui.Field{Name: "reply", Label: "Your reply", Rows: 6, Required: true, MaxLength: ticket.MaxBody}
		page.Reply = &form
		if t.Status != ticket.Resolved {
			page.Solve = page.Path + "/solve"
		}
	case th.Reopen == nil:
		form.Action, form.Submit = page.Path+"/reopen", "Reopen"
		form.Text = ui.Field{Name: "happened", Label: "What happened?", Rows: 4, Required: true, MaxLength: ticket.MaxBody}
		page.Reopen = &form
	}
	if t.Status == ticket.Resolved || t.Status == ticket.Closed {
		page.Rate = &rateForm{Action: page.Path + "/rating", Marks: marks(t.Rating)}
		if t.Rating > 0 {
			page.Rate.Rated = "Thank you. You can change your rating."
		}
	}
}

func marks(chosen int) []mark {
	var list []mark
	for i, word := range []string{"Very unhappy", "Unhappy", "Neither", "Happy", "Very happy"} {
		list = append(list, mark{"rate-" + strings.ToLower(strings.ReplaceAll(word, " ", "-")), strconv.Itoa(i + 1), word, chosen == i+1})
	}
	return list
}

// refuse fills in what is wrong with a message, which comes back as typed.
func (p *ticketPage) refuse(field, typed string, f *fault.Error) {
	if f == nil {
		return
	}
	p.Problems = problemsOf(f)
	for _, form := range []*messageForm{p.Reply, p.Reopen} {
		if form == nil || form.Text.Name != field {
			continue
		}
		form.Text.Value, form.Text.Error = typed, fieldMessage(f, field)
		if form.Files != nil {
			form.Files.refuse(f)
		}
	}
}

func newPostView(p ui.Page, v *visit, post ticket.Post) postView {
	view := postView{ID: string(post.ID), Side: string(post.Side), Author: post.Author, Body: post.Body, ByMail: post.ByMail, When: p.Since(post.At)}
	switch {
	case post.Side != ticket.CustomerSide:
		view.Author = "Support"
	case post.AuthorID == v.actor.ID:
		view.Author = "You"
	}
	view.Mark = ui.Initials(view.Author)
	for _, f := range post.Files {
		view.Files = append(view.Files, fileView{"/attachments/" + string(f.ID), f.Name, fileSize(f.Size)})
	}
	return view
}

func fileSize(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%d KB", (n+1<<9)>>10)
	}
	return ui.Plural(int(n), "byte", "bytes")
}

func newMentionView(p ui.Page, m support.Mentioned) mentionView {
	l := m.Now.License
	return mentionView{
		Href: "/licenses/" + string(l.ID), Activations: "/activations?license=" + string(l.ID),
		Product: m.Now.Product.Name, Plan: l.Plan, Mask: id.Brief(l.Mask), Environment: environmentWord(l.Environment),
		Badge: ui.NewBadge(string(l.Status(p.Now)), statusWord(l.Status(p.Now))),
		Usage: usageOf(l, m.Now.Used, m.Now.Taken-m.Now.Used, p.Now), Expiry: expiryOf(p, l), Then: thenFacts(p, m.Standing),
	}
}

// thenFacts say how the license stood when the ticket spoke of it.
func thenFacts(p ui.Page, s ticket.Standing) []fact {
	used := usedOf(s.Used, s.Limit)
	devices, more := "kept working", "could be activated"
	switch {
	case s.Use.Code == verdict.NotActivated:
		devices = "none at that moment"
	case !s.Use.Valid:
		devices = verdict.Describe(s.Use.Code).Title
	}
	if !s.AddDevice.Valid {
		more = verdict.Describe(s.AddDevice.Code).Title
	}
	at := p.Since(s.At)
	return []fact{
		{Name: "When", When: &at}, {Name: "Status", Value: statusWord(license.Status(s.Status))}, {Name: "Activations", Value: used},
		{Name: "Activated devices", Value: devices}, {Name: "A new device", Value: more},
	}
}

func (d *Door) ticketFacts(p ui.Page, th support.Thread) []fact {
	t := th.Ticket
	at := func(name string, when time.Time) fact { w := p.Since(when); return fact{Name: name, When: &w} }
	facts := []fact{
		{Name: "Number", Value: t.Name()}, {Name: "Category", Value: d.Support.CategoryLabel(t.Category)},
		{Name: "Priority", Value: priorityWord(t.Priority)}, at("Created", t.CreatedAt), at("Last updated", t.UpdatedAt),
	}
	if t.Environment != license.Production {
		facts = append(facts, fact{Name: "Environment", Value: environmentWord(t.Environment)})
	}
	switch {
	case !t.FirstResponseAt.IsZero():
		facts = append(facts, at("First response", t.FirstResponseAt))
	case t.Status == ticket.Open || t.Status == ticket.InProgress:
		due := ui.NewWhen(th.Due, p.Zone, p.Exact(th.Due))
		facts = append(facts, fact{Name: "Answer expected by", When: &due})
	}
	return facts
}

// whatNext says whose turn it is.
func (d *Door) whatNext(th support.Thread) *ui.Notice {
	t := th.Ticket
	switch {
	case t.MergedInto != "":
		return &ui.Notice{Tone: ui.ToneInfo, Text: "This ticket goes on in " + th.Merged.Name() + ".", Action: &ui.Link{Label: "Open it", Href: "/tickets/" + string(t.MergedInto)}}
	case t.Status == ticket.Waiting:
		return &ui.Notice{Tone: ui.ToneHold, Icon: "clock", Title: "Waiting for you.", Text: "Please answer below, or mark the ticket as solved."}
	case t.Status == ticket.Resolved:
		return &ui.Notice{Tone: ui.ToneGood, Title: "Resolved.", Text: "A reply opens it again. Without one it closes by itself after 7 days."}
	case t.Status == ticket.Closed && th.Reopen != nil:
		return &ui.Notice{Tone: ui.ToneInfo, Icon: "lock", Title: "Closed.", Text: th.Reopen.Message, Action: &ui.Link{Label: "New ticket", Href: "/tickets/new", Icon: "plus"}}
	}
	return nil
}

// ticketTimeline is what happened, newest first (P-TIC-20).
func ticketTimeline(p ui.Page, v *visit, th support.Thread) []ui.TimelineItem {
	var items []ui.TimelineItem
	for i := len(th.Events) - 1; i >= 0; i-- {
		e := th.Events[i]
		item := ui.TimelineItem{Kind: string(e.Type), When: p.Since(e.At), Text: byWhomInTicket(v, e)}
		switch e.Type {
		case ticket.Created:
			item.Icon, item.Tone, item.Title = "plus", ui.ToneInfo, "Created"
		case ticket.FirstResponse:
			item.Icon, item.Tone, item.Title = "check", ui.ToneGood, "First response"
		case ticket.Posted:
			item.Icon, item.Title = "mail", "Message"
		case ticket.StatusChanged:
			b := ticketBadge(e.To)
			item.Icon, item.Tone, item.Title, item.Kind = b.Icon, b.Tone, statusStory(e), "status_"+string(e.To)
		case ticket.AssignedTo:
			item.Icon, item.Title = "user", "Assigned to a member of support"
		case ticket.MergedTo:
			item.Icon, item.Title = "file", "Merged into "+numbered(e.Detail)
		case ticket.TookOver:
			item.Icon, item.Title = "file", numbered(e.Detail)+" was merged into this ticket"
		case ticket.Rated:
			item.Icon, item.Title = "check-circle", "Rated"
		default:
			continue
		}
		items = append(items, item)
	}
	return items
}

func numbered(detail string) string {
	n, err := strconv.ParseInt(detail, 10, 64)
	if err != nil {
		return "another ticket"
	}
	return ticket.Name(n)
}

func statusStory(e ticket.Event) string {
	if e.From == ticket.Closed && e.To == ticket.Open {
		return "Reopened"
	}
	return ticketStatusWord(e.To)
}

func byWhomInTicket(v *visit, e ticket.Event) string {
	switch {
	case e.Side == ticket.SystemSide:
		return "automatically"
	case e.Side == ticket.StaffSide:
		return "by support"
	case e.ActorID == v.actor.ID:
		return "by you"
	}
	return "by a member of your team"
}

// ticketFlash says what was just done.
func ticketFlash(r *http.Request) []ui.Flash {
	q := r.URL.Query()
	if n, ok := ticket.ParseName(q.Get("merged")); ok {
		return []ui.Flash{{Tone: ui.ToneInfo, Text: ticket.Name(n) + " was merged into this ticket."}}
	}
	text := map[string]string{
		"created":  "Your ticket was sent. A confirmation is on its way to you by mail.",
		"replied":  "Your reply was sent.",
		"solved":   "The ticket is marked as solved.",
		"reopened": "The ticket is open again.",
		"rated":    "Thank you for your rating.",
	}[q.Get("done")]
	if text == "" {
		return nil
	}
	return []ui.Flash{{Tone: ui.ToneGood, Text: text}}
}

func (d *Door) replyToTicket(w http.ResponseWriter, r *http.Request, v *visit) error {
	return d.sayInTicket(w, r, v, "reply", "replied", d.Support.Reply)
}

func (d *Door) reopenTicket(w http.ResponseWriter, r *http.Request, v *visit) error {
	return d.sayInTicket(w, r, v, "happened", "reopened", d.Support.Reopen)
}

// saying is a use case that adds a message.
type saying func(context.Context, account.Actor, id.ID, support.Message) (ticket.Ticket, error)

// sayInTicket adds a message of the customer. Whose ticket it is is looked at
// before anything of the form is read.
func (d *Door) sayInTicket(w http.ResponseWriter, r *http.Request, v *visit, field, done string, say saying) error {
	found, err := d.foundTicket(r, v)
	if err != nil {
		return err
	}
	sent, err := d.readLetter(w, r)
	if err != nil {
		return err
	}
	typed := sent.values.Get(field)
	_, err = say(r.Context(), v.actor, found, support.Message{Body: typed, Files: sent.files, Form: sent.values.Get("form")})
	if f := fault.From(err); err != nil && (f.Kind == fault.Invalid || f.Kind == fault.Conflict) {
		return d.showTicket(w, r, v, httpx.StatusOf(f), field, typed, f)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/tickets/"+string(found)+"?done="+done, http.StatusSeeOther)
	return nil
}

func (d *Door) foundTicket(r *http.Request, v *visit) (id.ID, error) {
	wanted, err := pathID(r, "ticket")
	if err != nil {
		return "", err
	}
	_, err = d.Support.Find(r.Context(), v.actor, wanted)
	return wanted, err
}

func (d *Door) solveTicket(w http.ResponseWriter, r *http.Request, v *visit) error {
	wanted, err := pathID(r, "ticket")
	if err != nil {
		return err
	}
	_, err = d.Support.Solve(r.Context(), v.actor, wanted)
	if f := fault.From(err); err != nil && f.Kind == fault.Conflict {
		return d.showTicket(w, r, v, httpx.StatusOf(f), "", "", f)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/tickets/"+string(wanted)+"?done=solved", http.StatusSeeOther)
	return nil
}

func (d *Door) rateTicket(w http.ResponseWriter, r *http.Request, v *visit) error {
	wanted, err := d.foundTicket(r, v)
	if err != nil {
		return err
	}
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	given, _ := strconv.Atoi(r.PostFormValue("rating")) // what is no number is no rating
	_, err = d.Support.Rate(r.Context(), v.actor, wanted, given)
	if f := fault.From(err); err != nil && (f.Kind == fault.Invalid || f.Kind == fault.Conflict) {
		return d.showTicket(w, r, v, httpx.StatusOf(f), "", "", f)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/tickets/"+string(wanted)+"?done=rated", http.StatusSeeOther)
	return nil
}

// attachment hands out a file to be kept, never to be shown in place: what it
// holds came from somebody (C-SEC-10).
func (d *Door) attachment(w http.ResponseWriter, r *http.Request, v *visit) error {
	wanted, err := pathID(r, "file")
	if err != nil {
		return err
	}
	f, err := d.Support.File(r.Context(), v.actor, wanted)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", f.Type)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
	h.Set("Content-Length", strconv.Itoa(len(f.Content)))
	h.Set("X-Content-Type-Options", "nosniff")
	_, err = w.Write(f.Content)
	return err
}
