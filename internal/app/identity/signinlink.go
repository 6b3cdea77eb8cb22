package identity

import (
	"context"
	"errors"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/store"
)

// LinkSignIn is an attempt to sign in with a mailed link.
type LinkSignIn struct {
	Token       string
	KnownDevice string // what an earlier Entry left in this browser
	Origin
}

// SignInByLink spends a link and lets its person in (P-AUTH-04), in whichever
// browser it was opened. The answer for a link that cannot be used is the same
// whatever the reason, an account that is switched off among them.
func (s *Service) SignInByLink(ctx context.Context, in LinkSignIn) (Entry, error) {
	l, p, err := s.look(ctx, in.Token, account.SignInLink)
	if err != nil {
		return Entry{}, err
	}
	now := s.clock()
	a := arrival{
		person: p, way: account.ByLink, known: s.deviceOf(in.KnownDevice, p.Email, now) != "", link: l.ID, Origin: in.Origin,
	}
	e, err := s.admit(ctx, a, now)
	if errors.Is(err, errSignIn) || errors.Is(err, errStale) {
		s.noteRefused(ctx, a, now)
		return Entry{}, errLink(account.SignInLink)
	}
	return e, err
}

// spendArrival spends the link that showed who somebody is. Reading mail at
// the address proves it.
func spendArrival(ctx context.Context, tx *store.Tx, a arrival, e Entry) error {
	if a.link == "" {
		return nil
	}
	now := e.Session.CreatedAt
	if err := tx.SpendLink(ctx, a.link, now); err != nil {
		return firstOf(notMissing(err), errLink(account.SignInLink))
	}
	return tx.VerifyEmail(ctx, a.person.ID, now)
}
