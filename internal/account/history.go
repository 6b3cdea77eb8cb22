package account

import "time"

// SignInWay is how somebody proved who they are.
type SignInWay string

// The ways to sign in.
const (
	ByPassword SignInWay = "password"
	ByLink     SignInWay = "link"
)

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
