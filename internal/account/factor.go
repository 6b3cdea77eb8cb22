package account

import (
	"time"

	"github.com/keyward/keyward/internal/id"
)

// ProofLife is how long somebody who has proved who they are may change what
// protects their account without proving it again.
const ProofLife = 10 * time.Minute

// ProvedRecently reports whether the person behind the actor has proved not
// long ago who they are.
func (a Actor) ProvedRecently(now time.Time) bool {
	return !a.ProvedAt.IsZero() && now.Sub(a.ProvedAt) < ProofLife
}

// CodeKind is where a code of the second step comes from.
type CodeKind string

// The kinds of codes.
const (
	AppCode      CodeKind = "app"
	RecoveryCode CodeKind = "recovery_code"
)

// App is the authenticator app of a person. It asks for codes once it is
// confirmed.
type App struct {
	PersonID    id.ID
	Secret      []byte // sealed
	LastStep    int64  // of the newest code that was accepted
	CreatedAt   time.Time
	ConfirmedAt time.Time
}

// On reports whether signing in needs a code of it.
func (a App) On() bool { return !a.ConfirmedAt.IsZero() }

// Passkey is a credential on an authenticator of a person.
type Passkey struct {
	ID           id.ID
	PersonID     id.ID
	CredentialID []byte
	PublicKey    []byte
	SignCount    uint32
	Flags        byte
	Transports   []string
	Name         string
	CreatedAt    time.Time
	LastUsedAt   time.Time
}

// MaxPasskeys is how many passkeys a person can have.
const MaxPasskeys = 20

// ChallengePurpose is what a browser has to answer.
type ChallengePurpose string

// The purposes of challenges.
const (
	SecondStep     ChallengePurpose = "second_step"
	PasskeySignIn  ChallengePurpose = "passkey_sign_in"
	PasskeyAdd     ChallengePurpose = "passkey_add"
	PasskeyConfirm ChallengePurpose = "passkey_confirm"
)

// Life is how long a challenge of this purpose waits for its answer.
func (p ChallengePurpose) Life() time.Duration {
	if p == SecondStep {
		return 10 * time.Minute
	}
	return 5 * time.Minute
}

// Challenge is what a browser has to answer, as it stands in the store: without
// its token.
type Challenge struct {
	Purpose   ChallengePurpose
	PersonID  id.ID // "" until somebody has said who they are
	Data      string
	CreatedAt time.Time
	ExpiresAt time.Time
}

// SecurityChange is what changed about how somebody signs in.
type SecurityChange string

// The changes that their owner is told about.
const (
	AppAdded      SecurityChange = "app_added"
	AppRemoved    SecurityChange = "app_removed"
	CodesReplaced SecurityChange = "codes_replaced"
	CodeSpent     SecurityChange = "code_spent"
	PasskeyAdded  SecurityChange = "passkey_added"
	PasskeyGone   SecurityChange = "passkey_removed"
	PasskeyCloned SecurityChange = "passkey_cloned"
	FactorsReset  SecurityChange = "factors_reset"
)

// SecurityNoticeTo is the payload of a SecurityChangedNotice.
type SecurityNoticeTo struct {
	NoticeTo
	Change SecurityChange `json:"change"`
}
