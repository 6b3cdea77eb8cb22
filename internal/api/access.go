package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
)

// maxToken is longer than any token, so that nothing longer is looked up.
const maxToken = 256

type actorKey struct{}

// actorOf is who sent the request; wrap has put it there.
func actorOf(ctx context.Context) account.Actor {
	actor, _ := ctx.Value(actorKey{}).(account.Actor)
	return actor
}

// wrap gives a route its time limit and lets in who may use it. A route for
// people who are signed in does not exist here and would let nobody in.
func (a *API) wrap(route httpx.Route) http.Handler {
	return httpx.Adapt(func(w http.ResponseWriter, r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), requestTime)
		defer cancel()
		r = r.WithContext(ctx)
		if route.Access == httpx.Public {
			if err := a.limiter.admit(r, ""); err != nil {
				return err
			}
			return route.Handler(w, r)
		}
		actor, err := a.admit(w, r, route.Access)
		if err != nil {
			return err
		}
		return route.Handler(w, r.WithContext(context.WithValue(ctx, actorKey{}, actor)))
	}, httpx.WriteProblem)
}

// admit finds out who asks, whether they may, and whether not too often.
func (a *API) admit(w http.ResponseWriter, r *http.Request, access httpx.Access) (account.Actor, error) {
	actor, err := a.authenticate(r)
	if fault.Is(err, fault.Unauthenticated) || fault.Is(err, fault.NotFound) {
		return actor, a.strange(w, r)
	}
	if err != nil {
		return actor, err
	}
	if err := a.limiter.admit(r, actor.ID); err != nil {
		return actor, err
	}
	permission, ok := access.Permission()
	if !ok {
		return actor, fault.New(fault.Forbidden, "permission_missing", "Nobody may use this address.")
	}
	if f := actor.Require(account.Permission(permission)); f != nil {
		return actor, f
	}
	return actor, nil
}

// strange is the one answer to a token that is missing, unknown, ended or used
// from elsewhere. Whoever tries many is told to wait instead.
func (a *API) strange(w http.ResponseWriter, r *http.Request) error {
	if err := a.limiter.admit(r, ""); err != nil {
		return err
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="Keyward", error="invalid_token"`)
	return tokenInvalid()
}

func tokenInvalid() *fault.Error {
	return fault.New(fault.Unauthenticated, "token_invalid", "The API token is missing, unknown, ended or not for this network.").
		WithNext("Send a current token as Authorization: Bearer kwc_...")
}

func (a *API) authenticate(r *http.Request) (account.Actor, error) {
	text, ok := bearer(r.Header)
	if !ok {
		return account.Actor{}, tokenInvalid()
	}
	addr := httpx.Addr(r.Context())
	token, err := a.Identity.AuthenticateToken(r.Context(), text, addr)
	if err != nil {
		return account.Actor{}, err
	}
	return token.Actor(httpx.RequestID(r.Context()), addr), nil
}

// bearer reads the one token of a request; two could mean two callers.
func bearer(h http.Header) (string, bool) {
	values := h.Values("Authorization")
	if len(values) != 1 {
		return "", false
	}
	scheme, token, found := strings.Cut(values[0], " ")
	if !found || !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > maxToken {
		return "", false
	}
	printable := !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
	return token, printable
}
