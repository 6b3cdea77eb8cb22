// Package export writes down, for a person, what is kept about them and about
// the customer they are signed in for.
//
// It writes as it reads, in pages, so that ten thousand licenses neither fill
// the memory nor hold a moment of the database while a slow reader loads.
// Keys are masked, and what is the vendor's alone stays with the vendor.
package export
