package mailbox_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/smtp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/mailbox"
)

var at = time.Date(2027, 3, 12, 14, 5, 0, 0, time.UTC)

func clock() time.Time { return at }

// start runs a Box on a free loopback port until the test ends.
func start(t *testing.T) (*mailbox.Box, string) {
	t.Helper()
	box := mailbox.New(clock)
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
			t.Errorf("ServeSMTP = %v, want nil after its context ended", err)
		}
	})
	return box, ln.Addr().String()
}

const plain = "From: shop@example.com\r\nSubject: Hello\r\n\r\nFirst line\r\n"

func TestReceive(t *testing.T) {
	t.Run("a mail is kept with its envelope, subject, text and time", func(t *testing.T) {
		box, address := start(t)
		if err := smtp.SendMail(address, nil, "shop@example.com", []string{"ada@example.com", "bob@example.com"}, []byte(plain)); err != nil {
			t.Fatal(err)
		}
		want := []mailbox.Message{{
			ID: 1, From: "shop@example.com", To: []string{"ada@example.com", "bob@example.com"},
			Subject: "Hello", Text: "First line\n", ReceivedAt: at,
		}}
		if diff := cmp.Diff(want, box.Messages()); diff != "" {
			t.Errorf("Messages (-want +got):\n%s", diff)
		}
	})
	t.Run("stuffed dots are taken out and a dot within the text stays", func(t *testing.T) {
		box, address := start(t)
		body := "Subject: Dots\r\n\r\n.\r\n..\r\n.hidden\r\na.b\r\n"
		if err := smtp.SendMail(address, nil, "a@example.com", []string{"b@example.com"}, []byte(body)); err != nil {
			t.Fatal(err)
		}
		if got, want := box.Messages()[0].Text, ".\n..\n.hidden\na.b\n"; got != want {
			t.Errorf("Text = %q, want %q", got, want)
		}
	})
	t.Run("several mails come over one connection, newest first", func(t *testing.T) {
		box, address := start(t)
		c := dial(t, address)
		c.say("EHLO test", "250")
		for i := range 3 {
			c.say("MAIL FROM:<a@example.com> BODY=8BITMIME SIZE=100", "250")
			c.say("RCPT TO:<b@example.com>", "250")
			c.say("DATA", "354")
			c.say(fmt.Sprintf("Subject: Mail %d\r\n\r\nText\r\n.", i+1), "250")
		}
		c.say("QUIT", "221")
		var subjects []string
		for _, m := range box.Messages() {
			subjects = append(subjects, m.Subject)
		}
		if diff := cmp.Diff([]string{"Mail 3", "Mail 2", "Mail 1"}, subjects); diff != "" {
			t.Errorf("subjects (-want +got):\n%s", diff)
		}
	})
	t.Run("a notice without a sender is kept", func(t *testing.T) {
		box, address := start(t)
		c := dial(t, address)
		c.transcript("HELO test=250", "MAIL FROM:<>=250", "RCPT TO:<b@example.com>=250", "DATA=354")
		c.say("Subject: x\r\n\r\n.", "250")
		if got := box.Messages(); len(got) != 1 || got[0].From != "" {
			t.Errorf("Messages = %+v", got)
		}
	})
	t.Run("the oldest mail leaves when the mailbox is full", func(t *testing.T) {
		box, address := start(t)
		c := dial(t, address)
		c.say("EHLO test", "250")
		for range mailbox.MaxKept + 3 {
			c.transcript("MAIL FROM:<a@example.com>=250", "RCPT TO:<b@example.com>=250", "DATA=354", ".=250")
		}
		got := box.Messages()
		if len(got) != mailbox.MaxKept || got[0].ID != mailbox.MaxKept+3 || got[len(got)-1].ID != 4 {
			t.Errorf("kept %d mails, %d to %d", len(got), got[len(got)-1].ID, got[0].ID)
		}
	})
}

func TestRefuse(t *testing.T) {
	tests := []struct{ name, lines string }{
		{"a mail before the greeting", "MAIL FROM:<a@example.com>=503"},
		{"a greeting without a name", "EHLO=501"},
		{"a recipient before the sender", "EHLO x=250|RCPT TO:<b@example.com>=503"},
		{"data before a recipient", "EHLO x=250|MAIL FROM:<a@example.com>=250|DATA=503"},
		{"a second sender", "EHLO x=250|MAIL FROM:<a@example.com>=250|MAIL FROM:<a@example.com>=503"},
		{"an address without brackets", "EHLO x=250|MAIL FROM:a@example.com=501"},
		{"an address without its end", "EHLO x=250|MAIL FROM:<a@example.com=501"},
		{"an address with space", "EHLO x=250|MAIL FROM:<a b@example.com>=501"},
		{"an address without a domain", "EHLO x=250|MAIL FROM:<a@example.com>=250|RCPT TO:<b>=501"},
		{"an empty recipient", "EHLO x=250|MAIL FROM:<a@example.com>=250|RCPT TO:<>=501"},
		{"a very long address", "EHLO x=250|MAIL FROM:<" + strings.Repeat("a", 250) + "@example.com>=501"},
		{"an announced size that is too large", "EHLO x=250|MAIL FROM:<a@example.com> SIZE=1048577=552"},
		{"an announced size beyond any number", "EHLO x=250|MAIL FROM:<a@example.com> SIZE=99999999999999999999=552"},
		{"text after DATA", "EHLO x=250|MAIL FROM:<a@example.com>=250|RCPT TO:<b@example.com>=250|DATA now=501"},
		{"an unknown command", "VRFY root=502"},
		{"an empty command", "=502"},
		{"a command that is too long", "NOOP " + strings.Repeat("x", 5000) + "=500|NOOP=250"},
		{"a command ending in a lone LF", "NOOP\nNOOP=500|NOOP=250"},
		{"a NUL in a command", "NOOP \x00=500|NOOP=250"},
		{"what was forgotten by RSET", "EHLO x=250|MAIL FROM:<a@example.com>=250|RCPT TO:<b@example.com>=250|RSET=250|DATA=503"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			box, address := start(t)
			c := dial(t, address)
			c.transcript(strings.Split(tt.lines, "|")...)
			c.say("QUIT", "221")
			if got := box.Messages(); len(got) != 0 {
				t.Errorf("kept %+v", got)
			}
		})
	}

	bodies := []struct{ name, body, code string }{
		{"a mail of more than 1 MB", strings.Repeat(strings.Repeat("x", 900)+"\r\n", 1200), "552"},
		{"a line that is too long", strings.Repeat("x", 999) + "\r\n", "500"},
		{"a line that is far too long", strings.Repeat("x", 100_000) + "\r\n", "500"},
		{"a lone LF", "one\ntwo\r\n", "500"},
		{"a lone CR", "one\rtwo\r\n", "500"},
		{"an end that is none", "text\n.\nMAIL FROM:<evil@example.com>\r\n", "500"},
		{"a too long line whose CRLF falls between two reads", strings.Repeat("x", 1024*3-1) + "\r\n", "500"},
	}
	for _, tt := range bodies {
		t.Run(tt.name+" and still takes the next mail", func(t *testing.T) {
			box, address := start(t)
			c := dial(t, address)
			c.transcript("EHLO x=250", "MAIL FROM:<a@example.com>=250", "RCPT TO:<b@example.com>=250", "DATA=354")
			c.say(tt.body+".", tt.code)
			c.transcript("MAIL FROM:<a@example.com>=250", "RCPT TO:<b@example.com>=250", "DATA=354")
			c.say("Subject: Next\r\n\r\nText\r\n.", "250")
			if got := box.Messages(); len(got) != 1 || got[0].Subject != "Next" {
				t.Errorf("kept %+v", got)
			}
		})
	}

	t.Run("more recipients than fit", func(t *testing.T) {
		_, address := start(t)
		c := dial(t, address)
		c.transcript("EHLO x=250", "MAIL FROM:<a@example.com>=250")
		for i := range 50 {
			c.say(fmt.Sprintf("RCPT TO:<b%d@example.com>", i), "250")
		}
		c.say("RCPT TO:<b50@example.com>", "452")
	})
	t.Run("a client that goes on making mistakes", func(t *testing.T) {
		_, address := start(t)
		c := dial(t, address)
		for range 20 {
			c.say("WHAT", "502")
		}
		c.say("WHAT", "421")
		if _, err := c.in.ReadString('\n'); err == nil {
			t.Error("the connection is still open")
		}
	})
	t.Run("a mail that breaks off", func(t *testing.T) {
		box, address := start(t)
		c := dial(t, address)
		c.transcript("EHLO x=250", "MAIL FROM:<a@example.com>=250", "RCPT TO:<b@example.com>=250", "DATA=354")
		fmt.Fprint(c.conn, "Subject: Half\r\n")
		c.conn.Close()
		if got := box.Messages(); len(got) != 0 {
			t.Errorf("kept %+v", got)
		}
	})
}

func TestLoopbackOnly(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "example.com:0", "[::]:0", "127.0.0.1"} {
		t.Run("no listener on "+address, func(t *testing.T) {
			if ln, err := mailbox.Listen(t.Context(), address); err == nil {
				ln.Close()
				t.Error("Listen opened it")
			}
		})
	}
	t.Run("no service on a listener opened elsewhere", func(t *testing.T) {
		ln := &listener{address: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 25}}
		if err := mailbox.New(clock).ServeSMTP(t.Context(), ln); err == nil || !ln.closed {
			t.Errorf("ServeSMTP = %v, closed %v; want an error and a closed listener", err, ln.closed)
		}
	})
	t.Run("no answer to a client from elsewhere", func(t *testing.T) {
		ours, theirs := net.Pipe()
		ln := &listener{
			address: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 25},
			conn:    foreign{theirs},
		}
		if err := mailbox.New(clock).ServeSMTP(t.Context(), ln); err == nil {
			t.Error("ServeSMTP = nil, want the listener's error")
		}
		if n, err := ours.Read(make([]byte, 1)); err == nil {
			t.Errorf("the client was sent %d bytes", n)
		}
	})
	t.Run("an open connection ends with the context", func(t *testing.T) {
		box := mailbox.New(clock)
		ctx, cancel := context.WithCancel(t.Context())
		ln, err := mailbox.Listen(ctx, "localhost:0")
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- box.ServeSMTP(ctx, ln) }()
		c := dial(t, ln.Addr().String())
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("ServeSMTP = %v", err)
		}
		if _, err := c.in.ReadString('\n'); err == nil {
			t.Error("the connection is still open")
		}
	})
}

// listener hands out one connection and then fails.
type listener struct {
	address net.Addr
	conn    net.Conn
	closed  bool
}

func (l *listener) Addr() net.Addr { return l.address }
func (l *listener) Close() error   { l.closed = true; return nil }
func (l *listener) Accept() (net.Conn, error) {
	if conn := l.conn; conn != nil {
		l.conn = nil
		return conn, nil
	}
	return nil, net.ErrClosed
}

// foreign is a connection whose client is on another machine.
type foreign struct{ net.Conn }

func (foreign) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4711} }

// client speaks raw SMTP, so that it can say what no library would.
type client struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func dial(t *testing.T, address string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &client{t, conn, bufio.NewReader(conn)}
	c.expect("220", "the connection")
	return c
}

// say sends lines and expects the code that answers them.
func (c *client) say(lines, code string) {
	c.t.Helper()
	if _, err := fmt.Fprint(c.conn, lines+"\r\n"); err != nil {
		c.t.Fatal(err)
	}
	c.expect(code, lines)
}

func (c *client) expect(code, said string) {
	c.t.Helper()
	for {
		answer, err := c.in.ReadString('\n')
		if err != nil {
			c.t.Fatalf("no answer to %.60q: %v", said, err)
		}
		if !strings.HasPrefix(answer, code) {
			c.t.Fatalf("%.60q was answered %q, want %s", said, answer, code)
		}
		if len(answer) < 4 || answer[3] != '-' {
			return
		}
	}
}

// transcript says lines written as LINE=CODE.
func (c *client) transcript(lines ...string) {
	c.t.Helper()
	for _, line := range lines {
		i := strings.LastIndex(line, "=")
		c.say(line[:i], line[i+1:])
	}
}
