// Package mail owns the mails Keyward sends: their words in text and HTML, how
// they are encoded, and how they reach a mail server.
//
// A Composer turns a typed notice into a Message; a Sender delivers a Message.
// The package does not know who should get which mail, mints no links, and does
// not retry: a job does these, and asks Permanent whether a retry makes sense.
// Names and addresses come from outside and are treated as such.
package mail
