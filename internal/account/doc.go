// Package account owns the rules about who may do what: customers and the
// people who sign in for them, administrators with their roles, API tokens,
// sessions, and how passwords are hashed and judged.
//
// Like package license it is made of values and pure functions: no context
// beyond the wait for a hashing slot, no SQL, no HTTP, no logging.
package account
