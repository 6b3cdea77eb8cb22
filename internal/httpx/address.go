package httpx

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// maxHops bounds how far a forwarding header is followed. No real chain of
// trusted proxies is nearly as long.
const maxHops = 32

type addrKey struct{}

// ClientAddr finds the address of the client. X-Forwarded-For is read from its
// right end and only as far as the addresses are trusted proxies; the first
// untrusted address is the client, and what stands left of it is hearsay.
func ClientAddr(trusted []netip.Prefix) Middleware {
	proxies := make([]netip.Prefix, 0, len(trusted))
	for _, p := range trusted {
		proxies = append(proxies, unmapPrefix(p))
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			addr := clientAddr(r, proxies)
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), addrKey{}, addr)))
		})
	}
}

// Addr returns the client's address for the request that ctx belongs to. It is
// the zero Addr when unknown, as with a request over a local socket. IPv4
// addresses are never in their IPv6 form.
func Addr(ctx context.Context) netip.Addr {
	addr, _ := ctx.Value(addrKey{}).(netip.Addr)
	return addr
}

func clientAddr(r *http.Request, proxies []netip.Prefix) netip.Addr {
	addr := parseHop(r.RemoteAddr)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for range maxHops {
		if !contains(proxies, addr) || len(hops) == 0 {
			return addr
		}
		hop := parseHop(hops[len(hops)-1])
		if !hop.IsValid() {
			return addr
		}
		addr, hops = hop, hops[:len(hops)-1]
	}
	return addr
}

// parseHop reads an address with or without a port; anything else is the zero
// Addr.
func parseHop(s string) netip.Addr {
	s = strings.TrimSpace(s)
	if withPort, err := netip.ParseAddrPort(s); err == nil {
		return plain(withPort.Addr())
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	if err != nil {
		return netip.Addr{}
	}
	return plain(addr)
}

// plain gives an address its one form, so that it compares and counts alike
// however it was written.
func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

func unmapPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}

func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(addr) })
}
