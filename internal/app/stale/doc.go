// Package stale refuses a change that was decided on another version of a
// record than the one there is.
//
// It owns the way from a request, which names the version in If-Match, to the
// use case, which looks at it under the record's lock. A change without one is
// made to whatever there is: people at a form see what they change.
package stale
