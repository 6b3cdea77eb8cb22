package id

import (
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// ID names one record: a UUID version 7 in its canonical lower-case text, so
// that IDs sort by the time they were drawn. The zero value "" means none.
type ID string

// ErrMalformed is returned by Parse for anything that is not a canonical UUID.
var ErrMalformed = errors.New("id: not a canonical UUID")

// New draws a fresh ID. It panics only when the operating system has no
// randomness left to give, in which case nothing safe can be done.
func New() ID {
	return ID(uuid.Must(uuid.NewV7()).String())
}

// Parse reads an ID in exactly the form New writes: 36 characters, lower case,
// hyphens in place. Other spellings of a UUID are refused, so that one record
// has one name in URLs, logs and indexes.
func Parse(s string) (ID, error) {
	const canonicalLength = 36
	if len(s) != canonicalLength {
		return "", ErrMalformed
	}
	u, err := uuid.Parse(s)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if u.String() != s || u == uuid.Nil {
		return "", ErrMalformed
	}
	return ID(s), nil
}

// String returns the canonical text.
func (i ID) String() string { return string(i) }

// IsZero reports whether the ID names nothing.
func (i ID) IsZero() bool { return i == "" }
