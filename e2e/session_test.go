package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/chromedp/cdproto/network"
)

// Session is somebody who is signed in, without a browser: what a person cannot
// click, such as a form for another customer's license, is sent this way.
type Session struct {
	base string
	http *http.Client
}

// Session signs in, or returns the session of an earlier sign-in: how often one
// may sign in is limited.
func (d *Demo) Session(t *testing.T, who SignIn) *Session {
	t.Helper()
	if s := d.sessions[who.Email]; s != nil {
		return s
	}
	s := newSession(t, d.URL)
	if answer := s.Post(t, "/login", "email", who.Email, "password", who.Password); answer.Status != http.StatusSeeOther {
		t.Fatalf("sign in as %s: status %d\n%s", who.Email, answer.Status, answer.Text())
	}
	d.sessions[who.Email] = s
	return s
}

func newSession(t *testing.T, base string) *Session {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Session{base, &http.Client{Jar: jar, CheckRedirect: stay, Timeout: patience}}
}

// Answer is what the server said.
type Answer struct {
	Status   int
	Location string // where it sends the reader
	Page     *goquery.Document
}

// Text is what the page says.
func (a Answer) Text() string { return strings.Join(strings.Fields(a.Page.Find("body").Text()), " ") }

// Get asks for a page, given by its path.
func (s *Session) Get(t *testing.T, path string) Answer {
	t.Helper()
	return s.do(t, http.MethodGet, path, nil)
}

// Post sends a form, given as names and values in turn.
func (s *Session) Post(t *testing.T, path string, fields ...string) Answer {
	t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return s.do(t, http.MethodPost, path, strings.NewReader(form.Encode()))
}

func (s *Session) do(t *testing.T, method, path string, body io.Reader) Answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.base+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := s.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := goquery.NewDocumentFromReader(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Answer{response.StatusCode, response.Header.Get("Location"), page}
}

// Visit opens a page of the demo with somebody signed in.
func (d *Demo) Visit(t *testing.T, who SignIn, path string, options ...Option) *Page {
	t.Helper()
	p := OpenPage(t, options...)
	p.SignIn(d.Session(t, who), d.URL)
	if status := p.Goto(d.URL + path); status != http.StatusOK {
		t.Fatalf("%s: status %d", path, status)
	}
	return p
}

// SignIn gives the tab the cookies of a session, at the address at which the
// tab reaches the server.
func (p *Page) SignIn(s *Session, address string) {
	p.t.Helper()
	base, err := url.Parse(s.base)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, c := range s.http.Jar.Cookies(base) {
		p.do("set a cookie", command(network.SetCookie, network.SetCookieParams{
			Name: c.Name, Value: c.Value, URL: address, HTTPOnly: new(true), SameSite: network.CookieSameSiteLax,
		}))
	}
}

// Link waits for a mail and returns the link in it that begins with the path.
// Of several mails the newest counts.
func (d *Demo) Link(t *testing.T, to, path string) string {
	t.Helper()
	link := regexp.MustCompile(regexp.QuoteMeta(d.URL+path) + `\S+`)
	return link.FindString(d.mail(t, to, "with a link to "+path, func(m mail) bool { return link.MatchString(m.Text) }).Text)
}

// mail waits for a mail to somebody that is as wanted. Of several the newest
// counts.
func (d *Demo) mail(t *testing.T, to, what string, wanted func(mail) bool) mail {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(longGlance)
	defer tick.Stop()
	for {
		mails, err := d.mails(ctx)
		if err != nil {
			t.Fatalf("read the mailbox: %v", err)
		}
		for _, m := range mails {
			if m.To == to && wanted(m) {
				return m
			}
		}
		select {
		case <-ctx.Done():
			t.Fatalf("no mail to %s %s within %v", to, what, patience)
		case <-tick.C:
		}
	}
}

type mail struct{ To, Subject, Text string }

func (d *Demo) mails(ctx context.Context) ([]mail, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.MailURL+"messages.json", nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var mails []mail
	if err := json.NewDecoder(response.Body).Decode(&mails); err != nil {
		return nil, fmt.Errorf("%s: %w", response.Status, err)
	}
	return mails, nil
}
