package account

import (
	"net/mail"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
)

// Status is whether an account may be used.
type Status string

// The states of accounts. People and administrators are active or inactive.
const (
	Active    Status = "active"
	Inactive  Status = "inactive"
	Suspended Status = "suspended" // customers only
)

// Known reports whether s is one of the states.
func (s Status) Known() bool { return s == Active || s == Inactive || s == Suspended }

// Customer owns licenses. People sign in for it.
type Customer struct {
	ID        id.ID
	Name      string
	Status    Status
	CreatedAt time.Time
	Version   int64 // rises with every change
}

// Person signs in to the portal. The password hash never leaves store and
// identity.
type Person struct {
	ID              id.ID
	Email           string // normalized, unique
	Name            string // "" shows as the address
	PasswordHash    string // "" until first set
	Status          Status
	EmailVerifiedAt time.Time
	TimeZone        string // "" follows the browser
	BrowserZone     string // that the browser named at the last sign-in
	Theme           Theme
	Phone           string // optional
	Company         string // optional
	LastSignInAt    time.Time
	CreatedAt       time.Time
	NoLicenseMail   bool // see Wants
	NoSecurityMail  bool
}

// DisplayName is what to call the person.
func (p Person) DisplayName() string {
	if p.Name != "" {
		return p.Name
	}
	return p.Email
}

// Zone is the time zone the person reads dates in: the one they chose, or
// their browser's; "" is UTC.
func (p Person) Zone() string {
	if p.TimeZone != "" {
		return p.TimeZone
	}
	return p.BrowserZone
}

// Theme is the color scheme a person chose.
type Theme string

// The themes.
const (
	SystemTheme Theme = "system"
	Light       Theme = "light"
	Dark        Theme = "dark"
)

// Known reports whether t is one of the themes.
func (t Theme) Known() bool { return t == SystemTheme || t == Light || t == Dark }

// Membership lets a person act for a customer.
type Membership struct {
	Customer Customer
	Role     Role
}

// MaySignIn reports whether a person may sign in for a customer: neither of
// the two is switched off (P-AUTH-09). Owning no usable license is no
// obstacle (P-AUTH-11).
func MaySignIn(p Person, m Membership) bool {
	return p.Status == Active && m.Customer.Status == Active
}

// Administrator works for the vendor. Administrators are apart from people:
// own table, own sign-in (P-AUTH-01).
type Administrator struct {
	ID           id.ID
	Email        string
	Name         string
	PasswordHash string
	Role         StaffRole
	Status       Status
	CreatedAt    time.Time
}

// How long a session lasts without use, and at all.
const (
	SessionIdle = 14 * 24 * time.Hour
	SessionLife = 60 * 24 * time.Hour
)

// Session is a signed-in browser.
type Session struct {
	ID         id.ID
	PersonID   id.ID
	CustomerID id.ID
	CreatedAt  time.Time
	LastSeenAt time.Time
	ProvedAt   time.Time // when the person last proved who they are
	ExpiresAt  time.Time
	Address    string
	UserAgent  string
}

// Live reports whether the session still counts at now.
func (s Session) Live(now time.Time) bool {
	return now.Before(s.ExpiresAt) && now.Sub(s.LastSeenAt) < SessionIdle
}

// LinkPurpose is what a one-time link is for.
type LinkPurpose string

// The purposes of one-time links.
const (
	Invitation LinkPurpose = "invitation"
	Reset      LinkPurpose = "reset"
	SignInLink LinkPurpose = "sign_in"
)

// Life is how long a link of this purpose can be used.
func (p LinkPurpose) Life() time.Duration {
	switch p {
	case Invitation:
		return 14 * 24 * time.Hour
	case SignInLink:
		return 15 * time.Minute
	}
	return 2 * time.Hour
}

// Link is a one-time link as it stands in the store: without its token.
type Link struct {
	ID        id.ID
	Purpose   LinkPurpose
	PersonID  id.ID
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    time.Time
}

// Usable reports whether the link can be spent at now.
func (l Link) Usable(now time.Time) bool {
	return l.UsedAt.IsZero() && now.Before(l.ExpiresAt)
}

// TokenKind tells tokens that ship with software from tokens that must not.
type TokenKind string

// The kinds of API tokens.
const (
	ClientToken TokenKind = "client"
	SecretToken TokenKind = "secret"
)

// Token is an API token as it stands in the store: a hash and a prefix.
type Token struct {
	ID          id.ID
	Kind        TokenKind
	Name        string
	Prefix      string
	Environment license.Environment
	ProductID   id.ID
	Permissions []Permission
	Networks    []netip.Prefix // empty: from anywhere
	CreatedAt   time.Time
	ExpiresAt   time.Time
	RevokedAt   time.Time
	LastUsedAt  time.Time
}

// Accepts reports whether the token may be used at now from addr (C-SEC-05).
func (t Token) Accepts(now time.Time, addr netip.Addr) bool {
	if !t.RevokedAt.IsZero() || !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt) {
		return false
	}
	return len(t.Networks) == 0 ||
		slices.ContainsFunc(t.Networks, func(n netip.Prefix) bool { return n.Contains(addr.Unmap()) })
}

// Actor is the actor a request with this token has.
func (t Token) Actor(requestID string, addr netip.Addr) Actor {
	return Actor{
		Kind: ActorToken, ID: t.ID, ProductID: t.ProductID, Environment: t.Environment,
		Permissions: t.Permissions, RequestID: requestID, Address: addr,
	}
}

// Limits of what people type.
const (
	MaxEmail = 254 // bytes
	MaxName  = 255 // characters
)

// NormalizeEmail returns the one form in which an address is stored and
// compared (A-CUS-14), or false when s is not an e-mail address.
func NormalizeEmail(s string) (string, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	if s == "" || len(s) > MaxEmail || strings.ContainsFunc(s, unwanted) {
		return "", false
	}
	addr, err := mail.ParseAddress(s)
	if err != nil || addr.Name != "" || addr.Address != s {
		return "", false
	}
	return s, strings.Contains(s, "@")
}

func unwanted(r rune) bool {
	return r > unicode.MaxASCII && !unicode.IsLetter(r) && !unicode.IsDigit(r) || !unicode.IsPrint(r) || r == ' '
}

// CleanName trims a name and reports whether it can be one: bounded, and
// without control or formatting characters.
func CleanName(s string) (string, bool) {
	s = strings.Join(strings.FieldsFunc(s, unicode.IsSpace), " ")
	if utf8.RuneCountInString(s) > MaxName || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r != ' ' && !unicode.IsPrint(r) }) {
		return "", false
	}
	return s, true
}
