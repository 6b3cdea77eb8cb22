package licensefile

import "errors"

// Why a lease or a key is refused. Errors of this package wrap exactly one of
// these.
var (
	ErrMalformed   = errors.New("malformed")                         // not written as a Keyward server writes it
	ErrUnknownKey  = errors.New("signed with an unknown key")        // no key of the set has this key id
	ErrSignature   = errors.New("signature does not match")          // forged or damaged
	ErrExpired     = errors.New("lease has ended")                   // at or past ValidUntil
	ErrNotYetValid = errors.New("lease is issued in the future")     // or the clock of this device is behind
	ErrProduct     = errors.New("lease is for another product")      //
	ErrDevice      = errors.New("lease is for another device")       // or for none
	ErrNonce       = errors.New("lease answers another request")     // a replay
	ErrKey         = errors.New("not a usable Keyward public key")   // when reading keys
	ErrKeyID       = errors.New("key id does not belong to the key") // when reading keys
)
