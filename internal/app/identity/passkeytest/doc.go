// Package passkeytest is an authenticator without a browser: tests hand it what
// a portal asks, and hand back what it answers.
package passkeytest
