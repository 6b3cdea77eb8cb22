package httpx

import (
	"net/http"

	"github.com/keyward/keyward/internal/fault"
)

// StatusClientGone is logged when the client went away before its answer. It is
// never sent.
const StatusClientGone = 499

// Codes that HTTP has a finer status for than their kind.
const (
	CodeMethodNotAllowed     = "method_not_allowed"
	CodeUnsupportedMediaType = "unsupported_media_type"
	CodePreconditionRequired = "precondition_required"
	CodeVersionStale         = "version_stale"
)

// Status returns the HTTP status of a kind of fault; an unknown kind is our own
// fault.
func Status(kind fault.Kind) int {
	switch kind {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.Limited:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// StatusOf returns the HTTP status to answer f with: that of its kind, or the
// finer one that HTTP has for its code.
func StatusOf(f *fault.Error) int {
	if f.Kind == fault.Invalid {
		switch f.Code {
		case CodeMethodNotAllowed:
			return http.StatusMethodNotAllowed
		case CodeUnsupportedMediaType:
			return http.StatusUnsupportedMediaType
		case CodePreconditionRequired:
			return http.StatusPreconditionRequired
		}
	}
	if f.Kind == fault.Conflict && f.Code == CodeVersionStale {
		return http.StatusPreconditionFailed
	}
	return Status(f.Kind)
}
