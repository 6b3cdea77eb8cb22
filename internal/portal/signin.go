package portal

import (
	"net/http"
	"net/url"

	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/ui"
)

// signInPage is the sign-in form.
type signInPage struct {
	ui.Page
	Problems        ui.Problems
	Email, Password ui.Field
	Next, Forgot    string
	Passkey         passkeyBlock
	ByLink          bool // a link can be mailed instead
}

func (d *Door) signInPage(w http.ResponseWriter, r *http.Request) error {
	next := httpx.SafeNext(r.URL.Query().Get("next"))
	done := r.URL.Query().Get("done")
	_, err := d.Identity.Session(r.Context(), sessionToken(r))
	if err == nil && !asAnother(done) {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
	if err != nil && !fault.Is(err, fault.Unauthenticated) {
		return err
	}
	page := d.newSignInPage(r, r.URL.Query().Get("email"), next)
	page.Flash = signInFlash(done)
	return d.templates.Render(w, http.StatusOK, "login", page)
}

// asAnother reports whether what led here was for somebody who is not signed
// in, whoever else is with the same browser.
func asAnother(done string) bool { return done == "password" || done == "joined" }

// signInFlash says what led here.
func signInFlash(done string) []ui.Flash {
	switch done {
	case "signed-out":
		return []ui.Flash{{Tone: ui.ToneGood, Text: "You have signed out."}}
	case "step":
		return []ui.Flash{{Tone: ui.ToneWarn, Text: "That took too long, or was done already. Please sign in again."}}
	case "joined":
		return []ui.Flash{{Tone: ui.ToneGood, Text: "You belong to the team now. Sign in to see its licenses."}}
	case "everywhere":
		return []ui.Flash{{Tone: ui.ToneGood, Text: "You have signed out everywhere."}}
	case "password":
		return []ui.Flash{{Tone: ui.ToneGood, Text: "Your password is set. Sign in with it."}}
	}
	return nil
}

func (d *Door) newSignInPage(r *http.Request, email, next string) signInPage {
	p := d.bare(r, "Sign in")
	p.Path = "/login"
	return signInPage{
		Page: p, Next: next, Forgot: "/forgot", Passkey: d.passkeySignIn(next), ByLink: d.SignInLinks,
		Email: ui.Field{Name: "email", Label: "E-mail address", Type: "email", Value: ui.Shorten(email, 254),
			Autocomplete: "username", Required: true, MaxLength: 254, Autofocus: email == ""},
		Password: ui.Field{Name: "password", Label: "Password", Type: "password",
			Autocomplete: "current-password", Required: true, MaxLength: 1024, Autofocus: email != ""},
	}
}

func (d *Door) signIn(w http.ResponseWriter, r *http.Request) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	next := httpx.SafeNext(r.PostFormValue("next"))
	entry, err := d.Identity.SignIn(r.Context(), identity.SignIn{
		Email: r.PostFormValue("email"), Password: r.PostFormValue("password"),
		KnownDevice: cookieValue(r, deviceCookie), Origin: origin(r),
	})
	if fault.Is(err, fault.Unauthenticated) || fault.Is(err, fault.Limited) {
		return d.refuseSignIn(w, r, next, fault.From(err))
	}
	if err != nil {
		return err
	}
	d.letIn(w, r, entry, next)
	return nil
}

// refuseSignIn draws the form again with what was typed, the password excepted.
func (d *Door) refuseSignIn(w http.ResponseWriter, r *http.Request, next string, f *fault.Error) error {
	page := d.newSignInPage(r, r.PostFormValue("email"), next)
	page.Problems = problemsOf(f)
	setRetryAfter(w, f)
	return d.templates.Render(w, httpx.StatusOf(f), "login", page)
}

func (d *Door) signOut(w http.ResponseWriter, r *http.Request) error {
	signed, err := d.Identity.Session(r.Context(), sessionToken(r))
	if err == nil {
		err = d.Identity.SignOut(r.Context(), signed.Actor(httpx.RequestID(r.Context()), httpx.Addr(r.Context())), signed.Session.ID)
	}
	if err != nil && !fault.Is(err, fault.Unauthenticated) {
		return err
	}
	d.endSession(w)
	http.Redirect(w, r, "/login?"+url.Values{"done": {"signed-out"}}.Encode(), http.StatusSeeOther)
	return nil
}

// origin is where a request of somebody unknown comes from.
func origin(r *http.Request) identity.Origin {
	o := identity.Origin{RequestID: httpx.RequestID(r.Context()), Address: httpx.Addr(r.Context()), UserAgent: r.UserAgent(), Session: sessionToken(r)}
	if zone := ui.ReportedZone(r); zone != nil {
		o.Zone = zone.String()
	}
	return o
}
