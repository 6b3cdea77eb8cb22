// Package repotest tests the repository itself: which package may import
// which, which modules may be used where, that every package says what it is,
// that migrations come in pairs and never change, and a few habits of the code.
//
// Each rule is data with its reason beside it, so that whoever breaks one
// learns why it is there. A rule that turns out wrong is changed here, in the
// same commit as the code that needs it. There is nothing to import.
package repotest
