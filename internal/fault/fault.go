package fault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Kind sorts faults by what the caller can do about them. Doors map kinds to
// their own vocabulary, such as an HTTP status.
type Kind int

const (
	// Internal is our own fault. It is the zero value, so a fault nobody
	// classified is never blamed on the caller.
	Internal Kind = iota
	// Invalid means that the input is wrong and must change before a retry.
	Invalid
	// Unauthenticated means that we do not know who is asking.
	Unauthenticated
	// Forbidden means that we know who is asking and the answer is no.
	Forbidden
	// NotFound means that it does not exist, or not for the one who asks.
	NotFound
	// Conflict means that the state of things does not allow it now.
	Conflict
	// TooLarge means that the input exceeds a size limit.
	TooLarge
	// Limited means that the caller asks too often.
	Limited
	// Unavailable means that we cannot answer now and a retry may succeed.
	Unavailable
)

var kindNames = [...]string{
	Internal:        "internal",
	Invalid:         "invalid",
	Unauthenticated: "unauthenticated",
	Forbidden:       "forbidden",
	NotFound:        "not_found",
	Conflict:        "conflict",
	TooLarge:        "too_large",
	Limited:         "limited",
	Unavailable:     "unavailable",
}

// String returns the kind's stable lower-case name; a value outside the list is
// "internal", as every unknown fault is.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return kindNames[Internal]
	}
	return kindNames[k]
}

// Field says what is wrong with one input and what to do about it. Name is the
// input's name as the caller knows it; both are safe to show.
type Field struct{ Name, Message string }

// Error is a fault. Everything but Cause may be shown to the caller.
//
// Treat an Error as a value that does not change: the With methods return
// changed copies, so one Error may be shared.
type Error struct {
	Kind       Kind
	Code       string        // stable, snake_case; programs may rely on it
	Message    string        // one sentence for a person
	Fields     []Field       // which inputs are wrong
	Next       string        // what to do next; empty when there is nothing
	RetryAfter time.Duration // how long to wait before a retry; zero when unknown
	Cause      error         // for the log only, never shown
}

// New returns a fault without a cause.
func New(kind Kind, code, message string) *Error {
	return &Error{Kind: kind, Code: code, Message: message}
}

// Wrap returns a fault that keeps cause for the log.
func Wrap(kind Kind, code, message string, cause error) *Error {
	return &Error{Kind: kind, Code: code, Message: message, Cause: cause}
}

// Missing returns the NotFound fault, code "not_found", for what: a word such
// as "license". The sentence is the same whether the thing never existed or
// belongs to someone else.
func Missing(what string) *Error {
	return New(NotFound, "not_found", fmt.Sprintf("We could not find this %s.", what))
}

// Error describes the fault for the log, cause included. Show Message to a
// caller, never this.
func (e *Error) Error() string {
	text := e.Code + ": " + e.Message
	for _, f := range e.Fields {
		text += fmt.Sprintf(" [%s: %s]", f.Name, f.Message)
	}
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns the private cause.
func (e *Error) Unwrap() error { return e.Cause }

// WithField returns a copy that also blames the input called name.
func (e *Error) WithField(name, message string) *Error {
	c := *e
	c.Fields = append(slices.Clip(slices.Clone(e.Fields)), Field{Name: name, Message: message})
	return &c
}

// WithNext returns a copy that tells the caller what to do next.
func (e *Error) WithNext(next string) *Error {
	c := *e
	c.Next = next
	return &c
}

// WithRetryAfter returns a copy that tells the caller how long to wait.
func (e *Error) WithRetryAfter(wait time.Duration) *Error {
	c := *e
	c.RetryAfter = wait
	return &c
}

// From returns the outermost fault in err's chain. Any other error becomes a
// fault with a fixed sentence and err as its cause: Unavailable when a deadline
// passed or the work was interrupted, else Internal. From(nil) is nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return Wrap(Unavailable, "timed_out", "This took too long. Nothing may have changed; please try again.", err)
	case errors.Is(err, context.Canceled):
		return Wrap(Unavailable, "interrupted", "This was interrupted before it finished. Please try again.", err)
	}
	return Wrap(Internal, "internal", "Something went wrong on our side. Please try again later.", err)
}

// Is reports whether err is a fault of this kind, as From sees it. A nil err is
// of no kind.
func Is(err error, kind Kind) bool {
	e := From(err)
	return e != nil && e.Kind == kind
}
