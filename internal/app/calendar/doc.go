// Package calendar holds the use cases about the private calendar of a
// person: an address under which calendar programs read when the licenses of
// a customer end.
//
// The address is the only proof there is, so its token is kept as a hash, can
// be replaced and switched off, and opens nothing but masks and dates.
package calendar
