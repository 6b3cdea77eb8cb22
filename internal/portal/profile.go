package portal

import (
	"net/http"
	"net/url"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/ui"
)

func (d *Door) profileRoutes() httpx.Routes {
	return httpx.Routes{
		{Pattern: "GET /profile", Access: httpx.SignedIn, Handler: d.visiting(d.profile)},
		{Pattern: "POST /profile", Access: httpx.SignedIn, Handler: d.visiting(d.saveProfile)},
		{Pattern: "POST /profile/password", Access: httpx.SignedIn, Handler: d.visiting(d.changePassword)},
		{Pattern: "POST /profile/sessions", Access: httpx.SignedIn, Handler: d.visiting(d.endOneSession)},
		{Pattern: "POST /profile/sessions/all", Access: httpx.SignedIn, Handler: d.visiting(d.endAllSessions)},
		{Pattern: "GET /profile/data", Access: httpx.SignedIn, Handler: d.visiting(d.downloadData)},
	}
}

// profilePage is who somebody is, how they sign in and where they have.
type profilePage struct {
	ui.Page
	Profile  profileForm
	Password passwordForm
	Facts    []fact
	Sessions []sessionRow
	Everyone *ui.Confirm // ends all of them
	SignIns  []signInRow
	Delete   *ui.Link
	Contact  *ui.Link
}

// profileForm is what people say about themselves.
type profileForm struct {
	Problems             ui.Problems
	Name, Phone, Company ui.Field
	Email                string
	Contact              *ui.Link // who can change the address
}

// passwordForm changes the password, or sets the first.
type passwordForm struct {
	Problems                ui.Problems
	Title, Lede, Submit     string
	Email                   string
	First                   bool // there is none yet
	Current, Chosen, Repeat ui.Field
}

// sessionRow is a browser that is signed in.
type sessionRow struct {
	ID, Browser, Address string
	Seen                 ui.When
	Here                 bool
}

// signInRow is a line of the history of sign-ins.
type signInRow struct {
	At               ui.When
	Address, Browser string
	Badge            ui.Badge
	Note             string
}

func (d *Door) profile(w http.ResponseWriter, r *http.Request, v *visit) error {
	page, err := d.newProfilePage(r, v)
	if err != nil {
		return err
	}
	page.Flash = profileFlash(r.URL.Query().Get("done"))
	return d.templates.Render(w, http.StatusOK, "profile", page)
}

// profileFlash says what was done (P-PRO-14).
func profileFlash(done string) []ui.Flash {
	text := map[string]string{
		"saved":    "Your profile is saved.",
		"password": "Your password is changed. Everywhere else you have been signed out.",
		"first":    "Your password is set. You can sign in with it from now on. Everywhere else you have been signed out.",
		"session":  "That browser is signed out.",
	}[done]
	if text == "" {
		return nil
	}
	return []ui.Flash{{Tone: ui.ToneGood, Text: text}}
}

func (d *Door) newProfilePage(r *http.Request, v *visit) (profilePage, error) {
	access, err := d.Identity.Access(r.Context(), v.actor)
	if err != nil {
		return profilePage{}, err
	}
	p := d.page(r, v, "Profile", "/profile")
	who := v.signed.Person
	page := profilePage{
		Page: p, Contact: d.askSupport(v, "Contact support", "My account"),
		Profile:  d.newProfileForm(who, identity.Profile{Name: who.Name, Phone: who.Phone, Company: who.Company}),
		Password: newPasswordForm(v.signed),
		Delete:   d.askSupport(v, "Ask for deletion", "Please delete my account"),
		Facts: []fact{
			{Name: "Account created", When: new(p.Date(who.CreatedAt))},
			{Name: "Customer", Value: v.signed.Customer.Name},
			{Name: "Your role", Value: roleWord(v.signed.Role)},
		},
	}
	for _, s := range access.Sessions {
		page.Sessions = append(page.Sessions, sessionRow{
			ID: string(s.ID), Browser: account.BrowserName(s.UserAgent), Address: s.Address, Seen: p.Since(s.LastSeenAt),
			Here: s.ID == v.signed.Session.ID,
		})
	}
	for _, s := range access.SignIns {
		page.SignIns = append(page.SignIns, newSignInRow(p, s))
	}
	page.Everyone = &ui.Confirm{
		ID: "everywhere", Title: "Sign out everywhere?", Action: "/profile/sessions/all", Submit: "Sign out everywhere",
		Text: []string{"Every browser that is signed in to your account is signed out, this one too. You can sign in again at once."},
	}
	return page, nil
}

// newProfileForm is the form filled in. The address cannot be changed in it
// (P-PRO-04).
func (d *Door) newProfileForm(who account.Person, in identity.Profile) profileForm {
	return profileForm{
		Email: who.Email, Contact: d.contactSupport("contact support", "Change of my e-mail address"),
		Name: ui.Field{Name: "name", Label: "Display name", Value: ui.Shorten(in.Name, 2*account.MaxName), Autocomplete: "name",
			Required: true, Marked: true, MaxLength: account.MaxName, Hint: "Shown in the portal and in mails to you."},
		Phone: ui.Field{Name: "phone", Label: "Telephone", Type: "tel", Value: ui.Shorten(in.Phone, 2*account.MaxName), Autocomplete: "tel",
			Optional: true, MaxLength: 50},
		Company: ui.Field{Name: "company", Label: "Company", Value: ui.Shorten(in.Company, 2*account.MaxName), Autocomplete: "organization",
			Optional: true, MaxLength: account.MaxName},
	}
}

func newPasswordForm(s identity.Signed) passwordForm {
	f := passwordForm{
		Title: "Password", Submit: "Change password", Email: s.Person.Email,
		Lede: "Changing it signs you out in every other browser, and we tell you by mail.",
		Current: ui.Field{Name: "current", Label: "Current password", Type: "password", Autocomplete: "current-password",
			Required: true, Marked: true, MaxLength: 1024},
		Chosen: ui.Field{Name: "password", Label: "New password", Type: "password", Autocomplete: "new-password",
			Required: true, Marked: true, MinLength: account.MinPersonPassword, MaxLength: 1024,
			Hint: "At least 8 characters. A few unrelated words are easy to remember and hard to guess; mixing kinds of characters helps."},
		Repeat: ui.Field{Name: "repeat", Label: "Repeat the new password", Type: "password", Autocomplete: "new-password",
			Required: true, Marked: true, MaxLength: 1024},
	}
	if !s.HasPassword {
		f.First, f.Submit = true, "Set password"
		f.Lede = "You sign in by link. With a password you can sign in without waiting for a mail."
	}
	return f
}

func newSignInRow(p ui.Page, s account.SignIn) signInRow {
	row := signInRow{At: p.Since(s.At), Address: s.Address, Browser: account.BrowserName(s.UserAgent), Note: wayWord(s.Way)}
	switch {
	case s.Refused:
		row.Badge = ui.Badge{Status: "refused", Label: "Refused", Tone: ui.ToneBad, Icon: "cross-circle"}
	case s.NewBrowser:
		row.Badge = ui.Badge{Status: "new", Label: "New browser", Tone: ui.ToneInfo, Icon: "info"}
	default:
		row.Badge = ui.Badge{Status: "let-in", Label: "Signed in", Tone: ui.ToneGood, Icon: "check-circle"}
	}
	return row
}

func wayWord(w account.SignInWay) string {
	switch w {
	case account.ByPassword:
		return "with password"
	case account.ByLink:
		return "by link"
	case account.ByPasskey:
		return "with passkey"
	case account.ByPassword.Then(account.AppCode):
		return "with password and app"
	case account.ByPassword.Then(account.RecoveryCode):
		return "with password and recovery code"
	case account.ByLink.Then(account.AppCode):
		return "by link and app"
	case account.ByLink.Then(account.RecoveryCode):
		return "by link and recovery code"
	}
	return ""
}

func roleWord(r account.Role) string {
	switch r {
	case account.Owner:
		return "Owner"
	case account.Manager:
		return "Manager"
	}
	return "Viewer"
}

// askSupport leads to the support desk, or to whoever helps where there is none
// for this reader (P-PRO-11).
func (d *Door) askSupport(v *visit, label, subject string) *ui.Link {
	if !d.helpDesk() || !v.signed.Role.MayManage() {
		return d.contactSupport(label, subject)
	}
	return &ui.Link{Label: label, Icon: "inbox", Href: "/tickets/new?" + url.Values{"subject": {subject}}.Encode()}
}

// contactSupport leads to whoever helps, or is nil where nobody is named.
func (d *Door) contactSupport(label, subject string) *ui.Link {
	if d.SupportEmail == "" {
		return nil
	}
	return &ui.Link{Label: label, Icon: "mail", Href: (&url.URL{Scheme: "mailto", Opaque: d.SupportEmail, RawQuery: "subject=" + url.PathEscape(subject)}).String()}
}

func (d *Door) saveProfile(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	in := identity.Profile{Name: r.PostFormValue("name"), Phone: r.PostFormValue("phone"), Company: r.PostFormValue("company")}
	err := d.Identity.SaveProfile(r.Context(), v.actor, in)
	if fault.Is(err, fault.Invalid) {
		f := fault.From(err)
		page, err := d.newProfilePage(r, v)
		if err != nil {
			return err
		}
		page.Profile = d.newProfileForm(v.signed.Person, in)
		page.Profile.Problems = problemsOf(f)
		page.Profile.Name.Error, page.Profile.Phone.Error = fieldMessage(f, "name"), fieldMessage(f, "phone")
		page.Profile.Company.Error = fieldMessage(f, "company")
		return d.templates.Render(w, httpx.StatusOf(f), "profile", page)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/profile?done=saved", http.StatusSeeOther)
	return nil
}

func (d *Door) changePassword(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	err := d.Identity.ChangePassword(r.Context(), v.actor, identity.NewPassword{
		Current: r.PostFormValue("current"), Chosen: r.PostFormValue("password"), Repeated: r.PostFormValue("repeat"),
		Session: v.signed.Session.ID,
	})
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Limited) {
		f := fault.From(err)
		page, err := d.newProfilePage(r, v)
		if err != nil {
			return err
		}
		page.Password.Problems = problemsOf(f)
		page.Password.Current.Error, page.Password.Chosen.Error = fieldMessage(f, "current"), fieldMessage(f, "password")
		page.Password.Repeat.Error = fieldMessage(f, "repeat")
		setRetryAfter(w, f)
		return d.templates.Render(w, httpx.StatusOf(f), "profile", page)
	}
	if err != nil {
		return err
	}
	done := "password"
	if !v.signed.HasPassword {
		done = "first"
	}
	http.Redirect(w, r, "/profile?done="+done, http.StatusSeeOther)
	return nil
}

// endOneSession signs out another browser.
func (d *Door) endOneSession(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	session, err := id.Parse(r.PostFormValue("session"))
	if err != nil {
		return fault.Missing("session")
	}
	if err := d.Identity.SignOutElsewhere(r.Context(), v.actor, session); err != nil {
		return err
	}
	http.Redirect(w, r, "/profile?done=session", http.StatusSeeOther)
	return nil
}

func (d *Door) endAllSessions(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	if err := d.Identity.EndSessions(r.Context(), v.actor, v.signed.Person.ID); err != nil {
		return err
	}
	d.endSession(w)
	http.Redirect(w, r, "/login?done=everywhere", http.StatusSeeOther)
	return nil
}

// downloadData sends what is kept about the person (P-PRO-16). When it breaks
// off, so does the download: half of it must not look like all.
func (d *Door) downloadData(w http.ResponseWriter, r *http.Request, v *visit) error {
	data, err := d.Export.Start(r.Context(), v.actor)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="my-data-`+v.now.Format("2006-01-02")+`.json"`)
	if err := data.Write(r.Context(), w); err != nil {
		httpx.Log(r.Context()).WarnContext(r.Context(), "a download of personal data broke off", "error", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}
