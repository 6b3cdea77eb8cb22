package account

import "time"

// SignInWay is how somebody proved who they are.
type SignInWay string

// The ways to sign in.
const (
	ByPassword SignInWay = "password"
	ByLink     SignInWay = "link"
	ByPasskey  SignInWay = "passkey"
)

// Complete reports whether nothing has to follow. A passkey is two factors by
// itself, because it verified its user; a code was the second.
func (w SignInWay) Complete() bool { return w != ByPassword && w != ByLink }

// Then is the way of somebody who has also passed the second step.
func (w SignInWay) Then(code CodeKind) SignInWay { return w + "_and_" + SignInWay(code) }

// SignIn is a sign-in to a person's account, or an attempt at one. It is
// personal: where it came from and with what.
type SignIn struct {
	At         time.Time
	Refused    bool
	Way        SignInWay
	NewBrowser bool // that had not signed in to the account before
	Address    string
	UserAgent  string
}

// How much is remembered of the sign-ins to one account.
const (
	SignInsKept = 30 // of those let in, and of those refused
	SignInLife  = 180 * 24 * time.Hour
)
