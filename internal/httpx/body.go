package httpx

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/keyward/keyward/internal/fault"
)

// LimitBody refuses bodies longer than maxBytes: at once when the client says
// the length, else when reading passes the limit.
func LimitBody(maxBytes int64, onError ErrorFunc) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ContentLength > maxBytes {
				answer(record(w), r, tooLarge(maxBytes), onError)
				return
			}
			r.Body = http.MaxBytesReader(w, r.Body, maxBytes)
			next.ServeHTTP(w, r)
		})
	}
}

// ReadBody reads a body of at most maxBytes. A longer one is TooLarge, before
// anything is read when the client says the length: one that waits for our word
// to send it would be cut off in the middle. One that broke off is Invalid.
func ReadBody(r *http.Request, maxBytes int64) ([]byte, error) {
	if r.ContentLength > maxBytes {
		return nil, tooLarge(maxBytes)
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBytes))
	if err != nil {
		return nil, bodyFault(err)
	}
	return body, nil
}

// ParseForm reads a urlencoded body of at most maxBytes into r.PostForm and
// r.Form. A longer body is TooLarge; another media type, broken encoding, or
// text that no database stores (invalid UTF-8, the zero byte) is Invalid.
func ParseForm(r *http.Request, maxBytes int64) error {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		return fault.New(fault.Invalid, CodeUnsupportedMediaType, "This address takes an ordinary form.")
	}
	r.Body = http.MaxBytesReader(nil, r.Body, maxBytes)
	if err := r.ParseForm(); err != nil {
		return formFault(err)
	}
	if !cleanValues(r.Form) {
		return malformedForm(nil)
	}
	return nil
}

// ValidURL refuses addresses with text that no database stores: invalid UTF-8
// and the zero byte. Nobody sends them by accident, and everything behind may
// then rely on it.
func ValidURL(onError ErrorFunc) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !cleanText(r.URL.Path) || !cleanValues(r.URL.Query()) {
				f := fault.New(fault.Invalid, "malformed_address", "This address contains characters that are not text.")
				answer(record(w), r, f, onError)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

func formFault(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return bodyFault(err)
	}
	if _, ok := errors.AsType[url.EscapeError](err); ok {
		return malformedForm(nil) // the error quotes what was typed
	}
	return malformedForm(err)
}

func malformedForm(cause error) *fault.Error {
	return fault.Wrap(fault.Invalid, "malformed_form", "The form could not be read.", cause).
		WithNext("Reload the page and send the form again.")
}

func bodyFault(err error) *fault.Error {
	if tooLong, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(tooLong.Limit)
	}
	return fault.Wrap(fault.Invalid, "unreadable_body", "The request broke off before its end.", err)
}

func tooLarge(limit int64) *fault.Error {
	return fault.New(fault.TooLarge, "too_large", fmt.Sprintf("The request is larger than %s.", size(limit))).
		WithNext("Send less at once.")
}

func size(n int64) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}

func cleanValues(values url.Values) bool {
	for name, list := range values {
		if !cleanText(name) {
			return false
		}
		for _, v := range list {
			if !cleanText(v) {
				return false
			}
		}
	}
	return true
}

func cleanText(s string) bool {
	return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
}
