package identity

import (
	"context"
	"net/netip"
	"time"

	"github.com/keyward/keyward/internal/app/attempt"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/ratelimit"
)

// Rate is how often something may be tried: a burst at once, then one more
// each interval.
type Rate struct {
	Burst int
	Every time.Duration
}

// Limits bound how often people may be guessed at and mailed (P-AUTH-13).
type Limits struct {
	SignInAddress  Rate // sign-in attempts from one network address
	SignInAccount  Rate // on one account, from browsers it has not signed in with
	SignInDevice   Rate // on one account, from one browser it has signed in with
	PasswordChange Rate // changes of a password by somebody signed in
	TeamInvitation Rate // invitations into one team
	TestMail       Rate // mails that somebody sends themselves as a test
	ResetAddress   Rate // mailed links asked for from one network address
	ResetAccount   Rate // mailed links asked for by one account
	StepAccount    Rate // codes of the second step of one account, from browsers it has not signed in with
	StepDevice     Rate // from one browser it has signed in with
	PasskeyAsk     Rate // passkeys asked for by one network address, or one person
	Keys           int  // how many who ask for passkeys are remembered
}

// DefaultLimits leave room for a forgetful person and an office behind one
// address, and none for a guesser.
func DefaultLimits() Limits {
	return Limits{
		SignInAddress:  Rate{Burst: 30, Every: 20 * time.Second},
		SignInAccount:  Rate{Burst: 10, Every: time.Minute},
		SignInDevice:   Rate{Burst: 10, Every: time.Minute},
		PasswordChange: Rate{Burst: 10, Every: time.Minute},
		TeamInvitation: Rate{Burst: 20, Every: 3 * time.Minute},
		TestMail:       Rate{Burst: 3, Every: 10 * time.Minute},
		ResetAddress:   Rate{Burst: 10, Every: 2 * time.Minute},
		ResetAccount:   Rate{Burst: 3, Every: 10 * time.Minute},
		StepAccount:    Rate{Burst: 5, Every: 5 * time.Minute},
		StepDevice:     Rate{Burst: 10, Every: time.Minute},
		PasskeyAsk:     Rate{Burst: 30, Every: 10 * time.Second},
		Keys:           50_000,
	}
}

// limiters count what Limits bound. Those that protect what can be guessed, and
// mailboxes, are counted by all servers together.
type limiters struct {
	signInAddress, signInAccount, signInDevice, passwordChange, testMail, teamInvitation *attempt.Limit
	resetAddress, resetAccount, stepAccount, stepDevice                                  *attempt.Limit

	passkeyAsk *ratelimit.Limit // against work and rows, not against guessing: of each server
}

func newLimiters(c *attempt.Counter, l Limits) limiters {
	of := func(name string, r Rate) *attempt.Limit { return c.Limit(name, r.Every, r.Burst) }
	return limiters{
		stepAccount:    of("step.account", l.StepAccount),
		stepDevice:     of("step.device", l.StepDevice),
		passkeyAsk:     ratelimit.New(l.PasskeyAsk.Every, l.PasskeyAsk.Burst, l.Keys),
		signInAddress:  of("sign_in.address", l.SignInAddress),
		signInAccount:  of("sign_in.account", l.SignInAccount),
		signInDevice:   of("sign_in.device", l.SignInDevice),
		passwordChange: of("password.change", l.PasswordChange),
		teamInvitation: of("team.invitation", l.TeamInvitation),
		testMail:       of("mail.test", l.TestMail),
		resetAddress:   of("link.address", l.ResetAddress),
		resetAccount:   of("link.account", l.ResetAccount),
	}
}

// networkOf is what an address is counted as.
func networkOf(a netip.Addr) string { return ratelimit.Bucket(a).String() }

// count counts an attempt at a limit; its error is for somebody who has to wait,
// whom next tells what else they can do.
func count(ctx context.Context, l *attempt.Limit, who string, now time.Time, next string) error {
	wait, err := l.Take(ctx, who, now)
	if err == nil && wait > 0 {
		err = limited(wait, next)
	}
	return err
}

// limited is the answer to somebody who has to wait.
func limited(wait time.Duration, next string) error {
	return fault.New(fault.Limited, "too_many_attempts", "There were too many attempts. Please wait before you try again.").
		WithRetryAfter(wait).WithNext(next)
}
