package portal_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/id"
)

// invited returns the link's token of the newest invitation, as its mail would
// hold it.
func (w *world) invited(c customer, email string) string {
	w.t.Helper()
	all, err := w.store.TeamInvitations(w.t.Context(), c.Customer.ID)
	must(w.t, err)
	for _, i := range all {
		if i.Email == email {
			_, token, err := w.identity.MintTeamLink(w.t.Context(), i.ID)
			must(w.t, err)
			return token
		}
	}
	w.t.Fatalf("%s is not invited", email)
	return ""
}

func TestInvitingSomebodyNew(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	l := w.issue(ada.Customer.ID, w.product("Editor"))
	p := ada.follow("/team", "email", " Grace@Example.com", "role", "viewer")
	wantIn(t, p, ".flash[role=status]", "on its way")
	wantIn(t, p, "[aria-labelledby=iv]", "grace@example.com Viewer")
	if got := w.waiting(account.TeamInvitationNotice); got != 1 {
		t.Errorf("%d invitations wait to be mailed", got)
	}
	grace := w.browser()
	token := w.invited(ada, "grace@example.com")
	for range 2 { // P-AUTH-14
		wantIn(t, grace.get("/join?token="+token), "main", "Analytical Engines invites grace@example.com as Viewer")
	}
	wantStatus(t, grace.post("/join", "token", token, "password", "short", "repeat", "short"), http.StatusBadRequest)
	wantStatus(t, grace.post("/join", "token", token, "password", password, "repeat", "other"), http.StatusBadRequest)
	wantTo(t, grace.post("/join", "token", token, "password", password, "repeat", password), "/login?done=joined")
	wantStatus(t, grace.post("/join", "token", token, "password", password, "repeat", password), http.StatusGone)
	borrowed := w.customer("bob@example.com").browser // whose owner is signed in
	wantIn(t, borrowed.get("/login?done=joined"), ".flash", "You belong to the team now")
	borrowed.signIn("grace@example.com")
	wantIn(t, borrowed.get("/"), ".user-id small", "grace@example.com")
	wantTo(t, borrowed.get("/login"), "/")
	grace.signIn("grace@example.com")
	wantStatus(t, grace.get(l.path()), http.StatusOK) // licenses belong to the customer
	wantNone(t, grace.get("/"), "a[href='/team']")
	for _, post := range []string{"/team", "/team/members/" + string(ada.person.ID) + "/remove", "/team/members/" + string(ada.person.ID) + "/role"} {
		wantStatus(t, grace.post(post, "email", "x@example.com", "role", "owner"), http.StatusForbidden)
	}
	wantStatus(t, grace.get("/team"), http.StatusForbidden)
	if w.happened(event.TeamInvited) != 1 || w.happened(event.TeamJoined) != 1 {
		t.Error("it is not on record")
	}
}

// Somebody with an account is invited and answered alike, and acts for both.
func TestInvitingSomebodyWithAnAccount(t *testing.T) {
	w := newWorld(t)
	ada, eve := w.customer("ada@example.com"), w.customer("eve@example.com")
	mine := w.issue(ada.Customer.ID, w.product("Editor"))
	known, unknown := ada.post("/team", "email", "eve@example.com", "role", "manager"), ada.post("/team", "email", "new@example.com", "role", "manager")
	if known.status != unknown.status || known.location() != unknown.location() {
		t.Error("an address with an account is answered otherwise")
	}
	list := ada.get("/team")
	if strings.Contains(list.text("[aria-labelledby=iv]"), "Ada Lovelace") {
		t.Error("the name of somebody who did not accept is shown")
	}
	wantStatus(t, eve.get(mine.path()), http.StatusNotFound)
	wantNone(t, eve.get("/"), ".user a[href='/customers']")
	w.pass(time.Second)
	token := w.invited(ada, "eve@example.com")
	wantNone(t, eve.get("/join?token="+token), "#password")
	wantTo(t, eve.post("/join", "token", token), "/customers")
	wantIn(t, eve.get("/"), ".user a[href='/customers']", "Switch customer")
	wantStatus(t, eve.get(mine.path()), http.StatusNotFound) // until they switch
	zoe := w.stranger("zoe@example.com").Customer
	wantStatus(t, eve.post("/customers", "customer", string(zoe.ID)), http.StatusNotFound)
	w.wantLogged("customer", string(zoe.ID))
	wantTo(t, eve.post("/customers", "customer", string(ada.Customer.ID)), "/")
	wantStatus(t, eve.get(mine.path()), http.StatusOK)
	wantIn(t, eve.get("/customers"), "main", "Manager")

	// Removed, they are out at once, and keep what is their own.
	feed, other := eve.feed(), w.browser()
	other.signIn("eve@example.com") // for their own
	member := "/team/members/" + string(eve.person.ID)
	for range 2 { // a second click is harmless
		removed := ada.follow(member + "/remove")
		wantIn(t, removed, ".flash", "no longer belongs")
		wantNone(t, removed, "form[action='"+member+"/remove']")
	}
	if w.happened(event.TeamLeft) != 1 {
		t.Error("it is not on record once")
	}
	wantStatus(t, ada.post(member+"/role", "role", "owner"), http.StatusNotFound)
	wantTo(t, eve.get("/"), "/login?next=%2F")
	wantStatus(t, other.get("/"), http.StatusOK)
	if got := w.fetch(http.MethodGet, feed).Code; got != http.StatusNotFound {
		t.Errorf("the calendar answers %d", got)
	}
	eve.signIn("eve@example.com")
	wantStatus(t, eve.get(mine.path()), http.StatusNotFound)

	// Asked again, they have no calendar from before.
	ada.post("/team", "email", "eve@example.com", "role", "viewer")
	wantTo(t, eve.post("/join", "token", w.invited(ada, "eve@example.com")), "/customers")
	if got := w.fetch(http.MethodGet, feed).Code; got != http.StatusNotFound {
		t.Errorf("the old calendar is back: %d", got)
	}
}

// P-ISO-01, P-ISO-03: people of other customers are not found, and that is
// logged.
func TestOthersPeopleAreNotFound(t *testing.T) {
	w := newWorld(t)
	ada, eve := w.customer("ada@example.com"), w.customer("eve@example.com")
	for _, change := range []string{"/role", "/remove"} {
		ask := func(person id.ID) *page { return ada.post("/team/members/"+string(person)+change, "role", "viewer") }
		foreign, none := ask(eve.person.ID), ask(id.New())
		wantStatus(t, foreign, http.StatusNotFound)
		if withoutRequestID(foreign) != withoutRequestID(none) {
			t.Errorf("%s: somebody else's is told from nobody", change)
		}
	}
	w.wantLogged("person", string(eve.person.ID))
	wantStatus(t, eve.get("/team"), http.StatusOK)
}

func TestRolesAreChanged(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	charles := w.colleague(ada, "charles@example.com", account.Viewer)
	path := "/team/members/" + string(charles.person.ID)
	wantIn(t, ada.follow(path+"/role", "role", "owner"), ".flash", "role is changed")
	wantStatus(t, charles.get("/team"), http.StatusOK)
	wantStatus(t, ada.post(path+"/role", "role", "king"), http.StatusBadRequest)

	wantTo(t, charles.post("/team/members/"+string(ada.person.ID)+"/role", "role", "viewer"), "/team?done=role")
	wantStatus(t, ada.get("/team"), http.StatusForbidden)
	for _, post := range []string{path + "/remove", path + "/role"} { // the last owner
		refused := charles.post(post, "role", "viewer")
		wantStatus(t, refused, http.StatusConflict)
		wantIn(t, refused, "[role=alert]", "needs an owner")
	}
	wantStatus(t, charles.get("/team"), http.StatusOK)
}

func TestInvitationsEnd(t *testing.T) {
	w := newWorld(t)
	ada, eve := w.customer("ada@example.com"), w.customer("eve@example.com")
	ada.post("/team", "email", "grace@example.com", "role", "viewer")
	invitation := ada.get("/team").attr("form[action$='/withdraw']", "action")
	resend := strings.Replace(invitation, "withdraw", "resend", 1)
	for _, path := range []string{invitation, resend} { // P-ISO-01, P-ISO-03
		wantStatus(t, eve.post(path), http.StatusNotFound)
	}
	w.wantLogged("invitation", strings.Split(invitation, "/")[3])
	first := w.invited(ada, "grace@example.com")
	w.pass(account.TeamInvitationLife)
	wantStatus(t, w.browser().get("/join?token="+first), http.StatusGone)
	ada.signIn("ada@example.com")
	wantIn(t, ada.get("/team"), "[aria-labelledby=iv]", "ended")
	wantTo(t, ada.post(resend), "/team?done=invited")
	second := w.invited(ada, "grace@example.com")
	wantStatus(t, w.browser().get("/join?token="+first), http.StatusGone)
	wantStatus(t, w.browser().get("/join?token="+second), http.StatusOK)
	for range 2 { // a second click is harmless
		wantTo(t, ada.post(invitation), "/team?done=withdrawn")
	}
	eve.signIn("eve@example.com")
	wantStatus(t, eve.post(invitation), http.StatusNotFound)
	wantStatus(t, ada.post(resend), http.StatusNotFound)
	if w.happened(event.TeamWithdrawn) != 1 {
		t.Error("it is not on record once")
	}
	wantStatus(t, w.browser().post("/join", "token", second, "password", password, "repeat", password), http.StatusGone)
	wantStatus(t, w.browser().post("/login", "email", "grace@example.com", "password", password), http.StatusUnauthorized)

	refused := ada.post("/team", "email", "ada@example.com", "role", "viewer")
	wantStatus(t, refused, http.StatusConflict)
	wantIn(t, refused, "#email-error", "Change their role")
	wantStatus(t, ada.post("/team", "email", "nonsense", "role", "viewer"), http.StatusBadRequest)
}

func TestTooManyTeamInvitations(t *testing.T) {
	w := newWorld(t)
	ada := w.customer("ada@example.com")
	for range 20 {
		wantTo(t, ada.post("/team", "email", "grace@example.com", "role", "viewer"), "/team?done=invited")
	}
	wantStatus(t, ada.post("/team", "email", "grace@example.com", "role", "viewer"), http.StatusTooManyRequests)
	w.pass(3 * time.Minute)
	wantTo(t, ada.post("/team", "email", "grace@example.com", "role", "viewer"), "/team?done=invited")
	all, err := w.store.TeamInvitations(t.Context(), ada.Customer.ID)
	must(t, err)
	if len(all) != 1 {
		t.Errorf("%d invitations of one person", len(all))
	}
}
