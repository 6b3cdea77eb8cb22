package portal_test

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/portal"
	"github.com/keyward/keyward/internal/store"
)

// P-AUTH-03, P-AUTH-08
func TestSigningIn(t *testing.T) {
	w := newWorld(t)
	ada := w.stranger("ada@example.com")

	login := ada.get("/login")
	wantStatus(t, login, http.StatusOK)
	wantText(t, login, "h1", "Sign in")
	wantText(t, login, "main form button[type=submit]", "Sign in")
	if got := login.attr("main form a, .auth-alt a", "href"); got != "/forgot" {
		t.Errorf("the way to a new password is %q", got)
	}

	wantTo(t, ada.post("/login", "email", " Ada@Example.com ", "password", password), "/")
	dashboard := ada.get("/")
	wantText(t, dashboard, "h1", "Dashboard")
	wantIn(t, dashboard, ".user-id", "ada@example.com")
	wantTo(t, ada.get("/login"), "/")
	wantTo(t, ada.get("/login?next=/activations"), "/activations")
}

// P-AUTH-13: an address that nobody has is answered as a wrong password is.
func TestRefusedSignInsLookAlike(t *testing.T) {
	w := newWorld(t)
	w.stranger("ada@example.com")
	w.customerWithoutPassword("New Customer", "new@example.com")
	off := w.stranger("off@example.com")
	w.write(func(ctx context.Context, tx *store.Tx) error {
		return tx.SetPersonStatus(ctx, off.person.ID, account.Inactive, w.now)
	})
	refused := func(email, password string) string {
		answer := w.browser().post("/login", "email", email, "password", password, "next", "/licenses")
		wantStatus(t, answer, http.StatusUnauthorized)
		if len(answer.set) > 0 {
			t.Errorf("%s: a cookie was set", email)
		}
		if answer.attr("#email", "value") != email || answer.attr("#password", "value") != "" {
			t.Errorf("%s: the form is filled in with %q", email, answer.attr("#email", "value"))
		}
		if answer.attr("input[name=next]", "value") != "/licenses" {
			t.Errorf("%s: where to go is forgotten", email)
		}
		wantIn(t, answer, "[role=alert]", "is not right")
		return strings.ReplaceAll(withoutRequestID(answer), email, "EMAIL")
	}
	want := refused("ada@example.com", "wrong password")
	for what, email := range map[string]string{
		"an unknown address": "bob@example.com", "an account without password": "new@example.com", "no address": "nonsense",
	} {
		if diff := cmp.Diff(want, refused(email, "wrong password")); diff != "" {
			t.Errorf("%s shows (-wrong password +this):\n%s", what, diff)
		}
	}
	if diff := cmp.Diff(want, refused("off@example.com", password)); diff != "" { // P-AUTH-09
		t.Errorf("a person who is switched off shows (-wrong password +this):\n%s", diff)
	}
}

// P-AUTH-09
func TestSwitchedOffAccountsAreOut(t *testing.T) {
	for name, switchOff := range map[string]func(w *world, c customer) func(context.Context, *store.Tx) error{
		"the person": func(w *world, c customer) func(context.Context, *store.Tx) error {
			return func(ctx context.Context, tx *store.Tx) error {
				return tx.SetPersonStatus(ctx, c.person.ID, account.Inactive, w.now)
			}
		},
		"the customer": func(w *world, c customer) func(context.Context, *store.Tx) error {
			return func(ctx context.Context, tx *store.Tx) error {
				return tx.SetCustomerStatus(ctx, c.Customer.ID, account.Suspended, w.now)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ada := w.customer("ada@example.com")
			wantStatus(t, ada.get("/"), http.StatusOK)
			w.write(switchOff(w, ada))
			wantTo(t, ada.get("/"), "/login?next=%2F")
			wantStatus(t, ada.post("/login", "email", "ada@example.com", "password", password), http.StatusUnauthorized)
		})
	}
}

// P-AUTH-13
func TestTooManySignIns(t *testing.T) {
	limits := identity.DefaultLimits()
	limits.SignInAccount = identity.Rate{Burst: 2, Every: time.Minute}
	w := newWorldWith(t, options{limits: limits})
	ada := w.customer("ada@example.com") // one of the two
	ada.post("/logout")

	guesser := w.browser()
	guess := func(email string) *page {
		return guesser.post("/login", "email", email, "password", "a guess", "next", "/licenses")
	}
	wantStatus(t, guess("ada@example.com"), http.StatusUnauthorized)
	limited := guess("ada@example.com")
	wantStatus(t, limited, http.StatusTooManyRequests)
	if wait, err := strconv.Atoi(limited.header.Get("Retry-After")); err != nil || wait < 1 || wait > 60 {
		t.Errorf("Retry-After is %q", limited.header.Get("Retry-After"))
	}
	wantIn(t, limited, "[role=alert]", "too many attempts")
	if limited.attr("#email", "value") != "ada@example.com" || limited.attr("input[name=next]", "value") != "/licenses" {
		t.Error("the form is not filled in")
	}

	t.Run("the same for an address nobody has", func(t *testing.T) {
		guess("bob@example.com")
		guess("bob@example.com")
		answer := guess("bob@example.com")
		wantStatus(t, answer, http.StatusTooManyRequests)
		if diff := cmp.Diff(strings.ReplaceAll(limited.body, "ada@", "bob@"), answer.body); diff != "" {
			t.Errorf("it differs:\n%s", diff)
		}
	})
	t.Run("the owner still gets in with the browser used before", func(t *testing.T) {
		wantTo(t, ada.post("/login", "email", "ada@example.com", "password", password), "/")
	})
	t.Run("until the wait is over", func(t *testing.T) {
		w.pass(time.Minute)
		wantTo(t, w.browser().post("/login", "email", "ada@example.com", "password", password), "/")
	})
}

// Signing in again with a browser ends the session it had: a cookie that
// somebody put there, or kept, opens nothing any more.
func TestSigningInAgainReplacesTheSession(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	keeper := w.browser()
	keeper.cookies["keyward_session"] = ada.cookies["keyward_session"]
	wantStatus(t, keeper.get("/"), http.StatusOK)
	ada.post("/login", "email", "ada@example.com", "password", "a guess")
	wantStatus(t, keeper.get("/"), http.StatusOK) // a refused one changes nothing
	ada.signIn("ada@example.com")
	wantTo(t, keeper.get("/"), "/login?next=%2F")
	wantStatus(t, ada.get("/"), http.StatusOK)
	if rows := ada.get("/profile").find("[aria-labelledby=ss] li").Length(); rows != 1 {
		t.Errorf("%d browsers are signed in, want this one", rows)
	}
}

// P-AUTH-15
func TestSigningOut(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	if got := ada.get("/").attr(".user form", "action"); got != "/logout" {
		t.Fatalf("the user menu signs out at %q", got)
	}
	stolen := w.browser()
	stolen.cookies["keyward_session"] = ada.cookies["keyward_session"]
	wantStatus(t, stolen.get("/"), http.StatusOK)

	out := ada.follow("/logout")
	wantIn(t, out, "[role=status]", "You have signed out.")
	if _, kept := ada.cookies["keyward_session"]; kept {
		t.Error("the session cookie is kept")
	}
	wantTo(t, stolen.get("/"), "/login?next=%2F")

	t.Run("again is harmless", func(t *testing.T) {
		wantTo(t, ada.post("/logout"), "/login?done=signed-out")
	})
}

func TestSessionsEndByThemselves(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	w.pass(account.SessionIdle - time.Minute)
	wantStatus(t, ada.get("/"), http.StatusOK)
	w.pass(account.SessionIdle)
	wantTo(t, ada.get("/"), "/login?next=%2F")
}

// P-AUTH-01: names of their own; C-SEC-10: out of reach of scripts and of other sites.
func TestCookies(t *testing.T) {
	for _, tt := range []struct {
		base   string
		secure bool
	}{{"http://portal.example", false}, {"https://portal.example", true}} {
		t.Run(tt.base, func(t *testing.T) {
			w := newWorldWith(t, options{deps: func(d *portal.Deps) { d.BaseURL = tt.base }})
			ada := w.stranger("ada@example.com")
			answer := ada.post("/login", "email", "ada@example.com", "password", password)
			names := map[string]bool{}
			for _, c := range append(answer.set, ada.post("/logout").set...) {
				names[c.Name] = true
				if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure != tt.secure || c.Path != "/" || c.Domain != "" {
					t.Errorf("cookie is %s", c)
				}
			}
			if !names["keyward_session"] || !names["keyward_device"] {
				t.Errorf("cookies are %v", names)
			}
		})
	}
}

func TestAfterSignInThePageAskedForComes(t *testing.T) {
	w := newWorld(t)
	ada := w.stranger("ada@example.com")
	asked := ada.get("/activations?status=active")
	login := ada.get(asked.location())
	next := login.attr("input[name=next]", "value")
	wantTo(t, ada.post("/login", "email", "ada@example.com", "password", password, "next", next), "/activations?status=active")

	for _, elsewhere := range []string{
		"https://evil.example/", "//evil.example", `/\evil.example`, "/%2F/evil.example", "javascript:alert(1)", "/\tevil", "evil.example", "",
	} {
		b := w.browser()
		query := url.Values{"next": {elsewhere}}.Encode()
		if got := b.get("/login?"+query).attr("input[name=next]", "value"); got != "/" {
			t.Errorf("next %q is offered as %q", elsewhere, got)
		}
		wantTo(t, b.post("/login", "email", "ada@example.com", "password", password, "next", elsewhere), "/")
		wantTo(t, b.get("/login?"+query), "/")
	}
}

// A search that may be a key does not get into the address of the sign-in page.
func TestSignInAddressHoldsNoKey(t *testing.T) {
	w := newWorld(t)
	ada := w.stranger("ada@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor"))
	short := url.Values{"q": {cutOf(l.key)}}.Encode()
	wantTo(t, ada.get("/licenses?q="+l.key), "/login?"+url.Values{"next": {"/licenses?" + short}}.Encode())
}

// P-AUTH-05, P-AUTH-07, P-AUTH-13
func TestForgotPassword(t *testing.T) {
	w := newWorld(t)
	w.stranger("ada@example.com")
	w.customerWithoutPassword("New", "new@example.com")
	ask := func(email string) *page { return w.browser().post("/forgot", "email", email) }

	known := ask("ada@example.com")
	wantStatus(t, known, http.StatusOK)
	wantText(t, known, "h1", "Check your mail")
	wantIn(t, known, "main", "ada@example.com")
	wantIn(t, known, "main", support)
	for _, email := range []string{"bob@example.com", "new@example.com"} {
		answer := ask(email)
		wantStatus(t, answer, http.StatusOK)
		if diff := cmp.Diff(withoutRequestID(known), strings.ReplaceAll(withoutRequestID(answer), email, "ada@example.com")); diff != "" {
			t.Errorf("%s is answered otherwise:\n%s", email, diff)
		}
	}
	if got := w.jobs(); !cmp.Equal(got, []string{"mail.reset", "mail.reset"}) {
		t.Errorf("jobs are %q, want one mail for each who has an account", got)
	}

	for _, email := range []string{"", "nonsense", "a b@example.com"} {
		answer := ask(email)
		wantStatus(t, answer, http.StatusBadRequest)
		wantIn(t, answer, "#email-error", "Enter an address")
		if answer.attr("[role=alert] a", "href") != "#email" || answer.attr("#email", "value") != email {
			t.Errorf("%q: the form is not filled in, or does not say what to mend", email)
		}
	}
}

// jobs are the kinds of all jobs that are due.
func (w *world) jobs() []string {
	w.t.Helper()
	var kinds []string
	for {
		var job store.Job
		err := w.store.InTx(w.t.Context(), func(tx *store.Tx) (err error) {
			job, err = tx.ClaimJob(w.t.Context(), w.now)
			return err
		})
		if store.IsNotFound(err) {
			return kinds
		}
		must(w.t, err)
		kinds = append(kinds, job.Kind)
	}
}

// P-AUTH-13
func TestTooManyResetRequests(t *testing.T) {
	limits := identity.DefaultLimits()
	limits.ResetAddress = identity.Rate{Burst: 1, Every: time.Minute}
	w := newWorldWith(t, options{limits: limits})
	b := w.browser()
	wantStatus(t, b.post("/forgot", "email", "ada@example.com"), http.StatusOK)
	limited := b.post("/forgot", "email", "ada@example.com")
	wantStatus(t, limited, http.StatusTooManyRequests)
	if limited.header.Get("Retry-After") != "60" || limited.attr("#email", "value") != "ada@example.com" {
		t.Errorf("Retry-After is %q, the form holds %q", limited.header.Get("Retry-After"), limited.attr("#email", "value"))
	}
}

// P-AUTH-05, P-AUTH-06, P-AUTH-14
func TestOneTimeLinks(t *testing.T) {
	for purpose, title := range map[account.LinkPurpose]string{account.Invitation: "Welcome", account.Reset: "Choose a new password"} {
		t.Run(string(purpose), func(t *testing.T) {
			w := newWorld(t)
			ada := w.customerWithoutPassword("Analytical Engines", "ada@example.com")
			path, token := "/"+string(purpose), w.link(ada.person, purpose)
			for range 2 { // mail scanners open links first
				opened := ada.get(path + "?token=" + token)
				wantStatus(t, opened, http.StatusOK)
				wantText(t, opened, "h1", title)
				wantIn(t, opened, "main", "ada@example.com")
				if opened.attr("main form", "action") != path || opened.attr("input[name=token]", "value") != token {
					t.Error("the form does not lead back")
				}
			}
			choose := func(fields ...string) *page { return ada.post(path, append(fields, "token", token)...) }
			for _, tt := range []struct{ name, password, repeat, field, says string }{
				{"that differ", "one good password", "another good one", "repeat", "Type the same password again."},
				{"too short", "short", "short", "password", "at least 8 characters"},
				{"too common", "password1", "password1", "password", "one of the first that are tried"},
				{"of the address", "ada@example.com", "ada@example.com", "password", "not your e-mail address"},
				{"none", "", "", "password", "Enter a password."},
			} {
				refused := choose("password", tt.password, "repeat", tt.repeat)
				wantStatus(t, refused, http.StatusBadRequest)
				wantIn(t, refused, "#"+tt.field+"-error", tt.says)
				if refused.attr("[role=alert] a", "href") != "#"+tt.field || refused.attr("input[name=token]", "value") != token {
					t.Errorf("passwords %s: the form is not drawn again", tt.name)
				}
				if refused.attr("#password", "value")+refused.attr("#repeat", "value") != "" {
					t.Errorf("passwords %s: they are in the page", tt.name)
				}
			}
			done := choose("password", password, "repeat", password)
			wantTo(t, done, "/login?done=password")
			wantIn(t, ada.get(done.location()), "[role=status]", "Your password is set.")
			wantTo(t, ada.post("/login", "email", "ada@example.com", "password", password), "/")

			again := choose("password", "quite another password", "repeat", "quite another password")
			wantDeadLink(t, again)
			wantDeadLink(t, ada.get(path+"?token="+token))
			wantTo(t, w.browser().post("/login", "email", "ada@example.com", "password", password), "/")
		})
	}
}

func wantDeadLink(t *testing.T, p *page) {
	t.Helper()
	wantStatus(t, p, http.StatusGone)
	wantText(t, p, "h1", "This link cannot be used")
	wantIn(t, p, "[role=alert]", "used before, or it is too old")
	if p.find("input[name=token]").Length() > 0 || p.attr("main .btn", "href") != "/forgot" {
		t.Errorf("%s: the page offers a form, or no way to another link", p.what)
	}
}

func TestUnusableLinks(t *testing.T) {
	w := newWorld(t)
	ada := w.customerWithoutPassword("Analytical Engines", "ada@example.com")
	reset := w.link(ada.person, account.Reset)
	for name, path := range map[string]string{
		"no token": "/reset", "nonsense": "/reset?token=abc", "of the other kind": "/invitation?token=" + reset, "endless": "/reset?token=" + strings.Repeat("a", 4000),
	} {
		t.Run(name, func(t *testing.T) { wantDeadLink(t, w.browser().get(path)) })
	}
	w.pass(account.Reset.Life())
	wantDeadLink(t, w.browser().get("/reset?token="+reset))
	wantDeadLink(t, w.browser().post("/reset", "token", reset, "password", password, "repeat", password))
	wantDeadLink(t, w.browser().post("/reset", "token", reset, "password", password, "repeat", "differs"))
}

// A new password ends what was signed in with the old one (C-SEC-03).
func TestNewPasswordSignsOut(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	owner := w.browser()
	token := w.link(ada.person, account.Reset)
	wantTo(t, owner.post("/reset", "token", token, "password", "a new good password", "repeat", "a new good password"), "/login?done=password")
	wantTo(t, ada.get("/"), "/login?next=%2F")
}

// P-SET-08: the theme goes with the person.
func TestTheme(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	wantTo(t, ada.post("/theme", "theme", "dark", "back", "/licenses?status=active"), "/licenses?status=active")
	for name, b := range map[string]*browser{"this browser": ada.browser, "another one": w.browser()} {
		b.signIn("ada@example.com")
		if got := b.get("/").attr("html", "data-theme"); got != "dark" {
			t.Errorf("in %s the theme is %q", name, got)
		}
	}
	t.Run("never leads elsewhere", func(t *testing.T) {
		wantTo(t, ada.post("/theme", "theme", "light", "back", "//evil.example"), "/")
	})
	t.Run("works signed out", func(t *testing.T) {
		b := w.browser()
		wantTo(t, b.post("/theme", "theme", "dark", "back", "/login"), "/login")
		if got := b.get("/login").attr("html", "data-theme"); got != "dark" {
			t.Errorf("the theme is %q", got)
		}
	})
	t.Run("one that does not exist is the system's", func(t *testing.T) {
		b := w.browser()
		b.post("/theme", "theme", "pink")
		wantNone(t, b.get("/login"), "html[data-theme]")
	})
	t.Run("a script gets no page", func(t *testing.T) {
		wantStatus(t, ada.script().post("/theme", "theme", "light"), http.StatusNoContent)
	})
}

// P-AUTH-11
func TestOwnersOfNothingGetIn(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	for _, path := range []string{"/", "/licenses", "/activations"} {
		wantStatus(t, ada.get(path), http.StatusOK)
	}
}
