package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyward/keyward/client"
	"github.com/keyward/keyward/verdict"
)

// Shop is a small vendor with one product and one customer, set up by the
// commands of the program and served by it.
type Shop struct {
	URL string

	storage        []string
	product, token string
	publicKey      string
	server         *program
}

const buyer = "nadia@meridian.example"

// openShop sets the vendor up and serves until the test ends.
func openShop(t *testing.T, databaseURL string) *Shop {
	t.Helper()
	s := setUpShop(t, databaseURL)
	s.serve(t)
	return s
}

// setUpShop sets the vendor up without serving. More flags change its product.
func setUpShop(t *testing.T, databaseURL string, product ...string) *Shop {
	t.Helper()
	s := &Shop{storage: storage(t.TempDir(), databaseURL)}
	s.run(t, "migrate")
	create := append([]string{"product", "create", "Contour", "--limit", "5", "--validity-days", "365"}, product...)
	p := query[productOutput](t, s.with(create...)...)
	s.product, s.publicKey = p.ID, p.PublicKey
	s.token = query[struct{ Token string }](t, s.with("token", "create", "Contour software", "--kind", "client", "--product", "contour")...).Token
	s.run(t, "customer", "create", "Meridian Surveys", "--email", buyer)
	return s
}

func (s *Shop) with(args ...string) []string { return append(args, s.storage...) }

func (s *Shop) run(t *testing.T, args ...string) string {
	t.Helper()
	return keyward(t, s.with(args...)...)
}

// serve starts the server, again if need be. Its address changes.
func (s *Shop) serve(t *testing.T) {
	t.Helper()
	s.server, s.URL = s.start(t)
}

// start starts a server and returns it with its address.
func (s *Shop) start(t *testing.T, flags ...string) (*program, string) {
	t.Helper()
	serving := func(line []byte) bool { return bytes.Contains(line, []byte(`"msg":"serving"`)) }
	args := append(s.with("serve", "--listen", "127.0.0.1:0", "--log-format", "json"), flags...)
	server, line := startProgram(t, serving, args...)
	var said struct{ Address string }
	if err := json.Unmarshal(line, &said); err != nil {
		t.Fatalf("%v\n%s", err, line)
	}
	return server, "http://" + said.Address
}

// sell issues a license to the customer and returns its key.
func (s *Shop) sell(t *testing.T, flags ...string) string {
	t.Helper()
	return s.issue(t, flags...).Key
}

func (s *Shop) issue(t *testing.T, flags ...string) License {
	t.Helper()
	args := s.with(append([]string{"license", "issue", "--product", "contour", "--customer", buyer}, flags...)...)
	return query[License](t, args...)
}

// device is a machine with the shop's software.
func (s *Shop) device(t *testing.T, key, name string, change ...func(*client.Options)) Device {
	t.Helper()
	o := client.Options{
		BaseURL: s.URL, Token: s.token, Product: s.product, ProductKey: s.publicKey,
		Device: client.Device{ID: "id-of-" + name, Name: name, Platform: "Debian 13 arm64"},
	}
	for _, c := range change {
		c(&o)
	}
	return newDevice(t, key, o)
}

// Section 5: a killed server loses no acknowledged activation; S-05: the limit
// holds.
func TestKilledServerKeepsWhatItAcknowledged(t *testing.T) {
	on(t, func(t *testing.T, databaseURL string) {
		const limit, crowd, early = 30, 40, 12
		s := openShop(t, databaseURL)
		key := s.sell(t, "--limit", fmt.Sprint(limit))
		acknowledged := s.activateUntilKilled(t, key, crowd, early)

		s.serve(t)
		for name := range acknowledged {
			s.device(t, key, name).CheckIn(verdict.Valid)
		}
		seats := 0
		for i := range crowd {
			d := s.device(t, key, fmt.Sprint("device ", i))
			a, err := d.client.Activate(t.Context(), d.key)
			if err != nil {
				t.Fatal(err)
			}
			if a.Valid() {
				seats++
			} else if a.Verdict.Code != verdict.LimitReached {
				t.Errorf("device %d is refused: %s", i, a.Verdict.Code)
			}
		}
		if seats != limit {
			t.Errorf("%d devices have seats of %d", seats, limit)
		}
		why := s.run(t, "license", "why", key)
		if !strings.Contains(why, fmt.Sprintf("%d / %d devices", limit, limit)) {
			t.Errorf("the command says\n%s", why)
		}
	})
}

// activateUntilKilled lets a crowd of devices activate at once, kills the
// server when some have their answer, and returns all that got one.
func (s *Shop) activateUntilKilled(t *testing.T, key string, crowd, early int) map[string]bool {
	t.Helper()
	answered := make(chan string, crowd)
	var asking sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for i := range crowd {
		name := fmt.Sprint("device ", i)
		d := s.device(t, key, name)
		asking.Go(func() {
			if a, err := d.client.Activate(ctx, key); err == nil && a.Valid() {
				answered <- name
			}
		})
	}
	acknowledged := map[string]bool{}
	for range early {
		select {
		case name := <-answered:
			acknowledged[name] = true
		case <-time.After(patience):
			t.Fatalf("after %v only %d devices have an answer", patience, len(acknowledged))
		}
	}
	s.server.kill(t)
	cancel() // who has no answer by now gets none
	asking.Wait()
	close(answered)
	for name := range answered {
		acknowledged[name] = true
	}
	t.Logf("%d of %d devices had their answer when the server was killed", len(acknowledged), crowd)
	return acknowledged
}

// Section 2: the vendor revokes while the server runs.
func TestRevokedLicenseIsRefused(t *testing.T) {
	on(t, func(t *testing.T, databaseURL string) {
		s := openShop(t, databaseURL)
		key := s.sell(t)
		cache := filepath.Join(t.TempDir(), "lease.json")
		d := s.device(t, key, "workstation", func(o *client.Options) { o.CachePath = cache })
		d.Activate()
		s.run(t, "license", "suspend", key, "--reason", "payment")
		d.CheckIn(verdict.Suspended)
		s.run(t, "license", "reinstate", key)
		d.CheckIn(verdict.Valid)
		s.run(t, "license", "revoke", key, "--reason", "leak")
		d.CheckIn(verdict.Revoked)
		s.device(t, key, "laptop").Refused(verdict.Revoked)
		why := s.run(t, "license", "why", key)
		if title := verdict.Describe(verdict.Revoked).Title; strings.Count(why, "no: "+title) != 2 {
			t.Errorf("the command says\n%s", why)
		}

		s.server.kill(t)
		if a, err := d.offline(); err != nil || a.Valid() || a.Verdict.Code != verdict.Revoked {
			t.Errorf("with the server away, the revoked license is %+v, %v", a, err)
		}
	})
}

// offline asks without patience for a server that is away.
func (v Device) offline() (*client.Answer, error) {
	ctx, cancel := context.WithTimeout(v.t.Context(), firstPause)
	defer cancel()
	return v.client.CheckIn(ctx, v.key)
}

// firstPause is less than the client waits before it asks again.
const firstPause = 200 * time.Millisecond

// Section 2: an answer from the lease when the server is away.
func TestLeaseBridgesAnAbsentServer(t *testing.T) {
	on(t, func(t *testing.T, databaseURL string) {
		s := openShop(t, databaseURL)
		key := s.sell(t)
		clock := time.Now()
		cache := filepath.Join(t.TempDir(), "lease.json")
		d := s.device(t, key, "workstation", func(o *client.Options) {
			o.CachePath, o.Now = cache, func() time.Time { return clock }
		})
		answer, err := d.client.Activate(t.Context(), key)
		if err != nil || !answer.Valid() {
			t.Fatalf("activate: %+v, %v", answer, err)
		}
		s.server.kill(t)

		until := answer.Lease.ValidUntil
		for _, at := range []time.Time{clock.Add(time.Hour), until.Add(-time.Minute)} {
			clock = at
			if a, err := d.offline(); err != nil || !a.Valid() || !a.Offline {
				t.Errorf("at %v, the lease is good until %v, the answer is %+v, %v", at, until, a, err)
			}
		}
		clock = until.Add(time.Hour)
		if a, err := d.offline(); !errors.Is(err, client.ErrAway) {
			t.Errorf("past the end of the lease the answer is %+v, %v", a, err)
		}
		clock = until.Add(-24 * time.Hour)
		if a, err := d.offline(); !errors.Is(err, client.ErrClock) {
			t.Errorf("with the clock set back the answer is %+v, %v", a, err)
		}
		if a, err := s.device(t, key, "another").offline(); !errors.Is(err, client.ErrNothingKept) {
			t.Errorf("a device without a lease is answered %+v, %v", a, err)
		}

		s.serve(t)
		clock = time.Now()
		s.device(t, key, "workstation").CheckIn(verdict.Valid)
	})
}
