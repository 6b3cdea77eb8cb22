package mailbox

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	maxMail       = 1 << 20 // bytes of one mail
	maxCommand    = 1024    // bytes of a command line, line end included
	maxTextLine   = 1000    // bytes of a mail's line, as RFC 5321 sets it
	maxRecipients = 50
	maxMistakes   = 20 // refused commands in one connection
)

// errGivenUp ends a connection whose client does not stop doing it wrong.
var errGivenUp = errors.New("client given up")

// session is the state of one connection.
type session struct {
	box      *Box
	in       *bufio.Reader
	out      io.Writer
	greeted  bool
	open     bool // between MAIL and the end of the mail
	from     string
	to       []string
	mistakes int
}

// converse speaks SMTP until the client quits or the connection breaks.
func (b *Box) converse(conn io.ReadWriter) {
	s := &session{box: b, in: bufio.NewReaderSize(conn, maxCommand), out: conn}
	if err := s.reply("220 mailbox.localhost ready"); err != nil {
		return
	}
	for {
		if err := s.step(); err != nil {
			return
		}
	}
}

// step reads one command and answers it.
func (s *session) step() error {
	line, err := s.readLine(maxCommand)
	if errors.Is(err, errBadLine) {
		return s.refuse("500 A command is one line of printable text that ends with CRLF")
	}
	if err != nil {
		return err
	}
	verb, argument, _ := strings.Cut(string(line), " ")
	switch strings.ToUpper(verb) {
	case "EHLO":
		return s.hello(argument, "250-mailbox.localhost", "250-SIZE "+strconv.Itoa(maxMail), "250-SMTPUTF8", "250 8BITMIME")
	case "HELO":
		return s.hello(argument, "250 mailbox.localhost")
	case "MAIL":
		return s.mail(argument)
	case "RCPT":
		return s.recipient(argument)
	case "DATA":
		return s.data(argument)
	case "RSET":
		s.forget()
		return s.reply("250 Forgotten")
	case "NOOP":
		return s.reply("250 Still here")
	case "QUIT":
		return errors.Join(s.reply("221 Goodbye"), io.EOF)
	}
	return s.refuse("502 This mailbox knows EHLO, HELO, MAIL, RCPT, DATA, RSET, NOOP and QUIT")
}

func (s *session) hello(name string, lines ...string) error {
	if strings.TrimSpace(name) == "" {
		return s.refuse("501 Say who you are: EHLO localhost")
	}
	s.forget()
	s.greeted = true
	return s.reply(lines...)
}

func (s *session) mail(argument string) error {
	switch {
	case !s.greeted:
		return s.refuse("503 Send EHLO first")
	case s.open:
		return s.refuse("503 There is a sender already; send RSET to start again")
	}
	address, parameters, ok := path(argument, "FROM:")
	if !ok || address != "" && !plausible(address) {
		return s.refuse("501 Write MAIL FROM:<name@example.com>")
	}
	if announcedSize(parameters) > maxMail {
		return s.refuse("552 A mail may have at most 1 MB")
	}
	s.open, s.from = true, address
	return s.reply("250 OK")
}

func (s *session) recipient(argument string) error {
	if !s.open {
		return s.refuse("503 Send MAIL first")
	}
	address, _, ok := path(argument, "TO:")
	switch {
	case !ok || !plausible(address):
		return s.refuse("501 Write RCPT TO:<name@example.com>")
	case len(s.to) == maxRecipients:
		return s.refuse(fmt.Sprintf("452 A mail may have at most %d recipients", maxRecipients))
	}
	s.to = append(s.to, address)
	return s.reply("250 OK")
}

func (s *session) data(argument string) error {
	switch {
	case argument != "":
		return s.refuse("501 DATA stands alone")
	case len(s.to) == 0:
		return s.refuse("503 Send MAIL and RCPT first")
	}
	if err := s.reply("354 Send the mail; end it with a line that has only a dot"); err != nil {
		return err
	}
	mail, problem, err := s.readMail()
	if err != nil {
		return err
	}
	from, to := s.from, s.to
	s.forget()
	if problem != "" {
		return s.refuse(problem)
	}
	s.box.keep(from, to, mail)
	return s.reply("250 Received")
}

// readMail reads up to the line with the lone dot and takes the stuffed dots
// out. A mail with a problem is read to its end all the same, so that client and
// mailbox agree on where the next command starts.
func (s *session) readMail() (mail []byte, problem string, err error) {
	for total := 0; ; {
		line, err := s.readLine(maxTextLine)
		total += len(line) + 2
		switch {
		case errors.Is(err, errBadLine):
			problem = "500 Each line of a mail has at most 998 bytes and ends with CRLF"
		case err != nil:
			return nil, "", err
		case string(line) == ".":
			return mail, problem, nil
		case total > 4*maxMail:
			return nil, "", errGivenUp
		case problem != "":
		case len(mail)+len(line)+2 > maxMail:
			problem, mail = "552 A mail may have at most 1 MB", nil
		default:
			mail = append(mail, strings.TrimPrefix(string(line), ".")...)
			mail = append(mail, "\r\n"...)
		}
	}
}

// forget drops the mail under way; the greeting stays.
func (s *session) forget() {
	s.open, s.from, s.to = false, "", nil
}

func (s *session) reply(lines ...string) error {
	_, err := io.WriteString(s.out, strings.Join(lines, "\r\n")+"\r\n")
	return err
}

// refuse answers with an error and ends the connection when there were many.
func (s *session) refuse(line string) error {
	s.mistakes++
	if s.mistakes > maxMistakes {
		return errors.Join(s.reply("421 Too many mistakes"), errGivenUp)
	}
	return s.reply(line)
}
