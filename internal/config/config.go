package config

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Database says where records are kept. Its field comments are the manual.
type Database struct {
	Data      string `name:"data" env:"KEYWARD_DATA" default:"data" placeholder:"DIR" help:"Data directory: the SQLite database and the master key."`
	Database  string `name:"database" env:"KEYWARD_DATABASE" placeholder:"URL" help:"PostgreSQL URL (postgres://...). Without it records are kept in SQLite in the data directory."`
	MasterKey string `name:"master-key" env:"KEYWARD_MASTER_KEY" hidden:"" help:"Master key, hex or base64; better given as the variable KEYWARD_MASTER_KEY. Without it the file master.key in the data directory is used."`
	Storage   string `name:"storage-url" env:"KEYWARD_STORAGE_URL" placeholder:"URL" help:"Where the files of releases are kept: s3://KEY:SECRET@host/bucket?region=NAME&tls=on for any store that speaks S3. Without it they are kept in the data directory."`
	MmapOff   bool   `name:"mmap-off" env:"KEYWARD_MMAP_OFF" help:"Read SQLite without mapped memory, for file systems where mapping is slow or unsafe."`
}

// Support is what an installation decides about its support desk.
type Support struct {
	Tickets        bool     `name:"tickets" env:"KEYWARD_TICKETS" default:"true" negatable:"" help:"Support tickets in the portal; --no-tickets leaves them out."`
	TicketFiles    bool     `name:"ticket-files" env:"KEYWARD_TICKET_FILES" default:"true" negatable:"" help:"Customers may attach files to tickets."`
	TicketReopen   bool     `name:"ticket-reopen" env:"KEYWARD_TICKET_REOPEN" default:"true" negatable:"" help:"Customers may reopen closed tickets within 30 days."`
	TicketCategory []string `name:"ticket-category" env:"KEYWARD_TICKET_CATEGORY" placeholder:"NAME" help:"What tickets can be about, in place of the built-in categories. Repeat for more."`
	SupportHours   string   `name:"support-hours" env:"KEYWARD_SUPPORT_HOURS" default:"09:00-18:00" placeholder:"HH:MM-HH:MM" help:"Business hours, Monday to Friday."`
	SupportZone    string   `name:"support-zone" env:"KEYWARD_SUPPORT_ZONE" default:"UTC" placeholder:"ZONE" help:"Time zone of the business hours, such as Europe/Berlin."`
	InboundSMTP    string   `name:"inbound-smtp" env:"KEYWARD_INBOUND_SMTP" placeholder:"ADDR" help:"Address on which to take mail for the support desk, such as 127.0.0.1:2525; your mail server hands it over. Without it no mail is taken."`
	InboundDomain  string   `name:"inbound-domain" env:"KEYWARD_INBOUND_DOMAIN" placeholder:"DOMAIN" help:"Domain of the support desk's addresses: mail to support@DOMAIN opens a ticket, answers go to support+...@DOMAIN."`
}

// Validate checks that both settings of incoming mail are there, or none.
func (s Support) Validate() error {
	switch {
	case (s.InboundSMTP == "") != (s.InboundDomain == ""):
		return errors.New("inbound-smtp, inbound-domain: give both, or neither")
	case s.InboundSMTP == "":
		return nil
	case checkAddress("inbound-domain", "support@"+s.InboundDomain, true) != nil:
		return fmt.Errorf("inbound-domain: use a domain such as support.example.com (have %q)", s.InboundDomain)
	}
	if _, _, err := net.SplitHostPort(s.InboundSMTP); err != nil {
		return fmt.Errorf("inbound-smtp: use host:port, such as 127.0.0.1:2525 (have %q)", s.InboundSMTP)
	}
	return nil
}

// Changelogs says who reads what changed, and how.
type Changelogs struct {
	Changelog     string `name:"changelog" env:"KEYWARD_CHANGELOG" enum:"off,customers,public" default:"customers" help:"Who reads the changelogs of products that have one: off, customers (signed in) or public."`
	ChangelogPage int    `name:"changelog-page-size" env:"KEYWARD_CHANGELOG_PAGE_SIZE" default:"20" placeholder:"N" help:"Entries on one page of a changelog, 5 to 100."`
}

// Server is everything that serving takes.
type Server struct {
	Database
	Support
	Changelogs
	Listen       string        `name:"listen" env:"KEYWARD_LISTEN" default:"127.0.0.1:8080" placeholder:"ADDR" help:"Address to listen on."`
	Metrics      string        `name:"metrics-listen" env:"KEYWARD_METRICS_LISTEN" placeholder:"ADDR" help:"Address on which to answer Prometheus at /metrics, such as 127.0.0.1:9464. Keep it from strangers. Without it nothing is measured."`
	BaseURL      string        `name:"base-url" env:"KEYWARD_BASE_URL" placeholder:"URL" help:"Address at which customers reach the portal, such as https://licenses.example.com. Links in mails start with it."`
	TrustedProxy []string      `name:"trusted-proxy" env:"KEYWARD_TRUSTED_PROXY" placeholder:"CIDR" help:"Networks of reverse proxies whose X-Forwarded-For is believed."`
	TLSCert      string        `name:"tls-cert" env:"KEYWARD_TLS_CERT" placeholder:"FILE" help:"Certificate chain (PEM) to serve https."`
	TLSKey       string        `name:"tls-key" env:"KEYWARD_TLS_KEY" placeholder:"FILE" help:"Private key (PEM) of the certificate."`
	SMTPURL      string        `name:"smtp-url" env:"KEYWARD_SMTP_URL" placeholder:"URL" help:"Mail server: smtp://user:password@host:587 or smtps://... Without it mails wait."`
	MailFrom     string        `name:"mail-from" env:"KEYWARD_MAIL_FROM" default:"keyward@localhost" placeholder:"ADDRESS" help:"Sender of mails."`
	AppName      string        `name:"app-name" env:"KEYWARD_APP_NAME" default:"Keyward" placeholder:"NAME" help:"Name that customers read, at most 64 characters."`
	SupportEmail string        `name:"support-email" env:"KEYWARD_SUPPORT_EMAIL" placeholder:"ADDRESS" help:"Where customers write when they need help."`
	SupportURL   string        `name:"support-url" env:"KEYWARD_SUPPORT_URL" placeholder:"URL" help:"Help page, linked as Help."`
	WebhookAllow []string      `name:"webhook-allow" env:"KEYWARD_WEBHOOK_ALLOW" placeholder:"CIDR" help:"Internal networks that webhooks may be sent to; without this only public addresses are."`
	Mandatory    []string      `name:"mandatory-notice" env:"KEYWARD_MANDATORY_NOTICE" placeholder:"NAME" help:"A kind of mail that people cannot switch off, such as license_expiring or new_device. Repeat for more."`
	SignInLinks  bool          `name:"sign-in-links" env:"KEYWARD_SIGN_IN_LINKS" help:"Let people ask for a mailed link that signs them in without a password."`
	Landing      bool          `name:"landing" env:"KEYWARD_LANDING" help:"Show strangers a landing page at the root instead of the sign-in form."`
	NoMigrate    bool          `name:"no-migrate" env:"KEYWARD_NO_MIGRATE" help:"Refuse to start on an older schema instead of upgrading it."`
	Drain        time.Duration `name:"drain" env:"KEYWARD_DRAIN" default:"0s" placeholder:"TIME" help:"How long to go on answering after SIGTERM while /readyz says no, so that load balancers turn away first; at most 5m."`
	LogFormat    string        `name:"log-format" env:"KEYWARD_LOG_FORMAT" enum:"text,json" default:"text" help:"Format of the log on standard error: text or json."`
}

// maxAppName is the longest application name (E-39).
const maxAppName = 64

// Validate reports everything that is wrong at once, each in a sentence that
// names the setting and what to do.
func (s Server) Validate() error {
	return errors.Join(
		s.Database.Validate(), s.Support.Validate(), checkListen("listen", s.Listen), s.checkMetrics(), checkDrain(s.Drain), checkURL("base-url", s.BaseURL), checkURL("support-url", s.SupportURL),
		checkNetworks("trusted-proxy", s.TrustedProxy), checkNetworks("webhook-allow", s.WebhookAllow), checkTLS(s.TLSCert, s.TLSKey), checkAddress("mail-from", s.MailFrom, true),
		checkAddress("support-email", s.SupportEmail, false), s.checkDesk(), checkName(s.AppName), checkEntries(s.ChangelogPage),
	)
}

// checkDesk refuses an address that the support desk takes itself as the one at
// which staff are told: nobody would read it.
func (s Server) checkDesk() error {
	if s.InboundDomain != "" && strings.EqualFold(s.SupportEmail, "support@"+s.InboundDomain) {
		return fmt.Errorf("support-email: name a mailbox that staff read; %s opens tickets and is read by nobody", s.SupportEmail)
	}
	return nil
}

// Validate checks the settings of the database.
func (d Database) Validate() error {
	return errors.Join(d.checkDatabase(), checkStorage(d.Storage))
}

func (d Database) checkDatabase() error {
	if d.Database == "" {
		if d.Data == "" {
			return errors.New("data: name a directory for the database")
		}
		return nil
	}
	u, err := url.Parse(d.Database)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return errors.New("database: use a URL that starts with postgres://, or leave it out for SQLite")
	}
	return nil
}

// checkStorage never repeats the address, which holds a secret.
func checkStorage(s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err == nil && u.Scheme == "s3" && u.Host != "" && u.User != nil && strings.Trim(u.Path, "/") != "" {
		if secret, given := u.User.Password(); given && secret != "" {
			return nil
		}
	}
	return errors.New("storage-url: use s3://KEY:SECRET@host/bucket (signs such as / in the secret as %2F), or leave it out for the data directory")
}

// checkEntries checks the page size of changelogs; 0 is the usual one.
func checkEntries(n int) error {
	if n != 0 && (n < 5 || n > 100) {
		return fmt.Errorf("changelog-page-size: use 5 to 100 (have %d)", n)
	}
	return nil
}

func checkDrain(d time.Duration) error {
	if d < 0 || d > 5*time.Minute {
		return fmt.Errorf("drain: use a time such as 10s, at most 5m (have %s)", d)
	}
	return nil
}

func checkListen(name, address string) error {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return fmt.Errorf("%s: use host:port, such as 127.0.0.1:8080 (have %q)", name, address)
	}
	return nil
}

// checkMetrics refuses the address of the portal: strangers reach that.
func (s Server) checkMetrics() error {
	switch s.Metrics {
	case "":
		return nil
	case s.Listen:
		return errors.New("metrics-listen: use another address than --listen, one that strangers do not reach")
	}
	return checkListen("metrics-listen", s.Metrics)
}

func checkURL(name, s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return fmt.Errorf("%s: use an address such as https://licenses.example.com (have %q)", name, s)
	}
	return nil
}

func checkNetworks(name string, networks []string) error {
	var problems []error
	for _, n := range networks {
		if _, err := netip.ParsePrefix(n); err != nil {
			problems = append(problems, fmt.Errorf("%s: use a network such as 10.0.0.0/8 (have %q)", name, n))
		}
	}
	return errors.Join(problems...)
}

func checkTLS(cert, key string) error {
	if (cert == "") != (key == "") {
		return errors.New("tls-cert, tls-key: give both, or neither")
	}
	return nil
}

func checkAddress(name, s string, needed bool) error {
	if s == "" && !needed {
		return nil
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Name != "" {
		return fmt.Errorf("%s: use an e-mail address such as licenses@example.com (have %q)", name, s)
	}
	return nil
}

func checkName(name string) error {
	if name == "" || len([]rune(name)) > maxAppName {
		return errors.New("app-name: use 1 to 64 characters")
	}
	return nil
}

// Proxies are the trusted networks; Validate has checked them.
func (s Server) Proxies() []netip.Prefix { return networksOf(s.TrustedProxy) }

// WebhookNetworks are the internal networks that webhooks may be sent to;
// Validate has checked them.
func (s Server) WebhookNetworks() []netip.Prefix { return networksOf(s.WebhookAllow) }

func networksOf(list []string) []netip.Prefix {
	var networks []netip.Prefix
	for _, n := range list {
		if p, err := netip.ParsePrefix(n); err == nil {
			networks = append(networks, p.Masked())
		}
	}
	return networks
}

// Address is the address of the portal: the base URL, or where it listens.
func (s Server) Address() string {
	if s.BaseURL != "" {
		return strings.TrimSuffix(s.BaseURL, "/")
	}
	scheme := "http"
	if s.TLSCert != "" {
		scheme = "https"
	}
	return scheme + "://" + s.Listen
}

// Dump is every setting as it is in force, without secrets.
func (s Server) Dump() map[string]string {
	return map[string]string{
		"listen": s.Listen, "metrics-listen": s.Metrics, "drain": s.Drain.String(), "data": s.Data, "database": withoutPassword(s.Database.Database), "base-url": s.Address(),
		"storage-url": withoutPassword(s.Storage), "changelog": s.Changelog,
		"trusted-proxy": strings.Join(s.TrustedProxy, " "), "tls-cert": s.TLSCert, "smtp-url": withoutPassword(s.SMTPURL),
		"webhook-allow": strings.Join(s.WebhookAllow, " "),
		"mail-from":     s.MailFrom, "app-name": s.AppName, "support-email": s.SupportEmail, "support-url": s.SupportURL,
		"tickets": strconv.FormatBool(s.Tickets), "ticket-files": strconv.FormatBool(s.TicketFiles), "ticket-reopen": strconv.FormatBool(s.TicketReopen),
		"inbound-smtp": s.InboundSMTP, "inbound-domain": s.InboundDomain, "mandatory-notice": strings.Join(s.Mandatory, " "),
		"sign-in-links": strconv.FormatBool(s.SignInLinks), "landing": strconv.FormatBool(s.Landing),
	}
}

// withoutPassword hides the password of a URL, and all of what is no URL.
func withoutPassword(s string) string {
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil {
		return "(unreadable)"
	}
	query := u.Query()
	if query.Has("password") {
		query.Set("password", "xxxxx")
		u.RawQuery = query.Encode()
	}
	return u.Redacted()
}

// Demo is what the demo takes. It reads no environment variables: settings of a
// real installation must not lead it to that installation's records.
type Demo struct {
	Listen   string `name:"listen" default:"127.0.0.1:8080" placeholder:"ADDR" help:"Address to listen on. It must be on loopback: the demo's passwords are printed."`
	Data     string `name:"data" default:"demo-data" placeholder:"DIR" help:"Directory of the demo. Delete it to start anew."`
	Database string `name:"database" placeholder:"URL" help:"URL of an empty PostgreSQL database (postgres://...). Without it records are kept in SQLite in the directory."`
	JSON     bool   `name:"json" help:"Print how to get in as one line of JSON."`
}

// Validate reports everything that is wrong at once.
func (d Demo) Validate() error {
	err := errors.Join(Database{Data: d.Data, Database: d.Database}.Validate(), checkListen("listen", d.Listen))
	if host, _, split := net.SplitHostPort(d.Listen); split == nil && host != "localhost" && !net.ParseIP(host).IsLoopback() {
		err = errors.Join(err, fmt.Errorf("listen: use an address on loopback, such as 127.0.0.1:8080 (have %q): everybody who reaches the demo can sign in", d.Listen))
	}
	return err
}
