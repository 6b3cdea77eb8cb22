package mailbox_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/keyward/keyward/internal/mailbox"
)

// receive puts one mail into a new Box the way a client would.
func receive(t *testing.T, mail string) mailbox.Message {
	t.Helper()
	box := mailbox.New(clock)
	box.Converse(&talk{Reader: strings.NewReader("EHLO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n" + mail + "\r\n.\r\n")})
	got := box.Messages()
	if len(got) != 1 {
		t.Fatalf("kept %d mails, want 1", len(got))
	}
	return got[0]
}

// talk is a connection whose client has said everything in advance.
type talk struct {
	io.Reader
	answers bytes.Buffer
}

func (c *talk) Write(p []byte) (int, error) { return c.answers.Write(p) }

func TestDecode(t *testing.T) {
	tests := []struct{ name, mail, subject, text string }{
		{
			"the text part of several",
			"Subject: Two parts\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n" +
				"--b\r\nContent-Type: text/html\r\n\r\n<p>No</p>\r\n--b\r\nContent-Type: text/plain; charset=UTF-8\r\n" +
				"Content-Transfer-Encoding: quoted-printable\r\n\r\nA long=\r\n line =E2=80=93 caf=C3=A9\r\n--b--",
			"Two parts", "A long line – café",
		},
		{
			"a text part within nested parts",
			"Subject: Nested\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n" +
				"--b\r\n\r\nInner\r\n--b--\r\n--a--",
			"Nested", "Inner",
		},
		{
			"base64 text and an encoded subject",
			"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: BASE64\r\n\r\nR3LDvMOfZQ==",
			"Grüße", "Grüße",
		},
		{"a mail of HTML only says so", "Subject: H\r\nContent-Type: text/html\r\n\r\n<script>x</script>", "H", "(This mail has no plain text part.)"},
		{"a mail without a subject", "From: a@example.com\r\n\r\nText", "(no subject)", "Text\n"},
		{"what is no mail at all is shown as it came", "nonsense", "(no subject)", "nonsense\n"},
		{"a header that smuggles a line break", "Subject: =?utf-8?q?a=0D=0ABcc:_x?=\r\n\r\nText", "a Bcc: x", "Text\n"},
		{"bytes that are no text", "Subject: B\r\n\r\na\xff\x1b[31mb", "B", "a\uFFFD[31mb\n"},
		{"a multipart without a boundary", "Subject: M\r\nContent-Type: multipart/mixed\r\n\r\nText", "M", "(This mail has no plain text part.)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := receive(t, tt.mail)
			if got.Subject != tt.subject || got.Text != tt.text {
				t.Errorf("got %q, %q; want %q, %q", got.Subject, got.Text, tt.subject, tt.text)
			}
		})
	}
	t.Run("text without end is cut", func(t *testing.T) {
		got := receive(t, "Subject: Long\r\n\r\n"+strings.Repeat(strings.Repeat("x", 900)+"\r\n", 1000))
		if len(got.Text) > 256<<10 {
			t.Errorf("kept %d bytes of text", len(got.Text))
		}
	})
}

func FuzzSession(f *testing.F) {
	f.Add([]byte("EHLO x\r\nMAIL FROM:<a@example.com> SIZE=1\r\nRCPT TO:<b@example.com>\r\nDATA\r\nSubject: x\r\n\r\n..\r\n.\r\nQUIT\r\n"))
	f.Add([]byte("HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n.\r\n"))
	f.Add([]byte("EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nContent-Transfer-Encoding: base64\r\nSubject: =?utf-8?b?////?=\r\n\r\n////\n.\n\r\n.\r\nRSET\r\nNOOP\r\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		box := mailbox.New(clock)
		c := &talk{Reader: bytes.NewReader(said)}
		box.Converse(c)
		for answer := range strings.SplitSeq(strings.TrimSuffix(c.answers.String(), "\r\n"), "\r\n") {
			if len(answer) < 5 || answer[0] < '2' || answer[0] > '5' || strings.ContainsAny(answer, "\r\n") {
				t.Errorf("answer %q is not SMTP", answer)
			}
		}
		for _, m := range box.Messages() {
			if len(m.To) == 0 || m.Subject == "" || strings.ContainsAny(m.Subject, "\r\n\x00") || strings.Contains(m.Text, "\r") {
				t.Errorf("kept %+v", m)
			}
		}
	})
}
