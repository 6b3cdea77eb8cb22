package identity

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
)

// The prefixes tell people and secret scanners what a token is.
const (
	clientPrefix = "kwc_"
	secretPrefix = "kws_"
)

const (
	tokenPurpose = "api token"
	// shownOfToken is how much of a token stays readable, prefix included.
	shownOfToken = 10
	maxNetworks  = 50
)

// NewToken describes an API token. A client token ships with the software of
// one product; a secret token acts for the vendor in one environment.
type NewToken struct {
	Kind        account.TokenKind
	Name        string
	ProductID   id.ID                // client
	Environment license.Environment  // secret; a client token has its product's
	Permissions []account.Permission // secret
	Networks    []netip.Prefix       // empty: from anywhere
	ExpiresAt   time.Time            // zero: never
}

// CreateToken makes an API token and returns its text, which cannot be had
// again. Nobody can make one that may do more than they.
func (s *Service) CreateToken(ctx context.Context, actor account.Actor, in NewToken) (account.Token, string, error) {
	if err := actor.Require(account.TokensWrite); err != nil {
		return account.Token{}, "", err
	}
	t, prefix, err := s.newToken(ctx, actor, in)
	if err != nil {
		return account.Token{}, "", err
	}
	text := signing.NewToken(prefix)
	t.Prefix = text[:shownOfToken]
	e := event.New(event.TokenCreated, actor, t.CreatedAt)
	e.Data.Subject = t.ID
	e.Environment, e.ProductID = t.Environment, t.ProductID
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.AddToken(ctx, t, s.Master.TokenHash(tokenPurpose, text)); err != nil {
			return missing(err, "product")
		}
		return tx.AppendEvent(ctx, e)
	})
	if err != nil {
		return account.Token{}, "", err
	}
	return t, text, nil
}

func (s *Service) newToken(ctx context.Context, actor account.Actor, in NewToken) (account.Token, string, error) {
	now := s.clock()
	var problems fault.Problems
	t := account.Token{
		ID: id.New(), Kind: in.Kind, Name: name(&problems, "name", in.Name, true), Networks: masked(in.Networks),
		CreatedAt: now, ExpiresAt: in.ExpiresAt.UTC().Truncate(time.Microsecond),
	}
	if !in.ExpiresAt.IsZero() && !in.ExpiresAt.After(now) {
		problems.Add("expires_at", "Choose an instant in the future, or leave it out.")
	}
	if len(in.Networks) > maxNetworks || slices.ContainsFunc(in.Networks, func(n netip.Prefix) bool { return !n.IsValid() }) {
		problems.Add("networks", `Give at most 50 networks such as "192.0.2.0/24".`)
	}
	switch in.Kind {
	case account.ClientToken:
		return s.clientToken(ctx, actor, in, t, &problems)
	case account.SecretToken:
		return s.secretToken(actor, in, t, &problems)
	}
	problems.Add("kind", "Choose client or secret.")
	return t, "", problems.Err()
}

func (s *Service) clientToken(ctx context.Context, actor account.Actor, in NewToken, t account.Token, problems *fault.Problems) (account.Token, string, error) {
	if in.ProductID.IsZero() {
		problems.Add("product_id", "Choose the product that this token ships with.")
	}
	if len(in.Permissions) > 0 {
		problems.Add("permissions", "A client token has fixed permissions; leave them out.")
	}
	if err := problems.Err(); err != nil {
		return t, "", err
	}
	p, err := s.Store.Product(ctx, in.ProductID)
	if err != nil || !reaches(actor, p.Environment) {
		return t, "", firstOf(notMissing(err), fault.Missing("product"))
	}
	t.ProductID, t.Environment, t.Permissions = p.ID, p.Environment, []account.Permission{account.DevicesUse}
	return t, clientPrefix, nil
}

func (s *Service) secretToken(actor account.Actor, in NewToken, t account.Token, problems *fault.Problems) (account.Token, string, error) {
	if !in.Environment.Known() || !reaches(actor, in.Environment) {
		problems.Add("environment", "Choose production, staging or development, as far as you may act there.")
	}
	if !in.ProductID.IsZero() {
		problems.Add("product_id", "A secret token is for all products of its environment; leave it out.")
	}
	grantable := account.Permissions()
	unknown := func(p account.Permission) bool { return !slices.Contains(grantable, p) }
	if len(in.Permissions) == 0 || slices.ContainsFunc(in.Permissions, unknown) {
		problems.Add("permissions", "Choose at least one of the permissions that can be granted.")
	}
	if err := problems.Err(); err != nil {
		return t, "", err
	}
	if err := mayGrant(actor, in.Permissions); err != nil {
		return t, "", err
	}
	t.Environment, t.Permissions = in.Environment, slices.Compact(slices.Sorted(slices.Values(in.Permissions)))
	return t, secretPrefix, nil
}

// reaches reports whether an actor may act in an environment: a token only in
// its own.
func reaches(actor account.Actor, e license.Environment) bool {
	return actor.Environment == "" || actor.Environment == e
}

// masked brings networks to the form in which they are kept and compared.
// Addresses are compared as IPv4 where they are, so networks are kept so too.
func masked(networks []netip.Prefix) []netip.Prefix {
	var all []netip.Prefix
	for _, n := range networks {
		if n.Addr().Is4In6() && n.Bits() >= 96 {
			n = netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-96)
		}
		all = append(all, n.Masked())
	}
	return all
}

// RevokeToken ends an API token for good. It stops being accepted within
// seconds.
func (s *Service) RevokeToken(ctx context.Context, actor account.Actor, token id.ID) error {
	if err := actor.Require(account.TokensWrite); err != nil {
		return err
	}
	now := s.clock()
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		t, err := tx.Token(ctx, token)
		if err != nil || !reaches(actor, t.Environment) {
			return firstOf(notMissing(err), fault.Missing("token"))
		}
		if !t.RevokedAt.IsZero() {
			return nil
		}
		if err := tx.RevokeToken(ctx, token, now); err != nil {
			return err
		}
		e := event.New(event.TokenRevoked, actor, now)
		e.Data.Subject = token
		e.Environment, e.ProductID = t.Environment, t.ProductID
		return tx.AppendEvent(ctx, e)
	})
	if err == nil {
		s.tokens.forget()
	}
	return err
}
