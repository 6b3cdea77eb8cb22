// Package demo makes an installation worth looking at: a vendor with products,
// customers in every situation, and devices that keep checking in.
//
// It does what a vendor, its customers and their devices do, by the same use
// cases and over the same doors, and reaches into no table. Every license has a
// story of steps in the past; the steps of all stories run in the order of
// their instants, so that the history reads as if it had happened. It listens
// on loopback only, because its passwords are printed.
package demo
