// Package cli is the command line: it reads flags and KEYWARD_ variables, calls
// a use case and prints what came of it. It decides nothing.
//
// Results go to standard output, everything else to standard error. Passwords
// are read from standard input, never from arguments, which every user of the
// machine can see; a license key can be, with "-" in its place.
package cli
