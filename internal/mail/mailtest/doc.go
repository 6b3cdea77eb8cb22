// Package mailtest owns the mail sender of other packages' tests: it keeps
// mails instead of sending them, and fails on request. It does not encode mails;
// how a mail looks on its way is tested in package mail.
package mailtest
