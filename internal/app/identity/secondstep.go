package identity

import (
	"context"
	"encoding/json"
	"time"

	"github.com/keyward/keyward/internal/account"
	"github.com/keyward/keyward/internal/event"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
)

// errStep is the answer when there is no second step to pass: it took too long,
// was passed already, or the password was changed meanwhile.
var errStep error = fault.New(fault.Unauthenticated, "step_over", "This took too long, or was done already.").
	WithNext("Sign in again from the start.")

// errCode is the answer for a code that is not accepted.
var errCode error = fault.New(fault.Unauthenticated, "code_refused", "This code is not accepted.").
	WithField("code", "Wait for the next code of your app, or use a recovery code that you have not used yet.")

const nextOfStep = "Wait a while. In a browser you have signed in with before you have attempts of your own."

// StepCode is the answer to the second step.
type StepCode struct {
	Step        string // of the Entry
	Code        string // of the authenticator app, or a recovery code
	KnownDevice string
	Origin
}

// SecondStep reports whether a second step can still be passed.
func (s *Service) SecondStep(ctx context.Context, step string) error {
	_, err := s.step(ctx, step)
	return err
}

func (s *Service) step(ctx context.Context, token string) (account.Challenge, error) {
	if !plausible(token) {
		return account.Challenge{}, errStep
	}
	c, err := s.Store.Challenge(ctx, s.challengeHash(account.SecondStep, token), account.SecondStep, s.clock())
	if err != nil {
		return account.Challenge{}, firstOf(notMissing(err), errStep)
	}
	return c, nil
}

// stepData is what a second step remembers of the first.
type stepData struct {
	Way   account.SignInWay `json:"way"`
	Known bool              `json:"known"`
}

func encodeStep(a arrival) (string, error) {
	b, err := json.Marshal(stepData{a.way, a.known})
	return string(b), err
}

func decodeStep(s string) (arrival, error) {
	var d stepData
	err := json.Unmarshal([]byte(s), &d)
	return arrival{way: d.Way, known: d.Known}, err
}

// FinishSignIn starts the session of somebody who has passed the first step and
// knows a code: one of their authenticator app, each good once, or a recovery
// code, which is spent (P-AUTH-12).
func (s *Service) FinishSignIn(ctx context.Context, in StepCode) (Entry, error) {
	now := s.clock()
	c, err := s.step(ctx, in.Step)
	if err != nil {
		return Entry{}, err
	}
	p, err := s.Store.Person(ctx, c.PersonID)
	if err != nil {
		return Entry{}, err
	}
	if err := s.countStep(ctx, in.KnownDevice, p, now); err != nil {
		return Entry{}, err
	}
	a, err := decodeStep(c.Data)
	if err != nil {
		return Entry{}, err
	}
	a.person, a.way, a.Origin = p, a.way.Then(account.KindOfCode(in.Code)), in.Origin
	e, err := s.newEntry(ctx, a, now)
	if err != nil {
		return Entry{}, err
	}
	accepted := false
	err = s.Store.InTx(ctx, func(tx *store.Tx) (err error) {
		accepted, err = s.passStep(ctx, tx, in, a, e)
		return err
	})
	if err == nil && !accepted {
		s.noteRefused(ctx, a, now)
		err = errCode
	}
	if err != nil {
		return Entry{}, err
	}
	return e, nil
}

// passStep spends the code and the step, or leaves the trace of a wrong code:
// whoever types it knows the password.
func (s *Service) passStep(ctx context.Context, tx *store.Tx, in StepCode, a arrival, e Entry) (bool, error) {
	now := e.Session.CreatedAt
	current, err := tx.LockPerson(ctx, a.person.ID)
	if err != nil || current.Status != account.Active {
		return false, firstOf(notMissing(err), errStep)
	}
	accepted, err := s.spendCode(ctx, tx, a.as(a.person.ID), in.Code, now)
	if err != nil {
		return false, err
	}
	if !accepted {
		refused := event.New(event.SecondStepRefused, a.as(a.person.ID), now).Because("code")
		refused.PersonID = a.person.ID
		return false, tx.AppendEvent(ctx, refused)
	}
	if err := tx.SpendChallenge(ctx, s.challengeHash(account.SecondStep, in.Step)); err != nil {
		return false, firstOf(notMissing(err), errStep)
	}
	return true, s.begin(ctx, tx, a, e)
}

// countStep counts an attempt. Like countSignIn it gives a known browser attempts
// of its own: whoever has the password must not lock the owner out.
func (s *Service) countStep(ctx context.Context, known string, p account.Person, now time.Time) error {
	if device := s.deviceOf(known, p.Email, now); device != "" {
		return count(ctx, s.limits.stepDevice, device, now, nextOfStep)
	}
	return count(ctx, s.limits.stepAccount, string(p.ID), now, nextOfStep)
}

// spendCode reports whether a code is one of the actor's app, or one of their
// recovery codes, and makes sure that it is not accepted again.
func (s *Service) spendCode(ctx context.Context, tx *store.Tx, actor account.Actor, code string, now time.Time) (bool, error) {
	app, err := tx.App(ctx, actor.ID)
	if err != nil || !app.On() {
		return false, notMissing(err)
	}
	if account.KindOfCode(code) == account.RecoveryCode {
		return s.spendRecoveryCode(ctx, tx, actor, code, now)
	}
	return s.spendAppCode(ctx, tx, app, code, now)
}

func (s *Service) spendAppCode(ctx context.Context, tx *store.Tx, app account.App, code string, now time.Time) (bool, error) {
	secret, err := s.Master.Open(app.Secret, appBinding(app.PersonID))
	if err != nil {
		return false, err
	}
	step, ok := account.CheckAppCode(string(secret), code, app.LastStep, now)
	if !ok {
		return false, nil
	}
	err = tx.AcceptAppCode(ctx, app.PersonID, step)
	return err == nil, notMissing(err)
}

func (s *Service) spendRecoveryCode(ctx context.Context, tx *store.Tx, actor account.Actor, code string, now time.Time) (bool, error) {
	err := tx.SpendRecoveryCode(ctx, actor.ID, s.recoveryHash(actor.ID, code), now)
	if err != nil {
		return false, notMissing(err)
	}
	return true, s.changed(ctx, tx, actor, event.CodeSpent, account.CodeSpent, now)
}

// ask keeps a challenge under its token.
func (s *Service) ask(ctx context.Context, tx *store.Tx, purpose account.ChallengePurpose, person id.ID, data, token string, now time.Time) error {
	c := account.Challenge{Purpose: purpose, PersonID: person, Data: data, CreatedAt: now, ExpiresAt: now.Add(purpose.Life())}
	return tx.AddChallenge(ctx, c, s.challengeHash(purpose, token))
}

func (s *Service) challengeHash(purpose account.ChallengePurpose, token string) []byte {
	return s.Master.TokenHash("challenge "+string(purpose), token)
}

func (s *Service) recoveryHash(person id.ID, code string) []byte {
	return s.Master.TokenHash("recovery code "+string(person), account.FoldRecoveryCode(code))
}

// appBinding is where the secret of an app is kept sealed.
func appBinding(person id.ID) signing.Binding {
	return signing.Binding{Table: "authenticator_app", Column: "secret_sealed", Row: string(person)}
}

// changed leaves the event and the mail of a change of how the actor signs in.
func (s *Service) changed(ctx context.Context, tx *store.Tx, actor account.Actor, t event.Type, what account.SecurityChange, now time.Time) error {
	return s.changedFor(ctx, tx, actor, actor.ID, t, what, now)
}

func (s *Service) changedFor(ctx context.Context, tx *store.Tx, actor account.Actor, person id.ID, t event.Type, what account.SecurityChange, now time.Time) error {
	e := event.New(t, actor, now)
	e.PersonID, e.CustomerID = person, actor.CustomerID
	if err := tx.AppendEvent(ctx, e); err != nil {
		return err
	}
	return tx.EnqueueSecurityNotice(ctx, person, what, now)
}
