package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/keyward/keyward/client"
)

// Nodes are servers of one shop behind a balancer.
type Nodes struct {
	shop *Shop

	mu   sync.Mutex
	up   []*program
	at   []*url.URL // nil: it is down
	last int        // that was asked
}

// openNodes starts n servers of a shop.
func openNodes(t *testing.T, s *Shop, n int) *Nodes {
	t.Helper()
	nodes := &Nodes{shop: s, up: make([]*program, n), at: make([]*url.URL, n)}
	for i := range n {
		nodes.start(t, i)
	}
	return nodes
}

func (n *Nodes) start(t *testing.T, i int) {
	t.Helper()
	server, address := n.shop.start(t, "--trusted-proxy", "127.0.0.1/32")
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.up[i], n.at[i] = server, at
}

// kill ends one as a power failure would. What was sent to it has no answer.
func (n *Nodes) kill(t *testing.T, i int) {
	t.Helper()
	n.up[i].kill(t)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.at[i] = nil
}

var errAllDown = errors.New("no node is up")

// next is the node whose turn it is.
func (n *Nodes) next() (*url.URL, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for range n.at {
		n.last = (n.last + 1) % len(n.at)
		if at := n.at[n.last]; at != nil {
			return at, nil
		}
	}
	return nil, errAllDown
}

// behind has a device ask the balancer, from an address of its own.
func (n *Nodes) behind(device int) func(*client.Options) {
	return func(o *client.Options) {
		o.BaseURL = "http://balancer.example"
		o.HTTPClient = &http.Client{Timeout: patience, Transport: balanced{n, fmt.Sprintf("10.0.%d.%d", device/250, device%250+1)}}
	}
}

// balanced asks the nodes in turn on behalf of a device.
type balanced struct {
	nodes   *Nodes
	address string // of the device
}

func (b balanced) RoundTrip(r *http.Request) (*http.Response, error) {
	at, err := b.nodes.next()
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.URL.Host = at.Host
	r.Header.Set("X-Forwarded-For", b.address)
	return http.DefaultTransport.RoundTrip(r)
}
