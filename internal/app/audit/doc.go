// Package audit makes the events of Keyward provable: it seals them into a
// chain of hashes whose end is signed, and verifies that chain (C-AUD-02).
//
// Who can write to the database but does not have the master key cannot change,
// remove or move a sealed event, nor put one between others, without Verify
// telling. The chain alone cannot tell that an event was forged before it was
// sealed, nor that everything behind an older signed end was taken away, as
// restoring a backup does too: compare the end with one noted elsewhere.
//
// The package decides nothing about what becomes an event; how an event is
// hashed is told in package event.
package audit
