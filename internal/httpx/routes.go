package httpx

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/keyward/keyward/internal/fault"
)

// Access says who may use a route. The zero value says nothing and is refused.
type Access string

const (
	// Public routes answer anybody.
	Public Access = "public"
	// SignedIn routes answer whoever has proved who they are to this door.
	SignedIn Access = "signed_in"

	permissionPrefix = "permission:"
)

// Permission is the access of a route for those with the named permission.
func Permission(name string) Access { return Access(permissionPrefix + name) }

// Permission returns the name of the permission that a asks for, if it asks for
// one.
func (a Access) Permission() (name string, ok bool) {
	return strings.CutPrefix(string(a), permissionPrefix)
}

func (a Access) declared() bool {
	name, ok := a.Permission()
	return a == Public || a == SignedIn || ok && name != ""
}

// Route is one entry in a door's list: a ServeMux pattern, who may use it, and
// what answers.
type Route struct {
	Pattern string
	Access  Access
	Handler Handler
}

// Routes is everything a door answers, in one list that tests can read.
type Routes []Route

// Mount adds routes to mux. The door's wrap turns each into an http.Handler and
// is where Access is enforced. A route that does not declare its access or has
// no handler panics: the program must not start with it.
func Mount(mux *http.ServeMux, routes Routes, wrap func(Route) http.Handler) {
	for _, route := range routes {
		if !route.Access.declared() {
			panic(fmt.Sprintf("httpx: route %q does not declare who may use it", route.Pattern))
		}
		if route.Handler == nil {
			panic(fmt.Sprintf("httpx: route %q has no handler", route.Pattern))
		}
		mux.Handle(route.Pattern, noted(wrap(route)))
	}
}

// noted tells the access log which route it was before anything can refuse it.
func noted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		notePattern(r)
		next.ServeHTTP(w, r)
	})
}

// Unmatched serves mux, and answers through onError where mux would answer in
// plain text of its own: no such page, or not with this method.
func Unmatched(mux *http.ServeMux, onError ErrorFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fallback, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		probe := &discard{header: http.Header{}}
		fallback.ServeHTTP(probe, r)
		switch {
		case probe.status == http.StatusMethodNotAllowed:
			w.Header().Set("Allow", probe.header.Get("Allow"))
			f := fault.New(fault.Invalid, CodeMethodNotAllowed, "This address does not take this kind of request.")
			answer(record(w), r, f, onError)
		case probe.status == http.StatusNotFound:
			answer(record(w), r, fault.Missing("page"), onError)
		default: // a redirect to the canonical path
			mux.ServeHTTP(w, r)
		}
	})
}

// discard learns what a handler would answer.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
