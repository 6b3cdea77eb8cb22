// Package license owns the rules of licensing: what a product, a license and
// an activation are, which transitions a license may make, and the one
// function that decides whether a license is good for a purpose.
//
// Everything here is a pure function of values and an instant: no context, no
// SQL, no HTTP, no logging, no clock. Status is derived from facts whenever it
// is asked for and never stored.
package license
