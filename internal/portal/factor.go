package portal

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/ui"
)

func (d *Door) factorRoutes() httpx.Routes {
	return httpx.Routes{
		{Pattern: "GET /login/code", Access: httpx.Public, Handler: d.secondStepPage},
		{Pattern: "POST /login/code", Access: httpx.Public, Handler: d.secondStep},
		{Pattern: "POST /login/passkey/ask", Access: httpx.Public, Handler: d.askPasskeySignIn},
		{Pattern: "POST /login/passkey", Access: httpx.Public, Handler: d.signInWithPasskey},
		{Pattern: "GET /security", Access: httpx.SignedIn, Handler: d.visiting(d.security)},
		{Pattern: "GET /security/confirm", Access: httpx.SignedIn, Handler: d.visiting(d.confirmPage)},
		{Pattern: "POST /security/confirm", Access: httpx.SignedIn, Handler: d.visiting(d.confirm)},
		{Pattern: "POST /security/confirm/ask", Access: httpx.SignedIn, Handler: d.visiting(d.askPasskeyProof)},
		{Pattern: "POST /security/confirm/passkey", Access: httpx.SignedIn, Handler: d.visiting(d.confirmWithPasskey)},
		{Pattern: "GET /security/app", Access: httpx.SignedIn, Handler: d.visiting(d.setUpApp)},
		{Pattern: "POST /security/app", Access: httpx.SignedIn, Handler: d.visiting(d.switchAppOn)},
		{Pattern: "GET /security/app/off", Access: httpx.SignedIn, Handler: d.visiting(d.appOffPage)},
		{Pattern: "POST /security/app/off", Access: httpx.SignedIn, Handler: d.visiting(d.switchAppOff)},
		{Pattern: "GET /security/codes", Access: httpx.SignedIn, Handler: d.visiting(d.newCodesPage)},
		{Pattern: "POST /security/codes", Access: httpx.SignedIn, Handler: d.visiting(d.newCodes)},
		{Pattern: "GET /security/passkeys/add", Access: httpx.SignedIn, Handler: d.visiting(d.addPasskeyPage)},
		{Pattern: "POST /security/passkeys/ask", Access: httpx.SignedIn, Handler: d.visiting(d.askNewPasskey)},
		{Pattern: "POST /security/passkeys", Access: httpx.SignedIn, Handler: d.visiting(d.addPasskey)},
		{Pattern: "GET /security/passkeys/{id}/rename", Access: httpx.SignedIn, Handler: d.visiting(d.renamePasskeyPage)},
		{Pattern: "POST /security/passkeys/{id}/rename", Access: httpx.SignedIn, Handler: d.visiting(d.renamePasskey)},
		{Pattern: "GET /security/passkeys/{id}/remove", Access: httpx.SignedIn, Handler: d.visiting(d.removePasskeyPage)},
		{Pattern: "POST /security/passkeys/{id}/remove", Access: httpx.SignedIn, Handler: d.visiting(d.removePasskey)},
	}
}

// letIn gives the browser its session, or leads it to the second step.
func (d *Door) letIn(w http.ResponseWriter, r *http.Request, entry identity.Entry, next string) {
	if entry.Step != "" {
		d.setCookie(w, stepCookie, entry.Step, account.SecondStep.Life())
		next = "/login/code?" + url.Values{"next": {next}}.Encode()
	} else {
		d.startSession(w, entry.Token, entry.KnownDevice)
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// passkeyBlock is a button that a script makes work. Template "passkey".
type passkeyBlock struct {
	Kind        string // "get" or "create"
	Label       string
	Ask, Answer string // addresses to post to; without Answer passkeys cannot work
	Origin      string // where they work
	Here, Next  string
	Alone       bool // there is nothing else on the page to go on with
}

func (d *Door) passkeyBlock(kind, label, ask, answer, here, next string) passkeyBlock {
	b := passkeyBlock{Kind: kind, Label: label, Ask: ask, Origin: d.Identity.PasskeyOrigin(), Here: here, Next: next}
	if b.Origin != "" {
		b.Answer = answer
	}
	return b
}

func (d *Door) passkeySignIn(next string) passkeyBlock {
	return d.passkeyBlock("get", "Sign in with a passkey", "/login/passkey/ask", "/login/passkey", "/login", next)
}

// secondStepPage asks for a code after the password (P-AUTH-12).
type secondStepPage struct {
	ui.Page
	Problems ui.Problems
	Code     ui.Field
	Next     string
	Passkey  passkeyBlock
}

func (d *Door) secondStepPage(w http.ResponseWriter, r *http.Request) error {
	err := d.Identity.SecondStep(r.Context(), cookieValue(r, stepCookie))
	if fault.Is(err, fault.Unauthenticated) {
		http.Redirect(w, r, "/login?done=step", http.StatusSeeOther)
		return nil
	}
	if err != nil {
		return err
	}
	return d.templates.Render(w, http.StatusOK, "second_step", d.newSecondStepPage(r, r.URL.Query().Get("next")))
}

func (d *Door) newSecondStepPage(r *http.Request, next string) secondStepPage {
	p := d.bare(r, "One more step")
	p.Path = "/login/code"
	next = httpx.SafeNext(next)
	return secondStepPage{Page: p, Next: next, Code: codeField("Code"), Passkey: d.passkeySignIn(next)}
}

func codeField(label string) ui.Field {
	return ui.Field{Name: "code", Label: label, Autocomplete: "one-time-code", Required: true, MaxLength: 40, Autofocus: true, Code: true}
}

func (d *Door) secondStep(w http.ResponseWriter, r *http.Request) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	next := httpx.SafeNext(r.PostFormValue("next"))
	entry, err := d.Identity.FinishSignIn(r.Context(), identity.StepCode{
		Step: cookieValue(r, stepCookie), Code: r.PostFormValue("code"), KnownDevice: cookieValue(r, deviceCookie), Origin: origin(r),
	})
	f := fault.From(err)
	switch {
	case err == nil:
		d.dropCookie(w, stepCookie)
		d.letIn(w, r, entry, next)
		return nil
	case f.Code == "code_refused" || f.Kind == fault.Limited:
		page := d.newSecondStepPage(r, next)
		page.Problems, page.Code.Error = problemsOf(f), fieldMessage(f, "code")
		setRetryAfter(w, f)
		return d.templates.Render(w, httpx.StatusOf(f), "second_step", page)
	case f.Kind == fault.Unauthenticated:
		d.dropCookie(w, stepCookie)
		http.Redirect(w, r, "/login?done=step", http.StatusSeeOther)
		return nil
	}
	return err
}

func (d *Door) dropCookie(w http.ResponseWriter, name string) {
	http.SetCookie(w, &http.Cookie{Name: name, Path: "/", MaxAge: -1, HttpOnly: true, Secure: d.secure(), SameSite: http.SameSiteLaxMode})
}

// handAsk keeps the token in the browser and hands what is asked to its script.
func (d *Door) handAsk(w http.ResponseWriter, ask identity.PasskeyAsk, err error) error {
	if err != nil {
		return err
	}
	d.setCookie(w, passkeyCookie, ask.Token, account.PasskeySignIn.Life())
	return answerJSON(w, ask.Options)
}

func answerJSON(w http.ResponseWriter, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the reader went away: nobody is left to tell
	return nil
}

// passkeyAnswer is what the script sends back.
type passkeyAnswer struct {
	Name       string          `json:"name"`
	Next       string          `json:"next"`
	Credential json.RawMessage `json:"credential"`
}

func readAnswer(r *http.Request) (passkeyAnswer, error) {
	var a passkeyAnswer
	body, err := httpx.ReadBody(r, maxForm)
	if err != nil {
		return a, err
	}
	if _, err := httpx.StrictJSON(body); err != nil {
		return a, err
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return a, fault.Wrap(fault.Invalid, "malformed_json", "The browser's answer could not be read.", err)
	}
	return a, nil
}

type goOn struct {
	Next string `json:"next"`
}

func (d *Door) askPasskeySignIn(w http.ResponseWriter, r *http.Request) error {
	ask, err := d.Identity.BeginPasskeySignIn(r.Context(), origin(r))
	return d.handAsk(w, ask, err)
}

func (d *Door) signInWithPasskey(w http.ResponseWriter, r *http.Request) error {
	a, err := readAnswer(r)
	if err != nil {
		return err
	}
	entry, err := d.Identity.SignInWithPasskey(r.Context(), identity.PasskeyAnswer{
		Token: cookieValue(r, passkeyCookie), Answer: a.Credential, KnownDevice: cookieValue(r, deviceCookie), Origin: origin(r),
	})
	if err != nil {
		return err
	}
	d.dropCookie(w, passkeyCookie)
	d.startSession(w, entry.Token, entry.KnownDevice)
	return answerJSON(w, goOn{httpx.SafeNext(a.Next)})
}
