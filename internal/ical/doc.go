// Package ical writes calendars of all-day events as RFC 5545 wants them:
// escaped, in lines of at most 75 bytes, each ended by CR and LF.
//
// What an event is about is for the caller to say.
package ical
