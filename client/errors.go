package client

import (
	"errors"
	"fmt"
)

var (
	// ErrAway means that the server could not be asked, or could not answer.
	ErrAway = errors.New("keyward: the server is away")
	// ErrUntrusted means that an answer came that no pinned key has signed for
	// this request. It changes nothing that is kept.
	ErrUntrusted = errors.New("keyward: the answer cannot be trusted")
	// ErrNothingKept means that there is no earlier answer to fall back on.
	ErrNothingKept = errors.New("keyward: no earlier answer is kept")
	// ErrClock means that the clock of the device stands before a time that it
	// has already shown.
	ErrClock = errors.New("keyward: the clock of the device was set back")
)

// Problem is the server's answer to a request that is wrong: a bad token, a
// field that does not fit. It is not about the license.
type Problem struct {
	Status    int            `json:"status"`
	Code      string         `json:"code"` // stable
	Detail    string         `json:"detail"`
	Next      string         `json:"next"`
	Errors    []ProblemField `json:"errors"`
	RequestID string         `json:"request_id"`
}

// ProblemField is a field that is wrong, and what to do about it.
type ProblemField struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Error describes the problem for a developer.
func (p *Problem) Error() string {
	text := fmt.Sprintf("keyward: %s: %s", p.Code, p.Detail)
	for _, f := range p.Errors {
		text += fmt.Sprintf(" [%s: %s]", f.Field, f.Message)
	}
	return text
}
