package mailbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

const (
	maxClients  = 16              // connections served at the same time
	sessionTime = 2 * time.Minute // a connection ends after this, idle or not
)

// Listen opens address, which must name a loopback interface: "127.0.0.1:0",
// "[::1]:1025" or "localhost:1025". Anything else is refused before it is
// opened, because everyone who can reach a mailbox can use the links in it.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("mailbox address %q: write it as 127.0.0.1:PORT: %w", address, err)
	}
	if !loopbackName(host) {
		return nil, fmt.Errorf("mailbox address %q is not on loopback: use 127.0.0.1:PORT", address)
	}
	var config net.ListenConfig
	ln, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("open mailbox address: %w", err)
	}
	if !loopback(ln.Addr()) { // a name such as localhost can point elsewhere
		return nil, errors.Join(fmt.Errorf("mailbox address %q is not on loopback", ln.Addr()), ln.Close())
	}
	return ln, nil
}

// ServeSMTP receives mail on ln until ctx ends, then closes ln, ends the open
// connections and returns nil. It refuses a listener that is not on loopback,
// and drops clients that are not. A mail is kept before it is acknowledged.
func (b *Box) ServeSMTP(ctx context.Context, ln net.Listener) error {
	if !loopback(ln.Addr()) {
		return errors.Join(fmt.Errorf("mailbox address %v is not on loopback", ln.Addr()), ln.Close())
	}
	ctx, stop := context.WithCancel(ctx)
	var clients sync.WaitGroup
	defer clients.Wait()
	defer stop()
	context.AfterFunc(ctx, func() { ln.Close() })
	free := make(chan struct{}, maxClients)
	for {
		conn, err := ln.Accept()
		if err != nil {
			return endOfService(ctx, err)
		}
		free <- struct{}{}
		clients.Go(func() {
			defer func() { <-free }()
			b.serve(ctx, conn)
		})
	}
}

func endOfService(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("accept mailbox connection: %w", err)
}

// serve talks to one client. The context is its deadline: when it ends, the
// connection closes, whatever the client is doing.
func (b *Box) serve(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	if !loopback(conn.RemoteAddr()) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, sessionTime)
	defer cancel()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	b.converse(conn)
}

// loopback reports whether an address is on this machine only.
func loopback(address net.Addr) bool {
	tcp, ok := address.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// loopbackName is the same for a host as people write it.
func loopbackName(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
