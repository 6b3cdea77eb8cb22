package notice_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pquerna/otp/totp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/job"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/mail"
	"github.com/keyward/keyward/internal/mail/notice"
	"github.com/keyward/keyward/internal/mailbox"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
	"github.com/keyward/keyward/internal/store/storetest"
)

const (
	base     = "http://127.0.0.1:8080"
	ada      = "ada@example.com"
	password = "seven unrelated words"
)

var (
	system = account.System("req-1")
	home   = identity.Origin{RequestID: "req-2", Address: netip.MustParseAddr("192.0.2.7")}
)

// post is the real parts from a use case to a mail server, at a time that the
// test moves.
type post struct {
	*identity.Service
	store  *store.Store
	runner *job.Runner
	now    time.Time
	log    *bytes.Buffer
}

func newPost(t *testing.T, smtp string) *post {
	t.Helper()
	s := storetest.Open(t, store.Options{Dir: storetest.Dir(t)})
	p := &post{store: s, now: time.Date(2027, 3, 12, 12, 0, 0, 0, time.UTC), log: &bytes.Buffer{}}
	clock, log := func() time.Time { return p.now }, slog.New(slog.NewTextHandler(p.log, nil))
	master, err := signing.LoadMaster(strings.Repeat("5a", 32), "")
	if err != nil {
		t.Fatal(err)
	}
	p.Service = identity.New(identity.Deps{Store: s, Hasher: account.NewHasher(), Master: master, Now: clock, Log: log,
		PersonCost: account.Cost{Memory: 8, Passes: 1, Threads: 1}})
	p.runner = job.New(s, clock, log)
	notice.New(p.deps(t, smtp, p.Service)).Register(p.runner)
	return p
}

func (p *post) deps(t *testing.T, smtp string, links notice.Links) notice.Deps {
	t.Helper()
	clock := func() time.Time { return p.now }
	composer, err := mail.NewComposer(mail.Brand{AppName: "Example Licenses", BaseURL: base + "/", FromEmail: "licenses@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	address, err := mail.ParseSMTPURL(smtp)
	if err != nil {
		t.Fatal(err)
	}
	return notice.Deps{Store: p.store, Links: links, Composer: composer, Sender: mail.NewSMTP(address, clock), Now: clock, BaseURL: base + "/"}
}

// startMailbox returns a mailbox and its address.
func startMailbox(t *testing.T) (*mailbox.Box, string) {
	t.Helper()
	box := mailbox.New(time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	ln, err := mailbox.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- box.ServeSMTP(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return box, "smtp://" + ln.Addr().String()
}

func (p *post) customer(t *testing.T) (account.Customer, account.Person) {
	t.Helper()
	c, person, err := p.CreateCustomer(t.Context(), system, identity.NewCustomer{Name: "Analytical Engines", Email: ada, PersonName: "Ada"})
	if err != nil {
		t.Fatal(err)
	}
	return c, person
}

func (p *post) change(t *testing.T, fn func(*store.Tx) error) {
	t.Helper()
	if err := p.store.InTx(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func (p *post) invite(t *testing.T, person id.ID) {
	t.Helper()
	if err := p.Invite(t.Context(), system, person); err != nil {
		t.Fatal(err)
	}
}

func (p *post) run(t *testing.T) {
	t.Helper()
	if err := p.runner.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// enqueue leaves a job of a kind with a payload.
func (p *post) enqueue(t *testing.T, kind string, payload any) id.ID {
	t.Helper()
	j, err := job.Of(kind, payload, p.now)
	if err != nil {
		t.Fatal(err)
	}
	p.change(t, func(tx *store.Tx) error {
		_, err := tx.Enqueue(t.Context(), j)
		return err
	})
	return j.ID
}

// want fails the test unless the job ended so, and returns it.
func (p *post) want(t *testing.T, jobID id.ID, state store.JobState) store.Job {
	t.Helper()
	j, err := p.store.Job(t.Context(), jobID)
	if err != nil {
		t.Fatal(err)
	}
	if j.State != state {
		t.Errorf("job is %s (%s), want %s", j.State, j.LastError, state)
	}
	return j
}

type to map[string]id.ID

func whom(person id.ID) to { return to{"person_id": person} }

// linkIn returns the token of the link to a page in a mail.
func linkIn(t *testing.T, m mailbox.Message, page string) string {
	t.Helper()
	for line := range strings.Lines(m.Text) {
		if link, err := url.Parse(strings.TrimSpace(line)); err == nil && strings.HasPrefix(line, base+page+"?") {
			return link.Query().Get("token")
		}
	}
	t.Fatalf("no link to %s in:\n%s", page, m.Text)
	return ""
}

// newest returns the latest of n mails.
func newest(t *testing.T, box *mailbox.Box, n int) mailbox.Message {
	t.Helper()
	all := box.Messages()
	if len(all) != n {
		t.Fatalf("%d mails, want %d", len(all), n)
	}
	if diff := cmp.Diff([]string{ada}, all[0].To); diff != "" {
		t.Errorf("recipients (-want +got):\n%s", diff)
	}
	return all[0]
}

// P-AUTH-05, P-AUTH-06: from a use case over the queue and SMTP to a link that
// works.
func TestMailsLeadToAPassword(t *testing.T) {
	box, smtp := startMailbox(t)
	p := newPost(t, smtp)
	_, person := p.customer(t)

	p.invite(t, person.ID)
	p.run(t)
	invitation := newest(t, box, 1)
	token := linkIn(t, invitation, "/invitation")
	if _, err := p.SetPassword(t.Context(), token, account.Invitation, password, home); err != nil {
		t.Errorf("the invitation's link does not work: %v", err)
	}
	if err := p.RequestReset(t.Context(), ada, home); err != nil {
		t.Fatal(err)
	}
	p.run(t)
	token = linkIn(t, newest(t, box, 2), "/reset")
	if _, err := p.SetPassword(t.Context(), token, account.Reset, "other "+password, home); err != nil {
		t.Errorf("the reset's link does not work: %v", err)
	}

	p.now = p.now.Add(5 * time.Minute) // the mail says when it was, not when it was sent
	p.run(t)
	if changed := newest(t, box, 3); !strings.Contains(changed.Subject, "was changed") || !strings.Contains(changed.Text, "12 Mar 2027, 12:00 UTC") {
		t.Errorf("notice of the change: %s\n%s", changed.Subject, changed.Text)
	}
}

func TestInvitationNamesProductsOfUsableLicenses(t *testing.T) {
	box, smtp := startMailbox(t)
	p := newPost(t, smtp)
	customer, person := p.customer(t)
	for n, l := range []struct {
		product string
		change  func(*license.License)
	}{
		{"Too Old", nil},
		{"Editor", nil},
		{"Player", nil},
		{"Ended", func(l *license.License) { l.ExpiresAt = p.now }},
		{"Revoked", func(l *license.License) { l.RevokedAt = p.now }},
		{"Editor", nil},
		{"R&D <Tools>", func(l *license.License) { l.FirstActivatedAt = p.now }},
	} {
		p.addLicense(t, customer.ID, l.product, n, l.change)
	}
	p.invite(t, person.ID)
	p.run(t)
	var items []string
	for line := range strings.Lines(newest(t, box, 1).Text) {
		if item, ok := strings.CutPrefix(line, "- "); ok {
			items = append(items, strings.TrimSpace(item))
		}
	}
	if diff := cmp.Diff([]string{"R&D <Tools>", "Editor", "Player"}, items); diff != "" {
		t.Errorf("products (-want +got):\n%s", diff)
	}
}

// addLicense gives the customer the nth license, of a product of its own.
func (p *post) addLicense(t *testing.T, customer id.ID, name string, n int, change func(*license.License)) {
	t.Helper()
	product := license.Product{ID: id.New(), Environment: license.Production, Name: name, Slug: fmt.Sprintf("p%d", n), Active: true, CreatedAt: p.now}
	l := license.License{
		ID: id.New(), ProductID: product.ID, CustomerID: customer, Environment: license.Production, Mask: "K-****",
		CreatedAt: p.now, AssignedAt: p.now.Add(time.Duration(n) * time.Minute), Version: 1,
	}
	if change != nil {
		change(&l)
	}
	p.change(t, func(tx *store.Tx) error {
		if err := tx.AddProduct(t.Context(), product); err != nil {
			return err
		}
		key := fmt.Sprintf("KEY%d", n)
		return tx.AddLicense(t.Context(), l, store.LicenseKey{Hash: []byte(key), Text: key, Folded: key}, "")
	})
}

func TestNobodyToMail(t *testing.T) {
	kinds := []string{string(account.InvitationNotice), string(account.ResetNotice), string(account.PasswordChangedNotice)}
	t.Run("a person who is switched off", func(t *testing.T) {
		box, smtp := startMailbox(t)
		p := newPost(t, smtp)
		_, person := p.customer(t)
		p.change(t, func(tx *store.Tx) error {
			return tx.SetPersonStatus(t.Context(), person.ID, account.Inactive, p.now)
		})
		p.doneWithoutMail(t, box, person.ID, kinds...)
	})
	t.Run("a person who is gone", func(t *testing.T) {
		box, smtp := startMailbox(t)
		newPost(t, smtp).doneWithoutMail(t, box, id.New(), kinds...)
	})
	t.Run("an invitation of somebody who has a password", func(t *testing.T) {
		box, smtp := startMailbox(t)
		p := newPost(t, smtp)
		_, person := p.customer(t)
		p.change(t, func(tx *store.Tx) error { return tx.SetPassword(t.Context(), person.ID, "hash", p.now) })
		p.doneWithoutMail(t, box, person.ID, string(account.InvitationNotice))
	})
	t.Run("a person who is switched off while the mail is written", func(t *testing.T) {
		box, smtp := startMailbox(t)
		p := newPost(t, smtp)
		_, person := p.customer(t)
		links := linksFunc(func(ctx context.Context, person id.ID, purpose account.LinkPurpose) (string, time.Time, error) {
			p.change(t, func(tx *store.Tx) error { return tx.SetPersonStatus(ctx, person, account.Inactive, p.now) })
			return p.MintLink(ctx, person, purpose)
		})
		p.runner = job.New(p.store, func() time.Time { return p.now }, slog.New(slog.DiscardHandler))
		notice.New(p.deps(t, smtp, links)).Register(p.runner)
		p.doneWithoutMail(t, box, person.ID, string(account.ResetNotice))
	})
}

type linksFunc func(context.Context, id.ID, account.LinkPurpose) (string, time.Time, error)

func (f linksFunc) MintLink(ctx context.Context, person id.ID, purpose account.LinkPurpose) (string, time.Time, error) {
	return f(ctx, person, purpose)
}

func (p *post) doneWithoutMail(t *testing.T, box *mailbox.Box, person id.ID, kinds ...string) {
	t.Helper()
	for _, kind := range kinds {
		j := p.enqueue(t, kind, whom(person))
		p.run(t)
		p.want(t, j, store.JobDone)
	}
	if n := len(box.Messages()); n != 0 {
		t.Errorf("%d mails", n)
	}
}

func TestJobThatNamesNobodyIsGivenUp(t *testing.T) {
	p := newPost(t, startServer(t).url())
	for _, payload := range []any{nil, 7, to{}, map[string]any{"person_id": 7}} {
		j := p.enqueue(t, string(account.ResetNotice), payload)
		p.run(t)
		if got := p.want(t, j, store.JobFailed); got.LastError != "the job does not say whom to mail" {
			t.Errorf("reason %q", got.LastError)
		}
	}
}

var (
	messageID = regexp.MustCompile(`(?m)^Message-ID: <(.*)>\r$`)
	tokenIn   = regexp.MustCompile(`token=3D([A-Za-z0-9_-]{8})`)
)

func only(t *testing.T, pattern *regexp.Regexp, mail string) string {
	t.Helper()
	found := pattern.FindStringSubmatch(mail)
	if found == nil {
		t.Fatalf("no %v in:\n%s", pattern, mail)
	}
	return found[1]
}

func TestServerThatDefersIsTriedAgainUnderTheSameMessageID(t *testing.T) {
	s := startServer(t)
	p := newPost(t, s.url())
	_, person := p.customer(t)
	s.answers(func(verb, _ string) string { return map[string]string{".": "451 come back later"}[verb] })
	j := p.enqueue(t, string(account.ResetNotice), whom(person.ID))
	p.run(t)
	if got := p.want(t, j, store.JobWaiting); !strings.Contains(got.LastError, "did not take this mail now (451)") {
		t.Errorf("reason %q", got.LastError)
	}
	s.answers(func(string, string) string { return "" })
	p.now = p.now.Add(time.Minute)
	p.run(t)
	p.want(t, j, store.JobDone)
	mails := s.received()
	if len(mails) != 2 {
		t.Fatalf("%d mails came", len(mails))
	}
	for _, mail := range mails {
		if got := only(t, messageID, mail); got != string(j)+"@example.com" {
			t.Errorf("Message-ID %s of job %s", got, j)
		}
	}
	if only(t, tokenIn, mails[0]) == only(t, tokenIn, mails[1]) {
		t.Error("the link was kept from one attempt to the next")
	}
}

func TestServerThatIsAwayIsTriedAgain(t *testing.T) {
	s := startServer(t)
	p := newPost(t, s.url())
	_, person := p.customer(t)
	s.ln.Close()
	j := p.enqueue(t, string(account.ResetNotice), whom(person.ID))
	p.run(t)
	if got := p.want(t, j, store.JobWaiting); !strings.Contains(got.LastError, "--smtp-url") {
		t.Errorf("the reason does not say what to do: %q", got.LastError)
	}
}

func TestRefusalForGoodEndsTheJobWithAReason(t *testing.T) {
	s := startServer(t)
	p := newPost(t, s.url())
	_, person := p.customer(t)
	s.answers(func(verb, _ string) string { return map[string]string{"RCPT": "550 no such mailbox: " + ada}[verb] })
	j := p.enqueue(t, string(account.InvitationNotice), whom(person.ID))
	p.run(t)
	got := p.want(t, j, store.JobFailed)
	if !strings.Contains(got.LastError, "refused this mail for good (550)") || got.Attempts != 1 {
		t.Errorf("reason %q after %d attempts", got.LastError, got.Attempts)
	}
	if log := p.log.String(); !strings.Contains(log, "no such mailbox") || strings.Contains(log+got.LastError, ada) {
		t.Errorf("the log lacks the server's words, or shows the person:\n%s", log)
	}
}

// A filter refuses a mail by quoting the link in it.
func TestTokenIsInNoRecordAndNoLog(t *testing.T) {
	for code, state := range map[string]store.JobState{"554": store.JobFailed, "451": store.JobWaiting} {
		t.Run(code, func(t *testing.T) {
			s := startServer(t)
			p := newPost(t, s.url())
			_, person := p.customer(t)
			s.answers(func(verb, mail string) string {
				if verb != "." {
					return ""
				}
				at := strings.Index(mail, "/reset?token=")
				return code + " blocked address: " + mail[at:at+40] // in quoted-printable, cut off
			})
			j := p.enqueue(t, string(account.ResetNotice), whom(person.ID))
			p.run(t)
			got := p.want(t, j, state)
			token := only(t, tokenIn, s.received()[0])
			if kept := got.LastError + string(got.Payload) + p.log.String(); strings.Contains(kept, token) {
				t.Errorf("the token is in what is kept:\n%s", kept)
			}
			if !strings.Contains(got.LastError, code) {
				t.Errorf("reason %q", got.LastError)
			}
			if !strings.Contains(p.log.String(), "left out") {
				t.Errorf("the log does not say that words are missing:\n%s", p.log)
			}
		})
	}
}

func TestFailureToMintIsTriedAgain(t *testing.T) {
	p := newPost(t, startServer(t).url())
	_, person := p.customer(t)
	links := linksFunc(func(context.Context, id.ID, account.LinkPurpose) (string, time.Time, error) {
		return "", time.Time{}, errors.New("database away")
	})
	p.runner = job.New(p.store, func() time.Time { return p.now }, slog.New(slog.DiscardHandler))
	notice.New(p.deps(t, startServer(t).url(), links)).Register(p.runner)
	j := p.enqueue(t, string(account.InvitationNotice), whom(person.ID))
	p.run(t)
	if got := p.want(t, j, store.JobWaiting); got.LastError != "make a one-time link: database away" {
		t.Errorf("reason %q", got.LastError)
	}
}

func (f linksFunc) MintTeamLink(ctx context.Context, invitation id.ID) (account.Joining, string, error) {
	return account.Joining{}, "", store.ErrNotFound
}

// P-SET-05, P-SET-07, P-AUTH-12: from a change of how somebody signs in to the
// mail that tells them, in their own time zone, each once.
func TestFactorChangesAreMailed(t *testing.T) {
	box, smtp := startMailbox(t)
	p := newPost(t, smtp)
	_, person := p.customer(t)
	actor := account.Actor{Kind: account.ActorPerson, ID: person.ID, ProvedAt: p.now}
	p.change(t, func(tx *store.Tx) error { return tx.SetTimeZone(t.Context(), person.ID, "Asia/Tokyo", p.now) })
	setup, err := p.BeginApp(t.Context(), actor)
	if err != nil {
		t.Fatal(err)
	}
	code, err := totp.GenerateCode(setup.Secret, p.now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.ConfirmApp(t.Context(), actor, code); err != nil {
		t.Fatal(err)
	}
	p.run(t)
	p.run(t)
	m := newest(t, box, 1)
	for _, want := range []string{"An authenticator app was set up", "12 Mar 2027, 21:00 JST", base + "/security"} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("the mail lacks %q:\n%s", want, m.Text)
		}
	}
	if _, err := p.NewRecoveryCodes(t.Context(), actor); err != nil {
		t.Fatal(err)
	}
	if err := p.RemoveApp(t.Context(), actor, ""); err != nil {
		t.Fatal(err)
	}
	p.run(t)
	newest(t, box, 3)

	p.change(t, func(tx *store.Tx) error { return tx.SetMailPreferences(t.Context(), person.ID, true, false, p.now) })
	if _, err := p.BeginApp(t.Context(), actor); err != nil {
		t.Fatal(err)
	}
	p.change(t, func(tx *store.Tx) error {
		return tx.EnqueueSecurityNotice(t.Context(), person.ID, account.AppAdded, p.now)
	})
	p.run(t)
	newest(t, box, 3) // they asked for none
}
