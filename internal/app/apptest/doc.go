// Package apptest gives the tests of use cases a Keyward to work with: a real
// store, a master key, a clock that the test moves, and products, customers
// and licenses in a line each.
//
// It knows nothing about doors, and is imported by tests only.
package apptest
