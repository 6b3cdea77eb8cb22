package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/app/apptest"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/licensefile"
)

// P-LICD-18: the whole way, with the server's part done by what the portal
// does: from the request over the file, which is verified without a network, to
// its return, after which it is good for nothing.
func TestRoundTrip(t *testing.T) {
	w := apptest.New(t)
	w.Clock.Set(time.Now())
	p := w.Product("editor", func(p *license.Product, _ *license.Generator) { p.OfflineAllowed = true })
	c := w.Customer("Acme")
	l, _ := w.License(p, c)
	owner := apptest.Owner(c)
	ring, err := w.Store.SigningKeys(t.Context(), p.ID)
	w.Must(err)
	key, err := licensefile.NewKey(ring[0].Public)
	w.Must(err)
	t.Setenv("KEYWARD_PRODUCT", string(p.ID))
	t.Setenv("KEYWARD_PRODUCT_KEY", key.String())

	request, err := says(t, "request")
	w.Must(err)
	wish, err := w.Licensing.ReadOffline(t.Context(), owner, l.ID, request)
	if err != nil || !wish.Verdict.Valid || wish.Version != "1.0.0" {
		t.Fatalf("the portal reads %+v (%v)", wish, err)
	}
	file, err := w.Licensing.IssueOffline(t.Context(), owner, l.ID, request)
	w.Must(err)
	text, err := w.Licensing.OfflineText(t.Context(), owner, l.ID, file.ID)
	w.Must(err)
	path := filepath.Join(t.TempDir(), "editor.lic")
	w.Must(os.WriteFile(path, []byte(text.Text+"\n"), 0o600))

	out, err := says(t, "verify", path)
	if err != nil || !strings.HasPrefix(out, "valid: ") || !strings.Contains(out, "Licensed offline until "+file.ValidUntil.Format(time.DateOnly)) {
		t.Errorf("it says %q (%v)", out, err)
	}
	t.Run("a changed file is refused", func(t *testing.T) {
		changed := filepath.Join(t.TempDir(), "changed.lic")
		w.Must(os.WriteFile(changed, []byte(strings.Replace(text.Text, ".", ".A", 1)), 0o600))
		if out, err := says(t, "verify", changed); err == nil || out != "" {
			t.Errorf("it says %q (%v)", out, err)
		}
	})
	t.Run("the file of another product is refused", func(t *testing.T) {
		t.Setenv("KEYWARD_PRODUCT", "another")
		if out, err := says(t, "verify", path); err == nil || !strings.HasPrefix(out, "product_mismatch: ") {
			t.Errorf("it says %q (%v)", out, err)
		}
	})

	out, err = says(t, "return", path)
	returned, printed := strings.CutPrefix(strings.TrimSpace(out), "Return code: ")
	if err != nil || !printed {
		t.Fatalf("it says %q (%v)", out, err)
	}
	_, err = w.Licensing.ReturnOffline(t.Context(), owner, l.ID, file.ID, licensing.OfflineReturn{Code: returned})
	w.Must(err)
	list, err := w.Licensing.OfflineFiles(t.Context(), owner, l.ID)
	if err != nil || list.Used != 0 || list.Out != 0 {
		t.Errorf("%d seats and %d files are taken (%v)", list.Used, list.Out, err)
	}
	if _, err := w.Licensing.OfflineText(t.Context(), owner, l.ID, file.ID); !fault.Is(err, fault.Conflict) {
		t.Errorf("the portal gives it out again: %v", err)
	}
	for _, command := range []string{"verify", "return"} {
		if out, err := says(t, command, path); err == nil || out != "" {
			t.Errorf("%s of a file that was returned says %q (%v)", command, out, err)
		}
	}
}

// says runs a command of the program and returns what it printed.
func says(t *testing.T, args ...string) (string, error) {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stdout
	os.Stdout = out
	err = run(args)
	os.Stdout = before
	text, read := os.ReadFile(out.Name())
	if closed := out.Close(); read != nil || closed != nil {
		t.Fatal(read, closed)
	}
	return string(text), err
}
