package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// P-PRO-02, P-PRO-14, P-SET-01..03, P-SET-09: people say what they are called
// and where they are, and every page follows once it is saved.
func accountIsTheirOwn(t *testing.T, d *Demo) {
	p := d.Visit(t, d.OtherCustomer, "/profile")
	called := Eval[string](p, `document.querySelector("#name").value`)
	p.Fill("Display name", "Tobias of the East Wing")
	p.Click("Save profile")
	p.See("Your profile is saved.")
	p.In("header.topbar").See("Tobias of the East Wing")

	const shown = `[...document.querySelectorAll(".when .tip")].map(e => e.textContent.trim().split(" ").pop())`
	zones := func() string {
		p.Goto(d.URL + "/profile")
		found := Eval[[]string](p, shown)
		slices.Sort(found)
		return strings.Join(slices.Compact(found), " ")
	}
	before := zones()
	p.Goto(d.URL + "/settings")
	p.Choose("Time zone", "Pacific/Kiritimati")
	if got := zones(); got != before { // nothing changes before it is saved
		t.Errorf("the times are in %q before it is saved, not in %q", got, before)
	}
	p.Goto(d.URL + "/settings")
	p.Choose("Time zone", "Pacific/Kiritimati")
	p.Click("Save settings")
	p.See("Your settings are saved.")
	if got := zones(); got != "UTC+14:00" {
		t.Errorf("the times are in %q", got)
	}
	s := d.Session(t, d.OtherCustomer)
	s.Post(t, "/settings", "time_zone", "", "license_mail", "1", "security_mail", "1")
	s.Post(t, "/profile", "name", called)
}

// P-AUTH-14, P-ISO-01, C.7: an owner asks somebody in by mail, who joins with a
// sign-in of their own and only looks; the customer's licenses are mailed and
// stand in a calendar until they leave.
func teamIsInvited(t *testing.T, d *Demo) {
	grace := SignIn{"grace@brightwater.example", "a-lamp-in-the-attic"}
	owner := d.Visit(t, d.OtherCustomer, "/team")
	owner.Fill("E-mail address", grace.Email)
	owner.Choose("Role", "Viewer")
	owner.Click("Send invitation")
	owner.See("The invitation is on its way.")
	owner.See("open until")

	p := OpenPage(t)
	p.Goto(d.Link(t, grace.Email, "/join?token="))
	p.See("as Viewer")
	p.choosePassword(grace.Password, grace.Password, "Accept the invitation")
	p.See("You belong to the team now.")
	p.typeSignIn(grace)
	p.SeePath("/")

	issued := query[struct{ ID string }](t, append([]string{
		"license", "issue", "--product", d.Products[0].ID, "--customer", d.OtherCustomer.Email, "--days", "20",
	}, d.storage()...)...)
	d.mail(t, d.OtherCustomer.Email, "about the license", func(m mail) bool {
		return strings.Contains(m.Subject, "assigned to you") && strings.Contains(m.Text, d.URL+"/licenses/"+issued.ID)
	})
	p.Goto(d.URL + "/licenses/" + issued.ID)
	p.See("Your role does not include copying keys.")
	if p.HasControl("Copy") || p.HasControl("Team") {
		t.Error("somebody whose role is to look may change something")
	}

	p.Goto(d.URL + "/calendar")
	p.Click("Make an address")
	feed := p.Text("#feed")
	if got := fetch(t, feed); !strings.Contains(got, "BEGIN:VEVENT") {
		t.Errorf("the calendar is\n%s", got)
	}

	owner.Reload()
	owner.Click("Remove " + grace.Email)
	owner.In("dialog[open]").See("is signed out at once")
	owner.In("dialog[open]").Click("Remove")
	owner.See("no longer belongs to the team")
	p.Goto(d.URL + "/licenses")
	p.SeePath("/login?next=%2Flicenses")
	if got := fetch(t, feed); strings.Contains(got, "VEVENT") {
		t.Error("the calendar goes on")
	}
}

// fetch reads an address as a calendar program does.
func fetch(t *testing.T, address string) string {
	t.Helper()
	s := newSession(t, "")
	a := s.do(t, http.MethodGet, address, nil)
	return a.Page.Text()
}
