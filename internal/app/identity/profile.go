package identity

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/store"
)

// Profile is what people say about themselves. The address they sign in with
// is no part of it: only staff change that (P-PRO-04).
type Profile struct {
	Name    string
	Phone   string // optional
	Company string // optional
}

// maxPhone is the longest telephone number, in characters.
const maxPhone = 50

// SaveProfile replaces the actor's own profile.
func (s *Service) SaveProfile(ctx context.Context, actor account.Actor, in Profile) error {
	if err := personOnly(actor); err != nil {
		return err
	}
	var problems fault.Problems
	p := account.Person{
		ID: actor.ID, Name: name(&problems, "name", in.Name, true), Phone: phone(&problems, in.Phone),
		Company: name(&problems, "company", in.Company, false),
	}
	if err := problems.Err(); err != nil {
		return err
	}
	now := s.clock()
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		current, err := tx.LockPerson(ctx, actor.ID)
		if err != nil {
			return missing(err, "person")
		}
		if current.Name == p.Name && current.Phone == p.Phone && current.Company == p.Company {
			return nil
		}
		if err := tx.SetProfile(ctx, p, now); err != nil {
			return err
		}
		e := event.New(event.ProfileChanged, actor, now)
		e.PersonID, e.CustomerID = actor.ID, actor.CustomerID
		return tx.AppendEvent(ctx, e)
	})
}

// phone reads a telephone number as people write them.
func phone(problems *fault.Problems, s string) string {
	s = strings.Join(strings.Fields(s), " ")
	odd := func(r rune) bool {
		return !unicode.IsDigit(r) && !unicode.IsLetter(r) && !strings.ContainsRune(" +-()/.,#*", r)
	}
	if utf8.RuneCountInString(s) > maxPhone || strings.ContainsFunc(s, odd) {
		problems.Add("phone", "Enter a telephone number such as +44 20 7946 0000, in at most 50 characters.")
		return ""
	}
	return s
}

// NewPassword is a change of one's own password. Who never had one, because
// they sign in by link, names no current one (P-PRO-15).
type NewPassword struct {
	Current, Chosen, Repeated string

	Session id.ID // stays signed in
}

// ChangePassword replaces the actor's own password. It ends their other
// sessions, takes the links they have not used, and tells them by mail
// (P-PRO-14). Sent twice it changes nothing the second time.
func (s *Service) ChangePassword(ctx context.Context, actor account.Actor, in NewPassword) error {
	if err := personOnly(actor); err != nil {
		return err
	}
	if err := count(ctx, s.limits.passwordChange, string(actor.ID), s.clock(), "You stay signed in. Nothing was changed."); err != nil {
		return err
	}
	p, err := s.Store.Person(ctx, actor.ID)
	if err != nil {
		return missing(err, "person")
	}
	if done, err := s.mayChange(ctx, p, in); err != nil || done {
		return err
	}
	hash, err := s.Hasher.Hash(ctx, in.Chosen, s.PersonCost)
	if err != nil {
		return err
	}
	return s.changePassword(ctx, actor, p, in.Session, hash)
}

// mayChange checks what was typed, all of it at once. It reports whether the
// password is the chosen one already, which a second click finds.
func (s *Service) mayChange(ctx context.Context, p account.Person, in NewPassword) (done bool, err error) {
	var problems fault.Problems
	if p.PasswordHash != "" && in.Current == "" {
		problems.Add("current", "Enter your current password.")
	}
	if wrong := account.CheckPassword(in.Chosen, p.Email, account.MinPersonPassword); wrong != "" {
		problems.Add("password", wrong)
	}
	if in.Chosen != in.Repeated {
		problems.Add("repeat", "The two passwords differ. Type the same password again.")
	}
	if err := problems.Err(); err != nil || p.PasswordHash == "" {
		return false, asError(err)
	}
	right, _, err := s.Hasher.Verify(ctx, p.PasswordHash, in.Current, s.PersonCost)
	if err != nil || right {
		return false, err
	}
	if done, _, err = s.Hasher.Verify(ctx, p.PasswordHash, in.Chosen, s.PersonCost); err != nil || done {
		return done, err
	}
	return false, fault.New(fault.Invalid, "current_password_wrong", "Your password was not changed.").
		WithField("current", `This is not your current password. If you do not remember it, sign out and use "Forgot password" on the sign-in page.`)
}

func (s *Service) changePassword(ctx context.Context, actor account.Actor, p account.Person, kept id.ID, hash string) error {
	now := s.clock()
	e := event.New(event.PasswordSet, actor, now).Because("changed")
	if p.PasswordHash == "" {
		e = e.Because("first")
	}
	e.PersonID, e.CustomerID = p.ID, actor.CustomerID
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		current, err := tx.LockPerson(ctx, p.ID)
		if err == nil && current.PasswordHash != p.PasswordHash {
			return fault.New(fault.Conflict, "password_changed", "Your password was changed by another request at the same time.").
				WithNext("If that was not you, choose a new one now.")
		}
		if err != nil {
			return missing(err, "person")
		}
		if err := tx.SetPassword(ctx, p.ID, hash, now); err != nil {
			return err
		}
		if _, err := tx.EndOtherSessions(ctx, p.ID, kept); err != nil {
			return err
		}
		if err := tx.DropLinks(ctx, p.ID); err != nil {
			return err
		}
		if err := tx.DropChallenges(ctx, p.ID); err != nil { // a second step that followed the old one
			return err
		}
		if _, err := tx.EnqueueNotice(ctx, account.PasswordChangedNotice, p.ID, now); err != nil {
			return err
		}
		return tx.AppendEvent(ctx, e)
	})
}

// Access is where the actor is signed in, and how they came in before.
type Access struct {
	Sessions []account.Session // that count, the latest used first
	SignIns  []account.SignIn  // newest first
}

// Access returns where the actor is signed in.
func (s *Service) Access(ctx context.Context, actor account.Actor) (Access, error) {
	if err := personOnly(actor); err != nil {
		return Access{}, err
	}
	now := s.clock()
	sessions, err := s.Store.Sessions(ctx, actor.ID)
	if err != nil {
		return Access{}, err
	}
	signIns, err := s.Store.SignIns(ctx, actor.ID, 2*account.SignInsKept)
	return Access{
		Sessions: slices.DeleteFunc(sessions, func(session account.Session) bool { return !session.Live(now) }), SignIns: signIns,
	}, err
}

// asError drops the typed nil of a fault, which would not be a nil error.
func asError(f *fault.Error) error {
	if f == nil {
		return nil
	}
	return f
}
