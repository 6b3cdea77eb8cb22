package identity

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
)

// SignIn is an attempt to sign in to the portal.
type SignIn struct {
	Email       string
	Password    string
	KnownDevice string // what an earlier Entry left in this browser
	Origin
}

// Entry is what a browser gets when somebody has signed in with it.
type Entry struct {
	Token       string // of the session; never shown again
	Session     account.Session
	KnownDevice string // to be kept in the browser after signing out too

	// Step is the token of the second step, for FinishSignIn. When there is one
	// nobody has signed in yet, and nothing else is set.
	Step string
}

// errSignIn is one answer for an unknown address, a wrong password and an
// account that is switched off (P-AUTH-09, P-AUTH-13).
var errSignIn error = fault.New(fault.Unauthenticated, "sign_in_failed", "The e-mail address or the password is not right.").
	WithNext(`Check both and try again, or choose a new password with "Forgot password".`)

// errStale says that the account changed while its password was looked at.
var errStale = errors.New("identity: the account changed meanwhile")

const nextOfSignIn = `Wait, or choose a new password with "Forgot password": then you can sign in with the same browser at once.`

// SignIn lets a person in who knows their password. Whatever is wrong, the
// answer and the time it takes are the same; only too many attempts are
// answered otherwise, and they count the same for addresses nobody has.
func (s *Service) SignIn(ctx context.Context, in SignIn) (Entry, error) {
	now := s.clock()
	email, _ := account.NormalizeEmail(in.Email) // "" is nobody's
	if err := s.countSignIn(ctx, in, email, now); err != nil {
		return Entry{}, err
	}
	e, err := s.letIn(ctx, email, in, now)
	if errors.Is(err, errStale) {
		e, err = s.letIn(ctx, email, in, now)
	}
	if errors.Is(err, errStale) {
		err = errSignIn
	}
	return e, err
}

// letIn judges the account as it is and lets its owner in.
func (s *Service) letIn(ctx context.Context, email string, in SignIn, now time.Time) (Entry, error) {
	p, rehash, err := s.authenticate(ctx, email, in.Password)
	a := arrival{person: p, way: account.ByPassword, known: s.deviceOf(in.KnownDevice, email, now) != "", rehash: rehash, Origin: in.Origin}
	if err == nil {
		var e Entry
		if e, err = s.admit(ctx, a, now); err == nil {
			return e, nil
		}
	}
	if errors.Is(err, errSignIn) {
		s.noteRefused(ctx, a, now)
	}
	return Entry{}, err
}

// countSignIn counts the attempt. A browser that is known to the account has
// attempts of its own, so that nobody can lock the owner out (P-AUTH-13).
func (s *Service) countSignIn(ctx context.Context, in SignIn, email string, now time.Time) error {
	if device := s.deviceOf(in.KnownDevice, email, now); device != "" {
		return count(ctx, s.limits.signInDevice, device, now, nextOfSignIn)
	}
	if err := count(ctx, s.limits.signInAddress, networkOf(in.Address), now, nextOfSignIn); err != nil {
		return err
	}
	return count(ctx, s.limits.signInAccount, email, now, nextOfSignIn)
}

// authenticate returns the person whose address and password these are, and a
// new hash when the cost of hashing has changed.
func (s *Service) authenticate(ctx context.Context, email, password string) (account.Person, string, error) {
	p, err := s.Store.PersonByEmail(ctx, email)
	if err != nil && !store.IsNotFound(err) {
		return p, "", err
	}
	ok, outdated, err := s.verify(ctx, p.PasswordHash, password, s.PersonCost)
	if err != nil {
		return p, "", err
	}
	if !ok || p.Status != account.Active {
		return p, "", errSignIn
	}
	if !outdated {
		return p, "", nil
	}
	rehash, err := s.Hasher.Hash(ctx, password, s.PersonCost)
	return p, rehash, err
}

// verify takes as long without a hash as with one.
func (s *Service) verify(ctx context.Context, hash, password string, cost account.Cost) (ok, outdated bool, err error) {
	if hash == "" {
		return false, false, s.Hasher.VerifyNone(ctx, cost)
	}
	return s.Hasher.Verify(ctx, hash, password, cost)
}

// usableMembership is the customer a person is let in for: the first that is
// not switched off.
func (s *Service) usableMembership(ctx context.Context, p account.Person) (account.Membership, error) {
	all, err := s.Store.Memberships(ctx, p.ID)
	if err != nil {
		return account.Membership{}, err
	}
	for _, m := range all {
		if account.MaySignIn(p, m) {
			return m, nil
		}
	}
	return account.Membership{}, errSignIn
}

func newSession(p account.Person, m account.Membership, from Origin, now time.Time) account.Session {
	return account.Session{
		ID: id.New(), PersonID: p.ID, CustomerID: m.Customer.ID,
		CreatedAt: now, LastSeenAt: now, ProvedAt: now, ExpiresAt: now.Add(account.SessionLife),
		Address: addressText(from), UserAgent: shorten(from.UserAgent),
	}
}

func addressText(from Origin) string {
	if !from.Address.IsValid() {
		return ""
	}
	return from.Address.Unmap().String()
}

// shorten bounds a text that a browser says about itself.
func shorten(s string) string {
	const most = 255
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}

// notMissing drops ErrNotFound.
func notMissing(err error) error {
	if store.IsNotFound(err) {
		return nil
	}
	return err
}

// firstOf returns the first error there is.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
