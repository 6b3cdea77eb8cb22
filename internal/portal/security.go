package portal

import (
	"net/http"
	"net/url"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/internal/ui"
)

// securityPage is what somebody signs in with (P-AUTH-12).
type securityPage struct {
	ui.Page
	Origin           string // where passkeys work; "" is nowhere
	Passkeys         []passkeyRow
	AppOn            bool
	AppBadge         ui.Badge
	AppSince         ui.When
	Codes, CodesLeft int
	FewCodes         bool
}

type passkeyRow struct {
	Name, Rename, Remove string
	Added, Used          ui.When
}

func (d *Door) security(w http.ResponseWriter, r *http.Request, v *visit) error {
	f, err := d.Identity.Factors(r.Context(), v.actor)
	if err != nil {
		return err
	}
	p := d.page(r, v, "Sign-in security", "/security")
	p.Crumbs = []ui.Link{{Label: "Profile", Href: "/profile"}, {Label: p.Title}}
	p.Flash = securityFlash(r.URL.Query().Get("done"))
	page := securityPage{
		Page: p, Origin: d.Identity.PasskeyOrigin(), AppOn: f.AppOn(), AppSince: p.Since(f.AppSince), AppBadge: ui.NewBadge("inactive", "Off"),
		Codes: account.RecoveryCodes, CodesLeft: f.CodesLeft, FewCodes: f.CodesLeft <= 3,
	}
	if f.AppOn() {
		page.AppBadge = ui.NewBadge("active", "On")
	}
	for _, k := range f.Passkeys {
		page.Passkeys = append(page.Passkeys, passkeyRow{
			Name: k.Name, Added: p.Since(k.CreatedAt), Used: p.Since(k.LastUsedAt),
			Rename: "/security/passkeys/" + string(k.ID) + "/rename", Remove: "/security/passkeys/" + string(k.ID) + "/remove",
		})
	}
	return d.templates.Render(w, http.StatusOK, "security", page)
}

func securityFlash(done string) []ui.Flash {
	text := map[string]string{
		"added": "Your passkey was added.", "renamed": "The passkey has its new name.", "removed": "The passkey was removed.",
		"off": "The authenticator app was switched off.",
	}[done]
	if done == "already" {
		return []ui.Flash{{Tone: ui.ToneWarn, Text: "The authenticator app is set up already. If you did not save your recovery codes, make new ones."}}
	}
	if text == "" {
		return nil
	}
	return []ui.Flash{{Tone: ui.ToneGood, Text: text}}
}

// askPage asks before something is done.
type askPage struct {
	ui.Page
	Problems ui.Problems
	Text     []string
	Action   string
	Username string
	Hidden   []ui.Hidden
	Field    *ui.Field
	Submit   string // "": a passkey alone goes on
	Cancel   string
	Danger   bool
	Passkey  *passkeyBlock
	Other    *ui.Link
}

func (d *Door) ask(r *http.Request, v *visit, title string, text ...string) askPage {
	return askPage{Page: d.belowSecurity(r, v, title), Text: text, Cancel: "/security"}
}

// belowSecurity is the page of one step in how somebody signs in.
func (d *Door) belowSecurity(r *http.Request, v *visit, title string) ui.Page {
	p := d.page(r, v, title, "/security")
	p.Crumbs = []ui.Link{{Label: "Profile", Href: "/profile"}, {Label: "Sign-in security", Href: "/security"}, {Label: title}}
	return p
}

func toSecurity(w http.ResponseWriter, r *http.Request, done string) error {
	http.Redirect(w, r, "/security?"+url.Values{"done": {done}}.Encode(), http.StatusSeeOther)
	return nil
}

// unproved sends somebody who has been signed in for a while to prove who they
// are, and reports whether it did. Afterwards they come back to page.
func (d *Door) unproved(w http.ResponseWriter, r *http.Request, v *visit, page string) bool {
	if v.actor.ProvedRecently(v.now) {
		return false
	}
	http.Redirect(w, r, "/security/confirm?"+url.Values{"next": {page}}.Encode(), http.StatusSeeOther)
	return true
}

func (d *Door) confirmPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	page, err := d.newConfirmPage(r, v, r.URL.Query().Get("next"))
	if err != nil {
		return err
	}
	return d.templates.Render(w, http.StatusOK, "ask", page)
}

func (d *Door) newConfirmPage(r *http.Request, v *visit, next string) (askPage, error) {
	f, err := d.Identity.Factors(r.Context(), v.actor)
	if err != nil {
		return askPage{}, err
	}
	next = httpx.SafeNext(next)
	page := d.ask(r, v, "Confirm that it is you", "You have been signed in for a while, and this changes what protects your account.")
	page.Action, page.Hidden = "/security/confirm", []ui.Hidden{{Name: "next", Value: next}}
	if f.Password {
		page.Username, page.Submit = v.signed.Person.Email, "Continue"
		page.Field = &ui.Field{Name: "password", Label: "Password", Type: "password", Autocomplete: "current-password", Required: true, MaxLength: 1024, Autofocus: true}
	}
	if len(f.Passkeys) > 0 {
		block := d.passkeyBlock("get", "Use a passkey", "/security/confirm/ask", "/security/confirm/passkey", "/security", next)
		page.Passkey = &block
	}
	if !f.Password && len(f.Passkeys) == 0 {
		page.Text = append(page.Text, "You sign in by link: sign out, sign in again and come back within 10 minutes.")
	}
	return page, nil
}

func (d *Door) confirm(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	next := httpx.SafeNext(r.PostFormValue("next"))
	err := d.Identity.ProvePassword(r.Context(), v.actor, v.signed.Session.ID, cookieValue(r, deviceCookie), r.PostFormValue("password"))
	f := fault.From(err)
	if err != nil && f.Kind != fault.Invalid && f.Kind != fault.Limited {
		return err
	}
	if err == nil {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
	page, err := d.newConfirmPage(r, v, next)
	if err != nil {
		return err
	}
	page.refuse(w, f)
	return d.templates.Render(w, httpx.StatusOf(f), "ask", page)
}

// refuse says what was wrong.
func (p *askPage) refuse(w http.ResponseWriter, f *fault.Error) {
	p.Problems = problemsOf(f)
	if p.Field != nil {
		p.Field.Error = fieldMessage(f, p.Field.Name)
	}
	setRetryAfter(w, f)
}

func (d *Door) askPasskeyProof(w http.ResponseWriter, r *http.Request, v *visit) error {
	ask, err := d.Identity.BeginPasskeyProof(r.Context(), v.actor)
	return d.handAsk(w, ask, err)
}

func (d *Door) confirmWithPasskey(w http.ResponseWriter, r *http.Request, v *visit) error {
	a, err := readAnswer(r)
	if err != nil {
		return err
	}
	if err := d.Identity.ProvePasskey(r.Context(), v.actor, v.signed.Session.ID, cookieValue(r, passkeyCookie), a.Credential); err != nil {
		return err
	}
	d.dropCookie(w, passkeyCookie)
	return answerJSON(w, goOn{httpx.SafeNext(a.Next)})
}

// authenticatorPage sets up an authenticator app.
type authenticatorPage struct {
	ui.Page
	Problems ui.Problems
	QR       ui.QR
	Secret   string
	Code     ui.Field
}

// recoveryCodesPage shows recovery codes, once.
type recoveryCodesPage struct {
	ui.Page
	Codes []string
	Copy  ui.Copy
}

func (d *Door) setUpApp(w http.ResponseWriter, r *http.Request, v *visit) error {
	return d.drawSetup(w, r, v, nil)
}

func (d *Door) drawSetup(w http.ResponseWriter, r *http.Request, v *visit, refused *fault.Error) error {
	if d.unproved(w, r, v, "/security/app") {
		return nil
	}
	setup, err := d.Identity.BeginApp(r.Context(), v.actor)
	if fault.Is(err, fault.Conflict) {
		return toSecurity(w, r, "already")
	}
	if err != nil {
		return err
	}
	qr, err := ui.NewQR("QR code of the secret below", setup.URI)
	if err != nil {
		return err
	}
	page := authenticatorPage{Page: d.belowSecurity(r, v, "Set up an authenticator app"), QR: qr, Secret: setup.Secret, Code: codeField("Code")}
	page.Code.Inputmode = "numeric"
	status := http.StatusOK
	if refused != nil {
		page.Problems, page.Code.Error, status = problemsOf(refused), fieldMessage(refused, "code"), httpx.StatusOf(refused)
		setRetryAfter(w, refused)
	}
	httpx.Incompressible(w) // the secret of the app is on it
	return d.templates.Render(w, status, "authenticator", page)
}

func (d *Door) switchAppOn(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	if d.unproved(w, r, v, "/security/app") {
		return nil
	}
	codes, err := d.Identity.ConfirmApp(r.Context(), v.actor, r.PostFormValue("code"))
	switch f := fault.From(err); {
	case err == nil:
		return d.showCodes(w, r, v, "Your recovery codes", codes)
	case f.Code == "app_on":
		return toSecurity(w, r, "already")
	case f.Kind == fault.Invalid || f.Kind == fault.Limited:
		return d.drawSetup(w, r, v, f)
	case f.Code == "app_off":
		http.Redirect(w, r, "/security/app", http.StatusSeeOther)
		return nil
	}
	return err
}

func (d *Door) showCodes(w http.ResponseWriter, r *http.Request, v *visit, title string, codes []string) error {
	p := d.belowSecurity(r, v, title)
	p.Path = "/security"
	return d.templates.Render(w, http.StatusOK, "recovery_codes", recoveryCodesPage{
		Page: p, Codes: codes, Copy: ui.Copy{Target: "codes", Label: "the codes", Done: "Codes copied"},
	})
}

func (d *Door) appOffPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	return d.templates.Render(w, http.StatusOK, "ask", d.newAppOffPage(r, v))
}

func (d *Door) newAppOffPage(r *http.Request, v *visit) askPage {
	page := d.ask(r, v, "Switch the authenticator app off?", "Signing in with the password will no longer ask for a code. The recovery codes stop working, too.")
	page.Action, page.Submit, page.Danger = "/security/app/off", "Switch off", true
	if !v.actor.ProvedRecently(v.now) {
		field := codeField("Code of the app, or a recovery code")
		page.Field = &field
		page.Other = &ui.Link{Label: "Use your password instead", Href: "/security/confirm?" + url.Values{"next": {"/security/app/off"}}.Encode()}
	}
	return page
}

func (d *Door) switchAppOff(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	err := d.Identity.RemoveApp(r.Context(), v.actor, r.PostFormValue("code"))
	if err == nil {
		return toSecurity(w, r, "off")
	}
	f := fault.From(err)
	if f.Kind != fault.Invalid && f.Kind != fault.Limited && f.Code != "proof_needed" {
		return err
	}
	page := d.newAppOffPage(r, v)
	page.refuse(w, f)
	return d.templates.Render(w, httpx.StatusOf(f), "ask", page)
}

func (d *Door) newCodesPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	if d.unproved(w, r, v, "/security/codes") {
		return nil
	}
	page := d.ask(r, v, "Make new recovery codes?", "The codes you have now stop working.")
	page.Action, page.Submit = "/security/codes", "Make new codes"
	return d.templates.Render(w, http.StatusOK, "ask", page)
}

func (d *Door) newCodes(w http.ResponseWriter, r *http.Request, v *visit) error {
	if d.unproved(w, r, v, "/security/codes") {
		return nil
	}
	codes, err := d.Identity.NewRecoveryCodes(r.Context(), v.actor)
	if err != nil {
		return err
	}
	return d.showCodes(w, r, v, "Your new recovery codes", codes)
}

func (d *Door) addPasskeyPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	if d.unproved(w, r, v, "/security/passkeys/add") {
		return nil
	}
	page := d.ask(r, v, "Add a passkey", "Give it a name by which you know the device or password manager it is kept in.")
	page.Field = &ui.Field{Name: "name", Label: "Name", Value: account.BrowserName(r.UserAgent()), Required: true, MaxLength: 60, Autofocus: true, Autocomplete: "off"}
	block := d.passkeyBlock("create", "Add a passkey", "/security/passkeys/ask", "/security/passkeys", "/security/passkeys/add", "/security")
	block.Alone = true
	page.Passkey, page.Other = &block, &ui.Link{Label: "Cancel", Href: "/security"}
	return d.templates.Render(w, http.StatusOK, "ask", page)
}

func (d *Door) askNewPasskey(w http.ResponseWriter, r *http.Request, v *visit) error {
	ask, err := d.Identity.BeginPasskey(r.Context(), v.actor)
	return d.handAsk(w, ask, err)
}

func (d *Door) addPasskey(w http.ResponseWriter, r *http.Request, v *visit) error {
	a, err := readAnswer(r)
	if err != nil {
		return err
	}
	_, err = d.Identity.AddPasskey(r.Context(), v.actor, identity.NewPasskey{Token: cookieValue(r, passkeyCookie), Name: a.Name, Answer: a.Credential})
	if err != nil {
		return err
	}
	d.dropCookie(w, passkeyCookie)
	return answerJSON(w, goOn{"/security?done=added"})
}

func (d *Door) renamePasskeyPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	return d.drawRename(w, r, v, nil)
}

func (d *Door) drawRename(w http.ResponseWriter, r *http.Request, v *visit, refused *fault.Error) error {
	k, err := d.passkey(r, v)
	if err != nil {
		return err
	}
	page := d.ask(r, v, "Rename the passkey")
	page.Action, page.Submit = "/security/passkeys/"+string(k.ID)+"/rename", "Rename"
	page.Field = &ui.Field{Name: "name", Label: "Name", Value: k.Name, Required: true, MaxLength: 60, Autofocus: true, Autocomplete: "off"}
	status := http.StatusOK
	if refused != nil {
		page.Field.Value, status = ui.Shorten(r.PostFormValue("name"), 60), httpx.StatusOf(refused)
		page.refuse(w, refused)
	}
	return d.templates.Render(w, status, "ask", page)
}

// passkey is the one that the address names, of the person who asks.
func (d *Door) passkey(r *http.Request, v *visit) (account.Passkey, error) {
	wanted, err := pathID(r, "passkey")
	if err != nil {
		return account.Passkey{}, err
	}
	return d.Identity.Passkey(r.Context(), v.actor, wanted)
}

func (d *Door) renamePasskey(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	k, err := d.passkey(r, v)
	if err != nil {
		return err
	}
	err = d.Identity.RenamePasskey(r.Context(), v.actor, k.ID, r.PostFormValue("name"))
	if fault.Is(err, fault.Invalid) {
		return d.drawRename(w, r, v, fault.From(err))
	}
	if err != nil {
		return err
	}
	return toSecurity(w, r, "renamed")
}

func (d *Door) removePasskeyPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	k, err := d.passkey(r, v)
	if err != nil || d.unproved(w, r, v, r.URL.Path) {
		return err
	}
	page := d.ask(r, v, "Remove "+k.Name+"?", "It no longer signs you in. Delete it on the device or in the password manager, too.")
	page.Action, page.Submit, page.Danger = r.URL.Path, "Remove", true
	return d.templates.Render(w, http.StatusOK, "ask", page)
}

func (d *Door) removePasskey(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := httpx.ParseForm(r, maxForm); err != nil {
		return err
	}
	wanted, err := pathID(r, "passkey")
	if err != nil || d.unproved(w, r, v, r.URL.Path) {
		return err
	}
	if err := d.Identity.RemovePasskey(r.Context(), v.actor, wanted); err != nil {
		return err
	}
	return toSecurity(w, r, "removed")
}
