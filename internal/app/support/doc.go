// Package support is the use cases of support tickets: customers ask and
// answer, staff answer, note, assign, close and merge, mails come in, and
// resolved tickets close themselves.
//
// A customer reaches the tickets of their own customer only; somebody else's is
// not found. License keys in texts are recognized when they are the customer's
// own: the ticket then keeps how that license stood, and the text its mask.
// About any other key nothing is said.
package support
