// Package portal is the customer portal: its addresses, its pages and their
// words. A customer finds every license here, sees whether and why it works,
// copies its key and frees seats.
//
// A handler reads the request, calls one use case and renders one typed page
// struct; it decides nothing. The rules live in packages license and account,
// the use cases in app, how pages look in ui. The package never sees the
// store's connection, and no other door.
package portal
