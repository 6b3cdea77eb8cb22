package config_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/internal/config"
)

func usable() config.Server {
	return config.Server{
		Database: config.Database{Data: "data"}, Listen: "127.0.0.1:8080", MailFrom: "keyward@localhost", AppName: "Keyward",
	}
}

func TestDefaultsAreUsable(t *testing.T) {
	if err := usable().Validate(); err != nil {
		t.Error(err)
	}
}

func TestEachWrongSettingIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*config.Server)
		want   string
	}{
		"no data directory":     {func(s *config.Server) { s.Data = "" }, "data: "},
		"MySQL":                 {func(s *config.Server) { s.Database.Database = "mysql://localhost/x" }, "database: "},
		"database without URL":  {func(s *config.Server) { s.Database.Database = "keyward" }, "database: "},
		"address without port":  {func(s *config.Server) { s.Listen = "127.0.0.1" }, "listen: "},
		"metrics without port":  {func(s *config.Server) { s.Metrics = "127.0.0.1" }, "metrics-listen: "},
		"metrics for everybody": {func(s *config.Server) { s.Metrics = s.Listen }, "metrics-listen: "},
		"endless drain":         {func(s *config.Server) { s.Drain = time.Hour }, "drain: "},
		"base URL of files":     {func(s *config.Server) { s.BaseURL = "file:///tmp" }, "base-url: "},
		"base URL with a user":  {func(s *config.Server) { s.BaseURL = "https://me@example.com" }, "base-url: "},
		"support URL of script": {func(s *config.Server) { s.SupportURL = "javascript:alert(1)" }, "support-url: "},
		"proxy without length":  {func(s *config.Server) { s.TrustedProxy = []string{"10.0.0.1"} }, "trusted-proxy: "},
		"certificate alone":     {func(s *config.Server) { s.TLSCert = "a.pem" }, "tls-cert, tls-key: "},
		"key alone":             {func(s *config.Server) { s.TLSKey = "a.pem" }, "tls-cert, tls-key: "},
		"sender with a name":    {func(s *config.Server) { s.MailFrom = "A <a@example.com>" }, "mail-from: "},
		"no sender":             {func(s *config.Server) { s.MailFrom = "" }, "mail-from: "},
		"support without host":  {func(s *config.Server) { s.SupportEmail = "help" }, "support-email: "},
		"mail to a domain only": {func(s *config.Server) { s.InboundDomain = "in.example.com" }, "inbound-smtp, inbound-domain: "},
		"mail to no domain":     {func(s *config.Server) { s.InboundSMTP, s.InboundDomain = "127.0.0.1:25", "a b" }, "inbound-domain: "},
		"mail to no port":       {func(s *config.Server) { s.InboundSMTP, s.InboundDomain = "127.0.0.1", "in.example.com" }, "inbound-smtp: "},
		"staff told nowhere": {func(s *config.Server) {
			s.InboundSMTP, s.InboundDomain, s.SupportEmail = "127.0.0.1:25", "in.example.com", "Support@in.example.com"
		}, "support-email: "},
		"no name":   {func(s *config.Server) { s.AppName = "" }, "app-name: "},
		"long name": {func(s *config.Server) { s.AppName = strings.Repeat("ä", 65) }, "app-name: "},
	} {
		t.Run(name, func(t *testing.T) {
			s := usable()
			c.change(&s)
			if err := s.Validate(); err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v, want one that begins with %q", err, c.want)
			}
		})
	}
}

func TestAllProblemsAreReportedAtOnce(t *testing.T) {
	s := usable()
	s.Listen, s.AppName = "x", ""
	err := s.Validate()
	if err == nil || !strings.Contains(err.Error(), "listen: ") || !strings.Contains(err.Error(), "app-name: ") {
		t.Errorf("got %v", err)
	}
}

func TestLimitsOfNames(t *testing.T) {
	s := usable()
	s.AppName = strings.Repeat("ä", 64)
	if err := s.Validate(); err != nil {
		t.Errorf("64 characters: %v", err)
	}
}

func TestAddressIsWhereCustomersComeFrom(t *testing.T) {
	s := usable()
	if got := s.Address(); got != "http://127.0.0.1:8080" {
		t.Errorf("without anything: %s", got)
	}
	s.TLSCert, s.TLSKey = "a", "b"
	if got := s.Address(); got != "https://127.0.0.1:8080" {
		t.Errorf("with a certificate: %s", got)
	}
	s.BaseURL = "https://licenses.example.com/"
	if got := s.Address(); got != "https://licenses.example.com" {
		t.Errorf("with a base URL: %s", got)
	}
}

func TestProxiesAreMasked(t *testing.T) {
	s := usable()
	s.TrustedProxy = []string{"10.1.2.3/8", "fd00::1/64"}
	want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/64")}
	if diff := cmp.Diff(want, s.Proxies(), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

func TestDumpHoldsNoSecret(t *testing.T) {
	s := usable()
	s.MasterKey = "sesame"
	s.Database.Database = "postgres://keyward:sesame@db/keyward?password=sesame"
	s.SMTPURL = "smtps://keyward:sesame@mail.example.com"
	s.Storage = "s3://AKIA:sesame@files.example.com/bucket?region=eu-1"
	if text := fmt.Sprint(s.Dump()); strings.Contains(text, "sesame") || !strings.Contains(text, "files.example.com") || !strings.Contains(text, "mail.example.com") {
		t.Error(text)
	}
	s.SMTPURL, s.Storage = "smtps://keyward:ses%ame@mail", "s3://AKIA:ses/ame@files/bucket" // no URLs
	if text := s.Dump()["smtp-url"] + s.Dump()["storage-url"]; strings.Contains(text, "ame") {
		t.Error(text)
	}
}

func TestDemoStaysOnLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:8080": true, "127.0.0.1:0": true, "[::1]:8080": true, "localhost:8080": true,
		"0.0.0.0:8080": false, ":8080": false, "192.0.2.7:8080": false, "[::]:8080": false, "example.com:8080": false, "8080": false,
	} {
		if err := (config.Demo{Listen: address, Data: "demo-data"}).Validate(); (err == nil) != want {
			t.Errorf("%s: %v", address, err)
		}
	}
}
