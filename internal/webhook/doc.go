// Package webhook tells the vendor's own systems what happened: it makes a
// delivery of each sealed event for every webhook that wants to hear of it, and
// sends what is due.
//
// Deliveries are made in the transaction that moves the cursor, so that none is
// lost or made twice. Sending is at least once and in no promised order:
// receivers tell repetitions by the id of the delivery. Each webhook has a turn
// of its own, so that one whose address does not answer holds up no other, and
// neither do mails wait behind it.
//
// Messages are signed by the Standard Webhooks scheme. Addresses inside a
// network are refused when they are dialed, unless the operator allows them.
package webhook
