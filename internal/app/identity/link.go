package identity

import (
	"context"
	"strconv"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
)

// linksKept is how many of a person's links of one purpose can be used at a
// time: people open the wrong one of several mails.
const linksKept = 3

// lastResetRequest names the value that every reset request writes.
const lastResetRequest = "last_reset_request"

func linkPurpose(p account.LinkPurpose) string { return "link " + string(p) }

// errLink is the answer for a link that was spent, is too old, or never was.
func errLink(purpose account.LinkPurpose) error {
	next := `Ask for a new link with "Forgot password" on the sign-in page.`
	switch purpose {
	case account.Invitation:
		next = `Ask for a new link with "Forgot password" on the sign-in page. It works for a new account too.`
	case account.SignInLink:
		next = "Ask for a new link on the sign-in page."
	}
	return fault.New(fault.NotFound, "link_unusable", "This link cannot be used: it was used before, or it is too old.").WithNext(next)
}

// RequestReset asks for a mail with a link to choose a new password
// (P-AUTH-05). It works for an account that never had one (P-AUTH-07). The
// answer is the same whether or not the address is anybody's (P-AUTH-13): an
// error says only that this network asks too often, or that we could not
// answer.
func (s *Service) RequestReset(ctx context.Context, email string, from Origin) error {
	return s.requestLink(ctx, email, account.ResetNotice, event.ResetRequested, from)
}

// RequestSignInLink asks for a mail with a link to sign in (P-AUTH-04). It
// answers as RequestReset does, and both together count as mails asked for.
func (s *Service) RequestSignInLink(ctx context.Context, email string, from Origin) error {
	return s.requestLink(ctx, email, account.SignInLinkNotice, event.LinkRequested, from)
}

func (s *Service) requestLink(ctx context.Context, email string, n account.Notice, happened event.Type, from Origin) error {
	now := s.clock()
	if err := count(ctx, s.limits.resetAddress, networkOf(from.Address), now, "Look for the mail that you have asked for already, in the spam folder too."); err != nil {
		return err
	}
	person, err := s.resettable(ctx, email, now)
	if err != nil {
		return err
	}
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		// Written for everybody, so that an address nobody has is not known by
		// the commit it saves.
		if err := tx.SetMeta(ctx, lastResetRequest, strconv.FormatInt(now.UnixMicro(), 10)); err != nil || person == "" {
			return err
		}
		added, err := tx.EnqueueNotice(ctx, n, person, now)
		if err != nil || !added {
			return err
		}
		e := event.New(happened, account.System(from.RequestID), now)
		e.PersonID = person
		return tx.AppendEvent(ctx, e)
	})
}

// resettable returns who gets the mail: nobody when the address is unknown,
// its account switched off, or mailed often enough for now. The last is no
// error, because the owner has the mails.
func (s *Service) resettable(ctx context.Context, email string, now time.Time) (id.ID, error) {
	email, _ = account.NormalizeEmail(email)
	wait, err := s.limits.resetAccount.Take(ctx, email, now)
	if err != nil {
		return "", err
	}
	p, err := s.Store.PersonByEmail(ctx, email)
	if err != nil || wait > 0 || p.Status != account.Active {
		return "", notMissing(err)
	}
	return p.ID, nil
}

// Invite has a person mailed the link to their first password, again if need
// be (P-AUTH-06, P-AUTH-07).
func (s *Service) Invite(ctx context.Context, actor account.Actor, person id.ID) error {
	if err := actor.Require(account.CustomersWrite); err != nil {
		return err
	}
	now := s.clock()
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		p, err := tx.Person(ctx, person)
		switch {
		case err != nil:
			return missing(err, "person")
		case p.Status != account.Active:
			return fault.New(fault.Conflict, "person_inactive", "This person is switched off.").WithNext("Switch the person on first.")
		case p.PasswordHash != "":
			return fault.New(fault.Conflict, "password_exists", "This person has chosen a password already.").
				WithNext(`They can choose a new one with "Forgot password".`)
		}
		return invite(ctx, tx, actor, person, now)
	})
}

// invite leaves the job and the event, unless the same mail waits already.
func invite(ctx context.Context, tx *store.Tx, actor account.Actor, person id.ID, now time.Time) error {
	added, err := tx.EnqueueNotice(ctx, account.InvitationNotice, person, now)
	if err != nil || !added {
		return err
	}
	e := event.New(event.PersonInvited, actor, now)
	e.PersonID = person
	return tx.AppendEvent(ctx, e)
}

// MintLink makes the token of a one-time link at the moment its mail is
// written, and says when it ends. Of one purpose the newest three can be used.
func (s *Service) MintLink(ctx context.Context, person id.ID, purpose account.LinkPurpose) (token string, expires time.Time, err error) {
	now := s.clock()
	token = signing.NewToken("")
	l := account.Link{ID: id.New(), Purpose: purpose, PersonID: person, CreatedAt: now, ExpiresAt: now.Add(purpose.Life())}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		p, err := tx.LockPerson(ctx, person)
		if err == nil && p.Status != account.Active {
			err = store.ErrNotFound
		}
		if err != nil {
			return missing(err, "person")
		}
		if err := tx.TrimLinks(ctx, person, purpose, linksKept-1); err != nil {
			return err
		}
		return tx.AddLink(ctx, l, s.Master.TokenHash(linkPurpose(purpose), token))
	})
	if err != nil {
		return "", time.Time{}, err
	}
	return token, l.ExpiresAt, nil
}

// LookLink returns whose link a token is, and spends nothing: mail scanners
// open links before people do (P-AUTH-14).
func (s *Service) LookLink(ctx context.Context, token string, purpose account.LinkPurpose) (account.Link, account.Person, error) {
	l, p, err := s.look(ctx, token, purpose)
	return l, withoutHash(p), err
}

func (s *Service) look(ctx context.Context, token string, purpose account.LinkPurpose) (account.Link, account.Person, error) {
	if !plausible(token) {
		return account.Link{}, account.Person{}, errLink(purpose)
	}
	l, err := s.Store.LinkByToken(ctx, s.Master.TokenHash(linkPurpose(purpose), token))
	if err != nil {
		return account.Link{}, account.Person{}, firstOf(notMissing(err), errLink(purpose))
	}
	p, err := s.Store.Person(ctx, l.PersonID)
	if err != nil {
		return account.Link{}, account.Person{}, err
	}
	if !l.Usable(s.clock()) || p.Status != account.Active {
		return account.Link{}, account.Person{}, errLink(purpose)
	}
	return l, p, nil
}
