package notice_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
)

// server is a mail server that answers as a test tells it, to show what a
// mailbox never does: refuse.
type server struct {
	ln net.Listener

	mu    sync.Mutex
	reply func(verb, mail string) string // "" is the usual answer; "." ends the mail
	mails []string
}

func startServer(t *testing.T) *server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{ln: ln, reply: func(string, string) string { return "" }}
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
	t.Cleanup(func() { ln.Close(); clients.Wait() })
	return s
}

func (s *server) url() string { return "smtp://" + s.ln.Addr().String() }

// answers sets the replies of later mails.
func (s *server) answers(reply func(verb, mail string) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reply = reply
}

// received returns the mails that came, kept or not, oldest first.
func (s *server) received() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mails
}

func (s *server) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	fmt.Fprint(conn, "220 ready\r\n")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		verb, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		s.say(conn, verb, "", map[string]string{"DATA": "354 go", "QUIT": "221 bye"}[verb])
		if verb == "DATA" {
			mail := receive(in)
			s.say(conn, ".", mail, "")
		}
	}
}

func (s *server) say(conn net.Conn, verb, mail, usual string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if verb == "." {
		s.mails = append(s.mails, mail)
	}
	reply := s.reply(verb, mail)
	switch {
	case reply != "":
	case usual != "":
		reply = usual
	default:
		reply = "250 ok"
	}
	fmt.Fprint(conn, reply+"\r\n")
}

func receive(in *bufio.Reader) string {
	var mail strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil || line == ".\r\n" {
			return mail.String()
		}
		mail.WriteString(line)
	}
}
