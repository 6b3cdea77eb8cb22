package license

import (
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/id"
)

const (
	// ReservedFor is how long the seat of a replaced device is kept for the
	// next one.
	ReservedFor = 15 * time.Minute
	// MaxClaims bounds wrong claim codes from everywhere; after them the code is
	// dead. That many guesses at 40 bits are right once in a billion times.
	MaxClaims = 1000
	// MaxGuesses bounds those from one network, which is not heard any more
	// then: whoever has only the key does not spoil the code for its owner.
	MaxGuesses = 10
)

// claimLetters leaves out what is read for something else: I, L, O and U. Of
// 32 letters eight have 40 bits, against MaxClaims guesses.
const claimLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// NewClaim draws a claim code, such as 7K2M-9QRT.
func NewClaim(random io.Reader) (string, error) {
	var drawn [8]byte
	if _, err := io.ReadFull(random, drawn[:]); err != nil {
		return "", err
	}
	for i, b := range drawn {
		drawn[i] = claimLetters[int(b)%len(claimLetters)] // 256 is a multiple of 32: all are as likely
	}
	return string(drawn[:4]) + "-" + string(drawn[4:]), nil
}

// FoldClaim is the form in which claim codes are compared, as forgiving as
// license keys are.
func FoldClaim(code string) string { return id.Fold(code) }

// Reservation is a seat that is kept for the device that replaces another: for
// one that is known, or for whichever presents the claim code.
type Reservation struct {
	ID        id.ID
	LicenseID id.ID
	Retired   id.ID // the activation that gave its seat up

	Kind       Kind   // of the device it is kept for; "" with a claim code
	Identifier string //
	Name       string //

	Claims     int // wrong codes so far
	CreatedAt  time.Time
	ExpiresAt  time.Time
	UsedAt     time.Time
	UsedBy     id.ID // the activation that took the seat
	ReleasedAt time.Time
}

// ReservationState is what became of a reservation.
type ReservationState string

// The states of a reservation.
const (
	ReservationOpen     ReservationState = "open"
	ReservationUsed     ReservationState = "used"
	ReservationReleased ReservationState = "released"
	ReservationExpired  ReservationState = "expired"
)

// State is what the reservation is at now. At its deadline the seat is free
// without anybody's doing.
func (r Reservation) State(now time.Time) ReservationState {
	switch {
	case !r.UsedAt.IsZero():
		return ReservationUsed
	case !r.ReleasedAt.IsZero():
		return ReservationReleased
	case !now.Before(r.ExpiresAt):
		return ReservationExpired
	}
	return ReservationOpen
}

// ByCode reports whether the seat is for whoever presents the claim code.
func (r Reservation) ByCode() bool { return r.Kind == "" }

// Dead reports whether its claim code was guessed at too often to be accepted.
func (r Reservation) Dead() bool { return r.Claims >= MaxClaims }

// DisplayName is what to call the device that it is for, "" with a code.
func (r Reservation) DisplayName() string {
	if r.Name != "" {
		return r.Name
	}
	return r.Identifier
}

// MayReserve reports why the seat of a replaced device cannot be kept for the
// next one, or nil: where more seats are taken than the license allows, the
// next one would be refused all the same.
func MayReserve(l License, taken int) *fault.Error {
	if l.Limit == Unlimited || taken <= l.Limit {
		return nil
	}
	return fault.New(fault.Conflict, "over_limit", "More devices are activated than the license now allows.").
		WithNext("Deactivate devices until a seat is free.")
}

// ConfirmsAll reports whether what was typed confirms that all devices of a
// license are meant: their number, or the product's name.
func ConfirmsAll(typed string, devices int, product string) bool {
	typed = strings.Join(strings.Fields(typed), " ")
	return typed == strconv.Itoa(devices) || FoldName(typed) == FoldName(product)
}
