package httpx_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/internal/httpx"
)

// P-DL-22: an answer that moves is not cut, however short the server's limit is
// for a whole one.
func TestStreamingMovesTheDeadline(t *testing.T) {
	late := &lateness{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w = httpx.Streaming(w, time.Minute, time.Now)
		_, _ = io.WriteString(w, strings.Repeat("x", 1<<20))
	}))
	server.Listener = late.watch(server.Listener)
	server.Config.WriteTimeout = time.Millisecond
	server.Start()
	defer server.Close()
	answer, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.ReadAll(answer.Body); err != nil {
		t.Errorf("the answer was cut: %v", err)
	}
	if !late.moved {
		t.Error("the deadline was not moved")
	}
}

// lateness sees whether a connection was given more time than its server gives.
type lateness struct {
	net.Listener
	moved bool
}

func (l *lateness) watch(ln net.Listener) net.Listener {
	l.Listener = ln
	return l
}

func (l *lateness) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &watched{c, l}, err
}

type watched struct {
	net.Conn
	l *lateness
}

func (w *watched) SetWriteDeadline(at time.Time) error {
	if time.Until(at) > 30*time.Second {
		w.l.moved = true
	}
	return w.Conn.SetWriteDeadline(at)
}
