package identity

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/app/attempt"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
)

// Deps is what the use cases work with.
type Deps struct {
	Store  *store.Store
	Hasher *account.Hasher
	Master *signing.Master
	Now    func() time.Time
	Log    *slog.Logger

	AppName string // what people know the portal as; authenticators show it
	BaseURL string // of the portal, which passkeys are bound to

	Limits            Limits       // zero: DefaultLimits
	PersonCost        account.Cost // of hashing a person's password; zero: account.PersonCost
	AdministratorCost account.Cost // zero: account.AdministratorCost
}

// Service is the use cases about people and tokens. It is safe for concurrent
// use.
type Service struct {
	Deps
	limits limiters
	tokens *tokenCache
	party  *relyingParty // nil where passkeys cannot work
}

// New makes the use cases.
func New(d Deps) *Service {
	if d.Limits == (Limits{}) {
		d.Limits = DefaultLimits()
	}
	if d.PersonCost == (account.Cost{}) {
		d.PersonCost = account.PersonCost()
	}
	if d.AdministratorCost == (account.Cost{}) {
		d.AdministratorCost = account.AdministratorCost()
	}
	return &Service{Deps: d, limits: newLimiters(attempt.NewCounter(d.Store, d.Master), d.Limits), tokens: newTokenCache(), party: newRelyingParty(d.AppName, d.BaseURL)}
}

// clock is the instant of one use case, as precise as the store keeps it.
func (s *Service) clock() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// Origin is where a request came from that nobody is signed in for.
type Origin struct {
	RequestID string
	Address   netip.Addr
	UserAgent string
	Zone      string // time zone that the browser names; may be empty
	Session   string // token of the session that the browser has; signing in replaces it
}

// as is the actor that a person is when a request proves that it is theirs.
func (o Origin) as(person id.ID) account.Actor {
	return account.Actor{Kind: account.ActorPerson, ID: person, RequestID: o.RequestID, Address: o.Address}
}

// missing replaces ErrNotFound by the fault that names what was looked for.
func missing(err error, what string) error {
	if store.IsNotFound(err) {
		return fault.Missing(what)
	}
	return err
}

// withoutHash is the person as others may see them.
func withoutHash(p account.Person) account.Person {
	p.PasswordHash = ""
	return p
}
