package license

// Owned is a license as its owner's lists show it.
type Owned struct {
	License     License
	ProductName string
	Used        int // seats held
	Reserved    int // seats kept for devices that replace others
}

// Taken is how many seats no other device can have.
func (o Owned) Taken() int { return o.Used + o.Reserved }

// Order is an order of a customer's licenses.
type Order string

// The orders. All are unique: ties are broken by creation.
const (
	ByAssigned Order = "assigned"
	ByProduct  Order = "product"
	ByStatus   Order = "status"
	ByExpiry   Order = "expiry"
	ByNeed     Order = "attention" // see Attention; of the same, what ends first
)

// Known reports whether o is one of the orders.
func (o Order) Known() bool {
	return o == ByAssigned || o == ByProduct || o == ByStatus || o == ByExpiry || o == ByNeed
}
