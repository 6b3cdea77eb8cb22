// Package fault owns the one shape in which Keyward says that something went
// wrong: a kind that every door can translate, a stable code for programs, a
// sentence that is safe to show to a person, the inputs that are wrong, what to
// do next, and a private cause for the log.
//
// It does not know HTTP, logging or any door: who answers decides how a fault
// looks, and who logs decides how loudly. Refused licenses are not faults; they
// are verdicts.
package fault
