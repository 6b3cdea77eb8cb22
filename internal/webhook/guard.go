package webhook

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// guard decides which addresses may be dialed. It looks at the address that is
// really connected to: a name may lead elsewhere than when it was checked.
type guard struct{ allow []netip.Prefix }

func (g guard) dialer(timeout time.Duration) *net.Dialer {
	return &net.Dialer{Timeout: timeout, Control: g.control}
}

// refused is the error of an address that is not dialed.
type refused struct{ address netip.Addr }

func (r *refused) Error() string {
	return fmt.Sprintf("Its address %s is internal and was not dialed; --webhook-allow permits a network.", r.address)
}

func (g guard) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("address to dial: %w", err)
	}
	a := to.Addr().Unmap().WithZone("")
	if g.allowed(a) || public(a) {
		return nil
	}
	return &refused{a}
}

func (g guard) allowed(a netip.Addr) bool {
	for _, n := range g.allow {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// public reports whether an address is one of the whole internet's.
func public(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, n := range special() {
		if n.Contains(a) {
			return false
		}
	}
	return true
}

// special are the networks that have a meaning of their own besides those that
// netip knows: of carriers, of tests and documentation, and those that carry an
// IPv4 address inside, which would be a way around the rest.
func special() []netip.Prefix {
	var list []netip.Prefix
	for _, n := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fec0::/10",
	} {
		list = append(list, netip.MustParsePrefix(n))
	}
	return list
}
