package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/pgtest"
	"github.com/keyward/keyward/internal/server"
)

// onBoth runs a test on a new database of each kind.
func onBoth(t *testing.T, test func(t *testing.T, c config.Database)) {
	t.Run("sqlite", func(t *testing.T) { test(t, config.Database{Data: t.TempDir()}) })
	t.Run("postgres", func(t *testing.T) { test(t, config.Database{Data: t.TempDir(), Database: pgtest.URL(t)}) })
}

var quiet = slog.New(slog.DiscardHandler)

// running is a server that serves until stop is called.
type running struct {
	address net.Addr
	stop    context.CancelFunc
	done    chan error
}

func run(t *testing.T, c config.Database) *running {
	t.Helper()
	return runLogged(t, c, quiet)
}

func runLogged(t *testing.T, c config.Database, log *slog.Logger, changes ...func(*config.Server)) *running {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r := &running{stop: stop, done: make(chan error, 1)}
	ready := make(chan net.Addr, 1)
	settings := config.Server{Database: c, Listen: "127.0.0.1:0", MailFrom: "keyward@localhost", AppName: "Keyward"}
	for _, change := range changes {
		change(&settings)
	}
	go func() { r.done <- server.Run(ctx, settings, log, func(a net.Addr) { ready <- a }) }()
	select {
	case r.address = <-ready:
	case err := <-r.done:
		t.Fatalf("it did not start: %v", err)
	case <-time.After(time.Minute):
		t.Fatal("it did not start within a minute")
	}
	return r
}

func (r *running) stopped(t *testing.T) {
	t.Helper()
	r.stop()
	select {
	case err := <-r.done:
		if err != nil {
			t.Errorf("stopped with %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it did not stop within a minute")
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestServesEveryDoorAndStops(t *testing.T) {
	onBoth(t, func(t *testing.T, c config.Database) {
		r := run(t, c)
		for path, want := range map[string]string{
			"/healthz":                         "ok",
			"/readyz":                          "ready",
			"/login":                           "Sign in",
			"/api/v2/openapi.json":             `"openapi"`,
			"/docs":                            "Quick start",
			"/api/v2/docs":                     "/api/v2/licenses/validate",
			"/.well-known/jwks.json?product=x": "not_found",
			"/api/v2/none":                     "not_found",
		} {
			if status, body := get(t, "http://"+r.address.String()+path); !strings.Contains(body, want) {
				t.Errorf("GET %s: %d without %q: %.300s", path, status, want, body)
			}
		}
		r.stopped(t)
		if _, err := net.Dial("tcp", r.address.String()); err == nil {
			t.Error("it still listens")
		}
	})
}

// Whoever is being answered when the server is told to stop gets the answer.
func TestStopFinishesWhatItHasBegun(t *testing.T) {
	r := run(t, config.Database{Data: t.TempDir()})
	conn, err := net.Dial("tcp", r.address.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const body = "email=nobody@example.com&password=wrong"
	fmt.Fprintf(conn, "POST /login HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n", r.address, len(body))
	answer := bufio.NewReader(conn)
	if line, err := answer.ReadString('\n'); err != nil || !strings.Contains(line, "100") {
		t.Fatalf("%q, %v", line, err)
	}
	if _, err := answer.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	r.stop()
	if _, err := io.WriteString(conn, body); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(answer, nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	defer response.Body.Close()
	if page, err := io.ReadAll(response.Body); err != nil || !strings.Contains(string(page), "</html>") {
		t.Errorf("answer %s was cut off: %v", response.Status, err)
	}
	r.stopped(t)
}

func TestAnAddressInUseSaysWhatToDo(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	settings := config.Server{Database: config.Database{Data: t.TempDir()}, Listen: taken.Addr().String()}
	wantFault(t, server.Run(t.Context(), settings, quiet, func(net.Addr) { t.Error("ready") }), "listen_failed")
}

// Customers follow links: the address in them is the one that was opened.
func TestMailsUseTheOpenedPort(t *testing.T) {
	r := run(t, config.Database{Data: t.TempDir()})
	defer r.stopped(t)
	if _, port, _ := net.SplitHostPort(r.address.String()); port == "0" {
		t.Errorf("address %s", r.address)
	}
}
