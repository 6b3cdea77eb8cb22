package server

import (
	"context"
	"crypto/tls"
	"sync"

	"github.com/keyward/keyward/internal/app/support"
	"github.com/keyward/keyward/internal/config"
	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/inbound"
	"github.com/keyward/keyward/internal/ticket"
)

// deskSettings reads the settings of the support desk.
func deskSettings(c *config.Support) (support.Settings, error) {
	if c == nil {
		return support.Settings{}, nil
	}
	s := support.Settings{Off: !c.Tickets, NoFiles: !c.TicketFiles, NoReopen: !c.TicketReopen, MailDomain: c.InboundDomain}
	for _, label := range c.TicketCategory {
		category, err := ticket.CategoryOf(label)
		if err != nil {
			return s, fault.Wrap(fault.Invalid, "setting", "ticket-category: "+err.Error(), err)
		}
		s.Categories = append(s.Categories, category)
	}
	if c.SupportHours == "" {
		return s, nil
	}
	var err error
	if s.Hours, err = ticket.ParseHours(c.SupportHours, c.SupportZone); err != nil {
		return s, fault.Wrap(fault.Invalid, "setting", "support-hours: "+err.Error(), err)
	}
	return s, nil
}

// takeMail begins to take mail for the support desk, where that is wanted. It
// ends with ctx; wait returns when it has.
func (s *Server) takeMail(ctx context.Context) (wait func(), err error) {
	if s.config.InboundSMTP == "" || !s.Support.On() {
		return func() {}, nil
	}
	deps := inbound.Deps{Desk: s.Support, Domain: s.config.InboundDomain, Now: s.now, Log: s.log}
	if s.config.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(s.config.TLSCert, s.config.TLSKey)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, "tls_files", "The certificate cannot be used.", err)
		}
		deps.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	ln, err := Listen(ctx, s.config.InboundSMTP)
	if err != nil {
		return nil, fault.From(err).WithNext("Stop what uses that address, or choose another with --inbound-smtp HOST:PORT.")
	}
	s.log.InfoContext(ctx, "taking mail", "address", ln.Addr().String(), "domain", s.config.InboundDomain)
	var running sync.WaitGroup
	running.Go(func() {
		if err := inbound.New(deps).Serve(ctx, ln); err != nil {
			s.log.ErrorContext(ctx, "no more mail is taken", "error", err)
		}
	})
	return running.Wait, nil
}
