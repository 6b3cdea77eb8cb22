package server_test

import (
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/apptest"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/server"
)

func TestReadyNoLongerWhenTheSchemaIsAnother(t *testing.T) {
	onBoth(t, func(t *testing.T, c config.Database) {
		r := run(t, c)
		defer r.stopped(t)
		execute(t, c, `INSERT INTO schema_version (version_id, is_applied) VALUES (9999, `+truth(c)+`)`)
		status, body := get(t, "http://"+r.address.String()+"/readyz")
		if status != http.StatusServiceUnavailable || body != "the database has another schema than this program\n" {
			t.Errorf("%d %s", status, body)
		}
		if status, _ := get(t, "http://"+r.address.String()+"/healthz"); status != http.StatusOK {
			t.Errorf("the process does not answer: %d", status)
		}
	})
}

// Whoever cannot ask by HTTP asks by a command, by the settings of the server.
func TestProbe(t *testing.T) {
	c := config.Database{Data: t.TempDir()}
	r := run(t, c)
	_, port, err := net.SplitHostPort(r.address.String())
	must(t, err)
	for _, listen := range []string{r.address.String(), "0.0.0.0:" + port, ":" + port, "[::]:" + port} {
		for said, q := range map[string]server.Question{"ok": {Listen: listen}, "ready": {Listen: listen, Ready: true}} {
			if got, err := server.Probe(t.Context(), q); err != nil || got != said {
				t.Errorf("%s says %q, %v", listen, got, err)
			}
		}
	}
	execute(t, c, `INSERT INTO schema_version (version_id, is_applied) VALUES (9999, 1)`)
	_, err = server.Probe(t.Context(), server.Question{Listen: r.address.String(), Ready: true})
	wantFault(t, err, "not_serving")
	r.stopped(t)
	_, err = server.Probe(t.Context(), server.Question{Listen: r.address.String()})
	wantFault(t, err, "not_serving")
}

// The certificate is for the name that customers use, not for this machine.
func TestProbeAsksByHTTPS(t *testing.T) {
	web := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.URL.Path)) }))
	defer web.Close()
	listen := strings.TrimPrefix(web.URL, "https://")
	if got, err := server.Probe(t.Context(), server.Question{Listen: listen, HTTPS: true}); err != nil || got != "/healthz" {
		t.Errorf("it says %q, %v", got, err)
	}
}

// While it drains it answers, and says that no more should come.
func TestDrainTurnsBalancersAwayFirst(t *testing.T) {
	r := runLogged(t, config.Database{Data: t.TempDir()}, quiet, func(s *config.Server) { s.Drain = time.Second })
	r.stop()
	for until := time.Now().Add(time.Minute); ; {
		status, body := get(t, "http://"+r.address.String()+"/readyz")
		if status == http.StatusServiceUnavailable && body == "stopping\n" {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("still %d %s", status, body)
		}
	}
	if status, _ := get(t, "http://"+r.address.String()+"/login"); status != http.StatusOK {
		t.Errorf("it turns people away: %d", status)
	}
	r.stopped(t)
}

// fetch reads the metrics of a running server, whose address is in its log.
func fetch(t *testing.T, logged *apptest.Logged) string {
	t.Helper()
	address := regexp.MustCompile(`msg="serving metrics" address=(\S+)`).FindStringSubmatch(logged.String())
	if address == nil {
		t.Fatalf("no address in:\n%s", logged)
	}
	status, text := get(t, "http://"+address[1]+"/metrics")
	if status != http.StatusOK {
		t.Fatalf("metrics: %d %s", status, text)
	}
	if status, _ := get(t, "http://"+address[1]+"/login"); status != http.StatusNotFound {
		t.Errorf("the portal is served there too: %d", status)
	}
	return text
}

func TestMetricsTellWhatHappensAndNobodysName(t *testing.T) {
	onBoth(t, func(t *testing.T, c config.Database) {
		s := openShop(t, c)
		_, token, err := s.Identity.CreateToken(t.Context(), vendor, identity.NewToken{Kind: account.ClientToken, Name: "T", ProductID: s.product.ID})
		must(t, err)
		closed(t, s.Services)
		var logged apptest.Logged
		r := runLogged(t, c, slog.New(slog.NewTextHandler(&logged, nil)), func(s *config.Server) { s.Metrics = "127.0.0.1:0" })
		defer r.stopped(t)
		ask(t, r, token, "activate", s.keys[0])
		ask(t, r, token, "validate", s.keys[0])
		get(t, "http://"+r.address.String()+"/licenses/"+s.keys[0])
		text := fetch(t, &logged)
		for _, want := range []string{
			`keyward_request_duration_seconds_count{method="POST",route="POST /api/v2/licenses/validate",status="200"} 1`,
			`keyward_validations_total{code="valid"} 1`,
			`keyward_queue_length{queue="jobs_waiting"}`, `keyward_queue_length{queue="writer"} 0`, "keyward_leader 1",
			"keyward_commit_operations_count", "keyward_commit_duration_seconds_count", "go_build_info", "process_open_fds",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("no %s in:\n%s", want, text)
			}
		}
		for _, secret := range []string{s.keys[0], "HW-1", token, string(s.product.ID), string(s.customer.ID), "nordlicht", s.product.Slug, "127.0.0.1"} {
			if strings.Contains(strings.ToLower(text), strings.ToLower(secret)) {
				t.Errorf("%s is told", secret)
			}
		}
	})
}

// ask calls the API as software does.
func ask(t *testing.T, r *running, token, what, key string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"key": key, "device": map[string]string{"id": "HW-1"}})
	must(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.address.String()+"/api/v2/licenses/"+what, strings.NewReader(string(body)))
	must(t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	must(t, err)
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d", what, answer.StatusCode)
	}
}
