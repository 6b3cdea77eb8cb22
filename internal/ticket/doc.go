// Package ticket holds the rules of support tickets: their states and who may
// move them, how soon an answer is owed, how long a ticket can be reopened, and
// which files may be attached. Values and an instant in, a decision out.
package ticket
