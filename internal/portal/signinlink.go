package portal

import (
	"net/http"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/ui"
)

func (d *Door) signInLinkRoutes() httpx.Routes {
	return httpx.Routes{
		{Pattern: "GET /sign-in-link", Access: httpx.Public, Handler: d.byOption(d.askLinkPage)},
		{Pattern: "POST /sign-in-link", Access: httpx.Public, Handler: d.byOption(d.askLink)},
		{Pattern: "GET /enter", Access: httpx.Public, Handler: d.byOption(d.enterPage)},
		{Pattern: "POST /enter", Access: httpx.Public, Handler: d.byOption(d.enter)},
	}
}

// byOption lets requests through where this installation signs people in by
// link (P-AUTH-04). A form is read first, so that one too large is answered
// alike everywhere.
func (d *Door) byOption(h httpx.Handler) httpx.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if r.Method == http.MethodPost {
			if err := httpx.ParseForm(r, maxForm); err != nil {
				return err
			}
		}
		if !d.SignInLinks {
			return fault.Missing("page")
		}
		return h(w, r)
	}
}

// linkPage asks where to mail a link to sign in.
type linkPage struct {
	ui.Page
	Problems ui.Problems
	Email    ui.Field
	Sent     string // the address, once the request was taken
}

func (d *Door) askLinkPage(w http.ResponseWriter, r *http.Request) error {
	return d.templates.Render(w, http.StatusOK, "signinlink", d.newLinkPage(r, r.URL.Query().Get("email")))
}

func (d *Door) newLinkPage(r *http.Request, email string) linkPage {
	p := d.bare(r, "Sign in by e-mail")
	p.Path = "/sign-in-link"
	return linkPage{Page: p, Email: ui.Field{
		Name: "email", Label: "E-mail address", Type: "email", Value: ui.Shorten(email, account.MaxEmail),
		Autocomplete: "username", Required: true, MaxLength: account.MaxEmail, Autofocus: true,
		Hint: "The address of your account.",
	}}
}

// askLink answers the same for every address, known or not (P-AUTH-13).
func (d *Door) askLink(w http.ResponseWriter, r *http.Request) error {
	email := r.PostFormValue("email")
	page := d.newLinkPage(r, email)
	status := http.StatusOK
	err := anAddress(email)
	if err == nil {
		err = d.Identity.RequestSignInLink(r.Context(), email, origin(r))
	}
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
	return d.templates.Render(w, status, "signinlink", page)
}

// enterPage asks before a mailed link is spent (P-AUTH-14).
type enterPage struct {
	ui.Page
	Problems ui.Problems
	Email    string
	Token    string
	Unusable bool
	Again    ui.Link
}

func (d *Door) enterPage(w http.ResponseWriter, r *http.Request) error {
	token := r.URL.Query().Get("token")
	_, person, err := d.Identity.LookLink(r.Context(), token, account.SignInLink)
	if unusableLink(err) {
		return d.deadEntry(w, r, fault.From(err))
	}
	if err != nil {
		return err
	}
	p := d.bare(r, "Sign in")
	p.Path = "/login"
	return d.templates.Render(w, http.StatusOK, "enter", enterPage{Page: p, Email: person.Email, Token: token})
}

func (d *Door) deadEntry(w http.ResponseWriter, r *http.Request, f *fault.Error) error {
	p := d.bare(r, "This link cannot be used")
	p.Path = "/login"
	return d.templates.Render(w, http.StatusGone, "enter", enterPage{
		Page: p, Unusable: true, Problems: problemsOf(f), Again: ui.Link{Label: "Request a new link", Href: "/sign-in-link", Primary: true},
	})
}

// enter spends the link.
func (d *Door) enter(w http.ResponseWriter, r *http.Request) error {
	entry, err := d.Identity.SignInByLink(r.Context(), identity.LinkSignIn{
		Token: r.PostFormValue("token"), KnownDevice: cookieValue(r, deviceCookie), Origin: origin(r),
	})
	if unusableLink(err) {
		return d.deadEntry(w, r, fault.From(err))
	}
	if err != nil {
		return err
	}
	d.letIn(w, r, entry, "/")
	return nil
}
