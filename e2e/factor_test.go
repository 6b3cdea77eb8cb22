package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"
)

// byName is the demo's address with a name in it: passkeys are bound to one.
func (d *Demo) byName() string { return strings.Replace(d.URL, "127.0.0.1", "localhost", 1) }

// P-AUTH-12: a passkey is added, signs in without a name or a password, and
// is removed.
func passkeySignsIn(t *testing.T, d *Demo) {
	p := OpenPage(t)
	p.plugIn()
	p.Goto(d.byName() + "/login")
	p.typeSignIn(d.EmptyCustomer)
	p.SeePath("/")
	p.Goto(d.byName() + "/security")
	p.See("You have no passkey yet.")
	p.Click("Add a passkey")
	p.SeePath("/security/passkeys/add")
	p.Axe()
	p.Fill("Name", "Work laptop")
	p.Click("Add a passkey")
	p.SeePath("/security?done=added")
	p.See("Work laptop")
	p.Axe()

	p.forgetCookies()
	p.Goto(d.byName() + "/login?next=%2Fsecurity")
	p.Click("Sign in with a passkey")
	p.SeePath("/security")
	p.See("Work laptop")

	p.Goto(d.byName() + "/security/confirm?next=%2Fsecurity%3Fconfirmed")
	p.Click("Use a passkey")
	p.SeePath("/security?confirmed")
	p.See("last used just now")

	p.Click("Remove Work laptop")
	p.See("Remove Work laptop?")
	p.Click("Remove")
	p.SeePath("/security?done=removed")
	p.See("You have no passkey yet.")
}

// P-AUTH-12: with an authenticator app the password alone signs nobody in; a
// code of the app or a recovery code does.
func appAsksForCode(t *testing.T, d *Demo) {
	p := OpenPage(t)
	p.Expect("401")
	p.Goto(d.URL + "/login")
	p.typeSignIn(d.EmptyCustomer)
	p.SeePath("/")
	p.Goto(d.URL + "/security/app")
	secret, codes := p.switchAppOn()

	p.forgetCookies()
	p.Goto(d.URL + "/login?next=%2Flicenses")
	p.typeSignIn(d.EmptyCustomer)
	p.SeePath("/login/code?next=%2Flicenses")
	p.Fill("Code", "000000")
	p.Click("Continue")
	p.See("recovery code that you have not used yet")
	p.Fill("Code", appCode(t, secret, time.Now().Add(30*time.Second))) // the one before is spent
	p.Click("Continue")
	p.SeePath("/licenses")

	p.forgetCookies()
	p.Goto(d.URL + "/login?next=%2Fsecurity")
	p.typeSignIn(d.EmptyCustomer)
	p.Fill("Code", codes[0])
	p.Click("Continue")
	p.SeePath("/security")
	p.See("9 of 10 left")
	p.Click("Switch off")
	p.See("Switch the authenticator app off?")
	p.Click("Switch off")
	p.SeePath("/security?done=off")
}

// switchAppOn sets up an authenticator app on the page for it and returns its
// secret and the recovery codes.
func (p *Page) switchAppOn() (secret string, codes []string) {
	p.t.Helper()
	secret = p.Text("#secret")
	p.Fill("Code", appCode(p.t, secret, time.Now()))
	p.Click("Switch on")
	p.See("Your recovery codes")
	return secret, p.Texts("#codes li")
}

// appCode is what an authenticator app shows.
func appCode(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, at)
	if err != nil {
		t.Fatalf("a code of %q: %v", secret, err)
	}
	return code
}

// plugIn gives the tab an authenticator whose owner always agrees.
func (p *Page) plugIn() {
	p.t.Helper()
	p.do("listen for passkeys", command(webauthn.Enable, webauthn.EnableParams{}))
	p.t.Cleanup(func() { p.do("forget passkeys", command(webauthn.Disable, cdp.Empty{})) })
	p.do("add an authenticator", chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{
			Options: &webauthn.VirtualAuthenticatorOptions{
				Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
				HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
			},
		})
		return err
	}))
}

func (p *Page) forgetCookies() {
	p.t.Helper()
	p.do("forget the cookies", command(network.ClearBrowserCookies, cdp.Empty{}))
}
