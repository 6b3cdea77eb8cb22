package portal

import (
	"net/http"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/ui"
)

func (d *Door) teamRoutes() httpx.Routes {
	return httpx.Routes{
		{Pattern: "GET /team", Access: httpx.SignedIn, Handler: d.visiting(d.team)},
		{Pattern: "POST /team", Access: httpx.SignedIn, Handler: d.visiting(d.inviteMember)},
		{Pattern: "POST /team/members/{id}/role", Access: httpx.SignedIn, Handler: d.visiting(d.setRole)},
		{Pattern: "POST /team/members/{id}/remove", Access: httpx.SignedIn, Handler: d.visiting(d.removeMember)},
		{Pattern: "POST /team/invitations/{id}/resend", Access: httpx.SignedIn, Handler: d.visiting(d.resendInvitation)},
		{Pattern: "POST /team/invitations/{id}/withdraw", Access: httpx.SignedIn, Handler: d.visiting(d.withdrawInvitation)},
		{Pattern: "GET /customers", Access: httpx.SignedIn, Handler: d.visiting(d.customers)},
		{Pattern: "POST /customers", Access: httpx.SignedIn, Handler: d.visiting(d.switchCustomer)},
		{Pattern: "GET /join", Access: httpx.Public, Handler: d.joinPage},
		{Pattern: "POST /join", Access: httpx.Public, Handler: d.join},
	}
}

// teamPage is who acts for the customer.
type teamPage struct {
	ui.Page
	Customer string
	Members  []memberRow
	Invited  []invitedRow
	Problems ui.Problems
	Email    ui.Field
	Role     ui.Field
	Roles    []fact // what each role may do
}

// memberRow is one person of the customer.
type memberRow struct {
	ID, Name, Email string
	You             bool
	Role            string
	Roles           []ui.Option
	Seen            ui.When
	Remove          ui.Confirm
}

// invitedRow is somebody who has not accepted yet.
type invitedRow struct {
	ID, Email, Role string
	Until           ui.When
	Over            bool
}

func roleOptions() []ui.Option {
	return []ui.Option{
		{Value: string(account.Viewer), Label: roleWord(account.Viewer)}, {Value: string(account.Manager), Label: roleWord(account.Manager)},
		{Value: string(account.Owner), Label: roleWord(account.Owner)},
	}
}

func (d *Door) team(w http.ResponseWriter, r *http.Request, v *visit) error {
	page, err := d.newTeamPage(r, v, "", account.Viewer)
	if err != nil {
		return err
	}
	page.Flash = teamFlash(r.URL.Query().Get("done"))
	return d.templates.Render(w, http.StatusOK, "team", page)
}

func teamFlash(done string) []ui.Flash {
	text := map[string]string{
		"invited": "The invitation is on its way.", "withdrawn": "The invitation is withdrawn.",
		"role": "The role is changed.", "removed": "That person no longer belongs to the team and is signed out.",
	}[done]
	if text == "" {
		return nil
	}
	return []ui.Flash{{Tone: ui.ToneGood, Text: text}}
}

func (d *Door) newTeamPage(r *http.Request, v *visit, email string, role account.Role) (teamPage, error) {
	team, err := d.Identity.Team(r.Context(), v.actor)
	if err != nil {
		return teamPage{}, err
	}
	p := d.page(r, v, "Team", "/team")
	page := teamPage{
		Page: p, Customer: v.signed.Customer.Name,
		Email: ui.Field{Name: "email", Label: "E-mail address", Type: "email", Value: ui.Shorten(email, account.MaxEmail),
			Autocomplete: "off", Required: true, MaxLength: account.MaxEmail},
		Role: ui.Field{Name: "role", Label: "Role", Value: string(role), Options: roleOptions()},
		Roles: []fact{
			{Name: roleWord(account.Viewer), Value: "sees licenses, devices and downloads"},
			{Name: roleWord(account.Manager), Value: "copies keys, frees seats and writes to support, too"},
			{Name: roleWord(account.Owner), Value: "says who belongs to the team, too"},
		},
	}
	for _, m := range team.Members {
		page.Members = append(page.Members, newMemberRow(p, v, m))
	}
	for _, i := range team.Invited {
		page.Invited = append(page.Invited, invitedRow{
			ID: string(i.ID), Email: i.Email, Role: roleWord(i.Role), Until: p.Date(i.ExpiresAt), Over: !v.now.Before(i.ExpiresAt),
		})
	}
	return page, nil
}

func newMemberRow(p ui.Page, v *visit, m account.Member) memberRow {
	row := memberRow{
		ID: string(m.Person.ID), Name: m.Person.DisplayName(), Email: m.Person.Email, You: m.Person.ID == v.actor.ID,
		Role: string(m.Role), Roles: roleOptions(), Seen: p.Since(m.Person.LastSignInAt),
	}
	row.Remove = ui.Confirm{
		ID: "remove-" + row.ID, Title: "Remove " + row.Name + "?", Danger: true, Submit: "Remove", Action: "/team/members/" + row.ID + "/remove",
		Text: []string{row.Email + " is signed out at once and no longer sees the licenses of " + v.signed.Customer.Name + "."},
	}
	if row.You {
		row.Remove.Title, row.Remove.Submit = "Leave "+v.signed.Customer.Name+"?", "Leave"
		row.Remove.Text = []string{"You are signed out at once and no longer see its licenses. Another owner can invite you again."}
	}
	return row
}

func (d *Door) inviteMember(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	in := identity.NewMember{Email: r.PostFormValue("email"), Role: account.Role(r.PostFormValue("role"))}
	_, err := d.Identity.InviteMember(r.Context(), v.actor, in)
	return d.afterTeam(w, r, v, err, "invited")
}

// afterTeam goes on after a change of the team, or draws the page with what
// was wrong.
func (d *Door) afterTeam(w http.ResponseWriter, r *http.Request, v *visit, err error, done string) error {
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) || fault.Is(err, fault.Limited) {
		f := fault.From(err)
		page, err := d.newTeamPage(r, v, r.PostFormValue("email"), account.Role(r.PostFormValue("role")))
		if err != nil {
			return err
		}
		page.Problems, page.Email.Error, page.Role.Error = problemsOf(f), fieldMessage(f, "email"), fieldMessage(f, "role")
		setRetryAfter(w, f)
		return d.templates.Render(w, httpx.StatusOf(f), "team", page)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/team?done="+done, http.StatusSeeOther)
	return nil
}

// onTeam makes a handler of a change of what the address names.
func (d *Door) onTeam(w http.ResponseWriter, r *http.Request, v *visit, what, done string, change func(id.ID) error) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	wanted, err := pathID(r, what)
	if err != nil {
		return err
	}
	return d.afterTeam(w, r, v, change(wanted), done)
}

func (d *Door) setRole(w http.ResponseWriter, r *http.Request, v *visit) error {
	return d.onTeam(w, r, v, "person", "role", func(person id.ID) error {
		return d.Identity.SetRole(r.Context(), v.actor, person, account.Role(r.PostFormValue("role")))
	})
}

func (d *Door) removeMember(w http.ResponseWriter, r *http.Request, v *visit) error {
	return d.onTeam(w, r, v, "person", "removed", func(person id.ID) error {
		return d.Identity.RemoveMember(r.Context(), v.actor, person)
	})
}

func (d *Door) resendInvitation(w http.ResponseWriter, r *http.Request, v *visit) error {
	return d.onTeam(w, r, v, "invitation", "invited", func(invitation id.ID) error {
		return d.Identity.ResendInvitation(r.Context(), v.actor, invitation)
	})
}

func (d *Door) withdrawInvitation(w http.ResponseWriter, r *http.Request, v *visit) error {
	return d.onTeam(w, r, v, "invitation", "withdrawn", func(invitation id.ID) error {
		return d.Identity.WithdrawInvitation(r.Context(), v.actor, invitation)
	})
}

// customersPage is the choice among the customers somebody acts for.
type customersPage struct {
	ui.Page
	Customers []customerRow
}

type customerRow struct {
	ID, Name, Role string
	Here, Off      bool
}

func (d *Door) customers(w http.ResponseWriter, r *http.Request, v *visit) error {
	all, err := d.Identity.Customers(r.Context(), v.actor)
	if err != nil {
		return err
	}
	page := customersPage{Page: d.page(r, v, "Switch customer", "/customers")}
	for _, m := range all {
		page.Customers = append(page.Customers, customerRow{
			ID: string(m.Customer.ID), Name: m.Customer.Name, Role: roleWord(m.Role), Here: m.Customer.ID == v.signed.Customer.ID,
			Off: m.Customer.Status != account.Active,
		})
	}
	return d.templates.Render(w, http.StatusOK, "customers", page)
}

func (d *Door) switchCustomer(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	customer, err := id.Parse(r.PostFormValue("customer"))
	if err != nil {
		return fault.Missing("customer")
	}
	if err := d.Identity.SwitchCustomer(r.Context(), v.actor, v.signed.Session.ID, customer); err != nil {
		return err
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// joinPage shows an invitation. Opening it spends nothing (P-AUTH-14).
type joinPage struct {
	ui.Page
	Problems         ui.Problems
	Customer, Role   string
	Email, Token     string
	New, Unusable    bool
	Password, Repeat ui.Field
}

func (d *Door) joinPage(w http.ResponseWriter, r *http.Request) error {
	return d.showJoin(w, r, r.URL.Query().Get("token"), nil)
}

// showJoin draws the invitation, with what was wrong with the form if it was
// sent.
func (d *Door) showJoin(w http.ResponseWriter, r *http.Request, token string, f *fault.Error) error {
	j, err := d.Identity.LookTeamLink(r.Context(), token)
	p := d.bare(r, "Join "+j.Customer.Name)
	p.Path = "/login"
	if unusableLink(err) {
		p.Title = "This invitation cannot be used"
		return d.templates.Render(w, http.StatusGone, "join", joinPage{Page: p, Unusable: true, Problems: problemsOf(fault.From(err))})
	}
	if err != nil {
		return err
	}
	page := joinPage{
		Page: p, Customer: j.Customer.Name, Role: roleWord(j.Invitation.Role), Email: j.Invitation.Email, Token: token, New: j.New,
		Password: ui.Field{Name: "password", Label: "New password", Type: "password", Autocomplete: "new-password", Required: true,
			MinLength: account.MinPersonPassword, MaxLength: 1024, Autofocus: true, Hint: "At least 8 characters. A few unrelated words are easy to remember and hard to guess."},
		Repeat: ui.Field{Name: "repeat", Label: "Repeat the password", Type: "password", Autocomplete: "new-password", Required: true, MaxLength: 1024},
	}
	status := http.StatusOK
	if f != nil {
		status = httpx.StatusOf(f)
		page.Problems, page.Password.Error, page.Repeat.Error = problemsOf(f), fieldMessage(f, "password"), fieldMessage(f, "repeat")
	}
	return d.templates.Render(w, status, "join", page)
}

// join accepts the invitation and leads to signing in, or to the choice of
// customers for those who are signed in.
func (d *Door) join(w http.ResponseWriter, r *http.Request) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	token, password := r.PostFormValue("token"), r.PostFormValue("password")
	if password != r.PostFormValue("repeat") {
		return d.showJoin(w, r, token, fault.New(fault.Invalid, "invalid_input", "The two passwords differ.").
			WithField("repeat", "Type the same password again."))
	}
	j, err := d.Identity.Join(r.Context(), token, password, origin(r))
	if unusableLink(err) || fault.Is(err, fault.Invalid) {
		return d.showJoin(w, r, token, fault.From(err))
	}
	if err != nil {
		return err
	}
	signed, err := d.Identity.Session(r.Context(), sessionToken(r))
	if err == nil && signed.Person.ID == j.Invitation.PersonID {
		http.Redirect(w, r, "/customers", http.StatusSeeOther)
		return nil
	}
	http.Redirect(w, r, "/login?done=joined", http.StatusSeeOther)
	return nil
}
