// Package notice does the jobs that send mail: to whom, with what in it, and
// whether to try again.
//
// It works from ids alone. The person is read, and a one-time link minted, when
// the mail is sent, so that neither an address nor a link ever waits in a job.
// The words of the mails and the way to the mail server belong to package mail;
// when which mail is due is decided where its job is left.
package notice
