package mail_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/mail"
)

func TestParseSMTPURL(t *testing.T) {
	tests := []struct {
		raw  string
		want mail.SMTPServer
	}{
		{"smtp://user:pass@mail.example.com:587", mail.SMTPServer{Host: "mail.example.com", Port: 587, Username: "user", Password: "pass", TLS: mail.TLSRequired}},
		{"smtp://me%40example.com:p%40ss%2F%23@mail.example.com", mail.SMTPServer{Host: "mail.example.com", Port: 587, Username: "me@example.com", Password: "p@ss/#", TLS: mail.TLSRequired}},
		{"smtp://user:pass@mail.example.com?tls=required", mail.SMTPServer{Host: "mail.example.com", Port: 587, Username: "user", Password: "pass", TLS: mail.TLSRequired}},
		{"smtps://user:pass@mail.example.com/", mail.SMTPServer{Host: "mail.example.com", Port: 465, Username: "user", Password: "pass", TLS: mail.TLSImplicit}},
		{"smtps://mail.example.com:10465", mail.SMTPServer{Host: "mail.example.com", Port: 10465, TLS: mail.TLSImplicit}},
		{" smtp://mail.example.com\n", mail.SMTPServer{Host: "mail.example.com", Port: 25, TLS: mail.TLSOffered}},
		{"smtp://mail.example.com:25?tls=none", mail.SMTPServer{Host: "mail.example.com", Port: 25, TLS: mail.TLSNone}},
		{"smtp://mail.example.com:25?tls=starttls", mail.SMTPServer{Host: "mail.example.com", Port: 25, TLS: mail.TLSOffered}},
		{"smtp://user:pass@127.0.0.1:1025?tls=none", mail.SMTPServer{Host: "127.0.0.1", Port: 1025, Username: "user", Password: "pass", TLS: mail.TLSNone}},
		{"smtp://user:pass@localhost:1025", mail.SMTPServer{Host: "localhost", Port: 1025, Username: "user", Password: "pass", TLS: mail.TLSOffered}},
		{"smtp://[::1]:1025", mail.SMTPServer{Host: "::1", Port: 1025, TLS: mail.TLSOffered}},
	}
	for _, tt := range tests {
		t.Run(tt.raw, func(t *testing.T) {
			got, err := mail.ParseSMTPURL(tt.raw)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("ParseSMTPURL (-want +got):\n%s", diff)
			}
		})
	}

	refused := []struct{ name, raw, says string }{
		{"nothing", "", "smtp://"},
		{"another scheme", "https://user:SECRET@mail.example.com", "smtps://"},
		{"no scheme", "user:SECRET@mail.example.com:587", "form"},
		{"a host alone", "mail.example.com", "form"},
		{"no host", "smtp://user:SECRET@:587", "names no mail server"},
		{"a slash in the password", "smtp://user:SEC/RET@mail.example.com", "percent form"},
		{"a hash in the password", "smtp://user:SEC#RET@mail.example.com", "percent form"},
		{"a percent sign in the password", "smtp://user:SECRET%zz@mail.example.com", "percent form"},
		{"a control character", "smtp://user:SEC\x01RET@mail.example.com", "percent form"},
		{"an escaped line break in the password", "smtp://user:SECRET%0D%0A@mail.example.com", "control characters"},
		{"a port that is none", "smtp://user:SECRET@mail.example.com:99999", "port"},
		{"port zero", "smtp://user:SECRET@mail.example.com:0", "port"},
		{"an unknown option", "smtp://user:SECRET@mail.example.com?auth=plain", "tls=none"},
		{"an unknown tls", "smtp://user:SECRET@mail.example.com?tls=yes", "none, starttls or required"},
		{"tls twice", "smtp://mail.example.com?tls=none&tls=required", "tls=none"},
		{"tls with smtps", "smtps://user:SECRET@mail.example.com?tls=none", "leave tls out"},
		{"a password in plain text over the network", "smtp://user:SECRET@mail.example.com?tls=none", "encrypted"},
		{"a password in what may be plain text", "smtp://user:SECRET@mail.example.com?tls=starttls", "encrypted"},
		{"a user without a password", "smtp://user@mail.example.com", "belong together"},
		{"a password without a user", "smtp://:SECRET@mail.example.com", "belong together"},
	}
	for _, tt := range refused {
		t.Run("refuses "+tt.name, func(t *testing.T) {
			_, err := mail.ParseSMTPURL(tt.raw)
			if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("ParseSMTPURL = %v, want it to mention %q", err, tt.says)
			}
			if strings.Contains(err.Error(), "SEC") || strings.Contains(err.Error(), "RET@") {
				t.Errorf("the fault repeats the password: %v", err)
			}
		})
	}
}

func TestSMTPServerHidesItsPassword(t *testing.T) {
	server, err := mail.ParseSMTPURL("smtp://user:SECRET@mail.example.com")
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("start", "smtp", server)
	shown := fmt.Sprintf("%v %+v %#v %s %v", server, server, server, server, &server) + log.String()
	if strings.Contains(shown, "SECRET") || !strings.Contains(shown, "user:***@mail.example.com:587") {
		t.Errorf("shown: %s", shown)
	}
}

func FuzzParseSMTPURL(f *testing.F) {
	f.Add("smtp://user:pass@host:587")
	f.Add("smtps://host?tls=none")
	f.Add("smtp://[::1]:25?tls=required")
	f.Fuzz(func(t *testing.T, raw string) {
		server, err := mail.ParseSMTPURL(raw)
		if err != nil {
			return
		}
		if server.Host == "" || server.Port < 1 || strings.ContainsAny(server.Host, "\r\n \x00") {
			t.Errorf("accepted %q as %v", raw, server)
		}
		if server.Password != "" && (server.TLS == mail.TLSNone || server.TLS == mail.TLSOffered) &&
			server.Host != "localhost" && !strings.HasPrefix(server.Host, "127.") && !strings.Contains(server.Host, ":") {
			t.Errorf("%q sends its password in plain text", raw)
		}
	})
}
