package portal_test

import (
	"encoding/base32"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/app/identity/passkeytest"
	"github.com/keyward/keyward/internal/event"
)

// appCode is what an authenticator app shows.
func appCode(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	if _, err := base32.StdEncoding.DecodeString(secret); err != nil {
		t.Fatalf("%q is no secret: %v", secret, err)
	}
	code, err := totp.GenerateCode(secret, at)
	must(t, err)
	return code
}

// switchOn sets up an app and returns its secret and the recovery codes.
func (c customer) switchOn(t *testing.T) (string, []string) {
	t.Helper()
	setup := c.get("/security/app")
	wantStatus(t, setup, http.StatusOK)
	secret := setup.text("#secret")
	if c.get("/security/app").text("#secret") != secret {
		t.Error("loading the page again changes the secret that an app has just read")
	}
	if setup.find("svg.qr path").Length() != 1 {
		t.Error("there is no picture to read")
	}
	refused := c.post("/security/app", "code", "000000")
	wantStatus(t, refused, http.StatusBadRequest)
	wantIn(t, refused, ".error", "Enter the six digits that the app shows now.")
	codes := c.post("/security/app", "code", appCode(t, secret, c.w.now))
	wantStatus(t, codes, http.StatusOK)
	wantTo(t, c.post("/security/app", "code", appCode(t, secret, c.w.now)), "/security?done=already") // a reload
	list := codes.texts("#codes li")
	if len(list) != 10 {
		t.Fatalf("there are %d recovery codes", len(list))
	}
	return secret, list
}

// P-AUTH-12
func TestAuthenticatorApp(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	wantIn(t, ada.get("/security"), "main", "Off")
	secret, codes := ada.switchOn(t)
	wantIn(t, ada.get("/security"), "main", "10 of 10 left")

	away := customer{Customer: ada.Customer, person: ada.person, browser: w.browser()}
	wantTo(t, away.post("/login", "email", "ada@example.com", "password", password, "next", "/licenses"), "/login/code?next=%2Flicenses")
	wantTo(t, away.get("/licenses"), "/login?next=%2Flicenses") // nobody has signed in yet
	step := away.get("/login/code?next=%2Flicenses")
	wantText(t, step, "h1", "One more step")
	wantIn(t, step, "main", "Lost the app and the codes? Write to help@vendor.example: they make sure that it is you, and take this step away.")
	w.pass(30 * time.Second)
	refused := away.post("/login/code", "code", "123456", "next", "/licenses")
	wantStatus(t, refused, http.StatusUnauthorized)
	wantIn(t, refused, ".error", "recovery code that you have not used")
	code := appCode(t, secret, w.now)
	wantTo(t, away.post("/login/code", "code", code[:3]+" "+code[3:], "next", "/licenses"), "/licenses")
	wantText(t, away.get("/licenses"), "h1", "My Licenses")
	wantTo(t, away.post("/login/code", "code", code), "/login?done=step") // a second click

	other := w.browser()
	other.post("/login", "email", "ada@example.com", "password", password)
	wantStatus(t, other.post("/login/code", "code", code), http.StatusUnauthorized) // each code is good once
	wantTo(t, other.post("/login/code", "code", strings.ToLower(codes[0])), "/")
	wantIn(t, other.get("/security"), "main", "9 of 10 left")
	third := w.browser()
	third.post("/login", "email", "ada@example.com", "password", password)
	wantStatus(t, third.post("/login/code", "code", codes[0]), http.StatusUnauthorized) // spent

	w.pass(11 * time.Minute)
	wantTo(t, third.get("/login/code"), "/login?done=step") // took too long
	wantTo(t, ada.get("/security/codes"), "/security/confirm?next=%2Fsecurity%2Fcodes")
	off := ada.get("/security/app/off")
	wantIn(t, off, "form", "Code of the app, or a recovery code")
	wantStatus(t, ada.post("/security/app/off", "code", "000000"), http.StatusBadRequest)
	wantTo(t, ada.post("/security/app/off", "code", appCode(t, secret, w.now)), "/security?done=off")
	wantTo(t, ada.post("/security/app/off", "code", "000000"), "/security?done=off") // twice is harmless
	wantTo(t, w.browser().post("/login", "email", "ada@example.com", "password", password), "/")
}

// P-AUTH-12: a reset by mail leaves the second factor where it is.
func TestResetKeepsSecondFactor(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	ada.switchOn(t)
	b := w.browser()
	wantTo(t, b.post("/reset", "token", w.link(ada.person, "reset"), "password", "another unrelated word", "repeat", "another unrelated word"), "/login?done=password")
	wantTo(t, b.post("/login", "email", "ada@example.com", "password", "another unrelated word"), "/login/code?next=%2F")
}

// Whoever guesses codes with the right password locks nobody out (P-AUTH-13).
func TestGuessedCodesAreLimited(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	secret, _ := ada.switchOn(t)
	thief := w.browser()
	thief.post("/login", "email", "ada@example.com", "password", password)
	status := 0
	for i := range 8 {
		if status = thief.post("/login/code", "code", fmt.Sprintf("%06d", i)).status; status != http.StatusUnauthorized {
			break
		}
	}
	if status != http.StatusTooManyRequests {
		t.Errorf("after eight guesses the answer is %d", status)
	}
	w.pass(time.Minute)
	ada.post("/logout")
	ada.post("/login", "email", "ada@example.com", "password", password)
	wantTo(t, ada.post("/login/code", "code", appCode(t, secret, w.now)), "/")
}

// passkeyed is a portal where passkeys work, and somebody with one.
func passkeyed(t *testing.T) (*world, customer, *passkeytest.Authenticator) {
	w := newWorldWith(t, options{identity: func(d *identity.Deps) { d.BaseURL = secure }})
	ada := w.customer("ada@example.com")
	return w, ada, ada.addPasskey(t, "Phone")
}

const secure = "https://portal.example"

// ask is what an authenticator is handed by a page's script.
func (b *browser) ask(t *testing.T, path string) []byte {
	t.Helper()
	asked := b.script().post(path)
	wantStatus(t, asked, http.StatusOK)
	return []byte(asked.body)
}

// answer sends back what an authenticator says.
func (b *browser) answer(path string, credential []byte, more string) *page {
	r := b.script().request(http.MethodPost, path, `{"credential":`+string(credential)+more+`}`)
	r.Header.Set("Content-Type", "application/json")
	return b.do(r, "")
}

func (c customer) addPasskey(t *testing.T, name string) *passkeytest.Authenticator {
	t.Helper()
	device := passkeytest.New(secure)
	added := c.answer("/security/passkeys", device.Create(t, c.ask(t, "/security/passkeys/ask")), `,"name":"`+name+`"`)
	wantStatus(t, added, http.StatusOK)
	return device
}

// P-AUTH-12
func TestPasskeys(t *testing.T) {
	w, ada, device := passkeyed(t)
	list := ada.get("/security")
	wantIn(t, list, "[aria-labelledby=pk]", "Phone Added just now")
	wantIn(t, list, "[aria-labelledby=pk]", "not used yet")
	if got := w.waiting(account.SecurityChangedNotice); got != 1 {
		t.Errorf("%d mails tell of it", got)
	}
	copied := *device
	away := w.browser()
	in := away.answer("/login/passkey", device.Get(t, away.ask(t, "/login/passkey/ask")), `,"next":"/licenses"`)
	wantStatus(t, in, http.StatusOK)
	if !strings.Contains(in.body, `"/licenses"`) {
		t.Errorf("it leads to %s", in.body)
	}
	wantText(t, away.get("/licenses"), "h1", "My Licenses")
	wantIn(t, away.get("/profile"), "[aria-labelledby=sh]", "with passkey")
	wantIn(t, ada.get("/security"), "[aria-labelledby=pk]", "last used just now")

	t.Run("a copy is refused, and its owner told", func(t *testing.T) {
		thief := w.browser()
		wantProblem(t, thief.answer("/login/passkey", copied.Get(t, thief.ask(t, "/login/passkey/ask")), ""), http.StatusUnauthorized, "passkey_cloned")
		wantTo(t, thief.get("/"), "/login?next=%2F")
		if got := w.waiting(account.SecurityChangedNotice); got != 2 || w.happened(event.PasskeyRefused) != 1 {
			t.Errorf("%d mails tell of it", got)
		}
		wantIn(t, ada.get("/profile"), "[aria-labelledby=sh] tbody tr:first-child", "Refused")
	})
	t.Run("it confirms a change, and another's does not", func(t *testing.T) {
		w.pass(account.ProofLife)
		remove := ada.get("/security").attr("[aria-labelledby=pk] a[href$='/remove']", "href")
		wantTo(t, ada.get(remove), "/security/confirm?"+url.Values{"next": {remove}}.Encode())
		wantTo(t, ada.post(remove), "/security/confirm?"+url.Values{"next": {remove}}.Encode())
		wantIn(t, ada.get("/security/confirm?next="+remove), "main", "Use a passkey")
		eve := w.customer("eve@example.com")
		theirs := eve.addPasskey(t, "Eve's")
		refused := ada.answer("/security/confirm/passkey", theirs.Get(t, ada.ask(t, "/security/confirm/ask")), "")
		wantProblem(t, refused, http.StatusBadRequest, "passkey_refused")
		wantStatus(t, ada.post(remove), http.StatusSeeOther)
		proved := ada.answer("/security/confirm/passkey", device.Get(t, ada.ask(t, "/security/confirm/ask")), `,"next":"`+remove+`"`)
		wantStatus(t, proved, http.StatusOK)
		wantIn(t, ada.get(remove), "h1", "Remove Phone?")
		wantStatus(t, eve.post(remove), http.StatusNotFound) // P-ISO-01
		w.wantLogged("passkey", strings.Split(remove, "/")[3])
		for range 2 { // a second click is harmless
			wantIn(t, ada.follow(remove), ".flash", "The passkey was removed.")
		}
		wantIn(t, ada.get("/security"), "main", "You have no passkey yet")
	})
}

// Changes of what protects an account want a recent proof.
func TestSensitiveChangesAskAgain(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	w.pass(11 * time.Minute)
	for _, page := range []string{"/security/app", "/security/codes", "/security/passkeys/add"} {
		wantStatus(t, ada.get(page), http.StatusSeeOther)
	}
	wantStatus(t, ada.post("/security/app", "code", "123456"), http.StatusSeeOther)
	wantProblem(t, ada.script().post("/security/passkeys/ask"), http.StatusForbidden, "proof_needed")
	wrong := ada.post("/security/confirm", "password", "not it", "next", "/security/app")
	wantStatus(t, wrong, http.StatusBadRequest)
	wantIn(t, wrong, ".error", "Try again")
	wantTo(t, ada.post("/security/confirm", "password", password, "next", "https://evil.example"), "/")
	wantTo(t, ada.post("/security/confirm", "password", password, "next", "/security/app"), "/security/app")
	wantStatus(t, ada.get("/security/app"), http.StatusOK)
	wantIn(t, ada.get("/security"), "main", "Passkeys cannot be used here") // plain http, and no localhost
}
