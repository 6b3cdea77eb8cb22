// Package inbound takes mail for the support desk: a small SMTP server that
// stands behind the vendor's own mail server, and the reading of what comes in.
//
// It answers every acceptable mail the same, whoever sent it: whether an address
// belongs to a customer is not to be found out here. A mail is acknowledged when
// what comes of it is on disk.
package inbound
