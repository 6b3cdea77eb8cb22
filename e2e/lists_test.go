package e2e

import (
	"bytes"
	"encoding/csv"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// P-NAV-06, P-LIC-12: keys that lead to the search and to their own list, and
// stay away once they are switched off; then ended licenses folded away, and
// what is left kept under a name.
func listHasTools(t *testing.T, d *Demo) {
	p := d.Visit(t, d.Customer, "/licenses")
	focused := func() string { return Eval[string](p, `document.activeElement.id`) }
	leave := func() { Eval[any](p, `document.activeElement.blur()`) }
	p.Press("/")
	if got := focused(); got != "q" {
		t.Errorf("/ leads to %q", got)
	}
	leave()
	p.Press("?")
	p.In("#shortcuts[open]").See("Go to My Licenses")
	Eval[any](p, `document.getElementById("shortcuts-on").click()`)
	p.Press(kb.Escape)
	p.DontSee("Go to My Licenses")
	p.Reload() // the choice outlives the page
	p.See("Showing 1–25 of 40")
	for _, key := range []string{"/", "?", "g", "a"} {
		p.Press(key)
	}
	if got := focused(); got == "q" || Eval[bool](p, `document.getElementById("shortcuts").open`) {
		t.Errorf("switched off, the keys still work: %q has the focus", got)
	}
	p.SeePath("/licenses")
	Eval[any](p, `document.getElementById("shortcuts-on").click()`)

	p.Click("Hide 6 ended licenses")
	p.SeePath("/licenses?ended=hide")
	p.See("Showing 1–25 of 34")
	p.Click("Views")
	p.Click("Save this view…")
	p.Fill("Name of this view", "Still running")
	p.Click("Save view")
	p.SeePath("/licenses?ended=hide")
	p.Goto(d.URL + "/licenses")
	p.Click("Views")
	p.Click("Still running")
	p.SeePath("/licenses?ended=hide")
	p.Click("View: Still running")
	p.Click("Manage views…")
	p.Click("Delete Still running")
	p.See("The view is deleted.")
	p.See("You keep no view of this list yet.")

	answer, err := d.Session(t, d.Customer).http.Get(d.URL + "/licenses.csv?ended=hide")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	rows, unread := csv.NewReader(bytes.NewReader(body)).ReadAll()
	if kind := answer.Header.Get("Content-Type"); err != nil || unread != nil || answer.StatusCode != http.StatusOK || !strings.HasPrefix(kind, "text/csv; charset=utf-8") || len(rows) != 35 {
		t.Fatalf("the file is %d, %s with %d rows (%v, %v)", answer.StatusCode, kind, len(rows), err, unread)
	}
	for _, row := range rows[1:] {
		if !strings.Contains(row[2], "•") {
			t.Errorf("the file has the key %q", row[2])
		}
	}
}
