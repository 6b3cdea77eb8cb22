//go:build !unix

package pgtest

import (
	"context"
	"fmt"
)

// Server is a running PostgreSQL. This system cannot start one.
type Server struct {
	// URL names a database whose user may create others.
	URL string
}

// Start says how to use a server that already runs: stopping one reliably
// needs process groups and users as Unix has them.
func Start(context.Context) (*Server, error) {
	return nil, fmt.Errorf("no server is started on this system: %w", ErrMissing)
}

// Close does nothing.
func (s *Server) Close() error { return nil }
