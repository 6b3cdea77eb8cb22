// Package webhooks is the use cases about addresses of the vendor's that hear
// of events: adding one with its secret, removing it, looking at what was
// delivered and having it delivered again.
//
// Nothing is sent here. What is to be delivered waits in the store, and package
// webhook, which also makes a delivery of each event, sends it.
package webhooks
