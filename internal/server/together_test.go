package server_test

import (
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/app/licensing"
	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/pgtest"
	"github.com/keyward/keyward/internal/store"
)

// together is three servers on one PostgreSQL database that mail through one
// post office.
type together struct {
	*shop
	office *postOffice
	nodes  []*running
	token  string // of software of the shop's product
}

// work opens them, after prepare has put more into the shop.
func work(t *testing.T, prepare func(*shop)) *together {
	t.Helper()
	c := config.Database{Data: t.TempDir(), Database: pgtest.URL(t), MasterKey: strings.Repeat("5a", 32)}
	w := &together{shop: openShop(t, c)}
	_, token, err := w.Identity.CreateToken(t.Context(), vendor, identity.NewToken{Kind: account.ClientToken, Name: "T", ProductID: w.product.ID})
	must(t, err)
	prepare(w.shop)
	office, smtp := startPostOffice(t)
	w.office, w.token = office, token
	for range 3 {
		own := config.Database{Data: t.TempDir(), Database: c.Database, MasterKey: c.MasterKey}
		w.nodes = append(w.nodes, runLogged(t, own, quiet, func(s *config.Server) { s.SMTPURL = smtp }))
	}
	t.Cleanup(func() { closed(t, w.Services) })
	return w
}

func (w *together) stopped(t *testing.T) {
	t.Helper()
	for _, n := range w.nodes {
		n.stopped(t)
	}
}

// sent posts to the node whose turn it is and returns the status.
func (w *together) sent(t *testing.T, turn int, path, kind, body string) int {
	t.Helper()
	at := "http://" + w.nodes[turn%len(w.nodes)].address.String() + path
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at, strings.NewReader(body))
	must(t, err)
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Authorization", "Bearer "+w.token)
	answer, err := http.DefaultClient.Do(r)
	must(t, err)
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	must(t, err)
	return answer.StatusCode
}

// heard is how many of so many attempts, one node after another, were not
// refused for being too many.
func (w *together) heard(t *testing.T, attempts int, try func(turn int) int) (n int) {
	t.Helper()
	for turn := range attempts {
		if try(turn) != http.StatusTooManyRequests {
			n++
		}
	}
	return n
}

// P-AUTH-13: whoever guesses gets as many guesses from three servers as from
// one.
func TestServersLimitGuessesTogether(t *testing.T) {
	w := work(t, func(*shop) {})
	defer w.stopped(t)
	// What comes back while the test runs, on a slow machine too.
	back := func(since time.Time, every time.Duration) int { return int(time.Since(since)/every) + 1 }

	began := time.Now()
	got := w.heard(t, 45, func(turn int) int {
		return w.sent(t, turn, "/api/v2/licenses/validate", "application/json", fmt.Sprintf(`{"key": "NONE-SUCH-KEY0-%04d"}`, turn))
	})
	if most := 20 + back(began, 6*time.Second); got < 20 || got > most {
		t.Errorf("%d keys could be guessed, want 20 to %d", got, most)
	}

	began = time.Now()
	got = w.heard(t, 18, func(turn int) int {
		form := url.Values{"email": {"ada@nordlicht.example"}, "password": {"wrong"}}
		return w.sent(t, turn, "/login", "application/x-www-form-urlencoded", form.Encode())
	})
	if most := 10 + back(began, time.Minute); got < 10 || got > most {
		t.Errorf("%d passwords could be guessed, want 10 to %d", got, most)
	}
}

// Each of three servers could send the reminder of an end that is near; one
// does, and the one that leads after it knows.
func TestServersSendAPeriodicNoticeOnce(t *testing.T) {
	w := work(t, func(s *shop) {
		days := 3
		_, _, err := s.Licensing.Issue(t.Context(), vendor, licensing.Issue{ProductID: s.product.ID, CustomerID: s.customer.ID, ValidityDays: &days})
		must(t, err)
		must(t, s.Store.InTx(t.Context(), func(tx *store.Tx) error { // a sweep was, long ago
			return tx.SetMeta(t.Context(), "license_ends_swept", strconv.FormatInt(time.Now().Add(-10*24*time.Hour).UnixMicro(), 10))
		}))
	})
	reminded := 0
	for reminded == 0 {
		m, _ := w.office.next(t, "ada@nordlicht.example")
		reminded += reminders(m)
	}
	w.nodes[0].stopped(t) // the first to start leads
	w.nodes = w.nodes[1:]
	for again := time.Tick(20 * time.Millisecond); !w.led(t); <-again {
	}
	w.stopped(t) // what they have begun is done then
	close(w.office.mails)
	for m := range w.office.mails {
		reminded += reminders(m)
	}
	if reminded += reminders(w.office.others...); reminded != 1 {
		t.Errorf("%d reminders", reminded)
	}
}

// led reports whether one of the servers leads.
func (w *together) led(t *testing.T) bool {
	t.Helper()
	l, err := w.Store.Lead(t.Context())
	must(t, err)
	return l.Until.After(time.Now())
}

func reminders(mails ...*mail.Message) (n int) {
	for _, m := range mails {
		if strings.Contains(m.Header.Get("Subject"), "expires") {
			n++
		}
	}
	return n
}
