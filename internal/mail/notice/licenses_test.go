package notice_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/store"
)

// owned is a customer with a license that somebody manages.
func (p *post) owned(t *testing.T) (account.NoticeAbout, license.License) {
	t.Helper()
	c, person := p.customer(t)
	p.addLicense(t, c.ID, "Editor", 1, func(l *license.License) { l.ExpiresAt = p.now.Add(7 * 24 * time.Hour) })
	list, err := p.store.OwnedLicenses(t.Context(), store.LicenseFilter{Customer: c.ID, Now: p.now}, license.ByAssigned, true, store.Page{Size: 2})
	if err != nil || len(list) != 1 {
		t.Fatalf("%d licenses (%v)", len(list), err)
	}
	return account.NoticeAbout{NoticeTo: account.NoticeTo{PersonID: person.ID}, CustomerID: c.ID}, list[0].License
}

// A mail goes out twice only when the process ends between the server's answer
// and the note of it, and then the copy has the same Message-ID.
func TestLicenseMailIsSentOnceUnlessTheProcessEndsInBetween(t *testing.T) {
	s := startServer(t)
	p := newPost(t, s.url())
	about, l := p.owned(t)
	about.Add(account.NoticeItem{LicenseID: l.ID, At: p.now})
	dies := true
	s.answers(func(verb, _ string) string {
		if verb == "." && dies {
			dies = false // what comes after the answer is lost: the claim is not good any more
			p.change(t, func(tx *store.Tx) error {
				_, err := tx.RescueJobs(context.Background(), p.now.Add(time.Minute), p.now)
				return err
			})
		}
		return ""
	})
	lost := p.enqueue(t, string(account.LicenseRenewedNotice), about)
	p.run(t)
	once := p.enqueue(t, string(account.LicenseRenewedNotice), about)
	for range 5 {
		p.run(t)
		p.now = p.now.Add(time.Hour)
	}
	p.want(t, lost, store.JobDone)
	p.want(t, once, store.JobDone)
	sent := map[string]int{}
	for _, m := range s.received() {
		sent[only(t, messageID, m)]++
	}
	if sent[string(lost)+"@example.com"] != 2 || sent[string(once)+"@example.com"] != 1 || len(sent) != 2 {
		t.Errorf("mails by Message-ID: %v", sent)
	}
}

func TestRefusedLicenseMailKeepsItsMessageID(t *testing.T) {
	s := startServer(t)
	p := newPost(t, s.url())
	about, l := p.owned(t)
	about.Add(account.NoticeItem{LicenseID: l.ID, At: p.now})
	s.answers(func(verb, _ string) string { return map[string]string{".": "451 later"}[verb] })
	j := p.enqueue(t, string(account.LicenseSuspendedNotice), about)
	p.run(t)
	s.answers(func(string, string) string { return "" })
	p.now = p.now.Add(time.Minute)
	p.run(t)
	p.want(t, j, store.JobDone)
	mails := s.received()
	if len(mails) != 2 || only(t, messageID, mails[0]) != only(t, messageID, mails[1]) {
		t.Errorf("%d mails came", len(mails))
	}
}

// A job that says nothing is given up; one about what is gone is done.
func TestLicenseMailAboutNothing(t *testing.T) {
	box, smtp := startMailbox(t)
	p := newPost(t, smtp)
	about, l := p.owned(t)
	day := p.now
	for name, tt := range map[string]struct {
		kind   account.Notice
		change func(*account.NoticeAbout)
		state  store.JobState
	}{
		"a license that is gone":          {account.LicenseRenewedNotice, func(n *account.NoticeAbout) { n.Items[0].LicenseID = id.New() }, store.JobDone},
		"a customer that is not theirs":   {account.LicenseRenewedNotice, func(n *account.NoticeAbout) { n.CustomerID = id.New() }, store.JobDone},
		"a device of a license that went": {account.DevicesChangedNotice, func(n *account.NoticeAbout) { n.Items[0].LicenseID = id.New() }, store.JobDone},
		"no device":                       {account.DevicesChangedNotice, func(n *account.NoticeAbout) { n.Items = nil }, store.JobDone},
		"no day":                          {account.LicenseExpiringNotice, func(*account.NoticeAbout) {}, store.JobFailed},
		"a day on which nothing ends":     {account.LicenseExpiringNotice, func(n *account.NoticeAbout) { n.From, n.Until = &day, &day }, store.JobDone},
	} {
		about := about
		about.Items = []account.NoticeItem{{LicenseID: l.ID, At: p.now}}
		tt.change(&about)
		j := p.enqueue(t, string(tt.kind), about)
		p.run(t)
		if got := p.want(t, j, tt.state); t.Failed() {
			t.Fatalf("%s: %s", name, got.LastError)
		}
	}
	if n := len(box.Messages()); n != 0 {
		t.Errorf("%d mails", n)
	}
}

// P-SET-05: of a sign-in with a new browser, with what the session knows, and
// also when it has ended; not to those who want no mails about security.
func TestNewDeviceIsTold(t *testing.T) {
	box, smtp := startMailbox(t)
	p := newPost(t, smtp)
	c, person := p.customer(t)
	session := account.Session{
		ID: id.New(), PersonID: person.ID, CustomerID: c.ID, CreatedAt: p.now, LastSeenAt: p.now, ExpiresAt: p.now.Add(time.Hour),
		Address: "192.0.2.7", UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
	}
	p.change(t, func(tx *store.Tx) error { return tx.AddSession(t.Context(), session, []byte("hash")) })
	tell := func() {
		t.Helper()
		p.change(t, func(tx *store.Tx) error { return tx.EnqueueNewDevice(t.Context(), person.ID, session.ID, p.now) })
		p.now = p.now.Add(5 * time.Minute)
		p.run(t)
	}
	tell()
	if m := newest(t, box, 1); m.Subject != "New sign-in to Example Licenses" || !strings.Contains(m.Text, "Firefox on Linux") ||
		!strings.Contains(m.Text, "192.0.2.7") || !strings.Contains(m.Text, "12 Mar 2027, 12:00 UTC") {
		t.Errorf("%s\n%s", m.Subject, m.Text)
	}
	p.change(t, func(tx *store.Tx) error { return tx.EndSession(t.Context(), person.ID, session.ID) })
	tell()
	if m := newest(t, box, 2); strings.Contains(m.Text, "Browser:") || !strings.Contains(m.Text, "12 Mar 2027, 12:05 UTC") {
		t.Errorf("%s", m.Text)
	}
	p.change(t, func(tx *store.Tx) error { return tx.SetMailPreferences(t.Context(), person.ID, true, false, p.now) })
	tell()
	p.enqueue(t, string(account.PasswordChangedNotice), whom(person.ID))
	p.run(t)
	newest(t, box, 2)
}

// P-SET-07
func TestResetComesWhateverIsSwitchedOff(t *testing.T) {
	box, smtp := startMailbox(t)
	p := newPost(t, smtp)
	_, person := p.customer(t)
	p.change(t, func(tx *store.Tx) error { return tx.SetMailPreferences(t.Context(), person.ID, false, false, p.now) })
	p.enqueue(t, string(account.ResetNotice), whom(person.ID))
	p.enqueue(t, string(account.InvitationNotice), whom(person.ID))
	p.run(t)
	newest(t, box, 2)
}
