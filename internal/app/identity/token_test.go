package identity_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

func TestCreateToken(t *testing.T) {
	t.Run("a client token is of its product and does little", func(t *testing.T) {
		f := newFixture(t)
		p := f.product(t, license.Staging)
		made, text, err := f.CreateToken(t.Context(), system, identity.NewToken{Kind: account.ClientToken, Name: "Installer", ProductID: p.ID})
		ok(t, err)
		got, err := f.AuthenticateToken(t.Context(), text, home.Address)
		ok(t, err)
		if got.ID != made.ID || got.ProductID != p.ID || got.Environment != license.Staging ||
			!slices.Equal(got.Permissions, []account.Permission{account.DevicesUse}) {
			t.Errorf("token %+v", got)
		}
		if !strings.HasPrefix(text, "kwc_") || !strings.HasPrefix(text, got.Prefix) || len(text) < len(got.Prefix)+30 {
			t.Errorf("prefix %q", got.Prefix)
		}
		if n := len(f.events(t, event.TokenCreated)); n != 1 {
			t.Errorf("%d events", n)
		}
	})
	t.Run("a secret token has what it is given", func(t *testing.T) {
		f := newFixture(t)
		_, text, err := f.CreateToken(t.Context(), system, identity.NewToken{
			Kind: account.SecretToken, Name: "Shop", Environment: license.Production,
			Permissions: []account.Permission{account.LicensesWrite, account.LicensesRead, account.LicensesRead},
		})
		ok(t, err)
		got, err := f.AuthenticateToken(t.Context(), text, home.Address)
		ok(t, err)
		if !strings.HasPrefix(text, "kws_") || !slices.Equal(got.Permissions, []account.Permission{account.LicensesRead, account.LicensesWrite}) {
			t.Errorf("token %+v", got)
		}
	})
	t.Run("wrong input is refused", func(t *testing.T) {
		f := newFixture(t)
		p := f.product(t, license.Production)
		for field, in := range map[string]identity.NewToken{
			"kind":        {Kind: "magic", Name: "x"},
			"name":        {Kind: account.ClientToken, ProductID: p.ID},
			"product_id":  {Kind: account.ClientToken, Name: "x"},
			"permissions": {Kind: account.SecretToken, Name: "x", Environment: license.Production, Permissions: []account.Permission{account.DevicesUse}},
			"environment": {Kind: account.SecretToken, Name: "x", Permissions: []account.Permission{account.LicensesRead}},
			"expires_at":  {Kind: account.ClientToken, Name: "x", ProductID: p.ID, ExpiresAt: f.now},
			"networks":    {Kind: account.ClientToken, Name: "x", ProductID: p.ID, Networks: make([]netip.Prefix, 1)},
		} {
			_, _, err := f.CreateToken(t.Context(), system, in)
			wantField(t, err, field)
		}
		_, _, err := f.CreateToken(t.Context(), system, identity.NewToken{Kind: account.ClientToken, Name: "x", ProductID: "none"})
		wantCode(t, err, "not_found")
	})
	t.Run("nobody makes one that may do more, or elsewhere", func(t *testing.T) {
		f := newFixture(t)
		p := f.product(t, license.Staging)
		actor := account.Actor{
			Kind: account.ActorToken, Environment: license.Production,
			Permissions: []account.Permission{account.TokensWrite, account.LicensesRead},
		}
		secret := func(e license.Environment, p account.Permission) identity.NewToken {
			return identity.NewToken{Kind: account.SecretToken, Name: "x", Environment: e, Permissions: []account.Permission{p}}
		}
		_, _, err := f.CreateToken(t.Context(), actor, secret(license.Production, account.LicensesWrite))
		wantCode(t, err, "permission_missing")
		_, _, err = f.CreateToken(t.Context(), actor, secret(license.Staging, account.LicensesRead))
		wantField(t, err, "environment")
		_, _, err = f.CreateToken(t.Context(), actor, identity.NewToken{Kind: account.ClientToken, Name: "x", ProductID: p.ID})
		wantCode(t, err, "not_found")
		_, _, err = f.CreateToken(t.Context(), account.Actor{}, secret(license.Production, account.LicensesRead))
		wantCode(t, err, "permission_missing")
		_, _, err = f.CreateToken(t.Context(), actor, secret(license.Production, account.LicensesRead))
		ok(t, err)
	})
}

func TestAuthenticateToken(t *testing.T) { // C-SEC-05
	start := func(t *testing.T, in identity.NewToken) (*fixture, account.Token, string) {
		t.Helper()
		f := newFixture(t)
		in.Kind, in.Name, in.ProductID = account.ClientToken, "Installer", f.product(t, license.Production).ID
		if !in.ExpiresAt.IsZero() {
			in.ExpiresAt = f.now.Add(time.Hour)
		}
		made, text, err := f.CreateToken(t.Context(), system, in)
		ok(t, err)
		return f, made, text
	}
	refused := func(t *testing.T, f *fixture, text string, from netip.Addr) {
		t.Helper()
		_, err := f.AuthenticateToken(t.Context(), text, from)
		wantCode(t, err, "token_not_accepted")
	}

	t.Run("what is no token is refused", func(t *testing.T) {
		f, _, text := start(t, identity.NewToken{})
		for _, other := range []string{"", "kwc_", text[:len(text)-1], text + "x", "kws_" + text[4:], text[4:], "kwc_" + strings.Repeat("x", 1<<20)} {
			refused(t, f, other, home.Address)
		}
	})
	t.Run("it is refused from the instant it expires", func(t *testing.T) {
		f, _, text := start(t, identity.NewToken{ExpiresAt: time.Unix(1, 0)})
		f.pass(time.Hour - time.Microsecond)
		_, err := f.AuthenticateToken(t.Context(), text, home.Address)
		ok(t, err)
		f.pass(time.Microsecond)
		refused(t, f, text, home.Address)
	})
	t.Run("a network in the IPv6 form of IPv4 is the same network", func(t *testing.T) {
		f, _, text := start(t, identity.NewToken{Networks: []netip.Prefix{netip.MustParsePrefix("::ffff:192.0.2.0/120")}})
		_, err := f.AuthenticateToken(t.Context(), text, netip.MustParseAddr("192.0.2.7"))
		ok(t, err)
		_, err = f.AuthenticateToken(t.Context(), text, netip.MustParseAddr("192.0.3.7"))
		wantCode(t, err, "token_not_accepted")
	})
	t.Run("it is refused from other networks", func(t *testing.T) {
		f, _, text := start(t, identity.NewToken{Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.7/24")}})
		_, err := f.AuthenticateToken(t.Context(), text, netip.MustParseAddr("192.0.2.200"))
		ok(t, err)
		_, err = f.AuthenticateToken(t.Context(), text, netip.MustParseAddr("::ffff:192.0.2.200"))
		ok(t, err)
		refused(t, f, text, away.Address)
		refused(t, f, text, netip.Addr{})
	})
	t.Run("a revocation acts at once here and within a second elsewhere", func(t *testing.T) {
		f, made, text := start(t, identity.NewToken{})
		_, err := f.AuthenticateToken(t.Context(), text, home.Address)
		ok(t, err)
		f.change(t, func(tx *store.Tx) error { return tx.RevokeToken(t.Context(), made.ID, f.now) }) // on another server
		f.pass(time.Second)
		refused(t, f, text, home.Address)

		f, made, text = start(t, identity.NewToken{})
		_, err = f.AuthenticateToken(t.Context(), text, home.Address)
		ok(t, err)
		wantCode(t, f.RevokeToken(t.Context(), account.Actor{}, made.ID), "permission_missing")
		wantCode(t, f.RevokeToken(t.Context(), system, "none"), "not_found")
		for range 2 {
			ok(t, f.RevokeToken(t.Context(), system, made.ID))
		}
		refused(t, f, text, home.Address)
		if n := len(f.events(t, "token.revoked")); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
	})
	t.Run("its use is noted at most every minute", func(t *testing.T) {
		f, made, text := start(t, identity.NewToken{})
		began := f.now
		for _, c := range []struct {
			pass time.Duration
			want time.Time
		}{{0, began}, {59 * time.Second, began}, {time.Second, began.Add(time.Minute)}} {
			f.pass(c.pass)
			_, err := f.AuthenticateToken(t.Context(), text, home.Address)
			ok(t, err)
			got, err := f.store.Token(t.Context(), made.ID)
			ok(t, err)
			if !got.LastUsedAt.Equal(c.want) {
				t.Errorf("at %v last used %v, want %v", f.now, got.LastUsedAt, c.want)
			}
		}
	})
}
