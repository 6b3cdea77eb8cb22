// Package mailbox owns the demo's mailbox: a small SMTP receiver and a page
// that shows the mails Keyward sent, so that a newcomer and the tests can follow
// an invitation without a mail server.
//
// It listens on loopback, answers loopback, and keeps the latest mails in memory
// until the process ends. It is no mail server: it relays nothing, signs nobody
// in, speaks no TLS and stores nothing on disk. It knows nothing of the mails it
// receives; what Keyward sends, and how, belongs to package mail.
package mailbox
