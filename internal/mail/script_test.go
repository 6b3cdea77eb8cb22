package mail_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// script is a mail server that answers as a test tells it, to show what a
// mailbox never does: refuse, break off, encrypt, ask to sign in.
type script struct {
	t         *testing.T
	ln        net.Listener
	replies   map[string]string // by verb; "" greets, "." ends the mail
	mode      string            // "", "starttls" or "implicit"
	tls       *tls.Config
	authority *x509.Certificate
	onSilence func()

	mu    sync.Mutex
	lines []string
	data  bytes.Buffer
}

func startScript(t *testing.T, replies map[string]string, mode ...string) *script {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, ln: ln, replies: replies}
	if len(mode) > 0 {
		s.mode = mode[0]
		web := httptest.NewTLSServer(nil)
		s.tls = &tls.Config{Certificates: web.TLS.Certificates}
		s.authority = web.Certificate()
		web.Close()
	}
	var clients sync.WaitGroup
	clients.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			clients.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		clients.Wait()
	})
	return s
}

func (s *script) address() string { return s.ln.Addr().String() }
func (s *script) url() string     { return "smtp://" + s.address() }

func (s *script) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.authority)
	return pool
}

// said returns the commands that begin with one of the verbs.
func (s *script) said(verbs ...string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, line := range s.lines {
		verb, _, _ := strings.Cut(line, " ")
		if slices.Contains(verbs, verb) {
			out = append(out, line)
		}
	}
	return out
}

// mail returns the bytes of the received mail, dots unstuffed.
func (s *script) mail() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.data.Bytes())
}

func (s *script) serve(conn net.Conn) {
	defer conn.Close()
	if s.mode == "implicit" {
		conn = tls.Server(conn, s.tls)
	}
	in := bufio.NewReader(conn)
	if !s.answer(conn, in, "", "", "220 ready") {
		return
	}
	secure := false
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSuffix(line, "\r\n")
		verb, _, _ := strings.Cut(line, " ")
		s.mu.Lock()
		s.lines = append(s.lines, line)
		s.mu.Unlock()
		usual := map[string]string{"DATA": "354 go", "QUIT": "221 bye", "AUTH": "235 ok", "STARTTLS": "220 go"}[verb]
		if usual == "" {
			usual = "250 ok"
		}
		if verb == "EHLO" && s.mode == "starttls" && !secure {
			fmt.Fprint(conn, "250-x\r\n250 STARTTLS\r\n")
			continue
		}
		if !s.answer(conn, in, verb, line, usual) {
			return
		}
		if verb == "STARTTLS" {
			conn = tls.Server(conn, s.tls)
			in, secure = bufio.NewReader(conn), true
		}
		if verb == "DATA" && s.replies["DATA"] == "" && !(s.receive(in) && s.answer(conn, in, ".", "", "250 kept")) {
			return
		}
	}
}

// answer replies to a verb and reports whether the conversation goes on.
func (s *script) answer(conn net.Conn, in *bufio.Reader, verb, line, usual string) bool {
	reply, given := s.replies[verb]
	switch {
	case !given:
		reply = usual
	case reply == "close":
		return false
	case reply == "silence":
		s.onSilence()
		in.ReadByte() // until the client leaves
		return false
	}
	reply = strings.TrimSpace(strings.Replace(reply, "%s", line, 1))
	_, err := fmt.Fprint(conn, reply+"\r\n")
	return err == nil
}

func (s *script) receive(in *bufio.Reader) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			return true
		}
		s.data.WriteString(strings.TrimPrefix(line, "."))
	}
}

func sorted(names []string) []string {
	slices.Sort(names)
	return names
}
