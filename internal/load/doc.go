// Package load measures Keyward as it is shipped: it starts the built program on
// records that it prepares, asks it from other processes as devices and browsers
// do, and prints rates beside those of the least that could be done, or of the
// same work on fewer records. Numbers of one run compare; those of two runs, or
// of two machines, do not.
//
// It sends requests to the program that it started and to nobody else.
package load
