package server_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/mail"
	"net/smtp"
	"slices"
	"strings"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/identity"
	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/server"
	"github.com/keyward/keyward/internal/ticket"
)

// postOffice takes every mail that the server sends.
type postOffice struct {
	mails  chan *mail.Message
	others []*mail.Message // came while another was awaited
}

func startPostOffice(t *testing.T) (*postOffice, string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &postOffice{mails: make(chan *mail.Message, 100)}
	office := gosmtp.NewServer(p)
	t.Cleanup(func() { office.Close() })
	go office.Serve(ln)
	return p, "smtp://" + ln.Addr().String()
}

func (p *postOffice) NewSession(*gosmtp.Conn) (gosmtp.Session, error) { return p, nil }
func (p *postOffice) Mail(string, *gosmtp.MailOptions) error          { return nil }
func (p *postOffice) Rcpt(string, *gosmtp.RcptOptions) error          { return nil }
func (p *postOffice) Reset()                                          {}
func (p *postOffice) Logout() error                                   { return nil }

func (p *postOffice) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err == nil {
		p.mails <- m
	}
	return err
}

// next returns the next mail to an address, with its whole text.
func (p *postOffice) next(t *testing.T, to string) (*mail.Message, string) {
	t.Helper()
	for i, m := range p.others {
		if strings.Contains(m.Header.Get("To"), to) {
			p.others = slices.Delete(p.others, i, i+1)
			return m, read(t, m)
		}
	}
	for {
		select {
		case m := <-p.mails:
			if strings.Contains(m.Header.Get("To"), to) {
				return m, read(t, m)
			}
			p.others = append(p.others, m) // mails come in no order
		case <-time.After(time.Minute):
			t.Fatalf("no mail came to %s", to)
		}
	}
}

func read(t *testing.T, m *mail.Message) string {
	t.Helper()
	body, err := io.ReadAll(m.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// answer replies to a mail the way a mail program does.
func answer(t *testing.T, server, from string, to *mail.Message, headers, text string) {
	t.Helper()
	address, err := mail.ParseAddress(to.Header.Get("Reply-To"))
	if err != nil {
		t.Fatal(err)
	}
	data := "From: <" + from + ">\r\nTo: <" + address.Address + ">\r\nSubject: Re: " + to.Header.Get("Subject") + "\r\nMessage-ID: <" + text[:3] + "@example.com>\r\n" +
		headers + "\r\n" + text + "\r\n\r\nOn Monday Support wrote:\r\n> Hello\r\n"
	if err := smtp.SendMail(server, nil, from, []string{address.Address}, []byte(data)); err != nil {
		t.Fatal(err)
	}
}

// deskOf makes an installation with a customer and a member of staff.
func deskOf(t *testing.T, c config.Database) {
	t.Helper()
	s := mustAssemble(t, c)
	defer closed(t, s)
	system := account.System("")
	_, _, err := s.Identity.CreateCustomer(t.Context(), system, identity.NewCustomer{Name: "Nordlicht", Email: "ada@example.com", PersonName: "Ada"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Identity.CreateAdministrator(t.Context(), system, identity.NewAdministrator{Email: "kim@example.com", Role: account.SupportAgent}); err != nil {
		t.Fatal(err)
	}
}

// P-TIC-17, P-TIC-18, P-TIC-19: a customer and staff talk by mail only, through
// the listener of a server that runs as an operator runs it.
func TestSupportByMail(t *testing.T) {
	c := config.Database{Data: t.TempDir()}
	deskOf(t, c)
	office, out := startPostOffice(t)
	desk := config.Support{Tickets: true, TicketFiles: true, TicketReopen: true, InboundSMTP: "127.0.0.1:0", InboundDomain: "in.example.com"}
	pipe, log := io.Pipe()
	in := make(chan string, 1)
	defer log.Close()
	go announced(pipe, in)
	r := runLogged(t, c, slog.New(slog.NewTextHandler(log, nil)), func(s *config.Server) {
		s.Support, s.SMTPURL, s.SupportEmail = desk, out, "help@example.com"
	})
	address := <-in

	first := "From: Ada <ada@example.com>\r\nSubject: It does not start\r\nMessage-ID: <first@example.com>\r\n\r\nNothing happens.\r\n"
	if err := smtp.SendMail(address, nil, "ada@example.com", []string{"support@in.example.com"}, []byte(first)); err != nil {
		t.Fatal(err)
	}
	confirmed, _ := office.next(t, "ada@example.com")
	if subject := confirmed.Header.Get("Subject"); subject != "[TICK-1001] It does not start" {
		t.Errorf("the confirmation is %q", subject)
	}
	told, said := office.next(t, "help@example.com")
	if !strings.Contains(said, "Nothing happens.") {
		t.Errorf("staff read %q", said)
	}
	answer(t, address, "kim@example.com", told, "", "Which version is it?")
	replied, said := office.next(t, "ada@example.com")
	if !strings.Contains(said, "Which version is it?") || strings.Contains(said, "On Monday") {
		t.Errorf("the customer reads %q", said)
	}
	answer(t, address, "ada@example.com", replied, "Auto-Submitted: auto-replied\r\n", "Away until Monday")
	answer(t, address, "eve@example.com", replied, "", "Let me in")
	answer(t, address, "ada@example.com", replied, "", "Version 8")
	if _, said = office.next(t, "help@example.com"); !strings.Contains(said, "Version 8") {
		t.Errorf("staff read %q", said)
	}
	if err := smtp.SendMail(address, nil, "ada@example.com", []string{"info@in.example.com"}, []byte(first)); err == nil || !strings.HasPrefix(err.Error(), "550") {
		t.Errorf("mail for another address: %v", err)
	}
	r.stopped(t)
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("it still takes mail")
	}

	s := mustAssemble(t, c)
	defer closed(t, s)
	staff := account.Actor{Kind: account.ActorAdministrator, Permissions: account.SupportAgent.Permissions()}
	th, _, err := s.Support.StaffThread(t.Context(), staff, ticket.FirstNumber)
	if err != nil {
		t.Fatal(err)
	}
	var bodies []string
	for _, p := range th.Posts {
		bodies = append(bodies, string(p.Side)+": "+p.Body)
	}
	if got := strings.Join(bodies, "; "); got != "customer: Nothing happens.; staff: Which version is it?; customer: Version 8" || th.Ticket.Status != ticket.InProgress {
		t.Errorf("the ticket is %s: %s", th.Ticket.Status, got)
	}
}

// announced passes on where mail is taken, and reads the log to its end.
func announced(log io.Reader, in chan<- string) {
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if _, rest, ok := strings.Cut(lines.Text(), `msg="taking mail" address=`); ok {
			address, _, _ := strings.Cut(rest, " ")
			in <- address
		}
	}
}

// An address that is in use is a fault of its own setting.
func TestInboundAddressInUseSaysWhatToDo(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	settings := config.Server{
		Database: config.Database{Data: t.TempDir()}, Listen: "127.0.0.1:0", MailFrom: "keyward@localhost", AppName: "Keyward",
		Support: config.Support{Tickets: true, InboundSMTP: taken.Addr().String(), InboundDomain: "in.example.com"},
	}
	err = server.Run(context.Background(), settings, quiet, func(net.Addr) {})
	wantFault(t, err, "listen_failed")
	if !strings.Contains(next(err), "--inbound-smtp") {
		t.Errorf("it says to do %q", next(err))
	}
}
