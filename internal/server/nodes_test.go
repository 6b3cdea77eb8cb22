package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/apptest"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/pgtest"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/licensefile"
)

// cluster is three servers on one PostgreSQL database, each with a data
// directory of its own, and a shop in it.
type cluster struct {
	*shop
	nodes  []*running
	logged []*apptest.Logged
}

func openCluster(t *testing.T) *cluster {
	t.Helper()
	master := strings.Repeat("5a", 32)
	c := config.Database{Data: t.TempDir(), Database: pgtest.URL(t), MasterKey: master}
	k := &cluster{shop: openShop(t, c)}
	for range 3 {
		logged := &apptest.Logged{}
		own := config.Database{Data: t.TempDir(), Database: c.Database, MasterKey: master}
		k.nodes = append(k.nodes, runLogged(t, own, slog.New(slog.NewTextHandler(logged, nil)), func(s *config.Server) { s.Metrics = "127.0.0.1:0" }))
		k.logged = append(k.logged, logged)
	}
	return k
}

func (k *cluster) stopped(t *testing.T) {
	t.Helper()
	for _, n := range k.nodes {
		n.stopped(t)
	}
	closed(t, k.Services)
}

func (k *cluster) url(node int, path string) string {
	return "http://" + k.nodes[node].address.String() + path
}

// leads returns the nodes that say they lead.
func (k *cluster) leads(t *testing.T) (list []int) {
	t.Helper()
	for i, logged := range k.logged {
		if i < len(k.nodes) && strings.Contains(fetch(t, logged), "\nkeyward_leader 1\n") {
			list = append(list, i)
		}
	}
	return list
}

// eventually waits until something holds, which it says in a few seconds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	giveUp := time.After(time.Minute)
	for again := time.Tick(20 * time.Millisecond); !holds(); {
		select {
		case <-again:
		case <-giveUp:
			t.Fatalf("in vain: %s", what)
		}
	}
}

// validate asks a node, and returns the status and the id of the key that
// signed its lease.
func (k *cluster) validate(t *testing.T, node int, token string) (status int, kid string) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"key": k.keys[0]})
	must(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.url(node, "/api/v2/licenses/validate"), bytes.NewReader(body))
	must(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(r)
	must(t, err)
	defer answer.Body.Close()
	var said struct{ Lease string }
	text, err := io.ReadAll(answer.Body)
	must(t, err)
	must(t, json.Unmarshal(text, &said))
	for _, key := range k.ring(t) {
		set, err := signing.Ring{key}.KeySet()
		must(t, err)
		if verifies(said.Lease, set) {
			kid = key.KID
		}
	}
	return answer.StatusCode, kid
}

func (k *cluster) ring(t *testing.T) signing.Ring {
	t.Helper()
	ring, err := k.Store.SigningKeys(t.Context(), k.product.ID)
	must(t, err)
	return ring
}

// Several servers on one PostgreSQL are one Keyward.
func TestThreeNodes(t *testing.T) {
	k := openCluster(t)

	t.Run("one leads", func(t *testing.T) {
		if list := k.leads(t); len(list) != 1 {
			t.Errorf("these lead: %v", list)
		}
	})
	t.Run("a session of one is known to all, and over on all", func(t *testing.T) {
		k.choosePassword(t)
		jar, err := cookiejar.New(nil)
		must(t, err)
		browser := &http.Client{Jar: jar} // cookies do not know ports
		at := func(node int, path string) string {
			answer, err := browser.Get(k.url(node, path))
			must(t, err)
			defer answer.Body.Close()
			return answer.Request.URL.Path
		}
		answer, err := browser.PostForm(k.url(0, "/login"), url.Values{"email": {"ada@nordlicht.example"}, "password": {password}})
		must(t, err)
		answer.Body.Close()
		for node := range k.nodes {
			if path := at(node, "/licenses"); path != "/licenses" {
				t.Errorf("node %d sends to %s", node, path)
			}
		}
		session := slices.Clone(jar.Cookies(answer.Request.URL))
		answer, err = browser.PostForm(k.url(2, "/logout"), nil)
		must(t, err)
		answer.Body.Close()
		jar.SetCookies(answer.Request.URL, session) // a thief kept it
		for node := range k.nodes {
			if path := at(node, "/licenses"); path == "/licenses" {
				t.Errorf("node %d still knows the session", node)
			}
		}
	})
	t.Run("a rotated key signs on all at once", func(t *testing.T) {
		_, token, err := k.Identity.CreateToken(t.Context(), vendor, identity.NewToken{Kind: account.ClientToken, Name: "T", ProductID: k.product.ID})
		must(t, err)
		for node := range k.nodes { // each remembers the product and its key now
			if status, _ := k.validate(t, node, token); status != http.StatusOK {
				t.Fatalf("node %d answers %d", node, status)
			}
		}
		key, err := k.Catalog.RotateKey(t.Context(), vendor, k.product.ID, time.Time{})
		must(t, err)
		for node := range k.nodes {
			if _, kid := k.validate(t, node, token); kid != key.KID {
				t.Errorf("node %d signs with %s", node, kid)
			}
		}
	})
	t.Run("a revoked token is refused by all within a second", func(t *testing.T) {
		made, token, err := k.Identity.CreateToken(t.Context(), vendor, identity.NewToken{Kind: account.ClientToken, Name: "T", ProductID: k.product.ID})
		must(t, err)
		for node := range k.nodes {
			k.validate(t, node, token)
		}
		must(t, k.Identity.RevokeToken(t.Context(), vendor, made.ID))
		revoked := time.Now()
		for node := range k.nodes {
			eventually(t, "the token is refused", func() bool {
				// Asked later than a second after, none may pass.
				late := time.Since(revoked) > time.Second
				status, _ := k.validate(t, node, token)
				if late && status == http.StatusOK {
					t.Fatalf("node %d still accepts it", node)
				}
				return status == http.StatusUnauthorized
			})
		}
	})
	t.Run("what happens on all of them is one chain", func(t *testing.T) {
		var all sync.WaitGroup
		for node := range k.nodes {
			all.Go(func() {
				for i := range 20 {
					_, err := activate(t, k.Services, k.client, k.keys[1], fmt.Sprintf("device-%d-%d", node, i%2), "")
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		eventually(t, "all events are sealed", func() bool {
			waiting, err := k.Store.Unsealed(t.Context(), 1)
			return err == nil && len(waiting) == 0
		})
		report, err := k.Sealer.Verify(t.Context())
		if err != nil || !report.Intact() || report.Events == 0 {
			t.Errorf("%+v, %v", report, err)
		}
	})
	t.Run("whoever leads is followed when it stops", func(t *testing.T) {
		first := k.leads(t)[0]
		before, err := k.Store.Lead(t.Context())
		must(t, err)
		k.nodes[first].stopped(t)
		k.nodes, k.logged = slices.Delete(k.nodes, first, first+1), slices.Delete(k.logged, first, first+1)
		eventually(t, "another leads", func() bool { return len(k.leads(t)) == 1 })
		after, err := k.Store.Lead(t.Context())
		if err != nil || after.Fence != before.Fence+1 {
			t.Errorf("fence %d after %d, %v", after.Fence, before.Fence, err)
		}
	})
	k.stopped(t)
}

const password = "nine-northern-lights"

// choosePassword lets the shop's person sign in.
func (s *shop) choosePassword(t *testing.T) {
	t.Helper()
	token, _, err := s.Identity.MintLink(t.Context(), s.person.ID, account.Invitation)
	must(t, err)
	_, err = s.Identity.SetPassword(t.Context(), token, account.Invitation, password, identity.Origin{})
	must(t, err)
}

// verifies reports whether a lease is signed by one of the keys.
func verifies(lease string, keys licensefile.KeySet) bool {
	_, err := licensefile.ParseLease(lease, keys)
	return err == nil
}
