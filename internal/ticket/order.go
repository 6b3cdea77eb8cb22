package ticket

// Order is an order of a customer's tickets.
type Order string

// The orders. All are unique: ties are broken by creation.
const (
	ByUpdated Order = "updated"   // the latest changed first
	ByAge     Order = "oldest"    // the longest unchanged first
	ByNeed    Order = "attention" // see Status.Attention; of the same, the latest changed first
)

// Known reports whether o is one of the orders.
func (o Order) Known() bool { return o == ByUpdated || o == ByAge || o == ByNeed }

// Attention says how soon a ticket in this state needs its customer, 1 the
// soonest: first what waits for them, then what they should confirm, then what
// the desk is at, then what is done. The store orders by the same rule.
func (s Status) Attention() int {
	switch s {
	case Waiting:
		return 1
	case Resolved:
		return 2
	case Closed:
		return 4
	}
	return 3
}
