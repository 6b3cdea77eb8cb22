// Package due decides which mails about licenses are due, and to whom.
//
// It reads the sealed events behind a cursor and leaves the jobs that package
// notice does, in the transaction that moves the cursor: each event makes its
// mails once. What ends is nobody's deed, so a sweep looks for it: it reminds
// people before a license ends, and appends the event of the end.
//
// People of a customer who may manage its licenses are told. Much that happens
// at once comes together in one mail.
package due
