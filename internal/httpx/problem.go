package httpx

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/keyward/keyward/internal/fault"
)

// Problem is a fault as a problem document (RFC 9457). It holds only what may
// be shown.
type Problem struct {
	Type      string         `json:"type"`
	Title     string         `json:"title"`
	Status    int            `json:"status"`
	Detail    string         `json:"detail"`
	Code      string         `json:"code"`
	Errors    []ProblemField `json:"errors,omitempty"`
	Next      string         `json:"next,omitempty"`
	RequestID string         `json:"request_id,omitempty"`
}

// ProblemField says what is wrong with one input.
type ProblemField struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// ProblemOf returns the document that describes f to the sender of r.
func ProblemOf(r *http.Request, f *fault.Error) Problem {
	status := StatusOf(f)
	p := Problem{
		Type:      "about:blank",
		Title:     http.StatusText(status),
		Status:    status,
		Detail:    f.Message,
		Code:      f.Code,
		Next:      f.Next,
		RequestID: RequestID(r.Context()),
	}
	if p.Code == "" {
		p.Code = f.Kind.String()
	}
	for _, field := range f.Fields {
		p.Errors = append(p.Errors, ProblemField{Field: field.Name, Message: field.Message})
	}
	return p
}

// WriteProblem is the ErrorFunc of doors that speak JSON.
func WriteProblem(w http.ResponseWriter, r *http.Request, f *fault.Error) {
	p := ProblemOf(r, f)
	errorHeaders(w.Header(), f)
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(p.Status)
	// The status is out; a client that left is the only way this can fail.
	_ = json.NewEncoder(w).Encode(p)
}

// errorHeaders takes back what a handler may have said about the answer it then
// did not give, and adds what every error answer carries.
func errorHeaders(h http.Header, f *fault.Error) {
	for _, name := range []string{
		"Content-Type", "Content-Length", "Content-Encoding", "Content-Disposition",
		"ETag", "Last-Modified", "Expires", "Accept-Ranges", "Content-Range", "Location",
	} {
		h.Del(name)
	}
	h.Set("Cache-Control", "no-store")
	if f.RetryAfter > 0 {
		h.Set("Retry-After", retryAfter(f.RetryAfter))
	}
}

// retryAfter rounds up to whole seconds: a client that comes back early is
// refused again.
func retryAfter(wait time.Duration) string {
	seconds := int64(wait / time.Second)
	if wait%time.Second != 0 {
		seconds++
	}
	return strconv.FormatInt(seconds, 10)
}
