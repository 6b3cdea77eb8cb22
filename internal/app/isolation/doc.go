// Package isolation answers for records that are not there for an actor.
//
// It owns one promise: what belongs to another customer does not exist for
// this one, and that somebody asked for it is logged (P-ISO-03). Every area of
// use cases answers through it, so that all of them say and log the same.
package isolation
