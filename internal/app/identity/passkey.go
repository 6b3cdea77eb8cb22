package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
)

// errNoPasskeys is the answer where passkeys cannot work.
var errNoPasskeys error = fault.New(fault.Conflict, "passkeys_unavailable", "Passkeys cannot be used at this address.").
	WithNext("They need the portal to be reached by a name, through https.")

// errPasskey is one answer for a passkey that nobody here has, one of an account
// that is switched off, and an answer that does not fit what was asked.
var errPasskey error = fault.New(fault.Unauthenticated, "passkey_refused", "This passkey is not accepted.").
	WithNext("Try again, or sign in with your password.")

var errCloned error = fault.New(fault.Unauthenticated, "passkey_cloned", "This passkey was refused: it may have been copied.").
	WithNext("Sign in with your password, remove this passkey and add a new one.")

var errAnswerLate error = fault.New(fault.Conflict, "challenge_over", "This took too long, or was answered already.").
	WithNext("Try again.")

// PasskeyAsk is what a browser hands to an authenticator.
type PasskeyAsk struct {
	Token   string          // to be kept in the browser and brought back with the answer
	Options json.RawMessage // of navigator.credentials
}

// PasskeyOrigin is where passkeys can be used, such as "https://example.com";
// "" is nowhere.
func (s *Service) PasskeyOrigin() string {
	if s.party == nil {
		return ""
	}
	return s.party.origin
}

// BeginPasskey begins to add a passkey.
func (s *Service) BeginPasskey(ctx context.Context, actor account.Actor) (PasskeyAsk, error) {
	if err := proved(actor, s.clock()); err != nil {
		return PasskeyAsk{}, err
	}
	if err := s.mayAsk(string(actor.ID), "Nothing was changed."); err != nil {
		return PasskeyAsk{}, err
	}
	u, err := s.authenticatorUser(ctx, actor.ID)
	if err != nil {
		return PasskeyAsk{}, err
	}
	if len(u.passkeys) >= account.MaxPasskeys {
		return PasskeyAsk{}, fault.New(fault.Conflict, "too_many_passkeys", fmt.Sprintf("You have %d passkeys, which is the most.", account.MaxPasskeys)).
			WithNext("Remove one that you no longer use first.")
	}
	known := webauthn.Credentials(u.WebAuthnCredentials()).CredentialDescriptors()
	options, session, err := s.party.BeginRegistration(u, webauthn.WithExclusions(known))
	if err != nil {
		return PasskeyAsk{}, err
	}
	return s.askPasskey(ctx, account.PasskeyAdd, actor.ID, options, session)
}

// authenticatorUser is the person with their passkeys.
func (s *Service) authenticatorUser(ctx context.Context, person id.ID) (authenticatorUser, error) {
	if s.party == nil {
		return authenticatorUser{}, errNoPasskeys
	}
	p, err := s.Store.Person(ctx, person)
	if err != nil {
		return authenticatorUser{}, missing(err, "person")
	}
	keys, err := s.Store.Passkeys(ctx, person, account.MaxPasskeys)
	return authenticatorUser{p, keys}, err
}

// mayAsk counts what is asked of authenticators: each is kept until it is
// answered or too old.
func (s *Service) mayAsk(who, next string) error {
	if wait := s.limits.passkeyAsk.Take(who, s.clock()); wait > 0 {
		return limited(wait, next)
	}
	return nil
}

// askPasskey keeps what was asked until the answer comes.
func (s *Service) askPasskey(ctx context.Context, purpose account.ChallengePurpose, person id.ID, options any, session *webauthn.SessionData) (PasskeyAsk, error) {
	ask := PasskeyAsk{Token: signing.NewToken("")}
	data, err := json.Marshal(session)
	if err == nil {
		ask.Options, err = json.Marshal(options)
	}
	if err != nil {
		return PasskeyAsk{}, err
	}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		return s.ask(ctx, tx, purpose, person, string(data), ask.Token, s.clock())
	})
	if err != nil {
		return PasskeyAsk{}, missing(err, "person")
	}
	return ask, nil
}

// takeChallenge spends what was asked, whatever the answer is worth: each
// challenge has one.
func (s *Service) takeChallenge(ctx context.Context, token string, purpose account.ChallengePurpose, person id.ID) (webauthn.SessionData, error) {
	var session webauthn.SessionData
	if s.party == nil {
		return session, errNoPasskeys
	}
	if !plausible(token) {
		return session, errAnswerLate
	}
	var c account.Challenge
	hash := s.challengeHash(purpose, token)
	err := s.Store.InTx(ctx, func(tx *store.Tx) (err error) {
		if c, err = tx.Challenge(ctx, hash, purpose, s.clock()); err != nil {
			return err
		}
		return tx.SpendChallenge(ctx, hash)
	})
	if err != nil || c.PersonID != person {
		return session, firstOf(notMissing(err), errAnswerLate)
	}
	return session, json.Unmarshal([]byte(c.Data), &session)
}

// NewPasskey is a browser's answer to BeginPasskey.
type NewPasskey struct {
	Token  string
	Name   string
	Answer []byte // JSON of the credential
}

// AddPasskey keeps a passkey of the actor.
func (s *Service) AddPasskey(ctx context.Context, actor account.Actor, in NewPasskey) (account.Passkey, error) {
	now := s.clock()
	if err := proved(actor, now); err != nil {
		return account.Passkey{}, err
	}
	name, err := passkeyName(in.Name)
	if err != nil {
		return account.Passkey{}, err
	}
	session, err := s.takeChallenge(ctx, in.Token, account.PasskeyAdd, actor.ID)
	if err != nil {
		return account.Passkey{}, err
	}
	u, err := s.authenticatorUser(ctx, actor.ID)
	if err != nil {
		return account.Passkey{}, err
	}
	credential, err := s.created(u, session, in.Answer)
	if err != nil {
		return account.Passkey{}, err
	}
	k := asReported(account.Passkey{ID: id.New(), PersonID: actor.ID, Name: name, CreatedAt: now}, credential)
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.AddPasskey(ctx, k); err != nil {
			return err
		}
		return s.passkeyChanged(ctx, tx, actor, k.ID, event.PasskeyAdded, account.PasskeyAdded, now)
	})
	if store.IsUnique(err, "passkey.credential_id") {
		err = fault.Wrap(fault.Conflict, "passkey_known", "This passkey has been added already.", err)
	}
	if err != nil {
		return account.Passkey{}, missing(err, "person")
	}
	return k, nil
}

// created verifies what an authenticator made.
func (s *Service) created(u authenticatorUser, session webauthn.SessionData, answer []byte) (*webauthn.Credential, error) {
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return nil, notAccepted(err)
	}
	credential, err := s.party.CreateCredential(u, session, parsed)
	if err != nil {
		return nil, notAccepted(err)
	}
	return credential, nil
}

func notAccepted(err error) error {
	return fault.Wrap(fault.Invalid, "passkey_refused", "The browser's answer about the passkey is not accepted.", err).
		WithNext("Try again. If that does not help, use another device or browser.")
}

// passkeyName reads what a person calls a passkey.
func passkeyName(s string) (string, error) {
	const most = 60
	clean, ok := account.CleanName(s)
	if clean == "" || !ok || len([]rune(clean)) > most {
		return "", fault.New(fault.Invalid, "invalid_input", "Give the passkey a name.").
			WithField("name", `Use 1 to 60 characters, such as "Work laptop".`)
	}
	return clean, nil
}

// passkeyChanged leaves the event about one passkey, and the mail.
func (s *Service) passkeyChanged(ctx context.Context, tx *store.Tx, actor account.Actor, key id.ID, t event.Type, what account.SecurityChange, now time.Time) error {
	e := event.New(t, actor, now)
	e.PersonID, e.CustomerID, e.Data.Subject = actor.ID, actor.CustomerID, key
	if err := tx.AppendEvent(ctx, e); err != nil || what == "" {
		return err
	}
	return tx.EnqueueSecurityNotice(ctx, actor.ID, what, now)
}

// Passkey returns a passkey of the actor.
func (s *Service) Passkey(ctx context.Context, actor account.Actor, key id.ID) (account.Passkey, error) {
	if err := personOnly(actor); err != nil {
		return account.Passkey{}, err
	}
	k, err := s.Store.Passkey(ctx, actor.ID, key)
	if store.IsNotFound(err) {
		err = s.foreign(ctx, s.Store.Reader, actor, store.PasskeyRecord, "passkey", key)
	}
	return k, err
}

// RenamePasskey renames a passkey of the actor. The name it has is no change.
func (s *Service) RenamePasskey(ctx context.Context, actor account.Actor, key id.ID, to string) error {
	k, err := s.Passkey(ctx, actor, key)
	if err != nil {
		return err
	}
	name, err := passkeyName(to)
	if err != nil || name == k.Name {
		return err
	}
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.RenamePasskey(ctx, actor.ID, key, name); err != nil {
			return missing(err, "passkey")
		}
		return s.passkeyChanged(ctx, tx, actor, key, event.PasskeyRenamed, "", s.clock())
	})
}

// RemovePasskey removes a passkey of the actor, who must have proved who they
// are not long ago. One that they removed already is no error.
func (s *Service) RemovePasskey(ctx context.Context, actor account.Actor, key id.ID) error {
	now := s.clock()
	if err := proved(actor, now); err != nil {
		return err
	}
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		err := tx.DropPasskey(ctx, actor.ID, key)
		if store.IsNotFound(err) {
			return s.goneOrForeign(ctx, tx.Reader, actor, store.PasskeyRecord, "passkey", key, event.PasskeyRemoved)
		}
		if err != nil {
			return err
		}
		return s.passkeyChanged(ctx, tx, actor, key, event.PasskeyRemoved, account.PasskeyGone, now)
	})
}

// BeginPasskeySignIn asks for any passkey there is for this portal: nobody has
// to say who they are.
func (s *Service) BeginPasskeySignIn(ctx context.Context, from Origin) (PasskeyAsk, error) {
	if s.party == nil {
		return PasskeyAsk{}, errNoPasskeys
	}
	if err := s.mayAsk(networkOf(from.Address), "Or sign in with your password."); err != nil {
		return PasskeyAsk{}, err
	}
	options, session, err := s.party.BeginDiscoverableLogin()
	if err != nil {
		return PasskeyAsk{}, err
	}
	return s.askPasskey(ctx, account.PasskeySignIn, "", options, session)
}

// PasskeyAnswer is a browser's answer to BeginPasskeySignIn.
type PasskeyAnswer struct {
	Token       string
	Answer      []byte // JSON of the credential
	KnownDevice string
	Origin
}

// SignInWithPasskey lets the owner of a passkey in.
func (s *Service) SignInWithPasskey(ctx context.Context, in PasskeyAnswer) (Entry, error) {
	session, err := s.takeChallenge(ctx, in.Token, account.PasskeySignIn, "")
	if err != nil {
		return Entry{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(in.Answer)
	if err != nil {
		return Entry{}, errPasskey
	}
	var owner authenticatorUser
	_, credential, err := s.party.ValidatePasskeyLogin(func(raw, handle []byte) (webauthn.User, error) {
		owner, err = s.ownerOf(ctx, raw)
		return owner, err
	}, session, parsed)
	if err != nil {
		return Entry{}, unlessOurs(err)
	}
	now := s.clock()
	a := arrival{person: owner.person, way: account.ByPasskey, known: s.deviceOf(in.KnownDevice, owner.person.Email, now) != "", Origin: in.Origin}
	if a.passkey, err = s.genuine(ctx, a.as(owner.person.ID), owner.passkeys[0], credential, now); err != nil {
		s.noteRefused(ctx, a, now)
		return Entry{}, err
	}
	e, err := s.admit(ctx, a, now)
	if errors.Is(err, errStale) || errors.Is(err, errSignIn) {
		s.noteRefused(ctx, a, now)
		return Entry{}, errPasskey
	}
	return e, err
}

// ownerOf finds whose passkey a credential is.
func (s *Service) ownerOf(ctx context.Context, credential []byte) (authenticatorUser, error) {
	k, err := s.Store.PasskeyByCredential(ctx, credential)
	if err != nil {
		return authenticatorUser{}, firstOf(notMissing(err), errPasskey)
	}
	p, err := s.Store.Person(ctx, k.PersonID)
	return authenticatorUser{p, []account.Passkey{k}}, err
}

// unlessOurs answers what an authenticator got wrong, and passes on what went
// wrong here.
func unlessOurs(err error) error {
	if fault.Is(err, fault.Unavailable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return errPasskey
}

// genuine returns the passkey as it was used, unless its counter went back:
// then there are two of it, and neither is trusted.
func (s *Service) genuine(ctx context.Context, actor account.Actor, k account.Passkey, c *webauthn.Credential, now time.Time) (*account.Passkey, error) {
	if !c.Authenticator.CloneWarning {
		used := asReported(k, c)
		return &used, nil
	}
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		return s.passkeyChanged(ctx, tx, actor, k.ID, event.PasskeyRefused, account.PasskeyCloned, now)
	})
	return nil, firstOf(err, errCloned)
}

// BeginPasskeyProof asks for one of the actor's passkeys.
func (s *Service) BeginPasskeyProof(ctx context.Context, actor account.Actor) (PasskeyAsk, error) {
	if err := personOnly(actor); err != nil {
		return PasskeyAsk{}, err
	}
	if err := s.mayAsk(string(actor.ID), "Or enter your password."); err != nil {
		return PasskeyAsk{}, err
	}
	u, err := s.authenticatorUser(ctx, actor.ID)
	if err != nil {
		return PasskeyAsk{}, err
	}
	if len(u.passkeys) == 0 {
		return PasskeyAsk{}, fault.New(fault.Conflict, "no_passkey", "You have no passkey yet.").WithNext("Enter your password instead.")
	}
	options, session, err := s.party.BeginLogin(u)
	if err != nil {
		return PasskeyAsk{}, err
	}
	return s.askPasskey(ctx, account.PasskeyConfirm, actor.ID, options, session)
}

// ProvePasskey notes that the actor, signed in for a while, has one of their
// passkeys at hand.
func (s *Service) ProvePasskey(ctx context.Context, actor account.Actor, session id.ID, token string, answer []byte) error {
	if err := personOnly(actor); err != nil {
		return err
	}
	asked, err := s.takeChallenge(ctx, token, account.PasskeyConfirm, actor.ID)
	if err != nil {
		return err
	}
	u, err := s.authenticatorUser(ctx, actor.ID)
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return notAccepted(err)
	}
	credential, err := s.party.ValidateLogin(u, asked, parsed)
	if err != nil {
		return notAccepted(err)
	}
	i := slices.IndexFunc(u.passkeys, func(k account.Passkey) bool { return string(k.CredentialID) == string(credential.ID) })
	if i < 0 {
		return notAccepted(nil)
	}
	now := s.clock()
	used, err := s.genuine(ctx, actor, u.passkeys[i], credential, now)
	if err != nil {
		return err
	}
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.UsePasskey(ctx, *used, now); err != nil {
			return firstOf(notMissing(err), errAnswerLate)
		}
		return prove(ctx, tx, actor, session, account.ByPasskey, now)
	})
}
