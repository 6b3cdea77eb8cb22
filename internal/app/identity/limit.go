package identity

import (
	"net/netip"
	"time"

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
	Keys           int  // how many addresses and accounts are remembered, each
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

// limiters count what Limits bound.
type limiters struct {
	signInAddress, signInAccount, signInDevice, passwordChange, testMail, teamInvitation, resetAddress, resetAccount *ratelimit.Limit
	stepAccount, stepDevice, passkeyAsk                                                                              *ratelimit.Limit
}

func newLimiters(l Limits) limiters {
	return limiters{
		stepAccount:    newLimiter(l.StepAccount, l.Keys),
		stepDevice:     newLimiter(l.StepDevice, l.Keys),
		passkeyAsk:     newLimiter(l.PasskeyAsk, l.Keys),
		signInAddress:  newLimiter(l.SignInAddress, l.Keys),
		signInAccount:  newLimiter(l.SignInAccount, l.Keys),
		signInDevice:   newLimiter(l.SignInDevice, l.Keys),
		passwordChange: newLimiter(l.PasswordChange, l.Keys),
		teamInvitation: newLimiter(l.TeamInvitation, l.Keys),
		testMail:       newLimiter(l.TestMail, l.Keys),
		resetAddress:   newLimiter(l.ResetAddress, l.Keys),
		resetAccount:   newLimiter(l.ResetAccount, l.Keys),
	}
}

func newLimiter(r Rate, most int) *ratelimit.Limit { return ratelimit.New(r.Every, r.Burst, most) }

// networkOf is what an address is counted as.
func networkOf(a netip.Addr) string { return ratelimit.Bucket(a).String() }

// limited is the answer to somebody who has to wait.
func limited(wait time.Duration, next string) error {
	return fault.New(fault.Limited, "too_many_attempts", "There were too many attempts. Please wait before you try again.").
		WithRetryAfter(wait).WithNext(next)
}
