package portal

import (
	"net/http"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/ui"
)

// forgotPage asks for the address to send a link to.
type forgotPage struct {
	ui.Page
	Problems ui.Problems
	Email    ui.Field
	Sent     string // the address, once the request was taken
}

func (d *Door) forgotPage(w http.ResponseWriter, r *http.Request) error {
	return d.templates.Render(w, http.StatusOK, "forgot", d.newForgotPage(r, ""))
}

func (d *Door) newForgotPage(r *http.Request, email string) forgotPage {
	p := d.bare(r, "Forgot your password?")
	p.Path = "/forgot"
	return forgotPage{Page: p, Email: ui.Field{
		Name: "email", Label: "E-mail address", Type: "email", Value: ui.Shorten(email, account.MaxEmail),
		Autocomplete: "username", Required: true, MaxLength: account.MaxEmail, Autofocus: true,
		Hint: "The address you sign in with.",
	}}
}

// forgot answers the same for every address, known or not (P-AUTH-13).
func (d *Door) forgot(w http.ResponseWriter, r *http.Request) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	email := r.PostFormValue("email")
	page := d.newForgotPage(r, email)
	status := http.StatusOK
	err := d.requestReset(r, email)
	switch f := fault.From(err); {
	case err == nil:
		page.Sent = ui.Shorten(email, account.MaxEmail)
	case f.Kind == fault.Invalid || f.Kind == fault.Limited:
		page.Problems, page.Email.Error = problemsOf(f), fieldMessage(f, "email")
		status = httpx.StatusOf(f)
		setRetryAfter(w, f)
	default:
		return err
	}
	return d.templates.Render(w, status, "forgot", page)
}

// requestReset refuses what is no address before anything is looked up, so that
// a slip of the finger is not answered with "check your mail".
func (d *Door) requestReset(r *http.Request, email string) error {
	if err := anAddress(email); err != nil {
		return err
	}
	return d.Identity.RequestReset(r.Context(), email, origin(r))
}

func anAddress(email string) error {
	if _, ok := account.NormalizeEmail(email); !ok {
		return fault.New(fault.Invalid, "invalid_input", "This is no e-mail address.").
			WithField("email", `Enter an address such as "ada@example.com".`)
	}
	return nil
}

// passwordPage sets a password through a one-time link. Opening it spends
// nothing: mail scanners open links first (P-AUTH-14).
type passwordPage struct {
	ui.Page
	Problems         ui.Problems
	Lede             string
	Action, Token    string
	Email            string
	Password, Repeat ui.Field
	Submit           string
	Unusable         bool
	Again            ui.Link
}

func (d *Door) invitationPage(w http.ResponseWriter, r *http.Request) error {
	return d.openLink(w, r, account.Invitation)
}

func (d *Door) resetPage(w http.ResponseWriter, r *http.Request) error {
	return d.openLink(w, r, account.Reset)
}

func (d *Door) acceptInvitation(w http.ResponseWriter, r *http.Request) error {
	return d.spendLink(w, r, account.Invitation)
}

func (d *Door) reset(w http.ResponseWriter, r *http.Request) error {
	return d.spendLink(w, r, account.Reset)
}

func (d *Door) openLink(w http.ResponseWriter, r *http.Request, purpose account.LinkPurpose) error {
	token := r.URL.Query().Get("token")
	_, person, err := d.Identity.LookLink(r.Context(), token, purpose)
	if unusableLink(err) {
		return d.deadLink(w, r, purpose, fault.From(err))
	}
	if err != nil {
		return err
	}
	return d.templates.Render(w, http.StatusOK, "password", d.newPasswordPage(r, purpose, token, person))
}

func unusableLink(err error) bool {
	return fault.From(err) != nil && fault.From(err).Code == "link_unusable"
}

func (d *Door) newPasswordPage(r *http.Request, purpose account.LinkPurpose, token string, person account.Person) passwordPage {
	title, lede, submit := "Choose a new password", "For "+person.Email+". You stay signed out everywhere until you sign in with it.", "Set password"
	if purpose == account.Invitation {
		title, lede, submit = "Welcome", "Choose a password for "+person.Email+" to see your licenses.", "Set password and continue"
	}
	p := d.bare(r, title)
	p.Path = "/login"
	return passwordPage{
		Page: p, Lede: lede, Action: linkPath(purpose), Token: token, Email: person.Email, Submit: submit,
		Password: ui.Field{Name: "password", Label: "New password", Type: "password", Autocomplete: "new-password",
			Required: true, MinLength: account.MinPersonPassword, MaxLength: 1024, Autofocus: true,
			Hint: "At least 8 characters. A few unrelated words are easy to remember and hard to guess."},
		Repeat: ui.Field{Name: "repeat", Label: "Repeat the password", Type: "password", Autocomplete: "new-password",
			Required: true, MaxLength: 1024},
	}
}

func linkPath(purpose account.LinkPurpose) string {
	if purpose == account.Invitation {
		return "/invitation"
	}
	return "/reset"
}

// deadLink says that a link was spent, is too old or is none, and how to get
// another.
func (d *Door) deadLink(w http.ResponseWriter, r *http.Request, purpose account.LinkPurpose, f *fault.Error) error {
	p := d.bare(r, "This link cannot be used")
	p.Path = "/login"
	return d.templates.Render(w, http.StatusGone, "password", passwordPage{
		Page: p, Unusable: true, Problems: problemsOf(f), Action: linkPath(purpose),
		Again: ui.Link{Label: "Request a new link", Href: "/forgot", Primary: true},
	})
}

// spendLink sets the password, which spends the link, and leads to signing in.
func (d *Door) spendLink(w http.ResponseWriter, r *http.Request, purpose account.LinkPurpose) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	token, password := r.PostFormValue("token"), r.PostFormValue("password")
	if password != r.PostFormValue("repeat") {
		return d.refusePassword(w, r, purpose, token, fault.New(fault.Invalid, "invalid_input", "The two passwords differ.").
			WithField("repeat", "Type the same password again."))
	}
	choice, err := d.Identity.SetPassword(r.Context(), token, purpose, password, origin(r))
	switch {
	case unusableLink(err):
		return d.deadLink(w, r, purpose, fault.From(err))
	case fault.Is(err, fault.Invalid):
		return d.refusePassword(w, r, purpose, token, fault.From(err))
	case err != nil:
		return err
	}
	d.endSession(w)
	d.rememberDevice(w, choice.KnownDevice)
	http.Redirect(w, r, "/login?done=password", http.StatusSeeOther)
	return nil
}

func (d *Door) refusePassword(w http.ResponseWriter, r *http.Request, purpose account.LinkPurpose, token string, f *fault.Error) error {
	_, person, err := d.Identity.LookLink(r.Context(), token, purpose)
	if unusableLink(err) {
		return d.deadLink(w, r, purpose, fault.From(err))
	}
	if err != nil {
		return err
	}
	page := d.newPasswordPage(r, purpose, token, person)
	page.Problems = problemsOf(f)
	page.Password.Error, page.Repeat.Error = fieldMessage(f, "password"), fieldMessage(f, "repeat")
	return d.templates.Render(w, httpx.StatusOf(f), "password", page)
}

// setTheme remembers the theme in the browser and, signed in, with the person.
func (d *Door) setTheme(w http.ResponseWriter, r *http.Request) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	signed, err := d.Identity.Session(r.Context(), sessionToken(r))
	if theme := account.Theme(r.PostFormValue("theme")); err == nil && theme.Known() {
		actor := signed.Actor(httpx.RequestID(r.Context()), httpx.Addr(r.Context()))
		if err := d.Identity.SetTheme(r.Context(), actor, theme); err != nil {
			return err
		}
	}
	ui.ThemeHandler(httpx.SafeNext).ServeHTTP(w, r)
	return nil
}
