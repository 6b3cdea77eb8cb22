// Package httpx owns what every door needs of HTTP and what no door should do
// twice: handlers that return errors, request ids, client addresses, the access
// log, recovery, limits, headers, cross-origin checks, and the list of routes
// with the access that each declares.
//
// It knows faults and nothing else of Keyward: no pages, no sign-ins, no
// permissions beyond their names. How an error looks is decided by the door,
// which passes an ErrorFunc.
//
// The middlewares depend on each other's order. From the outside in:
// AssignRequestID, ClientAddr, AccessLog, Recover, SecurityHeaders, then what a
// door adds for itself (ValidURL, CrossOrigin, LimitBody, NoStore), Unmatched
// and the mux.
package httpx
