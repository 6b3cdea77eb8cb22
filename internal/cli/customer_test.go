package cli_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/cli"
	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/server"
)

// with runs fn on the use cases of the installation in a directory.
func with(t *testing.T, dir string, fn func(*server.Services) error) {
	t.Helper()
	uses, err := server.Assemble(t.Context(), config.Database{Data: dir}, server.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := fn(uses); err != nil {
		t.Fatal(err)
	}
	if err := uses.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// An operator removes the second factor of somebody who has lost it
// (P-AUTH-12): once, and never of somebody who is not here.
func TestFactorsAreReset(t *testing.T) {
	dir := t.TempDir()
	var ada account.Actor
	with(t, dir, func(uses *server.Services) error {
		_, p, err := uses.Identity.CreateCustomer(t.Context(), account.System(""), identity.NewCustomer{Name: "Nordlicht", Email: "ada@example.com"})
		if err != nil {
			return err
		}
		ada = account.Actor{Kind: account.ActorPerson, ID: p.ID, ProvedAt: time.Now()}
		setup, err := uses.Identity.BeginApp(t.Context(), ada)
		if err != nil {
			return err
		}
		code, err := totp.GenerateCode(setup.Secret, time.Now())
		if err != nil {
			return err
		}
		_, err = uses.Identity.ConfirmApp(t.Context(), ada, code)
		return err
	})
	for _, tt := range []struct {
		email string
		code  int
		want  string // in the output
	}{
		{"Ada@Example.com", 0, "signed out everywhere"},
		{"ada@example.com", 0, "Nothing was changed."},
		{"bob@example.com", 1, "customer list"},
	} {
		var out, errs bytes.Buffer
		code := cli.Main(t.Context(), []string{"customer", "reset-factor", tt.email, "--data=" + dir}, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
		if code != tt.code || !strings.Contains(out.String()+errs.String(), tt.want) {
			t.Errorf("%s: exit code %d\n%s%s", tt.email, code, &out, &errs)
		}
	}
	with(t, dir, func(uses *server.Services) error {
		left, err := uses.Identity.Factors(t.Context(), ada)
		if left.AppOn() || left.CodesLeft != 0 {
			t.Errorf("what is left is %+v", left)
		}
		return err
	})
}
