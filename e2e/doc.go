// Package e2e tests the whole program from outside: the built binary, a real
// browser, both databases.
//
// It owns the harness for that and the tests that a customer, an administrator
// and a device would recognize as what they do. It reaches the program through
// its addresses, its commands and the public client only, never through
// internal packages; rules of one package are tested there.
package e2e
